"""How a file is recognised: quickly by its size and modification time, for certain by a hash of every byte.

Hashes of whole files are kept in a ledger beside what was computed, so that a file is read through once, not once per
stage, and a film that was only touched not at every look.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from filmlens.artefacts.seals import ArtefactError, read_sealed, write_sealed
from filmlens.artefacts.writing import WriteError

_SAMPLE = 1 << 16
_blake = partial(hashlib.blake2b, digest_size=16)


def look(path: Path | str) -> tuple[int, int]:
    """Size (bytes) and modification time (ns) of a file; (-1, 0) when there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return -1, 0
    return stat.st_size, stat.st_mtime_ns


def contents(files: Mapping[str, Path | str], ledgers: Path | None = None) -> dict[str, str]:
    """Hash of all bytes of each file; empty for a missing file.

    In the folder `ledgers` hashes are kept, a file for each folder of tracks and for each film: those of files whose
    size and time of change are as they were are taken from there.
    """
    groups: dict[Path, dict[str, Path]] = {}
    for name, path in ((name, Path(path)) for name, path in files.items()):
        groups.setdefault(path.parent if len(files) > 1 else path, {})[name] = path
    found = {}
    for place, group in groups.items():
        with Ledger(ledger_of(place, ledgers) if ledgers else None) as known:
            found |= {n: "" if look(p)[0] < 0 else known.get(p, partial(_hash, p)) for n, p in group.items()}
    return {name: found[name] for name in files}


def ledger_of(place: Path, ledgers: Path) -> Path:
    """Where the ledger of a folder's files, or of one file, lies among others."""
    return ledgers / f"{_blake(os.fsencode(place)).hexdigest()}.ledger"


class Ledger:
    """What was found of files, kept in a sealed file as long as size and time are the same; nothing without a path."""

    def __init__(self, path: Path | None):
        self._path, self._news = path, {}
        try:
            self._known = read_sealed(path) if path is not None and path.is_file() else {}
        except ArtefactError:
            self._known = {}

    def __enter__(self) -> "Ledger":
        return self

    def get(self, path: Path | str, find: Callable[[], Any], *, seen: tuple[int, int] | None = None) -> Any:
        """What `find` (JSON-able) says of a file, or said when the file was the same; None is not kept.

        `seen` is what `look` gave of it a moment ago.
        """
        seen, entry = list(seen or look(path)), self._known.get(str(path))
        if isinstance(entry, list) and len(entry) == 3 and entry[:2] == seen:
            return entry[2]
        found = find()
        if found is not None and list(look(path)) == seen:  # not one that is being copied
            self._news[str(path)] = [*seen, found]
        return found

    def __exit__(self, *raised: object) -> None:
        if self._path is not None and self._news:
            with suppress(WriteError):  # a place that may not be written: the next look reads the files again
                write_sealed(self._path, self._known | self._news)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, _blake).hexdigest()


def fingerprint(path: Path) -> dict:
    """Size (bytes; -1 of a missing file), mtime (ns) and hash (hex) of three samples: a quick test of sameness."""
    try:
        stat = path.stat()
        sampled = _sampled(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    except OSError:
        return {"size": -1, "mtime": 0, "hash": ""}
    return {"size": stat.st_size, "mtime": stat.st_mtime_ns, "hash": sampled}


@lru_cache(maxsize=1 << 17)
def _sampled(path: Path, size: int, mtime: int, ctime: int) -> str:
    """Hash of three samples; kept while this process sees the file unchanged."""
    digest = _blake()
    with path.open("rb") as file:
        for place in sorted({0, max(0, size // 2), max(0, size - _SAMPLE)}):
            file.seek(place)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()
