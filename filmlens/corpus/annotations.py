"""Cue tables as people write them down: the one reader, for annotations, imports and the widget."""

import csv
import io
import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.corpus import cuetexts
from filmlens.corpus.cuetrees import from_json, xml
from filmlens.corpus.sheets import LARGEST, CorpusError, decode
from filmlens.text import from_cell

#: Headers of other programs for ours: TiLiA's hierarchies have start, end and label.
_NAMES = {"start": "start", "end": "end", "track": "track", "label": "track"}
_BINARY = {
    b"ooBinaryFile": "is a binary TextGrid; in Praat, Save as text file",
    b"BZh": "is a session of Sonic Visualiser; there, export the layer of regions (.svl or .csv)",
    b"PK\x03\x04": "is a workbook or an archive; save the cues as CSV UTF-8 with the columns start, end and track",
}


def read_cues(path: str | Path, *, problems: list[str] | None = None) -> pd.DataFrame:
    """Cues from a table with a header, or a file of any kind that annotators' programs write, told by its contents.

    start, end (and track_start, NaN where empty) are in s, track and any further column text; by start. The index is
    the line in the file. What is wrong raises CorpusError with file and row; given `problems`, single wrong lines are
    told there with their number and left out, and the others are kept.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from None
    return parse_cues(data, name=str(path), problems=problems)


def parse_cues(data: bytes, *, name: str, problems: list[str] | None = None) -> pd.DataFrame:
    """As `read_cues`, from the bytes of a file; `name` is for messages."""
    if len(data) > LARGEST:
        raise CorpusError(f"{name}: has {len(data) >> 20} MB, too much for a list of cues; is it the right file?")
    for mark, what in _BINARY.items():
        if data.startswith(mark):
            raise CorpusError(f"{name}: {what}")
    found: list[str] = []
    try:
        rows = list(_read(decode(name, data)[0].lstrip("\ufeff"), found))
    except (ValueError, csv.Error) as error:
        raise error if isinstance(error, CorpusError) else CorpusError(f"{name} {error}") from None
    kept = [(row, timed) for row, cells in rows if (timed := _timed(row, cells, found))]
    found.sort(key=lambda fault: int(fault.split()[1].rstrip(":")))  # by row
    if found and (problems is None or not kept):
        raise CorpusError(f"{name} {found[0]}")
    if problems is not None:
        problems += [f"{name} {fault}" for fault in found]
    index = pd.Index([row for row, _ in kept], dtype="int64")
    table = pd.DataFrame([cells for _, cells in kept], index, None if kept else ["start", "end", "track"])
    times = {c: float for c in ("start", "end", "track_start") if c in table}
    return table.astype(times).sort_values("start", kind="stable")


def _read(text: str, found: list[str]) -> cuetexts.Rows:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("\\")][:20] or [""]
    first = lines[0].lstrip()
    if first.startswith("{"):
        return from_json(text, found)
    if first.startswith("<"):
        return xml(text, found)
    if first.startswith("WEBVTT"):
        return cuetexts.webvtt(text, found)
    if first.startswith("File type") or '"ooTextFile' in first:
        return cuetexts.textgrid(text, found)
    if re.search(r"\d|TIME|FRAME", first):  # a header has none of them
        if cuetexts.is_regions(lines):
            return cuetexts.regions(text, found)
        if cuetexts.is_labels(lines):
            return cuetexts.labels(text, found)
    return _table(text, found)


def _timed(row: int, cells: dict[str, str], found: list[str]) -> dict[str, str | float] | None:
    """A row with its times as seconds; None, and what is wrong in `found`, where it is no cue."""
    timed: dict[str, str | float] = {**cells, "track": unicodedata.normalize("NFC", cells["track"])}
    for column in [c for c in ("start", "end", "track_start") if c in cells]:
        try:
            empty = column == "track_start" and not cells[column].strip()
            timed[column] = np.nan if empty else parse_time(cells[column])
        except ValueError as error:
            found.append(f"row {row}: {column} {error}")
            return None
    faults = {
        "the cue has no name; write the track that plays": not str(timed["track"]).strip(),
        "the cue has no length; end it after its start": timed["end"] == timed["start"],
        "the cue ends before it starts; exchange start and end": timed["end"] < timed["start"],
    }
    if fault := next((text for text, wrong in faults.items() if wrong), ""):
        found.append(f"row {row}: {fault}")
    return None if fault else timed


def _table(text: str, found: list[str]) -> cuetexts.Rows:
    """Rows of comma-separated text with a header; empty cells behind the last column are passed over."""
    first = text.lstrip("\r\n ").split("\n", 1)[0]
    mark = max(",;\t", key=first.count)  # spreadsheets of countries with decimal commas write semicolons
    lines = io.StringIO(text, newline="").readlines()
    reader, before = csv.reader(lines, skipinitialspace=True, delimiter=mark), 0
    header = [from_cell(cell).strip() for cell in next(reader, ["start", "end", "track"])]
    if "track" not in header:
        header = [_NAMES.get(cell.casefold(), cell) for cell in header]
    if missing := [c for c in ("start", "end", "track") if c not in header]:
        raise ValueError(f"row 1: the header lacks {', '.join(missing)}; it must name start,end,track")
    if {"start_fraction", "end_fraction"} & {*header}:
        raise ValueError("row 1: start and end are measures, not times; export the times in seconds")
    row, needed = reader.line_num + 1, 1 + max(header.index(c) for c in ("start", "end", "track"))
    while (cells := next(reader, None)) is not None:
        if any("\n" in cell.strip() and cell.count(mark) >= 2 for cell in cells):
            found.append(f"row {row}: a quotation mark is opened and not closed; close or double it")
            reader, before = csv.reader(lines[row:], skipinitialspace=True, delimiter=mark), row
        elif any(cells[len(header) :]):
            found.append(f"row {row}: {len(cells)} cells under {len(header)} columns; quote a cell with a comma")
        elif any(cells) and len(cells) < needed:
            found.append(f"row {row}: {len(cells)} cells, and start, end and track are needed")
        elif any(cells):
            cells = cells[: len(header)] + [""] * (len(header) - len(cells))
            yield row, {k: from_cell(v) for k, v in zip(header, cells, strict=True) if k}
        row = before + reader.line_num + 1


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
