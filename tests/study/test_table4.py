"""Table 4 as it is saved and as it is read, and the other tables and examples that notebooks take from the package."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from filmlens.features import mir
from filmlens.figures.captions import CAPTIONS, caption
from filmlens.look import html_table
from filmlens.study import Study, accuracy, placed, table4
from filmlens.study.exchange import one_exchanged

SCORES = pd.DataFrame(
    {
        "features": ["mir", "mir", "musicnn"],
        "name": ["average 64", "simple_mi_svm", "average 64"],
        **dict.fromkeys(["precision", "recall", "f1", "map", "training_f1", "f1_tuned", "p_paper"], 0.5),
        "f1_low": [0.4, 0.3, np.nan],
        "f1_high": [0.6, 0.7, np.nan],
        "p_chance": [0.0004, 0.03, np.nan],
        "learnt again": [False, True, False],
    }
)


def test_what_is_read_has_one_cell_for_an_interval_and_marks_what_was_learnt_again():
    rows = table4.readable(
        SCORES.assign(
            **{"paper P": [0.55, 0.2, np.nan], "paper R": 0.78, "paper F1": 0.61, "paper's doubt": ["odd", "", ""]}
        )
    )
    assert rows["features"].tolist() == ["mir", "mir", "musicnn (our addition)"]
    assert list(rows.columns) == table4.COLUMNS + table4.PAPERS
    page = table4.shown(rows)
    assert page["95 %"].tolist() == ["[0.40, 0.60]", "[0.30, 0.70]", "–"]
    assert page["p"].tolist() == ["<.001", f".030 {table4.AGAIN}", "–"]
    assert page["paper: P, R, F1"].tolist() == ["0.55, 0.78, 0.61", "0.20, 0.78, 0.61", ""]
    assert table4.doubts(rows) == " What speaks against the paper's numbers: average 64: odd."
    assert table4.AGAIN in caption("table4_all").words and "paper: P, R, F1" not in table4.shown(
        table4.readable(SCORES)
    )
    assert len(page.columns) <= 10, "right at 1000 px"


def test_our_side_of_the_papers_numbers_is_that_of_the_papers_sets():
    found = table4.stated_beside(SCORES.assign(f1=[0.7, 0.6, 0.9]), 0.7)
    assert found == {"macro-F1 best models": 0.7, "macro-F1 MIR average pooling 64 nodes": 0.7}
    assert table4.stated_beside(SCORES[SCORES["features"] == "musicnn"], None) == {}


def test_engines_stand_below_the_paper_and_only_with_annotations(two_films):
    study = Study.open(two_films)
    table = accuracy.by_engine(study).set_index("engine")
    assert table.index[0] == "paper (3 films)" and {"FilmLens", "Dejavu, nearby windows"} <= set(table.index)
    assert table.loc["FilmLens", ["precision", "recall"]].min() > 0.8
    numbers = accuracy.numbers(study, table.reset_index())
    assert numbers["annotated films"] == 2 and numbers["annotated minutes"] == pytest.approx(0.5)
    assert numbers["stamper recall"] == table.loc["FilmLens", "recall"]
    for path in (two_films / "annotations").glob("*.csv"):
        path.unlink()
    without = Study.open(two_films)
    assert accuracy.by_engine(without)["engine"].tolist() == ["paper (3 films)"]
    assert "stamper recall" not in accuracy.numbers(without, accuracy.by_engine(without))


def test_a_typical_cue_is_of_about_median_length(two_films):
    study = Study.open(two_films)
    cues = pd.DataFrame({"film_id": ["one", "one", "two"], "start": [5.0, 20.0, 3.0], "end": [6.0, 30.0, 38.0]})
    assert placed.typical_moment(study, cues, "") == ("one", 5.0, 45.0)
    assert placed.typical_moment(study, cues, "two") == ("two", 0.0, 53.0)
    assert placed.typical_moment(study, cues[:0], "") == ("one", 0.0, 60.0)


def test_a_caption_is_found_by_the_name_or_the_name_that_it_continues():
    assert caption("table5_clips") is CAPTIONS["table5_clips"] and caption("table5_my_own") is CAPTIONS["table5"]
    with pytest.raises(ValueError, match="no caption"):
        caption("unheard_of")
    table = pd.DataFrame({"name": ["a"], "share": [0.256], "films": [3]})
    assert ">25.6%<" in html_table(table, formats=CAPTIONS["table2_missing"].formats_of(table))
    assert CAPTIONS["table2_missing"].formats_of(table).keys() == {"share"} and not CAPTIONS["s1_films"].formats_of(
        table
    )


def test_a_table_without_rows_is_told_and_not_saved(two_films):
    study = Study.open(two_films)
    told = study.save_table(pd.DataFrame({"of": []}), "entries", empty="no cuts & no speech")._repr_html_()
    assert "no cuts &amp; no speech" in told and not (study.figures / "entries.csv").exists()
    assert "nothing" in study.describe(pd.DataFrame({"x": []}), empty="nothing")._repr_html_()
    assert ">2.000<" in study.describe(pd.DataFrame({"x": [1.0, 3.0]}), empty="")._repr_html_()


def test_one_film_takes_the_next_ones_values_and_no_other_changes():
    films, columns = ["a", "b", "c"], list(mir.COLUMNS)
    keys = pd.DataFrame({"film_id": ["a", "a", "a", "b", "b", "c"], "cue": [0, 1, 2, 0, 1, 0]})
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(6, len(columns))), columns=columns)
    seen = []

    def predict(bags):
        seen.append([np.array(bag) for bag in bags])
        return np.array([[bag.mean()] for bag in bags])

    model = SimpleNamespace(cues=keys, film_ids=films, columns=columns, genres=["Drama"], labels=np.ones((3, 1)))
    model.predict = predict
    study = SimpleNamespace(descriptors="mir", table=lambda name, **asked: pd.concat([keys, values], axis=1))
    film_id, table = one_exchanged(study, model, "MFCC")
    before, after = seen
    moved = [columns.index(c) for c in mir.groups()["MFCC"]]
    assert film_id == "a" and table.loc[0, ["before", "after"]].tolist() == [before[0].mean(), after[0].mean()]
    np.testing.assert_array_equal(after[0][:, moved], before[1][[0, 1, 0]][:, moved])
    np.testing.assert_array_equal(np.delete(after[0], moved, axis=1), np.delete(before[0], moved, axis=1))
    assert all(np.array_equal(one, other) for one, other in zip(before[1:], after[1:], strict=True))
