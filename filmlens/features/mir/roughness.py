"""Roughness: how strongly the partials of a sound beat against each other (MIRtoolbox 1.8.1 mirroughness).

Sethares' dissonance curve summed over all pairs of spectral peaks of a 50 ms frame, 5 ms apart.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .framing import RATE, fast
from .peaks import contrast_peaks
from .spectral import FFT, FRAME

HOP = 0.1 * FRAME
CONTRAST = 0.01

# A pair whose dissonance is below e**-40 of the product of its magnitudes is left out.
_NEGLIGIBLE = 40.0


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
        count = contrast_peaks(scaled, CONTRAST, 0.0, False, found)
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
