"""A cue of several segments, from the table on disk to its features."""

import pandas as pd
import pytest
from conftest import put_table

from filmlens import artefacts, stages
from filmlens.audition import open_session
from filmlens.corpus import Corpus
from filmlens.stages import of_film
from filmlens.study import Study

quiet = {"say": lambda line: None}
SEGMENTS = pd.DataFrame(
    {
        "cue": [0, 0, 0, 1],
        "segment": [0, 1, 2, 0],
        "start": [5.0, 11.0, 17.5, 30.0],
        "end": [11.0, 17.0, 22.0, 35.5],
        "track_start": [2.0, 0.5, 6.0, 1.0],
        "speed": [1.0, 25 / 24, 1.0, 1.0],
    }
)
CUES = pd.DataFrame(
    {
        "film_id": "one",
        "cue": [0, 1],
        "track": ["Theme", "Theme"],
        "start": [5.0, 30.0],
        "end": [22.0, 35.5],
        "track_start": [2.0, 1.0],
        "speed": 1.0,
        "score": [90.0, 30.0],
    }
)


def measured(film, sheet, segments=None, sound="track"):
    tables = {"sheet": sheet} | ({} if segments is None else {"sheet-segments": segments})
    return of_film.music(film, tables, features="mir", cues="stamped", sound=sound).table


def test_rows_of_a_cue_are_those_of_its_pieces(two_films):
    film = Corpus.open(two_films)["one"]
    rows = measured(film, CUES, SEGMENTS)
    pieces = SEGMENTS.assign(film_id="one", track="Theme", score=1.0, cue=range(4))
    alone = measured(film, pieces)
    assert rows["cue"].unique().tolist() == [0, 1] and len(rows) == len(alone)
    pd.testing.assert_frame_equal(rows.drop(columns="cue"), alone.drop(columns="cue"))
    times = rows.loc[rows["cue"] == 0, "time"]
    assert times.is_monotonic_increasing and not times.between(17.0, 17.5).any(), "nothing is of the pause"
    on_film = measured(film, CUES, SEGMENTS, sound="film")
    pd.testing.assert_frame_equal(on_film, measured(film, CUES, sound="film"))


@pytest.fixture
def stamped(two_films):
    """Both films stamped; the cue of the first is then said to have two segments."""
    corpus = Corpus.open(two_films)
    stages.run(corpus, "cues", **quiet)
    return corpus


def halved(corpus, at=4.0):
    """Divide the first film's first cue, as a stamper would have that found a cut in it."""
    cues, segments = (stages.path(corpus, name, "one") for name in ("cues", "segments"))
    table, told = artefacts.read_table(segments), artefacts.read_provenance(segments)
    second = table.iloc[:1].copy()
    second["start"] += at
    second["segment"] = 1
    table.loc[0, "end"] = second["start"].iloc[0]
    table = pd.concat([table.iloc[:1], second, table.iloc[1:]], ignore_index=True)
    artefacts.write_table(segments, table, told)
    told = artefacts.read_provenance(cues)
    beside = told["beside"] | {"../segments/one.parquet": artefacts.table_hash(table)}
    artefacts.write_table(cues, artefacts.read_table(cues), told | {"beside": beside})
    return table


def test_features_stand_on_the_segments(stamped):
    stages.run(stamped, "mir", **quiet)
    assert [p.tasks for p in stages.planned(stamped, "mir")] == [[], []]
    halved(stamped)
    assert [[(t.subject, t.why) for t in p.tasks] for p in stages.planned(stamped, "mir")] == [
        [],
        [("one", "its sheet-segments changed")],
    ]
    outcome = stages.run(stamped, "mir", **quiet)[-1]
    assert (outcome.computed, outcome.kept) == (1, 1)


def test_nothing_is_held_up_by_segments_that_are_to_come(two_films):
    plans = stages.planned(Corpus.open(two_films), "mir-cues", cues="verified")
    assert [p.step.place.stage for p in plans] == ["cues", "verified", "mir", "mir-cues"]
    assert all(len(p.tasks) == 2 and not p.blocked for p in plans)


def test_a_verified_cue_keeps_its_segments(stamped):
    segments = halved(stamped)
    session = open_session(stamped, "one")
    cue = session.cues["id"].iloc[0]
    session.judge(cue, "accept")
    stages.run(stamped, "mir", cues="verified", films=["one"], **quiet)
    place = ["start", "end", "track_start", "speed"]
    kept = stages.read(stamped, "verified-segments")
    pd.testing.assert_frame_equal(kept[place], segments.loc[segments["cue"] == 0, place].reset_index(drop=True))
    later = segments["start"].iloc[1] + 1.0
    session.move(cue, "start", later)
    outcomes = stages.run(stamped, "mir", cues="verified", films=["one"], **quiet)
    assert [o.computed for o in outcomes] == [0, 1, 1]
    kept, sheet = (stages.read(stamped, name) for name in ("verified-segments", "verified"))
    assert len(kept) == 1 and sheet.loc[0, "track_start"] == kept.loc[0, "track_start"]
    assert kept.loc[0, "track_start"] == pytest.approx(segments["track_start"].iloc[1] + 1.0, abs=0.01)
    assert "segments" not in sheet


def test_pieces_of_a_study_are_what_is_measured(stamped):
    segments = halved(stamped)
    study = Study.open(stamped.folder)
    pieces = study.pieces(study.table("sheet"))
    place = ["cue", "start", "end", "track_start", "speed"]
    ours = pieces[pieces["film_id"] == "one"].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours[place], segments[place])
    assert set(ours["track"]) == {"Theme"} and set(pieces["film_id"]) == {"one", "two"}
    annotated = Study.open(stamped.folder, cues="annotated")
    sheet = annotated.table("sheet")
    pd.testing.assert_frame_equal(annotated.pieces(sheet), sheet)


def test_cues_on_disk_of_the_fixture_are_read(two_films):
    corpus = Corpus.open(two_films)
    put_table(corpus, "cues", "one", CUES, duration=40.0)
    put_table(corpus, "segments", "one", SEGMENTS.assign(film_id="one"))
    carried = open_session(corpus, "one").cues["segments"]
    assert [len(found) for found in carried] == [3, 1]
    assert carried.iloc[0][2] == (17.5, 22.0, 6.0, 1.0)
