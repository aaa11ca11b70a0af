"""Pieces of one track that follow each other are segments of one cue."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from pieces import RATE, TRACKS, music, noise, put

from filmlens.stamper import CueSheet, stamp
from filmlens.stamper.cues import SEGMENT_COLUMNS, joined
from filmlens.stamper.place import find_place

PLACE = ["start", "end", "track_start", "speed"]


def drawn(rng, count=12):
    """Pieces that do not overlap, many of them near the one before and of the same track, in no order."""
    pauses = rng.choice([0.0, 0.25, 1.0, 1.5, 20.0], count)
    lengths = rng.integers(1, 40, count) / 4
    end = np.cumsum(pauses + lengths)
    table = pd.DataFrame({"track": rng.choice(["A", "B"], count), "start": end - lengths, "end": end})
    table = table.assign(track_start=rng.uniform(0, 90, count), speed=rng.choice([1.0, 25 / 24], count))
    table = table.assign(score=rng.uniform(5, 90, count), probability=rng.uniform(0.5, 1, count))
    return table.assign(match=rng.choice(["same recording", "altered"], count)).sample(frac=1, random_state=1)


def one_by_one(pieces):
    """The same as a literal loop over pieces."""
    groups = []
    for piece in pieces.sort_values("start").to_dict("records"):
        last = groups[-1][-1] if groups else None
        if last and last["track"] == piece["track"] and piece["start"] - last["end"] <= 1.0:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    cues, segments = [], []
    for number, group in enumerate(groups):
        by_match, seconds, likely = {}, 0.0, 0.0
        for segment, piece in enumerate(group):
            length = piece["end"] - piece["start"]
            by_match[piece["match"]] = by_match.get(piece["match"], 0.0) + length
            seconds, likely = seconds + length, likely + length * piece["probability"]
            segments.append({"cue": number, "segment": segment} | {c: piece[c] for c in PLACE})
        cue = group[0] | {"end": group[-1]["end"], "score": sum(p["score"] for p in group)}
        cues.append(cue | {"probability": likely / seconds, "match": max(by_match, key=by_match.get)})
    return pd.DataFrame(cues), pd.DataFrame(segments)


@pytest.mark.parametrize("seed", range(20))
def test_joined_pieces(seed):
    pieces = drawn(np.random.default_rng(seed))
    cues, segments = joined(pieces)
    for ours, theirs in zip((cues, segments), one_by_one(pieces), strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    again, _ = joined(cues)
    pd.testing.assert_frame_equal(again, cues)
    first, last = segments.groupby("cue").first(), segments.groupby("cue").last()
    pd.testing.assert_frame_equal(first[["start", "track_start", "speed"]], cues[["start", "track_start", "speed"]],
                                  check_names=False)  # fmt: skip
    assert last["end"].tolist() == cues["end"].tolist()
    assert (segments["start"].to_numpy()[1:] >= segments["end"].to_numpy()[:-1]).all()
    kept = pieces.sort_values("start")[PLACE].reset_index(drop=True)
    pd.testing.assert_frame_equal(segments[PLACE], kept)


@pytest.mark.parametrize("seed", range(5))
def test_pieces_of_two_tracks_that_sound_together(seed):
    """Each track is joined as if the other were not there; the cues are in order of their beginnings."""
    rng = np.random.default_rng(seed)
    tracks = [drawn(rng).assign(track=name) for name in "AB"]
    cues, segments = joined(pd.concat(tracks))
    alone = [one_by_one(pieces) for pieces in tracks]
    expected = pd.concat([table for table, _ in alone]).sort_values(["start", "track"], ignore_index=True)
    pd.testing.assert_frame_equal(cues, expected)
    for number, cue in enumerate(cues.itertuples()):
        parts = alone["AB".index(cue.track)][1]
        parts = parts[(parts["start"] >= cue.start) & (parts["end"] <= cue.end)]
        pd.testing.assert_frame_equal(
            segments.loc[segments["cue"] == number, PLACE].reset_index(drop=True), parts[PLACE].reset_index(drop=True)
        )


def test_a_cue_of_one_piece_is_untouched():
    pieces = pd.DataFrame({"track": ["B", "A", "A"], "start": [4.0, 9.0, 15.5], "end": [9.0, 14.0, 19.0]})
    pieces = pieces.assign(track_start=0.1, speed=1.0, score=0.1, probability=0.7, match="altered")
    cues, segments = joined(pieces)
    pd.testing.assert_frame_equal(cues, pieces)
    assert segments["cue"].tolist() == [0, 1, 2] and segments["segment"].tolist() == [0, 0, 0]
    nothing = joined(pieces.iloc[:0])
    assert [len(t) for t in nothing] == [0, 0] and tuple(nothing[1].columns) == SEGMENT_COLUMNS


def test_a_sheet_without_segments_has_one_for_each_cue():
    rows = pd.DataFrame({"track": ["B", "A"], "start": [50.0, 5.0], "end": [60.0, 20.0], "track_start": [7.0, 3.0]})
    segments = CueSheet(rows).segments
    assert tuple(segments.columns) == SEGMENT_COLUMNS
    assert segments.values.tolist() == [[0, 0, 5, 20, 3, 1], [1, 0, 50, 60, 7, 1]]


def test_segments_are_cut_with_their_sheet():
    pieces = pd.DataFrame({"track": list("BAAA"), "start": [1.0, 5, 9, 15.5], "end": [5.0, 9, 15, 19]})
    cues, segments = joined(pieces.assign(track_start=[0.0, 40, 10, 70], speed=[1.0, 1, 2, 1], score=1.0))
    sheet = CueSheet(cues.iloc[::-1], segments=segments.assign(cue=1 - segments["cue"]))
    part = sheet.between(10, 17)
    assert part.table[["track", *PLACE]].values.tolist() == [["A", 10, 17, 12, 2]]
    assert part.segments.values.tolist() == [[0, 0, 10, 15, 12, 2], [0, 1, 15.5, 17, 70, 1]]
    assert sheet.between(15.1, 15.4).segments.empty, "nothing plays in the pause"


LONG = music(60, 7)
CUTS = [(10, 22), (40, 52), (5, 17)]


@pytest.fixture(scope="module")
def cut_film():
    """LONG in three pieces, one right after the other from 20 s, and t1 a while later, under noise."""
    sound, at = noise(85, level=0.03), 20
    for start, end in CUTS:
        put(sound, LONG[start * RATE : end * RATE], at)
        at += end - start
    return put(sound, TRACKS["t1"][10 * RATE : 28 * RATE], 62)


def test_a_track_cut_in_a_film_is_one_cue(cut_film):
    tracks = {"cut": (LONG, RATE)} | {name: (sound, RATE) for name, sound in TRACKS.items()}
    sheet = stamp((cut_film, RATE), tracks, engine="filmlens")
    assert sheet.table["track"].tolist() == ["cut", "t1"]
    np.testing.assert_allclose(sheet.table[["start", "end"]], [[20, 56], [62, 80]], atol=1)
    found = sheet.segments[sheet.segments["cue"] == 0]
    np.testing.assert_allclose(found["start"], [20, 32, 44], atol=1)
    at = [start + (s - film) for (start, _), s, film in zip(CUTS, found["start"], [20, 32, 44], strict=True)]
    np.testing.assert_allclose(found["track_start"], at, atol=0.2)
    assert (sheet.segments["cue"] == 1).sum() == 1
    counted = sheet.windows.loc[sheet.windows["counted"], "time"] + 2.5
    assert all(counted.between(a, b).any() for a, b in zip(found["start"], found["end"], strict=True))


def test_the_place_of_a_cue_that_a_listener_marked_knows_its_cuts(cut_film, tmp_path):
    """As far as the stamper finds them: the film goes on at another place of the track."""
    soundfile.write(tmp_path / "film.wav", cut_film, RATE)
    soundfile.write(tmp_path / "track.wav", LONG, RATE)
    whole = stamp((cut_film, RATE), {"track": (LONG, RATE)})
    [cue] = whole.table.itertuples()
    place = find_place(tmp_path / "film.wav", tmp_path / "track.wav", cue.start - 5, cue.end + 5)
    assert len(place.segments) == len(whole.segments) > 1
    np.testing.assert_allclose(place.segments, whole.segments[PLACE], atol=0.5)
    assert find_place(tmp_path / "film.wav", tmp_path / "track.wav", 0, 5) is None
