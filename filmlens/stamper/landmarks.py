"""Spectral peaks of films and tracks: the landmarks of the FilmLens engine (in place of the paper's Dejavu).

At 11,025 Hz: Hann 1024, hop 256; log power minus its mean over 41 bins, so that a peak is what stands out from its
own neighbourhood at any loudness. A peak is the highest of 33 bins x 9 frames, wide in frequency and narrow in time, at
least two nepers above its surroundings, between 150 and 5,400 Hz, and placed between frames and bins by a parabola.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numba as nb
import numpy as np
from scipy import fft

from filmlens.stamper import semitones, waveforms
from filmlens.stamper.index import Fingerprint
from filmlens.stamper.streams import Source, frames, middle_and_side, open_stream

RATE, FFT, HOP = semitones.RATE, semitones.FFT, semitones.HOP
FRAMES_S = RATE / HOP  # frames per second
REACH_BINS, REACH_FRAMES = 16, 4
LOWEST, HIGHEST = 14, 500  # bins
ABOVE = 2.0  # nepers over the surroundings; the highest of so many cells of noise reaches about that
_AROUND = 20  # bins on each side whose mean is taken away
# Digital silence has no peaks, and dither hardly any: power of the least sound that counts, per bin.
_POWER_FLOOR = 1e-7

_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


def power(samples: np.ndarray) -> np.ndarray:
    """Power of each frame of float32 samples, shape (frames, 513)."""
    framed = np.lib.stride_tricks.sliding_window_view(samples, FFT)[::HOP]
    spectrum = fft.rfft(framed * _WINDOW, axis=1)
    result = spectrum.real**2
    result += spectrum.imag**2
    return result


def whitened(level: np.ndarray) -> np.ndarray:
    """Log of a `power`, less its mean over the bins around; in place."""
    level += np.float32(_POWER_FLOOR)
    np.log(level, out=level)
    _flatten(level)
    return level


@nb.njit(cache=True)
def _flatten(level):
    """Take away the mean over 41 bins, the edge bins repeated, in place."""
    n_frames, n_bins = level.shape
    sums = np.empty(n_bins + 2 * _AROUND + 1)
    for t in range(n_frames):
        sums[0] = 0.0
        for i in range(n_bins + 2 * _AROUND):
            sums[i + 1] = sums[i] + level[t, min(n_bins - 1, max(0, i - _AROUND))]
        for f in range(n_bins):
            level[t, f] -= (sums[f + 2 * _AROUND + 1] - sums[f]) / (2 * _AROUND + 1)


@nb.njit(cache=True)
def highest_of_rows(level, reach):
    """Maximum of each value and its `reach` neighbours on both sides, row by row.

    By maxima of 2, 4, 8 ... of them: each pass is a plain comparison of a row with itself, shifted.
    """
    n_rows, n = level.shape
    highest = np.empty_like(level)
    step = np.empty(n + 2 * reach, level.dtype)
    width = 2 * reach + 1
    for t in range(n_rows):
        step[:] = -np.inf
        step[reach : reach + n] = level[t]
        span = 1
        while 2 * span <= width:
            for f in range(step.size - span):
                step[f] = max(step[f], step[f + span])
            span *= 2
        for f in range(n):
            highest[t, f] = max(step[f], step[f + width - span])
    return highest


@nb.njit(cache=True)
def pick(level):
    """Peaks of a whitened spectrogram.

    Returns
    -------
    time, freq : ndarrays of float32
        Frames and bins, with fractions; in order of the frame.
    height : ndarray of float32
        Nepers above the surroundings.
    """
    n_frames = len(level)
    highest = highest_of_rows(level, REACH_BINS)
    most = n_frames * (HIGHEST - LOWEST) // (REACH_BINS + 1) + HIGHEST
    time, freq, height = np.empty(most, np.float32), np.empty(most, np.float32), np.empty(most, np.float32)
    n = 0
    for t in range(1, n_frames - 1):
        for f in range(LOWEST, HIGHEST):
            v = level[t, f]
            if v > ABOVE and v == highest[t, f]:
                if n < most and highest[max(0, t - REACH_FRAMES) : t + REACH_FRAMES + 1, f].max() <= v:
                    time[n] = t + _vertex(level[t - 1, f], v, level[t + 1, f])
                    freq[n] = f + _vertex(level[t, f - 1], v, level[t, f + 1])
                    height[n] = v
                    n += 1
    return time[:n].copy(), freq[:n].copy(), height[:n].copy()


@nb.njit(cache=True)
def _vertex(before, at, after):
    """Where the parabola through three points is highest, in steps from the middle one."""
    bend = before - 2 * at + after
    return np.float32(0.5 * (before - after) / bend) if bend < -1e-6 else np.float32(0)


class Landmarks(NamedTuple):
    """Peaks of a film or track, ordered by time, and its loudness by semitones.

    Attributes
    ----------
    time, freq, height : ndarrays of float32
        Frames (of 256 / 11,025 s, at the frame's centre less half a frame), bins (negative: of the difference of left
        and right), nepers.
    seconds : float
        Length of the sound.
    levels : ndarray of uint8, shape (frames // 4, semitones)
        See `semitones.levels`.
    wave : ndarray of int8, shape (channels, n)
        See `waveforms.Slow`.
    """

    time: np.ndarray
    freq: np.ndarray
    height: np.ndarray
    seconds: float
    levels: np.ndarray = semitones.NONE
    wave: np.ndarray = waveforms.NONE


def landmarks(source: Source) -> Landmarks:
    """Peaks of a film or track, read block by block: of the mean of its channels, and of the first less the second.

    Dialogue sits in the middle of most films and music on its sides, so the difference of left and right often holds
    the music alone. A mono file has no such peaks. `MediaError` when the file cannot be read or has no sound.
    """
    samples_read, done, slow = 0, 0, waveforms.Slow()

    def counted() -> Iterator[np.ndarray]:
        nonlocal samples_read
        for block in open_stream(source, RATE, mono=False):
            samples_read += block.shape[1]
            block = middle_and_side(block)
            slow.add(block)
            yield block

    parts, levels = [], [semitones.NONE]
    margin = REACH_FRAMES + 1  # a peak's neighbours, and one more for the parabola
    for part, before, count in frames(counted(), size=FFT, hop=HOP, batch=1024, margin=margin):
        for samples, sign in zip(part, (1, -1), strict=False):
            level = power(samples)
            if sign > 0:
                levels.append(semitones.levels(level[before : before + count]))
            time, freq, height = pick(whitened(level))
            frame = np.rint(time)
            inside = (frame >= before) & (frame < before + count)
            parts.append((time[inside].astype(np.float64) + (done - before), sign * freq[inside], height[inside]))
        done += count
    if not parts:
        empty = np.zeros(0, np.float32)
        return Landmarks(empty, empty, empty, samples_read / RATE)
    time, freq, height = (np.concatenate(x) for x in zip(*parts, strict=True))
    order = np.argsort(time, kind="stable")
    seconds = samples_read / RATE
    time, freq, height = time[order].astype(np.float32), freq[order], height[order]
    return Landmarks(time, freq, height, seconds, np.concatenate(levels), slow.whole())


# Height of a film's peak against the share of such peaks that are the music's, relative to the share at 4.5 nepers.
_HEIGHT = (1.5, 2.0, 2.5, 3.0, 3.5, 4.5, 6.0)
_TRUST = (0.05, 0.12, 0.35, 0.65, 0.8, 1.0, 1.2)


def trust(height: np.ndarray) -> np.ndarray:
    """Weight of a film's peaks by their height: low peaks are mostly noise.

    >>> trust(np.array([2.0, 4.5]))
    array([0.12, 1.  ], dtype=float32)
    """
    return np.interp(height, _HEIGHT, _TRUST).astype(np.float32)


# Height of a track's peak against the share of such peaks that a film shows, relative to the share at 4.75 nepers.
_TALL = (2.0, 2.5, 3.0, 3.5, 4.0, 4.75, 5.5, 6.5, 8.0)
_STRENGTH = (0.1, 0.15, 0.35, 0.55, 0.75, 1.0, 1.2, 1.6, 1.9)


def strength(height: np.ndarray) -> np.ndarray:
    """Weight of a track's peaks by their height: high peaks remain audible under dialogue.

    >>> strength(np.array([3.0, 4.75]))
    array([0.35, 1.  ], dtype=float32)
    """
    return np.interp(height, _TALL, _STRENGTH).astype(np.float32)


def fingerprint(source: Source) -> tuple[Fingerprint, np.ndarray]:
    """Peaks of a track: times [frames], (frequency [bins, negative: side], height [nepers]); and its waveform."""
    time, freq, height, seconds, levels, wave = landmarks(source)
    return (time, np.column_stack([freq, height]), seconds, levels), wave


def points(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of the mean of the channels, in seconds (the frame's centre) and Hz, to draw over a spectrogram.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    >>> tone[: RATE // 2] = 0
    >>> seconds, hertz = points((tone, RATE))
    >>> bool(abs(hertz - 440).min() < 2), bool(seconds.min() > 0.4)
    (True, True)
    """
    time, freq, *_ = landmarks(source)
    return (time[freq > 0] * HOP + FFT / 2) / RATE, freq[freq > 0] * (RATE / FFT)
