"""The page's script: its pure parts under node, and what it must not contain."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from filmlens.audition import widget

SCRIPT = Path(widget.__file__).with_name("audition.js")


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_the_pure_parts_under_node(tmp_path):
    shutil.copy(SCRIPT, tmp_path / "audition.mjs")
    shutil.copy(Path(__file__).with_name("page.test.mjs"), tmp_path)
    done = subprocess.run(["node", "--test", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"# pass \d\d", done.stdout) or re.search(r"pass \d\d", done.stdout)


def test_names_are_only_ever_set_as_text_and_nothing_is_loaded():
    text = SCRIPT.read_text(encoding="utf-8") + SCRIPT.with_suffix(".css").read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert word not in text
    assert not re.search(r"https?://|@import|\bimport\s*\(|\bfrom\s+[\"']", text)
