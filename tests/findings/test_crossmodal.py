"""Table 5: literal loops, films as the unit, the arithmetic of false positives, cells without a number."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from filmlens.findings import clip_medians, cross_modal, latex_table, table5
from filmlens.findings.crossmodal import SOURCES
from filmlens.findings.units import clip_units, film_units, permuted_gap, permuted_rank_biserial, weighted_gap
from filmlens.stats.permutation import film_permutations

FEW = {"n_permutations": 19, "n_expected": 5, "n_boot": 20}


def corpus(seed, *, films=40, cues=(3, 9), genres=("Horror", "Comedy"), effect=0.0, correlation=0.6, agree=0.7):
    """Pictures that cluster by film, and that move with the actual genre only."""
    rng = np.random.default_rng(seed)
    names = [f"film {i:03d}" for i in range(films)]
    labels = rng.random((films, len(genres))) < 0.4
    predicted = np.where(rng.random(labels.shape) < agree, labels, rng.random(labels.shape) < 0.4)
    film = np.repeat(np.arange(films), rng.integers(*cues, size=films))
    clips = pd.DataFrame({"film_id": np.array(names)[film]})
    clips["cue"] = clips.groupby("film_id").cumcount()
    for measure in ("brightness", "contrast"):
        between = np.sqrt(correlation) * rng.normal(size=films) + effect * labels[:, 0]
        clips[measure] = between[film] + np.sqrt(1 - correlation) * rng.normal(size=film.size)
    return clips, pd.DataFrame(labels, names, list(genres)), pd.DataFrame(predicted, names, list(genres))


def test_clip_medians_equal_a_literal_loop():
    rng = np.random.default_rng(0)
    visual = pd.DataFrame(
        {"film_id": np.repeat(["a", "b"], 60), "time": np.tile(np.arange(60.0), 2), "brightness": rng.random(120)}
    )
    visual["contrast"] = rng.random(120)
    visual.loc[7, "brightness"] = np.nan
    starts = rng.uniform(0, 50, 8)
    cues = pd.DataFrame({"film_id": list("abababac"), "cue": range(8), "start": starts})
    cues["end"] = cues["start"] + [5, 9, 2, 7, 0.2, 30, 4, 4]
    found = clip_medians(cues, visual.sample(frac=1, random_state=0))
    for cue, row in zip(cues.itertuples(), found.itertuples(), strict=True):
        inside = visual.query("film_id == @cue.film_id and @cue.start <= time < @cue.end")
        if cue.film_id == "c":
            assert np.isnan(row.brightness)
            assert np.isnan(row.contrast)
        elif len(inside):
            assert row.brightness == inside["brightness"].median()
            assert row.contrast == inside["contrast"].median()
        else:
            assert abs(visual.loc[visual["brightness"] == row.brightness, "time"].iloc[0] - cue.start) < 1.1


def test_table_equals_a_literal_loop():
    clips, labels, predicted = corpus(1, effect=0.8)
    table = cross_modal(clips, labels, predicted, m=6, **FEW)
    assert len(table) == 2 * 4 * 2 * 2
    for row in table.itertuples():
        units = (
            clips
            if row.unit == "clips"
            else clips.groupby("film_id")[["brightness", "contrast"]].median().reset_index()
        )
        here, there = [], []
        for unit in units.itertuples():
            actual, own = labels.loc[unit.film_id, row.genre], predicted.loc[unit.film_id, row.genre]
            member = {"Actual": actual, "Predicted": own}.get(row.source, own and not actual)
            if row.source == SOURCES[3] and actual:
                continue
            (here if member else there).append(getattr(unit, row.measure))
        assert (row.n, row.n_others) == (len(here), len(there))
        assert row.difference == pytest.approx(10 * (np.median(here) - np.median(there)), abs=1e-12)
        test = stats.mannwhitneyu(here, there)
        assert row.effect == pytest.approx(2 * test.statistic / (len(here) * len(there)) - 1, abs=1e-12)
        if min(row.n_films, row.n_other_films) < 10:
            assert row.note.startswith("too few films") and not row.significant
            assert np.isnan([row.p, row.p_permutation, row.p_conditional, row.effect_low, row.p_residuals]).all()
            continue
        assert test.statistic == row.U
        assert row.p == pytest.approx(test.pvalue, rel=1e-9)
        assert row.p_corrected == pytest.approx(min(1, 6 * test.pvalue), rel=1e-9)
        assert row.significant == (6 * test.pvalue < 0.01)
        assert row.note == ""
    assert table["note"].str.startswith("too few").any() and (table["note"] == "").any()


@pytest.mark.parametrize("gather", [clip_units, film_units])
@pytest.mark.parametrize("by_cue", [False, True])
def test_permutations_and_bootstrap_equal_literal_loops(gather, by_cue):
    clips, labels, _ = corpus(2, films=12)
    clips.loc[clips["film_id"] == "film 003", "brightness"] = np.nan
    units, _ = gather(clips, labels.index, "brightness")
    rng = np.random.default_rng(3)
    actual = labels["Horror"].to_numpy()
    within = ~np.isin(units.film, [1, 5, 8])
    label = rng.random(len(units.film)) < 0.5 if by_cue else actual[units.film]
    inside = ~np.isin(units.film, [5, 8])
    label &= inside
    present = (units.counts > 0) & ~np.isin(np.arange(12), [5, 8])
    order = film_permutations(rng, [present & actual, present & ~actual], 7)
    assert (actual[order] == actual).all()
    found = permuted_rank_biserial(units, label, inside, order)
    gaps = []
    for giver, effect in zip(order, found, strict=True):
        taken = np.zeros(len(label), dtype=bool)
        for film in range(12):
            own, given = label[units.film == film], label[units.film == giver[film]]
            taken[units.film == film] = [given[int((i + 0.5) / len(own) * len(given))] for i in range(len(own))]
        here, there = units.values[taken], units.values[inside & ~taken]
        signs = np.sign(here[:, None] - there)
        assert effect == pytest.approx(signs.mean(), abs=1e-12)
        gaps.append(np.median(units.values[taken & within]) - np.median(units.values[~taken & within]))
    assert permuted_gap(units, label, within, order) == pytest.approx(np.mean(gaps), abs=1e-12)
    weights = rng.multinomial(12, np.full(12, 1 / 12), size=9).astype(float)
    drawn, medians = (
        units.bootstrap(label, inside & ~label, weights),
        weighted_gap(units, label, inside & ~label, weights),
    )
    for w, effect, gap in zip(weights.astype(int), drawn, medians, strict=True):
        here, there = (np.repeat(units.values[side], w[units.film[side]]) for side in (label, inside & ~label))
        if len(here) and len(there):
            assert effect == pytest.approx(np.sign(here[:, None] - there).mean(), abs=1e-12)
            assert gap == pytest.approx(np.median(here) - np.median(there), abs=1e-12)
        else:
            assert np.isnan(effect)
            assert np.isnan(gap)


def test_cue_predictions_that_repeat_the_film_change_nothing():
    clips, labels, predicted = corpus(3, films=15)
    table = cross_modal(clips, labels, predicted, **FEW)
    by_cue = predicted.loc[clips["film_id"]].to_numpy().copy()
    pd.testing.assert_frame_equal(table, cross_modal(clips, labels, predicted, cue_predicted=by_cue, **FEW))
    by_cue[0] = ~by_cue[0]
    changed = cross_modal(clips, labels, predicted, cue_predicted=by_cue, **FEW)
    pick = (changed["source"] == "Predicted") & (changed["unit"] == "clips")
    assert (changed["n"] != table["n"])[pick].all()
    assert (changed["n"] == table["n"])[changed["unit"] == "films"].all()


def test_cells_without_a_number_say_so():
    clips, labels, predicted = corpus(4, films=10, genres=("Horror", "Comedy", "Drama", "Romance"))
    predicted["Horror"] = labels["Horror"]
    labels["Comedy"] = True
    labels["Drama"] = False
    labels["Romance"] = False
    labels.iloc[0, 3] = True
    table = cross_modal(clips, labels, predicted, **FEW).set_index(["source", "genre", "unit", "measure"]).sort_index()

    def note(source, genre):
        return table.loc[(source, genre, "films", "contrast"), "note"]

    assert note("False positives", "Horror") == "n = 0: no false positive"
    assert note("Actual", "Comedy") == "n = 0: no film to compare with"
    assert note("Actual", "Drama") == "n = 0: no film of the genre"
    assert note("Actual", "Romance") == "too few films: 1 against 9, at least 10 needed"
    assert table["p"].isna().all() and not table["significant"].any()
    silent = table["difference"].isna() & ~table["note"].str.startswith("n = 0")
    assert not silent.any()
    assert not table["significant"][table["difference"].isna()].any()
    text, bold = table5(table.reset_index())
    assert text.shape == bold.shape == (4, 9)
    cells = text.set_index("Genre")
    assert cells.loc["Horror", "False positives: contrast"] == "n = 0"
    assert cells.loc["Drama", "Actual: brightness"] == "n = 0"


def test_films_that_cannot_move_tell_nothing():
    clips, labels, predicted = corpus(8, films=40, genres=tuple("abcde"))
    table = cross_modal(clips, labels, predicted, n_permutations=99, n_expected=5, n_boot=20)
    rest = table[(table["source"] != "Actual") & table["difference"].notna()]
    assert rest.loc[rest["movable"] < 10, "expected"].isna().all() and (rest["movable"] < 10).any()
    assert rest.loc[rest["movable"] >= 10, "expected"].notna().all()
    assert (rest.loc[rest["p_conditional"].notna(), "p_least"] <= 0.05).all()


def test_one_clip_only_and_films_without_pictures():
    clips, labels, predicted = corpus(5, films=3)
    one = cross_modal(clips.iloc[:1], labels, predicted, **FEW)
    assert one["note"].str.startswith("n = 0").all()
    blind = clips.assign(brightness=np.nan)
    table = cross_modal(blind, labels, predicted, **FEW)
    assert (table.loc[table["measure"] == "brightness", "note"] == "n = 0: no picture").all()


def test_table5_is_bold_where_significant():
    clips, labels, predicted = corpus(6, films=80, effect=2.5, agree=0.9)
    table = cross_modal(clips, labels, predicted, **FEW)
    text, bold = table5(table, unit="clips", sources=SOURCES[:3])
    assert list(text.columns[:3]) == ["Genre", "Actual: brightness", "Predicted: brightness"]
    assert bold.loc[0, "Actual: brightness"]
    row = table.query("measure == 'brightness' and source == 'Actual' and genre == 'Horror' and unit == 'clips'").iloc[
        0
    ]
    assert text.loc[0, "Actual: brightness"] == f"{row['difference']:+.2f}"
    with pytest.raises(ValueError, match="no rows of unit 'scenes'"):
        table5(table, unit="scenes")


def test_errors_name_films():
    clips, labels, predicted = corpus(7, films=5)
    with pytest.raises(ValueError, match="film 004"):
        cross_modal(clips, labels.iloc[:4], predicted.iloc[:4])
    with pytest.raises(ValueError, match="same films"):
        cross_modal(clips, labels, predicted.iloc[:4])
    with pytest.raises(ValueError, match="cue_predicted has shape"):
        cross_modal(clips, labels, predicted, cue_predicted=predicted.to_numpy())


def p_values(seeds, *, effect, n_permutations, films=60):
    rows = []
    for seed in seeds:
        clips, labels, predicted = corpus(seed, films=films, genres=("Horror",), effect=effect, agree=0.4)
        table = cross_modal(
            clips,
            labels,
            predicted,
            measures=("brightness",),
            n_permutations=n_permutations,
            n_expected=n_permutations,
            n_boot=2,
            seed=seed,
        )
        rows.append(table.assign(seed=seed))
    return pd.concat(rows)


def check_film_level_p(rows):
    actual = rows[(rows["source"] == "Actual") & (rows["unit"] == "clips")]
    assert stats.kstest(actual["p_permutation"], "uniform").pvalue > 0.001
    assert (actual["p_permutation"] <= 0.05).mean() < 0.15
    assert stats.kstest(actual["p"], "uniform").pvalue < 0.01
    assert (actual["p"] <= 0.05).mean() > 0.25


def reversed_share(rows):
    """Share of corpora in which false positives lie on the other side than the genre's films."""
    films = rows[rows["unit"] == "films"].pivot_table("difference", "seed", "source").dropna()
    return (films["Actual"] * films["False positives"] < 0).mean()


