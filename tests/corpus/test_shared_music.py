"""One recording in several soundtracks joins their films, whatever it is called there."""

import shutil

import pandas as pd
import pytest

from filmlens.corpus import SHARED_MUSIC, Corpus
from filmlens.corpus.doubles import music_groups, shared_recordings
from filmlens.stages.plan import held_together, label_hash
from filmlens.study import Study, placed


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
