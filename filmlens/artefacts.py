"""One computed table on disk: Parquet with its provenance inside, written whole or not at all.

An artefact remembers its recipe: stage, parameters and the fingerprints of its inputs. It is fresh when the recipe
that would make it today is equal to the one it carries; that is all there is to caching.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from platformdirs import user_cache_dir

from filmlens.text import cell, clean, from_cell, restored

_KEY = b"filmlens"
_SAMPLE = 1 << 16
#: How the failure of a film begins that was measured although its media are damaged.
PART = "used in part: "
_ASIDE = re.compile(r"\..+\.([0-9a-f]{12}(\.\w+)?|\d+\.tmp)")


class ArtefactError(ValueError):
    """A computed table that cannot be read; names the file and the remedy."""


class WriteError(OSError):
    """A place that cannot be written to, such as a full disk; names the file and the remedy."""


@dataclass(frozen=True)
class Measured:
    """What a stage made: a table (or fitted folds), further tables beside it, notes for its provenance (JSON-able)."""

    table: Any
    beside: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Any) -> Measured:
        """A stage may return just its table."""
        return result if isinstance(result, cls) else cls(result)


def cache_folder() -> Path:
    """What belongs to this user on this machine and to no corpus: downloaded weights, measured rates.

    The environment variable FILMLENS_CACHE, else the system's folder for caches.
    """
    return Path(os.environ.get("FILMLENS_CACHE") or user_cache_dir("filmlens", appauthor=False)).expanduser()


def fingerprint(path: Path) -> dict:
    """Size, time of change and a hash of three samples of a file: enough to see that it is another one.

    Returns
    -------
    dict
        size (bytes), mtime (ns), hash (hex). A missing file has size -1.
    """
    try:
        stat = path.stat()
        sampled = _sampled(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    except OSError:
        return {"size": -1, "mtime": 0, "hash": ""}
    return {"size": stat.st_size, "mtime": stat.st_mtime_ns, "hash": sampled}


@lru_cache(maxsize=1 << 17)
def _sampled(path: Path, size: int, mtime: int, ctime: int) -> str:
    """Hash of three samples; kept while this process sees the file unchanged, because every stage asks again."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        for place in sorted({0, max(0, size // 2), max(0, size - _SAMPLE)}):
            file.seek(place)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def table_hash(table: pd.DataFrame) -> str:
    """Hash of a table's columns and values, whatever its index."""
    digest = hashlib.blake2b("|".join(map(str, table.columns)).encode(), digest_size=16)
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy(np.uint64).tobytes())
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: readers see the old or the new, never half."""
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:12]}{path.suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says of a place that cannot be written to into a `WriteError` with the remedy."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else " ".join(str(error).split())
        raise WriteError(
            f"{path} cannot be written ({said}); make room, or choose another folder: --derived DIR for computed "
            "tables, --out DIR for the report"
        ) from error


def sweep(folder: Path) -> list[Path]:
    """Remove what writers that were killed left half-written under a folder of artefacts; only while no one writes."""
    left = [p for p in folder.glob("**/.*") if _ASIDE.fullmatch(p.name) and p.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    return left


def write_table(path: Path, table: pd.DataFrame, provenance: dict) -> None:
    """Write a table as Parquet with its provenance (JSON-able) in the metadata."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = with_provenance(arrow, provenance | {"table": table_hash(table)})
    write_atomically(path, lambda part: pq.write_table(arrow, part))


def with_provenance(arrow: pa.Table, provenance: dict) -> pa.Table:
    """An Arrow table whose metadata carry a provenance (JSON-able)."""
    note = json.dumps(provenance, sort_keys=True).encode()
    return arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _KEY: note})


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table`, or anyone, wrote as Parquet."""
    try:
        return pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ArtefactError(f"{path}: cannot be read ({error}); delete it and run again") from error


def row_count(path: Path) -> int:
    """Rows of a table, from its header."""
    return pq.read_metadata(path).num_rows


def column_names(path: Path) -> list[str]:
    """Names of a table's columns, from its header."""
    return pq.read_schema(path).names


def read_provenance(path: Path) -> dict:
    """Provenance of an artefact: of a Parquet file from its metadata, of an npz from the .provenance.json beside it.

    Empty when there is none or the file cannot be read, so that it counts as stale.
    """
    try:
        if path.suffix == ".npz":
            return (
                json.loads(path.with_suffix(".provenance.json").read_text(encoding="utf-8")) if path.is_file() else {}
            )
        return json.loads((pq.read_schema(path).metadata or {}).get(_KEY, b"{}"))
    except (OSError, ValueError, pa.ArrowException):
        return {}


def stands_on(provenance: dict, tables: Iterable[str]) -> bool:
    """Whether everything that an artefact was made from is among `tables`, given by their hashes.

    >>> stands_on({"recipe": {"inputs": {"sheet": ["a"]}}}, {"a", "b"}), stands_on({}, {"a"})
    (True, False)
    """
    if "recipe" not in provenance:
        return False
    return {h for known in provenance["recipe"]["inputs"].values() for h in known} <= set(tables)


def record_failures(path: Path, tried: Mapping[str, Iterable[str]], errors: Mapping[str, Mapping[str, str]]) -> None:
    """Bring ``failures.csv`` up to date: what was tried is forgotten, then what failed is added.

    Parameters
    ----------
    path : Path
    tried : mapping
        Stage -> films.
    errors : mapping
        Stage -> film -> error.
    """
    rows = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [tuple(map(from_cell, r)) for r in csv.reader(file)][1:]
    gone = {(film, stage) for stage, films in tried.items() for film in films}
    lines = [r for r in rows if len(r) == 3 and r[:2] not in gone]
    lines += [(film, stage, clean(text)) for stage, films in errors.items() for film, text in films.items()]
    if sorted(lines) == sorted(rows):
        return

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [("film_id", "stage", "error"), *(map(cell, row) for row in lines)]
            )

    write_atomically(path, write)


def read_failures(path: Path) -> pd.DataFrame:
    """What failed and why: columns film_id, stage, error."""
    if not path.is_file():
        return pd.DataFrame(columns=["film_id", "stage", "error"])
    return restored(pd.read_csv(path, dtype=str, keep_default_na=False))
