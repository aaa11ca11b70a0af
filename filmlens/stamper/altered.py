"""The same recording at another pitch or tempo, cue by cue: which alterations are worth a second pass.

An editor fits one cue to its scene and leaves the rest as it was. What the first pass left without a cue is therefore
tried at other pitches, tempi and speeds, one window in six, by votes alone; where one of them wins clearly, it is
followed like a film of that speed.
"""

from collections.abc import Callable, Iterator

import numpy as np

#: Seconds of track per second of film, and how much higher the film's pitch is: a tape played faster or slower, pitch
#: without tempo by half semitones, tempo without pitch. Between two of them a recording is found at either.
ALTERATIONS = (
    *((1 + k / 100, 1 + k / 100) for k in range(-6, 7) if k),
    *((1.0, 2 ** (k / 24)) for k in range(-4, 5) if k),
    *((1 + k / 40, 1.0) for k in range(-4, 5) if k),
)
ONE_IN = 6
LEAST_TRUST = 0.5  # of a peak that votes; lower ones are half of all
ODDS = 0.1  # of a cue's being altered: fewer are, and there are many ways
#: Nats that an altered cue must bring, in all and per second: pieces on the same few notes meet in another key.
LEAST_SCORE, LEAST_PER_S = 50.0, 5.0
_NOISE_Z = 7.5  # the best of chance votes reaches about that
# A window speaks for an alteration when it has so many votes [sd], and so many more than as the film plays.
_LEAST_Z, _CLEARLY, _MORE_Z = 12.0, 1.2, 3.0
_NEAR_S = 25.0  # followed around a window that speaks for it
_EVERYWHERE = 100.0  # votes above noise of all windows that speak for it, from which it is followed in the whole film
_TRIES = 4


def from_speed(plays: tuple[float, float]) -> list[tuple[float, float]]:
    """Speed and pitch of each alteration in a film that plays at a speed and pitch.

    >>> from_speed((1.0, 1.0))[0]
    (0.94, 0.94)
    """
    return [(plays[0] * speed, plays[1] * pitch) for speed, pitch in ALTERATIONS]


def is_enough(score: float, seconds: float) -> bool:
    """Whether the evidence of an altered cue [nats] is enough over its length."""
    return score >= max(LEAST_SCORE, LEAST_PER_S * seconds)


def is_piece(speed: float, plays: float, other: float) -> bool:
    """Whether a cue that was found at a film's speed drifts away from it at another one.

    >>> is_piece(1.0102, 1.0, 1.01), is_piece(1.0, 1.0, 1.01)
    (True, False)
    """
    return abs(speed / other - 1) < min(0.006, abs(speed / plays - 1))


def worth_following(
    middles: np.ndarray, votes: np.ndarray, taken: Callable[[np.ndarray], np.ndarray]
) -> Iterator[tuple[int, bool, Callable[[np.ndarray], np.ndarray]]]:
    """Alterations to be followed, the likeliest first.

    Parameters
    ----------
    middles : ndarray, shape (windows,)
        Of the windows that were tried [s].
    votes : ndarray, shape (1 + alterations, windows)
        Best votes [sd] of each window, first as the film plays.
    taken : callable
        Which of some seconds have a cue by now; asked anew before each is chosen.

    Yields
    ------
    alteration : int
        From 0.
    everywhere : bool
        Whether it is to be followed in the whole film.
    wanted : callable
        Which of some seconds are to be followed.
    """
    winner = votes.argmax(axis=0)
    best = votes.max(axis=0)
    speaks = (winner > 0) & (best >= np.maximum(_LEAST_Z, _CLEARLY * votes[0] + _MORE_Z))
    tried: set[int] = set()
    while len(tried) < _TRIES:
        open_ = speaks & ~taken(middles) & ~np.isin(winner, list(tried))
        if not open_.any():
            return
        weight = np.bincount(winner[open_], best[open_] - _NOISE_Z)
        alteration = int(weight.argmax())
        tried.add(alteration)
        around = middles[open_ & (winner == alteration)]

        everywhere = bool(weight.max() >= _EVERYWHERE)

        def wanted(seconds: np.ndarray, around: np.ndarray = around, everywhere: bool = everywhere) -> np.ndarray:
            near = np.abs(seconds[:, None] - around).min(axis=1) <= _NEAR_S
            return (near | everywhere) & ~taken(seconds)

        yield alteration - 1, everywhere, wanted
