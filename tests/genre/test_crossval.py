"""Cross-validation by film: what is held out is held out, stored and found again."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from filmlens.genre import (
    POOLINGS,
    AlwaysPositive,
    BagClassifier,
    Bags,
    CrossValidation,
    InstanceVoting,
    RandomGuess,
    SimpleMI,
    ZeroRule,
    cross_validate,
)
from filmlens.genre import crossval as module
from filmlens.genre.crossval import assign_folds
from filmlens.stats.metrics import macro_f1

FAST = {"hidden": 8, "epochs": 3, "learning_rate": 1e-2}


def corpus(n=12, genres=3, features=4, seed=0, empty=()):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, genres)) < 0.5
    effect = rng.normal(size=(genres, features))
    names = [f"film{i:02d}" for i in range(n)]
    tables = []
    for i, y in enumerate(Y):
        count = 0 if i in empty else rng.integers(1, 5)
        rows = pd.DataFrame(
            rng.normal(size=(count, features)) + 2 * y @ effect, columns=[f"f{j}" for j in range(features)]
        )
        tables.append(rows.assign(film_id=names[i], cue=np.arange(count)))
    bags = Bags.from_table(pd.concat(tables), names, [f"f{j}" for j in range(features)])
    return bags, pd.DataFrame(Y, index=names, columns=["Action", "Horror", "Sci-Fi"][:genres])


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    "model",
    [
        *(BagClassifier(p, **FAST) for p in POOLINGS),
        SimpleMI("svm"),
        InstanceVoting("knn"),
        ZeroRule(),
        AlwaysPositive(),
    ],
    ids=repr,
)
def test_probabilities_are_those_of_a_model_without_the_film(model):
    bags, Y = corpus()
    labels = Y.to_numpy()
    cv = cross_validate(model, bags, Y)
    assert cv.probability.shape == labels.shape and cv.fold.tolist() == list(range(12))
    # the held-out film's labels and features must not matter
    other = labels.copy()
    other[4] = ~other[4]
    changed = bags.instances.copy()
    changed[bags.offsets[4] : bags.offsets[5]] *= 50
    film = bags.take([4])
    again = cross_validate(model, bags.with_instances(changed), other)
    if isinstance(model, BagClassifier):
        kept = again.predict(bags)[4]
    else:
        rest = np.arange(12) != 4
        kept = model.__class__(**model.get_params()).fit(bags.take(rest), labels[rest]).predict_proba(film)[0]
    np.testing.assert_allclose(kept, cv.probability[4], atol=1e-5)
    assert cv.thresholds.shape == (12, 3)
    # voting fits the cues that it learnt from whatever they say, and is not asked about them
    assert np.isnan(cv.training_f1) if isinstance(model, InstanceVoting) else 0 <= cv.training_f1 <= 1


def test_training_f1_is_that_of_the_training_films():
    bags, Y = corpus()
    cv = cross_validate(SimpleMI("svm"), bags, Y, scheme=3)
    labels = Y.to_numpy()
    for f in range(3):
        rest = cv.fold != f
        fitted = SimpleMI("svm").fit(bags.take(rest), labels[rest])
        assert cv.training_f1s[f] == macro_f1(labels[rest], fitted.predict(bags.take(rest)))


def test_network_predicts_the_cross_validated_films_again():
    bags, Y = corpus(empty=[3])
    for scheme in ("leave-one-film-out", 4):
        cv = cross_validate(BagClassifier("single_attention", **FAST), bags, Y, scheme=scheme)
        np.testing.assert_allclose(cv.predict(bags), cv.probability, atol=1e-6)
        np.testing.assert_allclose(cv.predict(list(bags)), cv.probability, atol=1e-6)
        np.testing.assert_allclose(cv.predict_instances(bags), cv.instance_probability, atol=1e-6)
        assert cv.left_out == ["film03"] and np.isnan(cv.probability[3]).all() and not cv.prediction[3].any()
        table = cv.instances()
        assert table.columns.tolist()[:3] == ["film_id", "cue", "Action"] and len(table) == len(bags.instances)
        permuted = bags.instances.copy()
        permuted[:, 0] = np.nan
        assert np.nanmax(np.abs(cv.predict(bags.with_instances(permuted)) - cv.probability)) > 1e-3
    with pytest.raises(ValueError, match="in their order"):
        cv.predict(bags.take(range(11)))
    with pytest.raises(ValueError, match="learnt 4"):
        cv.predict([np.ones((2, 3))] * 12)
    with pytest.raises(ValueError, match="keeps no fitted folds"):
        cross_validate(SimpleMI("knn"), bags, Y).predict(bags)


def test_stacks_and_jobs_change_nothing(monkeypatch):
    bags, Y = corpus()
    model = BagClassifier("multi_attention", **FAST)
    whole = cross_validate(model, bags, Y)
    monkeypatch.setattr(module, "stack_size", lambda *_: 5)
    for jobs in (1, 2):
        parts = cross_validate(model, bags, Y, jobs=jobs)
        np.testing.assert_allclose(parts.probability, whole.probability, rtol=0, atol=5e-7)
        np.testing.assert_array_equal(parts.folds["dense2.weight"], whole.folds["dense2.weight"])


def test_processes_give_the_same_numbers():
    bags, Y = corpus()
    one, two = (cross_validate(InstanceVoting("svm"), bags, Y, jobs=jobs, seeds=2) for jobs in (1, 2))
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_seeds_are_repetitions():
    bags, Y = corpus()
    cv = cross_validate(BagClassifier(**FAST, random_state=7), bags, Y, seeds=3)
    assert cv.probabilities.shape == (3, 12, 3)
    alone = [cross_validate(BagClassifier(**FAST, random_state=7 + k), bags, Y) for k in range(3)]
    for k, one in enumerate(alone):
        np.testing.assert_array_equal(cv.probabilities[k], one.probability)
    # together they are the ensemble: films, cues, and other cues through the networks of all starts
    np.testing.assert_allclose(cv.probability, np.mean([one.probability for one in alone], axis=0))
    np.testing.assert_allclose(cv.instance_probability, np.mean([one.instance_probability for one in alone], axis=0))
    np.testing.assert_allclose(cv.predict(bags), cv.probability, atol=1e-6)
    other = [2 * bag for bag in bags]
    np.testing.assert_allclose(cv.predict(other), np.mean([one.predict(other) for one in alone], axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "model", [BagClassifier("max", **FAST, batch_norm=True), SimpleMI("svm"), RandomGuess()], ids=repr
)
def test_saved_without_pickle_and_loaded_alike(model, tmp_path):
    bags, Y = corpus(empty=[1])
    cv = cross_validate(model, bags, Y)
    path = cv.save(tmp_path / "some" / "average.v1")
    assert sorted(p.name for p in path.parent.iterdir()) == ["average.v1.json", "average.v1.npz"]
    json.loads((path.parent / "average.v1.json").read_text())
    with np.load(path.parent / "average.v1.npz", allow_pickle=False) as stored:
        assert "probabilities" in stored.files
    again = CrossValidation.load(path)
    np.testing.assert_array_equal(again.probability, cv.probability)
    assert again.parameters == cv.parameters and again.film_ids == cv.film_ids and again.draws == cv.draws
    assert again.left_out == cv.left_out and repr(again) == repr(cv)
    pd.testing.assert_frame_equal(again.cues, cv.cues, check_dtype=False)
    if isinstance(model, BagClassifier):
        np.testing.assert_array_equal(again.predict(bags), cv.predict(bags))


def test_damaged_files_say_so(tmp_path):
    bags, Y = corpus()
    path = cross_validate(ZeroRule(), bags, Y).save(tmp_path / "zero")
    with pytest.raises(FileNotFoundError, match=r"other\.json is missing"):
        CrossValidation.load(tmp_path / "other")
    data, about = path.with_suffix(".npz"), path.with_suffix(".json")
    good = data.read_bytes()
    data.write_bytes(good[:-10])
    with pytest.raises(ValueError, match=r"does not belong to zero\.json"):
        CrossValidation.load(path)
    data.write_bytes(good)
    about.write_text(about.read_text()[:-20])
    with pytest.raises(ValueError, match="is damaged"):
        CrossValidation.load(path)


def test_a_stopped_sweep_resumes(tmp_path, monkeypatch):
    bags, Y = corpus()
    first = cross_validate(BagClassifier("max", **FAST), bags, Y, folder=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "train", lambda *a, **k: pytest.fail("trained again"))
        again = cross_validate(BagClassifier("max", **FAST), bags, Y, folder=tmp_path)
        np.testing.assert_array_equal(again.probability, first.probability)
    # anything else is another configuration
    changed = bags.with_instances(bags.instances + 1e-9)
    for model, films in ((BagClassifier("max", **FAST, random_state=1), bags), (BagClassifier("max", **FAST), changed)):
        cross_validate(model, films, Y, folder=tmp_path)
    assert len(list(tmp_path.glob("BagClassifier-max-*.json"))) == 3
    # half a result is none
    for file in tmp_path.glob("*.json"):
        file.unlink()
    cross_validate(BagClassifier("max", **FAST), bags, Y, folder=tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_lists_of_arrays_and_one_column():
    bags, Y = corpus()
    cv = cross_validate(BagClassifier(**FAST), list(bags), Y.to_numpy()[:, :1])
    assert cv.probability.shape == (12, 1) and cv.genres == ("0",) and cv.film_ids[0] == "bag 0"
    assert cv.instances().columns.tolist() == ["film_id", "0", "attention 0"]


def test_one_film_and_one_genre():
    bags, Y = corpus()
    for model in (BagClassifier(**FAST), SimpleMI("svm")):
        with pytest.raises(ValueError, match="at least two folds"):
            cross_validate(model, bags.take([0]), Y.iloc[:1])
        everyone = cross_validate(model, bags, np.ones((12, 1), dtype=bool))
        assert (everyone.probability == 1).all()
        lone = np.arange(12)[:, None] == 3
        alone = cross_validate(model, bags, lone)
        assert alone.probability[3, 0] == 0 and np.isfinite(alone.probability).all()
        two = cross_validate(model, bags.take([0, 1]), np.array([[1, 0], [0, 1]]))
        assert two.probability.tolist() == [[0, 1], [1, 0]]


def test_malformed_calls():
    bags, Y = corpus()
    with pytest.raises(ValueError, match="is unknown"):
        cross_validate(ZeroRule(), bags, Y, scheme="bootstrap")
    with pytest.raises(ValueError, match="needs groups"):
        cross_validate(ZeroRule(), bags, Y, scheme="grouped")
    with pytest.raises(ValueError, match="seeds and jobs"):
        cross_validate(ZeroRule(), bags, Y, jobs=0)
    with pytest.raises(ValueError, match="11 rows of labels for 12 bags"):
        cross_validate(ZeroRule(), bags, Y.to_numpy()[1:])


def test_grouped_folds_keep_groups_together():
    groups = ["Alien", None, "Rocky", "Alien", np.nan, "Rocky", ""]
    fold = assign_folds("grouped", 7, groups=groups)
    assert fold[0] == fold[3] and fold[2] == fold[5] and len(set(fold)) == 5
    dealt = assign_folds(3, 7, groups=groups)
    assert dealt[0] == dealt[3] and dealt[2] == dealt[5] and set(dealt) == {0, 1, 2}
    with pytest.raises(ValueError, match="2 groups for 7 films"):
        assign_folds("grouped", 7, groups=["a", "b"])
    with pytest.raises(ValueError, match="cannot be made"):
        assign_folds(8, 7)
    bags, Y = corpus()
    cv = cross_validate(BagClassifier(**FAST), bags, Y, scheme="grouped", groups=list("aabbccddeeff"))
    assert cv.fold.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5] and len(cv.training_f1s) == 6


def test_n_folds_do_not_depend_on_which_films_are_empty():
    full, gappy = assign_folds(4, 20), assign_folds(4, 20, usable=np.arange(20) != 7)
    assert gappy[7] == -1
    np.testing.assert_array_equal(np.delete(full, 7), np.delete(gappy, 7))
    assert np.bincount(full).tolist() == [5, 5, 5, 5]
    # a fold that has lost all its films leaves no gap
    assert set(assign_folds(4, 4, usable=np.array([True, False, True, True]))) == {-1, 0, 1, 2}
