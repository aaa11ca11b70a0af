"""Sentences of a report: what numbers carry is said, and nothing with few films, wide intervals or many models."""

import numpy as np
import pandas as pd
import pytest

from filmlens.findings import summaries


def importance(low, note=""):
    row = {"measure": "AP above chance", "genre": "Overall", "group": "Tone", "importance": 0.1, "note": note}
    return pd.DataFrame([row | {"film_low": low, "film_high": 0.3}])


def test_an_interval_that_holds_zero_is_no_finding():
    assert "Tone .10 [+.02, +.30]" in summaries.importance(importance(0.02))[0]
    assert summaries.importance(importance(-0.02)) == [
        "For no group of features was a drop of AP above chance shown over films."
    ]


def entry(low, high):
    columns = ["of", "films", "entries", "share", "chance", "more", "low", "high"]
    return pd.DataFrame([["cuts", 12, 80, 0.5, 0.2, 0.3, low, high]], columns=columns)


def test_entries_say_more_only_when_the_interval_does():
    assert "(more: difference +.30 [+.10, +.50])" in summaries.entries(entry(0.1, 0.5))[0]
    assert "not shown to differ" in summaries.entries(entry(-0.1, 0.5))[0]
    few = summaries.entries(entry(np.nan, np.nan))[0]
    assert few == "50% of the entries in 12 films lie within a second of a cut; at any moment it is 20%."


def table4(lows):
    rows = [("always_positive", 0.46, 0.41)] + [(f"max {k}", low + 0.1, low) for k, low in enumerate(lows)]
    return pd.DataFrame(rows, columns=["name", "f1", "f1_low"])


def test_the_best_of_many_models_is_told_with_the_floor_and_its_luck():
    first, second = summaries.prediction(table4([0.3, 0.5]))
    assert "macro-F1 .46" in first and ".60 (max 1)" in first and "too high by luck" in first
    assert "judged in pairs" in second, "an interval is not compared with a floor by eye"


def test_robustness_counts_only_the_choices_that_tested_a_claim():
    verdicts = {"a": ["holds", "not tested (no weights)"], "b": ["holds", "undecided"], "c": ["undecided", "undecided"]}
    rows = [(f"choice {i}", claim, v) for claim, both in verdicts.items() for i, v in enumerate(both)]
    words = summaries.robustness(pd.DataFrame(rows, columns=["condition", "claim", "verdict"]))
    assert "a, under 1 of 1; b, under 1 of 2." in words[1] and "c," not in words[1]


def test_a_genre_that_all_or_few_films_have_is_not_tested():
    table = pd.DataFrame({"set": ["Drama", "Horror", "films with several genres", "films"], "films": [15, 4, 3, 30]})
    assert (
        summaries.films(table)[-1]
        == "A test needs 10 films with the genre and 10 without it, so that Horror is not tested."
    )
    assert summaries.films(table.assign(films=[4, 1, 1, 4]))[-1].endswith("so that no genre is tested.")


def test_films_whose_cues_were_given_no_genre_are_counted_apart():
    table = pd.DataFrame({"film_id": list("abc"), "precision": [1.0, 0.5, np.nan]})
    assert (
        summaries.per_film(table)[0].startswith("In 1 of 3 films")
        and "1 film was given none" in summaries.per_film(table)[0]
    )
    assert summaries.listed(table) == ["A list of 3 films: nothing is tested."]


def test_few_annotated_films_say_nothing_of_others():
    table = pd.DataFrame({"begin": [0.0, 0.5], "end": [0.5, 1.0], "recall": [0.2, 0.8], "seconds": [9.0, 9.0]})
    assert summaries.recall(table.assign(films=3))[-1] == "So few annotated films say nothing of others."
    assert len(summaries.recall(table.assign(films=12))) == 1
    assert summaries.recall(table.assign(films=0, recall=np.nan)) == []


def test_what_stands_out_is_called_a_ranking():
    columns = ["title", "track", "start", "genre", "probability", "excess"]
    table = pd.DataFrame([("A Film", "t", 65.0, "Horror", 0.9, 0.5)], columns=columns)
    first, second = summaries.transplanted(table)
    assert "“t” in A Film at 1:05" in first and "no finding" in second


@pytest.mark.parametrize(
    "row", [("holds (synthetic corpus)", "Holds: x."), ("contradicted", "Contradicted: x."), ("undecided", "")]
)
def test_claims_are_counted_and_named(row):
    verdict, named = row
    words = summaries.claims(
        pd.DataFrame({"claim": ["x", "y"], "verdict": [verdict, "too few films: 3, at least 10 needed"]})
    )
    assert words[0].startswith("Of 2 claims") and words[0].endswith("for 1 there are too few films.")
    assert words[1:] == [named] * bool(named)
