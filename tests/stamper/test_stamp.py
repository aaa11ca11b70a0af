"""The interface that both engines share: inputs, problems, stored indexes."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from filmlens.media.sound import MediaError
from filmlens.stamper import ENGINES, TrackIndex, index_tracks, join_indexes, stamp

RATE = 44_100


def music(seconds, seed):
    rng = np.random.default_rng(seed)
    sound = np.zeros(int((seconds + 1) * RATE), np.float32)
    t = np.arange(RATE // 2) / RATE
    for start in np.arange(0, seconds, 0.15):
        pitch = 220 * 2 ** (rng.integers(0, 36) / 12)
        note = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 6)) * np.exp(-5 * t)
        sound[int(start * RATE) :][: len(note)] += 0.1 * note
    return sound[: int(seconds * RATE)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three tracks, a film that uses two of them, and files that are no tracks."""
    at = tmp_path_factory.mktemp("stamp")
    for i in range(3):
        sf.write(at / f"t{i}.wav", music(40, i), RATE)
    film = 0.002 * np.random.default_rng(9).standard_normal(60 * RATE).astype(np.float32)
    film[10 * RATE : 30 * RATE] += music(40, 0)[10 * RATE : 30 * RATE]
    film[40 * RATE : 55 * RATE] += music(40, 2)[: 15 * RATE]
    sf.write(at / "film.wav", film, RATE)
    sf.write(at / "silent.wav", np.zeros(5 * RATE), RATE)
    sf.write(at / "nothing.wav", np.zeros(0), RATE)
    (at / "empty.wav").write_bytes(b"")
    (at / "corrupt.wav").write_bytes(bytes(range(256)) * 40)
    return at


def tracks(folder, *names):
    return {name: folder / f"{name}.wav" for name in names}


@pytest.fixture(scope="module", params=sorted(ENGINES))
def engine(request):
    return request.param


def test_bad_tracks_are_skipped_and_reported(folder, engine):
    good = stamp(folder / "film.wav", tracks(folder, "t0", "t2"), engine=engine)
    assert good.table["track"].tolist() == ["t0", "t2"]
    assert not good.problems
    bad = ["silent", "nothing", "empty", "corrupt", "missing"]
    sheet = stamp(folder / "film.wav", tracks(folder, "silent", "t0", *bad[1:], "t2"), engine=engine)
    pd.testing.assert_frame_equal(sheet.table, good.table)
    assert len(sheet.problems) == len(bad)
    for name in bad:
        assert any(f"{name}.wav" in p for p in sheet.problems), name


def test_no_readable_track_is_an_error_with_a_remedy(folder, engine):
    with pytest.raises(ValueError, match=r"empty\.wav.*give at least one readable track"):
        stamp(folder / "film.wav", tracks(folder, "empty", "silent"), engine=engine)
    with pytest.raises(ValueError, match="none was given"):
        stamp(folder / "film.wav", {}, engine=engine)


@pytest.mark.parametrize("seconds", [0, 0.03, 2.0])
def test_a_film_shorter_than_a_window_gives_an_empty_sheet(folder, engine, seconds):
    film = np.full(int(seconds * RATE), 0.01, np.float32)
    sheet = stamp((film, RATE), tracks(folder, "t0"), engine=engine)
    assert len(sheet) == 0
    assert "less than a window" in sheet.problems[-1]
    assert list(sheet.table.columns[:6]) == ["track", "start", "end", "track_start", "speed", "score"]
    assert len(sheet.windows) == 0
    assert sheet._repr_html_()


def test_a_film_without_sound_is_a_media_error(folder, engine):
    for name in ("missing.mkv", "empty.wav", "corrupt.wav"):
        with pytest.raises(MediaError, match=name):
            stamp(folder / name, tracks(folder, "t0"), engine=engine)


def test_a_silent_film_has_no_cues(folder, engine):
    sheet = stamp((np.zeros(20 * RATE, np.float32), RATE), tracks(folder, "t0"), engine=engine)
    assert len(sheet) == 0
    assert sheet.duration == 20


def test_indexes_are_stored_joined_and_give_the_same_cues(folder, engine, tmp_path):
    sheet = stamp(folder / "film.wav", tracks(folder, "t0", "t1", "t2"), engine=engine)
    first, second = (index_tracks(tracks(folder, *n), engine=engine) for n in (("t0", "empty"), ("t1", "t2", "t0")))
    first.save(tmp_path / "first.npz")
    index = join_indexes(TrackIndex.load(tmp_path / "first.npz"), second)
    assert index.names == ("t0", "t1", "t2")
    again = stamp(folder / "film.wav", index)
    assert again.engine == engine
    pd.testing.assert_frame_equal(again.table, sheet.table)
    assert "empty.wav" in again.problems[0]
    assert "second track named t0" in again.problems[1]


def test_windows_say_what_each_predicted(folder, engine):
    windows = stamp(folder / "film.wav", tracks(folder, "t0", "t1", "t2"), engine=engine).windows
    assert {"time", "track", "offset", "counted"} <= set(windows.columns)
    inside = windows[(windows["time"] >= 15) & (windows["time"] <= 20)]
    assert inside["counted"].all()
    assert (inside["track"] == "t0").all()
    np.testing.assert_allclose(inside["offset"], inside["time"], atol=0.1)


def test_an_unknown_engine_or_a_foreign_index_is_refused(folder):
    with pytest.raises(ValueError, match='engine="shazam" is unknown'):
        stamp(folder / "film.wav", tracks(folder, "t0"), engine="shazam")
    index = index_tracks(tracks(folder, "t0"), engine="dejavu")
    with pytest.raises(ValueError, match="index the tracks again"):
        stamp(folder / "film.wav", index, engine="other")
