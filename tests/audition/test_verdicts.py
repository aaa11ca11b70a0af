"""Verdicts: the file, its lock, finding a cue again, undo, what follows for sheets and measures."""

import multiprocessing
import time

import numpy as np
import pandas as pd
import pytest

from filmlens import stages, verdicts
from filmlens.audition import Session, bulk, history
from filmlens.corpus import Corpus, CorpusError
from filmlens.verdicts import fields
from filmlens.verdicts import table as files

STAMPED = pd.DataFrame(
    {
        "track": ["Theme", "Finale", "Theme"],
        "start": [5.0, 25.0, 32.0],
        "end": [20.0, 30.0, 39.0],
        "track_start": [0.0, 3.0, 1.0],
        "speed": [1.0, 1.0, 1.04],
        "score": [90.0, 12.0, 40.0],
    }
)
#: The header of earlier versions: usage instead of origin and diegesis.
HEAD = "track,start,end,verdict,new_track,new_start,new_end,usage,who,when,note\n"
KEPT = ["track", "start", "end", "verdict", "new_track", "new_start", "new_end", "name", "origin", "who", "note"]


@pytest.fixture
def session(two_films):
    return Session(Corpus.open(two_films)["one"], STAMPED, 40.0, who="ann")


def rows(session):
    """What the file says, without the moment of writing."""
    table = pd.read_csv(session.film.verdicts, dtype=str, keep_default_na=False)
    return [",".join(row) for row in table[KEPT].to_numpy()] if session.film.verdicts.exists() else None


def ids(session):
    return session.cues["id"].tolist()


def test_every_action_is_on_disk_at_once_and_reopening_restores_it(session):
    first, second, third = ids(session)
    session.judge(first, "accept")
    assert rows(session) == ["Theme,5.000,20.000,accept,,,,,,ann,"]
    session.move(first, "start", 0.05, relative=True)
    session.move(first, "start", 0.05, relative=True)
    assert rows(session) == ["Theme,5.000,20.000,corrected,,5.100,,,,ann,"]
    assert session.judge(first, "accept") == "corrected already", "what was moved is corrected, as the documents say"
    session.move(first, "start", 5.0)
    assert rows(session) == ["Theme,5.000,20.000,,,,,,,ann,"], "moved there and back: nothing is said of it"
    session.move(first, "start", 5.1)
    session.judge(second, "reject")
    session.relabel(third, "Finale")
    session.describe(third, origin="song", note="sung, off screen")
    session.add("Theme", 21.0)
    session.add("", 1.0, 4.0, name="car radio")
    assert rows(session) == [
        "Theme,5.000,20.000,corrected,,5.100,,,,ann,",
        "Finale,25.000,30.000,reject,,,,,,ann,",
        "Theme,32.000,39.000,corrected,Finale,,,,song,ann,sung, off screen",
        "Theme,21.000,26.000,added,,,,,,ann,",
        ",1.000,4.000,added,,,,car radio,,ann,",
    ]
    again = Session(session.film, STAMPED, 40.0, who="bob")
    pd.testing.assert_frame_equal(again.cues, session.cues)
    assert not (session.film.folder / "annotations" / "one.csv").read_text().count("ann")


def test_undo_goes_back_step_by_step(session):
    first, second, _ = ids(session)
    session.judge(first, "accept")
    before = rows(session)
    session.move(second, "end", 29.0)
    session.judge(second, "reject")
    assert session.undo() == ("undone: cue rejected", second)
    assert rows(session) == [*before, "Finale,25.000,30.000,corrected,,,29.000,,,ann,"]
    session.undo()
    assert rows(session) == before
    session.undo()
    assert not session.film.verdicts.exists() and not session.can_undo and session.undo()[0] == "nothing to undo"


def test_what_a_slower_thread_made_of_the_file_before_is_not_kept(session, monkeypatch):
    """Sound is cut in threads that ask where the cue lies, while keys move its edge."""
    first, judged, threads = ids(session)[0], verdicts.judged, []

    def slow(stamped, table):
        if not threads:
            threads.append(None)
            session.move(first, "end", 20.5)  # another thread's key, in the middle of this one's reading
        return judged(stamped, table)

    monkeypatch.setattr(verdicts, "judged", slow)
    session.refresh()
    session.cues  # noqa: B018 - made of the file as it was before the key
    assert session.cue(first)["end"] == 20.5
    session.move(first, "end", 0.5, relative=True)
    assert session.cue(first)["end"] == 21.0


