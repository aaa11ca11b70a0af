"""Simple MI, instance voting and the floors, against literal versions."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from filmlens.genre import AlwaysPositive, InstanceVoting, SimpleMI, ZeroRule


def films(n=20, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 2)) < 0.5
    return [5 + rng.normal(size=(rng.integers(2, 6), 3)) + y.sum() for y in Y], Y


def standardized(arrays):
    rows = np.concatenate(arrays)
    return [(a - rows.mean(0)) / rows.std(0) for a in arrays]


@pytest.mark.parametrize(
    ("base", "reference"),
    [
        ("knn", KNeighborsClassifier()),
        ("svm", SVC()),
        ("forest", RandomForestClassifier(random_state=0)),
    ],
)
def test_simple_mi_is_a_classifier_of_means(base, reference):
    arrays, Y = films()
    means = np.array([a.mean(0) for a in standardized(arrays)])
    model = SimpleMI(base).fit(arrays, Y)
    for k in range(2):
        reference.fit(means, Y[:, k])
        np.testing.assert_array_equal(model.predict(arrays)[:, k], reference.predict(means))
        if base == "svm":
            order = reference.decision_function(means).argsort()
            np.testing.assert_array_equal(model.predict_proba(arrays)[:, k].argsort(), order)
        else:
            np.testing.assert_allclose(model.predict_proba(arrays)[:, k], reference.predict_proba(means)[:, 1])


def test_voting_is_the_majority_of_instances():
    arrays, Y = films()
    scaled = standardized(arrays)
    model = InstanceVoting("knn").fit(arrays, Y)
    p = model.predict_proba(arrays)
    for k in range(2):
        copied = np.repeat(Y[:, k], [len(a) for a in arrays])
        knn = KNeighborsClassifier().fit(np.concatenate(scaled), copied)
        for i, bag in enumerate(scaled):
            score = knn.predict_proba(bag)[:, 1]
            votes = (score >= 0.5).sum()
            assert abs(p[i, k] - votes / len(bag)) < 1e-7
            expected = votes > len(bag) / 2 or (votes == len(bag) / 2 and score.mean() >= 0.5)
            assert model.predict(arrays)[i, k] == expected


def test_ties_go_by_the_mean_score_and_equal_shares_are_ordered_by_it():
    rng = np.random.default_rng(0)
    arrays = [np.full((1, 1), x) for x in rng.normal(size=60)]
    model = InstanceVoting(LogisticRegression()).fit(arrays, np.array([a[0, 0] > 0 for a in arrays]))
    # a strong yes with a weak no, a weak yes with a strong no, and two bags that agree with themselves
    tie_yes, tie_no = np.array([[2.0], [-0.5]]), np.array([[0.5], [-2.0]])
    sure, unsure = np.array([[3.0], [3.0]]), np.array([[0.5], [0.5]])
    assert model.predict([tie_yes, tie_no]).tolist() == [True, False]
    p = model.predict_proba([sure, unsure, tie_yes, tie_no])
    assert p[0] > p[1] > 0.999 and p[2] > 0.5 > p[3] and (np.abs(p - [1, 1, 0.5, 0.5]) < 1e-7).all()


def test_the_joint_forest_is_an_option():
    arrays, Y = films()
    joint = SimpleMI("forest", joint_forest=True).fit(arrays, Y)
    assert list(joint.models_) == ["all"]
    means = np.array([a.mean(0) for a in standardized(arrays)])
    forest = RandomForestClassifier(random_state=0).fit(means, Y)
    expected = np.stack([p[:, 1] for p in forest.predict_proba(means)], 1)
    np.testing.assert_allclose(joint.predict_proba(arrays), expected)
    Y[:, 0] = True
    assert (SimpleMI("forest", joint_forest=True).fit(arrays, Y).predict_proba(arrays)[:, 0] == 1).all()


def test_class_weight_moves_an_unbalanced_svm():
    rng = np.random.default_rng(0)
    y = np.arange(60) < 6
    arrays = [rng.normal(size=(3, 2)) + 0.8 * p for p in y]
    plain, balanced = (SimpleMI("svm", class_weight=w).fit(arrays, y).predict(arrays).sum() for w in (None, "balanced"))
    assert balanced > plain


def test_missing_values_become_the_training_mean():
    arrays, Y = films()
    arrays[0] = np.full((2, 3), np.nan)
    model = SimpleMI("knn").fit(arrays, Y)
    rows = np.concatenate(arrays[1:])
    filled = [np.tile(rows.mean(0), (2, 1)), *arrays[1:]]
    np.testing.assert_allclose(model.mean_, rows.mean(0))
    np.testing.assert_array_equal(model.predict_proba(arrays), model.predict_proba(filled))


def test_zero_rule_gives_the_most_common_set():
    Y = np.array([[1, 0], [0, 1], [1, 1], [0, 1]], dtype=bool)
    arrays = [np.ones((1, 1))] * 4
    assert ZeroRule().fit(arrays, Y).predict(arrays)[0].tolist() == [False, True]
    tie = np.array([[1, 1], [0, 1], [0, 1], [1, 1]], dtype=bool)
    assert ZeroRule().fit(arrays, tie).predict(arrays)[0].tolist() == [True, True]
    assert AlwaysPositive().fit(arrays, Y).predict(arrays).all()


def test_voting_may_learn_from_some_of_the_instances():
    rng = np.random.default_rng(0)
    labels = np.arange(20) % 2
    films = [rng.normal(size=(30, 3)) + 2 * y for y in labels]
    model = InstanceVoting("svm", most_rows=100, random_state=1).fit(films, labels)
    assert model.models_[0].n_features_in_ == 3 and model.models_[0].shape_fit_ == (100, 3)
    assert (model.predict(films) == labels).mean() > 0.9
    whole, enough = (InstanceVoting("svm", most_rows=most).fit(films, labels) for most in (None, 600))
    np.testing.assert_array_equal(whole.predict_proba(films), enough.predict_proba(films))
    again = InstanceVoting("svm", most_rows=100, random_state=1).fit(films, labels)
    np.testing.assert_array_equal(again.predict_proba(films), model.predict_proba(films))
