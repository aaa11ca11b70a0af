"""Error rates of the statistics on simulated corpora with the study's label sets; every corpus is a row of a CSV.

`python benchmarks/error_rates.py ITEM FIRST LAST [JOBS]` adds corpora FIRST to LAST - 1 of an item to
`benchmarks/error_rates/ITEM.csv`, JOBS at a time (those already there are passed over, so that a stopped run goes on),
and prints the rates over all of them with exact binomial intervals.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "stats"), str(ROOT / "tests" / "genre"), str(ROOT / "tests" / "findings")]

import paper_corpora as corpora  # noqa: E402 - from the tests
from test_chance import p_of  # noqa: E402
from test_claims_rate import false_verdicts  # noqa: E402
from test_conditional_null import film_rows_of, p_by_one_genre  # noqa: E402
from test_selection import selected  # noqa: E402
from test_withinfilm import corpus as waves  # noqa: E402
from trained_pages import trained  # noqa: E402

from filmlens.findings import within_films  # noqa: E402


def conditional(seed: int) -> dict:
    """p given the actual labels, by one genre's division (before), and of the residuals; Horror's and Romance's."""
    now = film_rows_of(seed, corpora.looking_like_their_genres).set_index(["source", "genre"])
    before = p_by_one_genre(seed).set_index(["source", "genre"])["p_conditional"]
    row = {f"after {s}, {g}": now.loc[(s, g), "p_conditional"] for s, g in before.index}
    row |= {f"residuals {s}, {g}": now.loc[(s, g), "p_residuals"] for s, g in before.index}
    return row | {f"before {s}, {g}": p for (s, g), p in before.items()}


def actual(seed: int) -> dict:
    """p over films of the actual labels when the picture says nothing."""
    blank = film_rows_of(seed, lambda rng, counts: corpora.clips(rng, np.zeros(110), counts))
    found = blank[blank["source"] == "Actual"].set_index("genre")["p_permutation"]
    return {f"after {genre}": p for genre, p in found.items()}


def claims(seed: int) -> dict:
    """Whether a page of claims without any truth in it has a false verdict; 0 when there is one."""
    return {f"after {name}": 0.0 if wrong else 1.0 for name, wrong in false_verdicts(seed).items()}


def within(seed: int) -> dict:
    """p within films whose music and pictures change slowly and have nothing to do with each other."""
    found = {}
    for smooth, arc in ((0.0, 0.0), (0.5, 0.0), (0.9, 0.0), (0.5, 3.0)):
        films = waves(seed, smooth=smooth, arc=arc)
        table = within_films(*films, measures=["brightness"], n_permutations=199, seed=seed)
        found[f"after smooth {smooth}, arc {arc}"] = table["p"].iloc[0]
    return found


def chance(seed: int) -> dict:
    """p of simple MI with SVM when labels say nothing, everything learnt again."""
    return {"after": p_of(seed, permutations=39)}


ITEMS = {f.__name__: f for f in (conditional, actual, claims, within, chance, selected, trained)}


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Share of corpora at most .05 and .01, with exact 95 % intervals of the first."""
    rows = []
    for name in table.select_dtypes("number").columns.drop("seed"):
        p = table[name].dropna()
        hits = int((p <= 0.05).sum())
        low, high = stats.binomtest(hits, len(p)).proportion_ci() if len(p) else (np.nan, np.nan)
        rows.append([name, len(p), hits, hits / max(len(p), 1), low, high, (p <= 0.01).mean()])
    return pd.DataFrame(rows, columns=["what", "corpora", "at most .05", "rate", "low", "high", "rate at .01"]).round(3)


if __name__ == "__main__":
    item, first, last, jobs = sys.argv[1], *map(int, [*sys.argv[2:], 1][:3])
    path = Path(__file__).with_suffix("") / f"{item}.csv"
    path.parent.mkdir(exist_ok=True)
    there = pd.read_csv(path)["seed"] if path.is_file() else []
    missing = sorted(set(range(first, last)) - set(there))
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for seed, found in zip(missing, pool.map(ITEMS[item], missing), strict=True):
            row = pd.DataFrame([{"seed": seed, **found}]).round(4)
            if path.is_file():  # a line is added, so that whenever the run is stopped the others stay
                row = row.reindex(columns=pd.read_csv(path, nrows=0).columns)
            row.to_csv(path, index=False, mode="a", header=not path.is_file())
    done = pd.read_csv(path)
    if item == "selected":
        print(done.drop(columns="seed").agg(["mean", "sem"]).T.round(4).to_string())
    else:
        print(rates(done).to_string(index=False))
    if item == "trained":
        said = done.drop(columns=["seed", "before any", "after any", "false"])
        print(said.apply(pd.Series.value_counts).T.fillna(0).astype(int).to_string())
