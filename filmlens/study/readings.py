"""Is the paper's Table 4 what its own features give, and by which reading of what it leaves open?

On a corpus that ``filmlens release`` made. A reading changes one decision of the genre models; its result is the mean
over several starts, with an interval in which films are drawn and a start is drawn with them. A reading is called
compatible with a quoted number that lies in its interval: no reading is tuned towards one, and none is called the
paper's. The quoted numbers are second-hand (`filmlens.paper.table4`).
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from filmlens import genre, paper
from filmlens.corpus import find_folder
from filmlens.features import papers_name
from filmlens.genre.network import EMBEDDABLE
from filmlens.stats.bootstrap import interval, resamples
from filmlens.stats.metrics import macro
from filmlens.study.study import PROFILES, Study

AS_HERE = "as here"
#: What the paper leaves open, each as a change of the stage ``genre``.
READINGS: dict[str, dict[str, Any]] = {
    AS_HERE: {},
    "embeddings are pooled": {"space": "embedding"},
    "attention is a softmax": {"weighing": "softmax"},
    "genres are not weighted": {"class_weight": "none"},
    "features are not standardised": {"standardize": False},
    "a cue is the median of its frames": {"level": "median"},
}
#: The two settings in which networks are trained, by the profile that they come from.
TRAININGS = {
    "the paper's (200 epochs at 0.00005)": "paper",
    "converged (60 epochs at 0.001)": "quick",
}
#: Networks of Table 4 whose numbers are quoted: features, model and nodes. Those of VGGish's average are not stated.
ROWS = (("vggish", "average", 64), ("vggish", "single_attention", 128), ("mir", "average", 64))
#: The other quoted rows, and the floor that the paper has not.
_OTHERS = (
    ("vggish", "simple_mi_knn"),
    ("vggish", "simple_mi_svm"),
    ("mir", "simple_mi_svm"),
    ("mir", "random_guess"),
    ("mir", "zero_rule"),
    ("mir", "always_positive"),
)
_SCORES = {"P": "precision", "R": "recall", "F1": "f1", "low": "f1_low", "high": "f1_high"}


def trainings_of(profile: str) -> list[str]:
    """The settings that a profile sets side by side: both in the profile paper, the converged one alone in quick."""
    return [name for name, own in TRAININGS.items() if own in ("quick", profile)]


def corpora(study: Study, yours: str = "") -> dict[str, Study]:
    """The corpora that are set beside the paper: the release, and a corpus of the reader's own films where it is named.

    Its tables are those in its own folder, whatever folder of tables a run of the release has.
    """
    found = {"synthetic twin" if study.corpus.synthetic else "authors' features": study}
    if yours:
        folder = find_folder(yours)
        settings = {"profile": study.profile, "seed": study.seed, "jobs": study.jobs}
        found["your films"] = Study.open(folder, figures=study.figures, derived=folder / "derived", **settings)
    return found


def compatible(
    study: Study,
    *,
    readings: Sequence[str] = (),
    trainings: Sequence[str] = (),
    rows: Sequence[tuple[str, str, int]] = (),
    starts: int = 5,
) -> pd.DataFrame:
    """F1 under each reading, and whether the quoted F1 lies in its interval.

    `readings` and `trainings` are keys of `READINGS` and `TRAININGS`, `rows` some of `ROWS`; those whose features the
    corpus has not are left out. By default the profile paper asks for all of them, and the profile quick for the
    reading of this software, the training that converges and the networks of 64 nodes. `starts` are two seeds or more.

    Columns: training, reading, features, model, paper F1 (second-hand), F1 (mean over the starts), low, high (95 %,
    films and starts drawn), SD of starts, training F1, compatible.
    """
    if starts < 2:
        raise ValueError("an interval over starts needs at least two")
    there = {papers_name(name): name for name in study.papers_features}
    whole = study.profile == "paper"
    readings = readings or (list(READINGS) if whole else [AS_HERE])
    trainings = trainings or trainings_of(study.profile)
    rows = rows or [row for row in ROWS if whole or row[2] == 64]
    every = product(trainings, readings, rows)
    plan = [(t, reading, row) for t, reading, row in every if row[0] in there and _applies(READINGS[reading], row[1])]
    folded = {k: v for k, v in study.ensemble.items() if k != "starts"}
    sweep = [
        configuration(there[row[0]], row, TRAININGS[training]) | folded | READINGS[reading] | {"seed": study.seed + k}
        for training, reading, row in plan
        for k in range(starts)
    ]
    fitted, table = study.models(sweep), []
    for at, (training, reading, row) in enumerate(plan):
        models = fitted[at * starts : (at + 1) * starts]
        found = over_starts(models, replicates=study.n_boot)
        quoted = paper.table4(row[0], f"{row[1]} {row[2]}")["paper F1"]
        line = {"training": training, "reading": reading, "features": row[0], "model": f"{row[1]} {row[2]}"}
        line |= {"paper F1": quoted} | found
        table.append(line | {"compatible": bool(found["low"] <= quoted <= found["high"])})
    return pd.DataFrame(table)


def numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Of `compatible`, the readings with how many of the quoted numbers each is compatible with."""
    by = table.groupby(["training", "reading"], sort=False)["compatible"]
    counted = by.agg(compatible="sum", rows="size").reset_index()
    return counted[counted["compatible"] > 0].reset_index(drop=True)


