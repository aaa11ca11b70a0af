"""Permutations: values over cues or films, labels within strata; and permutation p values."""

from collections import Counter
from collections.abc import Hashable, Sequence
from math import exp, lgamma

import numpy as np


def cue_rows(rng: np.random.Generator, lengths: np.ndarray, width: int) -> np.ndarray:
    """Scheme ``cues``: row of every value after permuting each of `width` columns over all cues; (cues, width)."""
    rows = np.arange(lengths.sum())
    return rng.permuted(np.broadcast_to(rows[:, None], (rows.size, width)), axis=0)


def film_rows(rng: np.random.Generator, lengths: np.ndarray, width: int) -> np.ndarray:
    """Scheme ``films``: row of every value when each film takes another film's rows; (cues, width).

    Every film with cues gives to exactly one other. The giver's rows come in random order, repeated evenly when it has
    fewer cues than the receiver. ValueError if fewer than two films have cues.
    """
    filled = np.flatnonzero(lengths)
    if filled.size < 2:
        raise ValueError("scheme 'films' needs at least two films with cues; use scheme='cues'")
    first = np.cumsum(lengths) - lengths
    film = np.repeat(np.arange(lengths.size), lengths)
    place = np.arange(film.size) - first[film]
    rows = np.empty((film.size, width), dtype=np.intp)
    for column in range(width):
        order = rng.permutation(filled)
        while (order == filled).any():
            order = rng.permutation(filled)
        giver = np.zeros(lengths.size, dtype=np.intp)
        giver[filled] = order
        giver = giver[film]
        shuffled = np.lexsort((rng.random(film.size), film))
        rows[:, column] = shuffled[first[giver] + place % lengths[giver]]
    return rows


SCHEMES = {"cues": (cue_rows, "independent"), "films": (film_rows, "joint")}


def givers_of(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Index of the film from which each scored film's rows come; -1 when they come from several."""
    films = np.arange(np.count_nonzero(lengths))
    film = np.repeat(films, lengths[lengths > 0])
    source = film[rows]
    giver = source[np.searchsorted(film, films), 0]
    return giver if (source == giver[film, None]).all() else np.full(films.size, -1)


def film_permutations(rng: np.random.Generator, strata: Sequence[np.ndarray], draws: int) -> np.ndarray:
    """Which film each film takes its labels from, permuted within each stratum (in none: its own); (draws, films)."""
    films = len(strata[0])
    order = np.broadcast_to(np.arange(films), (draws, films)).copy()
    for stratum in strata:
        members = np.flatnonzero(stratum)
        order[:, members] = rng.permuted(np.broadcast_to(members, (draws, members.size)), axis=1)
    return order


def label_sets(labels: np.ndarray) -> np.ndarray:
    """Index of each film's set of labels, the same for identical sets; (films,).

    >>> label_sets(np.array([[1, 0], [0, 1], [1, 0]]) == 1).tolist()
    [1, 0, 1]
    """
    return np.unique(labels, axis=0, return_inverse=True)[1].ravel()


def least_p(strata: np.ndarray, patterns: Sequence[Hashable], draws: int) -> tuple[int, float]:
    """How many films a permutation within strata can move, and the smallest p that this many draws can give.

    `strata` (films,) are negative for films that take no part. To exchange films of the same pattern changes nothing.

    >>> movable, p = least_p(np.array([0, 0, 0, 1, 1, 2]), [True, False, False, True, True, False], 9999)
    >>> movable, round(p, 2)
    (3, 0.33)
    """
    movable, arrangements = 0, 0.0
    for stratum in np.unique(strata[strata >= 0]):
        counts = Counter(patterns[i] for i in np.flatnonzero(strata == stratum))
        if len(counts) > 1:
            movable += counts.total()
            arrangements += lgamma(counts.total() + 1) - sum(lgamma(n + 1) for n in counts.values())
    return movable, max(exp(-arrangements), 1 / (draws + 1))


def permutation_p(draws: np.ndarray, observed: float) -> float:
    """Two-sided p of `observed` among permutation draws, (b + 1) / (n + 1), about their common mean.

    The mean includes the observed value, which keeps the test exact although the null need not centre on 0.

    >>> permutation_p(np.array([-1.0, 0.0, 1.0]), 5.0)
    0.25
    """
    draws = draws[np.isfinite(draws)]
    centre = (draws.sum() + observed) / (draws.size + 1)
    away = np.abs(draws - centre) >= abs(observed - centre) - 1e-12
    return float((away.sum() + 1) / (draws.size + 1))
