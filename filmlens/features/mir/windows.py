"""From frames to rows: texture windows, 1 Hz rows and one vector per cue (Ma et al. 2021, "MIR features").

The paper: mean and standard deviation over 5 s windows with 33 % overlap, aligned to 1 Hz. **D**: a window starts every
3.35 s from the start of the cue; a frame belongs to the windows that hold its centre; NaN frames are ignored; the
standard deviation divides by n - 1 as MATLAB's does, and that of one frame is 0; a last window that reaches beyond the
cue is dropped unless it is the only one. 1 Hz rows are interpolated between the centres of the windows. What no window
measured stays NaN, to be imputed inside each training fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from .columns import COLUMNS, DESCRIPTORS
from .extract import Frames, frame_features


def _mean_std(values: np.ndarray, ddof: int) -> tuple[np.ndarray, np.ndarray]:
    """NaN-ignoring mean and standard deviation of the columns of (n, d); NaN where nothing was measured."""
    measured = ~np.isnan(values)
    count = measured.sum(axis=0)
    mean = np.where(measured, values, 0).sum(axis=0) / np.where(count, count, np.nan)
    squares = (np.where(measured, values - mean, 0) ** 2).sum(axis=0)
    std = np.sqrt(squares / np.maximum(count - ddof, 1))
    return mean, np.where(count, std, np.nan)


def texture_windows(
    frames: Frames, duration: float, *, length: float = 5.0, hop: float = 3.35, ddof: int = 1, partial: bool = False
) -> pd.DataFrame:
    """A row per texture window: its centre ``time`` (of the part within the cue), mean and SD of every dimension.

    `frames` are from `frame_features`; `duration` of the cue, `length` and `hop` of the windows are in s. `ddof` 1
    divides the squares by n - 1, 0 by n. `partial` keeps a last window that reaches beyond the cue beside full ones.
    """
    full = int(np.floor((duration - length) / hop + 1e-9)) + 1
    count = max(full, 1) + (partial and full >= 1 and duration - (full - 1) * hop - length > 1e-9)
    starts = np.arange(count) * hop
    ends = np.minimum(starts + length, duration)
    table = np.empty((count, 2, len(COLUMNS) // 2))
    at = 0
    for descriptor in DESCRIPTORS:
        times, values = frames[descriptor.descriptor]
        columns = slice(at, at + descriptor.dimensions)
        first, last = np.searchsorted(times, starts), np.searchsorted(times, starts + length)
        for i in range(count):
            table[i, :, columns] = _mean_std(values[first[i] : last[i]], ddof)
        at = columns.stop
    out = pd.DataFrame(table.reshape(count, -1), columns=list(COLUMNS))
    out.insert(0, "time", (starts + ends) / 2)
    return out


def cue_frames(
    samples: np.ndarray,
    rate: float,
    *,
    rows: str = "seconds",
    **switches,
) -> pd.DataFrame:
    """Feature rows of one cue: ``time`` in s within the cue and the 140 columns.

    `rows` are "seconds", 1 Hz rows at 0.5, 1.5, ... s, as many as the cue has seconds (rounded, at least one), held at
    the ends; or the texture "windows" themselves. A 1 Hz row between a window with a value and one without has none.
    The other arguments are those of `frame_features`; an empty cue raises ValueError as well.
    """
    if rows not in ("seconds", "windows"):
        raise ValueError(f"rows must be 'seconds' or 'windows', not {rows!r}")
    duration = np.shape(samples)[-1] / rate
    if duration == 0:
        raise ValueError("the cue has no samples")
    frames = frame_features(samples, rate, **switches)
    windows = texture_windows(frames, duration)
    if rows == "windows":
        return windows
    times = np.arange(max(int(duration + 0.5), 1)) + 0.5
    centres = windows["time"].to_numpy()
    out = {name: np.interp(times, centres, windows[name].to_numpy()) for name in COLUMNS}
    return pd.DataFrame({"time": times, **out})


def cue_vector(frames: pd.DataFrame) -> pd.Series:
    """One vector per cue: the mean over its rows from `cue_frames` in the 140 columns; NaN where no row has a value."""
    return frames[list(COLUMNS)].mean()


def rows(sounds: Iterable[np.ndarray], *, voicing: float = 0.0) -> tuple[Iterator[pd.DataFrame], dict]:
    """The rows of one cue after the other, for the stage ``mir``: `cue_frames` at 44.1 kHz, and no notes."""
    return (cue_frames(samples, 44_100, voicing=voicing) for samples in sounds), {}
