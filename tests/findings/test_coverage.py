"""Whether the bootstrap over films covers the importance that a million films have."""

import numpy as np
import pytest

from filmlens.findings import group_importance
from filmlens.stats.metrics import f1

POSITIVES = np.array([55, 40, 30, 20, 11])
CUT = 1.45 + 0.35 * np.array([0, 0.3, 0.6, 1.0, 1.6])
FILMS = 110


def draw(rng, films):
    """Films of one cue; features 0-4 are the group in question, 5-9 the rest."""
    labels = rng.random((films, 5)) < POSITIVES / FILMS
    return labels, rng.normal(size=(films, 10)) + np.hstack([1.4 * labels, 1.0 * labels])


def decide(values):
    return values[:, :5] + 0.7 * values[:, 5:] >= CUT


def truth():
    rng = np.random.default_rng(20210407)
    labels, values = draw(rng, 10**6)
    permuted = values.copy()
    permuted[:, :5] = values[rng.permutation(len(values)), :5]
    return f1(labels, decide(values)) - f1(labels, decide(permuted))


def coverage(runs, n_repeats=50, n_boot=1000):
    target, inside = truth(), []
    for seed in range(runs):
        labels, values = draw(np.random.default_rng(seed), FILMS)
        table = group_importance(
            lambda bags: decide(np.concatenate(bags)).astype(float),
            list(values[:, None]),
            labels,
            {"group": range(5)},
            scheme="films",
            n_repeats=n_repeats,
            n_boot=n_boot,
            seed=seed,
            genres=list("abcde"),
        ).table()
        table = table[table["measure"] == "F1"]
        known = table["film_low"].notna()  # a genre may happen to have too few films
        inside.append(((table["film_low"] <= target) & (target <= table["film_high"])).where(known).astype(float))
    return np.nanmean(inside, axis=0)


def test_coverage_of_fifty_corpora():
    share = coverage(50, n_repeats=10, n_boot=200)
    assert (share > 0.8).all()


@pytest.mark.slow
def test_coverage_of_two_thousand_corpora():
    share = coverage(2000)
    print("coverage for 55, 40, 30, 20, 11 films and Overall:", share.round(3))
    assert (share[:4] >= 0.92).all()
    assert share[5] >= 0.92
    assert share[4] >= 0.9
