"""Film and track side by side in notebooks: a cue of three pieces, each at its own place and speed."""

import ast
import base64
import io
import json
import re
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from conftest import put_table
from scipy.signal import correlate

from filmlens import stages
from filmlens.corpus import Corpus
from filmlens.media.sound import read_audio
from filmlens.study import Study

RATE = 48_000
CUE = pd.DataFrame(
    {"film_id": "one", "cue": [4], "track": "Theme", "start": 5.0, "end": 14.0, "track_start": 5.0, "speed": 1.0}
).assign(score=9.0, probability=0.9)
PIECES = pd.DataFrame(
    {
        "film_id": "one",
        "cue": 4,
        "segment": [0, 1, 2],
        "start": [5.0, 8.0, 11.5],
        "end": [8.0, 11.25, 14.0],
        "track_start": [5.0, 1.0, 6.0],
        "speed": [1.0, 25 / 24, 1.0],
    }
)


@pytest.fixture
def study(two_films, monkeypatch):
    """A stamped corpus whose only cue has three pieces; tables are read as they lie there."""
    corpus = Corpus.open(two_films)
    put_table(corpus, "cues", "one", CUE, duration=40.0)
    put_table(corpus, "segments", "one", PIECES)
    monkeypatch.setattr(stages, "run", lambda *given, **named: [])
    return Study.open(two_films)


def heard(shown):
    """Mono sound of the player in a page."""
    [data] = re.findall(r"data:audio/ogg;base64,([^\"]+)", shown._repr_html_())
    with av.open(io.BytesIO(base64.b64decode(data))) as box:
        parts = [(f.pts * f.time_base, f.to_ndarray()) for f in box.decode(audio=0)]
    sound = np.concatenate([p if p.shape[0] == 2 else p.reshape(-1, 2).T for _, p in parts], axis=1).mean(axis=0)
    return sound[max(0, round(float(-parts[0][0]) * RATE)) :]


def likeness(sound, other):
    """Greatest correlation within a tenth of a second, 1 for the same sound."""
    around = correlate(sound, other, mode="full", method="fft")
    middle, near = len(other) - 1, RATE // 10
    return around[middle - near : middle + near].max() / (np.linalg.norm(sound) * np.linalg.norm(other))


def the_pieces_sound(sound, theme):
    """Assert that each piece of the cue, and no other place of the track, is heard in its time of the film."""
    tune, times = read_audio(theme, RATE), 0.25 + np.arange(2 * RATE) / RATE
    of_track = lambda place, speed: np.interp((place + times * speed) * RATE, np.arange(len(tune)), tune)  # noqa: E731
    for piece in PIECES.itertuples():
        begin = piece.start - 5.0
        part = sound[round((begin + times[0]) * RATE) :][: len(times)]
        assert likeness(part, of_track(piece.track_start, piece.speed)) > 0.95, f"piece {piece.segment}"
        if piece.segment:
            assert likeness(part, of_track(5.0 + begin, 1.0)) < 0.5, "the first piece goes on"
    pause = sound[round(6.3 * RATE) : round(6.45 * RATE)]
    assert np.abs(pause).max() < 0.01, "nothing plays in the pause"


def test_each_piece_of_the_track_is_heard_at_its_own_place_and_speed(study):
    pieces = study.pieces(CUE)
    assert pieces.columns.tolist() == CUE.columns.tolist() and len(pieces) == 3
    shown = study.listen("one", 5.0, 14.0, pieces=pieces)
    assert "Theme under 5.0 to 14.0 s of the film" in shown._repr_html_()
    sound = heard(shown)
    assert abs(len(sound) / RATE - 9.0) < 0.05
    the_pieces_sound(sound, study.corpus["one"].tracks()["Theme"])
    film = heard(study.listen("one", 5.0, 8.0))[: 3 * RATE]
    assert likeness(film, read_audio(study.corpus["one"].film, RATE, start=5.0, end=8.0)) > 0.95


def cells_with(notebook, word):
    """Code of a notebook's cells that name a word."""
    path = Path(__file__).parents[2] / "notebooks" / f"{notebook}.ipynb"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    found = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    return [
        code for code in found if word in {n.attr for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Attribute)}
    ]


@pytest.mark.parametrize("notebook", ["01_score_stamper", "06_audition"])
def test_notebooks_play_film_and_track_of_a_cue_of_three_pieces(study, notebook):
    here = CUE.set_index("cue")
    names = {"study": study, "pd": pd, "uncertain": CUE, "here": here, "cue": 4, "film_id": "one", "seconds": 10.0}
    shown = []
    for code in cells_with(notebook, "listen"):
        exec(code, names | {"chosen": here.loc[4], "end": 14.0, "display": shown.append})
    film, track = map(heard, shown)
    assert abs(len(film) - len(track)) < RATE / 20
    the_pieces_sound(track, study.corpus["one"].tracks()["Theme"])


def test_notebook_02_looks_at_a_piece_that_is_measured_in_one_go(study):
    names = {"study": study, "film": "", "sound": "track"}
    for code in [*cells_with("02_features", "pieces"), *cells_with("02_features", "idxmax")]:
        exec(code, names)
    assert names["chosen"][["start", "end", "track_start", "speed"]].tolist() == [8.0, 11.25, 1.0, 25 / 24]
