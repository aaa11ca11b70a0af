"""A decoder that crashes takes its own process with it: one file's failure, for whoever reads strangers' media."""

import os
import signal
import time

import numpy as np
import pytest

from filmlens import stages
from filmlens.artefacts import read_failures
from filmlens.corpus import Corpus
from filmlens.corpus.check import check
from filmlens.media import apart as apart_
from filmlens.media.apart import Died, apart, apart_stream
from filmlens.media.monitor import passed_over, watched
from filmlens.media.opening import MediaError


def crash(path):
    os.kill(os.getpid(), signal.SIGSEGV)


def sleep(path):
    time.sleep(60)


def fail(path):
    raise MediaError(f"{path}: is no film")


def tell(path):
    passed_over(f"{path}: two packets")
    return os.getpid()


def count(n, crash_at=None):
    for i in range(n):
        if i == crash_at:
            crash("")
        yield np.full(3, i)


def test_a_crash_is_an_error_that_names_the_file():
    with pytest.raises(Died, match=r"film\.mp4: the process that read it died \(signal 11\)"):
        apart(crash, "film.mp4")
    assert apart(tell, "film.mp4") != os.getpid(), "the next call has another process"


def test_a_reader_that_hangs_is_given_up():
    with pytest.raises(Died, match=r"film\.mp4: .* no answer for 1 s"):
        apart(sleep, "film.mp4", limit=1)


def test_errors_and_damage_come_across():
    with pytest.raises(MediaError, match="is no film"):
        apart(fail, "film.mp4")
    with watched() as damage:
        first = apart(tell, "a.mp4")
        assert apart(tell, "b.mp4") == first, "one process for one call after another"
    assert damage == ["a.mp4: two packets", "b.mp4: two packets"]


def test_a_stream_comes_piece_by_piece_and_can_be_left():
    assert [int(a[0]) for a in apart_stream(count, 4)] == [0, 1, 2, 3]
    for item in apart_stream(count, 10**9):
        if item[0] == 2:
            break
    got = []
    with pytest.raises(Died, match="signal 11"):
        got.extend(int(a[0]) for a in apart_stream(count, 9, crash_at=3))
    assert got == [0, 1, 2]


def test_a_film_that_crashes_its_decoder_fails_alone(two_films, monkeypatch, tmp_path):
    """In `check` and with one job alike; the crash is brought about by a module that the process imports."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "import filmlens.media.opening as opening\n"
        "whole = opening.open_media\n"
        "def crashing(path):\n"
        "    if 'one.mp4' in str(path) and os.environ.get('CRASH'):\n"
        "        os.kill(os.getpid(), signal.SIGSEGV)\n"
        "    return whole(path)\n"
        "opening.open_media = crashing\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("CRASH", "1")
    for process in apart_._idle:
        process.end()
    apart_._idle.clear()
    problems = check(two_films).problems
    assert len(problems) == 1 and "one.mp4" in problems[0] and "signal 11" in problems[0]
    corpus = Corpus.open(two_films)
    [outcome] = stages.run(corpus, "cues", jobs=1, say=lambda line: None)
    assert outcome.computed == 1 and list(outcome.failed) == ["one"]
    assert "signal 11" in read_failures(corpus.derived / "failures.csv")["error"][0]
    for process in apart_._idle:
        process.end()
    apart_._idle.clear()
