"""Agreement of people who rated the same units by name: Cohen's kappa of two, Krippendorff's alpha of several.

Both are 1 - observed / expected disagreement. The two are given as masses (of seconds, where units are weighted by
them), for many weights at once, so that a bootstrap is one product, and so that strata such as films add up: chance is
then what each film by itself would give.
"""

import numpy as np


def of_two(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Observed and expected disagreement of two raters (Cohen 1960), floats or (draws,).

    `a` and `b` (units,) say what each rater called a unit, 0 and up; -1 where there is no rating, which leaves the unit
    out. `weights`, (units,) or (draws, units), say how much each unit counts.

    >>> observed, expected = of_two(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), np.ones(4))
    >>> float(observed), float(expected), float(coefficient(observed, expected))
    (1.0, 2.0, 0.5)
    """
    rated = (a >= 0) & (b >= 0)
    weights = np.asarray(weights, float)[..., rated]
    kinds = np.arange(max(a.max(initial=-1), b.max(initial=-1)) + 1)
    of_a, of_b = (weights @ (side[rated][:, None] == kinds).astype(float) for side in (a, b))
    total = weights.sum(axis=-1)
    by_chance = np.divide((of_a * of_b).sum(axis=-1), total, out=np.zeros_like(total), where=total > 0)
    return total - weights @ (a == b)[rated].astype(float), total - by_chance


def of_several(ratings: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Observed and expected disagreement of any number of raters (Krippendorff 2019, ch. 12, nominal).

    `ratings` are (raters, units), of codes as in `of_two`; a unit counts where it has two ratings or more. `weights`
    and the results are as there; 0 is expected where there are too few ratings for any.
    """
    kinds = np.arange(ratings.max(initial=-1) + 1)
    named = (ratings[:, :, None] == kinds).sum(axis=0).astype(float)  # (units, kinds): raters who named it so
    n = named.sum(axis=1)
    paired = n >= 2
    weights, named, n = np.asarray(weights, float)[..., paired], named[paired], n[paired]
    observed = weights @ ((n**2 - (named**2).sum(axis=1)) / (n - 1))
    of_kind = weights @ named
    total = of_kind.sum(axis=-1)
    pairs = np.maximum(total**2 - (of_kind**2).sum(axis=-1), 0.0)
    return observed, np.divide(pairs, total - 1, out=np.zeros_like(total), where=total > 1)


def coefficient(observed, expected) -> np.ndarray:
    """1 - observed / expected: 1 is full agreement, 0 that of chance; NaN where chance could not disagree."""
    observed, expected = np.broadcast_arrays(np.asarray(observed, float), np.asarray(expected, float))
    return 1 - np.divide(observed, expected, out=np.full(observed.shape, np.nan), where=expected > 1e-9)


def codes(*raters) -> np.ndarray:
    """Ratings as integer codes, the same word the same code, None and NaN as -1; (raters, units).

    >>> codes(["music", None, "none"], ["none", "none", "none"]).tolist()
    [[0, -1, 1], [1, 1, 1]]
    """
    number: dict = {}
    rows = [[-1 if v is None or v != v else number.setdefault(v, len(number)) for v in row] for row in raters]
    return np.array(rows, int).reshape(len(raters), -1)


def alpha(ratings: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Krippendorff's alpha of nominal ratings: 1 is full agreement, 0 chance agreement.

    `ratings` (raters, units) are numbers, NaN where a rater gave no answer; `weights` (units,) as in `of_two`. Alpha is
    NaN where no unit has two answers, or all answers are the same.

    >>> alpha(np.array([[1, 0, 1, 0], [1, 0, 1, 0]]))
    1.0
    >>> round(alpha(np.array([[1, 1, 0, 0], [1, 0, 1, np.nan]])), 3)
    -0.25
    """
    named = np.full(np.shape(ratings), -1)
    there = np.isfinite(ratings)
    named[there] = np.unique(ratings[there], return_inverse=True)[1]
    weights = np.ones(named.shape[1]) if weights is None else weights
    return float(coefficient(*of_several(named, weights)))
