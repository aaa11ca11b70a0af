"""Whether a match is the track itself or only similar music, judged by the best other matches.

Music of one drum kit, one set of sampled instruments or one tempo meets an album's peaks at every bar, of any of its
tracks, as evidence against single peaks at random cannot tell. But then other places of the tracks meet the film as
well, and which of them does best changes from window to window. A stretch is therefore judged by its place's votes in
each of its windows against those of the best rival: the highest candidate that is not the same music once more; and by
the notes of its track that the film lacks, more than where it holds its tracks best, for one may hold other renditions.
"""

from collections.abc import Sequence

import numba as nb
import numpy as np

from filmlens.stamper import landmarks, semitones, votes
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
_LEAD, _MOST_LEAD = (-1.6, 2.1), (-1.0, 1.5)  # of a window's votes, a fifth to eight times; what counts of a stretch
# A film whose other music does not lead so far is one of music like the tracks; so many seconds tell half of it.
_REST, _HALF_S = (-0.3, 0.2), 15.0
# Where so much is lacking, other places of the track are looked at; its root must be so much less there.
_DOUBTFUL, _CLEARLY_LESS = 0.05, 0.1
# Share of a film's seconds that lack least, and the most that is expected to be lacking there.
_BEST, _MOST_LACKING = 0.3, 0.15
_WHOLE = 0.2  # root of what is lacking of the very recording, at most
# Logistic regression on the stretches of film-like mixes with known cues, see benchmarks/stamping.md.
_CONSTANT, _WEIGHTS = -7.13, (4.59, 2.69, -21.7, -18.9, 3.4)


def probabilities(
    stretches: Sequence[Stretch], found: Lines, starts: np.ndarray, place: np.ndarray, z: np.ndarray, field: Field,
    index: TrackIndex, lacks: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Probability that each cue is the track that it names; NaN on a decoy.

    `stretches` are as `path.best_path` gives them; `starts`, `place` and `z` are the film's windows and their
    candidates, see `votes.candidates`; `lacks` is what the film lacks of each, see `settled`.
    """
    if not len(stretches):
        return np.zeros(0)
    return 1 / (1 + np.exp(-_CONSTANT - described(stretches, found, starts, place, z, field, index, lacks) @ _WEIGHTS))


def settled(
    stretches: Sequence[Stretch], found: Lines, field: Field, index: TrackIndex, levels: np.ndarray,
    hypothesis: tuple[float, float],
) -> tuple[list[Stretch], np.ndarray]:  # fmt: skip
    """The stretches at the places of their tracks that lack least, and what the film lacks of each; NaN on a decoy.

    A loop or a refrain is met at each of its repeats by nearly the same peaks; where a stretch lacks notes, other lines
    of its track are looked at that have candidates in at least half as many of its seconds.
    """
    middle = WINDOW_S * FRAMES_S * TICKS / 2
    owner = np.where(field.decoy[found.reference], -1, field.owner[found.reference])
    placed, shares = list(stretches), np.full(len(stretches), np.nan)
    for s, (line, begin, end, score) in enumerate(stretches):
        if owner[line] < 0:
            continue
        place = found, field, index, levels, hypothesis, begin, end
        shares[s] = _lacking(line, *place)
        if not shares[s] > _DOUBTFUL:
            continue
        inside = (found.node_tick >= begin * STEP_TICKS - middle) & (found.node_tick < end * STEP_TICKS + middle)
        count = np.add.reduceat(inside, found.ptr[:-1])
        others = np.flatnonzero((owner == owner[line]) & (2 * count >= max(2, count[line])))
        for other in others:
            share = _lacking(other, *place)
            if np.sqrt(share) < np.sqrt(shares[s]) - _CLEARLY_LESS:
                placed[s], shares[s] = (int(other), begin, end, score), share
    return placed, shares


def _lacking(
    line: int, found: Lines, field: Field, index: TrackIndex, levels: np.ndarray, hypothesis: tuple[float, float],
    begin: int, end: int,
) -> float:  # fmt: skip
    """What the film lacks of a line's track from one step to another, see `semitones.lacking`."""
    speed, pitch = hypothesis
    per_row, centre = semitones.POOLED * TICKS, (semitones.POOLED - 1) / 2 * TICKS
    first, last = (min(len(levels), int(k * STEP_TICKS / (per_row * speed))) for k in (begin, end))
    there = (np.arange(first, last) * per_row + centre) * speed
    reference, nodes = found.reference[line], slice(found.ptr[line], found.ptr[line + 1])
    place = there + np.interp(there, found.node_tick[nodes], found.node_offset[nodes])
    rows = (place - field.start[reference] * TICKS - centre) / per_row
    return semitones.lacking(levels, index.level(field.owner[reference]), rows, first, pitch)


def described(
    stretches: Sequence[Stretch], found: Lines, starts: np.ndarray, place: np.ndarray, z: np.ndarray, field: Field,
    index: TrackIndex, lacks: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Features that separate a true match from similar music.

    Returns
    -------
    ndarray, shape (stretches, 5)
        Of a stretch and those it goes on with: their lead, the log of the votes of its place over the best rival's, and
        the log of their evidence; how far the mean lead of the film's other stretches falls short, less where there is
        little of them; the root of what is lacking of the stretch, above that of the film's best seconds, and how far
        it is below the most of a very recording. NaN on a decoy.
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
    short = (_REST[1] - np.clip(rest, *_REST)) * others / (others + _HALF_S)
    whole = np.clip(_WHOLE - np.sqrt(np.where(np.isfinite(lacks), lacks, 1)), 0, None)
    beyond = _beyond_the_best(lacks, seconds)
    table = np.column_stack([np.clip(lead, *_MOST_LEAD), np.log(score), short, beyond, whole])
    table[~real] = np.nan
    return table


def _beyond_the_best(lacks: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Root of what is lacking of each stretch, less that of the film's best seconds; 0 where it is not known."""
    known = np.isfinite(lacks)
    if not known.any():
        return np.zeros(len(lacks))
    order = np.argsort(lacks[known], kind="stable")
    passed = np.cumsum(seconds[known][order])
    best = lacks[known][order][np.searchsorted(passed, _BEST * passed[-1])]
    return np.where(known, np.sqrt(np.where(known, lacks, 0)) - np.sqrt(min(best, _MOST_LACKING)), 0.0)


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
