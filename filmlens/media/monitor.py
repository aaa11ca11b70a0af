"""Time limit and damage report of a long read of media, for the thread that sets them.

The deadline is looked at between packets: a pool kills a worker that is late, a cluster's thread cannot be killed.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
_DAMAGE: ContextVar[list[str] | None] = ContextVar("damage", default=None)


@contextmanager
def watched(limit: float | None = None) -> Iterator[list[str]]:
    """Set a time limit in seconds for what is read inside, and collect the damage found."""
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
    if (found := _DAMAGE.get()) is None:
        warnings.warn(text, stacklevel=3)
    elif text not in found:
        found.append(text)
