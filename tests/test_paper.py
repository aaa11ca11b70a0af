"""The paper's facts: Table 1 and S1 from the list of its films, numbers with their sources."""

import math

import numpy as np
import pandas as pd
import pytest

from filmlens import paper
from filmlens.corpus import Corpus
from filmlens.look import GENRES
from filmlens.run.report import paper_and_ours


def labels() -> pd.DataFrame:
    return paper.films()["genres"].str.get_dummies("|").astype(bool)[list(GENRES)]


def test_table_1_follows_from_the_list_of_films():
    films, table = paper.films(), labels()
    assert len(films) == 110 and films["film_id"].is_unique and films["imdb_id"].str.fullmatch(r"tt\d{7,8}").all()
    assert films["year"].between(2014, 2019).all() and films["cues"].sum() == 4664 == paper.number("cues")
    for genre in GENRES:
        assert table[genre].sum() == paper.number(f"films tagged {genre}")
    assert {g for g in GENRES if not paper.second_hand(f"films tagged {g}")} == {"Action", "Horror"}
    several = table.sum(axis=1)
    assert ((several == 1).sum(), (several > 1).sum(), several.sum()) == (38, 72, 196)
    doubts = paper.numbers().set_index("name")["doubt"]
    assert "38" in doubts["films with one genre"] and "72" in doubts["films with several genres"]


def test_the_plurality_floor_follows_from_the_labels():
    """Of the second-hand acceptance values the one that needs no features: P .137879, R .333333, F1 .193303."""
    Y = labels().to_numpy()
    sets, counts = np.unique(Y, axis=0, return_counts=True)
    predicted = np.broadcast_to(sets[counts.argmax()], Y.shape)
    hits = (Y & predicted).sum(0)
    precision = np.divide(hits, predicted.sum(0), out=np.zeros(6), where=predicted.any(0))
    recall = hits / Y.sum(0)
    f1 = 2 * hits / (Y.sum(0) + predicted.sum(0))
    assert [round(v.mean(), 6) for v in (precision, recall, f1)] == [0.137879, 0.333333, 0.193303]


def test_second_hand_rows_say_so_with_their_doubts():
    assert paper.table4("vggish", "single_attention 128")["paper F1"] == 0.65
    assert math.isnan(paper.table4("vggish", "single_attention 64")["paper F1"]), "the row's nodes are known"
    assert paper.table4("vggish", "average 128")["paper P"] == 0.55, "the row's nodes are not known"
    assert "swapped" in paper.table4("vggish", "simple_mi_knn")["paper's doubt"]
    assert math.isnan(paper.table4("musicnn", "average 64")["paper F1"])
    numbers = paper.numbers()
    assert set(numbers["source"]) == {"the paper's text", paper.QUOTED}
    assert numbers.loc[numbers["name"].str.startswith("Table 4 "), "source"].eq(paper.QUOTED).all()
    assert numbers["name"].is_unique and numbers["sentence"].ne("").all()


def test_the_report_says_what_is_second_hand(tmp_path):
    table = paper_and_ours(tmp_path, synthetic=True).set_index("number")
    assert table.loc["films tagged Drama", "source"] == "second-hand"
    assert table.loc["films tagged Action", "source"] == "text"
    assert "has 38 with one genre" in table.loc["films with one genre", "source"]
    assert not table.index.str.startswith("Table 4 ").any(), "quoted rows stand in Table 4 itself"


@pytest.mark.parametrize("column", ["imdb_id", ""])
def test_the_studys_films_are_found_in_a_corpus(tmp_path, column):
    rows = [
        f"mine,annabelle,2014,Sci-Fi,a.mkv,{',tt3322940' if column else ''}",
        f"x,Nothing,2001,Drama,b.mkv,{',' if column else ''}",
    ]
    (tmp_path / "films.csv").write_text(
        "\n".join([f"film_id,title,year,genres,film,soundtrack{',' + column if column else ''}", *rows]) + "\n"
    )
    study = paper.films().set_index("title")
    assert study.loc["Annabelle", ["imdb_id", "year"]].tolist() == ["tt3322940", 2014]
    found = Corpus.open(tmp_path).among_the_studys()
    assert found.loc[found["here"] != "", ["title", "here"]].to_numpy().tolist() == [["Annabelle", "mine"]]
    table = Corpus.open(tmp_path).table1().set_index("set")
    assert table["source"].to_dict() == {"Drama": "second-hand", "Sci-Fi": "second-hand"} | dict.fromkeys(
        ("films with one genre", "films with several genres", "films"), "text"
    )
