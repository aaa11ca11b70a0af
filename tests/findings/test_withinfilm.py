"""Within films: a literal loop, what is left out, its rate under smooth music and pictures, a planted tie found."""

import numpy as np
import pandas as pd
import pingouin as pg
import pytest
from scipy import stats

from filmlens.findings import within_films


def corpus(seed, *, films=24, cues=(8, 30), smooth=0.8, tie=0.0, arc=0.0, genres=("Horror", "Comedy")):
    """Films whose music and picture each change slowly, and rise by `arc` in every film from its begin to its end.

    `tie` of the picture follows the first genre's probability.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(films):
        n = rng.integers(*cues)
        waves = rng.normal(size=(n, 2 + len(genres)))
        for t in range(1, n):
            waves[t] = smooth * waves[t - 1] + np.sqrt(1 - smooth**2) * waves[t]
        waves[:, -2:] += tie * waves[:, :1]
        waves += arc * np.linspace(0, 1, n)[:, None]
        own = pd.DataFrame(waves, columns=[*genres, "brightness", "contrast"])
        rows.append(own.assign(film_id=f"f{i:02d}", start=np.arange(n) * 30.0))
    labels = pd.DataFrame(rng.random((films, len(genres))) < 0.3, [f"f{i:02d}" for i in range(films)], list(genres))
    return pd.concat(rows, ignore_index=True).sample(frac=1, random_state=seed), labels


def test_correlations_equal_a_literal_loop_and_films_left_out_are_counted():
    cues, labels = corpus(0)
    labels["Horror"] = np.arange(24) == 0
    cues.loc[cues["film_id"] == "f01", "start"] = np.nan
    cues.loc[cues["film_id"] == "f02", "brightness"] = 0.5
    keep = (cues["film_id"] != "f03") | (cues["start"] < 7 * 30)
    cues = cues[keep]
    table = within_films(cues, labels, n_permutations=99).set_index(["genre", "measure"])
    row = table.loc["Horror", "brightness"]
    expected = [
        pg.partial_corr(own, "Horror", "brightness", "start", method="spearman")["r"].iloc[0]
        for film, own in cues.groupby("film_id")
        if film not in ("f00", "f01", "f02", "f03")
    ]
    assert (row["films"], row["left_out"]) == (20, 3)
    assert row["correlation"] == pytest.approx(np.mean(expected))
    assert row["low"] < row["correlation"] < row["high"]
    assert table.loc[("Horror", "contrast"), "left_out"] == 2


def test_few_films_get_numbers_only():
    cues, labels = corpus(1, films=9)
    table = within_films(cues, labels.assign(Horror=False), n_permutations=9)
    assert table["correlation"].notna().any() and table[["p", "low", "detectable"]].isna().all().all()
    assert table["note"].iloc[0] == "too few films: 9, at least 10 needed"


def rate(seeds, **planted):
    tables = [within_films(*corpus(s, **planted), measures=["brightness"], n_permutations=199, seed=s) for s in seeds]
    return pd.concat(tables).groupby("genre")["p"].agg(lambda p: (p <= 0.05).mean())


def test_slow_changes_are_no_finding_and_a_tie_is():
    assert (rate(range(100), smooth=0.9) <= 0.12).all() and (rate(range(100), smooth=0.5, arc=3) <= 0.12).all()
    found = rate(range(30), tie=0.5)
    assert found["Horror"] > 0.9 and found["Comedy"] < 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("smooth", "arc"), [(0.0, 0.0), (0.5, 0.0), (0.9, 0.0), (0.5, 3.0)])
def test_rate_in_two_thousand_corpora(smooth, arc):
    found = rate(range(2000), smooth=smooth, arc=arc)
    print(f"smooth {smooth}, arc {arc}: p <= .05 in {found.round(3).to_dict()}")
    assert (found <= stats.binom.ppf(0.999, 2000, 0.05) / 2000).all()
