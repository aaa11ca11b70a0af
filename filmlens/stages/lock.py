"""One run at a time on one folder of artefacts: a file that says who is at work, and how a dead owner is known.

The file is made with O_EXCL, which holds on network file systems too. On the owner's machine its process is looked up
by number and time of start; on another machine the owner counts as gone when it has not touched the file for ten
minutes. The owner hands its token to the kernels of its notebooks through the environment.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filmlens.artefacts import writing

NAME = ".lock"
TOKEN = "FILMLENS_LOCK"

_BEAT_S = 30.0
_GONE_S = 600.0


class LockError(ValueError):
    """Another run is at work on the same artefacts; names it and the remedy."""


@contextmanager
def locked(folder: Path) -> Iterator[str]:
    """Hold the lock of a folder; gives the token under which kernels of the same run may work there.

    Raises
    ------
    LockError
        Another run holds it.
    WriteError
        The folder cannot be written to.
    """
    path = folder / NAME
    held = owner(path)
    if held and os.environ.get(TOKEN) == held["token"]:
        yield held["token"]  # the run that started this kernel holds it
        return
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        token = _take(path)
    ended = threading.Event()
    beat = threading.Thread(target=_beat, args=(path, ended), daemon=True, name="lock")
    beat.start()
    try:
        yield token
    finally:
        ended.set()
        if (owner(path) or {}).get("token") == token:
            path.unlink(missing_ok=True)


def owner(path: Path) -> dict | None:
    """Who holds a lock: token, host, pid, started, since; None when nobody does."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return held if isinstance(held, dict) and {"token", "host", "pid", "started", "since"} <= set(held) else None
    except (OSError, ValueError):
        return None


def alive(path: Path, held: dict) -> bool:
    """Whether the owner of a lock may still be at work."""
    if held["host"] == platform.node():
        return _started(int(held["pid"])) == held["started"]
    return _age(path) < _GONE_S


def _take(path: Path) -> str:
    mine = {"token": uuid.uuid4().hex, "host": platform.node(), "pid": os.getpid()}
    mine |= {"started": _started(os.getpid()), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    for _ in range(20):
        try:
            _create(path, mine)
            return mine["token"]
        except FileExistsError:
            _break_if_dead(path)
    raise LockError(f"{path}: cannot be taken; look whether another run is at work, then delete the file")


def _create(path: Path, content: dict) -> None:
    """Make the file with its content in one step: a link to a finished file, or O_EXCL where there are no links."""
    aside = path.with_name(f"{path.name}.{content['token'][:12]}")
    aside.write_text(json.dumps(content), encoding="utf-8")
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError:
        with open(path, "x", encoding="utf-8") as file:
            json.dump(content, file)
    finally:
        aside.unlink(missing_ok=True)


def _break_if_dead(path: Path) -> None:
    """Remove a lock whose owner is gone; raise `LockError` otherwise."""
    held = owner(path)
    if held is None:
        if not path.exists():
            return
        if _age(path) < 5:  # being written
            time.sleep(0.5)
            return
    elif alive(path, held):
        raise LockError(
            f"{path.parent}: another run is at work there (process {held['pid']} on {held['host']}, since "
            f"{held['since']}); wait until it has ended, or stop it. If there is none, delete {path}"
        )
    # Two newcomers may see the same dead owner: only one of them may remove it, and only that one.
    breaking = path.with_name(f"{path.name}.breaking")
    try:
        with open(breaking, "x", encoding="utf-8"):
            pass
    except FileExistsError:
        if _age(breaking) > 60:
            breaking.unlink(missing_ok=True)
        time.sleep(0.2)
        return
    try:
        if owner(path) == held:
            path.unlink(missing_ok=True)
    finally:
        breaking.unlink(missing_ok=True)


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(_BEAT_S):
        try:
            os.utime(path)
        except OSError:
            continue


def _age(path: Path) -> float:
    """Seconds since a file was touched, by the clock of its own file system where that can be asked."""
    try:
        touched = path.stat().st_mtime
    except OSError:
        return 0.0
    probe = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}")
    try:
        probe.touch()
        now = probe.stat().st_mtime
    except OSError:
        now = time.time()
    finally:
        probe.unlink(missing_ok=True)
    return now - touched


def _started(pid: int) -> str | None:
    """When a process started, in a form that no setting of the clock changes; None when there is none, or a zombie."""
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
