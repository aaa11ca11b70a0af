"""Films and tracks as streams of sound, cut into the frames and windows that the engines take (paper: Score Stamper).

A source is a path, or a pair (samples, rate) with samples of shape (n,) or (channels, n).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soxr

from filmlens.media import sound

Source = str | Path | tuple[np.ndarray, int]

_BLOCK_S = 30.0


def open_stream(source: Source, rate: int, *, mono: bool) -> Iterator[np.ndarray]:
    """Blocks of float32 samples (channels, n) at `rate`, end to end from the start of the film or track.

    Raises `MediaError` when the file cannot be read or has no sound.
    """
    if not isinstance(source, tuple):
        for _, block in sound.blocks(source, rate, seconds=_BLOCK_S, mono=mono):
            yield np.atleast_2d(block)
        return
    samples, native = source
    samples = np.atleast_2d(np.asarray(samples, np.float32))
    if mono:
        samples = samples.mean(axis=0, keepdims=True, dtype=np.float32)
    if native != rate and samples.shape[1]:
        samples = soxr.resample(samples.T, native, rate).T
    size = round(_BLOCK_S * rate)
    for start in range(0, samples.shape[1], size):
        yield samples[:, start : start + size]


def middle_and_side(block: np.ndarray) -> np.ndarray:
    """Mean of all channels, and half the first less the second (left and right of any layout), where there are two."""
    if len(block) == 1:
        return block
    middle = block.sum(axis=0, dtype=np.float32)
    return np.stack([middle / np.float32(len(block)), (block[0] - block[1]) / np.float32(2)])


def windows(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """Non-overlapping windows of `size` samples, then what is left (shorter than a window, or empty)."""
    rest = np.zeros((1, 0), np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block], axis=1) if rest.shape[1] else block
        whole = rest.shape[1] // size * size
        for start in range(0, whole, size):
            yield rest[:, start : start + size]
        rest = rest[:, whole:]
    yield rest


def frames(
    blocks: Iterable[np.ndarray], *, size: int, hop: int, batch: int, margin: int
) -> Iterator[tuple[np.ndarray, int, int]]:
    """Samples in overlapping pieces, so that frames at a seam see the same neighbours as in one piece.

    Yields
    ------
    samples : ndarray, shape (channels, n)
        Holds the frames of one batch and up to `margin` frames of context on both sides.
    before, count : int
        Frames of context before the batch, and frames in it; what follows is context again.
    """
    held, before = None, 0
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        while (held.shape[1] - size) // hop + 1 >= before + batch + margin:
            stop = before + batch
            yield held[:, : (stop + margin - 1) * hop + size], before, batch
            held, before = held[:, (stop - margin) * hop :], margin
    count = 0 if held is None else (held.shape[1] - size) // hop + 1 - before
    if count > 0:
        yield held, before, count
