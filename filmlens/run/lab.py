"""``make lab``: JupyterLab on this machine alone, and the page with which it opens.

Its whole address is printed once, the token is in no list of processes. The page leads to the notebooks, to what the
last runs made, and to where to read on.
"""

import json
import os
import re
import secrets
import socket
import sys
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


def command(port: int, place: str) -> list[str]:
    """The command that starts JupyterLab at the repository, a page or notebook open, without news and questions."""
    words = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    words += [f"--ServerApp.root_dir={Path.cwd()}", f"--LabApp.default_url=/lab/tree/{place}"]
    words += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    # what serves the old notebook page, and prints a warning as it does
    words += ["--ServerApp.jpserver_extensions=notebook_shim=False"]
    # its own lines would show a second address, with dots in place of the token
    words += ["--ServerApp.log_level=ERROR", "--LabApp.log_level=ERROR"]
    # in a container the only user may be root, whom JupyterLab refuses otherwise
    return words + (["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else [])


def main(place: str = "") -> None:
    """Start JupyterLab in the place of this process; ``--no-browser`` and other options of its own are passed on.

    `place`, the start page by default, opens: a path from the repository, with ``?reset`` without what was open before.
    """
    place = place or write_start(Path.cwd()).relative_to(Path.cwd()).as_posix()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    opened = f"{place}{'&' if '?' in place else '?'}token={token}"
    print(f"JupyterLab: http://127.0.0.1:{port}/lab/tree/{opened}", flush=True)
    print("Open this address if no browser opens. Ctrl-C ends JupyterLab.", flush=True)
    # defaults, which the user's own settings override: no question about news, light or dark as the system is
    folders = [os.environ.get("JUPYTER_CONFIG_PATH"), str(Path(__file__).parent / "jupyter")]
    given = {"JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, folders))}
    os.execve(sys.executable, [*command(port, place), *sys.argv[1:]], os.environ | given)


if __name__ == "__main__":
    main()
