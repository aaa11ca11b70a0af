"""What the notebooks may know of the synthetic corpus: planted.json, turned to the terms of the findings."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

#: Feature groups that a planted leaning of the music should show in; the others, resonances, in the MFCC.
SHOWS_IN = {
    "tempo": ("Rhythm",),
    "mode": ("Tone",),
    "register": ("Timbre", "MFCC"),
    "roughness": ("Timbre", "MFCC"),
    "brightness": ("Timbre", "Tone", "MFCC"),
    "dynamics": ("Dynamics",),
    "percussion": ("Rhythm", "dMFCC"),
    "sustain": ("dMFCC", "ddMFCC"),
}


def read_planted(folder: str | Path) -> dict | None:
    """``planted.json`` of a corpus; None for a corpus that is not synthetic."""
    path = Path(folder) / "planted.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def planted_groups(folder: str | Path, *, least: float = 1.0) -> pd.DataFrame | None:
    """Which feature groups should matter for which genre, because a leaning of at least `least` was planted.

    Parameters
    ----------
    folder : path
        A corpus.
    least : float
        Strength of a leaning in standard deviations of the synthesiser's controls.

    Returns
    -------
    DataFrame or None
        genre, group, planted (bool), one row per genre and group; None for a corpus that is not synthetic.
    """
    planted = read_planted(folder)
    if planted is None:
        return None
    groups = sorted({g for names in SHOWS_IN.values() for g in names} | {"Pitch"})
    rows = []
    for genre, leanings in planted["music"].items():
        strong = {g for name, value in leanings.items() if abs(value) >= least for g in SHOWS_IN.get(name, ("MFCC",))}
        rows += [(genre, group, group in strong) for group in groups]
    return pd.DataFrame(rows, columns=["genre", "group", "planted"])


def planted_transplants(folder: str | Path) -> pd.DataFrame:
    """The cues that were planted as another genre's music: film_id, track, start, end, genre; empty when real."""
    columns = ["film_id", "track", "start", "end", "genre"]
    return pd.DataFrame((read_planted(folder) or {}).get("transplanted", []), columns=columns)
