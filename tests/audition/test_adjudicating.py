"""Deciding between annotators: what differs, what is taken over, and nothing but the film's own file is written."""

import json

import pandas as pd
import pytest
from conftest import put_table

from filmlens import verdicts
from filmlens.audition import Audition, AuditionCorpus, adjudicating
from filmlens.corpus import Corpus, annotators
from filmlens.verdicts import compared
from filmlens.verdicts.table import LEFT_OUT

STAMPED = pd.DataFrame(
    {"track": ["Theme", "Finale", "Theme", "Finale"], "start": [2.0, 12.0, 22.0, 32.0], "end": [8.0, 18.0, 28.0, 38.0]}
).assign(film_id="one", cue=range(4), track_start=0.0, speed=1.0, score=50.0)
ANN = """track,start,end,verdict,new_track,new_start,new_end,name,origin,function,heard,note
Theme,2,8,accept,,,,,score,,,
Finale,12,18,corrected,,12.2,,,,stinger|bridge,no,
Theme,22,28,reject,,,,,,,,
Finale,32,38,corrected,Theme,33.5,,,,,,a note
Theme,9,10,added,,,,,,,,
Theme,29,31,added,,,,,,,,
,19,21,added,,,,radio,song,,,
,0,40,complete,,,,,,,,
,8.5,9,no music,,,,,,,,
"""
BOB = """track,start,end,verdict,new_track,new_start,new_end,name,origin,function,heard,note
Theme,2,8,accept,,,,,,main title,,
Finale,12,18,corrected,,12.5,,,,bridge|stinger,no,
Theme,22,28,accept,,,,,,,,
Theme,9.2,10,added,,,,,,,,
Finale,19,20.8,added,,,,,,,,
,0,40,complete,,,,,,,,
,8.5,9,music,,,,,,,,
"""


@pytest.fixture
def corpus(two_films):
    corpus = Corpus.open(two_films)
    put_table(corpus, "cues", "one", STAMPED, duration=40.0)
    for who, text in (("ann", ANN), ("bob", BOB)):
        path = annotators.verdicts_of(corpus["one"], who)
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return corpus


@pytest.fixture
def session(corpus, monkeypatch):
    monkeypatch.setenv("FILMLENS_USER", "eve")
    return adjudicating.open_judging(corpus, "one")


def files(corpus):
    return {p.relative_to(corpus.folder): p.read_bytes() for p in (corpus.folder / "verdicts").rglob("*.csv")}


def named(session):
    """Matters by where they are and how they differ."""
    return {(m.first["start"], m.why): name for name, m in session.matters().items()}


def test_where_annotators_differ_is_said_in_words(session, corpus):
    assert list(named(session)) == [
        (2.0, ""),
        (9.0, ""),
        (12.2, ""),
        (19.0, "track"),
        (22.0, "rejected by ann"),
        (29.0, "no cue of bob"),
        (33.5, "not judged by bob"),
    ]
    table = adjudicating.disagreements(corpus)
    assert table["why"].tolist() == ["track", "rejected by ann", "no cue of bob", "not judged by bob"]
    assert not table["decided"].any() and table["track"].tolist() == ["radio", "Theme", "Theme", "Finale"]
    # where a list of cues is wanted, it is one
    page = AuditionCorpus(corpus, "one", queue=table)
    assert [c["given"] for c in page.answer({"type": "library"})[0]["cues"]].count(None) < 4
    page.close()


@pytest.mark.parametrize("gap, why", [(0.5, ""), (0.51, "start 0.51 s")])
def test_edges_differ_by_more_than_half_a_second(gap, why):
    cue = dict(zip(("basis", "verdict", "track", "start", "end"), ("stamped", "accept", "A", 1.0, 9.0), strict=True))
    cue |= dict.fromkeys(compared.FIELDS, "")
    assert compared.differences({"a": cue, "b": cue | {"start": 1.0 + gap, "verdict": "corrected"}}, ["a", "b"]) == why
    song = {"a": cue | {"origin": "song"}, "b": cue | {"origin": "score", "function": "x|y"}}
    assert compared.differences(song, ["a", "b"]) == "origin"


