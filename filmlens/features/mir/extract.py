"""All frame-wise descriptors of one cue in one pass over its sound (Ma et al. 2021, Table 2).

Roughness takes a 50 ms spectrum every 5 ms; every fifth of them is the spectrum of the 50 / 25 ms descriptors.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from . import pitch, rhythm, roughness, spectral, tonal
from .framing import RATE, frame_centres, frame_starts, hamming, magnitude, prepare, spectra

# Frames, 200 a second, whose spectra stay in memory (200 MB); those of a longer cue are computed twice.
_KEPT = 12_000

Frames = dict[str, tuple[np.ndarray, np.ndarray]]


def short_time(signal: np.ndarray) -> Frames:
    """Roughness, MFCC with deltas, and the shape of the spectrum of mono sound at 44.1 kHz."""
    size = int(spectral.FRAME)
    starts = frame_starts(signal.size, spectral.FRAME, roughness.HOP)
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
        rough[block, 0] = roughness.roughness(values, low, high)

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
