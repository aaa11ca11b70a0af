"""Pieces of moving picture: what is made and kept, what goes when there is too much, whose turn it is."""

import os
import signal
import threading
import time

import pytest
from conftest import put_table
from test_widget import CUES, ask

from filmlens.audition import Audition, clips
from filmlens.audition.clips import Newest, Pieces, Shelf
from filmlens.corpus import Corpus
from filmlens.media.opening import MediaError


def crash(path, start, end):
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pictures"


def test_a_piece_is_made_once_and_no_name_of_the_film_becomes_one_of_a_file(two_films, cache, monkeypatch):
    film = Corpus.open(two_films)["one"]
    first = Pieces(film, 40.0).get(3)
    assert first[:4] == b"\x1a\x45\xdf\xa3"
    [kept] = os.listdir(cache)
    assert len(kept) == 37 and set(kept.removesuffix(".webm")) <= set("0123456789abcdef")
    monkeypatch.setattr(clips, "apart", lambda *a, **k: pytest.fail("made again"))
    assert Pieces(film, 40.0).get(3) == first
    with pytest.raises(pytest.fail.Exception, match="made again"):
        Pieces(film, 33.0).get(3)  # a film of another length ends elsewhere
    os.utime(film.film, ns=(0, 0))
    with pytest.raises(pytest.fail.Exception, match="made again"):
        Pieces(film, 40.0).get(3)
    for outside in (-1, 4):
        with pytest.raises(ValueError, match="outside the film"):
            Pieces(film, 40.0).get(outside)


def test_a_film_that_kills_its_reader_is_told_once_and_left_to_stills(two_films, cache, monkeypatch):
    corpus = Corpus.open(two_films)
    monkeypatch.setattr(clips, "moving", crash)
    pieces = Pieces(corpus["one"], 40.0)
    with pytest.raises(MediaError, match=r"one: no moving picture, stills .*one\.mp4: .*signal 11"):
        pieces.get(0)
    monkeypatch.setattr(clips, "apart", lambda *a, **k: pytest.fail("tried again"))
    with pytest.raises(MediaError, match="signal 11"):
        pieces.get(1)
    assert not cache.exists()
    monkeypatch.undo()
    monkeypatch.setenv("FILMLENS_CACHE", str(cache.parent))
    assert Pieces(corpus["two"], 40.0).get(0)


def test_what_was_not_used_for_longest_goes_and_is_counted_once(tmp_path, monkeypatch):
    shelf = Shelf(tmp_path / "shelf", most=1000)
    looked, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: looked.append(path) or scandir(path))
    for k in range(9):
        shelf.put(f"{k}", bytes(100))
        os.utime(tmp_path / "shelf" / f"{k}", ns=(k, k))
        assert len(looked) == 1
    assert shelf.get("0") == bytes(100) and shelf.get("none") is None
    shelf.put("9", bytes(100))
    assert len(looked) == 1 and len(os.listdir(tmp_path / "shelf")) == 10
    shelf.put("10", bytes(100))
    assert len(looked) == 2, "counted again when it is too much"
    assert sorted(os.listdir(tmp_path / "shelf"), key=int) == ["0", "3", "4", "5", "6", "7", "8", "9", "10"]
    # another process that shares the folder has made it fuller, or emptier
    (tmp_path / "shelf" / "theirs").write_bytes(bytes(5000))
    for k in range(11, 13):
        shelf.put(f"{k}", bytes(100))
    left = os.listdir(tmp_path / "shelf")
    assert sum((tmp_path / "shelf" / name).stat().st_size for name in left) <= 1000 and "12" in left


def test_a_piece_that_cannot_be_kept_is_shown_all_the_same(two_films, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "file"))
    assert Pieces(Corpus.open(two_films)["one"], 40.0).get(0)[:2] == b"\x1a\x45"


def test_the_newest_is_next_and_the_others_are_let_go():
    started, go, told = threading.Event(), threading.Event(), []
    busy = [False]
    line = Newest(lambda: busy[0])
    line.submit(lambda: (started.set(), go.wait(10), told.append("a")), lambda: told.append("no a"))
    assert started.wait(10)
    for name in "bcd":
        line.submit(lambda name=name: told.append(name), lambda name=name: told.append(f"no {name}"))
    assert told == ["no b", "no c"]
    busy[0] = True
    go.set()
    time.sleep(0.05)
    assert told == ["no b", "no c", "a"], "what is more urgent comes first"
    busy[0] = False
    until = time.monotonic() + 10
    while "d" not in told and time.monotonic() < until:
        time.sleep(0.01)
    assert told == ["no b", "no c", "a", "d"]
    line.stop()
    line._thread.join(10)
    assert not line._thread.is_alive()


def test_the_page_gets_a_piece_over_its_wire(two_films, cache):
    corpus = Corpus.open(two_films)
    put_table(corpus, "cues", "one", CUES, duration=40.0)
    page, told = Audition(corpus, "one"), []
    try:
        assert ask(page, "open")[0]["piece"] == clips.PIECE_S
        page.send = lambda content, buffers=None: told.append((content, buffers))
        begun = time.monotonic()
        for number in (0, 1, 2, 3):
            page._on_message(page, {"type": "clip", "id": str(number), "film_id": "one", "piece": number}, [])
        assert time.monotonic() - begun < 5
        while len(told) < 4 and time.monotonic() - begun < 60:
            time.sleep(0.02)
        made = {c["id"]: c for c, b in told if b}
        assert "3" in made and made["3"]["start"] == 30.0, "the newest is made, whichever were begun before it came"
        assert {c["id"] for c, b in told if c.get("late") and not b} == set("0123") - set(made)
        assert ask(page, "clip", film_id="two", piece=0)[0]["late"], "asked before another film was opened"
        assert ask(page, "clip", film_id="one", piece=9)[0]["type"] == "error"
    finally:
        page.close()
