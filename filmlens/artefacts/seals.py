"""Seals: files of ours carry a hash of their own bytes, so that a flipped bit never becomes a number.

A Parquet file is sealed in two parts, because planning reads only its footer: one hash of the footer (names, types,
provenance), one of everything before it. The pages carry checksums besides, which any reader of Parquet can verify.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from filmlens.artefacts.writing import write_atomically
from filmlens.text import reason

#: Under this name a table's metadata hold its provenance.
KEY = "filmlens"
_SEAL = "filmlens.seal"
_BLANK = "0" * 32
#: The seal in a footer: its name, the marks of a text of 64 bytes, the hash of the footer, the hash of the rest.
_PLACE = re.compile(re.escape(_SEAL.encode()) + rb"\x18\x40([0-9a-f]{32})([0-9a-f]{32})")
#: The note in a footer: its name, the mark of a text, its length in bytes of seven bits, low ones first.
_NOTE = re.compile(rb"\x18\x08filmlens\x18([\x80-\xff]*[\x00-\x7f])")
_MAGIC = b"PAR1"
_TAIL = 1 << 16
_GROUP_ROWS = 100_000  # that are read at once, side by side with the next
_REMEDY = "run again, it is computed anew"


class ArtefactError(ValueError):
    """A computed file was changed or damaged after it was written; names the file and the remedy."""


@contextmanager
def _verifying(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Turn what shows that the bytes of a file are not those that were written into an `ArtefactError`."""
    try:
        yield
    except (OSError, ValueError, *errors) as error:
        raise ArtefactError(f"{path}: is damaged ({reason(error)}); {_REMEDY}") from error


def digest(data: bytes | memoryview) -> str:
    """Hash of bytes, 32 digits.

    >>> digest(b"FilmLens")
    'ed7388aa47493cc467d6fff7a428cb8a'
    """
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def parquet_bytes(table: pd.DataFrame, provenance: dict) -> bytes:
    """A table as Parquet with its provenance (JSON-able) in the metadata, checksums of its pages, and its seal."""
    arrow, sink = pa.Table.from_pandas(table, preserve_index=False), io.BytesIO()
    # a dictionary of numbers that hardly repeat saves nothing and takes most of the time of reading
    alike = [f.name for f in arrow.schema if not (pa.types.is_floating(f.type) or pa.types.is_integer(f.type))]
    with pq.ParquetWriter(sink, arrow.schema, write_page_checksum=True, use_dictionary=alike or False) as writer:
        writer.write_table(arrow, row_group_size=_GROUP_ROWS)
        writer.add_key_value_metadata({KEY: json.dumps(provenance, sort_keys=True), _SEAL: _BLANK * 2})
    data = bytearray(sink.getbuffer())
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    place = _seal_of(data[start:])
    rest, footer = (slice(start + place.start(i), start + place.end(i)) for i in (2, 1))
    data[rest] = digest(memoryview(data)[:start]).encode()
    data[footer] = digest(memoryview(data)[start:]).encode()
    return bytes(data)


def read_arrow(path: Path) -> pa.Table:
    """A sealed table, every byte of it verified; `ArtefactError` when it is damaged."""
    data = verify_parquet(path)
    with _verifying(path, pa.ArrowException):
        # In this thread alone: `pq.read_table` leaves the bytes to Arrow's own threads, and one that lets go of them
        # while the interpreter ends takes the process down (signal 6) after its work is done.
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            return file.read(use_threads=False)


def verify_parquet(path: Path) -> bytes:
    """The bytes of a sealed table; `ArtefactError` when they are not those that were written."""
    with _verifying(path):
        data = path.read_bytes()
        footer, rest = _footer(data)
        if digest(memoryview(data)[: len(data) - 8 - len(footer)]) != rest:
            raise ValueError("its bytes are not those that were written")
        return data