def test_an_added_cue_is_taken_away_and_comes_back(session):
    new = session.add("Finale", 21.0, 24.0)
    session.move(new, "end", 23.5)
    assert session.cues.set_index("id").loc[new, ["end", "verdict"]].tolist() == [23.5, "added"]
    session.judge(new, "reject")
    assert new not in ids(session) and rows(session) == []
    session.undo()
    assert session.cues.set_index("id").loc[new, "end"] == 23.5


def test_two_sessions_lose_nothing_and_the_last_write_per_cue_wins(session):
    other = Session(session.film, STAMPED, 40.0, who="bob")
    first, second, third = ids(session)
    session.judge(first, "accept")
    other.judge(second, "accept")
    session.judge(second, "reject")
    other.judge(third, "reject")
    assert rows(other) == [
        "Theme,5.000,20.000,accept,,,,,,ann,",
        "Finale,25.000,30.000,reject,,,,,,ann,",
        "Theme,32.000,39.000,reject,,,,,,bob,",
    ]
    other.undo()  # the third
    assert "not undone" in other.undo()[0], "the second was changed by the other session since"
    assert rows(other)[1].startswith("Finale,25.000,30.000,reject")


def _judge(film, number, verdict):
    session = Session(
        film, pd.DataFrame({"track": "T", "start": np.arange(20) * 9.0, "end": np.arange(20) * 9.0 + 8}), 200
    )
    for k in range(number, 20, 4):
        session.judge(session.cues["id"].iloc[k], verdict)


def test_writers_at_the_same_time_keep_all_rows(two_films):
    film = Corpus.open(two_films)["one"]
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_judge, args=(film, k, ["accept", "reject"][k % 2])) for k in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    table = verdicts.read(film.verdicts)
    assert len(table) == 20 and [w.exitcode for w in writers] == [0] * 4
    assert table.sort_values("start")["verdict"].tolist() == ["accept", "reject"] * 10


def test_a_held_lock_is_an_error_not_a_lost_row(session, monkeypatch):
    monkeypatch.setattr(files, "_PATIENCE_S", 0.05)
    with files.locked(session.film.verdicts), pytest.raises(OSError, match="held its lock"):
        session.judge(ids(session)[0], "accept")
    assert not session.film.verdicts.exists()


def test_a_cue_is_found_again_after_a_new_stamping(session):
    first, _, third = ids(session)
    session.judge(first, "accept")
    session.judge(third, "reject")
    moved = STAMPED.assign(start=[4.0, 25.0, 31.2], end=[18.0, 30.0, 37.0]).iloc[[1, 2, 0]]
    again = Session(session.film, moved, 40.0)
    cues = again.cues.set_index("stamped_start")
    assert cues.loc[31.2, "verdict"] == "reject" and cues.loc[25.0, "verdict"] == ""
    assert cues.loc[4.0, ["verdict", "start", "end", "track_start"]].tolist() == ["accept", 5.0, 20.0, 1.0]
    again.move(cues.loc[4.0, "id"], "end", 19.0)
    assert rows(again)[0].startswith("Theme,5.000,20.000,corrected,,,19.000"), "the row keeps the place that was judged"
    gone = Session(session.film, STAMPED.iloc[[1]], 40.0)
    kept = gone.cues[gone.cues["basis"] == "kept"]
    assert kept[["track", "verdict"]].to_numpy().tolist() == [["Theme", "corrected"]]


def test_overlapping_cues_of_one_track_keep_their_own_verdicts(two_films):
    stamped = pd.DataFrame({"track": "T", "start": [0.0, 6.0], "end": [10.0, 16.0]})
    session = Session(Corpus.open(two_films)["two"], stamped, 40.0)
    session.judge(ids(session)[1], "reject")
    session.judge(ids(session)[0], "accept")
    assert session.cues["verdict"].tolist() == ["accept", "reject"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Theme,5,20,perhaps,,,,,,,", "row 2: verdict 'perhaps' is none of"),
        ("Theme,x,20,accept,,,,,,,", "row 2: start 'x' is no time"),
        ("Theme,5,20,accept,,,,loud,,,", "row 2: usage 'loud'"),
        ("Theme,5,20,accept,,,,score,,,\nTheme,30,35,accept,,,,radio,,,", "row 3: usage 'radio'"),
    ],
)
def test_a_file_that_cannot_be_understood_names_its_row_and_is_left_alone(two_films, line, message):
    film = Corpus.open(two_films)["one"]
    film.verdicts.parent.mkdir()
    film.verdicts.write_text(HEAD + line + "\n")
    with pytest.raises(CorpusError, match=message):
        verdicts.read(film.verdicts)
    with pytest.raises(CorpusError, match=r"one\.csv"):
        files.put(film.verdicts, (lambda table: -1, {"track": "T", "start": 1.0, "end": 2.0, "verdict": "accept"}))
    assert film.verdicts.read_text() == HEAD + line + "\n"


