"""One recording in several soundtracks joins their films, whatever it is called there."""

import shutil

import numpy as np
import pandas as pd
import pytest

from filmlens.corpus import SHARED_MUSIC, Corpus, doubles
from filmlens.corpus.check import check
from filmlens.corpus.doubles import music_groups, shared_recordings
from filmlens.demo.synth import compose
from filmlens.media.write import write_audio
from filmlens.stages.plan import held_together, label_hash
from filmlens.study import Study, placed

RATE = 22_050


@pytest.fixture
def films(tmp_path):
    """Six films: 0 and 1 share a recording, 1 and 2 another, 3 and 4 a library; 5 has a file of the same size."""
    rows = ["film_id,title,year,genres,film,soundtrack,library"]
    for n in range(6):
        folder = tmp_path / f"album{n}"
        folder.mkdir()
        (folder / "own.wav").write_bytes(bytes([n]) * 900)
        rows.append(f"film{n},F{n},2000,Drama,film{n}.mp4,album{n},{'library' if n in (3, 4) else ''}")
    (tmp_path / "album0" / "Main title.wav").write_bytes(b"main" * 200)
    shutil.copy(tmp_path / "album0" / "Main title.wav", tmp_path / "album1" / "Trailer.wav")
    (tmp_path / "album1" / "Waltz.wav").write_bytes(b"waltz" * 100)
    shutil.copy(tmp_path / "album1" / "Waltz.wav", tmp_path / "album2" / "07.wav")
    (tmp_path / "album5" / "like.wav").write_bytes(b"niam" * 200)
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "licensed.wav").write_bytes(b"song" * 300)
    (tmp_path / "films.csv").write_text("\n".join(rows))
    return Corpus.open(tmp_path)


def test_films_are_joined_through_others_and_not_by_a_library(films):
    found = music_groups(films)
    assert found.to_dict() == {
        "film0": "film0",
        "film1": "film0",
        "film2": "film0",
        "film3": "",
        "film4": "",
        "film5": "",
    }
    shared = shared_recordings(films)
    assert set(zip(shared["film_id"], shared["track"], strict=True)) == {
        ("film0", "Main title"),
        ("film1", "Trailer"),
        ("film1", "Waltz"),
        ("film2", "07"),
    }
    assert shared.groupby("recording").size().tolist() == [2, 2]


def test_a_recording_is_known_by_its_sound_in_another_format_level_and_cut(tmp_path, monkeypatch):
    play = [compose({}, 45.0, RATE, np.random.default_rng(seed)) for seed in range(4)]
    files = [
        ("album0/Theme.flac", play[0]),
        ("album1/12 Trailer.mp3", 0.4 * play[0][:, 3 * RATE :]),
        ("album1/Other.flac", play[1]),
        ("album2/Waltz.m4a", play[2]),
        ("album2/short.flac", play[0][:, : 10 * RATE]),
        ("album3/Waltz.flac", play[3]),
    ]
    for name, sound in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_audio(tmp_path / name, sound, RATE)
    rows = [f"film{n},F{n},2000,Drama,film{n}.mp4,album{n}" for n in range(4)]
    (tmp_path / "films.csv").write_text("\n".join(["film_id,title,year,genres,film,soundtrack", *rows]))
    corpus = Corpus.open(tmp_path)
    shared = shared_recordings(corpus)
    assert shared[["film_id", "track"]].to_numpy().tolist() == [["film0", "Theme"], ["film1", "12 Trailer"]]
    assert "film0, film1 share 1 soundtrack file: Theme" in check(tmp_path).counts
    monkeypatch.setattr(doubles, "apart", None)  # nothing is read again
    assert music_groups(corpus).to_dict() == {"film0": "film0", "film1": "film0", "film2": "", "film3": ""}


def test_models_are_stale_by_the_sharing_only_where_it_makes_their_folds(films, tmp_path):
    schemes = ("leave-one-film-out", SHARED_MUSIC)
    before = [label_hash(films, {"scheme": s}) for s in schemes]
    assert SHARED_MUSIC in held_together(films, SHARED_MUSIC) and SHARED_MUSIC not in held_together(films, 10)
    (tmp_path / "album2" / "07.wav").unlink()
    after = [label_hash(films, {"scheme": s}) for s in schemes]
    assert before[0] == after[0] and before[1] != after[1]


def test_what_is_told_of_it(films):
    study = Study.open(films.folder)
    cues = pd.DataFrame({"film_id": ["film1", "film1", "film2"], "track": ["Trailer", "Trailer", "07"]})
    table = placed.in_several(study, cues)
    assert table[["film", "track", "cues"]].to_numpy().tolist() == [
        ["film0", "Main title", 0],
        ["film1", "Trailer", 2],
        ["film1", "Waltz", 0],
        ["film2", "07", 1],
    ]
    assert "3 films have recordings in common" in placed.shared_music(study)
    assert placed.in_several(study, cues.iloc[:0]).empty
