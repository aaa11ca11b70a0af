"""MIRtoolbox's way of cutting a signal into frames and of taking their spectra (Ma et al. 2021, Table 2).

Frames have ``floor(length)`` samples and start at ``floor(i * hop)`` with a fractional hop: 25 ms are 1102.5 samples.
Nothing is padded and nothing is centred on its frame. Spectra are magnitudes under a symmetric Hamming window, padded
with zeros to the next power of two.
"""

from collections.abc import Callable, Iterator

import numba
import numpy as np
import soxr

#: Sampling rate in Hz at which every descriptor is defined here.
RATE = 44100

#: Filter states are cut off here: denormal numbers would make digital silence fifty times as slow as sound.
TINY = 1e-250

# Samples per block: 1 MB of frames and 1 MB of spectra.
_CACHED_SAMPLES = 2**17

#: Compiles a loop as written; a division by zero gives infinity or NaN as in numpy.
strict = numba.njit(cache=True, error_model="numpy")

#: Compiles a loop whose sums may be reordered and fused; NaN and infinity keep their meaning.
fast = numba.njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})


def prepare(samples: np.ndarray, rate: float) -> np.ndarray:
    """Sound as one contiguous float64 channel at 44.1 kHz.

    `samples`, (n,) or (channels, n), are averaged over channels; other rates than 44,100 Hz are resampled with soxr at
    very high quality. ValueError for more than two axes, NaN or infinite samples, or a `rate` that is not positive.

    >>> prepare(np.ones((2, 3)), 44100)
    array([1., 1., 1.])
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise ValueError(f"samples must have shape (n,) or (channels, n), not {samples.shape}")
    if not rate > 0:
        raise ValueError(f"the sampling rate must be positive, not {rate}")
    if not np.issubdtype(samples.dtype, np.floating):
        samples = samples.astype(np.float64)
    mono = samples.mean(axis=0, dtype=np.float64) if samples.ndim == 2 else samples
    finite = np.isfinite(mono)
    if not finite.all():
        at = int(finite.argmin())
        raise ValueError(f"sample {at} ({at / rate:.3f} s) is NaN or infinite: repair the file or decode it again")
    if rate != RATE:
        mono = soxr.resample(mono, rate, RATE, quality="VHQ")
    # writable, because loops are compiled once more for read-only arrays
    return np.require(mono, np.float64, ["C", "W"])


def frame_starts(total: int, length: float, hop: float) -> np.ndarray:
    """First samples of all frames that fit into `total` samples; `length` and `hop` in samples, fractions allowed.

    >>> frame_starts(5000, 2205.0, 1102.5)
    array([   0, 1102, 2205])
    """
    count = int(np.floor((total - np.floor(length)) / hop)) + 1
    return np.floor(np.arange(max(count, 0)) * hop).astype(np.int64)


def frame_centres(starts: np.ndarray, size: int, rate: float = RATE) -> np.ndarray:
    """Times in s halfway between the first and the last sample of each frame."""
    return (starts + (size - 1) / 2) / rate


def hamming(size: int) -> np.ndarray:
    """Symmetric Hamming window (MATLAB's ``hamming(size)``)."""
    return 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(size) / max(size - 1, 1))


def fft_size(size: int) -> int:
    """The power of two that MIRtoolbox pads a frame to.

    >>> fft_size(2205), fft_size(8820)
    (4096, 16384)
    """
    return 1 << (size - 1).bit_length()


@strict
def span(values):
    """Minimum and maximum of a row of numbers, in sixteen lanes so that the loop is vectorised."""
    low, high = np.full(16, values[0]), np.full(16, values[0])
    lanes = values.size // 16 * 16
    for first in range(0, lanes, 16):
        for k in range(16):
            value = values[first + k]
            low[k] = value if value < low[k] else low[k]
            high[k] = value if value > high[k] else high[k]
    least, greatest = low.min(), high.max()
    for value in values[lanes:]:
        least, greatest = min(least, value), max(greatest, value)
    return least, greatest


@fast
def filtered(signal, sections, state, out):
    """A cascade of second-order sections; `state`, of shape (sections, 2), is read and left for the next piece."""
    for n in range(signal.size):
        value = signal[n]
        for s in range(sections.shape[0]):
            y = sections[s, 0] * value + state[s, 0]
            state[s, 0] = sections[s, 1] * value - sections[s, 4] * y + state[s, 1]
            state[s, 1] = sections[s, 2] * value - sections[s, 5] * y
            value = y
        out[n] = value
        if n % 64 == 0:
            for s in range(sections.shape[0]):
                for k in range(2):
                    if abs(state[s, k]) < TINY:
                        state[s, k] = 0.0


@fast
def cut(signal, starts, window, out):
    """Frames times `window`, into the first columns of `out`."""
    for i in range(starts.size):
        for n in range(window.size):
            out[i, n] = signal[starts[i] + n] * window[n]


@fast
def centred(signal, starts, window, out):
    """Frames less their mean times `window`, into the first columns of `out`."""
    size = window.size
    for i in range(starts.size):
        first = starts[i]
        mean = 0.0
        for n in range(size):
            mean += signal[first + n]
        mean /= size
        for n in range(size):
            out[i, n] = (signal[first + n] - mean) * window[n]


@fast
def magnitude(parts, out):
    """Magnitudes of spectra given as (real, imaginary) pairs."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = np.sqrt(parts[i, 2 * k] ** 2 + parts[i, 2 * k + 1] ** 2)


def spectra(
    signal: np.ndarray,
    starts: np.ndarray,
    window: np.ndarray,
    size: int,
    *,
    framing: Callable = cut,
    multiple: int = 1,
) -> Iterator[tuple[slice, np.ndarray]]:
    """One-sided spectra of frames, as many at a time as a processor's cache holds, so that long cues cost no memory.

    Yields which of the frames, and their real and imaginary parts in turn (frames, 2 * bins), which the next block
    overwrites. `size` is the length of the transform, to which frames are padded with zeros; `framing` fills them, as
    `cut` does. Every block but the last has a multiple of `multiple` frames.
    """
    step = max(_CACHED_SAMPLES // size // multiple, 1) * multiple
    frames = np.zeros((min(step, starts.size), size))
    out = np.empty((len(frames), size // 2 + 1), complex)
    for first in range(0, starts.size, step):
        block = slice(first, min(first + step, starts.size))
        count = block.stop - block.start
        framing(signal, starts[block], window, frames[:count])
        # numpy's transform, because it can write into memory at hand
        np.fft.rfft(frames[:count], axis=1, out=out[:count])
        yield block, out[:count].view(np.float64)
