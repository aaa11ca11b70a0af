"""Inharmonicity and the fundamental frequency it is measured against (MIRtoolbox 1.8.1 mirinharmonicity, mirpitch).

Frames of 100 ms every 12.5 ms. The fundamental is mirpitch's ``'Mono'``: two bands (70-1000 Hz; the same, half-wave
rectified, 1-10 kHz), in each the autocorrelation of the square root of the magnitude spectrum, their sum enhanced,
and the highest peak between 75 and 2400 Hz. Inharmonicity is the mean distance of the spectrum from the multiples of
that fundamental: 0 when all energy stands on multiples, 1 when all of it stands halfway between them.

mirpitch finds a pitch in white noise too. A gate can ask for periodic frames; it is off, because on real music it
drops 55 to 91 % of the frames, the inharmonic ones. **D**, where mirpitch would lose high notes: a peak yields to one
more than ten times as high in frequency and nearly as high in value, because the enhancement removes the first ten
multiples of a period only.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import scipy.signal

from .framing import RATE, centred, fast, fft_size, filtered, frame_centres, frame_starts, hamming, spectra, strict
from .peaks import STRETCHES, contrast_peaks, enhance

FRAME = 0.1 * RATE
HOP = 0.125 * FRAME
LOWEST, HIGHEST = 75.0, 2400.0
CONTRAST, THRESHOLD = 0.1, 0.4

_AS_HIGH = 0.9

_SIZE = int(FRAME)
_SECTION = 1000
_LAGS = (_SIZE + 1) // 2
_FIRST, _LAST = int(np.ceil(RATE / HIGHEST)), int(RATE / LOWEST)


@lru_cache(maxsize=1)
def _window() -> tuple[np.ndarray, np.ndarray]:
    """The Hann window of mirautocor and the autocorrelation it divides by, which it takes one lag late."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, _SIZE + 1) / (_SIZE + 1))
    bias = scipy.signal.correlate(window, window, method="fft")[_SIZE : _SIZE + _LAGS]
    return window, bias / (window**2).sum()


@fast
def _compress(body, treble, out):
    """Square roots of the magnitudes of two spectra, summed; all are (real, imaginary) pairs."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1] // 2):
            lower = np.sqrt(np.sqrt(body[i, 2 * k] ** 2 + body[i, 2 * k + 1] ** 2))
            upper = np.sqrt(np.sqrt(treble[i, 2 * k] ** 2 + treble[i, 2 * k + 1] ** 2))
            out[i, 2 * k] = lower + upper
            out[i, 2 * k + 1] = 0.0


@strict
def _enhance(curves, first, last, out):
    """Enhanced curves at the lags `last` down to `first`: in rising frequency."""
    row = np.empty(last + 1)
    for i in range(curves.shape[0]):
        enhance(curves[i], 0, last + 1, row)
        out[i] = row[last - out.shape[1] + 1 :][::-1]


@strict
def _pick(enhanced, frequencies, out):
    """Frequency of the highest contrasting peak of each row, refined by a parabola; NaN if there is none."""
    found = np.empty(enhanced.shape[1], np.int64)
    low, high = enhanced.min(), enhanced.max()
    for i in range(enhanced.shape[0]):
        out[i] = np.nan
        scaled = (enhanced[i] - low) / (high - low)
        peaks = found[: contrast_peaks(scaled, CONTRAST, THRESHOLD, True, found)]
        if not peaks.size:
            continue
        best = peaks[scaled[peaks].argmax()]
        for peak in peaks[::-1]:
            if frequencies[peak] > (STRETCHES + 0.5) * frequencies[best] and scaled[peak] >= _AS_HIGH * scaled[best]:
                best = peak
                break
        left, middle, right = enhanced[i, best - 1], enhanced[i, best], enhanced[i, best + 1]
        shift = (right - left) / (2 * (2 * middle - right - left))
        neighbour = frequencies[best + 1] if shift >= 0 else frequencies[best - 1]
        out[i] = frequencies[best] + abs(shift) * (neighbour - frequencies[best])


def _band_spectra(
    signal: np.ndarray, starts: np.ndarray, window: np.ndarray
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Spectra of both bands of mirfilterbank '2Channels', a block of frames at a time; only a section is ever held."""
    low = scipy.signal.butter(4, [70, 1000], "bandpass", fs=RATE, output="sos")
    high = scipy.signal.butter(2, [1000, 10000], "bandpass", fs=RATE, output="sos")
    low_state, high_state = np.zeros((len(low), 2)), np.zeros((len(high), 2))
    body, treble = np.empty(0), np.empty(0)
    origin = done = 0
    for first in range(0, starts.size, _SECTION):
        rows = starts[first : first + _SECTION]
        end = rows[-1] + _SIZE
        fresh = np.empty(end - done)
        filtered(signal[done:end], low, low_state, fresh)
        body = np.concatenate([body[rows[0] - origin :], fresh])
        filtered(np.maximum(fresh, 0.0), high, high_state, fresh)
        treble = np.concatenate([treble[rows[0] - origin :], fresh])
        origin, done = rows[0], end
        both = (spectra(band, rows - origin, window, _SIZE, framing=centred) for band in (body, treble))
        for (block, lower), (_, upper) in zip(*both, strict=True):
            yield slice(first + block.start, first + block.stop), lower, upper


