"""The same recording at another pitch or tempo, each cue in its own way."""

import librosa
import numpy as np
import pytest
from pieces import RATE, TRACKS, four_tracks, music, noise, put
from scipy import signal

from filmlens.stamper import altered, index_tracks, stamp, votes
from filmlens.stamper.matching import ALTERED, OTHER, SAME


def played(sound, rate):
    """Sound as a tape plays it, `rate` times as fast."""
    at = np.arange(0, len(sound) - 1, rate)
    return np.interp(at, np.arange(len(sound)), sound).astype(np.float32)


@pytest.fixture(scope="module")
def sheet():
    """t0 faster, t1 as it is, t2 a semitone higher, t3 slower, and music of no track, two semitones lower."""
    film = noise(180)
    put(film, played(TRACKS["t0"][4 * RATE : 25 * RATE], 1.05), 10)
    put(film, TRACKS["t1"][5 * RATE : 25 * RATE], 45)
    put(film, librosa.effects.pitch_shift(TRACKS["t2"][2 * RATE : 24 * RATE], sr=RATE, n_steps=1), 80)
    put(film, played(TRACKS["t3"][10 * RATE : 30 * RATE], 0.97), 115)
    put(film, librosa.effects.pitch_shift(music(25, 77), sr=RATE, n_steps=-2), 150)
    return stamp((film, RATE), four_tracks())


def test_each_cue_is_found_as_it_plays(sheet):
    cues = sheet.table
    assert cues["track"].tolist() == ["t0", "t1", "t2", "t3"], cues
    assert cues["match"].tolist() == [ALTERED, SAME, ALTERED, ALTERED]
    assert np.allclose(cues["speed"], [1.05, 1.0, 1.0, 0.97], atol=0.004)
    assert np.allclose(cues["start"], [10, 45, 80, 115], atol=1) and np.allclose(
        cues["track_start"], [4, 5, 2, 10], atol=1
    )
    assert np.allclose(cues["end"], [30, 65, 102, 115 + 20 / 0.97], atol=1) and sheet.speed == 1


def test_cues_do_not_overlap(sheet):
    assert (sheet.table["start"].to_numpy()[1:] >= sheet.table["end"].to_numpy()[:-1]).all()


def test_a_film_whose_speed_is_given_has_no_other():
    film = put(noise(40), played(TRACKS["t0"][4 * RATE : 25 * RATE], 1.05), 10)
    assert not len(stamp((film, RATE), four_tracks(), speeds=((1.0, 1.0),)))
    assert stamp((film, RATE), four_tracks(), speeds=((1.05, 1.05),)).table["match"].tolist() == [SAME]


def test_a_pitch_far_below_the_tracks_leaves_the_table_of_cells():
    low = votes.cells_of(np.array([499.0, -499.0]), 0.8)
    assert (low < votes.CELLS).all() and not votes.is_side(low[:1]).any() and votes.is_side(low[1:]).all()
    assert not len(stamp((noise(20), RATE), four_tracks(), speeds=((1.0, 0.8),)))


def test_what_speaks_for_an_alteration_is_followed_once_and_no_more():
    middles, taken = np.arange(0, 600, 15.0), np.zeros(40, bool)
    best = np.full((1 + len(altered.ALTERATIONS), 40), 7.0)
    best[3, :10], best[5, 30], best[7, 35], best[0, 35] = 40.0, 14.0, 30.0, 29.0
    asked = altered.worth_following(middles, best, lambda s: np.interp(s, middles, taken.astype(float)) > 0.5)
    first, everywhere, wanted = next(asked)
    assert first == 2 and everywhere and wanted(np.array([500.0])).all(), "strong enough for the whole film"
    taken[:10] = True
    assert not wanted(np.array([30.0])).any(), "a cue was found there"
    second, everywhere, wanted = next(asked)
    assert second == 4 and not everywhere and wanted(np.array([440.0, 300.0])).tolist() == [True, False]
    assert next(asked, None) is None, "not clearly better than as the film plays"


def test_another_rendition_is_called_so():
    """The film has the track's melody with another accompaniment, and elsewhere the track itself, behind a wall."""
    melody, theirs, ours = music(40, 60), music(40, 61), music(40, 62)
    track = melody + 0.7 * theirs
    wall = signal.sosfilt(signal.butter(3, 900, fs=RATE, output="sos"), track).astype(np.float32)
    film = noise(90)
    put(film, (melody + 0.7 * ours)[5 * RATE : 30 * RATE], 5)
    put(film, wall[5 * RATE : 30 * RATE], 50)
    cues = stamp((film, RATE), index_tracks({"track": (track, RATE)}), least_probability=0).table
    assert np.allclose(cues["start"], [5, 50], atol=1) and cues["match"].tolist() == [OTHER, SAME]
