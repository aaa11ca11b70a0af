"""One run at a time: a second one is told who is at work, a dead owner is known."""

import json
import os
import platform
import subprocess
import sys
import threading
import time

import pytest

from filmlens import stages
from filmlens.artefacts import here
from filmlens.corpus import Corpus
from filmlens.stages import lock
from filmlens.stages.lock import LockError, locked

HOLD = """
import sys, time
from pathlib import Path
from filmlens.stages.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "derived")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process, tmp_path / "derived"
    process.kill()
    process.wait()


def test_a_second_run_is_told_who_is_at_work(holder):
    process, folder = holder
    with pytest.raises(LockError) as told, locked(folder):
        pass
    text = str(told.value)
    assert f"process {process.pid} on {platform.node()}" in text and "wait until it has ended" in text
    assert str(folder / lock.NAME) in text
    assert process.poll() is None and lock.owner(folder / lock.NAME)["pid"] == process.pid


def test_the_lock_of_a_killed_run_is_taken_over(holder):
    process, folder = holder
    process.kill()
    process.wait()
    assert (folder / lock.NAME).is_file()
    with locked(folder):
        assert lock.owner(folder / lock.NAME)["pid"] == os.getpid()
    assert not list(folder.iterdir())


def test_a_run_with_nothing_to_do_removes_the_lock_of_a_killed_one(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "annotated", say=lambda line: None)
    holding = [sys.executable, "-c", HOLD, str(corpus.derived)]
    with subprocess.Popen(holding, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        half = corpus.derived / f".one.{here()}-{process.pid}-0badc0de.parquet"
        half.write_text("half")
        stages.run(corpus, "annotated", say=lambda line: None)
        assert lock.owner(corpus.derived / lock.NAME)["pid"] == process.pid and half.exists()
        process.kill()
    assert lock.left_behind(corpus.derived)
    assert [o.computed for o in stages.run(corpus, "annotated", say=lambda line: None)] == [0]
    assert not list(corpus.derived.rglob(".*"))


def test_an_unburied_owner_is_dead(holder):
    process, folder = holder
    process.kill()  # a zombie until it is waited for, as under a careless parent in a container
    time.sleep(0.5)
    with locked(folder):
        assert lock.owner(folder / lock.NAME)["pid"] == os.getpid()


def test_a_process_number_used_again_is_another_process(tmp_path):
    held = {"token": "x" * 32, "host": platform.node(), "pid": os.getpid(), "started": 1.0, "since": "long ago"}
    (tmp_path / lock.NAME).write_text(json.dumps(held))
    with locked(tmp_path) as token:
        assert token != held["token"]


def test_an_owner_on_another_machine_is_alive_while_it_touches_the_file(tmp_path):
    path = tmp_path / lock.NAME
    path.write_text(json.dumps({"token": "x", "host": "node7", "pid": 1, "started": 1.0, "since": "noon"}))
    with pytest.raises(LockError, match="process 1 on node7, since noon"), locked(tmp_path):
        pass
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
    with locked(tmp_path):
        assert lock.owner(path)["host"] == platform.node()


def test_a_damaged_lock_file_does_not_stop_for_ever(tmp_path):
    (tmp_path / lock.NAME).write_text("{half")
    old = time.time() - 60
    os.utime(tmp_path / lock.NAME, (old, old))
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_of_many_only_one_gets_a_dead_owners_lock(tmp_path):
    held = {"token": "x", "host": platform.node(), "pid": 2**22 + 5, "started": 1.0, "since": "noon"}
    (tmp_path / lock.NAME).write_text(json.dumps(held))
    inside, most, refused, mutex, together = [], [], [], threading.Lock(), threading.Barrier(8)

    def newcomer():
        together.wait()
        try:
            with locked(tmp_path):
                with mutex:
                    inside.append(1)
                    most.append(len(inside))
                time.sleep(0.3)
                with mutex:
                    inside.pop()
        except LockError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=newcomer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most and max(most) == 1 and len(most) + len(refused) == 8
    assert not list(tmp_path.iterdir())


def test_a_kernel_of_the_run_that_holds_it_may_work(tmp_path, monkeypatch):
    with locked(tmp_path) as token:
        monkeypatch.setenv(lock.TOKEN, token)
        with locked(tmp_path) as same:
            assert same == token
        assert lock.owner(tmp_path / lock.NAME)["token"] == token, "the kernel does not give back what is not its own"
        monkeypatch.setenv(lock.TOKEN, "another")
        with pytest.raises(LockError), locked(tmp_path):
            pass


def test_two_runs_at_once_do_not_corrupt_a_corpus(two_films):
    """Both start together: one computes, the other is refused in one line or finds everything done."""
    script = (
        "import sys\nfrom filmlens import stages\nfrom filmlens.corpus import Corpus\n"
        "try:\n    print(stages.run(Corpus.open(sys.argv[1]), 'mir', say=lambda line: None))\n"
        "except ValueError as error:\n    sys.exit(f'{type(error).__name__}: {error}')\n"
    )
    words = [sys.executable, "-c", script, str(two_films)]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    codes = [process.returncode for process in both]
    assert 0 in codes
    for code, text in zip(codes, said, strict=True):
        assert code == 0 or ("LockError" in text and "another run is at work" in text), text
    corpus = Corpus.open(two_films)
    assert all(not plan.tasks for plan in stages.planned(corpus, "mir"))
    assert sorted(stages.read(corpus, "mir")["film_id"].unique()) == ["one", "two"]
    assert not list(corpus.derived.rglob(".*"))


def test_reading_needs_no_lock(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "annotated", say=lambda line: None)
    path = corpus.derived / lock.NAME
    path.write_text(json.dumps({"token": "x", "host": "node7", "pid": 1, "started": 1.0, "since": "noon"}))
    [outcome] = stages.run(corpus, "annotated", say=lambda line: None)
    assert (outcome.computed, outcome.kept) == (0, 2)
    with pytest.raises(LockError):
        stages.run(corpus, "cues", say=lambda line: None)


def test_a_container_of_the_same_host_name_is_at_work(holder):
    """Its process numbers say nothing here: the lock of the operating system does."""
    _, folder = holder
    held = json.loads((folder / lock.NAME).read_text(encoding="utf-8"))
    (folder / lock.NAME).write_text(json.dumps(held | {"where": "12345678", "pid": 2**22 + 5}))
    with pytest.raises(LockError, match=f"process {2**22 + 5} on {platform.node()}"), locked(folder):
        pass
    assert lock.alive(folder / lock.NAME, lock.owner(folder / lock.NAME))
    (folder / lock.NAME).unlink()
    with pytest.raises(LockError, match="another run is at work there; wait"), locked(folder):
        pass


def test_one_of_the_same_host_name_that_no_lock_reaches_counts_by_its_touch(tmp_path):
    path = tmp_path / lock.NAME
    held = {
        "token": "x",
        "host": platform.node(),
        "where": "12345678",
        "pid": os.getpid(),
        "started": "1",
        "since": "?",
    }
    path.write_text(json.dumps(held))
    with pytest.raises(LockError), locked(tmp_path):
        pass
    os.utime(path, (1, 1))
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ['{"pid": "abc"}', "[]", "7", "", '{"token": 1, "pid": [2], "host": {}}'])
def test_a_lock_file_that_says_nothing_stops_nobody(tmp_path, content):
    whole = {"token": "x", "host": "node7", "pid": 1, "started": "1", "since": "noon"}
    for text in (content, json.dumps(whole | {"pid": "abc"})):
        (tmp_path / lock.NAME).write_text(text)
        os.utime(tmp_path / lock.NAME, (1, 1))
        (tmp_path / ".lock.breaking").touch()  # as an earlier version left it
        assert lock.owner(tmp_path / lock.NAME) is None
        with locked(tmp_path):
            pass
    assert [p.name for p in tmp_path.iterdir()] == [".lock.breaking"]
