"""Notebook 06 without a browser, and the page for people who do not know Jupyter."""

import json
import re
import shutil

import pytest
from browser import SHOTS, chromium, find_chromium, served

from filmlens import stages
from filmlens.corpus import Corpus
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
def test_the_page_without_jupyter_is_the_bench_alone_and_asks_for_its_token(toy, tmp_path):
    shutil.copytree(toy, tmp_path / "corpus")
    stages.run(Corpus.open(tmp_path / "corpus"), "cues", jobs=2, say=lambda line: None)
    for name in ("secret.png", "secret.webm"):
        (tmp_path / name).write_bytes(b"a picture of the user's")
    code = (
        "import sys; from pathlib import Path; from filmlens.audition.serve import serve;"
        "serve(Path(sys.argv[1]), who='ann', port=int(sys.argv[2]), browser=False, token=sys.argv[3])"
    )
    arguments = [str(tmp_path / "corpus"), "{port}", "{token}"]
    SHOTS.mkdir(parents=True, exist_ok=True)
    server = served(["-c", code], arguments, tmp_path, cwd=tmp_path, ready="/login")
    with server as (address, token), chromium(tmp_path / "p", width=1400, height=900) as (page, outside):
        blocked = []
        page.on("requestfailed", lambda r: blocked.append(r.url) if r.failure == "csp" else None)
        for name in ("secret.png", "secret.webm"):
            assert page.goto(f"{address}/voila/files/{name}").status == 403
        page.goto(address)
        assert "/login" in page.url
        page.emulate_media(color_scheme="dark")
        page.goto(f"{address}/?token={token}", timeout=180_000)
        play = page.get_by_role("button", name="Play", exact=True)
        play.wait_for(timeout=120_000)
        page.wait_for_selector(".fl-audition[data-ready=true]", timeout=60_000)
        # in view, focused, as high as the window, dark as the system; the first key plays, without a click
        boxes = [
            page.get_by_role("button", name=n, exact=True).bounding_box() for n in ("Play", "Accept cue", "Reject cue")
        ]
        assert all(b["y"] + b["height"] < 900 for b in boxes)
        root = page.locator(".fl-audition")
        assert root.bounding_box() == {"x": 0, "y": 0, "width": 1400, "height": 900}
        assert (
            root.evaluate("e => e === document.activeElement && getComputedStyle(e).backgroundColor")
            == "rgb(23, 24, 26)"
        )
        page.keyboard.press(" ")
        page.wait_for_function("document.querySelector('.fl-audition audio').currentTime > 0.3", timeout=30_000)
        page.keyboard.press("y")
        page.get_by_text("cue accepted").wait_for()
        page.screenshot(path=SHOTS / "alone-dark.png")
        [path] = (tmp_path / "corpus" / "verdicts" / "ann").glob("*.csv")
        assert ",ann," in path.read_text()
        page.reload()
        page.wait_for_selector(".fl-audition[data-ready=true]", timeout=120_000)
        page.keyboard.press("u")
        page.get_by_text("undone: cue accepted").wait_for()
        assert not path.exists(), "undo outlives a reload, which has a new kernel"
        assert set(outside) <= set(blocked), "what the template asks of others is refused"
