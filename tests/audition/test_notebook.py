"""Notebook 06 without a browser, and the page for people who do not know Jupyter."""

import json
import re
import shutil

import pytest
from browser import ROOT, SHOTS, chromium, find_chromium, served

from filmlens.run.kernels import write_html


def test_the_html_copy_of_a_notebook_with_a_widget_fetches_nothing(tmp_path):
    view = {"application/vnd.jupyter.widget-view+json": {"version_major": 2, "version_minor": 1, "model_id": "m"}}
    output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}}
    output["data"] = view | {"text/plain": "AuditionCorpus(film01: 4 stamped cues)"}
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "source": "picker"}
    cell["outputs"] = [output]
    state = {"state": {"m": {"model_name": "AnyModel", "model_module": "anywidget", "state": {}}}}
    book = {"nbformat": 4, "nbformat_minor": 5, "cells": [cell]}
    state = {"application/vnd.jupyter.widget-state+json": state | {"version_major": 2, "version_minor": 0}}
    book["metadata"] = {"widgets": state}
    (tmp_path / "n.ipynb").write_text(json.dumps(book))
    page = write_html(tmp_path / "n.ipynb").read_text(encoding="utf-8")
    assert "4 stamped cues" in page and not re.search(r"unpkg|jsdelivr|cdnjs|requirejs", page)
    assert "widgets" in json.loads((tmp_path / "n.ipynb").read_text())["metadata"], "the notebook itself is left alone"


@pytest.mark.slow
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
def test_the_page_without_jupyter_hears_and_asks_for_its_token(toy, tmp_path):
    shutil.copytree(toy, tmp_path / "corpus")
    code = (
        "import sys; from pathlib import Path; from filmlens.audition.serve import serve;"
        "serve(Path(sys.argv[1]), Path(sys.argv[2]), port=int(sys.argv[3]), browser=False, token=sys.argv[4])"
    )
    notebook = str(ROOT / "notebooks" / "06_audition.ipynb")
    arguments = [notebook, str(tmp_path / "corpus"), "{port}", "{token}"]
    SHOTS.mkdir(parents=True, exist_ok=True)
    server = served(["-c", code], arguments, tmp_path, cwd=tmp_path, ready="/login")
    with server as (address, token), chromium(tmp_path / "p", width=1100, height=1400) as (page, outside):
        blocked = []
        page.on("requestfailed", lambda r: blocked.append(r.url) if r.failure == "csp" else None)
        page.goto(address)
        assert "/login" in page.url
        page.goto(f"{address}/?token={token}", timeout=180_000)
        page.get_by_role("button", name="Play", exact=True).wait_for(timeout=120_000)
        page.wait_for_function("document.querySelector('.fl-item')", timeout=60_000)
        page.get_by_role("application").focus()
        page.keyboard.press(" ")
        page.wait_for_function("document.querySelector('.fl-audition audio').currentTime > 0.3", timeout=30_000)
        page.keyboard.press("y")
        page.get_by_text("cue accepted").wait_for()
        page.screenshot(path=SHOTS / "voila.png")
        assert set(outside) <= set(blocked), "what the template asks of others is refused"
    assert list((tmp_path / "corpus" / "verdicts").glob("*.csv"))
