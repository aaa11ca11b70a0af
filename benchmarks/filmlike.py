"""Score Stamper on film-like mixes of music of many kinds: precision, recall, and what a cue's probability means.

    OMP_NUM_THREADS=1 python benchmarks/filmlike.py FOLDER

FOLDER holds ``<condition>_<seed>.wav`` with ``<condition>_<seed>.json`` (`condition`, `seed`, `tracks`: name to file,
`cues`: track, start, end and names that are as right, `accept`), as a generator of such films writes them. "All" keeps
every cue (``least_probability=0``), "likely" leaves out what is less likely than one half. Precision and recall are by
seconds: one counts as right where a track that sounds there is named. The tables are printed and put into stamping.md.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd

from filmlens.stamper import CueSheet, index_tracks, intervals, stamp

HEADING = "# Film-like mixes"
#: Least probability of a cue.
RUNS = {"all": 0.0, "likely": 0.5}
EDGES = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0)


def measure(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cues of both runs with the seconds of them that are right, and every film with its truth [s] and warning."""
    cues, films = [], []
    for written in sorted(folder.glob("*.json")):
        truth = json.loads(written.read_text())
        index = index_tracks(truth["tracks"])
        sheets = {
            run: stamp(written.with_suffix(".wav"), index, least_probability=least) for run, least in RUNS.items()
        }
        rows, film = judged(truth, sheets)
        cues += rows
        films.append(film)
        print(written.stem, file=sys.stderr)
    columns = ["condition", "seed", "run", "seconds", "probability", "right"]
    return pd.DataFrame(cues, columns=columns), pd.DataFrame(films)


def judged(truth: dict, sheets: dict[str, CueSheet]) -> tuple[list[dict], dict]:
    """Rows of `measure` of one film."""
    film = {"condition": truth["condition"], "seed": truth["seed"]}
    rows = []
    for run, sheet in sheets.items():
        for cue in sheet.table.itertuples(index=False):
            sounds = [[c["start"], c["end"]] for c in truth["cues"] if cue.track in {c["track"], *c.get("accept", ())}]
            right = intervals.length(intervals.intersection(sounds, [[cue.start, cue.end]]))
            rows.append(
                film | {"run": run, "seconds": cue.end - cue.start, "probability": cue.probability, "right": right}
            )
    told = any("music like the tracks" in problem for problem in sheets["likely"].problems)
    true = sum(c["end"] - c["start"] for c in truth["cues"])  # where two tracks sound, both shall be found
    return rows, film | {"truth": true, "told": told}


def by_condition(cues: pd.DataFrame, films: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall and false seconds of all cues and of the likely ones: a row per condition, a film per seed."""
    rows = []
    for condition, group in films.groupby("condition"):
        row = {"condition": condition}
        for film in group.sort_values("seed").itertuples(index=False):
            own = cues[(cues["condition"] == condition) & (cues["seed"] == film.seed)]
            values = {"seed": film.seed, "truth [s]": round(film.truth)}
            for run in RUNS:
                part = own[own["run"] == run]
                found, right = part["seconds"].sum(), part["right"].sum()
                values[f"P, {run}"] = f"{right / found:.3f}" if film.truth and found else "-"
                values[f"R, {run}"] = f"{right / film.truth:.3f}" if film.truth else "-"
                values[f"false [s], {run}"] = round(found - right)
            values["warned"] = "yes" if film.told else "no"
            row = {k: f"{row[k]} / {v}" if k in row else v for k, v in values.items()} | {"condition": condition}
        rows.append({"condition": condition} | row)
    return pd.DataFrame(rows)


def reliability(cues: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """What share of the seconds is right, by probability; and the expected calibration error."""
    part = pd.cut(cues["probability"], EDGES, include_lowest=True)
    expected = cues["probability"] * cues["seconds"]
    sums = pd.DataFrame({"part": part, "seconds": cues["seconds"], "expected": expected, "right": cues["right"]})
    sums = sums.groupby("part", observed=True).sum()
    error = float((sums["expected"] - sums["right"]).abs().sum() / sums["seconds"].sum())
    table = pd.DataFrame(
        {
            "probability": [f"{max(0, p.left):.2f} to {p.right:.2f}" for p in sums.index],
            "seconds of cues": sums["seconds"].round().astype(int).to_numpy(),
            "mean probability": (sums["expected"] / sums["seconds"]).map("{:.3f}".format).to_numpy(),
            "share right": (sums["right"] / sums["seconds"]).map("{:.3f}".format).to_numpy(),
        }
    )
    return table, error


def report(cues: pd.DataFrame, films: pd.DataFrame) -> str:
    """Markdown of all tables."""
    every, error = reliability(cues[cues["run"] == "all"])
    _, kept = reliability(cues[cues["run"] == "likely"])
    return (
        f"{HEADING}\n\n`OMP_NUM_THREADS=1 python benchmarks/filmlike.py FOLDER`\n\n"
        "Music of many kinds under speech and effects at +10 to -15 dB, with music of the same kind that is on no "
        "track (`none`: no other music at all). All: every cue, as before there was a probability; likely: those of "
        f"at least {RUNS['likely']}, the default. A number per seed.\n\n{markdown(by_condition(cues, films))}\n\n"
        "## What a probability means\n\n"
        f"Expected calibration error, by seconds: {error:.3f} over all cues, {kept:.3f} over the likely ones.\n\n"
        f"{markdown(every)}\n"
    )


def markdown(table: pd.DataFrame) -> str:
    rows = [table.columns, ["---"] * table.shape[1], *table.to_numpy()]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def main() -> None:
    text = report(*measure(Path(sys.argv[1])))
    out = Path(__file__).resolve().parent / "stamping.md"
    out.write_text(out.read_text().split(HEADING)[0].rstrip() + f"\n\n{text}")
    print(text)


if __name__ == "__main__":
    main()