def fundamentals(signal: np.ndarray, *, voicing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Times (frames,) and fundamental frequencies (frames,) in Hz, NaN without one, of mono sound (n,) at 44.1 kHz.

    `voicing` is the least autocorrelation at the fundamental's period relative to lag 0, which white noise reaches up
    to 0.08; 0 takes whatever mirpitch finds.
    """
    starts = frame_starts(signal.size, FRAME, HOP)
    times = frame_centres(starts, _SIZE)
    f0 = np.full(starts.size, np.nan)
    if not starts.size or not np.ptp(signal) > 0:
        return times, f0
    window, bias = _window()
    enhanced = np.empty((starts.size, _LAST - _FIRST + 1))
    periodic = np.empty(enhanced.shape, bool)
    total = np.empty((0, 0))
    for block, lower, upper in _band_spectra(signal, starts, window):
        if len(lower) != len(total):
            total, curves = np.zeros((len(lower), _SIZE // 2 + 1), complex), np.empty((len(lower), _SIZE))
        _compress(lower, upper, total.view(np.float64))
        np.fft.irfft(total, _SIZE, axis=1, out=curves)
        curves[:, :_LAGS] /= bias
        _enhance(curves[:, :_LAGS], _FIRST, _LAST, enhanced[block])
        if voicing:
            periodic[block] = curves[:, _FIRST : _LAST + 1] > voicing * curves[:, :1]
    _pick(enhanced, RATE / np.arange(_LAST, _FIRST - 1, -1.0), f0)
    if voicing:
        lag = np.rint(RATE / np.where(np.isnan(f0), HIGHEST, f0)).astype(int)
        f0[~periodic[np.arange(starts.size), np.clip(lag, _FIRST, _LAST) - _FIRST]] = np.nan
    return times, f0


@fast
def _inharmonic(parts, step, f0, out):
    for i in range(f0.size):
        away = total = 0.0
        for k in range(parts.shape[1] // 2):
            magnitude = np.sqrt(parts[i, 2 * k] ** 2 + parts[i, 2 * k + 1] ** 2)
            ratio = k * step / f0[i]
            away += 2 * abs(ratio - np.rint(ratio)) * magnitude
            total += magnitude
        out[i] = away / total if total > 0 else np.nan


def inharmonicity(
    signal: np.ndarray, *, f0: float | np.ndarray | None = None, voicing: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the spectrum away from the multiples of the fundamental, 0 to 1, NaN without one: times, (frames, 1).

    `f0` is the fundamental frequency in Hz when it is known, one or (frames,); for `voicing` see `fundamentals`.
    """
    starts = frame_starts(signal.size, FRAME, HOP)
    if f0 is None:
        f0 = fundamentals(signal, voicing=voicing)[1]
    f0 = np.broadcast_to(np.asarray(f0, dtype=np.float64), starts.shape)
    padded = fft_size(_SIZE)
    values = np.full((starts.size, 1), np.nan)
    pitched = np.flatnonzero(f0 > 0)
    out = np.empty(pitched.size)
    for block, parts in spectra(signal, starts[pitched], hamming(_SIZE), padded):
        _inharmonic(parts, RATE / padded, f0[pitched[block]], out[block])
    values[pitched, 0] = out
    return frame_centres(starts, _SIZE), values
