"""The line of a stage: the same numbers in a terminal, a notebook, a file and the journal of a run."""

import json
import os
import pty
import subprocess
import sys

import pytest

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
