"""Lines: offsets of one track that stay constant, or drift slowly, over windows, and the evidence along them.

A track that plays in a film lies on a line: film time against track time. Linking candidates whose offset moves by at
most 2.6 frames per window absorbs drift and wow. The evidence of a line, per quarter second, is a log-likelihood ratio
over the film's peaks: how much likelier is each peak where it is when a share of the peaks are the track's own,
displaced a little, than when the track's peaks are there by chance.
"""

import math
from dataclasses import dataclass

import numba as nb
import numpy as np

from filmlens.stamper import votes
from filmlens.stamper.landmarks import FRAMES_S
from filmlens.stamper.votes import TICKS, WINDOW_S, Field

STEP_TICKS = 43  # about a quarter of a second
STEP_S = STEP_TICKS / TICKS / FRAMES_S
#: Share of the film's peaks that are the track's, in the middle and in the difference of left and right: under
#: dialogue, beside it, alone; and each where the difference tells nothing, as of a mono track. Soft,
#: sustained music has hardly more than one peak in forty.
LEVELS = ((0.06, 0.3), (0.18, 0.5), (0.45, 0.7), (0.06, 0.0), (0.18, 0.0), (0.45, 0.0), (0.025, 0.0))
_LEAST_Z = 4.2
_GAP = 12 * FRAMES_S  # frames without a candidate
_JUMP = 2.6  # frames per link
_FEW_PEAKS = 20  # a window with fewer is silence
# A line is kept when its candidates, or the best of them, stand out.
_KEEP_SUM, _KEEP_BEST, _KEEP_OVER = 6.0, 7.0, 4.0
_BEYOND = 15 * FRAMES_S  # frames that a line is followed past its first and last candidate
# Surroundings of the line whose peaks are the local chance, without the line's own neighbourhood.
_AROUND_TICKS, _NEAR_TICKS = 130 * TICKS, 3 * TICKS
_PRIOR = 0.4  # weight of the whole field's rate beside the local one
_OFF_TRACK = 1.0  # nats lost per peak before the track begins or after it ends

# Where a peak of the music is found in the film, by quarter frames from its place: density in its own half-bin cell and
# in each cell beside it. Measured on films with known cues, clean ones and, at two fifths, ones with a room's reverb.
_SAME_CELL = (1377, 905, 444, 272, 185, 122, 97, 68, 53, 34, 25, 17)
_NEXT_CELL = (231, 181, 123, 89, 60, 45, 32, 26, 20, 14, 10, 7)


def _kernel() -> np.ndarray:
    same, beside = np.array(_SAME_CELL, float), np.array(_NEXT_CELL, float)
    total = same[0] + 2 * same[1:].sum() + 2 * (beside[0] + 2 * beside[1:].sum())
    return np.stack([beside, same, beside]) / total


_KERNEL = _kernel()


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines in order of where they may begin.

    Each of the n has its `reference` of the field, and steps of film time, `first` and `last`, between which it is
    considered (int64). Line i has the nodes ``ptr[i]:ptr[i + 1]`` (int64, n + 1): `node_tick`, the film time, and
    `node_offset`, the place in the field less film time, both in quarter frames (float64).
    """

    reference: np.ndarray
    first: np.ndarray
    last: np.ndarray
    ptr: np.ndarray
    node_tick: np.ndarray
    node_offset: np.ndarray

    def offset(self, line: int, tick: float) -> float:
        """Place in the field less film time at `tick`, constant beyond the line's nodes."""
        part = slice(self.ptr[line], self.ptr[line + 1])
        return float(np.interp(tick, self.node_tick[part], self.node_offset[part]))


def link(starts: np.ndarray, place: np.ndarray, z: np.ndarray, peaks: np.ndarray, field: Field, *, steps: int) -> Lines:
    """Join the candidates of successive windows into lines.

    Parameters
    ----------
    starts : ndarray, shape (windows,)
        First frame of each window.
    place, z, peaks
        As `votes.candidates` gives them.
    steps : int
        Steps of the whole film.
    """
    reference = field.reference_of(place)
    member = _link(starts.astype(float), place, z, reference, peaks)
    window, rank = np.nonzero(member >= 0)
    line = member[window, rank]
    over = np.maximum(0.0, z[window, rank] - _KEEP_OVER)
    total = np.bincount(line, over)
    best = np.zeros(len(total))
    np.maximum.at(best, line, z[window, rank])
    kept = ((total > _KEEP_SUM) | (best > _KEEP_BEST))[line]
    window, rank, line = window[kept], rank[kept], line[kept]
    # `line` is numbered by its first window already; a stable sort keeps its nodes in time order.
    order = np.argsort(line, kind="stable")
    window, rank = window[order], rank[order]
    _, ptr = np.unique(line[order], return_index=True)
    head, tail = window[ptr], window[np.append(ptr[1:], len(window)) - 1] if len(ptr) else window[ptr]
    to_step = TICKS / STEP_TICKS
    return Lines(
        reference=reference[head, rank[ptr]],
        first=np.maximum(0, (starts[head] - _BEYOND) * to_step).astype(np.int64),
        last=np.minimum(steps, (starts[tail] + WINDOW_S * FRAMES_S + _BEYOND) * to_step + 1).astype(np.int64),
        ptr=np.append(ptr, len(window)).astype(np.int64),
        node_tick=(starts[window] + WINDOW_S * FRAMES_S / 2) * TICKS,
        node_offset=(place[window, rank] - starts[window]) * TICKS,
    )


