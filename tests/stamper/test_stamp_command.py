"""`filmlens stamp`: one line per film, the same cues from any number of processes, a library, what is kept."""

import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from filmlens import stages
from filmlens.cli import app
from filmlens.corpus import Corpus, CorpusError
from filmlens.stamper import index_tracks, stamp


def call(*arguments):
    return CliRunner().invoke(app, ["stamp", *map(str, arguments)])


def test_a_line_per_film_and_cues_on_disk(two_films):
    result = call(two_films, "--jobs", 1)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.output.splitlines() if line.startswith(("one:", "two:"))]
    assert len(lines) == 2
    assert all("1 cues, 15 s of music in 40 s, 3" in line and "speed 1" in line and "decoys" in line for line in lines)
    corpus = Corpus.open(two_films)
    cues = stages.read(corpus, "cues")
    assert cues["track"].tolist() == ["Theme", "Theme"]
    assert list(cues.columns) == [
        "film_id",
        "cue",
        "track",
        "start",
        "end",
        "track_start",
        "speed",
        "score",
        "probability",
        "match",
    ]
    assert call(two_films, "--films", "two", "--engine", "dejavu", "--jobs", 1).exit_code == 0
    found = stages.read(corpus, "cues", engine="dejavu")
    assert found["film_id"].tolist() == ["two"]
    assert "aligned" in found.columns


def test_the_same_cues_from_any_number_of_processes(two_films, tmp_path):
    for jobs in (1, 2):
        assert call(two_films, "--jobs", jobs, "--derived", tmp_path / str(jobs)).exit_code == 0
    one, two = (stages.read(Corpus.open(two_films, derived=tmp_path / d), "cues") for d in "12")
    pd.testing.assert_frame_equal(one, two)


def test_a_film_that_fails_is_named_and_the_other_stamped(two_films):
    (two_films / "films" / "one.mp4").write_bytes(b"no film")
    result = call(two_films, "--jobs", 1)
    assert result.exit_code == 1
    assert "one: failed" in result.output
    assert "one.mp4" in result.output
    assert "two: 1 cues" in result.output


def test_an_unknown_film_is_refused_by_name(two_films):
    result = call(two_films, "--films", "three")
    assert isinstance(result.exception, ValueError)
    assert "no film three" in str(result.exception)


def test_songs_of_a_library_are_found_and_the_soundtrack_goes_first(two_films):
    songs = two_films / "songs" / "1999"
    songs.mkdir(parents=True)
    shutil.move(two_films / "soundtracks" / "one" / "Theme.flac", songs / "Song.flac")
    shutil.copy(two_films / "soundtracks" / "two" / "Finale.flac", two_films / "songs" / "Theme.flac")
    result = call(two_films, "--library", two_films / "songs", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "library" in result.output
    cues = stages.read(Corpus.open(two_films), "cues")
    assert cues["track"].tolist() == ["1999/Song", "Theme"]
    assert len(list((two_films / "derived" / "tracks").glob("*.npz"))) == 4, "a copy is its original"
    table = (two_films / "films.csv").read_text().replace(",composer\n", ",library\n")
    (two_films / "films.csv").write_text(table.replace(",A\n", ",songs\n").replace(",B\n", ",\n"))
    corpus = Corpus.open(two_films)
    assert list(corpus["one"].tracks()) == ["Finale", "1999/Song", "Theme"]
    assert list(corpus["two"].tracks()) == ["Finale", "Theme"]
    stages.run(corpus, "mir", say=lambda line: None)
    frames = stages.read(corpus, "mir")
    assert frames.groupby("film_id").size().tolist() == pytest.approx([15, 15], abs=1)


def test_a_library_that_is_missing_is_named(two_films):
    with pytest.raises(CorpusError, match="nowhere: no such folder of further music"):
        Corpus.open(two_films, library=two_films / "nowhere")
    table = (two_films / "films.csv").read_text().replace(",composer\n", ",library\n")
    (two_films / "films.csv").write_text(table.replace(",A\n", ",nowhere\n"))
    with pytest.raises(CorpusError, match=r"the library folder .*nowhere of one is missing"):
        Corpus.open(two_films)["one"].tracks()


@pytest.mark.parametrize("engine", ["filmlens", "dejavu"])
def test_fingerprints_are_kept_until_the_file_changes(two_films, tmp_path, engine):
    corpus, keep = Corpus.open(two_films), tmp_path / "kept"
    tracks = corpus["one"].tracks()
    fresh = index_tracks(tracks, engine=engine)
    for _ in range(2):
        index = index_tracks(tracks, engine=engine, keep=keep)
        assert index.names == fresh.names
        assert (index.time == fresh.time).all()
        assert (index.code == fresh.code).all()
        assert len(list(keep.iterdir())) == 2
    cues = stamp(corpus["one"].film, index).table
    shutil.copy(tracks["Finale"], tracks["Theme"])
    changed = index_tracks(tracks, engine=engine, keep=keep)
    assert (changed.track(0)[0] == changed.track(1)[0]).all()
    for file in keep.iterdir():
        file.write_bytes(b"not whole")
    again = index_tracks(tracks, engine=engine, keep=keep)
    assert (again.time == changed.time).all()
    assert cues["track"].tolist() == ["Theme"]
