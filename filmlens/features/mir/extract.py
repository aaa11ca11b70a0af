"""All frame-wise descriptors of one cue in one pass over its sound (Ma et al. 2021, Table 2), and rows made of them.

Roughness takes a 50 ms spectrum every 5 ms; every fifth of them is the spectrum of the 50 / 25 ms descriptors.

The paper: mean and standard deviation over 5 s windows with 33 % overlap, aligned to 1 Hz. **D**: a window starts every
3.35 s from the start of the cue; a frame belongs to the windows that hold its centre; NaN frames are ignored; the
standard deviation divides by n - 1 as MATLAB's does, and that of one frame is 0; a last window that reaches beyond the
cue is dropped unless it is the only one. 1 Hz rows are interpolated between the centres of the windows. What no window
measured stays NaN, to be imputed inside each training fold.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from . import pitch, rhythm, spectral, tonal
from .columns import COLUMNS, DESCRIPTORS
from .framing import RATE, frame_centres, frame_starts, hamming, magnitude, prepare, spectra

# Frames, 200 a second, whose spectra stay in memory (200 MB); those of a longer cue are computed twice.
_KEPT = 12_000

Frames = dict[str, tuple[np.ndarray, np.ndarray]]


def short_time(signal: np.ndarray) -> Frames:
    """Roughness, MFCC with deltas, and the shape of the spectrum of mono sound at 44.1 kHz."""
    size = int(spectral.FRAME)
    starts = frame_starts(signal.size, spectral.FRAME, spectral.ROUGH_HOP)
    times = frame_centres(frame_starts(signal.size, spectral.FRAME, spectral.HOP), size)
    count = len(times)

    def blocks() -> Iterator[tuple[slice, np.ndarray]]:
        room = None
        for block, parts in spectra(signal, starts, hamming(size), spectral.FFT, multiple=5):
            room = np.empty((len(parts), parts.shape[1] // 2)) if room is None else room[: len(parts)]
            magnitude(parts, room)
            yield block, room

    kept = []
    low, high = np.inf, -np.inf
    cepstra = np.empty((count, spectral.MFCC_RANKS))
    shapes = np.empty((count, len(spectral.SHAPE)))
    for block, values in blocks():
        low, high = min(low, values.min()), max(high, values.max())
        rows = slice(block.start // 5, min(-(-block.stop // 5), count))
        every_fifth = values[::5][: rows.stop - rows.start]
        cepstra[rows] = spectral.mfcc(every_fifth)
        spectral.shape(every_fifth, RATE / spectral.FFT, shapes[rows])
        if starts.size <= _KEPT:
            kept.append((block, values.copy()))
    # a second time, because peaks are judged by the range of the whole cue
    rough = np.empty((starts.size, 1))
    for block, values in kept or blocks():
        rough[block, 0] = spectral.roughness(values, low, high)

    slopes = spectral.delta(cepstra)
    curvature = spectral.delta(slopes)
    return {name: (times, values[:, None]) for name, values in spectral.gated(shapes).items()} | {
        "mfcc": (times, cepstra),
        "dmfcc": (times[2 : 2 + len(slopes)], slopes),
        "ddmfcc": (times[4 : 4 + len(curvature)], curvature),
        "roughness": (frame_centres(starts, size), rough),
    }


def frame_features(samples: np.ndarray, rate: float, *, hann: str = "octave", voicing: float = 0.0) -> Frames:
    """Every descriptor of one cue, frame by frame: key of `columns.DESCRIPTORS` -> (times (n,), values (n, d)).

    The cue is the unit (**D**): gates, the thresholds of roughness and pitch and the scale of onsets see it whole.
    Times are frame centres in s from its start. NaN where MIRtoolbox measures nothing. A descriptor whose frame is
    longer than the cue has n = 0; key clarity, mode, pulse clarity and tempo then measure the cue as one frame.

    For `samples`, `rate` and what is refused see `framing.prepare`; for `hann` `rhythm.power_envelope`, for `voicing`
    `pitch.fundamentals`.

    >>> times, values = frame_features(np.sin(np.arange(44100) / 10), 44100)["rms"]
    >>> values.shape, float(values[0, 0].round(3))
    ((39, 1), 0.706)
    """
    signal = prepare(samples, rate)
    return {
        **spectral.levels(signal),
        **short_time(signal),
        **tonal.tonality(signal),
        "pulseclarity": rhythm.pulse_clarity(signal, hann=hann),
        "tempo": rhythm.tempo(signal),
        "inharmonicity": pitch.inharmonicity(signal, voicing=voicing),
        **spectral.crest_flatness(signal),
    }


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
