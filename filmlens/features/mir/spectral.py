"""Descriptors of a frame's level and spectrum (MIRtoolbox 1.8.1; crest and flatness after MATLAB's Audio Toolbox).

RMS, zero-crossing rate, centroid, spread, skewness, kurtosis, entropy, brightness and MFCC with their deltas share the
50 ms frames, 25 ms apart; crest and flatness have their own of 30 ms, overlapping by 20 ms. Gates compare a frame with
the loudest one of the same cue. Roughness, how strongly the partials beat against each other, is Sethares' dissonance
curve summed over all pairs of peaks of a spectrum of 50 ms, 5 ms apart.
"""

from functools import lru_cache

import numpy as np

from .framing import RATE, fast, frame_centres, frame_starts, spectra
from .peaks import contrast_peaks

FRAME = 0.05 * RATE
HOP = 0.5 * FRAME
FFT = 4096
BRIGHT = 1500.0
MFCC_RANKS = 14

SHORT_FRAME = 0.03 * RATE
SHORT_HOP = 0.01 * RATE

#: Columns of the array that `shape` fills.
SHAPE = ("norm", "centroid", "spread", "skewness", "kurtosis", "entropy", "brightness")

# mirspread, mirskewness, mirkurtosis; mircentroid, mirentropy, mirbrightness
_GATES = {"centroid": 0.005, "entropy": 0.005, "brightness": 0.005, "spread": 0.01, "skewness": 0.01, "kurtosis": 0.01}
_MAX_ENTROPY = 0.95

ROUGH_HOP = 0.1 * FRAME
ROUGH_CONTRAST = 0.01

# A pair whose dissonance is below e**-40 of the product of its magnitudes is left out.
_NEGLIGIBLE = 40.0


@fast
def _levels(signal, starts, size, rms, crossings):
    for i in range(starts.size):
        first = starts[i]
        energy = signal[first] ** 2
        count = 0
        for n in range(first + 1, first + size):
            energy += signal[n] ** 2
            count += signal[n] * signal[n - 1] < 0
        rms[i] = np.sqrt(energy / size)
        crossings[i] = count


