"""What every column of every table means, in one place: unit and one sentence."""

from __future__ import annotations

import re

import pandas as pd

from filmlens.features import mir
from filmlens.features.mir.columns import STATISTICS, dimensions

#: Column -> unit, meaning. A column that means another thing in another table is prefixed by it.
COLUMNS = {
    "film_id": ("", "the film's name in films.csv"),
    "title": ("", "title of the film"),
    "year": ("", "year of the film"),
    "genres": ("", "the film's genres, separated by |"),
    "cue": ("", "number of the cue in its film, from 0, by start"),
    "track": ("", "the soundtrack's track: path in the soundtrack folder without its ending"),
    "start": ("s", "begin of the cue on the film's clock"),
    "end": ("s", "end of the cue on the film's clock"),
    "duration": ("s", "end minus start"),
    "position": ("0-1", "middle of the cue divided by the film's length"),
    "film_seconds": ("s", "length of the film"),
    "track_start": ("s", "place in the track that sounds at the cue's start"),
    "speed": ("", "seconds of track per second of film: 1, or 1.0427 for a PAL transfer"),
    "score": ("", "evidence of the stamper for the cue; higher is surer, comparable within an engine"),
    "aligned": ("", "hashes of the cue that agree on its place (engine dejavu)"),
    "usage": ("", "how the music is used: score, song or diegetic"),
    "time": ("s", "middle of the second on the film's clock"),
    "visual/time": ("s", "moment of the picture on the film's clock"),
    "windows/time": ("s", "begin of the window on the film's clock"),
    "windows/track": ("", "the track that the window names; empty for none"),
    "windows/offset": ("s", "place in the track at the window's begin"),
    "windows/counted": ("", "whether the window became part of a cue"),
    "windows/z": ("SD", "evidence for the track above chance (engine filmlens)"),
    "windows/hashes": ("", "hashes of the window (engine dejavu)"),
    "windows/matched": ("", "hashes of the window that the track has at any place (engine dejavu)"),
    "windows/input_confidence": ("0-1", "aligned hashes divided by the window's (engine dejavu)"),
    "brightness": ("0-1", "mean luma of the picture without its black bars"),
    "contrast": ("0-1", "brightest minus darkest place of the picture, at most 320 pixels wide"),
    "contrast_michelson": ("0-1", "(brightest - darkest) / (brightest + darkest)"),
    "contrast_p95_p5": ("0-1", "95th minus 5th percentile of the luma"),
    "contrast_rms": ("0-1", "standard deviation of the luma"),
    "picture_brightness": ("0-1", "median over the cue of the picture's mean luma without black bars"),
    "picture_contrast": ("0-1", "median over the cue of brightest minus darkest place of the picture"),
    "verdict": ("", "what a listener judged: accept, reject or empty for not judged"),
}
_PATTERNS = (
    (r"genre_(\w+)", "", "whether the film carries the genre ({0})"),
    (r"probability_(\w+)", "0-1", "what the cue alone sounds like ({0}), by the model that never saw its film"),
    (r"attention_(\w+)", "0-1", "share of the film's attention that the cue has for the genre ({0}); sums to 1"),
    (r"vggish_(\d+)", "", "VGGish embedding, dimension {0}"),
)


def describe(table: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """The data dictionary of a table.

    Parameters
    ----------
    table : DataFrame
    name : str
        The stage it comes from, where a column means something of its own.

    Returns
    -------
    DataFrame
        table, column, type, unit, meaning; a row per column.

    >>> describe(pd.DataFrame({"start": [1.0], "mfcc_03_std": [0.5]}), "cues")["meaning"].tolist()
    ["begin of the cue on the film's clock", 'MFCC, ranks 0-13 (03): SD over windows of 5 s; group MFCC']
    """
    rows = [(name, str(c), _kind(table[c]), *meaning(str(c), name)) for c in table.columns]
    return pd.DataFrame(rows, columns=["table", "column", "type", "unit", "meaning"])


def meaning(column: str, table: str = "") -> tuple[str, str]:
    """Unit and meaning of one column; of a column that FilmLens does not make, where it comes from."""
    known = COLUMNS.get(f"{table.partition('@')[0]}/{column}") or COLUMNS.get(column) or _MUSIC.get(column)
    if known:
        return known
    for pattern, unit, text in _PATTERNS:
        found = re.fullmatch(pattern, column)
        if found:
            return unit, text.format(*found.groups())
    return "", "further column of films.csv" if table == "" else "see the version of FilmLens in provenance.json"


def descriptor_lines() -> list[str]:
    """The table of descriptors in docs/features.md, in Markdown.

    >>> descriptor_lines()[2]
    '| mfcc | MFCC, ranks 0-13 | MFCC | 14 | 0.05 | 0.025 | MIRtoolbox 1.8.1 mirmfcc |'
    """
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


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "true or false"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    return "number" if pd.api.types.is_float_dtype(column) else "text"


_MUSIC = _music()
