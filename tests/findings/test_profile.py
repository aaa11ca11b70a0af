"""Direction of each descriptor: literal Cliff's delta, false discovery rate, cues to hear."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated_films import simulate

from filmlens.findings import example_cues, genre_profile, sentence


def table_of(films, genres):
    lengths = [len(b) for b in films.bags]
    names = [f"film {i:02d}" for i in range(len(lengths))]
    groups = [f"{name} {i}" for name, columns in films.groups.items() for i in range(len(columns))]
    features = pd.DataFrame(np.concatenate(films.bags), columns=groups)
    features.insert(0, "film_id", np.repeat(names, lengths))
    features.insert(1, "cue", features.groupby("film_id").cumcount())
    return features, pd.DataFrame(films.Y, names, genres)


@pytest.fixture(scope="module")
def data():
    return table_of(simulate(3, films=90, cues=(3, 8), effect=2), list("ABCDEF"))


def test_equals_a_literal_loop(data):
    features, labels = data
    features = features.copy()
    features.loc[features["film_id"] == "film 07", "Tone 0"] = np.nan
    table = genre_profile(features, labels, descriptors=["Tone 0", "Pitch 1"], n_boot=50)
    ps = []
    for row in table.itertuples():
        medians = features.groupby("film_id")[row.descriptor].median().dropna()
        own = medians[labels.loc[medians.index, row.genre]].to_numpy()
        others = medians[~labels.loc[medians.index, row.genre]].to_numpy()
        assert (row.n, row.n_others) == (len(own), len(others))
        assert row.difference == pytest.approx(np.median(own) - np.median(others))
        assert row.effect == pytest.approx(np.mean([np.sign(a - b) for a in own for b in others]))
        if min(len(own), len(others)) < 10:
            assert np.isnan([row.p, row.effect_low, row.effect_high, row.detectable]).all() and not row.significant
            assert row.note == f"too few films: {len(own)} against {len(others)}, at least 10 needed"
            continue
        assert row.effect_low <= row.effect <= row.effect_high and row.detectable > 0
        ps.append(stats.mannwhitneyu(own, others).pvalue)
    assert table["p"].dropna().to_numpy() == pytest.approx(ps)
    assert table["p_corrected"].dropna().to_numpy() == pytest.approx(stats.false_discovery_control(ps))
    assert table["correction"].iloc[0] == f"Benjamini-Hochberg over {len(ps)}"
    assert 0 < len(ps) < 12  # the rarest genre has nine films


def test_planted_directions_are_found(data):
    features, labels = data
    table = genre_profile(features, labels, n_boot=50)
    assert len(table) == 6 * 40
    found = table[table["significant"] & (table["effect"] > 0)]
    for k, genre in enumerate("ABCDE"):
        assert f"Tone {k}" in set(found.loc[found["genre"] == genre, "descriptor"])
    best = table.loc[table["effect"].idxmax()]
    assert f"{best['descriptor']} higher (delta +" in sentence(best)
    assert f"{best['n']} of 90 films" in sentence(best)


def test_interval_is_of_films_not_of_cues(data):
    features, labels = data
    once = genre_profile(features, labels, descriptors=["Tone 0"], n_boot=100)
    often = pd.concat([features] * 5, ignore_index=True)
    pd.testing.assert_frame_equal(once, genre_profile(often, labels, descriptors=["Tone 0"], n_boot=100))


def test_genres_without_films_say_so(data):
    features, labels = data
    labels = labels.assign(A=False, B=True)
    labels["C"] = np.arange(len(labels)) == 0
    table = genre_profile(features, labels, descriptors=["Tone 0"], n_boot=20).set_index("genre")
    assert table.loc["A", "note"] == "n = 0: no film of the genre"
    assert table.loc["B", "note"] == "n = 0: no film to compare with"
    assert table.loc["C", "note"] == "too few films: 1 against 89, at least 10 needed"
    assert not table.loc[["A", "B", "C"], "significant"].any()
    four = genre_profile(features[features["film_id"].isin(labels.index[:4])], labels, n_boot=20)
    assert four[["p", "p_corrected", "effect_low"]].isna().all().all() and not four["significant"].any()


def test_what_could_have_been_found(data):
    features, labels = data
    table = genre_profile(features, labels.iloc[:, :1], descriptors=["Pitch 0"], alpha=0.05, n_boot=20)
    n, m = table.loc[0, ["n", "n_others"]]
    rng = np.random.default_rng(0)
    # two normal samples whose expected delta is the one stated
    shift = np.sqrt(2) * stats.norm.ppf((table.loc[0, "detectable"] + 1) / 2)
    draws = rng.normal(size=(800, n + m)) + shift * (np.arange(n + m) < n)
    found = [stats.mannwhitneyu(d[:n], d[n:]).pvalue < 0.05 for d in draws]
    assert 0.74 < np.mean(found) < 0.9


def test_examples_come_from_different_films(data):
    features, labels = data
    profile = genre_profile(features, labels, descriptors=["Tone 0", "Pitch 0"], n_boot=5)
    profile.loc[profile["genre"] == "F", "effect"] = -0.5
    examples = example_cues(features, labels, profile)
    for (genre, descriptor), cues in examples.groupby(["genre", "descriptor"]):
        assert labels.loc[cues["film_id"], genre].all()
        assert (cues["kind"] == "random").sum() == 1 and not cues.duplicated(["film_id", "cue"]).any()
        cues = cues[cues["kind"] != "random"]
        assert cues["film_id"].is_unique
        kinds = cues.groupby("kind")["value"]
        sign = np.sign(profile.query("genre == @genre and descriptor == @descriptor")["effect"].iloc[0])
        assert (kinds.size() == [min(3, labels[genre].sum() - 3), 3]).all()
        assert sign * kinds.mean()["typical"] > sign * kinds.mean()["contrary"]
        everything = features.loc[features["film_id"].isin(labels.index[labels[genre]]), descriptor]
        extreme = everything.max() if sign > 0 else everything.min()
        assert cues["value"].iloc[0] == extreme
