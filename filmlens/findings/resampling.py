"""Films as the unit of chance: bootstrap weights over films, F1 under them, percentile intervals."""

from __future__ import annotations

import numpy as np


def film_weights(rng: np.random.Generator, films: int, draws: int) -> np.ndarray:
    """How often each film occurs in each bootstrap sample of all films; (draws, films), rows sum to `films`."""
    return rng.multinomial(films, np.full(films, 1 / films), size=draws).astype(float)


def f1(truth: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """F1 of every genre, and their mean (macro-F1) last; no positive and no prediction counts as 0.

    Parameters
    ----------
    truth : (films, genres) bool array
    positive : (..., films, genres) bool array
    weights : (draws, films) array, optional
        A bootstrap sample whose films have no positive of a genre gives NaN there, and in the mean; a genre without
        any positive film at all is 0 in every sample.

    Returns
    -------
    (..., genres + 1) array, or (..., draws, genres + 1)

    Examples
    --------
    >>> truth = np.array([[True, False], [True, True], [False, True]])
    >>> f1(truth, truth[::-1]).round(3).tolist()
    [0.5, 0.5, 0.5]
    """
    size = truth.sum(axis=0) + positive.sum(axis=-2)
    both = (truth & positive).sum(axis=-2)
    if weights is not None:
        both = weights @ (truth & positive)
        own = weights @ truth
        size = own + weights @ positive
    score = np.divide(2 * both, size, out=np.zeros(np.shape(size)), where=size > 0)
    if weights is not None:
        score = np.where((own == 0) & truth.any(axis=0), np.nan, score)
    return np.concatenate([score, score.mean(axis=-1, keepdims=True)], axis=-1)


def given_f1(truth: np.ndarray, positive: np.ndarray, givers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 pooled over runs in which films took values from other films, when both are resampled.

    In a bootstrap sample a prediction counts as often as its film was drawn times as often as its giver was: without
    the second factor the interval is too narrow, because it holds fixed what there was to be given.

    Parameters
    ----------
    truth : (films, genres) bool array
    positive : (runs or 1, films, genres) bool array
    givers : (runs, films) int array
    weights : (draws, films) array

    Returns
    -------
    (draws, genres + 1) array, macro-F1 last; NaN where no positive film of a genre is left.
    """
    films, genres = truth.shape
    pairs = np.zeros((2, films, films, genres))  # true positives, and half of F1's denominator; film by giver
    own = np.zeros((films, films))
    every = np.arange(films)
    for hits, giver in zip(np.broadcast_to(positive, (len(givers), films, genres)), givers, strict=True):
        pairs[0, every, giver] += hits & truth
        pairs[1, every, giver] += (hits.astype(float) + truth) / 2
        own[every, giver] += 1
    both, size = (
        np.einsum("dhk,dh->dk", (weights @ p.reshape(films, -1)).reshape(len(weights), films, genres), weights)
        for p in pairs
    )
    positives = ((weights @ own.T) * weights) @ truth
    score = np.divide(both, size, out=np.zeros_like(size), where=size > 0)
    score = np.where((positives == 0) & truth.any(axis=0), np.nan, score)
    return np.concatenate([score, score.mean(axis=-1, keepdims=True)], axis=-1)


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap draws, those without a value left out; NaN when none has one.

    >>> low, high = interval(np.r_[np.arange(101.0), np.nan])
    >>> round(low, 6), round(high, 6)
    (2.5, 97.5)
    """
    draws = draws[np.isfinite(draws)]
    if draws.size == 0:
        return np.nan, np.nan
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def precision(truth: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Precision of every genre, and their mean last; no prediction counts as 0. Parameters as :func:`f1`."""
    hits, claimed = (truth & positive), positive
    if weights is not None:
        hits, claimed = weights @ hits, weights @ claimed
    else:
        hits, claimed = hits.sum(axis=-2), claimed.sum(axis=-2)
    score = np.divide(hits, claimed, out=np.zeros(np.shape(hits)), where=claimed > 0)
    return np.concatenate([score, score.mean(axis=-1, keepdims=True)], axis=-1)