def configuration(features: str, row: tuple[str, str, int], profile: str) -> dict[str, Any]:
    """Parameters of the stage ``genre`` for a row."""
    training = {key: PROFILES[profile][key] for key in ("epochs", "learning_rate")}
    return {"features": features, "model": row[1], "hidden": row[2], **training}


def over_starts(models: Sequence, *, replicates: int = 1000) -> dict[str, float]:
    """Mean F1 of models that differ in their start, and the interval of one start on other films.

    They are cross-validations of the same films and labels; with each of `replicates` bootstrap samples of films one
    start is drawn. Gives F1, low, high, SD of starts, training F1.
    """
    keep = models[0].fold >= 0
    labels, rng = models[0].labels[keep], np.random.default_rng(0)
    weights, _ = resamples(labels, replicates, rng)
    one = np.ones((1, len(labels)))
    plain = np.array([macro(labels, m.prediction[keep], m.score[keep], one)["f1"][0] for m in models])
    drawn = np.array([macro(labels, m.prediction[keep], m.score[keep], weights)["f1"] for m in models])
    low, high = interval(drawn[rng.integers(0, len(models), drawn.shape[1]), np.arange(drawn.shape[1])])
    found = {"F1": float(plain.mean()), "low": low, "high": high, "SD of starts": float(plain.std(ddof=1))}
    return found | {"training F1": float(np.mean([m.training_f1 for m in models]))}


def side_by_side(studies: Mapping[str, Study], *, trainings: Sequence[str] = tuple(TRAININGS)) -> pd.DataFrame:
    """The quoted rows of Table 4 beside what corpora give: paper | the authors' features here | your films.

    `studies` go by what each is called in the table; a corpus without a row's features has NaN there. Networks have a
    row for each of `trainings`.

    Columns: row, training (of a network), paper P, paper R, paper F1, then for each corpus P, R, F1, low and high (95 %
    over its films), and the paper's doubt. The last row is the floor that stands in each: every genre for every film.
    """
    lines = [(f, f"{m} {h}", t, (f, m, h)) for f, m, h in ROWS for t in trainings]
    lines += [(f, m, "", None) for f, m in _OTHERS]
    quoted = [paper.table4(f, m) for f, m, _, _ in lines]
    floors = [m in ("random_guess", "zero_rule", "always_positive") for _, m, _, _ in lines]
    named = [(m if floor else f"{f}: {m}").replace("_", " ") for (f, m, _, _), floor in zip(lines, floors, strict=True)]
    table = pd.DataFrame({"row": named, "training": [t for _, _, t, _ in lines]})
    table = table.join(pd.DataFrame([{k: q[k] for k in ("paper P", "paper R", "paper F1")} for q in quoted]))
    for name, study in studies.items():
        table = table.join(pd.DataFrame(_scores(study, lines, floors)).add_prefix(f"{name}: "))
    return table.assign(**{"paper's doubt": [q["paper's doubt"] for q in quoted]})


def _scores(study: Study, lines: Sequence[tuple], floors: Sequence[bool]) -> list[dict[str, float]]:
    there = {papers_name(name): name for name in study.papers_features}
    any_set = next(iter(there.values()))
    plan = {}
    for at, ((features, model, training, row), floor) in enumerate(zip(lines, floors, strict=True)):
        if floor:
            plan[at] = {"model": model, "features": any_set}
        elif features in there:
            other = {"model": model, "features": there[features]}
            plan[at] = configuration(there[features], row, TRAININGS[training]) if row else other
    found = [dict.fromkeys(_SCORES, float("nan"))] * len(lines)
    for at, model in zip(plan, study.models(list(plan.values())), strict=True):
        scores = genre.evaluate(model, replicates=study.n_boot, permutations=1)
        found[at] = {name: scores[score] for name, score in _SCORES.items()}
    return found


def _applies(change: Mapping[str, Any], model: str) -> bool:
    """Whether a reading makes another model of a row."""
    if "weighing" in change:
        return "attention" in model
    return "space" not in change or model in EMBEDDABLE
