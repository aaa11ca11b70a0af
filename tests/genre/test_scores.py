"""Scores against literal counts, scikit-learn and what must hold by definition."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from filmlens.genre import (
    AlwaysPositive,
    BagClassifier,
    RandomGuess,
    SimpleMI,
    cross_validate,
    evaluate,
    paired_difference,
    per_film_cue_scores,
    selection_corrected,
    summary,
)
from filmlens.genre.scores import _permuted_map, curves
from filmlens.stats.metrics import (
    METRICS,
    average_precision,
    best_thresholds,
    macro,
    macro_f1,
    per_genre,
    precision_recall_f1,
    validate,
)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def predictions(n=30, genres=4, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, genres)) < 0.4
    return Y, np.clip(np.round(0.3 * Y + rng.random((n, genres)), 1), 0, 1)


@pytest.fixture(scope="module")
def cvs():
    rng = np.random.default_rng(0)
    Y = rng.random((24, 3)) < 0.4
    effect = rng.normal(size=(3, 5))
    films = [rng.normal(size=(rng.integers(2, 6), 5)) + 1.5 * y @ effect for y in Y]
    models = {
        "average": BagClassifier("average", hidden=8, epochs=20, learning_rate=1e-2),
        "same": BagClassifier("average", hidden=8, epochs=21, learning_rate=1e-2),
        "svm": SimpleMI("svm"),
        "always": AlwaysPositive(),
        "guess": RandomGuess(),
    }
    return {name: cross_validate(m, films, Y, seeds=2 if name == "average" else 1) for name, m in models.items()}


def test_counts_are_scikit_learns():
    Y, P = predictions()
    table = per_genre(Y, P)
    p, r, f, _ = precision_recall_fscore_support(Y, P >= 0.5, zero_division=0)
    for name, expected in (("precision", p), ("recall", r), ("f1", f)):
        np.testing.assert_allclose(table[name], expected, rtol=0, atol=1e-12)
    ap = [average_precision_score(Y[:, k], P[:, k]) for k in range(4)]
    np.testing.assert_allclose(table["ap"], ap, rtol=0, atol=1e-12)
    assert macro_f1(Y, P >= 0.5) == pytest.approx(f.mean(), abs=1e-12)
    assert table["positives"].tolist() == Y.sum(0).tolist()
    np.testing.assert_allclose(per_genre(Y, P, threshold=0.9)["recall"], (Y & (P >= 0.9)).sum(0) / Y.sum(0))


def test_weights_are_films_repeated():
    Y, P = predictions()
    rng = np.random.default_rng(1)
    draws = rng.integers(0, 30, size=(5, 30))
    weights = np.array([np.bincount(d, minlength=30) for d in draws])
    for given, resampled in zip(macro(Y, P >= 0.5, P, weights)["map"], draws, strict=True):
        y, s = Y[resampled], P[resampled]
        assert given == pytest.approx(np.mean([average_precision_score(y[:, k], s[:, k]) for k in range(4)]), abs=1e-12)
    f1 = precision_recall_f1(Y, P >= 0.5, weights)[2]
    np.testing.assert_allclose(f1[3].mean(), macro_f1(Y[draws[3]], P[draws[3]] >= 0.5), atol=1e-12)
    # predictions of their own for each sample
    drawn = rng.random((5, 30, 4)) < 0.5
    np.testing.assert_allclose(
        precision_recall_f1(Y, drawn, weights)[0][2], precision_recall_f1(Y, drawn[2], weights[2:3])[0][0]
    )


def test_undefined_scores_are_stated_once_and_silent():
    Y, P = predictions()
    Y[:, 1] = False
    table = per_genre(Y, P)
    assert np.isnan(table["ap"][1]) and table["f1"][1] == 0 and table["recall"][1] == 0
    one = np.ones((1, 30))
    assert macro(Y, P >= 0.5, P, one)["map"][0] == pytest.approx(table["ap"].mean())
    assert per_genre(Y, np.zeros_like(P))["precision"].tolist() == [0, 0, 0, 0]
    assert np.isnan(average_precision(np.zeros((3, 1), dtype=bool), np.ones((3, 1)), np.ones((1, 3)))).all()


@pytest.mark.parametrize(
    ("Y", "P", "message"),
    [
        ([[1, 0]], [[0.5]], "the same for both"),
        ([1, 0], [0.5, 0.5], "films, genres"),
        ([[2, 0]], [[0.5, 0.5]], "0 and 1"),
        ([[1, 0]], [[np.nan, 0.5]], "NaN"),
        (np.zeros((0, 2)), np.zeros((0, 2)), "no films"),
    ],
)
def test_validate_says_what_is_wrong(Y, P, message):
    with pytest.raises(ValueError, match=message):
        validate(Y, P)


def test_best_thresholds_by_trying_all():
    Y, P = predictions()
    Y[:, 2] = False
    found = best_thresholds(Y, P)
    for k in range(4):
        tries = [macro_f1(Y[:, [k]], P[:, [k]] >= t) for t in np.linspace(0, 1, 201)]
        assert macro_f1(Y[:, [k]], P[:, [k]] >= found[k]) == pytest.approx(max(tries))
    assert found[2] == 0.5


def test_evaluate_reports_every_number(cvs):
    scores = evaluate(cvs["average"], replicates=200, permutations=199)
    Y, P = cvs["average"].labels, cvs["average"].probability
    assert scores["f1"] == pytest.approx(macro_f1(Y, P >= 0.5))
    assert scores["map"] == pytest.approx(scores["per_genre"]["ap"].mean())
    for metric in METRICS:
        assert scores[f"{metric}_low"] <= scores[metric] <= scores[f"{metric}_high"]
    assert scores["films"] == 24 and scores["seeds"] == 2 and scores["f1_seed_sd"] > 0 and scores["undefined"] == []
    assert scores["p_chance"] == 1 / 200 and scores["p_paper"] < 0.2 and scores["gain"] > 0.01
    again = evaluate(cvs["average"], replicates=200, permutations=199)
    assert again["f1_low"] == scores["f1_low"] and again["p_paper"] == scores["p_paper"]
    assert np.isnan(evaluate(cvs["svm"], replicates=10, permutations=9)["f1_seed_sd"])


def test_always_positive_is_the_floor_by_arithmetic(cvs):
    scores = evaluate(cvs["always"], replicates=100, permutations=99)
    share = cvs["always"].labels.mean(0)
    assert scores["recall"] == 1 and scores["precision"] == pytest.approx(share.mean())
    assert scores["f1"] == pytest.approx((2 * share / (1 + share)).mean())
    # constant scores rank nothing: average precision is the share of positives, and every permutation is as good
    assert scores["map"] == pytest.approx(share.mean()) and scores["p_chance"] == 1


def test_a_random_guess_scores_what_chance_gives(cvs):
    scores = evaluate(cvs["guess"], replicates=200)
    share = cvs["guess"].labels.mean(0)
    # leaving a film out makes its own genres a little rarer in training, so a little under the share
    assert scores["precision"] == pytest.approx(share.mean(), abs=0.05)
    assert scores["recall"] == pytest.approx(share.mean(), abs=0.05)
    assert share.mean() < scores["map"] < share.mean() + 0.15
    assert np.isnan(scores["p_paper"]) and np.isnan(scores["training_f1"]) and scores["f1_low"] < scores["f1"]


def test_permutation_test_permutes_labels_of_whole_films(cvs):
    Y, P = cvs["svm"].labels, np.round(cvs["svm"].probability, 1)
    orders = np.array([np.random.default_rng(i).permutation(24) for i in range(4)])
    for order, ours in zip(orders, _permuted_map(Y, P, orders), strict=True):
        expected = np.mean([average_precision_score(Y[order][:, k], P[:, k]) for k in range(3)])
        assert ours == pytest.approx(expected, abs=1e-12)


def test_paired_differences(cvs):
    better = paired_difference(cvs["average"], cvs["guess"], replicates=300)
    assert better["verdict"] == "higher" and better["low"] > 0 and better["difference"] > 0.3
    assert paired_difference(cvs["guess"], cvs["average"], replicates=300)["verdict"] == "lower"
    twin = paired_difference(cvs["average"], cvs["average"], metric="map")
    assert twin["difference"] == twin["low"] == twin["high"] == 0 and twin["verdict"] == "similar"
    with pytest.raises(ValueError, match="accuracy"):
        paired_difference(cvs["average"], cvs["svm"], metric="accuracy")
    fewer = cross_validate(AlwaysPositive(), [np.ones((1, 5))] * 23, cvs["svm"].labels[1:])
    with pytest.raises(ValueError, match="same films"):
        paired_difference(cvs["svm"], fewer)


def test_the_best_of_many_is_worth_less_than_it_looks():
    rng = np.random.default_rng(0)
    Y = rng.random((40, 3)) < 0.4
    base = cross_validate(AlwaysPositive(), [np.ones((1, 1))] * 40, Y)
    noise = {}
    for i in range(20):
        object.__setattr__(base, "probabilities", rng.random((1, 40, 3)))
        noise[f"coin {i}"] = type(base)(**{f: getattr(base, f) for f in base.__dataclass_fields__})
    result = selection_corrected(noise, replicates=300)
    mean = np.mean([macro_f1(Y, cv.prediction) for cv in noise.values()])
    assert result["plain"] > mean + 0.04
    # coins are all alike: the honest score of the best is that of any
    assert abs(result["corrected"] - mean) < 0.04 and result["low"] < result["corrected"] < result["high"]
    assert result["chosen"].sum() == pytest.approx(1) and result["best"] in noise
    # one model was not chosen, so that nothing is taken off, and no more is added to a clear winner
    one = selection_corrected({"coin 0": noise["coin 0"]}, replicates=300)
    assert one["corrected"] == one["plain"] == macro_f1(Y, noise["coin 0"].prediction)
    object.__setattr__(base, "probabilities", (Y ^ (rng.random(Y.shape) < 0.05))[None].astype(float))
    clear = selection_corrected({"oracle": base, **noise}, replicates=300)
    assert clear["corrected"] == clear["plain"]
    with pytest.raises(ValueError, match="nothing to choose"):
        selection_corrected({})


def test_rare_genres_skip_bootstrap_draws_and_say_how_many():
    Y = np.zeros((20, 2), dtype=bool)
    Y[0, 0], Y[:, 1] = True, np.arange(20) % 2
    films = [np.random.default_rng(i).normal(size=(2, 3)) for i in range(20)]
    scores = evaluate(cross_validate(SimpleMI("knn"), films, Y), replicates=1000, permutations=9)
    assert 300 < scores["skipped"] < 430  # (19/20)^20 = 36 %
    nobody = evaluate(cross_validate(SimpleMI("knn"), films, np.zeros((20, 2))), replicates=50, permutations=9)
    assert nobody["undefined"] == ["0", "1"] and nobody["skipped"] == 0 and nobody["f1"] == 0 and nobody["map"] == 0


def test_four_films_give_numbers_only():
    rng = np.random.default_rng(0)
    films = [rng.normal(size=(3, 2)) + 9 * (i % 2) for i in range(4)]
    Y = np.arange(4)[:, None] % 2 == [1, 0]
    one, other = (cross_validate(SimpleMI(base), films, Y) for base in ("knn", "svm"))
    scores = evaluate(one, replicates=20, permutations=99)
    assert (
        np.isfinite(scores["f1"]) and np.isnan([scores[k] for k in ("f1_low", "map_high", "p_paper", "p_chance")]).all()
    )
    assert paired_difference(one, other)["verdict"] == "too few films: 4, at least 10 needed"
    assert np.isnan(selection_corrected({"one": one})["low"])


def test_every_p_is_of_being_better(cvs):
    cv = cvs["average"]
    worst = type(cv)(**{f: getattr(cv, f) for f in cv.__dataclass_fields__} | {"probabilities": 1 - cv.probabilities})
    scores = evaluate(worst, replicates=10, permutations=99)
    assert scores["gain"] < 0 and scores["p_paper"] > 0.9 and scores["p_chance"] > 0.9


def test_films_left_out_count_nowhere():
    rng = np.random.default_rng(0)
    Y = rng.random((12, 2)) < 0.5
    films = [rng.normal(size=(3, 2)) + y.sum() for y in Y]
    films[5] = np.empty((0, 2))
    cv = cross_validate(BagClassifier(hidden=4, epochs=3), films, Y)
    scores = evaluate(cv, replicates=20, permutations=9)
    assert scores["films"] == 11 and scores["left_out"] == ["bag 5"]
    keep = np.arange(12) != 5
    assert scores["f1"] == macro_f1(Y[keep], cv.probability[keep] >= 0.5)
    assert "bag 5" not in per_film_cue_scores(cv)["film_id"].tolist()


def test_cue_scores_of_a_film_by_hand(cvs):
    cv = cvs["average"]
    table = per_film_cue_scores(cv)
    for i in (0, 7, 23):
        rows = cv.instance_probability[cv.offsets[i] : cv.offsets[i + 1]] >= 0.5
        tp = fp = fn = 0
        for cue in rows:
            for k, given in enumerate(cue):
                tp += given and cv.labels[i, k]
                fp += given and not cv.labels[i, k]
                fn += not given and cv.labels[i, k]
        row = table.iloc[i]
        assert (row["tp"], row["fp"], row["fn"], row["cues"]) == (tp, fp, fn, len(rows))
        if tp + fp:
            assert row["precision"] == tp / (tp + fp)
    none = per_film_cue_scores(cv, threshold=1.01)
    assert none["precision"].isna().all() and (none["recall"].dropna() == 0).all()
    with pytest.raises(ValueError, match="no probabilities of cues"):
        per_film_cue_scores(cvs["svm"])


def test_curves_end_at_full_recall_and_give_average_precision(cvs):
    table = curves(cvs["average"])
    expected = per_genre(cvs["average"].labels, cvs["average"].probability, genres=cvs["average"].genres)
    for genre, part in table.groupby("genre"):
        recall, precision = part["recall"].to_numpy(), part["precision"].to_numpy()
        assert recall[-1] == 1 and (np.diff(recall) >= 0).all()
        ap = (np.diff(recall, prepend=0) * precision).sum()
        assert ap == pytest.approx(expected.set_index("genre").loc[genre, "ap"])


def test_summary_is_table_4(cvs):
    table = summary(cvs, replicates=20, permutations=9)
    assert table["name"].tolist() == list(cvs)
    assert table["model"].tolist() == ["Average", "Average", "Simple MI (SVM)", "Always positive", "Random guess"]
    assert {"f1", "f1_low", "f1_high", "training_f1", "f1_tuned", "p_paper", "p_chance", "films"} <= set(table.columns)
    assert isinstance(table, pd.DataFrame) and table["f1"].between(0, 1).all()
