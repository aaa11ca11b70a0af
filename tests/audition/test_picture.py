"""The moving picture in a real Chromium: what it shows is what is heard, it keeps no key waiting, and it may fail."""

import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from browser import chromium, find_chromium
from conftest import RATE, melody, put_table
from stage import Stage, verdict_files

from filmlens.audition import Audition, clips
from filmlens.corpus import Corpus
from filmlens.media.write import write_audio, write_film

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")]

FPS, BANDS = 25, 12
_READ = """() => { const video = document.querySelector('.fl-pictures video');
    const [head, tenths] = document.querySelector('.fl-timecode').textContent.split(':').map(Number);
    const drawn = document.createElement('canvas'), pen = drawn.getContext('2d');
    [drawn.width, drawn.height] = [video.videoWidth || 12, video.videoHeight || 2];
    pen.drawImage(video, 0, 0);
    const row = pen.getImageData(0, drawn.height / 2, drawn.width, 1).data, wide = drawn.width / 12;
    let number = 0;
    for (let k = 0; k < 12; k++) number += row[4 * Math.round((k + 0.5) * wide)] > 128 ? 2 ** k : 0;
    return { shown: !video.hidden, number, head: 60 * head + tenths, seeking: video.seeking, paused: video.paused,
             muted: video.muted, still: !document.querySelector('.fl-pictures img').hidden } }"""


def crash(path, start, end):
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile"), width=1400, height=900) as (page, outside):
        yield Stage(page)
        assert outside == []


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A film of 100 s whose pictures carry their number, with four cues."""
    folder = tmp_path_factory.mktemp("moving")
    (folder / "tracks").mkdir()
    write_audio(folder / "tracks" / "Theme.flac", melody(1, 30), RATE)

    def numbered(i):
        bits = 255 * (i >> np.arange(BANDS) & 1)
        return np.tile(np.repeat(bits.astype(np.uint8), 16), (108, 1))

    sound = np.tile(melody(1, 30), 4)[: 100 * RATE]
    write_film(folder / "film.mp4", (numbered(i) for i in range(100 * FPS)), sound, fps=FPS, rate=RATE)
    (folder / "films.csv").write_text("film_id,title,year,genres,film,soundtrack\none,One,2000,Drama,film.mp4,tracks\n")
    cues = pd.DataFrame({"start": [12.0, 31.0, 55.0, 80.0], "end": [16.0, 34.0, 58.0, 84.0]})
    cues = cues.assign(film_id="one", cue=range(4), track="Theme", track_start=0.0, speed=1.0, score=10.0)
    corpus = Corpus.open(folder)
    put_table(corpus, "cues", "one", cues, duration=100.0)
    return corpus


@pytest.fixture
def bench(corpus, stage, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))
    widget, asked = Audition(corpus, "one"), []
    take = widget._on_message
    widget._on_message = lambda w, m, buffers: asked.append(m) or take(w, m, buffers)
    stage.asked = asked
    yield lambda: stage.open(widget)
    widget.close()
    for path in (corpus.folder / "verdicts").glob("*"):
        path.unlink()
    assert stage.seen == [], "no error on the page"


def read(stage):
    return stage.page.evaluate(_READ)


def moves(stage):
    stage.page.wait_for_function("!document.querySelector('.fl-pictures video').hidden", timeout=180_000)


def stands(stage):
    """Waits until the picture is the one at the head."""
    stage.page.wait_for_function(
        f"() => {{ const r = ({_READ})(); return r.shown && !r.seeking && Math.abs(r.number - {FPS} * r.head) <= 1 }}",
        timeout=120_000,
    )


def follows(stage, times=30):
    """How many pictures the picture is behind the sound or ahead, while both go on."""
    off = []
    while len(off) < times:
        stage.page.wait_for_timeout(40)
        now = read(stage)
        if now["shown"] and not now["paused"]:
            off.append(now["number"] - FPS * now["head"])
    return np.array(off)


def test_the_picture_is_that_of_the_sound(bench, stage):
    bench()
    moves(stage)
    stands(stage)
    for keys in (("ArrowRight",), ("ArrowRight", "ArrowRight"), ("Home",), ("End",), ("j",), ("g", *"1:21.3", "Enter")):
        stage.keys(*keys)
        stands(stage)
    assert read(stage)["muted"] and read(stage)["paused"]
    stage.keys("Home", "l", " ")
    off = follows(stage)
    print("playing", np.percentile(off, [0, 10, 50, 90, 100]))
    assert abs(np.median(off)) <= 2
    stage.page.wait_for_function("document.querySelector('.fl-timecode').textContent > '1:23'", timeout=120_000)
    stage.page.wait_for_function("document.querySelector('.fl-timecode').textContent < '1:22'", timeout=120_000)
    off = follows(stage)
    print("looping", np.percentile(off, [0, 10, 50, 90, 100]))
    assert abs(np.median(off)) <= 2
    stage.page.get_by_label("Speed").select_option("2")
    off = follows(stage)
    assert abs(np.median(off)) <= 3
    stage.page.locator(".fl-audition").focus()
    stage.keys(" ")
    stands(stage)
    # the same again from what is kept
    made = [m["piece"] for m in stage.asked if m["type"] == "clip"]
    assert made and sorted(set(made)) == sorted(made), "no piece is asked for twice"


def test_keys_never_wait_for_the_picture_and_the_newest_is_made_first(bench, stage, corpus, monkeypatch):
    held, begun = threading.Event(), []
    get = clips.Pieces.get

    def slow(self, number):
        begun.append(number)
        held.wait(300)
        return get(self, number)

    monkeypatch.setattr(clips.Pieces, "get", slow)
    bench()
    stage.keys("y", "n", "y")
    for _ in range(600):
        stage.page.wait_for_timeout(100)
        if any(m.get("piece") == 8 for m in stage.asked):
            break
    assert len(verdict_files(corpus)["one.csv"].splitlines()) == 4
    assert stage.state()["cue"].startswith("cue 4")
    assert len(begun) <= 1, "one is made at a time"
    still = "!document.querySelector('.fl-pictures img').hidden"
    stage.page.wait_for_function(still, timeout=180_000)  # it stands there until the piece is made
    stage.keys(" ")
    stage.page.wait_for_function("document.querySelector('.fl-audition audio').currentTime > 0.3", timeout=120_000)
    stage.keys(" ")
    held.set()
    moves(stage)
    stands(stage)
    assert 8 in begun[:2], "the newest is next, whatever was asked for on the way there"


def test_a_film_that_kills_its_reader_is_told_and_keeps_its_stills(bench, stage, corpus, monkeypatch):
    monkeypatch.setattr(clips, "moving", crash)
    bench()
    stage.page.get_by_text("no moving picture, stills stand in its place").wait_for(timeout=180_000)
    stage.keys("j", "j", "y")
    stage.page.wait_for_function("!document.querySelector('.fl-pictures img').hidden", timeout=180_000)
    stage.page.wait_for_timeout(1500)
    assert [m["type"] for m in stage.asked].count("clip") == 1 and not read(stage)["shown"]
    assert len(verdict_files(corpus)["one.csv"].splitlines()) == 2
