"""The documentation site: built without a warning, with every page, and nothing in it is loaded from a network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
pytest.importorskip("myst_parser", reason="the extra `docs` is not installed")
pytest.importorskip("numpydoc", reason="the extra `docs` is not installed")

ROOT = Path(__file__).resolve().parent.parent
LOADED = re.compile(r"<(?:script|img|iframe|audio|source)[^>]+src=\"(?:https?:)?//|<link[^>]+href=\"https?://|@import")


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing(tmp_path):
    words = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "-c", ROOT / "docs" / "site", ROOT / "docs"]
    done = subprocess.run([*words, tmp_path / "site"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for page in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "course").glob("*.md")]:
        assert (tmp_path / "site" / page.relative_to(ROOT / "docs").with_suffix(".html")).is_file(), page.name
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 150
    [of_placement] = [p for p in pages if p.name == "filmlens.findings.placement.html"]
    assert 'id="filmlens.findings.placement.recall_by_place"' in of_placement.read_text(encoding="utf-8")
    for page in [*pages, *(tmp_path / "site").rglob("*.css")]:
        assert not LOADED.search(page.read_text(encoding="utf-8")), page.name
