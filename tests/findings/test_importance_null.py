"""Importance against the same group once it says nothing: rate, a planted group, what is left alone."""

import numpy as np
import pytest
from scipy import stats

from filmlens.findings import group_p

GROUPS = {"one": [0, 1], "two": [2, 3], "three": [4, 5]}
GENRES = ["x", "y"]


def films(seed, effect=0.0, n=60):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 2)) < [0.5, 0.3]
    bags = [np.sqrt(0.3) * rng.normal(size=6) + np.sqrt(0.7) * rng.normal(size=(4, 6)) for _ in range(n)]
    return [b + effect * y[0] * (np.arange(6) == 2) for b, y in zip(bags, Y, strict=True)], Y


def fit(bags, Y, folds=5):
    """Ridge regression of labels on film means, each film by the fold that has not seen it."""
    means = np.stack([b.mean(axis=0) for b in bags])
    fold = np.arange(len(means)) % folds
    design = np.column_stack([np.ones(len(means)), means])
    weights = []
    for f in range(folds):
        x, y = design[fold != f], Y[fold != f].astype(float)
        weights.append(np.linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ y))
    weights = np.array(weights)[fold]

    def predict(bags):
        x = np.stack([np.append(1, b.mean(axis=0)) for b in bags])
        return np.einsum("fd,fdk->fk", x, weights)

    return predict


def smallest(seed, **planted):
    bags, Y = films(seed, **planted)
    return group_p(fit, bags, Y, GROUPS, genres=GENRES, draws=19, n_repeats=3, seed=seed)


def test_a_planted_group_is_found_and_a_page_without_any_is_hardly_ever_marked():
    table = smallest(1, effect=1.5).set_index(["genre", "group"])
    assert table.loc[("x", "two"), "p"] == 0.05 and table.loc[("x", "two"), "importance"] > 0.2
    assert (table.drop(index=("x", "two"))["p"] > 0.05).all()
    marked = sum((smallest(seed)["p"] <= 0.05).any() for seed in range(8))
    assert marked <= 2


def test_few_films_have_no_p():
    bags, Y = films(0, n=24)
    Y[:, 0], Y[:, 1] = np.arange(24) % 2, np.arange(24) < 4
    table = group_p(fit, bags, Y, GROUPS, genres=GENRES, draws=3, n_repeats=1).set_index("genre")
    assert table.loc["y", "p"].isna().all() and table.loc["x", "p"].notna().all()
    assert table.loc["y", "note"].iloc[0] == "too few films: 4 against 20, at least 10 needed"


@pytest.mark.slow
def test_family_wise_rate_in_three_hundred_corpora():
    marked = sum((smallest(seed)["p"] <= 0.05).any() for seed in range(300))
    print("corpora with a marked cell:", marked, "of 300")
    assert marked <= stats.binom.ppf(0.999, 300, 0.05)