def test_columns_and_rows_of_the_users_own_are_kept(session):
    session.film.verdicts.parent.mkdir()
    session.film.verdicts.write_text("verdict,track,start,end,mood\naccept,Theme,0:05,0:20,dark\n")
    again = Session(session.film, STAMPED, 40.0)
    again.judge(ids(again)[1], "reject")
    text = session.film.verdicts.read_text().splitlines()
    assert text[0].endswith(",mood") and text[1].startswith("Theme,0:05,0:20,accept") and text[1].endswith(",dark")
    again.judge(ids(again)[0], "reject")
    assert "Theme,0:05,0:20,reject" in session.film.verdicts.read_text()
    again.undo()
    assert "Theme,0:05,0:20,accept" in session.film.verdicts.read_text()


def test_joined_files_count_the_latest_row(session):
    session.film.verdicts.parent.mkdir()
    session.film.verdicts.write_text(
        HEAD + "Theme,5,20,accept,,,,,ann,2026-02-01T10:00:00Z,\n" + "Theme,5,20,reject,,,,,bob,2026-01-01T10:00:00Z,\n"
    )
    assert verdicts.read(session.film.verdicts)["who"].tolist() == ["ann"]


def test_verified_cues_are_those_heard_where_they_were_corrected_to(session):
    first, second, third = ids(session)
    session.move(first, "start", 6.5)
    session.judge(second, "reject")
    session.relabel(third, "Finale")
    session.describe(third, diegesis="diegetic")
    session.add("Theme", 21.0, 24.0)
    sheet = verdicts.verified(STAMPED, session.table)
    assert sheet[["track", "start", "end", "usage"]].to_numpy().tolist() == [
        ["Theme", 6.5, 20.0, "score"],
        ["Theme", 21.0, 24.0, "score"],
        ["Finale", 32.0, 39.0, "diegetic"],
    ]
    assert sheet["track_start"].iloc[0] == 1.5 and np.isnan(sheet["track_start"].iloc[2])
    assert verdicts.verified(STAMPED, session.table, usage="diegetic")["track"].tolist() == ["Finale"]


def test_an_edge_before_the_tracks_beginning_does_not_move_the_music(session):
    first = ids(session)[0]
    session.move(first, "start", 4.0)
    assert session.cues["track_start"].iloc[0] == -1.0, "so that film and track stay aligned"
    assert verdicts.verified(STAMPED, session.table)["track_start"].iloc[0] == 0.0


def test_verified_cues_feed_the_stages_by_usage(two_films):
    corpus = Corpus.open(two_films)
    session = Session(corpus["one"], STAMPED, 40.0)
    for cue, origin in zip(ids(session), ("", "song", "song"), strict=True):
        session.judge(cue, "accept")
        session.describe(cue, origin=origin)
    quiet = {"say": lambda line: None, "films": ["one"]}
    stages.run(corpus, "verified-song", **quiet)
    stages.run(corpus, "verified", **quiet)
    assert stages.read(corpus, "verified-song")["start"].tolist() == [25.0, 32.0]
    assert stages.read(corpus, "verified")["usage"].tolist() == ["score", "song", "song"]
    assert stages.complete("mir-cues", {"cues": "verified-song"})["usage"] == "song"
    assert stages.variant("mir", stages.complete("mir", {"cues": "verified-song"})) == "cues=verified-song"
    session.judge(ids(session)[2], "reject")
    outcome = stages.run(corpus, "verified-song", **quiet)[-1]
    assert outcome.computed == 1 and stages.read(corpus, "verified-song")["start"].tolist() == [25.0]


