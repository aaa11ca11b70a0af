"""Importance given the other groups: of a simulation whose truth is known."""

import numpy as np
import pytest

from filmlens.findings import conditional_importance, group_importance
from filmlens.findings.importance_checks import foretold

GROUPS = {"heard": [0], "follows": [1], "copy": [2, 3], "alone": [4], "silent": [5]}


def corpus(seed: int = 0, films: int = 60):
    """Genre comes from `heard` and `alone`; `follows` has .6 of its variance from `heard`; `copy` repeats `alone`."""
    rng = np.random.default_rng(seed)
    Y = rng.random((films, 1)) < 0.5
    bags = []
    for label in Y[:, 0]:
        z = rng.normal(size=(int(rng.integers(8, 30)), 6)) + rng.normal(size=6)
        heard, alone = z[:, 0] + 1.5 * label, z[:, 4] + 1.5 * label
        follows = np.sqrt(0.6) * heard + np.sqrt(0.4) * z[:, 1]
        copies = alone[:, None] + 0.05 * z[:, 2:4]
        bags.append(np.column_stack([heard, follows, copies, alone, z[:, 5]]))
    return bags, Y


def predict(bags):
    """A model that leans on everything but `silent`, each alike."""
    return np.array([[1 / (1 + np.exp(2 - b[:, :5].mean(axis=0) @ [1, 2, 0.5, 0.5, 1]))] for b in bags])


def test_a_group_that_follows_another_is_important_until_the_other_is_given():
    bags, Y = corpus(films=100)
    settings = {"n_repeats": 20, "genres": ["Horror"]}
    plain = group_importance(predict, bags, Y, GROUPS, scheme="films", **settings).table().query("measure != 'F1'")
    given = conditional_importance(predict, bags, Y, GROUPS, **settings)
    plain, given = (t[t["genre"] == "Horror"].set_index("group") for t in (plain, given))
    assert plain.loc["follows", "film_low"] > 0.02 and given.loc["follows", "film_low"] <= 0
    assert given.loc["follows", "importance"] < 0.3 * plain.loc["follows", "importance"]
    assert given.loc["heard", "film_low"] > 0 and not given.loc["heard", "note"]
    assert given.loc["follows", "explained"] == pytest.approx(0.6, abs=0.1)
    for name in ("copy", "alone"):
        assert given.loc[name, "note"] == "not separable" and np.isnan(given.loc[name, "film_low"])
    assert abs(given.loc["silent", "importance"]) < 1e-12 and given.loc["silent", "explained"] < 0.05


def test_what_is_foretold_was_fitted_on_other_films():
    """Each film's own level cannot be foretold from columns that say nothing, however many there are."""
    rng = np.random.default_rng(1)
    bags = [np.column_stack([np.full(12, rng.normal()), rng.normal(size=(12, 40))]) for _ in range(20)]
    expected, explained = foretold(bags, np.array([0]))
    assert explained < 0.1 and expected.shape == (240, 1)


def test_missing_values_stay_missing_and_a_constant_column_is_foretold_by_itself():
    bags, Y = corpus(films=24)
    for bag in bags:
        bag[::5, 1] = np.nan
        bag[::7, 0] = np.nan
        bag[:, 5] = 3.0
    expected, explained = foretold(bags, np.array([1, 5]))
    assert np.isfinite(expected).all() and (expected[:, 1] == 3).all() and 0.3 < explained < 0.7
    seen = []

    def see(bags):
        seen.append(np.concatenate(bags))
        return predict([np.nan_to_num(b) for b in bags])

    conditional_importance(see, bags, Y, {"follows": [1]}, n_repeats=2, genres=["Horror"])
    whole, *permuted = (np.isfinite(values[:, 1]).sum() for values in seen)
    assert permuted and all(abs(n - whole) < 20 for n in permuted), "a missing value travels with its row"