def check_conditional_p(rows):
    for source in ("Predicted", "False positives", "False positives vs true negatives"):
        for unit in ("clips", "films"):
            cells = rows[(rows["source"] == source) & (rows["unit"] == unit)]
            assert stats.kstest(cells["p_conditional"].dropna(), "uniform").pvalue > 0.001
    medians = rows[rows["unit"] == "films"].groupby("source", sort=False)
    centre, error = medians["difference"].mean(), 3 * medians["difference"].sem()
    print(centre.round(3).to_dict(), "reversed:", reversed_share(rows))
    gap = rows["difference"] - rows["expected"]
    assert centre["Actual"] > centre["Predicted"] > 0 > centre["False positives"]
    assert abs(centre["False positives vs true negatives"]) < error["False positives vs true negatives"]
    for source in ("Predicted", "False positives", "False positives vs true negatives"):
        cells = gap[(rows["unit"] == "films") & (rows["source"] == source)]
        assert abs(cells.mean()) < 3 * cells.sem()


def test_film_level_p_is_uniform_and_the_clips_own_is_not():
    check_film_level_p(p_values(range(24), effect=0, n_permutations=99))


def test_conditional_p_when_pictures_follow_the_actual_genre():
    check_conditional_p(p_values(range(24), effect=1.0, n_permutations=99, films=110))


@pytest.mark.slow
def test_film_level_p_in_five_hundred_corpora():
    check_film_level_p(p_values(range(500), effect=0, n_permutations=199, films=110))


@pytest.mark.slow
def test_conditional_p_in_five_hundred_corpora():
    # 110 films have enough false positives for p to take many values; with one or two of them it moves in steps
    check_conditional_p(p_values(range(500), effect=1.0, n_permutations=199, films=110))


def test_latex_is_bold_and_escaped():
    text = pd.DataFrame({"Genre": ["R&B_1", "Sci-Fi"], "Actual: contrast": ["+1.00", "n = 0"]})
    bold = pd.DataFrame({"Genre": [False, False], "Actual: contrast": [True, False]})
    lines = latex_table(text, bold=bold, caption="p < 1 %", label="t5").splitlines()
    assert r"R\&B\_1 & \textbf{+1.00} \\" in lines
    assert r"Sci-Fi & n = 0 \\" in lines
    assert r"\caption{p < 1 \%}" in lines
    assert lines.count(r"\begin{table}") == lines.count(r"\end{table}") == 1
