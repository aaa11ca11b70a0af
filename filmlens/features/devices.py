"""The device on which a learned feature set is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def inference(net: torch.nn.Module, device: str = "auto") -> Iterator[torch.device]:
    """A network ready to infer on a device, where it stays: "auto" is CUDA or MPS when available, else the CPU.

    One thread of the CPU: films are mapped over processes, and threads of several would fight for its cores.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    where = torch.device(device)
    net.to(where, torch.float32, memory_format=torch.channels_last).eval()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield where
    finally:
        torch.set_num_threads(before)
