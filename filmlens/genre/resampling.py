"""Films drawn with replacement, and a random guess drawn anew: what intervals and comparisons rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from filmlens.genre.metrics import macro

if TYPE_CHECKING:
    from filmlens.genre.results import CrossValidation


def shared_films(cvs: list[CrossValidation]) -> np.ndarray:
    """Films that take part in all cross-validations."""
    first = cvs[0]
    for cv in cvs[1:]:
        same = cv.film_ids == first.film_ids and cv.genres == first.genres
        if not same or not np.array_equal(cv.labels, first.labels):
            raise ValueError("models are compared on the same films, genres and labels only")
    keep = np.all([cv.fold >= 0 for cv in cvs], axis=0)
    if not keep.any():
        raise ValueError("the models have no film in common")
    return keep


def guess(probability: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of a random guess, (draws, n, K) each."""
    shape = (draws, *probability.shape)
    return rng.random(shape) < probability, rng.random(shape)


def sampled(cv: CrossValidation, keep: np.ndarray, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and scores for `samples` resamples: the same for all, but drawn anew for a random guess."""
    if cv.draws:
        return guess(cv.probability[keep], samples, np.random.default_rng([seed, 1]))
    return cv.prediction[keep], cv.score[keep]


def point_estimate(cv: CrossValidation, keep: np.ndarray, metric: str) -> float:
    samples = max(cv.draws, 1)
    drawn = sampled(cv, keep, samples, 0)
    return float(macro(cv.labels[keep], *drawn, np.ones((samples, keep.sum())))[metric].mean())


def has_positives(Y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether every genre that has positives at all has one in each sample."""
    return ((weights @ Y[:, Y.any(0)].astype(float)) > 0).all(1)


def resamples(Y: np.ndarray, replicates: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """How often each film was drawn, (samples, n), and how many samples were skipped."""
    weights = rng.multinomial(len(Y), np.full(len(Y), 1 / len(Y)), size=replicates).astype(float)
    usable = has_positives(Y, weights)
    return weights[usable], int((~usable).sum())


def interval(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
