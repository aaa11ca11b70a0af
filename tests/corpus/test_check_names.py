"""What `check` says of files and names: every sound, every file of an album, annotations of nobody, names of Macs."""

import os
import shutil
import subprocess
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import RATE, edit, melody

from filmlens import stages
from filmlens.corpus import Corpus, CorpusError
from filmlens.corpus.check import check
from filmlens.media.apart import apart
from filmlens.media.write import write_audio

quiet = {"say": lambda line: None}


def as_wavpack(source, path):
    with av.open(str(source)) as film, av.open(str(path), "w") as box:
        old = film.streams.audio[0]
        new = box.add_stream("wavpack", rate=old.rate, layout=old.layout.name)
        for frame in film.decode(old):
            box.mux(new.encode(frame))
        box.mux(new.encode(None))


def test_tracks_of_any_kind_are_read_or_named(two_films):
    album = two_films / "soundtracks" / "one"
    as_wavpack(album / "Theme.flac", album / "Theme.wv")
    (album / "Theme.flac").unlink()
    (album / "cover.jpg").write_bytes(b"\xff\xd8" + bytes(100))
    (album / "notes.xyz").write_bytes(bytes(100))
    shutil.copy(album / "Finale.flac", album / "Bonus.sound")
    result = check(two_films)
    assert len(result.problems) == 1 and "Bonus.sound can be read as sound" in result.problems[0]
    assert any("cover.jpg" in note and "notes.xyz" in note for note in result.notes)
    corpus = Corpus.open(two_films)
    assert set(corpus["one"].tracks()) == {"Theme", "Finale"}
    stages.run(corpus, "cues", films=["one"], **quiet)
    assert stages.read(corpus, "cues")["track"].tolist() == ["Theme"]


def test_every_sound_stream_is_listed_and_a_column_chooses(two_films):
    film = two_films / "films" / "one.mp4"
    talk = 0.2 * np.random.default_rng(0).standard_normal(40 * RATE).astype(np.float32)
    with av.open(str(film)) as source, av.open(str(film.with_suffix(".mkv")), "w") as box:
        music = np.concatenate([f.to_ndarray() for f in source.decode(audio=0)], axis=1)[:1]
        streams = [(box.add_stream("ac3", rate=RATE, layout="mono"), sound) for sound in (talk[None], music)]
        streams[0][0].disposition = 8  # commentary
        for at in range(0, 40 * RATE, 1536):
            for stream, sound in streams:
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(sound[:, at : at + 1536], np.float32), "fltp", "mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
                box.mux(stream.encode(frame))
        for stream, _ in streams:
            box.mux(stream.encode(None))
    edit(two_films / "films.csv", "one.mp4", "one.mkv")
    notes = check(two_films).notes
    assert len(notes) == 2 and "commentary" in notes[0] and notes[1].endswith("which is read")
    corpus = Corpus.open(two_films)
    stages.run(corpus, "cues", films=["one"], **quiet)
    assert len(stages.read(corpus, "cues")) == 1
    table = two_films / "films.csv"
    lines = table.read_text().splitlines()
    table.write_text(
        "\n".join(f"{line},{end}" for line, end in zip(lines, ("audio_stream", "0", ""), strict=True)) + "\n"
    )
    corpus = Corpus.open(two_films)
    [outcome] = stages.run(corpus, "cues", films=["one"], **quiet)
    assert outcome.computed == 1, "another sound makes the cues stale"
    assert len(stages.read(corpus, "cues")) == 0, "the commentary was asked for"
    edit(table, ",0\n", ",5\n")
    assert any("no sound stream 5" in p for p in check(two_films).problems)
    edit(table, ",5\n", ",first\n")
    assert any("audio_stream 'first' is no number" in p for p in check(two_films).problems)


def test_names_of_a_mac_and_of_a_table_are_one(two_films):
    album = two_films / "soundtracks" / "one"
    (album / "Theme.flac").rename(album / unicodedata.normalize("NFD", "Über.flac"))
    annotation = two_films / "annotations" / "one.csv"
    annotation.write_text(unicodedata.normalize("NFC", "start,end,track\n5,20,Über\n"))
    (two_films / "annotations" / "two.csv").rename(
        two_films / "annotations" / unicodedata.normalize("NFD", "amélie.csv")
    )
    edit(two_films / "films.csv", "\ntwo,", "\n" + unicodedata.normalize("NFC", "amélie,"))
    for folder, name in (("films", "one.mp4"), ("soundtracks", "one")):
        path = two_films / folder / name
        path.rename(path.with_name(unicodedata.normalize("NFD", path.name.replace("one", "Épée"))))
    edit(two_films / "films.csv", "films/one.mp4,soundtracks/one", "films/Épée.mp4,soundtracks/Épée")
    assert check(two_films).problems == []
    assert [len(film.annotations()) for film in Corpus.open(two_films)] == [1, 1]


