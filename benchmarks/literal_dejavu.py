"""Dejavu step by step, as its own code does it: the yardstick for `filmlens.stamper.dejavu`.

matplotlib's specgram, scipy's maximum filter over the whole square, a loop over pairs, SHA-1 names, dictionaries.
"""

import hashlib
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib import mlab
from scipy.ndimage import binary_erosion, generate_binary_structure, iterate_structure, maximum_filter

from filmlens.stamper import dejavu

RATE = dejavu.RATE
Hashes = list[tuple[str, int]]


def fingerprint(samples: np.ndarray) -> Hashes:
    """(hash, frame) of one channel of 16-bit samples."""
    power = mlab.specgram(samples, NFFT=4096, Fs=RATE, window=mlab.window_hanning, noverlap=2048)[0]
    db = 10 * np.log10(power, out=np.zeros_like(power), where=power != 0)
    square = iterate_structure(generate_binary_structure(2, 2), 10)
    empty = binary_erosion(db == 0, structure=square, border_value=1)
    found = (maximum_filter(db, footprint=square) == db) ^ empty
    peaks = sorted((t, f) for f, t in zip(*np.where(found), strict=True) if db[f, t] > 10)
    hashes = []
    for i in range(len(peaks)):
        for j in range(1, 5):
            if i + j < len(peaks):
                (t1, f1), (t2, f2) = peaks[i], peaks[i + j]
                if 0 <= t2 - t1 <= 200:
                    hashes.append((hashlib.sha1(f"{f1}|{f2}|{t2 - t1}".encode()).hexdigest()[:20], int(t1)))
    return hashes


def index(tracks: dict[str, np.ndarray], fingerprint: Callable = fingerprint) -> dict[str, list[tuple[str, int]]]:
    """Hash -> (track, frame) of tracks (channels, n) in [-1, 1]."""
    stored: dict[str, list[tuple[str, int]]] = {}
    for name, samples in tracks.items():
        for code, time in {h for channel in samples for h in fingerprint(_int16(channel))}:
            stored.setdefault(code, []).append((name, time))
    return stored


def match_windows(film: np.ndarray, stored: dict, fingerprint: Callable = fingerprint) -> pd.DataFrame:
    """Best match of every window of a film (channels, n): the columns that `dejavu.count_windows` needs."""
    rows, size = [], int(dejavu.WINDOW_S * RATE)
    for start in range(0, film.shape[1] - size + 1, size):
        counts: dict[tuple[str, int], int] = {}
        for code, time in {h for channel in film for h in fingerprint(_int16(channel[start : start + size]))}:
            for track, there in stored.get(code, []):
                counts[track, there - time] = counts.get((track, there - time), 0) + 1
        row = {"time": start / RATE, "track": None, "offset": np.nan, "aligned": 0}
        if counts:
            (track, offset), votes = min(counts.items(), key=lambda item: (-item[1], item[0]))
            row |= {"track": track, "offset": offset * dejavu.FRAME_S, "aligned": votes}
        rows.append(row)
    return pd.DataFrame(rows, columns=["time", "track", "offset", "aligned"])


def cues(windows: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Cues of the windows by the rule of `filmlens.stamper.dejavu`."""
    return dejavu.cues_from_windows(windows.assign(counted=dejavu.count_windows(windows, rule=rule)))


def _int16(samples: np.ndarray) -> np.ndarray:
    return np.round(samples * 32768.0)
