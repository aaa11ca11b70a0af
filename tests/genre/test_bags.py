"""Bags: ragged films in one matrix."""

import numpy as np
import pandas as pd
import pytest

from filmlens.genre import Bags, as_bags
from filmlens.genre.bags import as_labels, moments


def table():
    return pd.DataFrame(
        {
            "film_id": ["b", "a", "b", "z", "a"],
            "cue": [0, 0, 1, 0, 1],
            "x": [1.0, 2, 3, 4, np.nan],
            "y": [5.0, 6, 7, 8, 9],
        }
    )


def test_from_table_keeps_the_films_order_and_makes_empty_bags():
    bags = Bags.from_table(table(), ["a", "none", "b"], ["y", "x"])
    assert bags.film_ids == ("a", "none", "b") and bags.sizes.tolist() == [2, 0, 2]
    np.testing.assert_array_equal(bags[2], [[5, 1], [7, 3]])
    np.testing.assert_array_equal(bags[-1], bags[2])
    assert bags.cues["cue"].tolist() == [0, 1, 0, 1] and bags.cues["film_id"].tolist() == ["a", "a", "b", "b"]
    assert [len(b) for b in bags] == [2, 0, 2]
    with pytest.raises(IndexError):
        bags[3]


def test_take_by_number_and_by_mask():
    bags = Bags.from_table(table(), ["a", "none", "b"], ["x", "y"])
    some = bags.take([2, 0])
    assert some.film_ids == ("b", "a")
    np.testing.assert_array_equal(some[0], bags[2])
    assert some.cues["film_id"].tolist() == ["b", "b", "a", "a"]
    assert bags.take(np.array([False, True, False])).sizes.tolist() == [0]


def test_lists_of_arrays_and_bags_are_one():
    arrays = [np.ones((2, 3)), np.empty((0,)), np.zeros((1, 3))]
    bags = as_bags(arrays)
    assert bags.sizes.tolist() == [2, 0, 1] and as_bags(bags) is bags
    assert bags.with_instances(bags.instances + 1)[2].tolist() == [[1, 1, 1]]
    with pytest.raises(ValueError, match="cannot become"):
        bags.with_instances(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([], "no bags"),
        ([np.ones(3)], r"bag 0 has shape \(3,\)"),
        ([np.ones((2, 3)), np.ones((2, 4))], "number of features"),
        ([np.array([[1.0, np.inf]])], "film bag 0, feature x1: infinite"),
    ],
)
def test_malformed_bags_say_what_is_wrong(arrays, message):
    with pytest.raises(ValueError, match=message):
        as_bags(arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"offsets": [0, 3, 2]}, "offsets must rise"),
        ({"offsets": [0, 2]}, "need 3 offsets"),
        ({"columns": ["x"]}, "column names"),
        ({"film_ids": ["a", "a"]}, "twice"),
        ({"cues": pd.DataFrame({"cue": [1]})}, "cues has 1 rows"),
    ],
)
def test_inconsistent_bags_raise(change, message):
    fine = {"instances": np.ones((2, 2)), "offsets": [0, 1, 2], "film_ids": ["a", "b"], "columns": ["x", "y"]}
    with pytest.raises(ValueError, match=message):
        Bags(**fine | change)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="lacks the columns z"):
        Bags.from_table(table(), ["a"], ["x", "z"])


def test_moments_are_those_of_each_folds_training_instances():
    rng = np.random.default_rng(0)
    bags = as_bags([rng.normal(1e6, 3, size=(n, 4)) for n in (3, 0, 5, 2)])
    values = bags.instances
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 3] = 7.0
    members = np.array([[1, 1, 1, 0], [1, 1, 0, 1], [0, 0, 0, 1]], dtype=bool)
    mean, scale = moments(bags, members)
    for f, member in enumerate(members):
        rows = values[np.repeat(member, bags.sizes)]
        np.testing.assert_allclose(mean[f, :3], np.nanmean(rows[:, :3], axis=0), rtol=1e-12)
        np.testing.assert_allclose(scale[f, :3], np.nanstd(rows[:, :3], axis=0), rtol=1e-6)
    assert (scale[:, 3] == 1).all() and np.allclose(mean[:, 3], 7)


def test_a_feature_never_observed_stays_out_of_the_way():
    bags = as_bags([np.array([[np.nan, 1.0], [np.nan, 2.0]])])
    mean, scale = moments(bags, np.ones((1, 1), dtype=bool))
    assert mean[0].tolist() == [0, 1.5] and scale[0].tolist() == [1, 0.5]


def test_labels_are_aligned_by_film_and_named_by_column():
    bags = Bags.from_table(table(), ["a", "b"], ["x"])
    labels = pd.DataFrame({"Horror": [1, 0], "Comedy": [1, 1]}, index=["b", "a"])
    matrix, genres = as_labels(labels, bags)
    assert genres == ("Horror", "Comedy") and matrix.tolist() == [[False, True], [True, True]]
    with pytest.raises(ValueError, match="does not name the films"):
        as_labels(labels.set_axis(["b", "q"]), bags)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 1], "3 rows of labels for 2 bags"),
        ([0, 2], "0 and 1"),
        ([0.5, 1], "0 and 1"),
        ([np.nan, 1], "0 and 1"),
        (["Horror", "Comedy"], "0 and 1"),
        (np.zeros((2, 2, 2)), "films, genres"),
        (np.zeros((2, 0)), "no column"),
    ],
)
def test_other_labels_raise(labels, message):
    with pytest.raises(ValueError, match=message):
        as_labels(labels, as_bags([np.ones((1, 1)), np.ones((1, 1))]))


def test_films_whose_names_look_like_counted_bags_are_aligned_by_name():
    bags = Bags.from_table(table().replace({"film_id": {"a": "bag 1", "b": "bag 2"}}), ["bag 1", "bag 2"], ["x"])
    labels = pd.DataFrame({"Horror": [1, 0]}, index=["up", "down"])
    with pytest.raises(ValueError, match="does not name the films"):
        as_labels(labels, bags)
    for same in (bags.take([0, 1]), bags.with_instances(bags.instances + 1)):
        assert same.named
    counted = as_bags([np.ones((1, 1)), np.ones((1, 1))])
    assert as_labels(labels, counted)[0].tolist() == [[True], [False]] and not counted.take([1]).named
