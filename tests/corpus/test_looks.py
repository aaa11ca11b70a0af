"""What is remembered of a folder of music is what a first look at it finds, after every change of one file."""

import os
import random
import shutil

import pytest
from conftest import RATE, melody

from filmlens.artefacts import fingerprint
from filmlens.corpus import Corpus, read_films
from filmlens.corpus.check import check
from filmlens.corpus.doubles import shared_tracks
from filmlens.corpus.listing import list_files, list_names
from filmlens.corpus.looks import look_at_folders
from filmlens.media.write import write_audio


def touched(music):
    os.utime(music / "Theme.flac", ns=(0, 0))


def cut(music):
    path = music / "Theme.flac"
    path.write_bytes(path.read_bytes()[:3000])


def of_the_same_size(music):
    path = music / "Theme.flac"
    path.write_bytes(bytes(path.stat().st_size))


def longer(music):
    write_audio(music / "Theme.flac", melody(7, 3.0), RATE)


def another(music):
    write_audio(music / "CD2" / "More.flac", melody(8, 1.0), RATE)


def gone(music):
    (music / "Finale.flac").unlink()


def renamed(music):
    (music / "Finale.flac").rename(music / "CD2" / "Finale.flac")


def twice(music):
    shutil.copy(music / "Finale.flac", music / "Finale.ogg")


def no_sound(music):
    (music / "Booklet.xyz").write_bytes(b"words")


def cover(music):
    (music / "Cover.jpg").write_bytes(b"a picture")


def of_another_ending(music):
    (music / "Finale.flac").rename(music / "Finale.sound")


def no_text(music):
    shutil.copy(music / "Finale.flac", os.fsencode(music) + b"/caf\xe9.flac")


def gone_with_all(music):
    shutil.rmtree(music)


CHANGES = [touched, cut, of_the_same_size, longer, another, gone, renamed, twice]
CHANGES += [no_sound, cover, of_another_ending, no_text, gone_with_all]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_change_of_one_file_is_noticed(two_films, tmp_path, monkeypatch, change):
    music = two_films / "soundtracks" / "one"
    (music / "CD2").mkdir()
    first = check(two_films)
    change(music)
    found = check(two_films)
    assert check(two_films) == found, "and remembered as it was found"
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "another cache"))
    assert check(two_films) == found
    assert (found == first) == (change in (touched,)), "the test changes something"


def test_a_listing_is_what_the_system_says_of_each_file(tmp_path):
    for name in ("b.flac", "a/2.mp3", "a b.ogg", "a/1.flac", ".hidden.flac"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    os.link(tmp_path / "b.flac", tmp_path / "c.flac")
    files = list_files(tmp_path)
    assert files.paths == list_names(tmp_path).paths == ["a/1.flac", "a/2.mp3", "a b.ogg", "b.flac", "c.flac"]
    for place, path in enumerate(files.paths):
        stat = os.stat(tmp_path / path)
        assert (files.sizes[place], files.times[place]) == (stat.st_size, stat.st_mtime_ns)
        assert files.same[place] == (stat.st_dev, stat.st_ino) and files.path(place) == str(tmp_path / path)
    assert files.same[-1] == files.same[-2] and len(set(files.same)) == 4
    assert files.named == ({"a/1": 0, "a/2": 1, "a b": 2, "b": 3, "c": 4}, [])


def test_shared_recordings_are_those_of_a_literal_loop(tmp_path):
    rng = random.Random(0)
    rows = ["film_id,title,year,genres,film,soundtrack,library"]
    for film in range(8):
        folder = tmp_path / f"album{film}"
        folder.mkdir()
        for track in range(12):  # few contents, of few sizes
            (folder / f"{track:02d}.wav").write_bytes(bytes([rng.randrange(40)]) * rng.choice([100, 101, 150]))
        os.link(folder / "00.wav", folder / "again.wav")
        rows.append(f"film{film},F{film},2000,Drama,film{film}.mp4,album{film},{'album0' if film == 5 else ''}")
    (tmp_path / "films.csv").write_text("\n".join(rows))
    expected = {}
    for film in Corpus.open(tmp_path):
        for name, path in film.tracks().items():
            expected.setdefault((path.stat().st_size, fingerprint(path)["hash"]), []).append((film.id, name))
    shared = {}
    for group in expected.values():
        if len(ids := tuple(dict.fromkeys(film for film, _ in group))) > 1:
            shared.setdefault(ids, set()).add(group[0][1])
    found = shared_tracks(read_films(tmp_path).films)
    assert len(shared) > 5 and {ids: set(names) for ids, names in found.items()} == shared
    assert sum(map(len, found.values())) == sum(map(len, shared.values()))


def test_an_empty_folder_of_a_corpus_that_nothing_is_known_of(tmp_path):
    """`check` looks at folders before it says that one of them holds no sound file."""
    (tmp_path / "empty").mkdir()
    found = look_at_folders([tmp_path / "empty"])
    assert [music.files.paths for music in found.values()] == [[]]
