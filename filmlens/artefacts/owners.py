"""Which process something belongs to: where it runs, when it started, and whether it still does."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import lru_cache
from pathlib import Path


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
