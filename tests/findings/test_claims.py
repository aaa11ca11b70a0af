"""Claims: each verdict from data made to give it, and what is said when there are no data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from simulated_films import GENRES, cross_validated, simulate

from filmlens.findings import claims_table, group_importance, robustness_table
from filmlens.findings.verdicts import Claim, Pair, judged
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.metrics import f1

COLUMNS = ["claim", "paper", "estimate", "low", "high", "detectable", "films", "verdict", "estimate is"]


def labels_of(films=110, seed=0):
    return pd.DataFrame(simulate(seed, films=films, cues=(2, 3)).Y, [f"film {i}" for i in range(films)], GENRES)


def noisy(labels, share, seed):
    """Predictions of which `share` is wrong."""
    return labels.to_numpy() ^ (np.random.default_rng(seed).random(labels.shape) < share)


def verdicts(table):
    return table.set_index("claim")["verdict"]


def test_without_data_every_claim_is_there_and_not_tested():
    table = claims_table(labels_of(), n_boot=20, synthetic=True)
    assert list(table.columns) == COLUMNS
    assert len(table) == 23
    assert table["verdict"].str.startswith("not tested (no ").all()
    assert verdicts(table)["VGGish above MIR generally"] == "not tested (no weights)"


def test_verdicts_of_models():
    labels = labels_of()
    wrong = {"average 64": 0.1, "single_attention": 0.1, "max": 0.3, "linear_softmax": 0.3, "simple MI svm": 0.12}
    predictions = {("mir", "cue", m): noisy(labels, s, i) for i, (m, s) in enumerate(wrong.items())}
    predictions |= {("vggish", "cue", m): noisy(labels, s / 2, 9 + i) for i, (m, s) in enumerate(wrong.items())}
    predictions["vggish", "cue", "max"] = noisy(labels, 0.28, 40)
    predictions["vggish", "cue", "linear_softmax"] = noisy(labels, 0.28, 41)
    predictions["vggish", "cue", "simple MI svm"] = labels.to_numpy()
    predictions["mir", "frame", "average 64"] = noisy(labels, 0.03, 30)
    rng = np.random.default_rng(1)
    baselines = {
        "random guess": rng.random((20, *labels.shape)) < labels.mean().to_numpy(),
        "zero rule": np.zeros(labels.shape),
        "always positive": np.ones(labels.shape),
    }
    table = claims_table(labels, predictions=predictions, baselines=baselines, n_boot=300)
    found = verdicts(table)
    assert found["max and linear softmax below the others"] == "holds"
    assert found["cue level above frame level for each model"] == "contradicted"
    assert found["simple MI with SVM on VGGish has the highest precision"] == "holds"
    assert found["simple MI and voting better on VGGish"] == "holds"
    assert found["every model above both baselines"] == "holds"
    assert found["MIR and VGGish similar at the top"] == "contradicted"
    deciding = table.set_index("claim").loc["max and linear softmax below the others", "estimate is"]
    assert "decides among 8" in deciding


def test_similar_needs_the_whole_interval():
    labels = labels_of()
    one = noisy(labels, 0.1, 0)
    other = one.copy()
    other[0, 0] ^= True
    both = {("mir", "cue", "average"): one, ("vggish", "cue", "average"): other}
    claim = "MIR and VGGish similar at the top"
    assert verdicts(claims_table(labels, predictions=both, n_boot=200))[claim] == "holds"
    both["vggish", "cue", "average"] = noisy(labels, 0.1, 1)
    assert verdicts(claims_table(labels, predictions=both, n_boot=200))[claim] == "undecided"


def test_estimate_is_the_paired_difference():
    labels = labels_of(40)
    cue, frame = noisy(labels, 0.1, 0), noisy(labels, 0.2, 1)
    levels = {("mir", "cue", "max"): cue, ("mir", "frame", "max"): frame}
    table = claims_table(labels, levels=levels, n_boot=200, seed=4).set_index("claim")
    row = table.loc["cue level above frame level for each model"]
    truth = labels.to_numpy()
    weights = film_weights(np.random.default_rng(4), 40, 200)
    draws = (f1(truth, cue, weights) - f1(truth, frame, weights))[:, -1]
    low, high = interval(draws)
    assert row["estimate"] == pytest.approx((f1(truth, cue) - f1(truth, frame))[-1])
    # the only claim with data: its interval is the plain one
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["detectable"] == pytest.approx(np.nanstd(draws) * (1.95996 + 0.84162), rel=1e-4)


def test_starts_widen_the_interval_and_are_averaged():
    labels = labels_of(40)
    starts = np.stack([noisy(labels, 0.1, i) for i in range(10)])
    frame = noisy(labels, 0.2, 99)
    rows = []
    for cue in (starts, starts[:1].repeat(10, axis=0)):
        levels = {("mir", "cue", "max"): cue, ("mir", "frame", "max"): frame}
        table = claims_table(labels, levels=levels, n_boot=200).set_index("claim")
        rows.append(table.loc["cue level above frame level for each model"])
    truth, weights = labels.to_numpy(), film_weights(np.random.default_rng(0), 40, 200)
    singles = f1(truth, starts)[:, -1]
    assert rows[0]["estimate"] == pytest.approx(singles.mean() - f1(truth, frame)[-1])
    draws = np.mean([f1(truth, s, weights)[:, -1] for s in starts], axis=0) - f1(truth, frame, weights)[:, -1]
    side = rows[0]["estimate"] - interval(draws)[0]
    expected = np.hypot(side, 1.95996 * singles.std(ddof=1) / np.sqrt(10))
    assert rows[0]["estimate"] - rows[0]["low"] == pytest.approx(expected, rel=1e-4)


def test_four_films_give_no_verdict():
    labels = labels_of(110).iloc[:4]
    predictions = {
        ("mir", "cue", "average"): noisy(labels, 0.1, 0),
        ("vggish", "cue", "average"): noisy(labels, 0.1, 1),
    }
    baselines = {"zero rule": np.zeros(labels.shape)}
    table = claims_table(labels, predictions=predictions, baselines=baselines, n_boot=20, synthetic=True)
    said = table[~table["verdict"].str.startswith("not tested")]
    assert len(said) == 4 and (said["verdict"] == "too few films: 4, at least 10 needed").all()
    assert said[["low", "high", "detectable"]].isna().all().all() and said["estimate"].notna().all()


def test_one_genre_of_few_films_keeps_a_claim_about_all_from_holding():
    draws = np.random.default_rng(0).normal(0.5, 0.1, 500)
    many, rare = Pair("many", 0.5, draws, (40, 60)), Pair("rare", 0.5, draws, (4, 96))
    below = many._replace(estimate=-0.5, draws=draws - 1)
    rows = judged([Claim("", "", pairs, "", "") for pairs in ([many], [many, rare], [below, rare])])
    assert [row[COLUMNS.index("verdict")] for row in rows] == ["holds", "undecided", "contradicted"]
    assert [row[COLUMNS.index("films")] for row in rows] == [40, 40, 40]
    # a family of claims needs wider intervals
    alone, among = (judged([Claim("", "", [many], "", "")] * n)[0][3] for n in (1, 20))
    assert among < alone


def test_importance_claims():
    films = simulate(2, effect=1.5)
    runs = group_importance(
        cross_validated(films, folds=3), films.bags, films.Y, films.groups, n_repeats=6, scheme="films", n_boot=200
    )
    table = claims_table(labels_of(seed=2), importance=runs, n_boot=20)
    found = verdicts(table)
    assert found["MFCC first in every genre"] == "contradicted"
    assert found["Tone matters for Horror"] == "holds"
    assert not found["run variance largest for Horror and Romance"].startswith("not tested")
    row = table.set_index("claim").loc["Tone matters for Horror"]
    tone = runs.table().query("genre == 'Horror' and group == 'Tone'").iloc[0]
    assert row["estimate"] == pytest.approx(tone["importance"])
    assert row["low"] < tone["film_low"] < tone["film_high"] < row["high"]
    assert found["Tone, Pitch and dMFCC next overall"] != "holds"


def test_starts_that_disagree_widen_the_interval_of_an_importance():
    films = simulate(2, effect=1.5)
    runs = group_importance(
        cross_validated(films, folds=3), films.bags, films.Y, films.groups, n_repeats=3, scheme="films", n_boot=100
    )
    starts = runs.drops[runs.measure].runs.mean(axis=1) + np.random.default_rng(0).normal(0, 0.2, (10, 8, 1))
    wider = replace(runs, starts=starts, averaged=10)
    tables = [claims_table(labels_of(seed=2), importance=r, n_boot=20).set_index("claim") for r in (runs, wider)]
    narrow, wide = (table.loc["Tone matters for Horror"] for table in tables)
    family = (~tables[0]["verdict"].str.startswith("not tested")).sum()
    added = norm.isf(0.05 / family / 2) * np.sqrt(wider.start_variance(3, runs.groups.index("Tone")))
    assert wide["estimate"] == narrow["estimate"] and added > 0.1
    below = np.hypot(narrow["estimate"] - narrow["low"], added)
    assert wide["estimate"] - wide["low"] == pytest.approx(below)


def test_picture_claims_tell_arithmetic_from_finding():
    labels = labels_of(seed=5)
    rng = np.random.default_rng(0)
    predicted = pd.DataFrame(np.where(rng.random(labels.shape) < 0.6, labels, rng.random(labels.shape) < 0.35))
    predicted.index, predicted.columns = labels.index, labels.columns
    film = np.repeat(np.arange(110), 10)
    clips = pd.DataFrame({"film_id": labels.index[film], "cue": np.tile(np.arange(10), 110)})
    shift = labels.to_numpy() @ [2.0, -2.0, 2.0, -2.0, 2.0, -2.0]
    for measure in ("brightness", "contrast"):
        clips[measure] = (shift + 0.2 * rng.normal(size=110))[film] + rng.normal(size=film.size)
    found = verdicts(claims_table(labels, pictures=(clips, predicted), n_boot=300, synthetic=True))
    assert found["Predicted nearer the median than Actual"] == "holds (synthetic corpus)"
    assert found["False positives reversed"] == "holds (synthetic corpus)"
    assert found["False positives reversed beyond the arithmetic"] != "holds (synthetic corpus)"
    assert not found["False positives reversed in most of contrast"].startswith("contradicted")
    assert found["Actual labels follow Chen et al."] == "contradicted (synthetic corpus)"


def test_stamper_beside_the_paper():
    accuracy = pd.DataFrame({"precision": np.linspace(0.97, 1, 12), "recall": np.linspace(0.9, 1, 12)})
    claim = "the Score Stamper's precision and recall"
    assert verdicts(claims_table(labels_of(), stamper=accuracy, n_boot=200))[claim] == "holds"
    three = claims_table(labels_of(), stamper=accuracy.iloc[:3], n_boot=200)
    assert verdicts(three)[claim] == "too few films: 3, at least 10 needed"


def test_shapes_are_checked():
    with pytest.raises(ValueError, match=r"predictions of shape \(3, 6\)"):
        claims_table(
            labels_of(), predictions={("mir", "cue", "max"): np.ones((3, 6))}, baselines={"x": np.ones((3, 6))}
        )


def test_robustness_counts_the_conditions_that_tested():
    base = claims_table(labels_of(), n_boot=20)
    one, two = base.copy(), base.copy()
    one.loc[0, "verdict"], two.loc[0, "verdict"] = "holds", "undecided"
    one.loc[1, "verdict"] = "holds"
    table = robustness_table({"seed 0": one, "seed 1": two})
    assert len(table) == 46
    shares = table.drop_duplicates("claim")["holds in"].tolist()
    assert shares[:2] == [0.5, 1.0]
    assert np.isnan(shares[2])


def test_below_random_ranks_is_no_contradiction():
    below = Pair("svm", -0.05, np.linspace(-0.08, -0.02, 99), (110,))
    rows = judged([Claim("above", "", [below], "", ""), Claim("above chance", "", [below], "", "", biased=True)])
    assert [row[COLUMNS.index("verdict")] for row in rows] == ["contradicted", "undecided"]
