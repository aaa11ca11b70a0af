"""Rows at 1 Hz of musicnn's penultimate layer, and of its tags, for cue after cue.

A row at t = 0.5, 1.5, ... s hears the three seconds around it: the patch whose 94th frame is the one at t, moved into
the cue at both ends. A cue of less than three seconds has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from filmlens.features.musicnn import weights
from filmlens.features.musicnn.frontend import BANDS, FRAME_RATE, FRAMES, RATE, at_rate, frame_count, spectrogram
from filmlens.features.musicnn.words import LABELS, column
from filmlens.features.weights import read_once

if TYPE_CHECKING:
    from filmlens.features.musicnn.network import Musicnn

#: Names of the 200 dimensions, and of the 50 tags of the network trained on MagnaTagATune.
COLUMNS = tuple(f"musicnn_{i:03d}" for i in range(200))
TAG_COLUMNS = tuple(column(label) for label in LABELS["mtt"])

_ROWS = 64  # that share a part of the spectrogram; no more of it lies in memory


def rows(sounds: Iterable[np.ndarray], *, model: str = "mtt") -> tuple[Iterator[pd.DataFrame], dict[str, str]]:
    """The penultimate layer for each cue's samples at 16 kHz; notes on the weights, or WeightsError without them."""
    path = weights.need()
    net = _network(path, model)

    def measured() -> Iterator[pd.DataFrame]:
        for samples in sounds:
            times, _, penultimate = along(net, samples)
            table = pd.DataFrame(penultimate, columns=list(COLUMNS))
            table.insert(0, "time", times)
            yield table

    return measured(), {"weights": path.name, "origin": weights.origin(path, model)}


def along(net: Musicnn, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (n,) in s, tags (n, 50) and penultimate layer (n, 200) of a sound of 16 kHz at 1 Hz."""
    from filmlens.features.musicnn.network import infer_along

    sound = at_rate(samples, RATE)
    times, starts = row_starts(len(sound) / RATE, frame_count(sound))
    parts = [infer_along(net, np.empty((0, BANDS), np.float32), [])]
    for some in np.split(starts, range(_ROWS, len(starts), _ROWS)):
        if len(some):
            heard = spectrogram(sound, some[0], some[-1] + FRAMES)
            parts.append(infer_along(net, heard, some - some[0]))
    tags, penultimate = map(np.concatenate, zip(*parts, strict=True))
    return times, tags, penultimate


def msd_rows(sounds: Iterable[np.ndarray]) -> tuple[Iterator[pd.DataFrame], dict[str, str]]:
    """`rows` of the network trained on the Million Song Dataset."""
    return rows(sounds, model="msd")


def tags(penultimate: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """The 50 tags of rows of the penultimate layer, further columns stay; notes, or WeightsError without weights."""
    path = weights.need()
    out = _network(path, "mtt").out
    logits = penultimate[list(COLUMNS)].to_numpy(float) @ out.weight.numpy().T.astype(float) + out.bias.numpy()
    values = pd.DataFrame(1 / (1 + np.exp(-logits)), columns=list(TAG_COLUMNS), index=penultimate.index)
    table = pd.concat([penultimate.drop(columns=list(COLUMNS)), values], axis=1)
    return table, {"weights": path.name, "origin": weights.origin(path, "mtt")}


def row_starts(duration: float, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Times in s, and first frames of the patches, of a sound of so many seconds and frames.

    >>> row_starts(4.0, 251)[1].tolist()
    [0, 1, 63, 64]
    """
    if frames < FRAMES:
        return np.empty(0), np.empty(0, int)
    times = np.arange(max(int(duration + 0.5), 1)) + 0.5
    starts = np.floor(FRAME_RATE * times + 0.5).astype(int) - FRAMES // 2
    return times, starts.clip(0, frames - FRAMES)


@read_once
def _network(path: Path, model: str) -> Musicnn:
    return weights.load(path, model)
