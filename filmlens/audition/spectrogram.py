"""Spectrogram tiles of film and track, made when they come into view."""

import numpy as np

#: Seconds and columns of a tile, its rows (semitone-like steps between `LOW` and `HIGH` Hz), and the sound's rate.
SECONDS, COLUMNS, ROWS = 8.0, 320, 96
LOW, HIGH = 55.0, 10_000.0
RATE = 22_050
#: Sound that a tile needs on each side, in seconds.
MARGIN = 0.1
_SIZE = 2048
_FLOOR, _CEILING = -90.0, -15.0  # dB shown as black and white


def tile(samples: np.ndarray) -> np.ndarray:
    """One tile: uint8 (ROWS, COLUMNS), 0 to 255 over 75 dB; row 0 is the highest frequency.

    `samples` (n,) are `SECONDS` of sound at `RATE`, with `MARGIN` before and after.
    """
    samples = np.asarray(samples, np.float32)
    centres = (MARGIN + (np.arange(COLUMNS) + 0.5) * SECONDS / COLUMNS) * RATE
    starts = np.round(centres).astype(int) - _SIZE // 2
    need = starts[-1] + _SIZE
    samples = np.pad(samples, (0, max(0, need - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _SIZE)[starts]
    power = np.abs(np.fft.rfft(frames * np.hanning(_SIZE).astype(np.float32), axis=1)) ** 2 / (_SIZE / 4) ** 2
    # the strongest bin of each row, so that thin partials do not vanish between rows
    edges = frequencies(ROWS + 1, half=0.5)[::-1] * _SIZE / RATE
    low = np.floor(edges[:-1]).astype(int)
    high = np.maximum(np.ceil(edges[1:]).astype(int), low + 1)
    rows = np.stack([power[:, a:b].max(axis=1) for a, b in zip(low, high, strict=True)])[::-1]
    shown = (10 * np.log10(rows + 1e-12) - _FLOOR) / (_CEILING - _FLOOR)
    return np.round(np.clip(shown, 0, 1) * 255).astype(np.uint8)


def frequencies(count: int = ROWS, *, half: float = 0.0) -> np.ndarray:
    """Frequency of each row [Hz], from the top; with ``half`` the edges between rows.

    >>> [round(float(f)) for f in frequencies()[[0, -1]]]
    [10000, 55]
    """
    step = np.log(HIGH / LOW) / (ROWS - 1)
    return HIGH * np.exp(-step * (np.arange(count) - half))
