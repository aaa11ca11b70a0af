"""Blind listening in numbers: alpha by its definition, raters who hear it and who guess, few films, known music."""

import itertools

import numpy as np
import pandas as pd
import pytest

from filmlens.findings.listening import CONTROL, TRANSPLANTED, agreement, alpha
from filmlens.findings.summaries import listening

GENRES = ["Horror", "Comedy", "Drama"]


def literal_alpha(ratings):
    """Krippendorff's definition: disagreement of pairs inside units over that of all pairs of values."""
    units = [[v for v in unit if v == v] for unit in ratings.T]
    units = [u for u in units if len(u) > 1]
    values = [v for u in units for v in u]
    observed = sum(sum(a != b for a, b in itertools.permutations(u, 2)) / (len(u) - 1) for u in units) / len(values)
    expected = sum(a != b for a, b in itertools.permutations(values, 2)) / (len(values) * (len(values) - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_krippendorffs(seed):
    rng = np.random.default_rng(seed)
    ratings = rng.integers(0, 2, (4, 15)).astype(float)
    ratings[rng.random(ratings.shape) < 0.3] = np.nan
    assert alpha(ratings) == pytest.approx(literal_alpha(ratings))
    weights = rng.integers(0, 3, 15)
    assert alpha(ratings, weights) == pytest.approx(literal_alpha(np.repeat(ratings, weights, axis=1)))
    assert np.isnan(alpha(np.ones((3, 4)))) and np.isnan(alpha(ratings[:1]))


def quiz(films=14, seed=0):
    """A pair in each film; the model hears the genre in the transplanted cue alone."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(films):
        genre = GENRES[k % 3]
        for kind in (TRANSPLANTED, CONTROL):
            p = {f"p {g}": 0.1 for g in GENRES} | ({f"p {genre}": 0.9} if kind == TRANSPLANTED else {})
            rows.append({"pair": k, "kind": kind, "genre": genre, "film_id": f"f{k}"} | p)
    return pd.DataFrame(rows).assign(clip=rng.permutation(2 * films))


def raters(key, hears, seed=0, number=3):
    """Raters who name the genre in question of a transplanted cue so often, anything else once in five times."""
    rng, rows = np.random.default_rng(seed), []
    for who in "abcdef"[:number]:
        for row in key.itertuples():
            chance = {g: hears if g == row.genre and row.kind == TRANSPLANTED else 0.2 for g in GENRES}
            rows.append((who, row.clip, "|".join(g for g in GENRES if rng.random() < chance[g]), False))
    return pd.DataFrame(rows, columns=["who", "clip", "genres", "known"])


def test_what_raters_hear_is_shown_and_what_they_guess_is_not():
    key = quiz()
    heard = agreement(key, raters(key, 0.95), GENRES, n_boot=200).set_index("measure")
    assert heard.loc["named, transplanted minus control", "low"] > 0.3 and heard.loc["alpha among raters", "low"] > 0
    guessed = agreement(key, raters(key, 0.2), GENRES, n_boot=200).set_index("measure")
    row = guessed.loc["named, transplanted minus control"]
    assert row["low"] < 0 < row["high"] and guessed.loc["alpha among raters", "value"] < 0.2


@pytest.mark.slow
def test_intervals_hold_no_difference_as_often_as_they_say():
    outside = 0
    for seed in range(200):
        key = quiz(seed=seed)
        table = agreement(key, raters(key, 0.2, seed), GENRES, n_boot=200, seed=seed).set_index("measure")
        row = table.loc["named, transplanted minus control"]
        outside += not row["low"] <= 0 <= row["high"]
    print("intervals of 200 quizzes without a difference that do not hold 0:", outside)
    assert outside <= 18


def test_with_few_films_or_one_rater_nothing_is_concluded_of_others():
    key = quiz(films=6)
    few = agreement(key, raters(key, 0.95), GENRES, n_boot=20)
    assert few[["low", "high"]].isna().all(axis=None) and few["note"].str.startswith("too few films: 6").all()
    assert listening(few)[-1] == "Too few films: 6, at least 10 needed: nothing is concluded."
    key = quiz()
    one = agreement(key, raters(key, 0.95, number=1), GENRES, n_boot=50)
    assert "one rater" in one["note"].iloc[0] and "With one rater nothing is said of other listeners." in listening(one)
    assert np.isnan(one.set_index("measure").loc["alpha among raters", "value"])


def test_music_that_a_rater_knows_is_left_out():
    key = quiz()
    answers = raters(key, 0.95)
    spoiled = answers.assign(genres="", known=True).query("who == 'c'")
    with_known = agreement(key, pd.concat([answers.query("who != 'c'"), spoiled]), GENRES, n_boot=20)
    without = agreement(key, answers.query("who != 'c'"), GENRES, n_boot=20)
    pd.testing.assert_frame_equal(with_known, without)
