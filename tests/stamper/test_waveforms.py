"""Whether waveforms keep step: of recordings under louder sound, of takes, of drifting clocks; how far a cue goes."""

import numpy as np
import pytest
import soundfile
import soxr
from pieces import RATE, TRACKS, music, noise, put
from scipy import signal

from filmlens.stamper import TrackIndex, index_tracks, join_indexes, recording, stamp, waveforms
from filmlens.stamper.matching import ALTERED, OTHER, SAME


def notes_of(seconds, seed):
    rng = np.random.default_rng(seed)
    starts = np.arange(0.0, seconds, 0.23)
    return list(zip(starts, 220 * 2 ** rng.uniform(0, 1.5, len(starts)), strict=True))


def played(notes, seconds, late=0.0):
    """Notes that ring on into each other, each as much as `late` s off its time."""
    rng = np.random.default_rng(8)
    t = np.arange(int(0.9 * RATE)) / RATE
    sound = np.zeros(int((seconds + 2) * RATE), np.float32)
    for start, hertz in notes:
        note = sum(np.sin(2 * np.pi * k * hertz * t) / k for k in range(1, 5)) * np.exp(-3 * t)
        put(sound, (0.1 * note).astype(np.float32), max(0.0, start + late * rng.uniform(-1, 1)))
    return sound[: int(seconds * RATE)]


TAKE = played(notes_of(30, 1), 30)


def slow(sound):
    return waveforms.slow((sound, RATE))


def share(film, track=TAKE, *, start=0.0, end=30.0, track_start=0.0, speed=1.0):
    return waveforms.in_step(slow(film), slow(track), start, end, track_start, speed)[0]


def test_the_waveform_is_kept_whatever_the_blocks():
    sound = soxr.resample(np.stack([TAKE, noise(30)[: len(TAKE)]]).T, RATE, 11_025).T.astype(np.float32)
    whole, parts = waveforms.Slow(), waveforms.Slow()
    whole.add(sound)
    for begin in range(0, sound.shape[1], 7_919):
        parts.add(sound[:, begin : begin + 7_919])
    kept = whole.whole()
    np.testing.assert_array_equal(kept, parts.whole())
    expected = soxr.resample(sound.T, 11_025, 1_102.5).T
    difference = waveforms._sound(kept, 0, kept.shape[1])[:, : expected.shape[1]] - expected[:, : kept.shape[1]]
    assert np.abs(difference).max() < 0.01 and (difference**2).mean() < 1e-3 * (expected**2).mean()
    np.testing.assert_array_equal(waveforms._sound(kept, -3, 2)[:, :3], 0)


@pytest.mark.parametrize("late", [-57, 0, 38])
def test_the_place_of_agreement_is_the_delay(late):
    rng = np.random.default_rng(3)
    sound = rng.standard_normal(8_000).astype(np.float32)
    film, track = (waveforms._companded(0.2 * part)[None] for part in (sound[1_000 - late :][:6_000], sound[1_000:]))
    agree = waveforms._agreement(film, track, 0.0, 6_000 / waveforms.RATE, 0.0, 1.0)
    assert (agree.argmax(axis=1) == waveforms._REACH + late).all()


@pytest.mark.parametrize("gain", [1.0, 0.3, 0.2])
def test_a_recording_keeps_step_under_louder_sound(gain):
    assert share(gain * TAKE + music(30, 90) + noise(30)) > 0.9
    assert share(music(30, 91) + noise(30)) < 0.4


def test_the_same_notes_once_more_do_not():
    """Each note by a hundredth of a second off, as two takes to one click would be; and by more."""
    assert share(played(notes_of(30, 1), 30, late=0.02) + noise(30)) < 0.65
    assert share(played(notes_of(30, 1), 30, late=0.04) + noise(30)) < 0.4


