"""``provenance.json`` of a run: everything that someone needs who looks at its figures months later."""

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filmlens import __version__
from filmlens.artefacts import fingerprint
from filmlens.corpus import Corpus, CorpusError
from filmlens.stages.staleness import installed

PACKAGES = (
    "av",
    "dask",
    "distributed",
    "librosa",
    "matplotlib",
    "numba",
    "numpy",
    "opencv-python-headless",
    "pandas",
    "papermill",
    "pebble",
    "pingouin",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "seaborn",
    "soxr",
    "torch",
)


def provenance(corpus: Corpus, *, profile: str, parameters: Mapping[str, Any], known: Mapping[str, Any]) -> dict:
    """What a run was made with: JSON-able, without names of people or machines.

    `parameters` are as they were given, `known` those of all notebooks with their defaults, so that nothing has to be
    guessed later.
    """
    import psutil

    memory = psutil.virtual_memory().total / 2**30
    return {
        "filmlens": __version__,
        "revision": revision(),
        "corpus": fingerprint(corpus.table) | {"films": len(corpus), "synthetic": corpus.synthetic},
        "inputs": {film.id: _inputs(film) for film in corpus},
        "profile": profile,
        "seed": parameters.get("seed", 0),
        "parameters": dict(parameters),
        "defaults": {name: value for name, value in sorted(known.items()) if name not in parameters},
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB",
        "packages": {p: installed(p) for p in PACKAGES},
    }


def revision() -> str:
    """Git revision of a checkout, with a + when files differ from it; empty for an installed package."""
    git = ["git", "-C", str(Path(__file__).resolve().parents[1])]
    try:
        short = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        ask = [*git, "status", "--porcelain", "--untracked-files=no", "--", "."]
        changed = subprocess.run(ask, capture_output=True, text=True, check=True)
        return short.stdout.strip() + ("+" if changed.stdout.strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _inputs(film) -> dict[str, Any]:
    try:
        tracks = {name: fingerprint(path) for name, path in film.tracks().items()}
    except CorpusError as error:
        tracks = {"error": str(error)}
    annotation = {"annotation": fingerprint(film.annotation)} if film.annotation else {}
    return {"film": fingerprint(film.film), "soundtrack": tracks} | annotation
