"""Statistics that know nothing of films' media: scores, the bootstrap over films, permutations."""
