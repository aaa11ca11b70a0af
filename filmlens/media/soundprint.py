"""Whether two films are one, by their sound: signs of energy differences over bands and time, found at any shift.

The sub-fingerprint of Haitsma and Kalker (2002), "A highly robust audio fingerprinting system", eq. 1: a bit says
whether the energy difference of two neighbouring bands grows. Another codec, container or level changes few bits, other
sound half of them.
"""

from __future__ import annotations

import numpy as np
import soxr

from filmlens.media.container import duration
from filmlens.media.opening import Medium
from filmlens.media.sound import read_audio

_RATE, _HOP, _WINDOW = 8000, 800, 2048
_BANDS = np.geomspace(200, 3000, 25)  # Hz
_LENGTH_S, _SHIFT_S, _LEAST_S = 180.0, 60.0, 20.0
_SIZE = 4096  # of a transform: more than two prints one behind the other, so that no shift comes round
_SHIFTS = np.arange(-round(_SHIFT_S * _RATE / _HOP), round(_SHIFT_S * _RATE / _HOP) + 1)  # frames
_FLOOR = 1e-5  # of a band's energy, below which there is nothing to compare
#: Agreement of bits from which two films are one: of unrelated sound half agree, and at most .6 at the best shift.
SAME = 0.7


def sound_print(path: Medium, *, slowed: bool = False) -> np.ndarray:
    """Signs of three minutes in the middle of a film, ten times a second; (frames, 23) of -1, 0 (silence) and 1.

    With `slowed` as if it ran at 24 pictures a second in place of 25: a PAL transfer as the film that it was.
    """
    middle = duration(path) / 2
    samples = read_audio(path, _RATE, start=max(0.0, middle - _LENGTH_S / 2), end=middle + _LENGTH_S / 2)
    samples = soxr.resample(samples, 24 * _RATE, 25 * _RATE) if slowed and len(samples) else samples
    if len(samples) < _LEAST_S * _RATE:
        return np.zeros((0, len(_BANDS) - 2), np.int8)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2 / _WINDOW
    inside = np.digitize(np.fft.rfftfreq(_WINDOW, 1 / _RATE), _BANDS)
    energy = np.array([power[:, inside == band].sum(axis=1) for band in range(1, len(_BANDS))]).T
    slope = np.diff(np.diff(energy, axis=1), axis=0)
    heard = energy[1:].sum(axis=1) > _FLOOR * max(energy.sum(axis=1).max(), _FLOOR)
    return (np.sign(slope) * heard[:, None]).astype(np.int8)


def transformed(table: np.ndarray) -> np.ndarray:
    """Spectra over time of a print's signs and of where it has sound, (2, frequencies, 23), for `agreement`."""
    both = np.stack([table, np.abs(table)]).astype(np.float32)
    return np.fft.rfft(both, n=_SIZE, axis=1).astype(np.complex64)


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Share of bits of two films that agree, at the shift of at most a minute at which most do; 0 without sound.

    Of two `transformed` prints: each film is compared with each other, and its transform is the same in all of them.
    """
    agree, both = np.rint(np.fft.irfft((one * other.conj()).sum(axis=2), n=_SIZE))[:, _SHIFTS]
    allowed = both >= _LEAST_S * _RATE / _HOP * one.shape[2] / 2
    return float(0.5 + 0.5 * (agree[allowed] / both[allowed]).max()) if allowed.any() else 0.0
