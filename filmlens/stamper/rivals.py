"""Whether a match is the track itself or only similar music, judged by the best other matches.

Music of one drum kit, one set of sampled instruments or one tempo meets an album's peaks at every bar, of any of its
tracks, as evidence against single peaks at random cannot tell. But then other places of the tracks meet the film as
well, and which of them does best changes from window to window. A stretch is therefore judged by its place's votes in
each of its windows against those of the best rival: the highest candidate that is not the same music once more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba as nb
import numpy as np

from filmlens.stamper import landmarks, votes
from filmlens.stamper.index import TrackIndex
from filmlens.stamper.landmarks import FRAMES_S
from filmlens.stamper.lines import STEP_S, STEP_TICKS, Lines
from filmlens.stamper.votes import TICKS, WINDOW_S, Field

Stretch = tuple[int, int, int, float]  # line, begin, end [steps], score [nats]

_WINDOW_TICKS = round(WINDOW_S * FRAMES_S) * TICKS
_SAME = 0.55  # share of a place's peaks that another has too, from which both are the same music: a loop, a reprise
_SAME_PLACE = 6 * TICKS  # no two candidates are closer
_REACH = 5  # quarter frames between two peaks that are the same
_NO_RIVAL_Z = 5.0  # what chance reaches in any window
# A stretch goes on with one of its track that begins so soon after it [s], at an offset so near [s, and per second].
_SOON_S, _NEAR_S, _NEAR_PER_S = 12.0, 0.15, 0.06
_CUT_S, _LEFT_OUT_S = 1.0, 10.0  # or at once, where an editor left out a piece of the track
# or from frame to frame, at any place of the track, where each brings nearly all the evidence [nats a second] there is.
_JOINED_S, _FULL_PER_S = 0.3, 6.0
_LEAD = (-1.6, 2.1)  # a fifth, eight times
_CLEAR = 0.5  # a lead that rivals hardly reach
# A film whose music mostly leads, or mostly does not, tells something of each of its stretches; and one that falls far
# behind the others is other music. Among few seconds of others, music of two kinds differs as much: so many weigh half.
_REST, _HALF_S = (-0.5, 0.2), 15.0
# Logistic regression on the stretches of film-like mixes with known cues, see benchmarks/stamping.md.
_CONSTANT, _WEIGHTS = -5.9, (19.8, 1.7, 13.5, -5.5)


def probabilities(
    stretches: Sequence[Stretch], found: Lines, starts: np.ndarray, place: np.ndarray, z: np.ndarray, field: Field,
    index: TrackIndex,
) -> np.ndarray:  # fmt: skip
    """Probability that each cue is the track that it names; NaN on a decoy.

    `stretches` are as `path.best_path` gives them; `starts`, `place` and `z` are the film's windows and their
    candidates, see `votes.candidates`.
    """
    if not len(stretches):
        return np.zeros(0)
    return 1 / (1 + np.exp(-_CONSTANT - described(stretches, found, starts, place, z, field, index) @ _WEIGHTS))


def described(
    stretches: Sequence[Stretch], found: Lines, starts: np.ndarray, place: np.ndarray, z: np.ndarray, field: Field,
    index: TrackIndex,
) -> np.ndarray:  # fmt: skip
    """Features that separate a true match from similar music.

    Returns
    -------
    ndarray, shape (stretches, 4)
        Of a stretch and those it goes on with: how far its lead, the log of its place's votes over the best rival's,
        is beyond doubt, and the log of its evidence; of the film's other stretches: their mean lead, and how far it
        falls behind that, less where there is little of them. NaN on a decoy.
    """
    real = np.array([not field.decoy[found.reference[line]] for line, *_ in stretches], bool)
    seconds = np.array([(end - begin) * STEP_S for _, begin, end, _ in stretches]) * real
    chain = _chains(stretches, found, real)
    votes_of = np.array([_votes(s, found, starts, place, z, field, index) for s in stretches])
    own, rival, score, together = (
        np.bincount(chain, x)[chain] for x in (*votes_of.T, [score for *_, score in stretches], seconds)
    )
    lead = np.clip(np.log(np.maximum(own, 1e-9) / rival), *_LEAD)
    others = seconds.sum() - together
    rest = np.divide((seconds * lead).sum() - together * lead, others, out=np.zeros(len(real)), where=others > 1e-6)
    behind = np.clip(rest - lead, 0, 1) * others / (others + _HALF_S)
    table = np.column_stack([np.clip(lead - _CLEAR, 0, None), np.log(score), np.clip(rest, *_REST), behind])
    table[~real] = np.nan
    return table


def _votes(
    stretch: Stretch, found: Lines, starts: np.ndarray, place: np.ndarray, z: np.ndarray, field: Field,
    index: TrackIndex,
) -> tuple[float, float]:  # fmt: skip
    """Votes [sd] of a stretch's place and of the best rivals, summed over its windows."""
    line, begin, end, _ = stretch
    middle = starts * TICKS + _WINDOW_TICKS / 2
    among = np.flatnonzero((middle >= begin * STEP_TICKS) & (middle < end * STEP_TICKS))
    if not len(among):
        among = np.argmin(np.abs(middle - (begin + end) * STEP_TICKS / 2))[None]
    nodes = slice(found.ptr[line], found.ptr[line + 1])
    offset = np.interp(middle[among], found.node_tick[nodes], found.node_offset[nodes])
    here = np.rint(starts[among] * TICKS + offset).astype(np.int64)
    bounds = np.append(field.ptr[0], len(field.ticks)).astype(np.int64)
    peaks = _peaks(index, field, int(found.reference[line]))
    return _compared(here, place[among] * TICKS, z[among], *peaks, field.ticks, bounds)


