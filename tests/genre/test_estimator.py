"""BagClassifier as a scikit-learn estimator, and the edges of what bags and labels can be."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, cross_val_score

from filmlens.genre import (
    POOLINGS,
    AlwaysPositive,
    BagClassifier,
    Bags,
    InstanceVoting,
    RandomGuess,
    SimpleMI,
    ZeroRule,
)

FAST = {"hidden": 8, "epochs": 3, "learning_rate": 1e-2}
MODELS = [
    BagClassifier("average", **FAST),
    BagClassifier("max", **FAST),
    BagClassifier("multi_attention", **FAST, batch_norm=True, dropout=0.2),
    SimpleMI("knn"),
    SimpleMI("svm"),
    InstanceVoting("svm", class_weight="balanced"),
    InstanceVoting("knn"),
    ZeroRule(),
    AlwaysPositive(),
]


def films(n=14, genres=3, features=4, seed=0, low=1, high=5):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, genres)) < 0.5
    Y[0], Y[1] = True, False
    effect = rng.normal(size=(genres, features))
    return [rng.normal(size=(rng.integers(low, high), features)) + 2 * y @ effect for y in Y], Y


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_shapes_lists_and_bags(model):
    arrays, Y = films()
    fitted = clone(model).fit(arrays, Y)
    p = fitted.predict_proba(arrays)
    assert p.shape == Y.shape and (p >= 0).all() and (p <= 1).all()
    labels = fitted.predict(arrays)
    assert labels.shape == Y.shape and labels.dtype == Y.dtype
    np.testing.assert_array_equal(labels, p >= 0.5)
    np.testing.assert_array_equal(p, fitted.predict_proba(Bags.from_arrays(arrays)))
    np.testing.assert_array_equal(p, clone(model).fit(Bags.from_arrays(arrays), Y).predict_proba(arrays))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_single_label_keeps_its_form(model):
    arrays, Y = films()
    column, flat = (clone(model).fit(arrays, y) for y in (Y[:, :1].astype(int), Y[:, 0].astype(int)))
    assert column.predict_proba(arrays).shape == (14, 1) and column.predict(arrays).shape == (14, 1)
    assert flat.predict_proba(arrays).shape == (14,) and flat.predict(arrays).dtype == int
    np.testing.assert_array_equal(column.predict_proba(arrays)[:, 0], flat.predict_proba(arrays))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_empty_bags_learn_nothing_and_get_nothing(model):
    arrays, Y = films()
    wrong = [*arrays, np.empty((0, 4)), np.empty(0)]
    fitted = clone(model).fit(wrong, np.vstack([Y, [[True] * 3] * 2]))
    p = fitted.predict_proba(wrong)
    assert np.isnan(p[-2:]).all() and not np.isnan(p[:-2]).any() and not fitted.predict(wrong)[-2:].any()
    if not isinstance(model, BagClassifier):
        np.testing.assert_array_equal(p[:-2], clone(model).fit(arrays, Y).predict_proba(arrays))
    assert np.isnan(fitted.predict_proba([np.empty((0, 4))])).all()


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_labels_that_nobody_or_everybody_has(model):
    arrays, Y = films()
    Y[:, 0], Y[:, 2] = False, True
    p = clone(model).fit(arrays, Y).predict_proba(arrays)
    if not isinstance(model, AlwaysPositive):
        assert (p[:, 0] == 0).all()
    assert (p[:, 2] == 1).all()
    same = clone(model).fit(arrays, np.ones((14, 2), dtype=bool))
    assert (same.predict_proba(arrays) == 1).all()


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("case", ["one film", "one instance each", "one feature", "missing values", "a dead feature"])
def test_small_and_damaged_bags(model, case):
    arrays, Y = films()
    if case == "one film":
        arrays, Y = arrays[:1], np.array([[True, False, True]])
    elif case == "one instance each":
        arrays = [a[:1] for a in arrays]
    elif case == "one feature":
        arrays = [a[:, :1] for a in arrays]
    elif case == "missing values":
        arrays = [np.where(np.random.default_rng(i).random(a.shape) < 0.3, np.nan, a) for i, a in enumerate(arrays)]
    else:
        arrays = [np.column_stack([a, np.full(len(a), np.nan), np.full(len(a), 7.0)]) for a in arrays]
    p = clone(model).fit(arrays, Y).predict_proba(arrays)
    assert p.shape == Y.shape and np.isfinite(p).all()
    if case == "one film" and not isinstance(model, AlwaysPositive):
        assert p.tolist() == [[1, 0, 1]]


def test_five_thousand_instances_in_a_bag():
    arrays, Y = films(6)
    arrays[2] = np.random.default_rng(0).normal(size=(5000, 4))
    model = BagClassifier("single_attention", **FAST).fit(arrays, Y)
    assert np.isfinite(model.predict_proba(arrays)).all()
    np.testing.assert_allclose(model.attention(arrays)[-sum(map(len, arrays[3:])) - 5000 :][:5000].sum(0), 1, atol=1e-3)


@pytest.mark.parametrize("model", [BagClassifier(**FAST), SimpleMI("knn"), InstanceVoting(), ZeroRule()], ids=repr)
def test_malformed_input_is_refused(model):
    arrays, Y = films()
    for bad, message in (
        ((arrays, Y[:-1]), "13 rows of labels for 14 bags"),
        ((arrays, Y * 2), "0 and 1"),
        ((arrays, Y.astype(object) + 0.5), "0 and 1"),
        (([np.empty((0, 4))] * 2, Y[:2]), "every bag is empty"),
        (([], Y[:0]), "no bags"),
        (([np.ones(4)] * 14, Y), "a bag is"),
    ):
        with pytest.raises(ValueError, match=message):
            clone(model).fit(*bad)
    fitted = clone(model).fit(arrays, Y)
    with pytest.raises(ValueError, match="3 features; the model learnt 4"):
        fitted.predict_proba([np.ones((2, 3))])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"pooling": "mean"}, "linear_softmax"),
        ({"space": "middle"}, "decision"),
        ({"pooling": "feature_attention", "space": "embedding"}, "not for feature_attention"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"dropout": 1.0}, "dropout"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"class_weight": "inverse"}, "class_weight"),
    ],
)
def test_settings_that_do_not_exist_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        BagClassifier(**FAST | setting).fit(*films())


def test_an_unknown_base_is_refused():
    with pytest.raises(ValueError, match="knn, svm, forest"):
        SimpleMI("tree").fit(*films())


def test_prediction_before_fit():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        BagClassifier().predict_proba([np.ones((2, 3))])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_clone_parameters_pickle(pooling):
    arrays, Y = films()
    model = BagClassifier(pooling, **FAST)
    assert clone(model).get_params() == model.get_params() and is_classifier(model)
    again = pickle.loads(pickle.dumps(model.fit(arrays, Y)))
    np.testing.assert_array_equal(again.predict_proba(arrays), model.predict_proba(arrays))
    np.testing.assert_array_equal(clone(model).fit(arrays, Y).predict_proba(arrays), model.predict_proba(arrays))
    assert model.attention(arrays).shape == model.instance_proba(arrays).shape == (sum(map(len, arrays)), 3)


@pytest.mark.parametrize("labels", ["several", "one column", "flat"])
def test_grid_search(labels):
    arrays, Y = films(24)
    Y = {"several": Y, "one column": Y[:, :1], "flat": Y[:, 0]}[labels].astype(int)
    search = GridSearchCV(BagClassifier(**FAST), {"pooling": ["max", "average"], "epochs": [2, 40]}, cv=3)
    assert search.fit(arrays, Y).best_params_["epochs"] == 40
    assert search.predict(arrays).shape == Y.shape
    if labels != "several":
        ranked = cross_val_score(BagClassifier(**FAST | {"epochs": 40}), arrays, Y, scoring="roc_auc", cv=3)
        assert ranked.mean() > 0.7
    bags = Bags.from_arrays(arrays)
    assert GridSearchCV(SimpleMI("knn"), {"base": ["svm", "knn"]}, cv=3).fit(bags, Y).best_score_ > 0


def test_genres_take_the_names_of_the_columns():
    arrays, Y = films()
    model = BagClassifier(**FAST).fit(arrays, pd.DataFrame(Y, columns=["Horror", "Comedy", "Drama"]))
    assert model.genres_ == ("Horror", "Comedy", "Drama")
    assert BagClassifier(**FAST).fit(arrays, Y).genres_ == ("0", "1", "2")


def test_the_seed_decides():
    arrays, Y = films()
    a, b, c = (BagClassifier(**FAST, random_state=s).fit(arrays, Y).predict_proba(arrays) for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3


def test_units_of_features_do_not_matter():
    arrays, Y = films()
    scaled = [1e4 + 1e-3 * a for a in arrays]
    model = BagClassifier(**FAST)
    p = clone(model).fit(arrays, Y).predict_proba(arrays)
    np.testing.assert_allclose(clone(model).fit(scaled, Y).predict_proba(scaled), p, atol=1e-5)
    raw = BagClassifier(**FAST, standardize=False)
    assert np.abs(clone(raw).fit(arrays, Y).predict_proba(arrays) - p).max() > 1e-3


def test_standard_multiple_instance_data_are_learnt():
    """One witness in a bag makes it positive: max pooling finds it, the mean of the bag drowns it."""
    rng = np.random.default_rng(3)
    y = rng.random(120) < 0.5
    bags = [rng.normal(size=(30, 10)) for _ in y]
    for bag, positive in zip(bags, y, strict=True):
        bag[0] += 3.0 * positive
    model = BagClassifier("max", epochs=60, learning_rate=1e-3).fit(bags[:80], y[:80, None])
    assert (model.predict(bags[80:])[:, 0] == y[80:]).mean() > 0.9
    positives = [i for i in range(80, 120) if y[i]]
    witness = [model.instance_proba([bags[i]])[:, 0].argmax() == 0 for i in positives]
    assert np.mean(witness) > 0.9


def test_a_random_guess_draws_with_the_training_frequency():
    arrays, Y = films(200, seed=1)
    model = RandomGuess().fit(arrays, Y)
    np.testing.assert_allclose(model.predict_proba(arrays)[0], Y.mean(0))
    assert np.abs(model.predict(arrays).mean(0) - Y.mean(0)).max() < 0.12