def read_note(path: Path) -> str:
    """The note in the metadata of a sealed table; only its footer is read, and verified (`ArtefactError`)."""
    with _verifying(path):
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _TAIL))
            tail = file.read()
            length = int.from_bytes(tail[-8:-4], "little") + 8
            if len(tail) < length <= size:
                file.seek(size - length)
                tail = file.read()
        footer, _ = _footer(tail)
        # taken out by hand: parsing the footer of 140 columns takes five times as long
        [place] = _NOTE.finditer(footer)
        length = sum((byte & 0x7F) << 7 * n for n, byte in enumerate(place.group(1)))
        return footer[place.end() : place.end() + length].decode()


def _footer(data: bytes) -> tuple[bytes, str]:
    """The footer at the end of Parquet's bytes, verified, and the hash that it gives of the rest."""
    length = int.from_bytes(data[-8:-4], "little")
    if data[-4:] != _MAGIC or not 0 < length <= len(data) - 8:
        raise ValueError("it has no footer")
    footer = bytearray(data[-8 - length : -8])
    place = _seal_of(footer)
    stated, rest = place.group(1).decode(), place.group(2).decode()
    footer[slice(*place.span(1))] = _BLANK.encode()
    if digest(footer + data[-8:]) != stated:
        raise ValueError("its footer is not the one that was written")
    return data[-8 - length : -8], rest


def _seal_of(footer: bytes) -> re.Match[bytes]:
    found = list(_PLACE.finditer(footer))
    if len(found) != 1:
        raise ValueError("it has no seal of FilmLens")
    return found[0]


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a hash of its content."""
    content = {**content, "hash": _hash_of(content)}
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"  # in ASCII: names of files may be no UTF-8
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote, verified; `ArtefactError` when it is damaged."""
    with _verifying(path, RecursionError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.pop("hash", None) != _hash_of(content):
            raise ValueError("its content is not what was written")
        return content


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON below a line with the hash of its bytes: as `write_json`, for large files that only FilmLens reads."""
    text = json.dumps(content, separators=(",", ":")).encode()
    write_atomically(path, lambda part: part.write_bytes(digest(text).encode() + b"\n" + text))


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote, verified; `ArtefactError` when it is damaged."""
    with _verifying(path, RecursionError):
        stated, _, text = path.read_bytes().partition(b"\n")
        content = json.loads(text) if digest(text).encode() == stated else None
        if not isinstance(content, dict):
            raise ValueError("its content is not what was written")
        return content


def _hash_of(content: Mapping[str, Any]) -> str:
    return digest(json.dumps(content, sort_keys=True).encode())


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray], recipe: Mapping[str, Any]) -> None:
    """Write arrays as npz with a hash of their bytes and of what they were made from (JSON-able)."""
    note = json.dumps({"recipe": recipe, "hash": _hash_of_arrays(arrays, recipe)}, sort_keys=True)
    write_atomically(path, lambda part: np.savez(part, note=np.array(note), **arrays))


def load_arrays(path: Path, recipe: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What `save_arrays` wrote, verified; `ArtefactError` when it is not there, damaged, or of another recipe."""
    with _verifying(path, KeyError, TypeError, EOFError, zipfile.BadZipFile, NotImplementedError):
        with np.load(path, allow_pickle=False) as box:
            arrays = {name: box[name] for name in box.files}
        note = json.loads(str(arrays.pop("note")))
        if note["recipe"] != json.loads(json.dumps(recipe)):
            raise ValueError("it was made from something else")
        if note["hash"] != _hash_of_arrays(arrays, recipe):
            raise ValueError("its arrays are not those that were written")
        return arrays


def _hash_of_arrays(arrays: Mapping[str, np.ndarray], recipe: Mapping[str, Any]) -> str:
    whole = hashlib.blake2b(json.dumps(recipe, sort_keys=True).encode(), digest_size=16)
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        whole.update(repr((name, array.shape, array.dtype.str)).encode())
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()