def test_ids_that_differ_only_in_case_and_annotations_of_nobody(two_films):
    (two_films / "annotations" / "twoo.csv").write_text("start,end,track\n")
    problems = check(two_films).problems
    assert len(problems) == 1 and "belongs to no film" in problems[0] and "is 'two' meant?" in problems[0]
    edit(two_films / "films.csv", "two,Second", "ONE,Second")
    with pytest.raises(CorpusError, match=r"'ONE' stands in row 2 already, written 'one'"):
        Corpus.open(two_films)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text exist on Linux alone")
def test_a_track_whose_name_is_no_text_ends_nothing(two_films):
    album = os.fsencode(two_films / "soundtracks" / "one")
    os.rename(album + b"/Theme.flac", album + b"/05 \xdcber.flac")
    (two_films / "annotations" / "one.csv").unlink()
    [problem] = check(two_films).problems
    assert "no UTF-8" in problem and "05 Über" in problem
    corpus = Corpus.open(two_films)
    [outcome] = stages.run(corpus, "cues", films=["one"], **quiet)
    assert not outcome.failed and stages.read(corpus, "cues")["track"].tolist() == ["05 Über"]


@pytest.mark.parametrize("command", ["check", "stamp"])
def test_output_under_another_code_page_ends_no_run(two_films, command):
    edit(two_films / "films.csv", "soundtracks/one", "soundtracks/東京")
    done = subprocess.run(
        [sys.executable, "-m", "filmlens.cli", command, str(two_films)],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
    )
    text = (done.stdout + done.stderr).decode("cp1252")
    assert "charmap" not in text and "\\u6771" in text
    assert done.returncode == 1, "a folder is missing"


def test_a_track_that_ends_before_its_header_says_is_named(two_films):
    path = two_films / "soundtracks" / "one" / "Theme.flac"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    write_audio(two_films / "soundtracks" / "two" / "Long.flac", melody(9, 5), RATE)
    problems = check(two_films).problems
    assert len(problems) == 1 and "Theme.flac" in problems[0] and "truncated" in problems[0]


def test_what_did_not_change_is_not_opened_again(two_films, monkeypatch):
    first, opened = check(two_films), []
    monkeypatch.setattr("filmlens.corpus.looks.apart", lambda *given, **named: opened.append(given[1]) or apart(*given))
    assert check(two_films) == first and not opened
    track = two_films / "soundtracks" / "one" / "Theme.flac"
    track.write_bytes(track.read_bytes()[:3000])
    problems = check(two_films).problems
    assert opened == [track] and len(problems) == 1 and "Theme.flac" in problems[0]
    assert check(two_films).problems == problems
    film, opened[:] = two_films / "films" / "one.mp4", []
    os.utime(film, ns=(0, 0))
    check(two_films)
    assert [os.fspath(path) for path in opened] == [str(film), str(track)], "the cut track gives no header to keep"
    track.write_bytes(b"no sound")  # opens as something else, and stays that
    assert check(two_films).problems and check(two_films).problems and opened[1:] == 2 * [track]


def test_names_of_one_file_are_looked_at_once(two_films, monkeypatch):
    music, opened = two_films / "soundtracks" / "one", []
    for number in range(5):
        os.link(music / "Theme.flac", music / f"Again {number}.flac")
    monkeypatch.setattr("filmlens.corpus.looks.apart", lambda *given, **named: opened.append(given[1]) or apart(*given))
    first = check(two_films)
    assert not first.problems and sum(path.parent == music for path in map(Path, opened)) == len(
        {path.stat().st_ino for path in music.iterdir()}
    )
    assert len(first.facts.films[0].tracks) == len(list(music.iterdir()))
    (music / "Theme.flac").write_bytes((music / "Theme.flac").read_bytes()[:3000])  # of all its names
    problems = check(two_films).problems
    assert len(problems) == 6 and all(sum(f"{name}.flac" in p for p in problems) == 1 for name in ("Theme", "Again 4"))