def test_precision_over_judged_cues_by_hand(session):
    first, second, third = ids(session)
    assert np.isnan(verdicts.precision(STAMPED, session.table)["precision"])
    session.move(first, "end", 17.0)  # 12 of 15 s right
    session.judge(second, "reject")  # 0 of 5 s
    found = verdicts.precision(STAMPED, session.table)
    assert found["precision"] == pytest.approx(12 / 20) and (found["cues_judged"], found["cues_right"]) == (2, 1)
    session.relabel(third, "Finale")  # 0 of 7 s
    session.add("Theme", 21.0)  # what was missed says nothing of precision
    assert verdicts.precision(STAMPED, session.table)["precision"] == pytest.approx(12 / 27)


def test_a_cue_that_was_split_or_merged_is_right_as_to_its_seconds(two_films):
    """Two stamped cues that are one use of the track, and one whose middle is another's."""
    starts, ends = [0.0, 12.0, 20.0, 30.0], [10.0, 18.0, 28.0, 40.0]
    stamped = STAMPED.iloc[[0, 0, 1, 0]].assign(start=starts, end=ends).reset_index(drop=True)
    session = Session(Corpus.open(two_films)["one"], stamped, 40.0)
    first, second, other, last = ids(session)
    session.merge(first, second)  # from 0 to 18
    found = verdicts.precision(stamped, session.table)
    assert (found["seconds_right"], found["seconds_judged"], found["cues_right"]) == (16.0, 16.0, 2)
    tail = session.split(last, 36.0)
    assert verdicts.precision(stamped, session.table)["precision"] == 1.0
    session.move(tail, "start", 37.0)  # a second in which nobody heard it
    assert verdicts.precision(stamped, session.table)["seconds_right"] == 16.0 + 9.0
    session.merge(other, tail)  # another track: what was split off is confirmed by nobody now
    found = verdicts.precision(stamped, session.table)
    assert (found["seconds_right"], found["seconds_judged"], found["cues_judged"]) == (16.0 + 8.0 + 6.0, 34.0, 4)
    assert bulk.certainty(session.cues).size and found["cues_right"] == 4
    seconds = np.arange(0.05, 40, 0.1)
    now, right = session.cues, 0
    for cue in stamped.itertuples():
        for second in seconds[(seconds >= cue.start) & (seconds < cue.end)]:
            there = (now["start"] <= second) & (second < now["end"]) & (now["track"] == cue.track)
            right += bool((there & (now["verdict"] != "reject")).any())
    assert right / 10 == pytest.approx(found["seconds_right"], abs=0.11)


def test_spans_lie_outside_all_cues_and_are_the_same_again():
    drawn = verdicts.sample_spans(STAMPED, 400.0, 30, seed=3)
    assert len(drawn) == 30 and (drawn == verdicts.sample_spans(STAMPED, 400.0, 30, seed=3)).all()
    for start, end in drawn:
        assert abs(end - start - 5.0) < 1e-9 and 0 <= start and end <= 400
        assert not ((STAMPED["start"] < end) & (STAMPED["end"] > start)).any()
    ordered = drawn[np.argsort(drawn[:, 0])]
    assert (ordered[1:, 0] >= ordered[:-1, 1]).all(), "spans do not overlap"
    early = np.mean([verdicts.sample_spans(STAMPED, 400.0, 1, seed=s)[0, 0] > 217 for s in range(300)])
    assert 0.4 < early < 0.6, "places are drawn uniformly"
    assert len(verdicts.sample_spans(pd.DataFrame({"start": [0.0], "end": [38.0]}), 40.0)) == 0


def test_every_other_span_is_drawn_from_unidentified_music():
    music = pd.DataFrame({"start": [100.0, 300.0], "end": [130.0, 390.0]})
    drawn = verdicts.sample_spans(STAMPED, 400.0, 12, music=music, seed=3)
    middle = drawn.mean(axis=1)
    inside = ((middle >= 100) & (middle < 130)) | ((middle >= 300) & (middle < 390))
    assert inside.tolist() == [True, False] * 6
    nowhere = music.iloc[:0]
    assert (
        verdicts.sample_spans(STAMPED, 400.0, 9, music=nowhere, seed=3)
        == verdicts.sample_spans(STAMPED, 400.0, 9, seed=3)
    ).all()


