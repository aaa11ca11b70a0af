"""A cue of several segments on the bench and in exports: one cue, each piece at its own place in the track."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from conftest import RATE, melody, put_table

from filmlens import verdicts
from filmlens.audition import Audition, blind, export, open_session, timeline
from filmlens.corpus import Corpus
from filmlens.corpus.cuetrees import from_json
from filmlens.media.ab import Place, track_sound
from filmlens.media.write import write_audio
from filmlens.verdicts import segments

CUES = pd.DataFrame(
    {
        "film_id": "one",
        "cue": [0, 1],
        "track": ["Theme", "Finale"],
        "start": [5.0, 30.0],
        "end": [22.0, 35.5],
        "track_start": [2.0, 1.0],
        "speed": 1.0,
        "score": [90.0, 30.0],
    }
)
SEGMENTS = pd.DataFrame(
    {
        "film_id": "one",
        "cue": [0, 0, 0, 1],
        "segment": [0, 1, 2, 0],
        "start": [5.0, 11.0, 17.5, 30.0],
        "end": [11.0, 17.0, 22.0, 35.5],
        "track_start": [2.0, 0.5, 6.0, 1.0],
        "speed": 1.0,
    }
)


@pytest.fixture
def corpus(two_films):
    corpus = Corpus.open(two_films)
    put_table(corpus, "cues", "one", CUES, duration=40.0)
    put_table(corpus, "segments", "one", SEGMENTS)
    return corpus


def test_each_segment_sounds_at_its_own_place(tmp_path):
    tune = melody(3, 20.0)
    write_audio(tmp_path / "theme.wav", tune, RATE)
    pieces = ((5.0, 9.0, 10.0, 1.0), (9.5, 12.0, 2.0, 1.0))
    sound = track_sound(Place(tmp_path / "theme.wav", 5.0, 10.0, segments=pieces), 4.0, 13.0, RATE, mono=True)
    expected = np.zeros(9 * RATE, np.float32)
    for film, track, seconds in ((0.0, 9.0, 5.0), (5.5, 2.0, 3.5)):
        expected[round(film * RATE) : round((film + seconds) * RATE)] = tune[round(track * RATE) :][
            : round(seconds * RATE)
        ]
    assert len(sound) == len(expected)
    np.testing.assert_allclose(sound, expected, atol=1e-3)
    assert not sound[5 * RATE : round(5.5 * RATE)].any(), "nothing plays in the pause"
    one = track_sound(Place(tmp_path / "theme.wav", 5.0, 10.0), 4.0, 9.0, RATE, mono=True)
    np.testing.assert_array_equal(sound[: 5 * RATE], one)


def test_the_bench_has_one_cue_with_its_segments(corpus):
    widget = Audition(corpus, "one")
    opened, _ = widget.answer({"type": "open", "id": 1})
    first, second = opened["cues"]
    assert [list(s) for s in first["segments"]] == SEGMENTS.iloc[:3, 3:].to_numpy().tolist()
    assert len(second["segments"]) == 1
    place = widget._place({"cue": first["id"]})
    assert [p.at(a) for p, a, _ in place.parts(5.0, 22.0)] == [2.0, 0.5, 6.0]
    json.dumps(opened["cues"])


def test_a_blind_clip_is_of_the_longest_segment(corpus):
    put_table(corpus, "segments", "one", SEGMENTS.assign(end=[11.0, 17.25, 22.0, 35.5]))
    clips = blind._in_one_piece(corpus, CUES)
    place = ["start", "end", "track_start"]
    assert clips[place].to_numpy().tolist() == [[11.0, 17.25, 0.5], [30.0, 35.5, 1.0]]
    assert clips["track"].tolist() == ["Theme", "Finale"]


def test_what_is_judged_keeps_the_segments(corpus):
    session = open_session(corpus, "one")
    cue = session.cues["id"].iloc[0]
    session.judge(cue, "accept")
    assert session.cues["segments"].iloc[0] == segments.carrying(CUES, SEGMENTS)["segments"].iloc[0]
    session.move(cue, "start", 13.0)
    session.move(cue, "end", 25.0)
    row = session.cues.iloc[0]
    assert row["segments"] == [(13.0, 17.0, 2.5, 1.0), (17.5, 25.0, 6.0, 1.0)] and row["track_start"] == 2.5
    session.relabel(cue, "Finale")
    row = session.cues.iloc[0]
    assert row["segments"] == [] and np.isnan(row["track_start"])
    session.undo()
    second = session.split(cue, 20.0)
    row = session.cues.set_index("id").loc[second]
    assert row["segments"] == [(20.0, 25.0, 8.5, 1.0)] and row["track_start"] == 8.5


def test_edges_in_a_pause_hold_the_segment_before_it():
    pieces = [(5.0, 9.0, 40.0, 1.0), (9.75, 15.0, 10.0, 1.0)]
    assert segments.cut(pieces, 9.25, 9.5) == [(9.25, 9.5, 44.25, 1.0)]
    assert segments.cut(pieces, 1.0, 3.0) == [(1.0, 3.0, 36.0, 1.0)]
    assert segments.cut([], 1.0, 3.0) == []


def test_pieces_that_were_accepted_one_by_one_stay_so(corpus):
    """Verdicts on what an earlier stamping had as three cues."""
    lines = [f"Theme,{s.start},{s.end},accept,,," for s in SEGMENTS.iloc[:3].itertuples()]
    path = corpus["one"].verdicts
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["track,start,end,verdict,new_track,new_start,new_end", *lines]) + "\n")
    sheet = verdicts.verified(segments.carrying(CUES, SEGMENTS), verdicts.read(path))
    assert (
        sheet[["start", "end", "track_start"]].to_numpy().tolist() == SEGMENTS.iloc[:3, [3, 4, 5]].to_numpy().tolist()
    )
    assert sheet["segments"].map(len).tolist() == [1, 1, 1]


def test_lists_have_one_row_a_cue_and_a_timeline_a_clip_for_each_segment(corpus):
    [path] = export(corpus, "cue-sheet", films=["one"])
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert [r[2] for r in rows[-2:]] == ["Theme", "Finale"] and ["Total music", "00:00:22"] in rows
    [path] = export(corpus, "jams", films=["one"])
    assert len(json.loads(path.read_text(encoding="utf-8"))["annotations"][0]["data"]) == 2
    api = pytest.importorskip("opentimelineio")
    [path] = export(corpus, "otio", films=["one"])
    line = api.adapters.read_from_file(str(path))
    [lane] = line.tracks[2:]
    clips = list(lane.find_clips())
    assert [clip.name for clip in clips] == ["Theme", "Theme", "Theme", "Finale"]
    for clip, piece in zip(clips, SEGMENTS.itertuples(), strict=True):
        at = clip.range_in_parent()
        assert abs(at.start_time.to_seconds() - piece.start) <= 0.126
        assert abs(at.end_time_exclusive().to_seconds() - piece.end) <= 0.126
        assert abs(clip.source_range.start_time.to_seconds() - piece.track_start) <= 0.126
    again = [row for _, row in from_json(path.read_text(encoding="utf-8"), [])]
    assert [(float(r["start"]), float(r["end"]), r["track"]) for r in again] == [(5, 22, "Theme"), (30, 35.5, "Finale")]
    whole = timeline.otio(corpus["one"], CUES, 40.0)
    assert len(list(api.adapters.read_from_string(whole, "otio_json").tracks[2].find_clips())) == 2
