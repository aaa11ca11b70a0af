"""Other renditions by harmony: what no cue explains is aligned with the tracks by the notes that sound.

Another take, other instruments or other words leave few of a recording's spectral peaks in place, but the harmony moves
the same way. Film and track are compared row by row, whatever the tempo, and a stretch is believed when it is nearer to
its track than to the other tracks, to all tracks played backwards, and to itself in other keys.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numba as nb
import numpy as np
from scipy.ndimage import binary_dilation, uniform_filter1d

from filmlens.stamper import semitones
from filmlens.stamper.index import TrackIndex

_ROWS = 2  # of loudness by semitones, in one of harmony
ROW_S = _ROWS * semitones.ROW_S
#: Shorter pauses between cues are not looked at.
LEAST_S = 6.0
_AROUND_S, _OCTAVE = 2.0, 13  # what a note stands out from: its neighbours in time and pitch
# Nats of a row: so many times the likeness of film and track, less what chance gives.
_PER_LIKENESS, _CHANCE = 3.0, 0.15
START = 14.0  # nats of a beginning
_STOP, _MOVE = 1.0, 1.5  # of an end, and of a row that is held or left out
_COARSELY = 2 * _PER_LIKENESS, 0.2, 8.0  # the same, and nats of a beginning, where rows are taken in pairs
_MARGIN = 16  # rows around what was found so
_SHORTEST = 16  # rows of a cue
_WINDOW = 32  # rows that are compared with others at once
_CELLS = 8e6  # of likenesses at a time
KEYS = (0, *range(-5, 0), *range(1, 7))  # semitones that the film may be higher
_OTHER_KEY = np.log(0.1)  # odds: most renditions are in the key of the album
#: Log odds in a film without any other cue: it may not hold the album at all.
ALONE = np.log(0.1)
# Log odds that a stretch is a rendition: a constant, and of each of its `features`. Fitted as benchmarks/stamping.md
# says, and lowered by log 9: a false cue is worse than one that is not found.
_CONSTANT, _WEIGHTS = 23.3 - np.log(9), (6.4, 3.0, -25.0)
_LEAST_LEAD, _LEAST_LEADS = 0.01, 0.02


class Rendition(NamedTuple):
    """A stretch of the film [rows of harmony] and, row by row, its place in a track; its key and evidence [nats]."""

    track: int
    begin: int
    place: np.ndarray
    key: int
    score: float

    @property
    def end(self) -> int:
        return self.begin + len(self.place)

    def places(self, speed: float) -> tuple[np.ndarray, np.ndarray]:
        """Middles of its rows in a film of that speed, and in the track [s]."""
        return (np.arange(self.begin, self.end) + 0.5) * (ROW_S / speed), (self.place + 0.5) * ROW_S


def profile(levels: np.ndarray, speed: float = 1.0, pitch: float = 1.0) -> np.ndarray:
    """Which notes stand out, float32 of shape (rows, semitones), each row of length 1.

    `levels` is as `semitones.levels` gives it; with a film's `speed` and `pitch`, rows and notes are as in its tracks.
    """
    rows = len(levels) // _ROWS
    notes = levels[: rows * _ROWS].reshape(rows, _ROWS, -1).mean(axis=1, dtype=np.float32)
    if speed != 1:
        place = np.arange(int(rows * speed)) / speed
        notes = semitones.between(notes, place)
    if pitch != 1:
        notes = semitones.between(notes.T, np.arange(semitones.COUNT) + 12 * np.log2(pitch)).T
    if not len(notes):
        return notes
    notes = notes - uniform_filter1d(notes, 2 * int(_AROUND_S / ROW_S) + 1, axis=0, mode="nearest")
    notes -= uniform_filter1d(notes, _OCTAVE, axis=1, mode="nearest")
    return notes / (np.linalg.norm(notes, axis=1, keepdims=True) + 0.01)


def renditions(
    film: np.ndarray, pauses: Sequence[tuple[int, int]], index: TrackIndex, *, start_cost: float, prior: float
) -> list[tuple[Rendition, float]]:
    """Stretches that move like a track, with the probability that they are a rendition of it; none overlap.

    Parameters
    ----------
    film : ndarray, shape (rows, semitones)
        As `profile` gives it.
    pauses : sequence of (begin, end)
        Rows to be looked at.
    index : TrackIndex
        With loudness by semitones.
    start_cost : float
        Nats that a stretch must bring.
    prior : float
        Log odds beside what is heard.
    """
    tracks = [profile(index.level(i)) for i in range(len(index))]
    pairs = [_in_pairs(track) for track in tracks]
    found = []
    for begin, end in pauses:
        pause = film[begin:end]
        for key in KEYS:
            here, coarse = _in_key(pause, key), _in_key(_in_pairs(pause), key)
            for i, track in enumerate(tracks):
                for first, last in _worth_aligning(coarse, pairs[i]):
                    found += _aligned(here[first:last], track, begin + first, i, key, start_cost)
    return [
        (stretch, _probability(prior + (_OTHER_KEY if stretch.key else 0), features(stretch, film, tracks)))
        for stretch in _apart(found)
    ]


def _in_key(film: np.ndarray, key: int) -> np.ndarray:
    """The film's rows, lower by so many semitones."""
    if not key:
        return film
    moved = np.zeros_like(film)
    kept = semitones.COUNT - abs(key)
    moved[:, max(0, -key) :][:, :kept] = film[:, max(0, key) :][:, :kept]
    return moved


