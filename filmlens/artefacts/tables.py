"""One computed table on disk: Parquet with its provenance inside, verified whenever it is read."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from filmlens.artefacts import seals
from filmlens.artefacts.seals import ArtefactError
from filmlens.artefacts.writing import write_atomically

#: Columns of a table of features that say which row it is: film, cue and, at frame level, its time or number.
KEYS = ("film_id", "cue", "time", "frame")


@dataclass(frozen=True)
class Measured:
    """What a stage made: a table (or fitted folds), further tables beside it, notes for its provenance (JSON-able)."""

    table: Any
    beside: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def table_hash(table: pd.DataFrame) -> str:
    """Hash of a table's columns and values, whatever its index."""
    digest = hashlib.blake2b("|".join(map(str, table.columns)).encode(), digest_size=16)
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy(np.uint64).tobytes())
    return digest.hexdigest()


def write_table(path: Path, table: pd.DataFrame, provenance: dict) -> None:
    """Write a table as sealed Parquet with its provenance (JSON-able) in the metadata."""
    write_unhashed(path, table, provenance | {"table": table_hash(table)})


def write_unhashed(path: Path, table: pd.DataFrame, provenance: dict) -> None:
    """As `write_table`, without the hash of the values: for tables from which nothing else is computed."""
    data = seals.parquet_bytes(table, provenance)
    write_atomically(path, lambda part: part.write_bytes(data))


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote; `ArtefactError` when a byte was changed, or FilmLens did not write it."""
    return seals.read_arrow(path).to_pandas()


def row_count(path: Path) -> int:
    """Rows of a table, from its footer."""
    return pq.read_metadata(path).num_rows


def column_names(path: Path) -> list[str]:
    """Names of a table's columns, from its header."""
    return pq.read_schema(path).names


def read_provenance(path: Path) -> dict:
    """Provenance of an artefact: of a Parquet file from its metadata, of an npz from the .provenance.json beside it.

    Empty when there is none, or it is not the one that was written, so that the artefact counts as stale.
    """
    try:
        if path.suffix == ".npz":
            return seals.read_json(path.with_suffix(".provenance.json")) if path.is_file() else {}
        found = json.loads(seals.read_note(path))
        return found if isinstance(found, dict) else {}
    except ValueError:
        return {}


def damage(path: Path) -> str:
    """What is wrong with the bytes of an artefact; empty when nothing is."""
    files = [path, path.with_suffix(".json"), path.with_suffix(".provenance.json")] if path.suffix == ".npz" else [path]
    try:
        stats = [file.stat() for file in files]
    except OSError as error:
        return f"{error.filename}: is missing; run again, it is computed anew"
    return _damage(path, tuple((s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in stats))


@lru_cache(maxsize=1 << 17)
def _damage(path: Path, seen: tuple) -> str:
    """As `damage`; kept while this process sees the files unchanged."""
    try:
        if path.suffix != ".npz":
            seals.verify_parquet(path)
        elif seals.read_json(path.with_suffix(".provenance.json")).get("files") != file_hashes(path):
            return f"{path}: is damaged (its bytes are not those that were written); run again, it is computed anew"
    except ArtefactError as error:
        return str(error)
    return ""


def file_hashes(path: Path) -> dict[str, str]:
    """Hashes of the two files of fitted folds, npz and JSON."""
    files = [path.with_suffix(".npz"), path.with_suffix(".json")]
    try:
        return {file.name: seals.digest(file.read_bytes()) for file in files}
    except OSError as error:
        raise ArtefactError(f"{error.filename}: cannot be read ({error.strerror}); run again") from error


def stands_on(provenance: dict, tables: Iterable[str]) -> bool:
    """Whether `tables` (hashes) contain every table that an artefact was computed from.

    >>> stands_on({"recipe": {"inputs": {"sheet": ["a"]}}}, {"a", "b"}), stands_on({}, {"a"})
    (True, False)
    """
    if "recipe" not in provenance:
        return False
    return {h for known in provenance["recipe"]["inputs"].values() for h in known} <= set(tables)
