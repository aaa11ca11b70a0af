"""What the learned feature sets share: how weights are named, hashed, refused and read once, and where they infer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING

from filmlens.artefacts import look

if TYPE_CHECKING:
    import torch


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another network; says what to do."""


def named(variable: str, what: str, cached: Sequence[Path]) -> Path | None:
    """The file that an environment variable names, else the first of `cached` that is there, else None.

    Raises WeightsError when the variable names no file.
    """
    value = os.environ.get(variable)
    if not value:
        return next((path for path in cached if path.is_file()), None)
    path = Path(value).expanduser()
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; {variable} must name {what}, or be unset")
    return path


def needed(path: Path | None, what: str, network: str, size: str, variable: str) -> Path:
    """The file of weights, or a `WeightsError` with the remedy where none was found."""
    if path is None:
        raise WeightsError(
            f"{what} are not here; `filmlens weights {network}` fetches them ({size}), {variable}=FILE names them"
        )
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_once(read: Callable) -> Callable:
    """`read(path, ...)` that a process calls once for a file, as long as it stays the same."""
    kept = lru_cache(maxsize=2)(lambda path, seen, *options: read(path, *options))

    @wraps(read)
    def once(path: str | Path, *options):
        return kept(path, look(path), *options)

    return once


@contextmanager
def inference(net: torch.nn.Module, device: str = "auto") -> Iterator[torch.device]:
    """A network ready to infer on a device, where it stays: "auto" is CUDA or MPS when available, else the CPU.

    One thread of the CPU: films are mapped over processes, and threads of several would fight for its cores.
    """
    import torch

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
