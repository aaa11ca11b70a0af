"""What VGGish hears: log-mel examples of 0.96 s (Hershey et al. 2017; Ma et al. 2021, "VGGish embeddings").

Mono at 16 kHz, frames of 25 ms every 10 ms without padding, a periodic Hann window, 64 mel bands from 125 to 7500 Hz
whose triangles are linear in mel, ln(magnitude + 0.01), and 96 frames to an example; a tail that fills none is
dropped. The bands are built here because the usual libraries' differ by more than 0.01 in log-mel.
"""

from functools import lru_cache

import numpy as np
import soxr

RATE = 16_000
FRAMES, BANDS = 96, 64  # of an example
SECONDS = 0.96  # of an example, and from one to the next

_LENGTH, _HOP, _FFT = 400, 160, 512
_LOW, _HIGH = 125.0, 7500.0
_OFFSET = 0.01
_SHORTEST = _LENGTH + (FRAMES - 1) * _HOP  # 15,600 samples make one example
_BLOCK = 64  # examples whose spectra lie in memory at once


def examples(samples: np.ndarray, rate: float = RATE) -> np.ndarray:
    """Log-mel examples of a sound, float32 (n, 96, 64): rows are frames, columns bands from low to high.

    Example i holds the sound from 0.96 i s on. `samples`, (n,) or (channels, n) in [-1, 1], are averaged over channels,
    `rate` is in Hz; below 0.975 s silence makes it one example. ValueError for empty, NaN or infinite samples.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(3 * 16000) / 16000)
    >>> examples(tone).shape
    (3, 96, 64)
    >>> [round(float(value), 4) for value in examples(tone)[0, 0, :2]]
    [-4.4831, -4.2708]
    """
    sound = np.asarray(samples, dtype=float)
    sound = sound.mean(axis=0) if sound.ndim == 2 else sound
    if not len(sound):
        raise ValueError("no samples: VGGish needs sound to hear")
    if not np.isfinite(sound).all():
        raise ValueError("the samples hold NaN or infinity")
    if rate != RATE:
        sound = soxr.resample(sound, rate, RATE)
    sound = np.pad(sound, (0, max(0, _SHORTEST - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, _LENGTH)[::_HOP]
    out = np.empty((len(frames) // FRAMES, FRAMES, BANDS), np.float32)
    for at in range(0, len(out), _BLOCK):
        part = out[at : at + _BLOCK]
        magnitudes = np.abs(np.fft.rfft(frames[at * FRAMES : (at + len(part)) * FRAMES] * _window(), _FFT))
        part[:] = np.log(magnitudes @ mel_matrix() + _OFFSET).reshape(part.shape)
    return out


@lru_cache
def mel_matrix() -> np.ndarray:
    """Weights of the spectrum's bins in the mel bands, (257, 64): triangles linear in mel, peak 1, nothing from DC."""

    def mel(hertz):
        return 1127 * np.log1p(np.asarray(hertz) / 700)

    edges = np.linspace(mel(_LOW), mel(_HIGH), BANDS + 2)
    bins = mel(np.arange(_FFT // 2 + 1) * RATE / _FFT)[:, None]
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    matrix = np.clip(np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)), 0, None)
    matrix[0] = 0
    return matrix


@lru_cache
def _window() -> np.ndarray:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_LENGTH) / _LENGTH)
