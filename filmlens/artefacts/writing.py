"""Atomic writing of files, which process a temporary file belongs to, and removal of those of killed processes."""

import hashlib
import os
import platform
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_dir

#: A temporary file says whose it is: place and number of the process that writes it.
_ASIDE = re.compile(r"\..*\.(?P<where>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}(?:\.\w+)?")
#: Seconds without a change after which a temporary file of another place counts as left behind.
_GONE_S = 600.0


class WriteError(OSError):
    """A place that cannot be written to, such as a full disk; names the file and the remedy."""


def cache_folder() -> Path:
    """The user's cache folder for what belongs to no corpus (the environment variable FILMLENS_CACHE, if set)."""
    return Path(os.environ.get("FILMLENS_CACHE") or user_cache_dir("filmlens", appauthor=False)).expanduser()


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it. Readers see the old file or the new one."""
    part = aside(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(part)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def aside(path: Path) -> Path:
    """Path of a temporary file beside another one, unique to this process."""
    return path.with_name(f".{path.stem}.{here()}-{os.getpid()}-{uuid.uuid4().hex[:8]}{path.suffix}")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a system error of writing into a `WriteError` with the remedy."""
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


@lru_cache
def here() -> str:
    """The scope in which process ids are unique: one boot of one machine, and one container there.

    Two containers may have the same host name and the same process numbers; a number says something only here.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        numbers = os.readlink("/proc/self/ns/pid")
    except OSError:
        import psutil

        boot, numbers = f"{psutil.boot_time():.0f}", ""
    return hashlib.blake2b(f"{platform.node()} {boot} {numbers}".encode(), digest_size=4).hexdigest()


def started(pid: int) -> str | None:
    """When a process started, independent of the system clock; None when it does not run or is a zombie."""
    if Path("/proc/self/stat").exists():
        try:
            # after the name in brackets: state first, start in ticks since boot twentieth
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        return None if fields[0] in "ZX" else f"{boot} {fields[19]}"
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.0f}"
    except psutil.Error:
        return None


def sweep(folder: Path) -> list[Path]:
    """Remove the temporary files of killed processes under a folder; running processes keep theirs."""
    named = ((path, _ASIDE.fullmatch(path.name)) for path in folder.glob("**/.*"))
    left = [path for path, name in named if name and _is_left(path, **name.groupdict())]
    for path in left:
        path.unlink(missing_ok=True)
    return left


def _is_left(path: Path, where: str, pid: str) -> bool:
    if where == here():
        return started(int(pid)) is None
    try:
        return time.time() - path.stat().st_mtime > _GONE_S
    except OSError:
        return False
