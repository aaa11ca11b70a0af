"""Evaluation of cues, beside a count of tenths of seconds."""

import math

import numpy as np
import pandas as pd
import pytest

from filmlens.stamper import evaluation


def cues(*rows):
    return pd.DataFrame(rows, columns=["track", "start", "end"])


TRUTH = cues(("A", 0, 10), ("B", 20, 40), ("A", 50, 60))


def test_perfect_empty_and_wrong():
    assert evaluation.precision_recall(TRUTH, TRUTH) == (1, 1)
    precision, recall = evaluation.precision_recall(TRUTH, cues())
    assert math.isnan(precision)
    assert recall == 0
    assert evaluation.precision_recall(TRUTH, cues(("C", 0, 60))) == (0, 0)


def test_precision_and_recall_by_hand():
    found = cues(("A", 5, 15), ("B", 20, 30), ("B", 25, 40))
    assert evaluation.precision_recall(TRUTH, found) == pytest.approx((25 / 30, 25 / 40))


def test_time_is_counted_once_per_track_as_on_a_grid():
    rng = np.random.default_rng(7)
    for _ in range(30):
        tables, grids = [], []
        for _side in range(2):
            start = rng.integers(0, 500, 8)
            table = cues(
                *zip(rng.choice(["A", "B", "C"], 8), start / 10, (start + rng.integers(1, 200, 8)) / 10, strict=True)
            )
            grid = {t: np.zeros(800, bool) for t in "ABC"}
            for row in table.itertuples():
                grid[row.track][round(row.start * 10) : round(row.end * 10)] = True
            tables.append(table)
            grids.append(np.stack(list(grid.values())))
        right = (grids[0] & grids[1]).sum()
        expected = right / grids[1].sum(), right / grids[0].sum()
        assert evaluation.precision_recall(*tables) == pytest.approx(expected)


def test_events_and_edges():
    found = cues(("A", 1, 9), ("A", 55.5, 70), ("B", 18, 22), ("B", 38, 43))
    assert evaluation.event_hits(TRUTH, found) == (1, 2)
    assert evaluation.event_hits(TRUTH, found, share=0.2) == (3, 4)
    edges = evaluation.edge_errors(TRUTH, found)
    assert sorted(zip(edges["start_error"], edges["end_error"], strict=True)) == [(-2, 3), (1, -1), (5.5, 10)]
    edit = cues(("A", 0, 10), ("A", 10, 20))
    assert len(evaluation.edge_errors(edit, cues(("A", 1, 19)))) == 1


def test_recall_by_loudness():
    truth = TRUTH.assign(snr_db=[10, -10, 10])
    table = evaluation.recall_by(truth, cues(("A", 0, 10), ("B", 30, 35)), "snr_db").set_index("snr_db")
    assert table.loc[10, "recall"] == 0.5
    assert table.loc[-10, "recall"] == 0.25
    assert table["seconds"].sum() == 40


def test_mean_and_sd_over_films():
    films = {
        "one": evaluation.evaluate(TRUTH, TRUTH),
        "two": evaluation.evaluate(TRUTH, cues(("A", 0, 10), ("C", 0, 10))),
    }
    films["three"] = evaluation.evaluate(TRUTH, cues())
    table = evaluation.summarize(films)
    assert table.loc["precision", "mean"] == 0.75
    assert table.loc["precision", "films"] == 2
    assert table.loc["recall", "mean"] == pytest.approx(1.25 / 3)
    assert table.loc["recall", "sd"] == pytest.approx(np.std([1, 0.25, 0], ddof=1))
    assert table.loc["recall", "pooled"] == pytest.approx(50 / 120)


def test_bad_tables_are_named():
    with pytest.raises(ValueError, match="reference cues lack the column track"):
        evaluation.evaluate(TRUTH.drop(columns="track"), TRUTH)
    with pytest.raises(ValueError, match="estimated cue in row 2"):
        evaluation.evaluate(TRUTH, cues(("A", 0, 1), ("B", 5, 5)))