def levels(signal: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """RMS and zero-crossing rate (crossings per second, halved) of the 50 ms frames."""
    size = int(FRAME)
    starts = frame_starts(signal.size, FRAME, HOP)
    rms, crossings = np.empty(starts.size), np.empty(starts.size)
    _levels(signal, starts, size, rms, crossings)
    times = frame_centres(starts, size)
    return {"rms": (times, rms[:, None]), "zerocross": (times, crossings[:, None] / size * RATE / 2)}


@fast
def shape(magnitudes, step, out):
    """Norm, centroid, central moments, entropy and brightness of magnitude spectra (n, bins), `step` Hz apart.

    `out` (n, 7) receives the columns of `SHAPE`, not yet gated; NaN for silent frames except norm and entropy.
    """
    bins = magnitudes.shape[1]
    for i in range(magnitudes.shape[0]):
        row = magnitudes[i]
        total = energy = bright = first = 0.0
        least = np.inf
        for k in range(bins):
            total += row[k]
            energy += row[k] * row[k]
            first += k * row[k]
            least = min(least, row[k])
        for k in range(int(np.floor(BRIGHT / step)) + 1, bins):
            bright += row[k]
        entropy = 0.0
        scale = 1 / (total + 1e-12)
        for k in range(bins):
            p = row[k] * scale
            entropy -= p * np.log(p + 1e-12)
        out[i, 0] = np.sqrt(energy)
        out[i, 5] = entropy / np.log(bins)
        if not total > 0:
            out[i, 1:5] = np.nan
            out[i, 6] = np.nan
            continue
        out[i, 6] = bright / total
        # the moments are those of the spectrum raised by its own minimum
        raised = total + bins * least
        centre = (first + least * bins * (bins - 1) / 2) / raised
        second = third = fourth = 0.0
        for k in range(bins):
            away = k - centre
            weight = (row[k] + least) * away * away
            second += weight
            third += weight * away
            fourth += weight * away * away
        spread = np.sqrt(second / raised)
        out[i, 1] = centre * step
        out[i, 2] = spread * step
        out[i, 3] = third / raised / spread**3
        out[i, 4] = fourth / raised / spread**4


def gated(table: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of `shape` with NaN where MIRtoolbox measures nothing: too quiet, or (centroid) too noisy a frame.

    "Quiet" is relative to the loudest frame of the cue; in a cue of digital silence no frame is.
    """
    columns = dict(zip(SHAPE, table.T, strict=True))
    norm = columns.pop("norm")
    loudest = norm.max(initial=0.0)
    out = {name: np.where(norm < _GATES[name] * loudest, np.nan, values) for name, values in columns.items()}
    out["centroid"][columns["entropy"] > _MAX_ENTROPY] = np.nan
    return out


@lru_cache(maxsize=1)
def mel_filters() -> np.ndarray:
    """The Auditory Toolbox's 40 triangles of unit area, shape (2049, 40), as MIRtoolbox's mirmfcc has them."""
    edges = np.empty(42)
    edges[:13] = 133.3333 + 66.66666666 * np.arange(13)
    edges[13:] = edges[12] * 1.0711703 ** np.arange(1, 30)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    f = (np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    rising = np.where((f > low) & (f <= centre), (f - low) / (centre - low), 0)
    falling = np.where((f > centre) & (f < high), (high - f) / (high - centre), 0)
    return np.ascontiguousarray((rising + falling) * 2 / (high - low))


@lru_cache(maxsize=1)
def _cosines() -> np.ndarray:
    ranks = np.arange(MFCC_RANKS)[:, None]
    cosines = np.cos(ranks * (2 * np.arange(40) + 1) * np.pi / 80) / np.sqrt(20)
    cosines[0] /= np.sqrt(2)
    return cosines


def mfcc(magnitudes: np.ndarray) -> np.ndarray:
    """Mel-frequency cepstral coefficients, ranks 0-13, shape (n, 14), of magnitude spectra (n, 2049)."""
    return np.log10(magnitudes @ mel_filters() + 2e-16) @ _cosines().T


def delta(coefficients: np.ndarray) -> np.ndarray:
    """Slope over five frames of coefficients (n, d); the two frames at either edge are lost: shape (n - 4, d).

    >>> delta(np.arange(6.0)[:, None]).ravel()
    array([1., 1.])
    """
    c = coefficients
    if len(c) < 5:
        return c[:0]
    return (c[3:-1] - c[1:-3] + 2 * (c[4:] - c[:-4])) / 10


@fast
def _crest_flatness(parts, crest, flatness):
    bins = parts.shape[1] // 2
    for i in range(parts.shape[0]):
        total = logs = highest = 0.0
        for k in range(bins):
            power = parts[i, 2 * k] ** 2 + parts[i, 2 * k + 1] ** 2
            total += power
            highest = max(highest, power)
            logs += np.log(power)
        mean = total / bins
        crest[i] = highest / mean if mean > 0 else np.nan
        flatness[i] = np.exp(logs / bins) / mean if mean > 0 else np.nan


def crest_flatness(signal: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Peak and geometric mean of the power spectrum, each over its arithmetic mean (Audio Toolbox defaults).

    Frames of 30 ms overlapping by 20 ms; FFT as long as the frame; rectangular window. NaN in digital silence.
    """
    size = int(SHORT_FRAME)
    starts = frame_starts(signal.size, SHORT_FRAME, SHORT_HOP)
    crest, flatness = np.empty(starts.size), np.empty(starts.size)
    for block, parts in spectra(signal, starts, np.ones(size), size):
        _crest_flatness(parts, crest[block], flatness[block])
    times = frame_centres(starts, size)
    return {"crest": (times, crest[:, None]), "flatness": (times, flatness[:, None])}


@lru_cache(maxsize=1)
def dissonance() -> tuple[np.ndarray, np.ndarray]:
    """Sethares' curve for every pair of bins that matters, and where each row of it begins, (bins + 1,).

    Rows stand one after the other: row i holds the pairs (i, i), (i, i + 1), ...
    """
    step = RATE / FFT
    bins = FFT // 2 + 1
    per_hertz = 0.24 / (0.0207 * np.arange(bins) * step + 18.96)
    reach = np.minimum((_NEGLIGIBLE / (3.51 * per_hertz * step)).astype(np.int64) + 1, bins - np.arange(bins))
    rows = np.concatenate([[0], np.cumsum(reach)])
    distance = np.arange(rows[-1]) - np.repeat(rows[:-1], reach)
    q = np.repeat(per_hertz * step, reach) * distance
    return np.exp(-3.51 * q) - np.exp(-5.75 * q), rows


@fast
def _sethares(spectra, low, high, values, rows, out):
    bins = spectra.shape[1]
    scaled = np.empty(bins)
    found = np.empty(bins, np.int64)
    heights = np.empty(bins)
    for i in range(spectra.shape[0]):
        for k in range(bins):
            scaled[k] = (spectra[i, k] - low) / (high - low)
        count = contrast_peaks(scaled, ROUGH_CONTRAST, 0.0, False, found)
        for p in range(count):
            heights[p] = spectra[i, found[p]]
        total = 0.0
        end = 0
        for p in range(count - 1):
            row = rows[found[p]] - found[p]
            while end < count and row + found[end] < rows[found[p] + 1]:
                end += 1
            beating = 0.0
            for q in range(p + 1, end):
                beating += heights[q] * values[row + found[q]]
            total += heights[p] * beating
        out[i] = total


def roughness(spectra: np.ndarray, low: float, high: float) -> np.ndarray:
    """Roughness (n,) of magnitude spectra (n, 2049) of 50 ms frames at 44.1 kHz under a Hamming window.

    `low` and `high` are the least and greatest magnitude in the whole cue: peaks must stand out by 1 % of that range.
    """
    out = np.zeros(len(spectra))
    if high > low:
        _sethares(spectra, low, high, *dissonance(), out)
    return out
