"""``filmlens run``: the notebooks, in order, headless, by papermill in one process.

Executed notebooks, HTML copies that open offline, figures, tables, index.html and provenance.json go under one folder.
Parameters that no notebook knows are refused (papermill only warns), a failing notebook is named with its cell and
error, and a film that failed makes the run end non-zero after everything else is done.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from filmlens import __version__
from filmlens.artefacts import fingerprint
from filmlens.corpus import Corpus
from filmlens.cuetable import write_cues_table
from filmlens.study import Study

#: Notebooks that listen to or look at the films.
MEDIA = ("01", "02", "06")
PACKAGES = (
    "av",
    "librosa",
    "matplotlib",
    "numba",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "papermill",
    "pingouin",
)
PACKAGES += ("scikit-learn", "scipy", "seaborn", "soxr", "torch")


class RunError(ValueError):
    """A run that cannot start: an unknown notebook or parameter."""


def notebooks_folder() -> Path:
    """Where the numbered notebooks lie: in the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "notebooks"
    return inside if inside.is_dir() else Path(__file__).resolve().parent.parent / "notebooks"


def choose_notebooks(numbers: Iterable[str] | None = None) -> list[Path]:
    """Notebooks by number, such as ``["03", "04"]``; all by default.

    Raises
    ------
    RunError
        When a number has no notebook.
    """
    there = sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    if numbers is None:
        return there
    chosen = []
    for number in numbers:
        found = [n for n in there if n.stem == number or n.stem.startswith(f"{number}_")]
        if not found:
            raise RunError(f"no notebook {number!r}; there are {', '.join(n.stem for n in there)}")
        chosen += found
    return sorted(set(chosen))


def known_parameters(notebook: Path) -> dict[str, str]:
    """Parameters of a notebook's parameters cell: name -> default, as written."""
    import papermill

    return {name: p["default"] for name, p in papermill.inspect_notebook(str(notebook)).items()}


