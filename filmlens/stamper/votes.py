"""Where in the tracks a window of film may lie: every spectral peak votes for all offsets at which a track has it.

Pair hashes need both of their peaks to survive the dialogue; here each surviving peak counts by itself. Tracks lie end
to end on one axis of quarter frames, each also once more played backwards: a decoy, which nothing in the film can match
but by chance. A window's peaks, compared with all peaks of the same frequency, leave a sum at every offset; its highest
places, measured in standard deviations, are the candidates that `lines` joins over time.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np

from filmlens.stamper import landmarks
from filmlens.stamper.index import TrackIndex
from filmlens.stamper.landmarks import FRAMES_S, HIGHEST

TICKS = 4  # per frame
_SIDE = int(2.2 * HIGHEST)  # half bins, with room for a film that is higher than its tracks
CELLS = 2 * _SIDE  # of the middle, then of the difference of left and right
WINDOW_S, HOP_S = 5.0, 2.5
KEPT = 8  # candidates of a window
_WINDOW_FRAMES = round(WINDOW_S * FRAMES_S)
_APART = 6  # frames between two candidates
_CHUNK = 150_000  # frames voted on at a time: the sums stay in the processor's second cache
_DECOY_S = 3 * 3600.0  # seconds of track that are also played backwards, at most


@dataclass(frozen=True, eq=False)
class Field:
    """Peaks of all tracks on one axis, grouped by half-bin cell.

    Attributes
    ----------
    ticks : ndarray of int32
        Places of the peaks in quarter frames, by cell, then place.
    ptr : ndarray of int32, shape (chunks + 1, cells)
        Chunk c of cell f is ``ticks[ptr[c, f]:ptr[c + 1, f]]``.
    strength : ndarray of float32
        How much each peak is to be expected in a film, see `landmarks.strength`.
    edges : ndarray of int32, shape (chunks + 1,)
        First frame of each chunk.
    start, end : ndarrays of int64, shape (references,)
        First and last frame of each reference: every track, then the tracks that are also played backwards. Between two
        references is a gap as long as a window, so that no window meets both.
    owner, decoy : ndarrays of int64 and bool, shape (references,)
        The track of each reference, and whether it is played backwards.
    chance : ndarray, shape (cells,)
        Probability that a peak meets one of the tracks' at a random offset.
    """

    ticks: np.ndarray
    ptr: np.ndarray
    strength: np.ndarray
    edges: np.ndarray
    start: np.ndarray
    end: np.ndarray
    owner: np.ndarray
    decoy: np.ndarray
    chance: np.ndarray

    def reference_of(self, place: np.ndarray) -> np.ndarray:
        """Reference of each place; a window may begin up to its own length before the reference does."""
        return np.searchsorted(self.start - _WINDOW_FRAMES, place, side="right") - 1


def lay_out(index: TrackIndex, *, decoys: bool = True) -> Field:
    """Put the tracks of an index on one axis, each once more played backwards where there shall be decoys."""
    lengths = np.ceil(index.seconds * FRAMES_S).astype(np.int64) + 1
    reversed_too = np.flatnonzero(np.cumsum(index.seconds) - index.seconds <= _DECOY_S) if decoys else np.zeros(0, int)
    owner = np.concatenate([np.arange(len(index)), reversed_too])
    decoy = np.arange(len(owner)) >= len(index)
    gap = _WINDOW_FRAMES + 1
    end = np.cumsum(lengths[owner] + gap)
    start = end - lengths[owner]
    total = int(end[-1]) + 1

    place, cell, strength = [], [], []
    for reference, track in enumerate(owner):
        time, peak = index.track(track)
        time = lengths[track] - time if decoy[reference] else time
        place.append(np.rint((start[reference] + time.astype(np.float64)) * TICKS).astype(np.int32))
        cell.append(cells_of(peak[:, 0]).astype(np.int16))
        strength.append(landmarks.strength(peak[:, 1]))
    place, cell = np.concatenate(place), np.concatenate(cell)
    order = np.lexsort((place, cell))
    ticks, cell, strength = place[order], cell[order], np.concatenate(strength)[order]
    bounds = np.searchsorted(cell, np.arange(CELLS + 1))
    edges = [0]
    for edge in [*(start[1:] - gap), total]:  # chunks end between references
        if edge - edges[-1] >= _CHUNK or edge == total:
            edges.append(int(edge))
    edges = np.array(edges, np.int32)
    ptr = np.empty((len(edges), CELLS), np.int32)
    for f in range(CELLS):
        ptr[:, f] = bounds[f] + np.searchsorted(ticks[bounds[f] : bounds[f + 1]], edges * TICKS)
    rate = np.diff(bounds) / total
    return Field(ticks, ptr, strength, edges, start, end, owner, decoy, chance_of(rate))


def cells_of(freq: np.ndarray, pitch: float = 1.0) -> np.ndarray:
    """Half-bin cell of each peak, were the film's pitch that of its tracks; the difference's lie above the middle's.

    >>> cells_of(np.array([10.0, -10.0]), 1.25)
    array([  16, 1116])
    """
    # what lies beyond every track shares the last cell, which no track fills
    return np.minimum(np.rint(np.abs(freq) * (2 / pitch)).astype(np.int64), _SIDE - 1) + _SIDE * (freq < 0)


def is_side(cells: np.ndarray) -> np.ndarray:
    """Whether each cell is of the difference of left and right."""
    return cells >= _SIDE


def chance_of(rate: np.ndarray) -> np.ndarray:
    """Probability of meeting a peak by chance: three frames of the cell and half of both its neighbours."""
    return np.clip(3 * np.convolve(rate, [0.5, 1, 0.5], "same"), 1e-4, 0.5)


def candidates(
    ticks: np.ndarray, cells: np.ndarray, trust: np.ndarray, starts: np.ndarray, field: Field, *, kept: int = KEPT
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best offsets of each window, as many as `kept`.

    `ticks` and `cells` (int32) are the film's peaks, in quarter frames of track time, by time; `trust` (float32) is
    what each peak's vote counts, see `landmarks.trust`; `starts` (int64) are the first frames of the windows.

    Returns
    -------
    place : ndarray, shape (windows, kept)
        Place in the field at the window's start, in frames with a fraction.
    z : ndarray of float32, shape (windows, kept)
        Votes in standard deviations above their mean; -1 where there are no more candidates.
    peaks : ndarray of int64, shape (windows,)
        Peaks in each window.
    """
    first = np.searchsorted(ticks, starts * TICKS)
    last = np.searchsorted(ticks, (starts + _WINDOW_FRAMES) * TICKS)
    weight = trust * np.log1p(0.15 / field.chance).astype(np.float32)[cells]
    value = np.full((len(starts), kept), -1, np.float32)
    place = np.zeros((len(starts), kept))
    sums = np.zeros((len(starts), 2))
    longest = int(np.diff(field.edges).max()) + 3
    for c in range(len(field.edges) - 1):
        _vote(
            ticks, cells, starts, first, last, weight, field.ticks, field.ptr[c], field.ptr[c + 1],
            field.edges[c], field.edges[c + 1], np.zeros(longest, np.float32), place, value, sums,
        )  # fmt: skip
    mean = sums[:, :1] / field.edges[-1]
    spread = np.sqrt(np.maximum(sums[:, 1:] / field.edges[-1] - mean**2, 1e-9))
    z = np.where(value >= 0, (value - mean) / spread, -1).astype(np.float32)
    order = np.argsort(-z, axis=1, kind="stable")
    return np.take_along_axis(place, order, 1), np.take_along_axis(z, order, 1), last - first


