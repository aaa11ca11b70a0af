"""The paper's engine: Dejavu's fingerprint at its default settings, written anew (paper: Score Stamper, Fig 1).

Per channel, in 16-bit units at 44.1 kHz: power spectral density (Hann 4096, hop 2048) in dB; peaks are the maxima of
21 x 21 squares above 10 dB; each is paired with the next four. Dejavu names a pair (f1, f2, dt) by its SHA-1; here it
is packed into 32 bits, which tells the same pairs apart. The film is taken in windows of 5 s, and a window's best match
is the track and offset on which most pairs agree.

What the paper leaves open (decided here): which windows count, `rule`, and how they become cues, `cues_from_windows`.
"""

from collections.abc import Iterator

import numba as nb
import numpy as np
import pandas as pd
from scipy import fft

from filmlens.stamper.cues import COLUMNS, CueSheet
from filmlens.stamper.index import Fingerprint, TrackIndex
from filmlens.stamper.landmarks import highest_of_rows
from filmlens.stamper.streams import Source, frames, open_stream, windows

RATE = 44_100
FFT, HOP = 4096, 2048
REACH = 10  # half of the square, in bins and in frames
FLOOR_DB = 10.0
FAN = 4  # partners of a peak
MAX_DT = 200  # frames
WINDOW_S = 5.0
FRAME_S = HOP / RATE
NEARBY = 2  # windows
SAME_ALIGNMENT_S = 0.3

_WINDOW = np.hanning(FFT)
_FRAMES_AT_ONCE = 8
_WINDOW_FRAMES = int(WINDOW_S * RATE) // HOP


def spectrogram_db(samples: np.ndarray) -> np.ndarray:
    """Power spectral density of one channel as matplotlib's specgram gives it, in dB; exact zeros stay 0.

    `samples`, shape (n,), are in [-1, 1] and scaled to 16-bit units here; the result has shape (frames, 2049).
    """
    power = _power(samples)
    return 10 * np.log10(power, out=np.zeros_like(power), where=power != 0)


