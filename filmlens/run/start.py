"""The page with which JupyterLab opens: the notebooks, what the last runs made, and where to read on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from filmlens.artefacts import write_atomically
from filmlens.run.notebooks import choose_notebooks
from filmlens.text import markdown

_READ_ON = {
    "first-hour.md": "The first hour with your own films",
    "glossary.md": "What a word means",
    "troubleshooting.md": "When something goes wrong",
    "README.md": "All documentation",
}


def write_start(root: Path) -> Path:
    """Write ``out/start.md`` below `root`, with links to its notebooks, documents and runs; gives the page's path."""
    page = root / "out" / "start.md"
    page.parent.mkdir(exist_ok=True)
    text = "\n".join(_lines(root)) + "\n"
    write_atomically(page, lambda part: part.write_text(text, encoding="utf-8"))
    return page


def _lines(root: Path) -> Iterator[str]:
    yield from ("# FilmLens", "", "Click a name to open it.", "")
    runs = sorted(root.glob("out/*/index.html"), key=lambda report: -report.stat().st_mtime)
    if runs:
        yield from ("## What was found", "", "The notebooks of each run, with their results; the last run first.", "")
        yield from ("| run | notebooks with results | report |", "|---|---|---|")
    for report in runs:
        name, made = report.parent.name, sorted(report.parent.glob("notebooks/*.ipynb"))
        links = " · ".join(f"[{n.stem[:2]}]({quote(f'{name}/notebooks/{n.name}')})" for n in made)
        yield f"| **{markdown(name)}** | {links} | open out/{markdown(name)}/index.html in a browser |"
    if not runs:
        yield "There is no run yet: `make figures` makes the demo corpus and runs the study on it."
    yield from ("", "## Work in a notebook", "")
    yield from ("The second cell of each holds its parameters. Change them and run.", "")
    yield from ("| notebook | section of the paper |", "|---|---|")
    for path in choose_notebooks():
        first = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        title, about = re.search(r"^# (.+)$", first, re.M)[1], re.search(r"^\*\*Paper:\*\* (.+)$", first, re.M)[1]
        yield f"| [{title}]({quote(f'../notebooks/{path.name}')}) | {about} |"
    yield from ("", "Figures and tables of `make figures` are in the folder `figures`.", "", "## Read on", "")
    yield from (f"- [{title}](../docs/{page})" for page, title in _READ_ON.items())
