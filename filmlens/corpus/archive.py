"""A zip of plain tables: written the same way twice, and unpacked without trusting it.

Only plain files of the endings that a shared corpus has are unpacked, inside one folder, whole or not at all.
"""

import hashlib
import json
import shutil
import stat
import tempfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path, PurePosixPath

from filmlens.corpus import bounds
from filmlens.text import clean, reason

#: What a shared corpus may hold; nothing here is ever executed or unpickled.
ENDINGS = {".csv", ".json", ".md", ".parquet", ".txt"}
MARK = "shared.json"
_UNPACKED = "unpacked.json"
_END = 1 << 17  # bytes at a zip's end in which its directory is announced
_LONGEST = 400  # bytes of an entry's name
_DATE = (1980, 1, 1, 0, 0, 0)  # of every entry, so that the same tables give the same bytes


class ArchiveError(ValueError):
    """A zip that cannot be unpacked; names the file, the entry and the remedy."""


def entry(name: str) -> zipfile.ZipInfo:
    """Header of a zip entry: compressed, without time stamp and owner."""
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    # a table as CSV in an eighth of the time of the usual level 6, and an eighth larger; public from Python 3.13
    info._compresslevel = 1
    info.external_attr = 0o644 << 16
    return info


def unpack_beside(path: Path) -> Path:
    """Unpack a shared corpus into the folder of its name beside it, once; the folder, or ArchiveError."""
    folder = path.with_suffix("")
    with _opened(path) as box:
        contents = _contents(box)
        try:
            if not folder.exists():
                unpack(path, folder)
        except ArchiveError:
            if not folder.exists():  # otherwise another process unpacked it meanwhile
                raise
        before = None
        with suppress(OSError, ValueError, AttributeError):  # it does not say what it was unpacked from
            before = json.loads((folder / _UNPACKED).read_text(encoding="utf-8")).get("contents")
        if before == contents:
            return folder
    holds = "was unpacked from another or an earlier zip" if before else "holds something else"
    raise ArchiveError(f"{path}: the folder {folder} {holds}; rename or remove that folder, or rename the zip")


def unpack(path: Path, folder: Path) -> None:
    """Unpack a shared corpus into a new folder; on ArchiveError, as in `unpack_beside`, nothing is left behind."""
    with _opened(path) as box:
        members = _members(path, box)
        _fits(path, members)
        prefix, contents = f".{folder.name}.", json.dumps({"zip": path.name, "contents": _contents(box)})
        try:
            with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent, ignore_cleanup_errors=True) as made:
                part = Path(made)
                part.chmod(0o755)
                for name, member in members.items():
                    target = part / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with box.open(member) as source, target.open("xb") as file:
                        shutil.copyfileobj(source, file, 1 << 20)
                bounds.check(part)
                (part / _UNPACKED).write_text(contents, encoding="utf-8")
                part.rename(folder)
        except bounds.BoundsError as error:
            raise ArchiveError(f"{path}: {error}; do not trust this zip") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
            raise ArchiveError(f"{path}: is damaged ({reason(error)}); get it again") from error
        except OSError as error:
            raise ArchiveError(
                f"{path}: cannot be unpacked into {folder} ({error.strerror or error}); copy it to where you may write"
            ) from error


def _opened(path: Path) -> zipfile.ZipFile:
    box = opened(path)
    if MARK not in box.namelist():
        box.close()
        raise ArchiveError(f"{path}: is no shared corpus, it has no {MARK}; `filmlens share` makes one")
    return box


def opened(path: Path) -> zipfile.ZipFile:
    """Open a zip whose directory is within the size limits; ArchiveError for no zip, or one of too many entries."""
    if _directory(path) > bounds.DIRECTORY:
        raise ArchiveError(f"{path}: lists more than {bounds.ENTRIES} entries; do not trust this zip")
    try:
        box = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ArchiveError(f"{path}: is no zip that can be read ({reason(error)})") from error
    if len(box.infolist()) > bounds.ENTRIES:
        box.close()
        raise ArchiveError(f"{path}: lists more than {bounds.ENTRIES} entries; do not trust this zip")
    return box


def _directory(path: Path) -> int:
    """Bytes of a zip's directory, as its end states them; zipfile would read all of them into memory."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - _END))
            end = file.read()
    except OSError:
        return 0  # zipfile says what is wrong
    at, large = end.rfind(b"PK\x05\x06"), end.rfind(b"PK\x06\x06")  # the end, and that of a zip of over 4 GB
    stated = int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0
    return int.from_bytes(end[large + 40 : large + 48], "little") if large >= 0 else stated


def _fits(path: Path, members: dict[str, zipfile.ZipInfo]) -> None:
    """Refuse, before anything is written, what unpacks to more than its tables can need, or than there is room."""
    for name, member in members.items():
        if member.file_size > bounds.size_of(name):
            raise ArchiveError(f"{path}: the entry {name!r} unpacks to {member.file_size} bytes; do not trust this zip")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
            raise ArchiveError(f"{path}: the entry {name!r} is packed in an unusual way; pack it again as a plain zip")
    size, need = path.stat().st_size, sum(m.file_size for m in members.values())
    if sum(m.compress_size for m in members.values()) > size:
        raise ArchiveError(f"{path}: its entries overlap; do not trust this zip")
    if need > min(bounds.UNPACKED, max(bounds.ALWAYS, bounds.RATIO * size)):
        raise ArchiveError(
            f"{path}: {size / 1e6:.1f} MB would unpack to {need / 1e6:.0f} MB, as no tables do; do not trust this zip"
        )
    free = shutil.disk_usage(path.parent).free
    if need > free:
        raise ArchiveError(f"{path}: needs {need / 1e9:.1f} GB unpacked, {free / 1e9:.1f} GB are free")


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
        odd = "\\" in member.orig_filename or clean(member.orig_filename) != member.orig_filename
        odd = odd or name.startswith("/") or name[1:2] == ":" or len(name.encode()) > _LONGEST
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