def _power(samples: np.ndarray) -> np.ndarray:
    """The same before the logarithm, a few frames at a time: they stay in the processor's cache."""
    count = max(0, (len(samples) - FFT) // HOP + 1)
    power = np.zeros((count, FFT // 2 + 1))
    if not count:
        return power
    framed = np.lib.stride_tricks.sliding_window_view(samples, FFT)[::HOP]
    window = _WINDOW * (32768.0 / np.sqrt(RATE * (_WINDOW**2).sum()))
    for start in range(0, count, _FRAMES_AT_ONCE):
        part = power[start : start + _FRAMES_AT_ONCE]
        spectrum = fft.rfft(framed[start : start + _FRAMES_AT_ONCE] * window, axis=1)
        np.multiply(spectrum.real, spectrum.real, out=part)
        part += spectrum.imag**2
    power[:, 1:-1] *= 2
    return power


def find_peaks(db: np.ndarray, *, floor: float = FLOOR_DB) -> tuple[np.ndarray, np.ndarray]:
    """Times and bins (int64) of the peaks of a spectrogram, ordered by time, then frequency.

    A peak equals the maximum of the 21 x 21 square around it and is above 10 dB. Dejavu's other condition, that the
    square is not all zero, follows from the second; its reflected edges add nothing to a maximum. `db`, shape (frames,
    bins), may be any level that rises with it, with its own `floor`.
    """
    return np.nonzero(_peak_mask(np.ascontiguousarray(db), REACH, floor))


def _peaks_of(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of one channel. Its power has the peaks that its decibels have: the logarithm would only cost time."""
    return find_peaks(_power(samples), floor=10 ** (FLOOR_DB / 10))


@nb.njit(cache=True)
def _peak_mask(db, reach, floor):
    n_frames, n_bins = db.shape
    highest = highest_of_rows(db, reach)
    mask = np.zeros(db.shape, nb.boolean)
    for t in range(n_frames):
        for f in range(n_bins):
            v = db[t, f]
            if v > floor and v == highest[t, f]:
                mask[t, f] = highest[max(0, t - reach) : t + reach + 1, f].max() <= v
    return mask


def pair_hashes(time: np.ndarray, freq: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of each peak with the next four, as the earlier peak's time (int64) and packed hashes (uint32).

    The peaks are integers in order of time, then frequency. A hash is ``f1 << 20 | f2 << 8 | dt``: equal exactly when
    Dejavu's "f1|f2|dt" are.
    """
    times, codes = [], []
    for j in range(1, FAN + 1):
        dt = time[j:] - time[:-j]
        near = dt <= MAX_DT
        code = freq[:-j].astype(np.uint32) << np.uint32(20) | freq[j:].astype(np.uint32) << np.uint32(8)
        times.append(time[:-j][near])
        codes.append((code | dt.astype(np.uint32))[near])
    return np.concatenate(times), np.concatenate(codes)


def fingerprint(source: Source) -> tuple[Fingerprint, np.ndarray]:
    """Distinct (hash, time) of a track over its channels, ordered by hash, then time; and no waveform."""
    peaks: list[list[tuple[np.ndarray, np.ndarray]]] = []
    done, samples_read = 0, 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal samples_read
        for block in open_stream(source, RATE, mono=False):
            samples_read += block.shape[1]
            yield block

    for part, before, count in frames(counted(), size=FFT, hop=HOP, batch=256, margin=REACH):
        for c, samples in enumerate(part):
            time, freq = _peaks_of(samples)
            inside = (time >= before) & (time < before + count)
            if c == len(peaks):
                peaks.append([])
            peaks[c].append((time[inside] - before + done, freq[inside]))
        done += count
    channels = [tuple(np.concatenate(x) for x in zip(*channel, strict=True)) for channel in peaks]
    time, code = _distinct(channels)
    return (time, code, samples_read / RATE, np.zeros((0, 0), np.uint8)), np.zeros((0, 0), np.int8)


def _distinct(channels) -> tuple[np.ndarray, np.ndarray]:
    pairs = [pair_hashes(time, freq) for time, freq in channels]
    packed = [code.astype(np.uint64) << np.uint64(32) | time.astype(np.uint64) for time, code in pairs]
    packed = np.unique(np.concatenate(packed)) if packed else np.zeros(0, np.uint64)
    return (packed & np.uint64(0xFFFFFFFF)).astype(np.int32), (packed >> np.uint64(32)).astype(np.uint32)


def match_windows(film: Source, index: TrackIndex) -> tuple[pd.DataFrame, float]:
    """Dejavu's best match of every 5 s window of a film.

    Returns
    -------
    windows : DataFrame
        `time` [s], `track` (None without any match), `offset` (seconds of the track at the window's start), `aligned`
        (pairs that agree on it), and what Dejavu reports: `hashes` (pairs in the window), `matched` (pairs of the
        track found at any offset) and `input_confidence` (their ratio, as Dejavu rounds it).
    duration : float
        Seconds of sound.
    """
    order = np.argsort(index.code, kind="stable")
    code, time = index.code[order], index.time[order].astype(np.int64)
    owner = np.repeat(np.arange(len(index), dtype=np.int32), np.diff(index.ptr))[order]
    # Tracks end to end on one axis of offsets, a window apart, so that each (track, offset) is one place.
    lengths = np.array([index.track(i)[0].max(initial=0) for i in range(len(index))], np.int64) + 1 + _WINDOW_FRAMES
    base = np.concatenate([[0], np.cumsum(lengths)]) + _WINDOW_FRAMES
    votes = np.zeros(int(base[-1]) + _WINDOW_FRAMES, np.int32)
    rows, samples = [], 0
    for i, window in enumerate(windows(open_stream(film, RATE, mono=False), int(WINDOW_S * RATE))):
        samples += window.shape[1]
        if window.shape[1] < int(WINDOW_S * RATE):
            break
        at, wanted = _distinct([_peaks_of(channel) for channel in window])
        first, last = np.searchsorted(code, wanted, "left"), np.searchsorted(code, wanted, "right")
        place, aligned = _best_offset(first, last, at, time, owner, base, votes)
        row = {"time": i * WINDOW_S, "track": None, "offset": np.nan, "aligned": int(aligned), "hashes": len(wanted)}
        matched = 0
        if aligned:
            track = int(np.searchsorted(base, place + _WINDOW_FRAMES, "right")) - 1
            row |= {"track": index.names[track], "offset": (place - base[track]) * FRAME_S}
            matched = _matched(first, last, wanted, owner, track)
        row |= {"matched": matched, "input_confidence": round(matched / len(wanted), 2) if len(wanted) else 0.0}
        rows.append(row)
    columns = ["time", "track", "offset", "aligned", "hashes", "matched", "input_confidence"]
    return pd.DataFrame(rows, columns=columns), samples / RATE


@nb.njit(cache=True)
def _best_offset(first, last, at, time, owner, base, votes):
    """Place with most votes, ties to the lowest; `votes` is all zero before and after."""
    best, place = 0, -1
    for i in range(at.size):
        for k in range(first[i], last[i]):
            here = base[owner[k]] + time[k] - at[i]
            votes[here] += 1
            if votes[here] > best or (votes[here] == best and here < place):
                best, place = votes[here], here
    for i in range(at.size):
        for k in range(first[i], last[i]):
            votes[base[owner[k]] + time[k] - at[i]] = 0
    return place, best


def _matched(first, last, wanted, owner, track) -> int:
    """Stored pairs of `track` whose hash is in the window, whatever their offset (Dejavu's hashes_matched)."""
    _, once = np.unique(wanted, return_index=True)
    return int(sum(np.count_nonzero(owner[a:b] == track) for a, b in zip(first[once], last[once], strict=True)))


def count_windows(table: pd.DataFrame, *, rule: str = "nearby", threshold: int = 14) -> np.ndarray:
    """Which windows' best matches, as `match_windows` gives them, count as the track playing.

    By the rule "nearby" (the paper shows "two nearby windows"), the same track at the same alignment, to 0.3 s, is the
    best match of another window at most two away; by "votes", at least `threshold` pairs are aligned.
    """
    if rule == "votes":
        return (table["aligned"] >= threshold).to_numpy()
    if rule != "nearby":
        raise ValueError(f'rule="{rule}" is unknown; choose "nearby" or "votes"')
    alignment = (table["offset"] - table["time"]).to_numpy(float)
    track = table["track"].astype("category").cat.codes.to_numpy()
    counted = np.zeros(len(table), bool)
    for step in range(1, NEARBY + 1):
        agree = (np.abs(alignment[step:] - alignment[:-step]) <= SAME_ALIGNMENT_S) & (track[step:] == track[:-step])
        counted[step:] |= agree
        counted[:-step] |= agree
    return counted & (track >= 0)


def cues_from_windows(table: pd.DataFrame) -> pd.DataFrame:
    """Join counted windows of one track, at most two apart, into cues (Fig 1: two windows make a cue of 15 s).

    A cue never reaches across a counted window of another track, so cues do not overlap. It lies on the track where
    its window with most aligned pairs says; `score` is the mean, `aligned` the sum of its windows' aligned pairs.
    """
    rows: list[dict] = []
    last = None
    for window in table[table["counted"]].itertuples(index=False):
        number = round(window.time / WINDOW_S)
        if not (rows and rows[-1]["track"] == window.track and number - last <= NEARBY):
            rows.append({"track": window.track, "start": window.time, "votes": []})
        rows[-1]["end"] = window.time + WINDOW_S
        rows[-1]["votes"].append((window.aligned, window.offset - window.time))
        last = number
    for row in rows:
        votes = row.pop("votes")
        alignment = max(votes, key=lambda v: v[0])[1]
        aligned = sum(v[0] for v in votes)
        row |= {"track_start": max(0.0, row["start"] + alignment), "speed": 1.0}
        row |= {"score": aligned / len(votes), "aligned": aligned}
    return pd.DataFrame(rows, columns=[*COLUMNS, "aligned"])


def stamp(film: Source, index: TrackIndex, *, rule: str = "nearby", threshold: int = 14) -> CueSheet:
    """Cues of a film by Dejavu's fingerprint; see `filmlens.stamper.stamp`."""
    table, duration = match_windows(film, index)
    problems = list(index.problems)
    if not len(table):
        problems.append(
            f"the film's sound lasts {duration:.2f} s, less than a window of {WINDOW_S:g} s; nothing to match"
        )
    table.insert(4, "counted", count_windows(table, rule=rule, threshold=threshold))
    return CueSheet(cues_from_windows(table), duration=duration, engine="dejavu", windows=table, problems=problems)