def test_spans_of_music_and_of_the_rest_count_by_their_own_seconds():
    """400 films of which a tenth is missed, most of it in 60 s of unidentified music: the estimate is not biased."""
    stamped = pd.DataFrame({"track": ["A"], "start": [0.0], "end": [100.0]})
    music = pd.DataFrame({"start": [200.0], "end": [260.0]})
    found = []
    for seed in range(400):
        spans = verdicts.sample_spans(stamped, 500.0, 20, music=music, seed=seed)
        middle = spans.mean(axis=1)
        missed = ((middle >= 200) & (middle < 248)) | ((middle >= 400) & (middle < 434))
        table = pd.DataFrame({"track": "", "start": spans[:, 0], "end": spans[:, 1], "usage": "", "note": ""})
        table = table.assign(
            verdict=np.where(missed, "music", "no music"), new_track="", new_start=np.nan, new_end=np.nan
        )
        spots = verdicts.spot_recall(stamped, table.assign(who="", when=""), 500.0, music)
        assert [round(s["seconds_outside"]) for s in spots] == [60, 340]
        found.append(100 / verdicts.recall_from_spans(spots)["recall"] - 100)
    assert np.mean(found) == pytest.approx(48 + 34, rel=0.05)
    plain = verdicts.spot_recall(
        stamped, table.assign(who="", when="")[~missed], 500.0, music.assign(start=230.0, end=230.0)
    )
    assert len(plain) == 1 and plain[0]["seconds_found"] == 100


def test_recall_from_spans_covers_the_truth():
    """500 films of known recall, 20 spans each: the interval holds the truth about as often as it says."""
    rng, truth, held = np.random.default_rng(1), 1000 / (1000 + 0.2 * 1500), 0
    for _ in range(500):
        film = {"answered": 20, "music": int(rng.binomial(20, 0.2)), "seconds_outside": 1500.0}
        found = verdicts.recall_from_spans([film | {"seconds_found": 1000.0, "precision": 1.0}])
        held += found["low"] <= truth <= found["high"]
    assert 0.91 <= held / 500 <= 0.99
    film |= {"seconds_found": 1000.0, "precision": 1.0}
    one, four = verdicts.recall_from_spans([film]), verdicts.recall_from_spans([film] * 4)
    assert four["recall"] == pytest.approx(one["recall"]) and four["answered"] == 80
    assert one["low"] < four["low"] < four["recall"] < four["high"] < one["high"]


def test_recall_comes_from_spans_or_complete_films_never_from_judging_alone(two_films):
    corpus = Corpus.open(two_films)
    cues = pd.concat([STAMPED.assign(film_id="one"), STAMPED.assign(film_id="two")], ignore_index=True)
    session = Session(corpus["one"], STAMPED, 60.0)
    for cue in ids(session):
        session.judge(cue, "accept")
    table = verdicts.judged_accuracy(corpus, cues, lambda film_id: 60.0)
    assert table["precision"].tolist() == [1.0, 1.0] and table["recall"].isna().all()
    spans = session.spans()
    assert 3 <= len(spans) <= 20 and {s["answer"] for s in spans} == {""}
    for span in spans:
        session.answer(span["start"], span["end"], music=span is spans[0])
    assert [s["answer"] for s in session.spans()].count("music") == 1
    row = verdicts.judged_accuracy(corpus, cues, lambda film_id: 60.0).iloc[0]
    assert row["recall_from"] == "spans" and row["recall"] == pytest.approx(27 / (27 + 33 / len(spans)))
    assert row["recall_low"] < row["recall"] < row["recall_high"]
    session.add("Finale", 41.0, 50.0)
    session.mark_complete(True)
    row = verdicts.judged_accuracy(corpus, cues, lambda film_id: 60.0).iloc[0]
    assert row["recall_from"] == "complete" and row["recall"] == pytest.approx(27 / 36)
    session.mark_complete(False)
    assert not session.complete


def test_when_is_utc():
    assert abs(pd.Timestamp(verdicts.when()).timestamp() - time.time()) < 5


def test_of_two_rows_on_a_cue_the_latest_is_shown_and_edited(session):
    """Files of two annotators, joined: the newest row was shown and the oldest edited."""
    path = session.film.verdicts
    path.parent.mkdir(exist_ok=True)
    newest = "Theme,5.000,20.000,reject,,,,,bob,2026-02-01T00:00:00Z,\n"
    oldest = "Theme,5.000,20.000,accept,,,,,ann,2026-01-01T00:00:00Z,\n"
    added = [f"Song,21.000,24.000,added,,,,,{who},2026-0{k}-01T00:00:00Z,\n" for k, who in ((2, "bob"), (1, "ann"))]
    path.write_text("".join([HEAD, oldest, newest, *added]), encoding="utf-8")
    judging = Session(session.film, STAMPED, 40.0, who="eve")
    first = ids(judging)[0]
    assert judging.cues["verdict"].tolist()[0] == "reject"
    judging.describe(first, note="too loud")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "too loud" in lines[2] and len(lines) == 5
    assert [c for c in lines[1].split(",") if c] == [c for c in oldest.strip().split(",") if c]
    assert judging.cues["verdict"].tolist()[0] == "reject" and judging.cues["note"].tolist()[0] == "too loud"
    [song] = [i for i in ids(judging) if i.startswith("added")]
    judging.judge(song, "reject")
    assert not [i for i in ids(judging) if i.startswith("added")], "the older row must not come back"


