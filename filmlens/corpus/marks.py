"""Cuts and speech of a film, from optional files of the user.

``cuts/<film_id>.csv`` has a column ``time`` (seconds or h:mm:ss). ``speech/<film_id>`` is a subtitle file (``.srt`` or
``.vtt``), or a ``.csv`` with the columns start and end.
"""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.artefacts import TextError, read_text
from filmlens.corpus.annotations import CorpusError, parse_time
from filmlens.corpus.films import Film

_SUBTITLE = re.compile(r"^\s*([\d:.,]+)\s+-->\s+([\d:.,]+)")


def cuts(film: Film) -> np.ndarray | None:
    """Seconds of the film's cuts, in order; None without a file. CorpusError names file and row."""
    path = film.folder / "cuts" / f"{film.id}.csv"
    return np.sort(_columns(path, ["time"])[:, 0]) if path.is_file() else None


def speech(film: Film) -> np.ndarray | None:
    """Spans in which someone speaks, (n, 2) seconds, which may overlap; None without a file. Errors as for `cuts`."""
    for ending in (".srt", ".vtt", ".csv"):
        path = film.folder / "speech" / f"{film.id}{ending}"
        if path.is_file():
            return _columns(path, ["start", "end"]) if ending == ".csv" else _subtitles(path)
    return None


def _subtitles(path: Path) -> np.ndarray:
    lines = enumerate(map(_SUBTITLE.match, _text(path).splitlines()), start=1)
    rows = [[_time(path, number, given) for given in found.groups()] for number, found in lines if found]
    return np.array(rows, float).reshape(-1, 2)


def _columns(path: Path, names: list[str]) -> np.ndarray:
    text = _text(path)
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise CorpusError(f"{path}: cannot be read as comma-separated text ({error})") from None
    if missing := [name for name in names if name not in table.columns]:
        raise CorpusError(f"{path} row 1: the header lacks {', '.join(missing)}; it must name {', '.join(names)}")
    rows = [[_time(path, row, line[n]) for n in names] for row, line in enumerate(table.to_dict("records"), start=2)]
    return np.array(rows, float).reshape(-1, len(names))


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except TextError as error:
        raise CorpusError(str(error)) from None


def _time(path: Path, row: int, given: str) -> float:
    try:
        return parse_time(given)
    except ValueError as error:
        raise CorpusError(f"{path} row {row}: {error}") from None