def _in_pairs(rows: np.ndarray) -> np.ndarray:
    """The mean of every two rows, of length 1."""
    pairs = rows[: len(rows) // 2 * 2].reshape(-1, 2, rows.shape[1]).sum(axis=1)
    return pairs / (np.linalg.norm(pairs, axis=1, keepdims=True) + 0.01)


def _worth_aligning(film: np.ndarray, track: np.ndarray) -> list[tuple[int, int]]:
    """Rows around those that lie on a track when film and track are looked at by pairs of rows, a quarter of the work.

    Of the alignments of known renditions, all 66 are among them, and of other music a twelfth of its rows.
    """
    on = np.concatenate([place >= 0 for _, place, _ in _places(film, track, _COARSELY)] or [np.zeros(0, bool)])
    on = binary_dilation(np.repeat(on, 2), np.ones(2 * _MARGIN + 1))
    return np.flatnonzero(np.diff(np.concatenate([[0], on, [0]]))).reshape(-1, 2).tolist()


def _aligned(film: np.ndarray, track: np.ndarray, begin: int, i: int, key: int, start_cost: float) -> list[Rendition]:
    """Stretches of some rows of a film that lie on a track."""
    found = []
    for first, place, gain in _places(film, track, (_PER_LIKENESS, _CHANCE, start_cost)):
        jumps = np.flatnonzero((np.diff(place) < 0) | (np.diff(place) > 2)) + 1
        for part in np.split(np.arange(len(place)), jumps):
            part = part[place[part] >= 0]
            if len(part) >= _SHORTEST:
                score = float(gain[part, place[part]].sum())
                found.append(Rendition(i, begin + first + int(part[0]), place[part], key, score))
    return found


def _places(
    film: np.ndarray, track: np.ndarray, nats: tuple[float, float, float]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """The likeliest row of the track at every row of the film, -1 for none, in parts: first row, places, evidence."""
    per_likeness, chance, start_cost = nats
    if not len(track):
        return
    step = max(4 * _SHORTEST, int(_CELLS / len(track)))
    for first in range(0, len(film), step):
        gain = film[first : first + step] @ track.T
        gain -= chance
        gain *= per_likeness
        yield first, _viterbi(gain, start_cost, _STOP, _MOVE), gain


def _apart(found: list[Rendition]) -> list[Rendition]:
    """The stretches with most evidence, each without what is taken by one with more, by time."""
    kept: list[Rendition] = []
    for stretch in sorted(found, key=lambda s: -s.score):
        free = np.ones(len(stretch.place), bool)
        for other in kept:
            free[max(0, other.begin - stretch.begin) : max(0, other.end - stretch.begin)] = False
        runs = np.flatnonzero(np.diff(np.concatenate([[0], free, [0]]))).reshape(-1, 2)
        first, last = max(runs.tolist(), key=lambda run: run[1] - run[0], default=(0, 0))
        if last - first >= _SHORTEST:
            share = (last - first) / len(stretch.place)
            kept.append(
                stretch._replace(
                    begin=stretch.begin + first, place=stretch.place[first:last], score=stretch.score * share
                )
            )
    return sorted(kept, key=lambda s: s.begin)


def features(stretch: Rendition, film: np.ndarray, tracks: Sequence[np.ndarray]) -> np.ndarray:
    """What tells a rendition from other music.

    Returns
    -------
    ndarray, shape (3,)
        Log of how much nearer the stretch is to its track than to any other; log of the same with its leads over all
        tracks played backwards and over its track in other keys added, times the root of its length in ten seconds;
        its likeness.
    """
    heard = film[stretch.begin : stretch.end]
    here, own = _in_key(heard, stretch.key), tracks[stretch.track]
    near = _nearest(here, own)
    backwards = max(_nearest(here, track[::-1]) for track in tracks)
    others = max((_nearest(here, track) for i, track in enumerate(tracks) if i != stretch.track), default=backwards)
    keys = max(_nearest(_in_key(heard, key), own) for key in KEYS if key != stretch.key)
    leads = (3 * near - others - backwards - keys) * np.sqrt(len(heard) * ROW_S / 10)
    likeness = (here * own[stretch.place]).sum(axis=1).mean()
    return np.array([np.log(max(near - others, _LEAST_LEAD)), np.log(max(leads, _LEAST_LEADS)), likeness])


def _probability(prior: float, features: np.ndarray) -> float:
    return float(1 / (1 + np.exp(-(prior + _CONSTANT + features @ _WEIGHTS))))


def _nearest(film: np.ndarray, track: np.ndarray) -> float:
    """Likeness of rows of a film to the place of a track that is most like them; mean over windows of six seconds."""
    window = min(len(film), _WINDOW)
    if len(track) < window:
        return 0.0
    starts = range(0, len(film) - window + 1, max(1, window // 2))
    return float(np.mean([_best_diagonal(film[s : s + window] @ track.T) for s in starts]))


@nb.njit(cache=True)
def _best_diagonal(likeness):
    """Mean of the best diagonal, of shape (rows of a window, rows of a track)."""
    window, length = likeness.shape
    sums = np.zeros(length - window + 1, np.float32)
    for k in range(window):
        sums += likeness[k, k : k + sums.size]
    return sums.max() / window


@nb.njit(cache=True)
def _viterbi(gain, start_cost, stop_cost, move_cost):
    """Row of the track at every row of the film (-1: none). A row may be held, or left out, at a cost."""
    n, m = gain.shape
    score, following = np.full(m, -1e18), np.empty(m)
    came = np.empty((n, m), np.int8)  # rows of the track since the row before; -1: begins here
    source = np.empty(n, np.int64)
    none = 0.0
    for i in range(n):
        best = np.argmax(score)
        source[i] = -1
        if score[best] - stop_cost > none:
            source[i], none = best, score[best] - stop_cost
        for j in range(m):
            value, step = none - start_cost, -1
            if j > 0 and score[j - 1] > value:
                value, step = score[j - 1], 1
            if score[j] - move_cost > value:
                value, step = score[j] - move_cost, 0
            if j > 1 and score[j - 2] - move_cost > value:
                value, step = score[j - 2] - move_cost, 2
            following[j], came[i, j] = value + gain[i, j], step
        score, following = following, score
    at = np.full(n, -1, np.int64)
    best = np.argmax(score)
    here = best if score[best] > none else -1
    for i in range(n - 1, -1, -1):
        at[i] = here
        if here < 0 or came[i, here] < 0:
            here = source[i]
        else:
            here -= came[i, here]
    return at
