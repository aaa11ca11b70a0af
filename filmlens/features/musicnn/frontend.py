"""What musicnn hears: log-mel patches of about 3 s (Pons and Serra 2019, musicnn 0.1.0).

Mono at 16 kHz, frames of 512 samples every 256 around their centres (silence beyond both ends), power in librosa's 96
mel bands, rounded to float16 as the training data were stored, log10(10000 x + 1). A patch has 187 frames and lies
inside the sound; a sound of fewer frames has none.
"""

from functools import lru_cache

import numpy as np
import soxr

RATE = 16_000
FRAMES, BANDS = 187, 96  # of a patch
FRAME_RATE = 62.5  # frames a second

_FFT, _HOP = 512, 256
_BLOCK = 1 << 10  # frames whose spectra lie in memory at once
_LOUDEST = np.finfo(np.float16).max


def patches(samples: np.ndarray, rate: float = RATE, hop: float | None = None) -> np.ndarray:
    """Whole log-mel patches of a sound, float32 (n, 187, 96); rows are frames, columns bands from low to high.

    `samples`, (n,) or (channels, n) in [-1, 1], are averaged over channels; `rate` is in Hz, `hop` the seconds from
    patch to patch, side by side by default. ValueError for empty, NaN or infinite samples, or a hop not above 0.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(8 * 16000) / 16000)
    >>> patches(tone).shape, patches(tone, hop=1.0).shape
    ((2, 187, 96), (6, 187, 96))
    """
    sound = at_rate(samples, rate)
    frames = spectrogram(sound)
    return np.array([frames[at : at + FRAMES] for at in starts(len(frames), hop)], "f4").reshape(-1, FRAMES, BANDS)


def starts(frames: int, hop: float | None = None) -> np.ndarray:
    """First frames of the patches in a sound of so many frames: patch k starts at frame floor(62.5 hop k + .5).

    >>> starts(500).tolist(), starts(321, 1.0).tolist()
    ([0, 187], [0, 63, 125])
    """
    if hop is not None and not hop > 0:
        raise ValueError(f"hop={hop}: patches follow each other by more than 0 s")
    step = FRAMES if hop is None else FRAME_RATE * hop
    every = np.floor(step * np.arange(int(frames / step) + 2) + 0.5).astype(int)
    return every[every + FRAMES <= frames]


def at_rate(samples: np.ndarray, rate: float) -> np.ndarray:
    """The mean of the channels at 16 kHz."""
    sound = np.asarray(samples)
    sound = sound.mean(axis=0) if sound.ndim == 2 else sound
    if not len(sound):
        raise ValueError("no samples: musicnn needs sound to hear")
    return soxr.resample(sound.astype(np.float32), rate, RATE) if rate != RATE else sound


def frame_count(sound: np.ndarray) -> int:
    """Frames of a sound at 16 kHz."""
    return 1 + len(sound) // _HOP


def spectrogram(sound: np.ndarray, first: int = 0, last: int | None = None) -> np.ndarray:
    """Log-mel frames `first` to before `last` of a mono sound at 16 kHz, (n, 96): frame i is centred on 0.016 i s."""
    last = frame_count(sound) if last is None else last
    out = np.empty((last - first, BANDS), np.float32)
    for at in range(first, last, _BLOCK):
        end = min(at + _BLOCK, last)
        begin, stop = at * _HOP - _FFT // 2, (end - 1) * _HOP + _FFT // 2
        part = np.pad(sound[max(begin, 0) : stop], (max(-begin, 0), max(stop - len(sound), 0))).astype(np.float32)
        if not np.isfinite(part).all():
            raise ValueError("the samples hold NaN or infinity")
        spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(part, _FFT)[::_HOP] * _window())
        power = (spectra.real**2 + spectra.imag**2) @ _mel_matrix()
        stored = np.minimum(power, _LOUDEST).astype(np.float16).astype(np.float32)
        out[at - first : end - first] = np.log10(10_000 * stored + 1)
    return out


@lru_cache
def _mel_matrix() -> np.ndarray:
    import librosa

    return librosa.filters.mel(sr=RATE, n_fft=_FFT, n_mels=BANDS).T


@lru_cache
def _window() -> np.ndarray:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)).astype(np.float32)