@nb.njit(cache=True)
def _vote(ticks, cells, starts, first, last, weight, there, lo, hi, edge, next_edge, votes, place, value, sums):
    """Votes of every window for the offsets of one chunk, their highest places and their sums."""
    n = next_edge - edge
    for w in range(starts.size):
        votes[: n + 2] = 0
        for i in range(first[w], last[w]):
            shift = starts[w] * TICKS - ticks[i] + TICKS // 2 - edge * TICKS + TICKS
            for step in range(-1, 2):
                f = cells[i] + step
                if 0 <= f < lo.size:
                    amount = weight[i] * np.float32(1.0 if step == 0 else 0.5)
                    for k in range(lo[f], hi[f]):
                        o = (there[k] + shift) >> 2
                        if 0 <= o:
                            votes[o] += amount
        # Peaks are a quarter frame exact, so a true offset's votes fall on two or three frames.
        total, squares = 0.0, 0.0
        least = value[w].min()
        for o in range(1, n + 1):
            v = np.float32(0.6) * (votes[o - 1] + votes[o + 1]) + votes[o]
            total += v
            squares += v * v
            if v > least:
                before = votes[o - 1] + np.float32(0.6) * ((votes[o - 2] if o > 1 else np.float32(0)) + votes[o])
                after = votes[o + 1] + np.float32(0.6) * (votes[o] + votes[o + 2])
                if v >= before and v > after:
                    vertex = 0.5 * (before - after) / (before - 2 * v + after)
                    _keep(place[w], value[w], o - 1 + edge + vertex, v)
                    least = value[w].min()
        sums[w, 0] += total
        sums[w, 1] += squares


@nb.njit(cache=True)
def _keep(place, value, o, v):
    """Put an offset among the best, unless a better one is close by."""
    for q in range(value.size):
        if value[q] >= 0 and abs(place[q] - o) <= _APART:
            if v > value[q]:
                place[q], value[q] = o, v
            return
    q = np.argmin(value)
    place[q], value[q] = o, v
