"""What is written behind a command: names with commas between them, films, parameters of a notebook."""

import typer


def names(text: str) -> list[str]:
    """Names with commas between them.

    >>> names(" 03, 04,")
    ['03', '04']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def films_of(corpus, films: str) -> list[str]:
    """The films that are named, all when none is; a name that films.csv does not have is a mistake."""
    chosen = names(films) or corpus.ids
    unknown = [name for name in chosen if name not in corpus.ids]
    if unknown:
        raise ValueError(f"no film {', '.join(unknown)} in films.csv; it has {', '.join(corpus.ids)}")
    return chosen


def setting(text: str) -> tuple[str, object]:
    """A parameter from the command line: NAME=VALUE, as text; the run reads it as the notebook's default is.

    >>> setting("film=1917")
    ('film', '1917')
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE")
    return name, value


def joined(arguments: list[str]) -> list[str]:
    """``-p name value``, as papermill writes it, as ``-p name=value``; ``--films a b`` as ``--films a,b``.

    >>> joined(["run", "c", "-p", "seed", "3", "-p", "sound=film"])
    ['run', 'c', '-p', 'seed=3', '-p', 'sound=film']
    >>> joined(["stamp", "c", "--films", "up", "jaws", "--jobs", "2"])
    ['stamp', 'c', '--films', 'up,jaws', '--jobs', '2']
    """
    found, rest = [], list(arguments)
    while rest:
        word = rest.pop(0)
        found.append(word)
        if word == "-p" and rest:
            name = rest.pop(0)
            found.append(f"{name}={rest.pop(0)}" if "=" not in name and rest else name)
        elif word == "--films":
            ids = []
            while rest and not rest[0].startswith("-"):
                ids.append(rest.pop(0))
            found.append(",".join(ids))
    return found