def test_what_is_taken_is_the_annotators_row_and_nothing_else_is_written(session, corpus):
    before = files(corpus)
    ids = named(session)
    seen = [files(corpus)]
    steps = [
        (ids[22.0, "rejected by ann"], "bob", {"verdict": "accept", "start": 22.0}),
        (ids[22.0, "rejected by ann"], "ann", {"verdict": "reject", "start": 22.0}),
        (ids[29.0, "no cue of bob"], "bob", {"verdict": LEFT_OUT, "start": 29.0, "end": 31.0, "track": "Theme"}),
        (ids[29.0, "no cue of bob"], "ann", {"verdict": "added", "start": 29.0, "end": 31.0, "track": "Theme"}),
        (ids[19.0, "track"], "bob", {"verdict": "added", "track": "Finale", "end": 20.8}),
        (ids[19.0, "track"], "ann", {"verdict": "added", "track": "", "name": "radio", "origin": "song", "end": 21.0}),
        (ids[33.5, "not judged by bob"], "ann", {"new_track": "Theme", "new_start": 33.5, "note": "a note"}),
    ]
    for matter, who, meant in steps:
        session.take(matter, who)
        seen.append(files(corpus))
        table = verdicts.read(corpus["one"].verdicts)
        rows = table[(table["start"] - session.matters()[matter].first["stamped_start"]).abs() < 0.01]
        assert len(rows) == 1 and {k: rows.iloc[0][k] for k in meant} == meant and rows.iloc[0]["who"] == "eve"
        assert session.matters()[matter].settled
    with pytest.raises(ValueError, match="bob has not judged"):
        session.take(ids[33.5, "not judged by bob"], "bob")
    with pytest.raises(ValueError, match="judged nothing"):
        session.take(ids[29.0, "no cue of bob"], "carl")
    assert {k: v for k, v in seen[-1].items() if k in before} == before, "annotators' files are left alone"
    assert adjudicating.disagreements(corpus)["decided"].all()
    cues = session.cues.set_index("start")
    assert cues.loc[19.0, ["name", "verdict"]].tolist() == ["radio", "added"] and cues.loc[29.0, "verdict"] == "added"
    for expected in reversed(seen[:-1]):
        session.undo()
        assert files(corpus) == expected
    assert session.undo()[0] == "nothing to undo"


def test_a_left_out_cue_is_no_rejected_stamped_one(session, corpus):
    """It lies over a stamped cue of its track, which nobody has decided on."""
    path = annotators.verdicts_of(corpus["one"], "ann")
    path.write_text(ANN + "Finale,33,37,added,,,,,,,,\n")
    [matter] = [name for name, m in session.matters().items() if m.first["start"] == 33.0]
    session.leave_out(matter)
    assert session.matters()[matter].settled and (session.cues["verdict"] == "").all()
    assert verdicts.verified(session.stamped, session.table).empty
    assert verdicts.precision(session.stamped, session.table)["cues_judged"] == 0


def test_what_all_agree_on_is_taken_over_as_one_step(session, corpus):
    found = adjudicating.take_agreed({"one": session}, sure=False)
    assert found["count"] == 4 and "differ on 4" in found["text"] and not corpus["one"].verdicts.exists()
    assert "4 verdicts taken over" in adjudicating.take_agreed({"one": session}, sure=True)["text"]
    table = verdicts.read(corpus["one"].verdicts).set_index(["track", "start"])
    assert table["verdict"].to_dict() == {
        ("Theme", 2.0): "accept",
        ("Theme", 9.0): "added",
        ("Finale", 12.0): "corrected",
        ("", 0.0): "complete",
    }, "of the recall check they differ"
    assert table.loc[("Theme", 2.0), ["origin", "function"]].tolist() == ["score", "main title"]
    assert table.loc[("Finale", 12.0), ["new_start", "heard"]].tolist() == [12.35, "no"], "the mean of their edges"
    assert table.loc[("Theme", 9.0), "new_start"] == 9.1 and pd.isna(table.loc[("Theme", 9.0), "new_end"])
    with pytest.raises(ValueError, match="agree on nothing"):
        adjudicating.take_agreed({"one": session}, sure=False)
    session.undo()
    assert not corpus["one"].verdicts.exists()


def test_an_annotator_sees_nothing_of_the_others(corpus):
    page = AuditionCorpus(corpus, "one", who="bob")
    for kind in ("open", "library", "state"):
        said = json.dumps(page.answer({"type": kind})[0])
        assert "ann" not in said.replace("annotat", "") and '"matters": [{' not in said
    assert page.answer({"type": "agreed", "sure": True})[0]["type"] == "error"
    page.close()
    page = Audition(corpus, "one")
    state = page.answer({"type": "open"})[0]
    assert [m["open"] for m in state["matters"]] == [False, False, False, True, True, True, True]
    assert [v["who"] for v in state["matters"][5]["versions"]] == ["ann", "bob"]
    assert "verdict" not in state["matters"][5]["versions"][1] and state["matters"][5]["cue"] is None
    took = page.answer({"type": "take", "matter": state["matters"][5]["id"], "who": "ann"})[0]
    assert took["matters"][5]["open"] is False and took["matters"][5]["cue"] in [c["id"] for c in took["cues"]]
    page.close()


def test_an_annotators_file_that_cannot_be_read_is_named_and_the_film_opens(corpus):
    annotators.verdicts_of(corpus["one"], "bob").write_text("who knows")
    page = AuditionCorpus(corpus, "one")
    said = page.answer({"type": "open"})[0]
    assert said["matters"] == [] and "bob/one.csv row 1" in said["film"]["problems"][0].replace("\\", "/")
    assert page.answer({"type": "library"})[0]["matters"]["one"] == []
    page.close()
