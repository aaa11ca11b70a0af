"""What a film lacks of a track: by a literal loop; of recordings under other sound, of other music, transposed."""

import librosa
import numpy as np
import pytest
import soxr
from pieces import RATE, music, noise
from scipy import signal

from filmlens.stamper import TrackIndex, index_tracks, landmarks, semitones

TRACK = music(30, 11)


def levels(sound):
    return landmarks.landmarks((sound, RATE)).levels


def lacking(film, track=TRACK, pitch=1.0, speed=1.0):
    here, there = levels(film), levels(track)
    rows = np.arange(int(len(here) / speed) - 1) * speed
    return semitones.lacking(here, there, rows, 0, pitch)


def test_the_loudness_of_a_semitone_is_the_power_of_its_bins():
    sound = soxr.resample(music(4, 3), RATE, landmarks.RATE)
    found = levels(music(4, 3))
    power = landmarks.power(sound)
    hertz = np.arange(513) * 11_025 / 1024
    for row, midi in ((0, 54), (5, 69), (17, 88), (30, 111)):
        middle = 440 * 2 ** ((midi - 69) / 12)
        inside = [i for i, f in enumerate(hertz) if middle * 2 ** (-1 / 24) <= f <= middle * 2 ** (1 / 24)]
        inside = inside or [int(np.argmin(np.abs(hertz - middle)))]
        mean = power[4 * row : 4 * row + 4][:, inside].mean()
        assert found[row, midi - 54] == pytest.approx(np.log(mean / 1e-7 + 1) / 0.11, abs=1)
    assert not levels(np.zeros(RATE, np.float32)).any()


def test_what_is_lacking_by_a_literal_loop():
    rng = np.random.default_rng(5)
    track, film = rng.integers(60, 200, (40, 58)).astype(np.uint8), rng.integers(60, 200, (40, 58)).astype(np.uint8)
    at = 3.25 + np.arange(30) * 1.1
    apart = [{} for _ in range(30)]
    for row in range(30):
        low, part = int(at[row]), at[row] - int(at[row])
        theirs = [(1 - part) * float(track[low, n]) + part * float(track[low + 1, n]) for n in range(58)]
        least = np.quantile(theirs, 0.6)
        apart[row] = {n: 0.11 * (float(film[row + 4, n]) - theirs[n]) for n in range(58) if theirs[n] >= least}
    levels_of = {n: [one[n] for one in apart if n in one] for n in range(58)}
    known = {n: np.quantile(values, 0.2) for n, values in levels_of.items() if len(values) >= 6}
    curve = np.interp(range(58), list(known), list(known.values()))
    smooth = [np.mean([curve[min(57, max(0, n + k))] for k in range(-6, 7)]) for n in range(58)]
    shares = []
    for begin in range(0, 30, 12):
        values = [v - smooth[n] + np.median(smooth) for one in apart[begin : begin + 12] for n, v in one.items()]
        values.sort()
        many = int(0.2 * len(values))
        _, level = min(
            (values[i + many] - values[i], (values[i + many] + values[i]) / 2) for i in range(len(values) - many)
        )
        shares.append(sum(v < level - 1.4 for v in values) / len(values))
    assert semitones.lacking(film, track, at, 4) == pytest.approx(np.median(shares), abs=0.01)


@pytest.mark.parametrize("gain", [3.0, 1.0, 0.3])
def test_the_very_recording_is_whole_under_other_sound(gain):
    """Speech-like bursts and noise, louder than the recording at the least gain."""
    rng = np.random.default_rng(2)
    bursts = music(30, 90) * (rng.random(30) < 0.5).repeat(RATE).astype(np.float32)
    assert lacking(gain * TRACK + bursts + noise(30)) < 0.05


def test_behind_a_wall_it_is_whole_too():
    """A filter of 24 dB per octave above 700 Hz, as of music in the next room."""
    dull = signal.sosfilt(signal.butter(4, 700, fs=RATE, output="sos"), TRACK).astype(np.float32)
    assert lacking(dull + noise(30)) < 0.08
    other = signal.sosfilt(signal.butter(4, 700, fs=RATE, output="sos"), music(30, 12)).astype(np.float32)
    assert lacking(other + noise(30)) > 0.12


def test_other_music_lacks_and_so_does_what_shares_half_of_the_notes():
    assert lacking(music(30, 12)) > 0.15
    track = TRACK + music(30, 13)
    assert lacking(TRACK + music(30, 14), track) > lacking(track + noise(30), track) + 0.05


def test_it_is_looked_for_where_the_film_plays_it():
    higher = librosa.effects.pitch_shift(TRACK, sr=RATE, n_steps=2)
    assert lacking(higher, pitch=2 ** (2 / 12)) < 0.1 < lacking(higher)
    faster = np.interp(np.arange(0, len(TRACK) - 1, 1.06), np.arange(len(TRACK)), TRACK).astype(np.float32)
    assert lacking(faster, pitch=1.06, speed=1.06) < 0.1 < lacking(faster)


def test_too_little_tells_nothing():
    here = levels(TRACK)
    assert np.isnan(semitones.lacking(here, here, np.arange(2.0), 0))
    assert np.isnan(semitones.lacking(here, semitones.NONE, np.arange(20.0), 0))


def test_an_index_keeps_the_loudness_of_its_tracks(tmp_path):
    index = index_tracks({"one": (TRACK, RATE), "two": (music(12, 7), RATE)})
    index.save(tmp_path / "index.npz")
    again = TrackIndex.load(tmp_path / "index.npz")
    np.testing.assert_array_equal(again.level(1), levels(music(12, 7)))
    np.testing.assert_array_equal(again.level(0), levels(TRACK))
    with np.load(tmp_path / "index.npz") as box:
        np.savez(tmp_path / "old.npz", **{k: box[k] for k in box if k not in ("rows", "levels")})
    with pytest.raises(ValueError, match="index the tracks again"):
        TrackIndex.load(tmp_path / "old.npz")
