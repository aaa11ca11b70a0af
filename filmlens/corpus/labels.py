"""Genres as people write them: several in a cell, capitals, hyphens, slips of the pen."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable

from filmlens.look import GENRES

#: Labels whose spelling is settled: the paper's, then IMDb's.
SETTLED = (
    *GENRES,
    *("Adventure", "Animation", "Biography", "Crime", "Documentary", "Family", "Fantasy", "Film-Noir", "History"),
    *("Music", "Musical", "Mystery", "News", "Short", "Sport", "Thriller", "War", "Western"),
)
_LABEL = re.compile(r"\w[\w &'’.+-]*")
_FEW = 2  # films; a label of so few that looks like a settled one may be a slip


def key(label: str) -> str:
    """What two spellings of one label share.

    >>> key("sci fi") == key("Sci-Fi"), key("Film noir") == key("Film-Noir"), key("Science Fiction") == key("Sci-Fi")
    (True, True, True)
    """
    letters = "".join(c for c in label.casefold() if c.isalnum())
    return "scifi" if letters == "sciencefiction" else letters or label


_SETTLED = {key(label): label for label in SETTLED}


def parted(cell: str) -> list[str]:
    """Labels of a cell, separated by ``|``; without it, by commas, slashes or semicolons.

    >>> parted("Action|Sci-Fi"), parted("Action, Sci-Fi"), parted("Drama; Romance"), parted("</b>")
    (['Action', 'Sci-Fi'], ['Action', 'Sci-Fi'], ['Drama', 'Romance'], ['</b>'])
    """
    parts = [part.strip() for part in cell.split("|") if part.strip()]
    if "|" in cell or not parts:
        return parts
    finer = [part.strip() for part in re.split("[,;/]", cell) if part.strip()]
    return finer if all(map(_LABEL.fullmatch, finer)) else parts


def spellings(labels: Iterable[str]) -> dict[str, str]:
    """The spelling that counts for every label as written: the standard one, else the most common one in this table.

    >>> spellings(["comedy", "Heist", "heist", "Heist"])
    {'comedy': 'Comedy', 'Heist': 'Heist', 'heist': 'Heist'}
    """
    counts = Counter(labels)
    best: dict[str, str] = {}
    for label in counts:
        ours = best.setdefault(key(label), label)
        if counts[label] > counts[ours]:
            best[key(label)] = label
    return {label: _SETTLED.get(key(label), best[key(label)]) for label in counts}


def doubtful(counts: Counter[str]) -> dict[str, str]:
    """Labels that look misspelt, and what may be meant; `counts` are films by label, as `spellings` gives them."""
    found = {}
    for label, films in counts.items():
        if key(label) in _SETTLED:
            continue
        others = {key(o): o for o, n in counts.items() if o != label and n > films}
        others |= _SETTLED if films <= _FEW else {}
        if near := difflib.get_close_matches(key(label), others, 1, 0.8):
            found[label] = others[near[0]]
    return found