def _peaks(index: TrackIndex, field: Field, reference: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places [quarter frames of the field], cells and strengths of a track's peaks, by time."""
    time, peak = index.track(int(field.owner[reference]))
    ticks = np.rint((field.start[reference] + time.astype(np.float64)) * TICKS).astype(np.int64)
    return ticks, votes.cells_of(peak[:, 0]), landmarks.strength(peak[:, 1])


def _chains(stretches: Sequence[Stretch], found: Lines, real: np.ndarray) -> np.ndarray:
    """Number of the chain of each stretch: renditions whose tempo breathes and editors' cuts are found in pieces."""
    chain = np.arange(len(stretches))
    last: dict[int, int] = {}  # by reference
    second = STEP_TICKS / STEP_S
    per_s = [score / ((end - begin) * STEP_S) for _, begin, end, score in stretches]
    for s, (line, begin, _, _) in enumerate(stretches):
        reference = int(found.reference[line])
        if real[s] and reference in last:
            before, _, end, _ = stretches[last[reference]]
            gap = (begin - end) * STEP_S
            move = (found.offset(line, begin * STEP_TICKS) - found.offset(before, end * STEP_TICKS)) / second
            drifted = gap <= _SOON_S and abs(move) <= _NEAR_S + _NEAR_PER_S * gap
            full = min(per_s[s], per_s[last[reference]]) >= _FULL_PER_S
            if drifted or (gap <= _CUT_S and abs(move) <= _LEFT_OUT_S) or (gap <= _JOINED_S and full):
                chain[s] = chain[last[reference]]
        last[reference] = s
    return chain


@nb.njit(cache=True)
def _compared(here, place, z, own_ticks, own_cells, own_strength, there, bounds):
    """Votes of the places `here`, and of the best rivals, summed over windows."""
    own, rival = 0.0, 0.0
    for w in range(here.size):
        best, best_rival = 0.0, _NO_RIVAL_Z
        for k in range(place.shape[1]):
            if z[w, k] <= min(best, best_rival):
                continue
            shift = np.int64(np.rint(place[w, k])) - here[w]
            if abs(shift) < _SAME_PLACE or (
                _shared(here[w], shift, own_ticks, own_cells, own_strength, there, bounds) >= _SAME
            ):
                best = max(best, z[w, k])
            else:
                best_rival = max(best_rival, z[w, k])
        own += best
        rival += best_rival
    return own, rival


@nb.njit(cache=True)
def _shared(here, shift, ticks, cells, strength, there, bounds):
    """Share of the peaks of a window of the track, by strength, that are also found `shift` away."""
    total, met = 1e-9, 0.0
    i = np.searchsorted(ticks, here)
    while i < ticks.size and ticks[i] < here + _WINDOW_TICKS:
        total += strength[i]
        want = ticks[i] + shift
        for f in range(max(0, cells[i] - 1), min(bounds.size - 2, cells[i] + 1) + 1):
            k = bounds[f] + np.searchsorted(there[bounds[f] : bounds[f + 1]], want - _REACH)
            if k < bounds[f + 1] and there[k] <= want + _REACH:
                met += strength[i]
                break
        i += 1
    return met / total
