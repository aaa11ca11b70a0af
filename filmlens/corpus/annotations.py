"""Cue tables as people write them down: the one reader, for annotations, imports and the widget."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.corpus.sheets import CorpusError, decode
from filmlens.text import clean, from_cell


def read_cues(path: str | Path, *, problems: list[str] | None = None) -> pd.DataFrame:
    """Cues from a CSV (start,end,track[,track_start][,usage]) or from Audacity labels, told apart by their first line.

    Parameters
    ----------
    path : path
    problems : list of str, optional
        Is given what is wrong with single lines, with their number; these are left out then, and the others are kept.

    Returns
    -------
    DataFrame
        start, end (and track_start, NaN where empty) in s, track and any further column as text; by start. The index
        is the line in the file.

    Raises
    ------
    CorpusError
        Names file and row.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from None
    return parse_cues(decode(path, data)[0], name=str(path), problems=problems)


def parse_cues(text: str, *, name: str, problems: list[str] | None = None) -> pd.DataFrame:
    """As `read_cues`, from the text of a file; `name` is for messages."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("\\")), "")
    found: list[str] = []
    try:
        labels = "\t" in first and first.strip()[0].isdigit()
        rows = dict(_labels(text, found) if labels else _table(text))
    except (ValueError, csv.Error) as error:
        raise CorpusError(f"{name} {error}") from None
    kept = {row: cells for row, cells in ((row, _timed(row, cells, found)) for row, cells in rows.items()) if cells}
    if found and (problems is None or not kept):
        raise CorpusError(f"{name} {min(found, key=_row_of)}")
    if problems is not None:
        problems += [f"{name} {fault}" for fault in sorted(found, key=_row_of)]
    table = pd.DataFrame.from_dict(kept, orient="index")
    if table.empty:
        table = pd.DataFrame(columns=["start", "end", "track"], index=pd.Index([], dtype="int64"))
    times = {c: float for c in ("start", "end", "track_start") if c in table}
    return table.astype(times).sort_values("start", kind="stable")


def _row_of(fault: str) -> int:
    return int(fault.split()[1].rstrip(":"))


def _timed(row: int, cells: dict[str, str], found: list[str]) -> dict[str, str | float] | None:
    """A row with its times as seconds; None, and what is wrong in `found`, where it is no cue."""
    timed: dict[str, str | float] = {**cells, "track": unicodedata.normalize("NFC", cells["track"])}
    for column in ("start", "end", "track_start"):
        if column not in cells:
            continue
        try:
            empty = column == "track_start" and not cells[column].strip()
            timed[column] = np.nan if empty else parse_time(cells[column])
        except ValueError as error:
            found.append(f"row {row}: {column} {error}")
            return None
    if timed["end"] == timed["start"]:
        found.append(f"row {row}: the cue has no length; end it after its start")
    elif timed["end"] < timed["start"]:
        found.append(f"row {row}: the cue ends before it starts; exchange start and end")
    return timed if timed["end"] > timed["start"] else None


def _labels(text: str, found: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of Audacity's labels: start, end and name between tabs, as they stand; its lines of frequencies go."""
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        cells = line.split("\t", 2)
        if len(cells) < 3:
            found.append(f"row {row}: not a label; write start, end and track between tabs")
            continue
        yield row, dict(zip(("start", "end", "track"), (clean(c).strip() for c in cells), strict=True))


def _table(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of comma-separated text with a header; empty cells behind the last column are passed over."""
    first = text.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    mark = max(",;\t", key=first.count)  # spreadsheets of countries with decimal commas write semicolons
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, delimiter=mark)
    header = [from_cell(cell).strip() for cell in next(reader, ["start", "end", "track"])]
    missing = [c for c in ("start", "end", "track") if c not in header]
    if missing:
        raise ValueError(f"row 1: the header lacks {', '.join(missing)}; it must name start,end,track")
    row = reader.line_num + 1
    for cells in reader:
        if any(cells[len(header) :]):
            raise ValueError(f"row {row}: {len(cells)} cells under {len(header)} columns; quote a cell with a comma")
        if any(cells):
            if len(cells) <= max(header.index(c) for c in ("start", "end", "track")):
                raise ValueError(f"row {row}: {len(cells)} cells, and start, end and track are needed")
            cells = cells[: len(header)] + [""] * (len(header) - len(cells))
            yield row, {k: from_cell(v) for k, v in zip(header, cells, strict=True) if k}
        row = reader.line_num + 1


def parse_time(text: str) -> float:
    """Seconds from seconds or timecode.

    >>> parse_time("1:02:03.5"), parse_time("61.25"), parse_time("0:06,48")
    (3723.5, 61.25, 6.48)
    """
    try:
        parts = [float(p.replace(",", ".")) for p in str(text).strip().split(":")]
        if len(parts) > 3 or min(parts) < 0 or any(p != p or p > 1e7 for p in parts):
            raise ValueError
    except ValueError:
        raise ValueError(f"{text!r} is no time; write seconds or h:mm:ss") from None
    return sum(p * 60**i for i, p in enumerate(reversed(parts)))
