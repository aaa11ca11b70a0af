"""What is said of a cue beside its verdict: where the music comes from, who hears it, what it does.

Origin and diegesis are independent: a song may be heard by nobody in the story, and score may come from a radio. Files
of earlier versions had one column ``usage`` (score, song, diegetic) instead; it says one of the two and is read so,
nothing is guessed for the other.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.artefacts import TextError, read_text
from filmlens.corpus import CorpusError
from filmlens.text import clean

#: Where the music comes from. A temp track is not in a finished film, and so only a remark.
ORIGINS = ("score", "song", "library", "tracked from another score", "unidentified")
#: Whether the people of the story hear it (non-diegetic: underscore; diegetic: source music).
DIEGESES = (
    "non-diegetic",
    "diegetic",
    "metadiegetic",
    "source scoring",
    "trans-diegetic: diegetic to non-diegetic",
    "trans-diegetic: non-diegetic to diegetic",
    "ambiguous",
    "unsure",
)
#: What the music does, where a corpus has no ``verdicts/labels.csv`` of its own.
FUNCTIONS = (
    "main title",
    "underscore",
    "leitmotif",
    "stinger",
    "button",
    "bridge",
    "montage",
    "mickey-mousing",
    "end credits",
)
#: Columns of the file; texts that are free but for the first two. Several functions stand between "|".
FIELDS = ("origin", "diegesis", "function", "number", "segue", "in_on", "out_on", "hits")

_MIGRATED = {"score": ("origin", "score"), "song": ("origin", "song"), "diegetic": ("diegesis", "diegetic")}


def migrated(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A file's texts with ``usage`` as origin or diegesis, where that is not stated; `CorpusError` for any other."""
    if "usage" not in table:
        return table
    refuse_strange(table, path, "usage", _MIGRATED)
    table = table.copy()
    for usage, (column, value) in _MIGRATED.items():
        if column not in table:
            table[column] = ""
        table.loc[(table["usage"] == usage) & (table[column] == ""), column] = value
    return table.drop(columns="usage")


def refuse_strange(table: pd.DataFrame, path: Path, column: str, known: Collection[str]) -> None:
    """Raise `CorpusError` for the first text of a column that is neither empty nor known."""
    wrong = np.flatnonzero(~table[column].isin({"", *known}))
    if len(wrong):
        said = f"{column} {table[column].iloc[wrong[0]]!r} is none of {', '.join(sorted(known))}"
        raise CorpusError(f"{path} row {wrong[0] + 2}: {said}")


def usage(fields: Mapping[str, str]) -> str:
    """Score, song or diegetic, as sheets are divided by it; empty when nothing is stated.

    >>> usage({"origin": "song", "diegesis": ""}), usage({"origin": "song", "diegesis": "diegetic"})
    ('song', 'diegetic')
    >>> usage({"origin": "library", "diegesis": ""}), usage({"origin": "", "diegesis": "unsure"})
    ('score', '')
    """
    if fields["diegesis"] == "diegetic":
        return "diegetic"
    return {"": "", "song": "song"}.get(fields["origin"], "score")


def labels(folder: Path) -> list[str]:
    """Functions to choose from: the column ``function`` of ``labels.csv`` in the folder of verdicts, else the house's.

    Raises `CorpusError` when the file cannot be understood.
    """
    path = folder / "labels.csv"
    if not path.is_file():
        return list(FUNCTIONS)
    try:
        lines = [clean(line).strip().strip('"') for line in read_text(path).splitlines()]
    except TextError as error:
        raise CorpusError(str(error)) from None
    if not lines or lines[0] != "function":
        raise CorpusError(f"{path} row 1: the header must be function; then one label a line")
    bad = next((row for row, line in enumerate(lines[1:], start=2) if "|" in line), None)
    if bad:
        raise CorpusError(f"{path} row {bad}: a label has no |, which stands between the labels of a cue")
    return list(dict.fromkeys(line for line in lines[1:] if line))
