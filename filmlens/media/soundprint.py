"""Whether two films or tracks are one: signs of energy differences over bands and time, found at any shift.

The sub-fingerprint of Haitsma and Kalker (2002), "A highly robust audio fingerprinting system", eq. 1. Another codec,
container or level changes few bits, other sound half of them. As there, films are looked up by whole rows of bits.
"""

from collections.abc import Sequence

import numpy as np
import soxr

from filmlens.media.container import duration
from filmlens.media.opening import Source
from filmlens.media.sound import read_audio

_RATE, _HOP, _WINDOW = 8000, 800, 2048
_BANDS = np.geomspace(200, 3000, 25)  # Hz
_LENGTH_S, _TRACK_S, _SHIFT_S, _LEAST_S = 180.0, 60.0, 60.0, 20.0
_SIZE = 4096  # of a transform: more than two prints one behind the other, so that no shift comes round
_SHIFTS = np.arange(-round(_SHIFT_S * _RATE / _HOP), round(_SHIFT_S * _RATE / _HOP) + 1)  # frames
_FLOOR = 1e-5  # of a band's energy, below which there is nothing to compare
#: Agreement of bits from which two films are one: of unrelated sound half agree, and at most .6 at the best shift.
SAME = 0.7
# Rows of bits by which films are looked up have as many bits as leave each about eight others to meet by chance.
_BITS, _BY_CHANCE = (12, 23), 8
_OF_ONE, _OF_OTHERS = 4, 64  # equal rows of one film that count, and those of others that each is set against
#: Equal rows at one shift, as a share of a film's, from which two are compared: at `SAME` .7 % are, by chance .1 %.
_EQUAL, _LEAST_EQUAL = 0.003, 3


def sound_prints(path: Source) -> tuple[np.ndarray, np.ndarray]:
    """Signs of three minutes in the middle of a film, ten times a second; (frames, 23) of -1, 0 (silence) and 1.

    The second as if it ran at 24 pictures a second in place of 25: a PAL transfer as the film that it was.
    """
    samples = _middle(path, _LENGTH_S)
    slowed = soxr.resample(samples, 24 * _RATE, 25 * _RATE) if len(samples) else samples
    return _print(samples), _print(slowed)


def track_print(path: Source) -> np.ndarray:
    """Signs of the minute in the middle of a track, as those of a film; none of less than 20 s."""
    return _print(_middle(path, _TRACK_S))


def _middle(path: Source, seconds: float) -> np.ndarray:
    middle = duration(path) / 2
    return read_audio(path, _RATE, start=max(0.0, middle - seconds / 2), end=middle + seconds / 2)


def _print(samples: np.ndarray) -> np.ndarray:
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
    """Share of bits of two `transformed` prints that agree, at the best shift of at most a minute; 0 without sound."""
    agree, both = np.rint(np.fft.irfft((one * other.conj()).sum(axis=2), n=_SIZE))[:, _SHIFTS]
    allowed = both >= _LEAST_S * _RATE / _HOP * one.shape[2] / 2
    return float(0.5 + 0.5 * (agree[allowed] / both[allowed]).max()) if allowed.any() else 0.0


def alike(prints: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """Pairs of prints, by their places, with so many equal rows at one shift that `agreement` is to be asked.

    Each row is set against the next ones that equal it, so that the time grows with the number of prints, not its
    square. Of several that are one film, each is beside some other of them.
    """
    lengths = np.array([len(table) for table in prints], int)
    if not lengths.sum():
        return []
    rows = np.concatenate([table for table in prints if len(table)])
    whose = np.repeat(np.arange(len(prints)), lengths)
    when = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    bits = int(np.clip(np.ceil(np.log2(len(rows) / _BY_CHANCE)), *_BITS))
    bands = np.linspace(0, rows.shape[1] - 1, bits).round().astype(int)
    heard = (rows != 0).all(axis=1)
    key = (rows[heard][:, bands] > 0) @ (1 << np.arange(bits))
    order = np.lexsort((whose[heard], key))  # stable: by time within a film
    key, whose, when = key[order], whose[heard][order], when[heard][order]
    begins = np.flatnonzero(np.r_[True, (np.diff(key) != 0) | (np.diff(whose) != 0)]) if len(key) else []
    nth = np.arange(len(key)) - np.repeat(begins, np.diff(np.r_[begins, len(key)]))
    key, whose, when = (values[nth < _OF_ONE] for values in (key, whose, when))  # a sound that stands still
    span, found = len(_SHIFTS) + 1, []
    at = np.arange(len(key))
    for step in range(1, _OF_OTHERS + 1):
        at = at[at + step < len(key)]
        at = at[key[at] == key[at + step]]
        one, other, shift = whose[at], whose[at + step], when[at + step] - when[at] - _SHIFTS[0]
        apart = (one != other) & (shift >= 0) & (shift < len(_SHIFTS))
        found.append((one[apart] * len(prints) + other[apart]) * span + shift[apart])
    places, votes = np.unique(np.concatenate(found), return_counts=True)
    # neighbouring shifts count together: rows of two films begin up to half a step from each other
    votes[:-1] += np.where(np.diff(places) == 1, votes[1:], 0)
    one, other = np.divmod(places // span, len(prints))
    enough = votes >= np.maximum(_LEAST_EQUAL, _EQUAL * np.minimum(lengths[one], lengths[other]))
    return sorted(set(zip(one[enough].tolist(), other[enough].tolist(), strict=True)))
