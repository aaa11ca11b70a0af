"""A zip of plain tables: written the same way twice, and unpacked without trusting it.

What comes from another person may name any path and claim any size. Only plain files of the endings that a shared
corpus has are unpacked, inside one folder, whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

#: What a shared corpus may hold; nothing here is ever executed or unpickled.
ENDINGS = {".csv", ".json", ".md", ".parquet", ".txt"}
MARK = "shared.json"
_UNPACKED = "unpacked.json"
_DATE = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same tables give the same bytes


class ArchiveError(ValueError):
    """A zip that cannot be unpacked; names the file, the entry and the remedy."""


def entry(name: str) -> zipfile.ZipInfo:
    """The head of a zip entry: compressed, without the time and owner of this machine."""
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def unpack_beside(path: Path) -> Path:
    """Unpack a shared corpus into the folder of its name beside it, once; the folder.

    >>> unpack_beside(Path("features.zip"))                # doctest: +SKIP
    PosixPath('features')

    Raises
    ------
    ArchiveError
        No zip, a zip of something else, an entry that leaves the folder; or the folder holds something else.
    """
    folder = path.with_suffix("")
    with _opened(path) as box:
        contents = _contents(box)
        try:
            if not folder.exists():
                unpack(path, folder)
        except ArchiveError:
            if not folder.exists():  # otherwise another process unpacked it meanwhile
                raise
        if _unpacked(folder / _UNPACKED) == contents:
            return folder
    raise ArchiveError(f"{path}: {folder} holds something else; rename or remove that folder, or rename the zip")


def _unpacked(path: Path) -> object:
    """What an unpacked folder says that it was unpacked from; None when it does not say."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return told.get("contents") if isinstance(told, dict) else None
    except (OSError, ValueError):
        return None


def unpack(path: Path, folder: Path) -> None:
    """Unpack a shared corpus into a new folder.

    Raises
    ------
    ArchiveError
        See `unpack_beside`; nothing is left behind.
    """
    with _opened(path) as box:
        members = _members(path, box)
        need, free = sum(m.file_size for m in members.values()), shutil.disk_usage(path.parent).free
        if need > free:
            raise ArchiveError(f"{path}: needs {need / 1e9:.1f} GB unpacked, {free / 1e9:.1f} GB are free")
        part = None
        try:
            part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            part.chmod(0o755)
            for name, member in members.items():
                target = part / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with box.open(member) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
            (part / _UNPACKED).write_text(json.dumps({"zip": path.name, "contents": _contents(box)}), encoding="utf-8")
            part.rename(folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
            raise ArchiveError(f"{path}: is damaged ({error}); get it again") from error
        except OSError as error:
            raise ArchiveError(
                f"{path}: cannot be unpacked into {folder} ({error.strerror or error}); copy it to where you may write"
            ) from error
        finally:
            if part is not None:
                shutil.rmtree(part, ignore_errors=True)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        box = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ArchiveError(f"{path}: is no zip that can be read ({error})") from error
    if MARK not in box.namelist():
        box.close()
        raise ArchiveError(f"{path}: is no shared corpus, it has no {MARK}; `filmlens share` makes one")
    return box


def _contents(box: zipfile.ZipFile) -> str:
    """Hash of names, sizes and checksums: another zip of the same tables is the same."""
    heads = sorted((m.filename, m.file_size, m.CRC) for m in box.infolist())
    return hashlib.sha256(json.dumps(heads).encode()).hexdigest()


def _members(path: Path, box: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Plain files by their path inside the folder; `ArchiveError` for anything that is not meant to be there."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in box.infolist():
        name = member.filename
        if member.is_dir():
            continue
        parts, kind = PurePosixPath(name).parts, stat.S_IFMT(member.external_attr >> 16)
        # orig_filename: what stands in the zip before zipfile cuts it at a zero or turns separators
        odd = any(c in member.orig_filename for c in "\\\0") or name.startswith("/") or name[1:2] == ":"
        if odd or not parts or ".." in parts or PurePosixPath(name).as_posix() != name:
            raise ArchiveError(f"{path}: the entry {member.orig_filename!r} leaves its folder; do not trust this zip")
        if kind not in (0, stat.S_IFREG):
            raise ArchiveError(f"{path}: the entry {name!r} is a link or a device; do not trust this zip")
        if PurePosixPath(name).suffix.lower() not in ENDINGS:
            raise ArchiveError(f"{path}: the entry {name!r} is none of {', '.join(sorted(ENDINGS))}")
        if name in members or name == _UNPACKED:
            raise ArchiveError(f"{path}: the entry {name!r} stands in it twice; do not trust this zip")
        members[name] = member
    return members
