"""What a shared corpus may hold: sizes before anything is unpacked, rows and columns before a table is read.

A study of a hundred films stays far below; what is above would fill another's disk or memory, and is refused.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute, types

from filmlens.corpus.filmtable import COLUMNS as COLUMNS_OF_FILMS
from filmlens.text import from_cell

#: Of a zip: entries, bytes of its directory, bytes unpacked and how many times its own size that may be.
ENTRIES, DIRECTORY, UNPACKED, RATIO = 20_000, 4 << 20, 50 << 30, 30
#: Unpacked bytes that need no ratio, and of one entry: a text that is read, a Parquet file, a CSV for other programs.
ALWAYS, TEXT, PARQUET, FOR_OTHERS = 64 << 20, 16 << 20, 64 << 20, 4 << 30
#: Of one table: rows, columns, characters in a cell, bytes of a Parquet file's footer; genres of a corpus.
ROWS, COLUMNS, CELL, FOOTER, GENRES = 200_000, 2_000, 20_000, 8 << 20, 200
#: The largest value of a measurement, and of a time in s.
VALUE, TIME_S = 1e12, 1e7

_TIMES = {"start", "end", "time", "track_start", "new_start", "new_end"}
_SHEETS = {"cues", "annotated", "verified"}
_SHEET = ("film_id", "cue", "track", "start", "end")
_PLAIN = (types.is_integer, types.is_floating, types.is_boolean, types.is_null, types.is_string, types.is_large_string)
_ENCODINGS = {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "BIT_PACKED"}


class BoundsError(ValueError):
    """Something of a shared corpus that is beyond its bounds; names the entry and what is wrong."""


def size_of(name: str) -> int:
    """Largest allowed unpacked size of an entry (bytes)."""
    if PurePosixPath(name).suffix.lower() == ".parquet":
        return PARQUET
    return FOR_OTHERS if name.startswith("csv/") or name == "cues.csv" else TEXT


def check(folder: Path) -> None:
    """Check every table and text of an unpacked shared corpus, one at a time; BoundsError for the first that is odd."""
    described = _described(folder / "columns.csv")
    known: dict[str, dict[str, bool]] = {}  # table -> column -> whether any film has a number
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        table = PurePosixPath(name).parts[1] if name.startswith("derived/") else ""
        try:
            if path.suffix.lower() == ".parquet":
                numbers = _parquet(path, table, described.get(table))
                seen = known.setdefault(table, {})
                seen |= {column: seen.get(column, False) | has for column, has in numbers.items()}
            elif path.suffix.lower() == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix.lower() == ".csv" and size_of(name) == TEXT:
                _text_table(path)
        except BoundsError as error:
            raise BoundsError(f"the entry {name!r} {error}") from error
        except (ValueError, RecursionError, csv.Error, pa.ArrowException, OSError) as error:
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise BoundsError(f"the entry {name!r} cannot be read ({said})") from error
    for table, columns in known.items():
        empty = [c for c, has in columns.items() if not has]
        if empty and table and not _sheet(table) and not table.startswith(("windows", "segments")):
            raise BoundsError(f"the tables 'derived/{table}' hold no number in the column {empty[0]!r}, in no film")


def _sheet(table: str) -> bool:
    return table.partition("@")[0].partition("-")[0] in _SHEETS


def _described(path: Path) -> dict[str, set[str]]:
    """Columns of every table, as the data set's own dictionary lists them."""
    found: dict[str, set[str]] = {}
    for row in _rows(path) if path.is_file() else ():
        if len(row) >= 2:
            found.setdefault(from_cell(row[0]), set()).add(from_cell(row[1]))
    return found