def run(
    corpus: str | Path,
    out: str | Path,
    *,
    notebooks: Iterable[str] | None = None,
    profile: str = "quick",
    parameters: Mapping[str, Any] | None = None,
    jobs: int = 1,
    figures: str | Path | None = None,
    derived: str | Path | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Execute the notebooks on a corpus.

    Parameters
    ----------
    corpus : path
    out : path
        Gets ``notebooks/``, ``figures/``, ``index.html``, ``provenance.json``.
    notebooks : iterable of str, optional
        Numbers; all by default.
    profile : {"quick", "paper"}
    parameters : mapping, optional
        Further notebook parameters; each goes to the notebooks that know it.
    jobs : int
        Processes for what has to be computed.
    figures : path, optional
        Another folder for the figures.
    derived : path, optional
        Another folder for computed tables, when the corpus must not be written to.
    say : callable
        Is given one line per notebook.

    Returns
    -------
    int
        0, or 1 when a notebook or a film failed.

    Raises
    ------
    RunError, CorpusError
        Before anything is run.
    """
    from filmlens.report import write_report

    opened = Corpus.open(corpus, derived=derived)
    chosen = choose_notebooks(notebooks)
    if opened.shared:
        chosen = _without_media(chosen, asked=notebooks is not None, say=say)
    given = {"corpus": str(opened.folder), "profile": profile, "jobs": jobs} | dict(parameters or {})
    known = {n: known_parameters(n) for n in chosen}
    unknown = sorted(set(given) - {name for names in known.values() for name in names})
    if unknown:
        names = sorted({name for names in known.values() for name in names})
        raise RunError(f"no notebook knows the parameter {', '.join(unknown)}; they know {', '.join(names)}")
    out = Path(out).resolve()
    folder = Path(figures).resolve() if figures else out / "figures"
    given["figures"] = str(folder)
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    journal = out / "journal.jsonl"
    journal.unlink(missing_ok=True)
    begun, errors, minutes = time.monotonic(), {}, {}
    for number, notebook in enumerate(chosen, 1):
        started = time.monotonic()
        own = {k: v for k, v in given.items() if k in known[notebook]}
        with _environment(FILMLENS_JOURNAL=str(journal), FILMLENS_DERIVED=str(opened.derived)):
            error = _execute(notebook, out / "notebooks" / notebook.name, own)
        minutes[notebook.stem] = round((time.monotonic() - started) / 60, 2)
        if error:
            errors[notebook.stem] = error
        say(f"[{number}/{len(chosen)}] {notebook.stem}: {error or 'done'} ({time.monotonic() - started:.0f} s)")
    stages = read_journal(journal)
    provenance = {
        "filmlens": __version__,
        "revision": _revision(),
        "corpus": fingerprint(opened.folder / "films.csv") | {"films": len(opened), "synthetic": opened.synthetic},
        "profile": profile,
        "parameters": {k: v for k, v in given.items() if k not in ("corpus", "figures")},
        "notebooks": minutes,
        "errors": errors,
        "stages": stages,
        "computed": sum(s["computed"] for s in stages.values()),
        "minutes": round((time.monotonic() - begun) / 60, 2),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "packages": {p: metadata.version(p) for p in PACKAGES},
    }
    choices = {k: v for k, v in given.items() if k in ("cues", "sound", "seed")}
    _write_cues(Study.open(opened.folder, derived=opened.derived, profile=profile, **choices), out, say)
    (out / "provenance.json").write_text(json.dumps(provenance, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    failed = {(film, stage): text for stage, s in stages.items() for film, text in s["failed"].items()}
    write_report(opened, out, folder, provenance, failed)
    for (film, stage), text in failed.items():
        say(f"failed: {film}, {stage}: {text}")
    say(
        f"{out / 'index.html'}: {provenance['computed']} artefacts computed, {len(failed)} failures, "
        f"{provenance['minutes']} min"
    )
    return 1 if errors or failed else 0


def _without_media(chosen: list[Path], *, asked: bool, say: Callable[[str], None]) -> list[Path]:
    """Of the notebooks, those that a shared corpus can run; the others are named."""
    needy = [n for n in chosen if n.stem[:2] in MEDIA]
    if needy and asked:
        raise RunError(f"{', '.join(n.stem for n in needy)} need the films, which a shared corpus has not")
    if needy:
        say(f"left out, because a shared corpus has no films: {', '.join(n.stem for n in needy)}")
    return [n for n in chosen if n not in needy]


def _write_cues(study: Study, out: Path, say: Callable[[str], None]) -> None:
    """``cues.parquet``, ``cues.csv``, ``cues_columns.csv``: everything that is known of every cue."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = study.cues_table()
    for warning in caught:
        say(f"{out / 'cues.csv'}: {warning.message}")
    if len(table):
        write_cues_table(table, out)


def read_journal(journal: Path) -> dict[str, dict]:
    """Sums over the notebooks of a run: stage -> computed, failed (film -> error, the last), seconds."""
    stages: dict[str, dict] = {}
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.is_file() else []
    for line in map(json.loads, lines):
        stage = stages.setdefault(line["stage"], {"computed": 0, "failed": {}, "seconds": 0.0})
        stage["computed"] += line["computed"]
        stage["failed"] |= line["failed"]
        stage["seconds"] = round(stage["seconds"] + line["seconds"], 1)
    return stages


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """What a kernel finds in its environment; its own quiet IPython folder, so that no one's start-up files run."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "profile_default" / "ipython_kernel_config.py"
        settings.parent.mkdir()
        settings.write_text("c.IPKernelApp.log_level = 50\n", encoding="utf-8")
        variables["IPYTHONDIR"] = folder
        before = {name: os.environ.get(name) for name in variables}
        os.environ |= variables
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _execute(notebook: Path, out: Path, parameters: dict[str, Any]) -> str | None:
    """Run one notebook and write it and its HTML copy; the error with its cell, or None."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    error = None
    try:
        papermill.execute_notebook(
            str(notebook),
            str(out),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
            cwd=str(out.parent),
        )
    except PapermillExecutionError as failure:
        error = f"cell {failure.exec_count}: {failure.ename}: {failure.evalue}"
    except RuntimeError as failure:  # the kernel died
        error = f"{type(failure).__name__}: {failure}"
    write_html(out)
    return error


def write_html(notebook: Path) -> Path:
    """HTML copy of an executed notebook that asks no other machine for anything.

    The template of nbconvert loads scripts for mathematics, widgets and diagrams from content networks; they are
    cut, since every widget has a static figure beside it and formulas are written as text.
    """
    from nbconvert import HTMLExporter

    page, _ = HTMLExporter(embed_images=True).from_filename(str(notebook))
    page = re.sub(r'<script[^>]*\bsrc="https?://[^"]*"[^>]*>\s*</script>', "", page)
    page = re.sub(r'<script[^>]*type="module"[^>]*>.*?</script>', "", page, flags=re.DOTALL)
    page = re.sub(r'<link[^>]*href="https?://[^"]*"[^>]*>', "", page)
    page = re.sub(r"<!-- Load mathjax -->.*?<!-- End of mathjax configuration -->", "", page, flags=re.DOTALL)
    path = notebook.with_suffix(".html")
    path.write_text(page, encoding="utf-8")
    return path


def _revision() -> str:
    """Git revision of a checkout; empty for an installed package."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
