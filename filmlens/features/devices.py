"""The device on which a learned feature set is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def pick_device(device: str = "auto") -> torch.device:
    """The device to compute on; "auto" is CUDA or MPS when available, else the CPU."""
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of the CPU: films are mapped over processes, and threads of several would fight for its cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
