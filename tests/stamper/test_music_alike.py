"""Music that shares samples, beat or passages with the tracks, and is not theirs."""

import numpy as np
import pytest
from pieces import RATE, music, noise, put

from filmlens.stamper import index_tracks, stamp

BEAT = 0.5


def kit(rng):
    """Five drums: bursts of noise of their own band, the same in every loop."""
    t = np.arange(int(0.3 * RATE)) / RATE
    drums = []
    for low, high, fall in ((150, 400, 12), (400, 900, 16), (900, 1800, 20), (1800, 3500, 30), (3500, 5400, 60)):
        spectrum = np.fft.rfft(rng.standard_normal(len(t)))
        hertz = np.fft.rfftfreq(len(t), 1 / RATE)
        burst = np.fft.irfft(spectrum * ((hertz > low) & (hertz < high)), len(t)) * np.exp(-fall * t)
        drums.append((0.3 * burst / np.abs(burst).max()).astype(np.float32))
    return drums


def loop(drums, seed, seconds, bars=2):
    """A pattern of two bars of the kit with a few notes of its own, over and over."""
    rng = np.random.default_rng(seed)
    pattern = np.zeros(int(bars * 4 * BEAT * RATE), np.float32)
    long = np.zeros(len(pattern) + RATE, np.float32)
    for drum in drums:
        for step in np.flatnonzero(rng.random(bars * 16) < 0.3):
            put(long, drum, step * BEAT / 4)
    t = np.arange(RATE // 2) / RATE
    for step in np.flatnonzero(rng.random(bars * 8) < 0.6):
        pitch = 220 * 2 ** (rng.integers(0, 24) / 12)
        note = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 7)) * np.exp(-6 * t)
        put(long, 0.1 * note.astype(np.float32), step * BEAT / 2)
    pattern += long[: len(pattern)]
    pattern[:RATE] += long[len(pattern) :]
    return np.tile(pattern, int(np.ceil(seconds * RATE / len(pattern))))[: int(seconds * RATE)]


@pytest.fixture(scope="module")
def drums():
    return kit(np.random.default_rng(7))


@pytest.fixture(scope="module")
def sixty_loops(drums):
    return index_tracks({f"loop {i}": (loop(drums, i, 12), RATE) for i in range(60)})


def foreign(drums, seconds=90):
    """A film with eight loops of the same kit and beat that are on no track."""
    film = noise(seconds)
    for i in range(8):
        put(film, loop(drums, 1000 + i, 10), 2 + 11 * i)
    return film


def test_a_soundtrack_of_60_loops_of_one_kit(drums, sixty_loops):
    film, expected = noise(100), []
    for i, number in enumerate((3, 17, 42, 58)):
        put(film, loop(drums, number, 12), 5 + 24 * i)
        expected.append((f"loop {number}", 5 + 24 * i, 17 + 24 * i))
    table = stamp((film, RATE), sixty_loops).table
    assert table["track"].tolist() == [row[0] for row in expected]
    np.testing.assert_allclose(table[["start", "end"]], [row[1:] for row in expected], atol=1.5)
    assert (table["probability"] > 0.8).all()


def test_other_loops_of_the_kit_are_no_cues_and_the_film_says_so(drums, sixty_loops):
    film = foreign(drums)
    every = stamp((film, RATE), sixty_loops, least_probability=0).table
    assert (every["end"] - every["start"]).sum() > 30, "these loops are too unlike the tracks to test anything"
    assert (every["probability"] < 0.5).all()
    sheet = stamp((film, RATE), sixty_loops)
    assert sheet.length < 1
    assert any("music like the tracks" in problem for problem in sheet.problems)


def test_least_probability_only_leaves_out(drums, sixty_loops):
    film = put(foreign(drums, 120), loop(drums, 3, 12), 100)
    every = stamp((film, RATE), sixty_loops, least_probability=0).table
    for least in (float(every["probability"].median()), 0.5):
        some = stamp((film, RATE), sixty_loops, least_probability=least).table
        kept = every[every["probability"] >= least].reset_index(drop=True)
        assert 0 < len(kept) < len(every)
        assert some.equals(kept)


def test_two_films_whose_scores_quote_each_other():
    """Each score holds ten seconds of the other's theme, in the place of its own."""
    first, second = music(40, 50), music(40, 51)
    quoting_first = np.concatenate([second[: 15 * RATE], first[5 * RATE : 15 * RATE], second[25 * RATE :]])
    quoting_second = np.concatenate([first[: 25 * RATE], second[30 * RATE :], first[35 * RATE :]])
    scores = {
        "one": {"theme": (quoting_second, RATE), "other": (music(40, 52), RATE)},
        "two": {"theme": (quoting_first, RATE), "other": (music(40, 53), RATE)},
    }
    film = put(noise(100), quoting_second, 5)
    put(film, scores["one"]["other"][0][: 20 * RATE], 60)
    own = stamp((film, RATE), index_tracks(scores["one"])).table
    assert own["track"].tolist() == ["theme", "other"]
    np.testing.assert_allclose(own[["start", "end"]], [(5, 45), (60, 80)], atol=1.5)
    # with the other film's score beside it, what both hold may be either's; nothing else is
    both = {f"{film_id} {name}": sound for film_id, score in scores.items() for name, sound in score.items()}
    joint = stamp((film, RATE), index_tracks(both)).table
    wrong = joint[joint["track"].str.startswith("two")]
    quotes = ((wrong["start"] > 8) & (wrong["end"] < 22)) | ((wrong["start"] > 28) & (wrong["end"] < 42))
    assert quotes.all()
    assert (joint["end"] - joint["start"]).sum() > 55
    alone = stamp((film, RATE), index_tracks(scores["two"])).table
    assert alone["track"].isin(["theme"]).all()
    assert set(np.round(alone["end"] - alone["start"]) <= 12) <= {True}


@pytest.mark.parametrize("kind", ["silence", "noise", "hum"])
def test_a_film_without_any_music(sixty_loops, kind):
    t = np.arange(60 * RATE) / RATE
    film = {
        "silence": np.zeros(60 * RATE, np.float32),
        "noise": noise(60, level=0.1),
        "hum": sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 40)).astype(np.float32) * 0.1,
    }[kind]
    sheet = stamp((film, RATE), sixty_loops)
    assert len(sheet) == 0
    assert not sheet.problems
    assert "probability" in sheet.table
