"""What a task finds where it runs: processors, and environment variables that are restored afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

#: One thread of linear algebra each: two processes with one thread beat one with two, and sums do not depend on the
#: machine.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
#: Processors that the task in hand may use.
CORES: ContextVar[int] = ContextVar("cores", default=1)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside a ``with`` block.

    >>> with environment({"FILMLENS_SEEN": "1"}):
    ...     os.environ["FILMLENS_SEEN"]
    '1'
    >>> "FILMLENS_SEEN" in os.environ
    False
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
