"""Time limit and damage report of a long read of media: the deadline is checked between packets.

A process pool can kill a worker that takes too long; a thread of a cluster's worker cannot be killed, so that it looks
at the clock itself. Both hold for the thread that set them only.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
_DAMAGE: ContextVar[list[str] | None] = ContextVar("damage", default=None)


@contextmanager
def watched(limit: float | None = None) -> Iterator[list[str]]:
    """Set a time limit in seconds for what is read inside, and collect the damage found.

    >>> with watched(limit=-1):
    ...     in_time()
    Traceback (most recent call last):
    TimeoutError: took longer than its time limit
    >>> with watched() as damage:
    ...     in_time(); passed_over("film.mp4: two packets")
    >>> damage
    ['film.mp4: two packets']
    """
    found: list[str] = []
    deadline = _DEADLINE.set(None if limit is None else time.monotonic() + limit)
    damage = _DAMAGE.set(found)
    try:
        yield found
    finally:
        _DEADLINE.reset(deadline)
        _DAMAGE.reset(damage)


def in_time() -> None:
    """Raise `TimeoutError` when the deadline has passed."""
    deadline = _DEADLINE.get()
    if deadline is not None and time.monotonic() > deadline:
        raise TimeoutError("took longer than its time limit")


def passed_over(text: str) -> None:
    """Report damage that does not stop the reading: to whoever watches, as a warning otherwise."""
    found = _DAMAGE.get()
    if found is None:
        warnings.warn(text, stacklevel=3)
    elif text not in found:
        found.append(text)
