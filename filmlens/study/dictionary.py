"""What every column of every table means: unit and one sentence, from the reader's names and the feature sets."""

import re

import pandas as pd

from filmlens import names
from filmlens.artefacts import KEYS
from filmlens.features import FEATURES, mir, released
from filmlens.features.mir.columns import STATISTICS, dimensions

#: What the kinds of a column's values (those of numpy) are called; all others are text.
_KINDS = {"b": "true or false", "i": "integer", "u": "integer", "f": "number"}
#: Columns that mean something of their own in one table: unit, meaning.
COLUMNS = {
    "visual/time": ("s", "moment of the picture on the film's clock"),
    "windows/time": ("s", "begin of the window on the film's clock"),
    "windows/track": ("", "the track that the window names; empty for none"),
    "windows/offset": ("s", "place in the track at the window's begin"),
    "windows/counted": ("", "whether the window became part of a cue"),
    "windows/z": ("SD", "evidence for the track above chance (engine filmlens)"),
    "windows/hashes": ("", "hashes of the window (engine dejavu)"),
    "windows/matched": ("", "hashes of the window that the track has at any place (engine dejavu)"),
    "windows/input_confidence": ("0-1", "aligned hashes divided by the window's (engine dejavu)"),
    "segments/segment": ("", "number of the piece in its cue, from 0"),
    "segments/start": ("s", "begin of the piece on the film's clock"),
    "segments/end": ("s", "end of the piece on the film's clock"),
    "segments/track_start": ("s", "place in the track that sounds at the piece's start"),
    "segments/speed": ("", "seconds of track in a second of film, in this piece"),
}


def describe(table: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """The data dictionary of a table: table, column, name (what pages call it), type, unit, meaning; a row per column.

    `name` is the stage it comes from, where a column means something of its own.

    >>> describe(pd.DataFrame({"start": [1.0], "mfcc_03_std": [0.5]}), "cues")["meaning"].tolist()
    ["begin of the cue on the film's clock", 'MFCC, ranks 0-13 (03): SD over windows of 5 s; group MFCC']
    """
    rows = [
        (name, column, names.reader_name(column), _KINDS.get(dtype.kind, "text"), *meaning(column, name))
        for column, dtype in zip(map(str, table.columns), table.dtypes, strict=True)
    ]
    return pd.DataFrame(rows, columns=["table", "column", "name", "type", "unit", "meaning"])


def meaning(column: str, table: str = "") -> tuple[str, str]:
    """Unit and meaning of one column; of a column that FilmLens does not make, where it comes from."""
    if table.partition("@")[0].removesuffix("-cues") == "mir-released" and column not in KEYS:
        return "", released.meaning(column)
    kind = "segments" if table.partition("@")[0].endswith("segments") else table.partition("@")[0]
    known = COLUMNS.get(f"{kind}/{column}") or _MUSIC.get(column)
    if known:
        return known
    for row in FEATURES.values():
        if row.meaning and column in row.column_names():
            return "", row.meaning.format(column.rpartition("_")[2])
    name = names.look_up(column)
    if name and name.sentence:
        return name.unit, name.sentence
    return "", "further column of films.csv" if table == "" else "see the version of FilmLens in provenance.json"


def descriptor_lines() -> list[str]:
    """The table of descriptors in docs/features.md, in Markdown."""
    lines = ["| name | what it is | group of Fig 3 | dimensions | frame (s) | hop (s) | definition |"]
    lines += ["|---|---|---|---:|---:|---:|---|"]
    for d in mir.DESCRIPTORS:
        cells = (d.descriptor, d.title, d.group, d.dimensions, f"{d.frame:g}", f"{d.hop:g}", d.source)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def _music() -> dict[str, tuple[str, str]]:
    found = {}
    for d in mir.DESCRIPTORS:
        unit = re.search(r"\((Hz|BPM|1/s)\)", d.title)
        for name in dimensions(d):
            place = f" ({name[-2:]})" if d.dimensions > 1 else ""
            for statistic in STATISTICS:
                word = {"mean": "mean", "std": "SD"}[statistic]
                text = f"{d.title}{place}: {word} over windows of 5 s; group {d.group}"
                found[f"{name}_{statistic}"] = (unit.group(1) if unit else "", text)
    return found


_MUSIC = _music()