@nb.njit(cache=True)
def _link(starts, place, z, reference, peaks):
    """Line of each candidate, -1 for none: the nearest open line of its reference, or a new one."""
    n_windows, n_ranks = place.shape
    member = np.full((n_windows, n_ranks), -1, np.int64)
    most = n_windows * n_ranks
    last_start, last_offset, its_reference = np.empty(most), np.empty(most), np.empty(most, np.int64)
    open_lines = np.empty(most, np.int64)
    n_open, n = 0, 0
    for w in range(n_windows):
        if peaks[w] < _FEW_PEAKS:
            continue
        still = 0
        for a in range(n_open):
            if starts[w] - last_start[open_lines[a]] <= _GAP:
                open_lines[still] = open_lines[a]
                still += 1
        n_open = still
        for k in range(n_ranks):
            if z[w, k] <= _LEAST_Z:
                continue
            offset, best, nearest = place[w, k] - starts[w], -1, _JUMP
            for a in range(n_open):
                i = open_lines[a]
                if its_reference[i] == reference[w, k] and last_start[i] < starts[w]:
                    move = abs(offset - last_offset[i])
                    if move <= nearest and (best < 0 or move < nearest):
                        best, nearest = i, move
            if best < 0:
                best = n
                its_reference[best] = reference[w, k]
                open_lines[n_open] = best
                n_open += 1
                n += 1
            last_start[best], last_offset[best] = starts[w], offset
            member[w, k] = best
    return member


def evidence(
    lines: Lines, ticks: np.ndarray, cells: np.ndarray, trust: np.ndarray, field: Field, *, strictness: float
) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood ratio [nats] of each line against chance, shape (rows, levels), and where each line's rows begin.

    Row ``ptr[i] + k - lines.first[i]`` is step k of line i. `strictness` is how much the track's peaks around the line
    count as chance: held chords meet each other at many offsets.
    """
    ptr = np.concatenate([[0], np.cumsum(lines.last - lines.first)]).astype(np.int64)
    nats = np.zeros((ptr[-1], len(LEVELS)))
    bounds = np.append(field.ptr[0], len(field.ticks)).astype(np.int64)
    sums = np.diff(np.concatenate([[0.0], np.cumsum(field.strength, dtype=np.float64)])[bounds])
    expected = np.convolve(sums, [1, 1, 1], "same") / (float(field.edges[-1]) * TICKS)
    _evidence(
        lines.reference, lines.first, lines.last, lines.ptr, lines.node_tick, lines.node_offset,
        ticks, cells, trust, field.ticks, field.strength, bounds, field.start, field.end,
        expected, _KERNEL, np.array(LEVELS), votes.is_side(cells), strictness, ptr, nats,
    )  # fmt: skip
    return nats, ptr


@nb.njit(cache=True)
def _evidence(
    reference, first, last, node_ptr, node_tick, node_offset, ticks, cells, trust, there, strength, bounds, start, end,
    expected, kernel, levels, side, strictness, ptr, nats,
):  # fmt: skip
    span = 2.0 * (_AROUND_TICKS - _NEAR_TICKS)
    reach = kernel.shape[1]
    for line in range(reference.size):
        lo, hi = start[reference[line]] * TICKS, end[reference[line]] * TICKS
        node, last_node = node_ptr[line], node_ptr[line + 1] - 1
        i = np.searchsorted(ticks, first[line] * STEP_TICKS)
        while i < ticks.size and ticks[i] < last[line] * STEP_TICKS:
            t = ticks[i]
            while node < last_node and node_tick[node + 1] < t:
                node += 1
            offset = node_offset[node]
            if node < last_node and t > node_tick[node]:
                slope = (node_offset[node + 1] - offset) / (node_tick[node + 1] - node_tick[node])
                offset += slope * (t - node_tick[node])
            x = t + offset
            row = ptr[line] + t // STEP_TICKS - first[line]
            if x < lo or x >= hi:
                nats[row] -= _OFF_TRACK
                i += 1
                continue
            around, density = 0.0, 0.0
            for step in range(-1, 2):
                f = cells[i] + step
                if 0 <= f < bounds.size - 1:
                    k = bounds[f] + np.searchsorted(there[bounds[f] : bounds[f + 1]], x - _AROUND_TICKS)
                    while k < bounds[f + 1] and there[k] <= x + _AROUND_TICKS:
                        away = int(abs(there[k] - x) + 0.5)
                        if away < reach:
                            density += strength[k] * kernel[step + 1, away]
                        if away > _NEAR_TICKS:
                            around += strength[k]
                        k += 1
            # a cell that no track ever fills expects nothing, and meets nothing
            by_chance = max(1e-9, (strictness * around + _PRIOR * expected[cells[i]] * span) / (3 * span))
            ratio = density / by_chance - 1
            channel = int(side[i])
            for q in range(levels.shape[0]):
                if levels[q, channel] > 0:
                    nats[row, q] += math.log(1 + levels[q, channel] * trust[i] * ratio)
            i += 1
