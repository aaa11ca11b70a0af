"""Tags and learned embeddings of music by the network musicnn: what it hears, its network, its weights, its rows."""
