"""Chroma, key clarity and mode (MIRtoolbox 1.8.1 mirchromagram, mirkeystrength, mirmode).

Each frame is scaled to the range 0 to 1 BEFORE its window, as MIRtoolbox does, so that chroma knows no level.
Chroma has frames of 200 ms every 10 ms, the keys frames of 1 s every 0.5 s.
"""

from functools import lru_cache

import numpy as np

from .framing import RATE, fast, fft_size, frame_centres, frame_starts, hamming, span, spectra

CHROMA_FRAME, CHROMA_HOP = 0.2 * RATE, 0.01 * RATE
KEY_FRAME, KEY_HOP = 1.0 * RATE, 0.5 * RATE
LOWEST, HIGHEST = 100.0, 6400.0
MIDDLE_C = 261.6256

# A range whose inverse is not finite.
_FLAT = 1e-300

# Key profiles of Gomez (2006) as MIRtoolbox holds them: the published four digits move key clarity and mode by 1e-4.
# fmt: off
C_MAJOR = (
    1.5613065279000005, 0.83963352240000022, 1.1928630591, 0.75861829440000017,
    1.4157162747000003, 1.0300166775000001, 0.87559267950000019, 1.5361036632000002,
    0.8414725635000001, 1.2140956872000002, 0.72351621540000022, 1.1331003168000002,
)
C_MINOR = (
    1.6221607578000001, 0.8027398386000002, 1.1587429431000003, 1.3813449822000003,
    0.97946497350000006, 1.0486369701, 0.85949927550000016, 1.5466225788000003,
    1.0522966014000001, 1.0178990856000001, 1.1277555660000003, 0.98619346890000015,
)
# fmt: on

#: Profiles of the 12 major keys (C, C sharp, ...) and the 12 minor ones, shape (24, 12).
PROFILES = np.array([np.roll(profile, tonic) for profile in (C_MAJOR, C_MINOR) for tonic in range(12)])

_PROFILES = PROFILES - PROFILES.mean(axis=1, keepdims=True)
_PROFILES /= np.linalg.norm(_PROFILES, axis=1, keepdims=True)


@lru_cache(maxsize=8)
def semitones(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which bins of the spectrum of a frame of `size` samples make up which semitone: first, last and weights.

    Bins ``first`` to ``last`` (excluded) lie strictly between the midpoints to the neighbouring semitones. The weights
    (semitones, 12) are one over the number of bins, halved for the outermost semitones, in the column of the chroma.
    """
    resolution = (2 ** (1 / 12) - 1) * 0.85
    lowest = LOWEST if RATE / (LOWEST * resolution) <= size else RATE / size / resolution
    f = np.arange(fft_size(size) // 2 + 1) * RATE / fft_size(size)
    inside = np.flatnonzero((f >= lowest) & (f <= HIGHEST))
    # only whole octaves are kept
    top = f[inside[0]] * 2 ** np.floor(np.log2(f[inside[-1]] / f[inside[0]]))
    bins = inside[f[inside] <= top]
    number = np.round(12 * np.log2(f[bins] / MIDDLE_C))
    numbers = np.arange(number.min(), number.max() + 1)
    centre, below, above = (MIDDLE_C * 2 ** ((numbers + d) / 12) for d in (0, -1, 1))
    low, high = centre - 0.5 * (centre - below), centre + 0.5 * (above - centre)
    first = np.searchsorted(f[bins], low, side="right") + bins[0]
    last = np.searchsorted(f[bins], high, side="left") + bins[0]
    weights = np.zeros((numbers.size, 12))
    weights[np.arange(numbers.size), numbers.astype(int) % 12] = 1 / (last - first)
    weights[[0, -1]] /= 2
    return first, last, weights


@fast
def _scaled(signal, starts, window, out):
    """Frames scaled to 0..1, windowed; a frame without any range becomes NaN."""
    size = window.size
    for i in range(starts.size):
        first = starts[i]
        low, high = span(signal[first : first + size])
        scale = 1 / (high - low) if high - low > _FLAT else np.nan
        for n in range(size):
            out[i, n] = (signal[first + n] - low) * scale * window[n]


@fast
def _fold(parts, first, last, weights, out):
    for i in range(out.shape[0]):
        out[i] = 0.0
        for s in range(first.size):
            total = 0.0
            for k in range(first[s], last[s]):
                total += np.sqrt(parts[i, 2 * k] ** 2 + parts[i, 2 * k + 1] ** 2)
            for c in range(12):
                out[i, c] += weights[s, c] * total


def chroma(signal: np.ndarray, frame: float = CHROMA_FRAME, hop: float = CHROMA_HOP) -> tuple[np.ndarray, np.ndarray]:
    """Chromagram of mono sound at 44.1 kHz, largest chroma of each frame 1 (within 1e-6); `frame` and `hop` in samples.

    Times (frames,) and values (frames, 12) from C; NaN where the frame is constant.
    """
    size = int(frame)
    starts = frame_starts(signal.size, frame, hop)
    values = np.empty((starts.size, 12))
    if starts.size:
        for block, parts in spectra(signal, starts, hamming(size), fft_size(size), framing=_scaled):
            _fold(parts, *semitones(size), values[block])
        values /= values.max(axis=1, keepdims=True) + 1e-6
    return frame_centres(starts, size), values


def key_strengths(chromas: np.ndarray) -> np.ndarray:
    """Pearson correlation of chromas (n, 12) with the profiles of 12 major and 12 minor keys, shape (n, 24).

    >>> key_strengths(PROFILES[:1]).argmax()
    np.int64(0)
    """
    away = chromas - chromas.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(away, axis=1, keepdims=True)
    return away / np.where(norm > 0, norm, np.nan) @ _PROFILES.T


def key_clarity_mode(strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength of the best key, and best major minus best minor, from strengths (n, 24)."""
    major, minor = strengths[:, :12].max(axis=1), strengths[:, 12:].max(axis=1)
    return np.maximum(major, minor), major - minor


def tonality(signal: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Chroma, key clarity and mode of mono sound at 44.1 kHz.

    A cue shorter than the 1 s frame of the keys is measured as one frame, as MIRtoolbox does (**D**: from 0.2 s on).
    """
    long_enough = signal.size >= int(CHROMA_FRAME)
    times, keys = chroma(signal, min(KEY_FRAME, signal.size) if long_enough else KEY_FRAME, KEY_HOP)
    clarity, mode = key_clarity_mode(key_strengths(keys))
    return {"chroma": chroma(signal), "keyclarity": (times, clarity[:, None]), "mode": (times, mode[:, None])}