def test_usage_of_earlier_versions_is_read_and_nothing_is_guessed(session):
    path = session.film.verdicts
    path.parent.mkdir(exist_ok=True)
    said = ("score", "song", "diegetic", "")
    path.write_text(HEAD + "".join(f"T,{k}0,{k}5,accept,,,,{usage},ann,,\n" for k, usage in enumerate(said)))
    old = path.read_bytes()
    table = verdicts.read(path)
    assert table["origin"].tolist() == ["score", "song", "", ""]
    assert table["diegesis"].tolist() == ["", "", "diegetic", ""] and "usage" not in table
    judging = Session(session.film, STAMPED, 40.0, who="eve")
    judging.judge(ids(judging)[0], "accept")
    assert verdicts.read(path)["origin"].tolist()[:4] == table["origin"].tolist()
    judging.undo()
    assert path.read_bytes() == old, "undo gives the file back byte for byte, columns of old included"


def test_every_action_is_undone_byte_for_byte(session):
    """A file as a spreadsheet leaves it: quotes, CRLF, a column of the user's own, no newline at the end."""
    path = session.film.verdicts
    path.parent.mkdir(exist_ok=True)
    path.write_bytes('track,start,end,verdict,"mood"\r\n"Theme",0:05,0:20,accept,"d\u00e4rk, \x0b"'.encode())
    session.refresh()
    first, second, third = ids(session)
    added = session.add("Theme", 22.0, 24.0)
    before = [path.read_bytes()]
    for act in (
        lambda: session.judge(first, "reject"),
        lambda: session.move(second, "end", 29.5),
        lambda: session.relabel(third, "", name="radio"),
        lambda: session.describe(first, function="leitmotif|stinger", hits="0:06.00 door"),
        lambda: session.split(third, 35.0),
        lambda: session.merge(first, added),
        lambda: session.duplicate(second, 1.0),
        lambda: session.mark_complete(True),
        lambda: session.answer(0.0, 5.0, True),
    ):
        act()
        assert path.read_bytes() != before[-1]
        before.append(path.read_bytes())
    for expected in reversed(before[:-1]):
        session.undo()
        assert path.read_bytes() == expected
    session.undo()
    assert path.read_bytes().endswith(b'\x0b"') and not session.can_undo


def test_what_was_written_since_outlives_an_undo(session):
    """The first row makes the file: taking it back later must leave the header and the other's row."""
    other = Session(session.film, STAMPED, 40.0, who="bob")
    first, second, _ = ids(session)
    session.judge(first, "accept")
    other.judge(second, "accept")
    assert session.undo()[0] == "undone: cue accepted"
    assert rows(session) == ["Finale,25.000,30.000,accept,,,,,,bob,"]


def test_splitting_and_merging(session):
    first, second, third = ids(session)
    session.describe(first, diegesis="diegetic")
    half = session.split(first, 12.0)
    cues = session.cues.set_index("id")
    assert cues.loc[first, ["start", "end", "verdict"]].tolist() == [5.0, 12.0, "corrected"]
    assert cues.loc[half, ["start", "end", "track", "diegesis"]].tolist() == [12.0, 20.0, "Theme", "diegetic"]
    assert cues.loc[half, "track_start"] == 7.0, "the music goes on where the first part left it"
    session.merge(first, half)
    assert half not in ids(session) and session.cues.set_index("id").loc[first, "end"] == 20.0
    session.merge(second, third)
    cues = session.cues.set_index("id")
    assert cues.loc[second, "end"] == 39.0 and cues.loc[third, "verdict"] == "reject"
    again = session.duplicate(first, 20.0)
    assert session.cues.set_index("id").loc[again, ["start", "end"]].tolist() == [20.0, 35.0]
    with pytest.raises(ValueError, match="not inside"):
        session.split(first, 20.0)


