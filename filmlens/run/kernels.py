"""Executing one notebook in a kernel of its own, watching it, and ending it with everything that it started."""

import json
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filmlens import look
from filmlens.artefacts import writing
from filmlens.stages.progress import every, line_shower, spell
from filmlens.stages.workers import THREADS, environment

_LOOK_S = 0.5  # between looks at the journal


@contextmanager
def surroundings(**variables: str) -> Iterator[None]:
    """What a kernel finds in its environment; its own quiet IPython folder, so that no one's start-up files run."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "profile_default" / "ipython_kernel_config.py"
        settings.parent.mkdir()
        settings.write_text("c.IPKernelApp.log_level = 50\n", encoding="utf-8")
        variables |= {name: os.environ.get(name, "1") for name in THREADS} | {"IPYTHONDIR": folder}
        with environment(variables):
            yield


def execute(notebook: Path, out: Path, parameters: dict[str, Any]) -> str | None:
    """Run one notebook and write it and its HTML copy; the error with its cell, or None.

    Raises `KeyboardInterrupt` as soon as it comes, with the kernel still there: see `ended_with`.
    """
    result: list[str | Exception | None] = []
    # In another thread, because the notebook client takes the signals of the main one and goes on after them.
    thread = threading.Thread(target=lambda: result.append(_papermill(notebook, out, parameters)), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.2)
    [answer] = result or [RuntimeError(f"{notebook}: the notebook client ended without an answer")]
    if isinstance(answer, OSError) and not answer.filename:  # of a write, such as on a full disk
        with writing(out):
            raise answer
    if isinstance(answer, Exception):
        raise answer
    write_html(out)
    return answer


def _papermill(notebook: Path, out: Path, parameters: dict[str, Any]) -> str | Exception | None:
    import papermill
    from jupyter_core.utils import ensure_event_loop
    from papermill.exceptions import PapermillExecutionError

    how = {"kernel_name": "python3", "progress_bar": False, "cwd": str(out.parent)}
    try:
        papermill.execute_notebook(str(notebook), str(out), parameters=parameters, **how)
    except PapermillExecutionError as failure:
        return f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}"
    except RuntimeError as failure:  # the kernel died
        return f"{type(failure).__name__}: {failure}"
    except Exception as failure:
        return failure
    finally:
        ensure_event_loop().close()  # of this thread
    return None


@contextmanager
def ended_with() -> Iterator[None]:
    """End every process that was started inside, and theirs, when what is inside ends with an error or Ctrl-C."""
    import psutil

    this = psutil.Process()
    before = {child.pid for child in this.children()}
    try:
        yield
    except BaseException:
        logging.getLogger("papermill").disabled = True  # that its kernel died is known
        new = [child for child in this.children() if child.pid not in before]
        for child in list(new):
            with suppress(psutil.NoSuchProcess):
                new += child.children(recursive=True)
        for process in new:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(new, timeout=5)
        raise


@contextmanager
def followed(
    journal: Path, say: Callable[[str], None], *, name: str = "", before: float = float("nan")
) -> Iterator[None]:
    """Show what a notebook is at: the stage that it waits for, by the journal of the run, else its own work.

    `before` are the seconds that it took last time; NaN when they are not known.
    """
    begun, place, stage = time.monotonic(), journal.stat().st_size if journal.is_file() else 0, ""

    def follow() -> None:
        nonlocal place, stage
        with suppress(OSError), journal.open("rb") as file:
            file.seek(place)
            whole = file.read().rpartition(b"\n")
            place += len(whole[0]) + len(whole[1])
            for entry in map(json.loads, whole[0].splitlines()):
                stage = entry.get("progress", "" if "stage" in entry else stage)
        passed = time.monotonic() - begun
        left = f", about {spell(before - passed)} left" if before > passed else ""
        show(f"{name}: {stage or f'at work, {spell(passed)} passed{left}'}")

    with line_shower(say) as show, every(_LOOK_S, follow):
        yield


def read_journal(journal: Path) -> dict[str, dict]:
    """Sums over the notebooks of a run: stage -> computed, failed and damaged (film -> text, the last), seconds."""
    stages: dict[str, dict] = {}
    for line in entries(journal):
        if "stage" in line:
            stage = stages.setdefault(line["stage"], {"computed": 0, "failed": {}, "damaged": {}, "seconds": 0.0})
            stage["computed"] += line["computed"]
            stage["failed"] |= line["failed"]
            stage["damaged"] |= line["damaged"]
            stage["seconds"] = round(stage["seconds"] + line["seconds"], 1)
    return stages


def entries(journal: Path, begin: int = 0) -> list[dict]:
    """What was written into a journal, from a place on."""
    lines = journal.read_bytes()[begin:].splitlines() if journal.is_file() else []
    return [json.loads(line) for line in lines]


#: Kinds of outputs, tags and attributes that an HTML copy keeps.
_KEPT = {"text/plain", "text/html", "image/png", "image/jpeg"}
_TAGS = set("table caption thead tbody tr th td p div span b br small ul li audio img".split())
_ATTRIBUTES = {"*": ["class"], "th": ["scope", "colspan", "rowspan"], "img": ["alt", "src"]}
_ATTRIBUTES |= {"audio": ["controls", "src", "aria-label"]}


def write_html(notebook: Path) -> Path:
    """HTML copy of an executed notebook that runs no script and asks no other machine for anything.

    The scripts of nbconvert's template are cut, since every widget has a static figure beside it and formulas are
    written as text. Of the outputs text, pictures and the HTML of tables and players stay, and nothing from elsewhere
    in them.
    """
    import bleach
    import nbformat
    from nbconvert import HTMLExporter

    book = nbformat.read(notebook, as_version=4)
    book.metadata.pop("widgets", None)  # with them the page would fetch the machinery of widgets
    for cell in book.cells:
        if "outputs" in cell:
            cell["outputs"] = [o for o in cell["outputs"] if "data" not in o or _KEPT & set(o["data"])]
        for data in (output["data"] for output in cell.get("outputs", []) if "data" in output):
            for kind in set(data) - _KEPT:
                del data[kind]
            if "text/html" in data:
                # without its style: the page has the house's own
                html = re.sub(r"<style\b.*?</style>", "", data["text/html"], flags=re.DOTALL)
                kept = {"tags": _TAGS, "attributes": _ATTRIBUTES, "protocols": {"data"}}
                data["text/html"] = bleach.clean(html, **kept, strip=True)
    about = {"metadata": {"name": notebook.stem}}
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(book, resources=about)
    page = re.sub(r"<script\b.*?</script>", "", page, flags=re.DOTALL)
    page = re.sub(r'<link[^>]*href="https?://[^"]*"[^>]*>', "", page)
    page = page.replace("<head>", f"<head>{look.POLICY}<style>{look.TABLE_CSS}</style>", 1)
    path = notebook.with_suffix(".html")
    path.write_text(page, encoding="utf-8")
    return path
