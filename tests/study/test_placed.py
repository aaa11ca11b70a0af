"""Placement of a study's films: titles, tracks in album order, entries where cuts and speech are known, recall."""

import numpy as np
import pandas as pd
import pytest

from filmlens.figures.captions import caption
from filmlens.look import html_table
from filmlens.study import Study, placed

CUES = pd.DataFrame(
    {"film_id": ["one", "one", "two"], "track": ["Theme", "Finale", "Theme"], "start": [5.0, 25.0, 6.0]}
).assign(end=lambda t: t["start"] + 10.0)


@pytest.fixture
def study(two_films):
    return Study.open(two_films)


def test_the_table_has_titles_and_clock_times(study):
    table = placed.placed(study, CUES)
    assert table["title"].tolist() == ["First", "Second & Last"]
    assert table["without"].to_numpy() == pytest.approx([0.5, 0.75], abs=0.01)
    shown = table[list(placed.COLUMNS)].rename(columns=placed.COLUMNS)
    page = html_table(shown, formats=caption("placement").formats)
    assert "Second &amp; Last" in page and ">0:40<" in page and ">75%<" in page


def test_tracks_are_in_the_order_of_their_names(study):
    use = placed.used(study, CUES).query("film_id == 'one'").set_index("track")
    assert use["album"].to_dict() == {"Finale": 1, "Theme": 2} and use["film"].to_dict() == {"Finale": 2, "Theme": 1}


def test_entries_are_told_where_something_is_known(study, two_films):
    assert placed.entries(study, CUES).empty
    (two_films / "cuts").mkdir()
    (two_films / "cuts" / "one.csv").write_text("time\n5.4\n30\n")
    (two_films / "speech").mkdir()
    (two_films / "speech" / "two.vtt").write_text("WEBVTT\n\n00:05.000 --> 00:09.000\nHello\n")
    table = placed.entries(study, CUES).set_index("of")
    assert table.loc["cuts", ["films", "entries", "share"]].tolist() == [1, 2, 0.5]
    assert table.loc["cuts", "chance"] == pytest.approx(4 / 40, abs=0.005)
    assert table.loc["speech", "share"] == 1 and np.isnan(table.loc["speech", "low"]), "two films have no interval"


def test_recall_is_of_the_annotated_films(study):
    table = placed.recall(study, CUES)
    assert table["seconds"].sum() == pytest.approx(30) and table["films"].max() == 2
    found = (table["recall"] * table["seconds"]).sum()
    assert found == pytest.approx(10 + 10, abs=0.1)
