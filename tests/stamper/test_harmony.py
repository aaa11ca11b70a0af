"""Other renditions, found by the notes that sound."""

import numpy as np
import pytest
from pieces import RATE, noise, put

from filmlens.stamper import harmony, index_tracks, stamp
from filmlens.stamper.matching import OTHER, SAME

SCALE = (0, 2, 4, 5, 7, 9, 11)


def score(seconds, seed):
    """Chords of three notes and a tune over them, (start, length, semitone): tonal music that no two pieces share."""
    rng = np.random.default_rng(seed)
    notes, at = [], 0.0
    while at < seconds:
        length = rng.choice([0.6, 0.9, 1.2])
        root = rng.integers(0, 7)
        notes += [(at, length, 48 + 12 * ((root + k) // 7) + SCALE[(root + k) % 7]) for k in (0, 2, 4)]
        step = length / rng.integers(2, 5)
        tune = rng.integers(0, 14, 8)
        notes += [
            (at + k * step, step, 60 + 12 * (n // 7) + SCALE[n % 7]) for k, n in enumerate(tune[: int(length / step)])
        ]
        at += length
    return notes


def played(notes, seconds, *, overtones, fall, tempo=1.0, key=0, late=0.0, tune=True):
    """The notes on an instrument, in another tempo and key, and not quite in time."""
    rng = np.random.default_rng(5)
    sound = np.zeros(int((seconds + 2) * RATE), np.float32)
    for start, length, pitch in notes:
        if start / tempo >= seconds or (pitch >= 60 and not tune):
            continue
        t = np.arange(int(length / tempo * RATE)) / RATE
        hertz = 440 * 2 ** ((pitch + key - 69) / 12)
        note = sum(a * np.sin(2 * np.pi * k * hertz * t) for k, a in overtones.items()) * np.exp(-fall * t)
        note *= np.minimum(1, np.arange(len(t))[::-1] / 400)
        put(sound, 0.1 * note.astype(np.float32), max(0.0, start / tempo + late * rng.uniform(-1, 1)))
    return sound[: int(seconds * RATE)]


STRINGS = {"overtones": {1: 0.5, 2: 0.4, 3: 0.3, 4: 0.3, 5: 0.2, 6: 0.2}, "fall": 0.3}
PIANO = {"overtones": {1: 1.0, 2: 0.1, 4: 0.02}, "fall": 3.0, "late": 0.04}
SCORES = {f"t{i}": score(60, i) for i in range(3)}


@pytest.fixture(scope="module")
def index():
    return index_tracks({name: (played(notes, 60, **STRINGS), RATE) for name, notes in SCORES.items()})


def film_of(name, begin, seconds, at, length=70, **how):
    """A film in which a track is played from a second of it on."""
    notes = [(s - begin, d, p) for s, d, p in SCORES[name] if begin <= s]
    return put(noise(length, level=0.003), played(notes, seconds, **how), at)


@pytest.mark.parametrize("tempo", [1.0, 1.04])
def test_the_same_notes_on_another_instrument(index, tempo):
    film = film_of("t1", 10, 30, 20, tempo=tempo, **PIANO)
    sheet = stamp((film, RATE), index)
    [cue], pieces = sheet.table.itertuples(), sheet.segments
    assert cue.track == "t1" and abs(cue.start - 20) < 1 and abs(cue.end - 50) < 1
    # at the album's tempo landmarks know it again as well, and too few of its notes are lacking
    assert tempo == 1 or cue.match == OTHER
    assert ((pieces["track_start"] - 10 - (pieces["start"] - 20) * tempo).abs() < 1).all()
    assert abs(pieces["speed"].iloc[-1] - tempo) < 0.02


def test_a_rendition_in_another_key(index):
    """Rare enough that a film without any recording of its album is not believed to hold one."""
    notes = [(s - 10, d, p) for s, d, p in SCORES["t1"] if s >= 10]
    rendition = played(notes, 30, key=3, **PIANO)
    film = put(film_of("t0", 5, 25, 5, length=100, **STRINGS), rendition, 50)
    cues = stamp((film, RATE), index).table
    assert cues["track"].tolist() == ["t0", "t1"] and cues["match"].tolist() == [SAME, OTHER]
    np.testing.assert_allclose(cues.loc[1, ["start", "end", "track_start"]].astype(float), [50, 80, 10], atol=1)
    assert not len(stamp((put(noise(70, level=0.003), rendition, 20), RATE), index))


def test_other_music_on_the_same_instrument_is_no_rendition(index):
    film = put(noise(100, level=0.003), played(score(80, 11), 80, **PIANO), 10)
    assert not len(stamp((film, RATE), index))


def test_a_recording_stays_one_beside_a_rendition(index):
    film = film_of("t0", 5, 25, 5, length=110, **STRINGS)
    alone = stamp((film, RATE), index).table
    notes = [(s - 20, d, p) for s, d, p in SCORES["t2"] if s >= 20]
    both = stamp((put(film, played(notes, 30, **PIANO), 60), RATE), index).table
    assert alone["match"].tolist() == [SAME] and both["match"].tolist() == [SAME, OTHER]
    assert both["track"].tolist() == ["t0", "t2"]
    np.testing.assert_allclose(
        both.loc[0, ["start", "end"]].to_numpy(float), alone.loc[0, ["start", "end"]].to_numpy(float), atol=0.5
    )


def test_a_song_that_an_actor_sings_over_the_backing(index):
    """An instrument has the tune on the album, in the film a voice with vibrato, freely, over the same chords."""
    notes = [(s - 10, d, p) for s, d, p in SCORES["t1"] if s >= 10]
    film = put(noise(70, level=0.003), played(notes, 30, tune=False, **STRINGS), 20)
    rng, t = np.random.default_rng(3), np.arange(30 * RATE) / RATE
    hertz = np.zeros(len(t))
    for start, length, pitch in notes:
        if pitch >= 60 and start < 29:
            first = int((start + rng.uniform(0, 0.08)) * RATE)
            hertz[first : first + int(length * RATE)] = 440 * 2 ** ((pitch - 69) / 12)
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.015 * np.sin(2 * np.pi * 5.5 * t))) / RATE
    put(film, (0.12 * (hertz > 0) * sum(np.sin(k * phase) / k for k in range(1, 8))).astype(np.float32), 20)
    cues = stamp((film, RATE), index).table
    assert set(cues["track"]) == {"t1"}
    heard = np.zeros(700, bool)
    for cue in cues.itertuples():
        heard[round(cue.start * 10) : round(cue.end * 10)] = True
        assert abs(cue.track_start - 10 - (cue.start - 20)) < 1
    assert heard[200:500].mean() > 0.85 and heard[:190].sum() + heard[510:].sum() < 10


def test_the_alignment_is_the_best_of_all():
    """Against a literal table over every row of film and track."""
    rng = np.random.default_rng(0)
    start, stop, move = 3.0, 1.0, 0.5
    for _ in range(20):
        gain = rng.normal(-0.2, 1.0, (12, 7)).astype(np.float32)
        none, on = 0.0, {}
        for row in gain.astype(float):
            ended = max([none, *(value - stop for value in on.values())])
            new = {}
            for j in range(7):
                ways = [ended - start]
                ways += [on[j - k] - (move if k != 1 else 0) for k in (0, 1, 2) if j - k in on]
                new[j] = max(ways) + row[j]
            none, on = ended, new
        place = harmony._viterbi(gain, start, stop, move)
        value, before = 0.0, -1
        for i, j in enumerate(place):
            if j >= 0:
                step = j - before if before >= 0 else None
                if step not in (0, 1, 2) or (step is not None and step != 1 and move > start + stop):
                    value -= start + (stop if before >= 0 else 0)
                elif step != 1:
                    value -= move
                value += gain[i, j]
            elif before >= 0:
                value -= stop
            before = j
        assert value == pytest.approx(max([none, *on.values()]), abs=1e-5)


def test_notes_are_compared_as_the_film_plays():
    """A film a semitone higher and faster by as much is, seen as the track, as the track."""
    rng = np.random.default_rng(1)
    levels = np.kron(rng.integers(20, 200, (40, 58)), np.ones((8, 1))).astype(np.uint8)
    raised = np.roll(levels, 1, axis=1)
    same = (harmony.profile(levels) * harmony.profile(raised, 1.0, 2 ** (1 / 12)))[:, 12:-12].sum(axis=1)
    whole = (harmony.profile(levels) ** 2)[:, 12:-12].sum(axis=1)
    np.testing.assert_allclose(same, whole, atol=0.06)
    faster = levels[np.minimum((np.arange(256) * 1.25).astype(int), 319)]
    assert len(harmony.profile(faster, 1.25)) == len(harmony.profile(levels))
    assert (harmony.profile(levels) * harmony.profile(faster, 1.25)).sum(axis=1).mean() > 0.8
    np.testing.assert_allclose(np.linalg.norm(harmony.profile(levels), axis=1), 1, atol=0.01)
