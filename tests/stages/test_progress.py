"""The line of a stage: the same numbers in a terminal, a notebook, a file and the journal of a run."""

import json
import os
import pty
import subprocess
import sys
import threading
import time

import pytest

from filmlens.run import kernels, notebooks
from filmlens.stages import progress
from filmlens.stages.work import Done


def test_a_line_says_how_many_how_fast_and_how_long(monkeypatch):
    now = iter([0.0, 50.0, 60.0])
    count = progress.Count("mir", 10, clock=lambda: next(now))
    for _ in range(5):
        count.add(Done(seconds=10, length=600))
    assert count.line() == "mir: 5 of 10, 60 x realtime, 50 s left"
    count.add(Done("broken"))
    assert count.line() == "mir: 6 of 10, 1 failed, 50 x realtime, 40 s left"


def test_a_line_goes_on_while_nothing_is_finished(monkeypatch):
    monkeypatch.setattr(progress, "_TICK_S", 0.02)
    monkeypatch.setattr(progress, "_BLINK_S", 0.0)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    said, threads = [], threading.active_count()
    with progress.shown("genre", 1, said.append, expected=600.0) as add:
        while len(said) < 5:
            time.sleep(0.01)
        add(Done())
    assert all("genre: 0 of 1" in line and "passed, about 10 min left" in line for line in said[1:5]), said
    assert said[-1] == "genre: 1 of 1" and threading.active_count() == threads


def test_a_run_says_which_notebook_and_which_stage_it_waits_for(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_LOOK_S", 0.01)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    journal, said = tmp_path / "journal.jsonl", []

    def waits_for(words):
        begun = time.monotonic()
        while not (said and words in said[-1]):
            assert time.monotonic() - begun < 30, said[-3:]
            time.sleep(0.01)

    journal.write_text(json.dumps({"progress": "of the notebook before"}) + "\n")
    with kernels.followed(journal, said.append, name="[3/8] 03_genre_models", before=90.0):
        waits_for("[3/8] 03_genre_models: at work, 0 s passed, about")
        with journal.open("a") as file:
            file.write(json.dumps({"progress": "genre: 0 of 1, 20 s passed"}) + "\n")
        waits_for("[3/8] 03_genre_models: genre: 0 of 1, 20 s passed")
        with journal.open("a") as file:
            file.write(json.dumps({"stage": "genre", "computed": 1}) + "\n")
        waits_for("[3/8] 03_genre_models: at work")
    assert not any("before" in line.partition("about")[0] for line in said)


def test_a_run_shows_its_lines_and_keeps_them_out_of_its_journal(two_films, tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_LOOK_S", 0.01)
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    said = []

    def execute(notebook, out, parameters):
        progress.tell({"progress": "cues: 1 of 2"})  # what the notebook's kernel does
        begun = time.monotonic()
        while "[1/1] 00_corpus: cues: 1 of 2" not in said:
            assert time.monotonic() - begun < 30, said[-3:]
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(kernels, "execute", execute)
    notebooks.run(two_films, tmp_path / "out", notebooks=["00"], say=said.append)
    lines = (tmp_path / "out" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"progress": "cues: 1 of 2"}]


def test_plain_lines_come_rarely(monkeypatch, capsys):
    said = []
    with progress.shown("cues", 3, said.append) as add:
        for _ in range(3):
            add(Done(length=1))
    assert said == [], "nothing within a minute"
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    with progress.shown("cues", 3, said.append) as add:
        for _ in range(3):
            add(Done(length=1))
    assert said[-1].startswith("cues: 3 of 3") and "\x1b" not in "".join(said)


def test_notebooks_under_a_run_write_to_its_journal(tmp_path, monkeypatch):
    monkeypatch.setenv(progress.JOURNAL, str(tmp_path / "journal.jsonl"))
    with progress.shown("cues", 1) as add:
        add(Done())
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert lines[-1] == {"progress": "cues: 1 of 1"}


SCRIPT = """
from filmlens.stages import progress
from filmlens.stages.work import Done
with progress.shown("cues", 2) as add:
    add(Done(length=1)); add(Done(length=1))
print("after")
"""


def test_a_terminal_renews_one_line():
    master, slave = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
    process.wait()
    os.close(master)
    text = said.decode()
    assert "cues: 2 of 2" in text and "\x1b[2K" in text and text.rstrip().endswith("after")


def test_a_notebook_renews_one_output(tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SCRIPT)])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    shown = [o for o in outputs if o.output_type == "display_data"]
    assert len(shown) == 1 and "2 of 2" in shown[0].data["text/plain"] and len(outputs) == 2


@pytest.mark.slow
def test_papermill_alone_shows_the_stage_it_waits_for(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    cell = nbformat.v4.new_code_cell(SCRIPT.replace("\nwith", "\nprogress._EVERY_S = 0.0\nwith"))
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    command = [sys.executable, "-m", "papermill", "-k", "python3", str(tmp_path / "a.ipynb"), str(tmp_path / "b.ipynb")]
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}  # with it a kernel is another
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings)
    assert done.returncode == 0 and "cues: 1 of 2" in done.stderr and "cues: 2 of 2" in done.stderr, done.stderr