def _rows(path: Path) -> Iterator[list[str]]:
    """Rows of a CSV, none of them beyond the bounds."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.reader(file)):
            if number > ROWS or len(row) > COLUMNS:
                raise BoundsError(f"has more than {ROWS} rows or {COLUMNS} columns")
            if max(map(len, row), default=0) > CELL:
                raise BoundsError(f"has a cell of more than {CELL} characters in row {number + 1}")
            yield row


def _text_table(path: Path) -> None:
    rows, genres, found = _rows(path), None, set()
    header = [name.strip() for name in next(rows, [])]
    if path.name == "films.csv":  # people's own tables are read in many forms; what is bounded here is the plain one
        if b"\0" in path.read_bytes() or not set(COLUMNS_OF_FILMS) <= set(header):
            raise BoundsError(f"is no plain table of {', '.join(COLUMNS_OF_FILMS)}")
        genres = header.index("genres")
    for row in rows:
        found |= set(row[genres].split("|")) if genres is not None and genres < len(row) else set()
        if len(found) > GENRES:
            raise BoundsError(f"has more than {GENRES} genres")


def _parquet(path: Path, table: str, described: set[str] | None) -> dict[str, bool]:
    """Check one table, first what its footer says; for each column of numbers whether it has any."""
    with path.open("rb") as raw:
        raw.seek(max(0, path.stat().st_size - 8))
        length, mark = int.from_bytes(raw.read(4), "little"), raw.read(4)
    if mark != b"PAR1":
        raise BoundsError("is no whole Parquet file; get it again")
    if length > FOOTER:
        raise BoundsError(f"has a footer of {length} bytes, more than {FOOTER}")
    with pq.ParquetFile(path, thrift_string_size_limit=FOOTER, thrift_container_size_limit=1_000_000) as file:
        about, schema = file.metadata, file.schema_arrow
        if about.num_rows > ROWS or about.num_columns > COLUMNS:
            raise BoundsError(f"has {about.num_rows} rows and {about.num_columns} columns, more than {ROWS}, {COLUMNS}")
        if odd := [f for f in schema if not any(is_kind(f.type) for is_kind in _PLAIN)]:
            raise BoundsError(f"has the column {odd[0].name!r} of the kind {odd[0].type}, no number or text")
        if len(set(schema.names)) != len(schema.names):
            raise BoundsError("has two columns of one name")
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > PARQUET:
            raise BoundsError(f"needs more than {PARQUET >> 20} MB of memory")
        parts = [group.column(i) for group in groups for i in range(group.num_columns)]
        if any(set(part.encodings) - _ENCODINGS for part in parts):
            raise BoundsError("is packed in an unusual way")
    if table and about.num_rows:
        if described is None:
            raise BoundsError("is not described in columns.csv")
        # a sheet of cues has its keys, a table of measurements the columns that columns.csv describes
        if missing := [c for c in (_SHEET if _sheet(table) else sorted(described)) if c not in schema.names]:
            raise BoundsError(f"lacks the column {missing[0]!r}")
    return _values(path, schema)


def _values(path: Path, schema: pa.Schema) -> dict[str, bool]:
    numbers = {f.name: False for f in schema if types.is_floating(f.type) or types.is_null(f.type)}
    words = [f.name for f in schema if types.is_string(f.type) or types.is_large_string(f.type)]
    with pq.ParquetFile(path, read_dictionary=words, pre_buffer=False) as file:
        rows = 0
        for batch in file.iter_batches(batch_size=8192, use_threads=False):
            rows += len(batch)
            for name, values in zip(batch.schema.names, batch.columns, strict=True):
                if name in words:
                    values = values.dictionary if types.is_dictionary(values.type) else values
                    if (compute.max(compute.binary_length(values)).as_py() or 0) > CELL:
                        raise BoundsError(f"has a text of more than {CELL} bytes in the column {name!r}")
                elif not types.is_boolean(values.type) and not types.is_null(values.type):
                    array = values.to_numpy(zero_copy_only=False).astype(float)
                    if (np.abs(array) > (TIME_S if name in _TIMES else VALUE)).any():
                        raise BoundsError(f"has a value out of all bounds in the column {name!r}")
                    if name in numbers:
                        numbers[name] |= bool(np.isfinite(array).any())
        if rows > ROWS:
            raise BoundsError(f"has more than {ROWS} rows")
    return numbers if rows else {}
