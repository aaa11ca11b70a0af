"""The FilmLens engine on films of every kind whose cues are known."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr
from pieces import RATE, TRACKS, four_tracks, music, noise, put, two_cues

from filmlens.media import write
from filmlens.stamper import index_tracks, stamp
from filmlens.stamper.matching import SPEEDS


@pytest.fixture(scope="module")
def index():
    return four_tracks()


@pytest.fixture(scope="module")
def film():
    return two_cues().copy()


def check(table, expected, within=1.0):
    assert table["track"].tolist() == [row[0] for row in expected]
    np.testing.assert_allclose(table[["start", "end"]], [row[1:3] for row in expected], atol=within)
    offset = np.array([row[3] for row in expected])
    at = offset + (table["start"] - [row[1] for row in expected]) * table["speed"]
    np.testing.assert_allclose(table["track_start"], at, atol=0.1)


KNOWN = [("t1", 20, 38, 10), ("t3", 55, 75, 5)]


def test_known_cues_are_found(index, film):
    sheet = stamp((film, RATE), index)
    check(sheet.table, KNOWN)
    assert sheet.speed == 1
    assert (sheet.table["speed"] == 1).all()
    assert sheet.decoy_seconds == 0
    pd.testing.assert_frame_equal(stamp((film, RATE), index).table, sheet.table)


@pytest.mark.parametrize("speed", [1.0, 25 / 24])
def test_where_votes_leave_a_doubt_about_the_speed_the_cues_decide(index, film, monkeypatch, speed):
    """Music with a rigid beat has votes at other speeds; a film was once taken for PAL and lost all its cues."""
    monkeypatch.setattr("filmlens.stamper.matching.likely_speeds", lambda *given: list(SPEEDS[:2]))
    sheet = stamp((soxr.resample(film, RATE * speed, RATE), RATE), index)
    assert sheet.speed == speed
    check(sheet.table, [(track, start / speed, end / speed, at) for track, start, end, at in KNOWN])


@pytest.mark.parametrize("ratio", [25 / 24, 24 / 25])
def test_a_film_that_plays_faster_or_slower_with_its_pitch(index, film, ratio):
    sheet = stamp((soxr.resample(film, RATE * ratio, RATE), RATE), index)
    assert sheet.speed == pytest.approx(ratio)
    check(sheet.table, [(t, a / ratio, b / ratio, o) for t, a, b, o in KNOWN])


def test_a_film_that_plays_faster_with_its_pitch_kept(index):
    # Notes keep their pitch and length and come closer, as a time-stretching transfer makes them.
    rng, speed = np.random.default_rng(2), 25 / 24
    t = np.arange(RATE // 2) / RATE
    track, film = np.zeros(47 * RATE, np.float32), noise(60)
    for start in np.arange(0, 45, 0.13):
        pitch = 220 * 2 ** (rng.integers(0, 40) / 12)
        note = 0.1 * sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 7)) * np.exp(-6 * t)
        put(track, note.astype(np.float32), start)
        put(film, note.astype(np.float32), 8 + start / speed)
    sheet = stamp((film, RATE), {"a": (track, RATE), "t0": (TRACKS["t0"], RATE)}, engine="filmlens")
    assert sheet.speed == pytest.approx(speed)
    check(sheet.table, [("a", 8, 8 + 45 / speed, 0)], within=1)


def test_a_film_at_48_khz_with_tracks_at_44_1(film):
    tracks = {name: (soxr.resample(sound, RATE, 44_100), 44_100) for name, sound in TRACKS.items()}
    check(stamp((soxr.resample(film, RATE, 48_000), 48_000), tracks, engine="filmlens").table, KNOWN)


def test_a_film_in_5_1_with_music_behind_and_one_in_mono(index, film, tmp_path):
    channels = np.zeros((6, len(film)), np.float32)
    channels[[0, 1, 4, 5]] = film
    channels[2] = noise(90, seed=5)
    write.write_audio(tmp_path / "film.flac", channels, RATE)
    check(stamp(tmp_path / "film.flac", index).table, KNOWN)
    write.write_audio(tmp_path / "mono.flac", film, RATE)
    check(stamp(tmp_path / "mono.flac", index).table, KNOWN)


def test_drift_and_wow_are_followed(index):
    time = np.arange(30 * RATE) / RATE
    for warp, speed in ((1.002 * time, 1.002), (time + 0.002 / (2 * np.pi * 0.3) * np.sin(2 * np.pi * 0.3 * time), 1)):
        music = np.interp(warp * RATE, np.arange(45 * RATE), TRACKS["t2"]).astype(np.float32)
        table = stamp((put(noise(60), music, 15), RATE), index).table
        check(table, [("t2", 15, 45, 0)])
        assert table.loc[0, "speed"] == pytest.approx(speed, abs=5e-4)


def test_cues_under_five_seconds(index):
    film = put(put(noise(40), TRACKS["t0"][12 * RATE : 15 * RATE], 8), TRACKS["t2"][20 * RATE : 24 * RATE], 24)
    check(stamp((film, RATE), index).table, [("t0", 8, 11, 12), ("t2", 24, 28, 20)])


def test_two_tracks_that_share_a_theme_are_told_apart_where_they_differ():
    theme = TRACKS["t0"][: 15 * RATE]
    tracks = {"first": np.concatenate([theme, music(20, 30)]), "second": np.concatenate([theme, music(20, 31)])}
    film = put(put(noise(90), tracks["first"][5 * RATE : 30 * RATE], 5), tracks["second"][5 * RATE : 30 * RATE], 50)
    table = stamp((film, RATE), {k: (v, RATE) for k, v in tracks.items()}, engine="filmlens").table
    check(table, [("first", 5, 30, 5), ("second", 50, 75, 5)])


def test_a_track_used_five_times(index):
    film, expected = noise(120), []
    for i, offset in enumerate((0, 12, 30, 12, 5)):
        put(film, TRACKS["t1"][offset * RATE : (offset + 10) * RATE], 5 + 22 * i)
        expected.append(("t1", 5 + 22 * i, 15 + 22 * i, offset))
    check(stamp((film, RATE), index).table, expected)


def test_ten_minutes_of_silence_at_the_start(index):
    film = np.concatenate([np.zeros(600 * RATE, np.float32), put(noise(30), TRACKS["t3"][: 15 * RATE], 8)])
    check(stamp((film, RATE), index).table, [("t3", 608, 623, 0)])


def test_the_same_track_twice_in_a_soundtrack_gives_no_cue_twice(film):
    tracks = {name: (TRACKS[name], RATE) for name in ("t1", "t3")} | {"t1 again": (TRACKS["t1"], RATE)}
    table = stamp((film, RATE), tracks, engine="filmlens").table
    check(table.replace({"track": {"t1 again": "t1"}}), KNOWN)


def test_music_that_is_on_no_track_is_no_cue(index):
    film = put(noise(90), music(60, 77), 10)
    assert len(stamp((film, RATE), index)) == 0


def test_cues_never_overlap_and_lie_in_the_film(index):
    film = put(put(noise(40), TRACKS["t1"][: 20 * RATE], 0), TRACKS["t2"][: 30 * RATE], 10)[: 30 * RATE]
    table = stamp((film, RATE), index).table
    assert (table["start"].to_numpy()[1:] >= table["end"].to_numpy()[:-1]).all()
    assert table["start"].min() >= 0
    assert table["end"].max() <= 30


def test_music_on_the_sides_is_found_under_loud_dialogue():
    track, voice = np.stack([music(45, 60), music(45, 61)]), noise(60, seed=8, level=1.5)
    film = np.stack([voice, voice])
    film[:, 20 * RATE : 40 * RATE] += track[:, 10 * RATE : 30 * RATE]
    tracks = index_tracks({"a": (track, RATE), "t0": (TRACKS["t0"], RATE)})
    check(stamp((film, RATE), tracks).table, [("a", 20, 40, 10)], within=3)
    assert len(stamp((film.mean(axis=0), RATE), tracks)) == 0


def test_a_film_shorter_than_a_window_is_told_and_not_stamped(index):
    sheet = stamp((TRACKS["t0"][: 3 * RATE], RATE), index)
    assert len(sheet) == 0
    assert "less than a window" in " ".join(sheet.problems)


def test_a_large_library_asks_for_more_evidence(index, film, monkeypatch):
    sheet = stamp((film, RATE), index)
    least = sheet.table["score"].min()
    monkeypatch.setattr("filmlens.stamper.matching._PER_DOUBLING", 1.05 * least / np.log2(4))
    monkeypatch.setattr("filmlens.stamper.matching._ALBUM_S", index.seconds.sum() / 4)
    assert len(stamp((film, RATE), index)) < len(sheet)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
@pytest.mark.parametrize("hours", [2, 3])
def test_a_long_film_fits_in_600_mb(tmp_path, hours):
    film = np.tile(put(noise(120), TRACKS["t1"], 30), 2)
    with sf.SoundFile(tmp_path / "film.wav", "w", RATE, 2, "PCM_16") as file:
        for _ in range(hours * 15):
            file.write(np.column_stack([film, 0.5 * film]))
    for name, sound in TRACKS.items():
        sf.write(tmp_path / f"{name}.wav", sound, RATE)
    code = (
        "import json, sys; from filmlens.stamper import stamp; at = sys.argv[1];"
        "sheet = stamp(at + '/film.wav', {n: f'{at}/{n}.wav' for n in ('t0', 't1', 't2', 't3')});"
        # of this program alone; ru_maxrss begins with what its parent held
        "peak = next(x.split()[1] for x in open('/proc/self/status') if x.startswith('VmHWM'));"
        "print(json.dumps([sheet.duration, sheet.length, int(peak) / 1024]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    seconds, found, memory = json.loads(done.stdout)
    assert seconds == pytest.approx(hours * 3600)
    assert found > 0.3 * seconds
    assert memory < 600
