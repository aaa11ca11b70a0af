"""The page's script: its pure parts under node, its keys in the documents, and what it must not contain."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from browser import ROOT

from filmlens import look
from filmlens.audition import page

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


def node(*arguments, cwd):
    done = subprocess.run(["node", *arguments], capture_output=True, text=True, timeout=60, cwd=cwd)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    return done.stdout


@needs_node
def test_the_pure_parts_under_node(tmp_path):
    shutil.copytree(page.FOLDER, tmp_path / "page")
    shutil.copy(Path(__file__).with_name("page.test.mjs"), tmp_path)
    assert re.search(r"pass \d\d", node("--test", "page.test.mjs", cwd=tmp_path))


@needs_node
def test_the_joined_script_is_one_module(tmp_path):
    """A name in two modules would be a syntax error of the whole page."""
    (tmp_path / "bench.mjs").write_text(page.script(), encoding="utf-8")
    node("--check", "bench.mjs", cwd=tmp_path)
    assert not re.search(r"^import ", page.script(), re.M) and page.script().count("\nexport ") == 1


@needs_node
def test_every_key_has_an_action_and_stands_in_the_documents():
    show = "import { KEYS } from './keys.mjs'; console.log(JSON.stringify(KEYS))"
    rows = json.loads(node("--input-type=module", "-e", show, cwd=page.FOLDER))
    made = {a["do"] for row in rows for how in ("on", "shift", "ctrl") for a in row.get(how, {}).values()}
    actions = (page.FOLDER / "actions.mjs").read_text(encoding="utf-8")
    table = actions[actions.index("const actions = {") :]
    assert not [name for name in made if not re.search(rf"^    {name}\b[:,]", table, re.M)]
    text = (ROOT / "docs" / "audition.md").read_text(encoding="utf-8")
    assert not [row["show"] for row in rows if f"| {row['show']} | {row['help']} |" not in text]


def test_names_are_only_ever_set_as_text_and_nothing_is_loaded():
    text = page.script() + (page.FOLDER / "bench.css").read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in text
    assert not re.search(r"https?://|@import|\bimport\s*\(|\bfrom\s+[\"']", text)


def test_tracks_have_colours_of_their_own_that_all_people_can_tell():
    """As deuteranopes and protanopes see them too (Machado et al. 2009, severity 1)."""
    import numpy as np

    views = {
        "all": np.eye(3),
        "deuteranopes": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
        "protanopes": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    }
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
    )

    def linear(colors):
        parts = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colors])
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)

    def lab(rgb):
        f = np.cbrt(np.maximum(rgb @ to_xyz.T / [0.95047, 1, 1.08883], 0.008856))
        return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)

    tracks = list(look.track_colors([f"{k:02d}" for k in range(8)]).values())
    genres = list(look.genre_colors(look.GENRES).values())
    for who, seen in views.items():
        places = lab(np.clip(linear(tracks) @ np.array(seen).T, 0, 1))
        apart = np.linalg.norm(places[:, None] - places, axis=-1) + 1e3 * np.eye(8)
        assert apart.min() > 30, who
    assert np.linalg.norm(lab(linear(tracks))[:, None] - lab(linear(genres)), axis=-1).min() > 14