def test_music_on_no_track_counts_and_is_not_measured(two_films):
    corpus = Corpus.open(two_films)
    session = Session(corpus["one"], STAMPED, 60.0)
    for cue in ids(session):
        session.judge(cue, "accept")
    session.add("", 41.0, 50.0, name="a song on the radio")
    session.mark_complete(True)
    assert verdicts.verified(STAMPED, session.table)["track"].tolist() == ["Theme", "Finale", "Theme"]
    assert len(verdicts.verified(STAMPED, session.table, trackless=True)) == 4
    row = verdicts.judged_accuracy(corpus, STAMPED.assign(film_id="one"), lambda film_id: 60.0).iloc[0]
    assert row["recall"] == pytest.approx(27 / 36), "nine seconds of music that no track has were missed"


def test_steps_outlive_a_reload_and_other_films(two_films):
    corpus = Corpus.open(two_films)
    folder = corpus.derived / "audition"
    steps = history.of_sitting(folder, "a-1")
    films = {name: Session(corpus[name], STAMPED, 40.0, who="ann", steps=steps) for name in ("one", "two")}
    films["one"].judge(ids(films["one"])[0], "accept")
    films["two"].judge(ids(films["two"])[0], "reject")
    again = history.of_sitting(folder, "a-1")
    assert len(again) == 2 and again.film_id == "two" and len(history.of_sitting(folder, "a-2")) == 0
    session = Session(corpus["one"], STAMPED, 40.0, steps=again)
    session.undo(lambda film_id: corpus[film_id].verdicts)
    assert not corpus["two"].verdicts.exists() and corpus["one"].verdicts.exists() and again.film_id == "one"
    session.undo(lambda film_id: corpus[film_id].verdicts)
    assert not corpus["one"].verdicts.exists() and len(history.of_sitting(folder, "a-1")) == 0


def test_saying_what_is_said_already_writes_nothing(session):
    first = ids(session)[0]
    assert session.describe(first, diegesis="", note="") == "nothing changed" and not session.film.verdicts.exists()
    session.describe(first, diegesis="diegetic")
    assert session.describe(first, diegesis="diegetic") == "nothing changed" and len(session.steps) == 1


def test_labels_of_functions_can_be_edited(two_films):
    folder = Corpus.open(two_films)["one"].verdicts.parent
    assert "leitmotif" in fields.labels(folder)
    folder.mkdir()
    (folder / "labels.csv").write_text("function\nsuspense\n\nchase, fast\n")
    assert fields.labels(folder) == ["suspense", "chase, fast"]
    (folder / "labels.csv").write_text("label\nsuspense\n")
    with pytest.raises(CorpusError, match=r"labels\.csv row 1"):
        fields.labels(folder)


def test_bulk_acceptance_states_its_precision_and_says_nothing_of_the_stamper(two_films):
    corpus = Corpus.open(two_films)
    stamped = pd.DataFrame({"track": "Theme", "start": np.arange(10) * 4.0, "end": np.arange(10) * 4.0 + 3})
    stamped = stamped.assign(track_start=0.0, speed=1.0, score=np.arange(10) * 10.0)
    session = Session(corpus["one"], stamped, 60.0, who="ann")
    with pytest.raises(ValueError, match="was heard yet"):
        bulk.estimate([session], 30)
    for k, verdict in ((9, "accept"), (8, "accept"), (7, "reject"), (1, "reject")):
        session.judge(ids(session)[k], verdict)
    before = session.film.verdicts.read_bytes()
    found = bulk.estimate([session], 30)
    assert (found["count"], found["heard"], found["right"]) == (4, 3, 2) and "precision 0.67" in found["text"]
    assert found["low"] < 2 / 3 < found["high"] and session.film.verdicts.read_bytes() == before
    measured = verdicts.precision(stamped, session.table)
    assert "4 cues accepted unheard" in bulk.accept({"one": session}, found, 30)
    assert session.cues["verdict"].tolist() == ["", "reject", "", *["accept"] * 4, "reject", "accept", "accept"]
    assert verdicts.precision(stamped, session.table) == measured
    assert len(verdicts.verified(stamped, session.table)) == 6 and bulk.estimate([session], 0)["heard"] == 4
    session.undo()
    assert session.film.verdicts.read_bytes() == before, "one step"
    session.judge(ids(session)[5], "accept")
    assert session.cues["heard"].tolist()[5] == ""
