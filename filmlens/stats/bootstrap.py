"""The bootstrap over films: how often each film is drawn, and percentile intervals."""

import numpy as np


def film_weights(rng: np.random.Generator, films: int, draws: int) -> np.ndarray:
    """How often each film occurs in each bootstrap sample of all films; (draws, films), rows sum to `films`."""
    return rng.multinomial(films, np.full(films, 1 / films), size=draws).astype(float)


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap draws, without NaN; NaN when all are.

    >>> low, high = interval(np.r_[np.arange(101.0), np.nan])
    >>> round(low, 6), round(high, 6)
    (2.5, 97.5)
    """
    draws = draws[np.isfinite(draws)]
    if draws.size == 0:
        return np.nan, np.nan
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def deviation(draws: np.ndarray) -> float:
    """Standard deviation of bootstrap draws, without NaN; NaN when all are.

    >>> deviation(np.array([1.0, 3.0, np.nan])), deviation(np.array([np.nan]))
    (1.0, nan)
    """
    draws = draws[np.isfinite(draws)]
    return float(draws.std()) if draws.size else np.nan


def has_positives(Y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether every genre that has positives at all has one in each sample."""
    return ((weights @ Y[:, Y.any(0)].astype(float)) > 0).all(1)


def resamples(Y: np.ndarray, replicates: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """`film_weights` of the samples in which every genre keeps a positive, and how many others were skipped."""
    weights = film_weights(rng, len(Y), replicates)
    usable = has_positives(Y, weights)
    return weights[usable], int((~usable).sum())