def test_other_clocks_rooms_and_channels():
    place = np.arange(0, len(TAKE) - 1, 1.001)
    drifting = np.interp(place, np.arange(len(TAKE)), TAKE).astype(np.float32)
    assert share(drifting + noise(len(drifting) / RATE), end=29.0) > 0.9
    room = np.random.default_rng(1).standard_normal(RATE // 2) * np.exp(-np.arange(RATE // 2) / (0.08 * RATE))
    room[0] = 5
    assert share(signal.fftconvolve(TAKE, room)[: len(TAKE)].astype(np.float32) / 5) > 0.9
    dull = signal.sosfilt(signal.butter(4, 300, fs=RATE, output="sos"), TAKE).astype(np.float32)
    assert share(dull + noise(30, level=0.001)) > 0.9
    stereo = np.stack([TAKE, 0.6 * music(30, 5)])
    inverted = stereo * [[1], [-1]]
    for film, expected in ((stereo, False), (inverted.astype(np.float32), True)):
        kept, turned, _ = waveforms.in_step(slow(film), slow(stereo), 0.0, 30.0, 0.0, 1.0)
        assert kept > 0.9 and turned == expected


def missing(film, track=TAKE):
    return waveforms.in_step(slow(film), slow(track), 0.0, 30.0, 0.0, 1.0)[2]


def test_a_recording_is_not_missing_whatever_is_done_to_it():
    """Under louder sound, faded, ducked for speech, dull, on a tape whose speed wavers."""
    seconds = np.arange(len(TAKE)) / RATE
    wavering = np.interp(seconds + 0.0015 * np.sin(np.pi * seconds), seconds, TAKE).astype(np.float32)
    ducked = np.where((seconds % 7 > 2) & (seconds % 7 < 5), 0.3, 1.0)
    dull = signal.sosfilt(signal.butter(4, 300, fs=RATE, output="sos"), TAKE)
    quiet = noise(30, level=0.001)
    for film in (0.5 * TAKE + music(30, 90) + noise(30), -TAKE, TAKE * seconds / 30, TAKE * ducked, dull, wavering):
        assert missing((film + quiet).astype(np.float32)) < 0.1
    assert missing(TAKE + quiet) < 0.01


@pytest.mark.parametrize("every", [2, 3])
def test_what_other_players_play_is_missing(every):
    """Every second or third note is not the album's; the others are its samples on its beat, and keep step."""
    notes = notes_of(30, 1)
    own, others = [note for k, note in enumerate(notes) if k % every], notes[::every]
    film = played(own, 30) + played(others, 30, late=0.03) + noise(30)
    assert share(film) > 0.7 and 0.07 < missing(film) < 0.5 * missing(played(own, 30) + noise(30))


def test_too_little_or_unknown_sound_tells_nothing():
    assert np.isnan(share(TAKE, end=2.5))
    assert np.isnan(share(np.zeros_like(TAKE)))
    assert np.isnan(waveforms.in_step(waveforms.NONE, slow(TAKE), 0.0, 30.0, 0.0, 1.0)[0])


def test_a_cue_goes_as_far_as_its_waveform():
    """20 s loud between a faint beginning and a faint end, under music that is louder than those."""
    level = np.interp(np.arange(len(TAKE)) / RATE, [0, 6, 6.1, 22, 22.1, 30], [0.2, 0.2, 1, 1, 0.2, 0.2])
    film = slow(put(0.3 * music(60, 92) + noise(60), (TAKE * level).astype(np.float32), 15))
    track = slow(TAKE)
    start, end = waveforms.reach(film, track, 21.0, 37.0, 6.0, 1.0, 0.0, 60.0)
    assert abs(start - 15) < 1 and abs(end - 45) < 1
    assert waveforms.reach(film, track, 15.0, 45.0, 0.0, 1.0, 0.0, 60.0) == (15.0, 45.0)
    start, end = waveforms.reach(film, track, 21.0, 37.0, 6.0, 1.0, 19.5, 40.0)
    assert start == 21.0 and 37.0 <= end <= 40.0
    other = slow(put(0.3 * music(60, 92) + noise(60), TAKE[6 * RATE : 22 * RATE], 21))
    assert waveforms.reach(other, track, 21.0, 37.0, 6.0, 1.0, 0.0, 60.0) == (21.0, 37.0)


def row(start, end, track_start, speed=1.0, track="take"):
    place = {"start": start, "end": end, "track_start": track_start, "speed": speed, "track": track}
    return place | {"match": SAME, "stretched": False, "lacking": 0.0}


def test_what_a_cue_is_of_its_track():
    index = index_tracks({"take": (TAKE, RATE)})
    again = played(notes_of(30, 1), 30, late=0.02)
    film = put(put(noise(100), TAKE, 10), again, 60)
    rows = [row(10.0, 40.0, 0.0), row(60.0, 90.0, 0.0)]
    recording.named(rows, 1.0, slow(film), index)
    assert [r["match"] for r in rows] == [SAME, OTHER] and [r["in_step"] for r in rows] == [True, False]
    seemed = [row(10.0, 40.0, 0.0) | {"match": OTHER, "lacking": 0.15}]
    recording.named(seemed, 1.0, slow(film), index)
    assert seemed[0]["match"] == SAME
    notes = notes_of(30, 1)
    half = put(noise(50), played(notes[1::2], 30) + played(notes[::2], 30, late=0.1), 10)
    whole_notes, lacking = [row(10.0, 40.0, 0.0)], [row(10.0, 40.0, 0.0) | {"lacking": 0.05}]
    recording.named([*whole_notes, *lacking], 1.0, slow(half), index)
    assert whole_notes[0]["match"] == SAME and lacking[0]["match"] == OTHER and lacking[0]["in_step"]
    unknown = [row(10.0, 40.0, 0.0), row(60.0, 90.0, 0.0)]
    recording.named(unknown, 1.0, waveforms.NONE, index)
    assert [r["match"] for r in unknown] == [SAME, SAME]


def test_pieces_on_a_line_are_of_another_tempo():
    """A recording that was made two percent slower, found in pieces at the film's speed; and a take that wanders."""
    index = index_tracks({"take": (TAKE, RATE)})
    film = slow(noise(100))
    slower = [row(10 + 7.0 * k, 17 + 7.0 * k, 1 + 6.86 * k) for k in range(4)]
    shifts = (0.0, 0.12, -0.05, 0.15)
    wandering = [row(60 + 7.0 * k, 67 + 7.0 * k, 1 + 7.0 * k + shift) for k, shift in enumerate(shifts)]
    recording.named([*slower, *wandering], 1.0, film, index)
    assert {r["match"] for r in slower} == {ALTERED} and {r["match"] for r in wandering} == {OTHER}


def test_a_faint_cue_of_a_track_that_is_clear_elsewhere():
    """Swelling tones with hardly an attack, 24 dB softer and under other music the second time."""
    t = np.arange(45 * RATE) / RATE

    def swelling(seed):
        rng, sound = np.random.default_rng(seed), 0.2 * music(45, seed)
        for _ in range(90):
            tone = np.sin(2 * np.pi * rng.uniform(110, 420) * t + rng.uniform(0, 6))
            sound += 0.1 * np.exp(-0.5 * ((t - rng.uniform(-3, 45)) / 1.2) ** 2).astype(np.float32) * tone
        return sound.astype(np.float32)

    tracks = {f"t{seed}": swelling(seed) for seed in range(3)}
    film = put(noise(150, level=0.004), tracks["t1"][5 * RATE : 30 * RATE], 10)
    put(film, 0.1 * music(70, 50), 60)
    unheard = film.copy()
    put(film, 0.06 * tracks["t1"][8 * RATE : 38 * RATE], 80)
    index = index_tracks({name: (sound, RATE) for name, sound in tracks.items()})
    cues = stamp((film, RATE), index).table
    assert cues["track"].tolist() == ["t1", "t1"] and cues["match"].tolist() == [SAME, SAME]
    assert (cues.loc[1, "start"] > 79) and (cues.loc[1, "end"] < 111) and np.diff(cues.loc[1, ["start", "end"]]) > 24
    assert abs(cues.loc[1, "track_start"] - 8 - (cues.loc[1, "start"] - 80)) < 0.1
    assert len(stamp((unheard, RATE), index)) == 1


def test_two_tracks_that_sound_together_are_two_cues(monkeypatch):
    """But in a large library, where the second is not known from elsewhere: its waveform is not read."""
    index = index_tracks({name: (sound, RATE) for name, sound in TRACKS.items()})
    film = put(noise(70), TRACKS["t1"][5 * RATE : 40 * RATE], 15)
    put(film, 0.7 * TRACKS["t3"][2 * RATE : 37 * RATE], 15)
    cues = stamp((film, RATE), index).table
    assert set(cues["track"]) == {"t1", "t3"} and cues["match"].eq(SAME).all()
    assert (cues["end"].clip(upper=50) - cues["start"].clip(lower=15)).gt(30).all()
    monkeypatch.setattr(recording, "_LARGE_S", 60.0)
    large = index_tracks({name: (sound, RATE) for name, sound in TRACKS.items()})
    [cue] = stamp((film, RATE), large).table.itertuples()
    assert list(large._waveforms) == [large.names.index(cue.track)]


def test_a_stored_index_matches_without_waveforms(tmp_path):
    index = index_tracks({name: (sound, RATE) for name, sound in TRACKS.items()})
    index.save(tmp_path / "index.npz")
    stored = TrackIndex.load(tmp_path / "index.npz")
    assert not stored.waveform(0).size and index.waveform(0).size
    film = put(noise(60), TRACKS["t2"][5 * RATE : 30 * RATE], 20)
    first, second = (stamp((film, RATE), which).table for which in (index, stored))
    assert first["track"].tolist() == second["track"].tolist() == ["t2"]
    assert first["match"].tolist() == second["match"].tolist() == [SAME]


def test_waveforms_are_kept_with_the_fingerprints(tmp_path):
    soundfile.write(tmp_path / "t.wav", TAKE, RATE)
    tracks = {"t": tmp_path / "t.wav"}
    plain, kept = index_tracks(tracks), index_tracks(tracks, keep=tmp_path / "kept")
    expected = waveforms.slow(tmp_path / "t.wav")
    joined = join_indexes(kept, index_tracks({"other": (TAKE, RATE)}))
    for index in (index_tracks(tracks), kept, index_tracks(tracks, keep=tmp_path / "kept"), joined):
        np.testing.assert_array_equal(index.waveform(0), expected)
    (tmp_path / "t.wav").unlink()
    assert not plain.waveform(0).size, "the file is gone"
