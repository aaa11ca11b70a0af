"""What the notebooks may know of the synthetic corpus: planted.json, turned to the terms of the findings."""

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
    # the twin of the released data set plants in the groups themselves
    **{group: (group,) for group in ("MFCC", "dMFCC", "ddMFCC", "Dynamics", "Pitch", "Rhythm", "Timbre", "Tone")},
}


def read_planted(folder: str | Path) -> dict | None:
    """``planted.json`` of a corpus; None for a corpus that is not synthetic."""
    path = Path(folder) / "planted.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def planted_groups(folder: str | Path) -> pd.DataFrame | None:
    """Which feature groups should matter for which genre, because a leaning of at least 1 SD of a control was planted.

    Columns: genre, group, planted (bool), one row per genre and group; None for a corpus that is not synthetic.
    """
    planted = read_planted(folder)
    if planted is None:
        return None
    groups = sorted({g for names in SHOWS_IN.values() for g in names})
    rows = []
    for genre, effects in planted["music"].items():
        strong = {g for name, value in effects.items() if abs(value) >= 1 for g in SHOWS_IN.get(name, ("MFCC",))}
        rows += [(genre, group, group in strong) for group in groups]
    return pd.DataFrame(rows, columns=["genre", "group", "planted"])


def planted_transplants(folder: str | Path) -> pd.DataFrame:
    """The cues that were planted as another genre's music: film_id, track, start, end, genre; empty when real."""
    columns = ["film_id", "track", "start", "end", "genre"]
    return pd.DataFrame((read_planted(folder) or {}).get("transplanted", []), columns=columns)


def found_groups(importance: pd.DataFrame, planted: pd.DataFrame) -> pd.DataFrame:
    """Planted feature groups with whether permutation found them, and why not.

    `importance` has the rows of one measure from `filmlens.findings.group_importance`, `planted` is from
    `planted_groups`. Columns: genre, group, importance, film_low, film_high, found, why (not).
    """
    table = importance.merge(planted[planted["planted"]], on=["genre", "group"])
    table["found"] = table["film_low"] > 0
    low, high = (table[c].map("{:.2f}".format).astype(str) for c in ("film_low", "film_high"))
    spans = ("interval over films " + low + " to " + high).where(table["film_low"].notna(), table["note"])
    table["why"] = spans.where(~table["found"], "")
    return table[["genre", "group", "importance", "film_low", "film_high", "found", "why"]]


def found_pictures(rows: pd.DataFrame, folder: str | Path) -> pd.DataFrame | None:
    """Planted differences of pictures (at least .8 SD of the controls), whether Table 5 found them, and why not.

    `rows` are from `filmlens.findings.cross_modal`. Columns: genre, measure, planted, difference, p_permutation, n
    (films), found (of the planted sign, p over films under .05), why; None for a corpus that is not synthetic.
    """
    planted = read_planted(folder)
    if planted is None:
        return None
    strong = [(g, m, v) for g, looks in planted["pictures"].items() for m, v in looks.items() if abs(v) >= 0.8]
    actual = rows[(rows["unit"] == "films") & (rows["source"] == "Actual")]
    table = pd.DataFrame(strong, columns=["genre", "measure", "planted"]).merge(actual, on=["genre", "measure"])
    same = table["difference"] * table["planted"] > 0
    table["found"] = same & (table["p_permutation"] < 0.05)
    why = [
        "" if row.found else row.note or (f"p = {row.p_permutation:.2f} with {row.n} films" if agrees else "other sign")
        for row, agrees in zip(table.itertuples(), same, strict=True)
    ]
    return table.assign(why=why)[["genre", "measure", "planted", "difference", "p_permutation", "n", "found", "why"]]
