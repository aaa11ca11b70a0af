"""One run at a time on one folder of artefacts: a lock file that names its owner, and how a dead owner is detected.

The file is made in one step, which holds on network file systems too. Besides, a run holds a lock of the operating
system on a file beside it, which ends with its process, whatever container that runs in. Where such a lock reaches no
further than one machine, the owner's process is looked up by number and time of start, if its numbers are ours, and
otherwise counts as gone when it has not touched its file for ten minutes. The owner hands its token to the kernels of
its notebooks through the environment.
"""

import json
import os
import platform
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import filelock

from filmlens.artefacts import here, started, writing
from filmlens.artefacts.writing import aside
from filmlens.stages.progress import every

NAME = ".lock"
#: The file that the operating system locks.
HELD = ".lock.held"
TOKEN = "FILMLENS_LOCK"

_BEAT_S = 30.0
_GONE_S = 600.0
_TEXTS = ("token", "host", "since")


class LockError(ValueError):
    """Another run is at work on the same artefacts; names it and the remedy."""


@contextmanager
def locked(folder: Path) -> Iterator[str]:
    """Hold the lock of a folder; gives the token under which kernels of the same run may work there.

    Raises `LockError` when another run holds it, `WriteError` when the folder cannot be written to.
    """
    path = folder / NAME
    held = owner(path)
    if held and os.environ.get(TOKEN) == held["token"]:
        yield held["token"]  # the run that started this kernel holds it
        return
    guard = filelock.FileLock(folder / HELD)
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            guard.acquire(timeout=0)
        except filelock.Timeout:
            raise LockError(_refusal(path, owner(path))) from None
        try:
            token = _take(path)
        except BaseException:
            guard.release()
            raise
    try:
        with every(_BEAT_S, partial(_touch, path)):
            yield token
    finally:
        if (owner(path) or {}).get("token") == token:
            path.unlink(missing_ok=True)
        (folder / HELD).unlink(missing_ok=True)  # while it is held: who waits for it notices
        guard.release()


def owner(path: Path) -> dict | None:
    """Who holds a lock: token, host, pid, started, since; None when nobody does, or the file does not say."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        known = isinstance(held, dict) and all(isinstance(held.get(name), str) for name in _TEXTS)
        return held if known and type(held.get("pid")) is int and "started" in held else None
    except (OSError, ValueError, RecursionError):
        return None


def alive(path: Path, held: dict) -> bool:
    """Whether the owner of a lock may still be at work."""
    if path.with_name(HELD).is_file():
        try:
            with filelock.FileLock(path.with_name(HELD)).acquire(timeout=0):
                pass
        except filelock.Timeout:
            return True
        except OSError:
            pass  # a place that may only be read
    return _runs(path, held)


def left_behind(folder: Path) -> bool:
    """Whether a folder holds the lock of a run that was killed."""
    path = folder / NAME
    held = owner(path)
    return (path.exists() or (folder / HELD).exists()) and not (held and alive(path, held))


def _runs(path: Path, held: dict) -> bool:
    """As `alive`, for one who holds the lock of the operating system, or cannot."""
    ours = held["where"] == here() if "where" in held else held["host"] == platform.node()
    return started(held["pid"]) == held["started"] if ours else _age(path) < _GONE_S


def _refusal(path: Path, held: dict | None) -> str:
    who = f" (process {held['pid']} on {held['host']}, since {held['since']})" if held else ""
    return (
        f"{path.parent}: another run is at work there{who}; wait until it has ended, or stop it. If there is none, "
        f"delete {path}"
    )


def _take(path: Path) -> str:
    mine = {"token": uuid.uuid4().hex, "host": platform.node(), "where": here(), "pid": os.getpid()}
    mine |= {"started": started(os.getpid()), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    for _ in range(20):
        try:
            _create(path, mine)
            return mine["token"]
        except FileExistsError:
            _break_if_dead(path)
    raise LockError(f"{path}: cannot be taken; look whether another run is at work, then delete the file")


def _create(path: Path, content: dict) -> None:
    """Make the file with its content in one step: a link to a finished file, or O_EXCL where there are no links."""
    part = aside(path)
    part.write_text(json.dumps(content), encoding="utf-8")
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        with open(path, "x", encoding="utf-8") as file:
            json.dump(content, file)
    finally:
        part.unlink(missing_ok=True)


def _break_if_dead(path: Path) -> None:
    """Remove a lock whose owner is gone; raise `LockError` otherwise."""
    held = owner(path)
    if held is None:
        if not path.exists():
            return
        if _age(path) < 5:  # being written
            time.sleep(0.5)
            return
    elif _runs(path, held):
        raise LockError(_refusal(path, held))
    # Newcomers on two machines may see the same dead owner: what each takes away it looks at again.
    part = aside(path)
    try:
        os.replace(path, part)
    except FileNotFoundError:
        return
    if owner(part) != held:
        with suppress(OSError):
            os.link(part, path)  # that of a newcomer who was quicker
    part.unlink(missing_ok=True)


def _touch(path: Path) -> None:
    with suppress(OSError):
        os.utime(path)


def _age(path: Path) -> float:
    """Seconds since a file was touched, by the clock of its own file system where that can be asked."""
    try:
        touched = path.stat().st_mtime
    except OSError:
        return 0.0
    probe = aside(path)
    try:
        probe.touch()
        now = probe.stat().st_mtime
    except OSError:
        now = time.time()
    finally:
        probe.unlink(missing_ok=True)
    return now - touched
