"""The paper's claims as a table that the data fill in: holds, contradicted or undecided.

A claim about two models is a *paired* difference over the same films, with its interval; two intervals are never
compared by eye. A claim about several comparisons at once ("in every genre") holds only when every interval lies on its
side, is contradicted when one lies on the other side after Bonferroni, and shows the comparison that decides. "Similar"
means that the whole interval lies within the margin. How intervals are made, and that all claims of a page are one
family, stands in `verdicts`. A model is judged by the mean of its single starts, never by the best.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filmlens.findings.claims_of_findings import importance_claims, picture_claims, stamper_claim
from filmlens.findings.claims_of_models import Configuration, model_claims
from filmlens.findings.importance import ImportanceRuns
from filmlens.findings.verdicts import COLUMNS, judged, scorer
from filmlens.stats.bootstrap import film_weights
from filmlens.stats.enough import FEW


def claims_table(
    labels: pd.DataFrame,
    *,
    predictions: Mapping[Configuration, np.ndarray] | None = None,
    levels: Mapping[Configuration, np.ndarray] | None = None,
    baselines: Mapping[str, np.ndarray] | None = None,
    importance: ImportanceRuns | None = None,
    pictures: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    stamper: pd.DataFrame | None = None,
    unit: str = "clips",
    start_sd: float = 0.0,
    n_boot: int = 2000,
    seed: int = 0,
    synthetic: bool = False,
) -> pd.DataFrame:
    """Every claim of the paper with our estimate, its interval over films and the verdict.

    Columns: claim, paper, estimate, low, high (of the level that the verdict rests on, all claims together 95 %),
    detectable (the smallest difference that 80 % of such corpora would have shown), films (of the smaller side),
    verdict, and in words what the estimate is. Without the data that a claim needs the verdict is ``not tested (no
    weights)`` and the like, with fewer than ten films ``too few films``; of a `synthetic` corpus it says so. ValueError
    if an array does not have the shape of `labels` (films x genres, those that were predicted).

    `predictions` are held-out probabilities (cut at 0.5 for F1) or bool under one cross-validation, (films, genres) or,
    of a model trained from several starts, (starts, films, genres). Their keys are features (``mir``, ``vggish`` or
    others), level (``cue`` or ``frame``) and model: a pooling (``max``, ``linear_softmax``, with anything behind it,
    such as ``average 64``) or a base classifier (``simple MI svm``, ``voting knn``). `levels` are like them, cue and
    frame level under the same folds, when those differ. `baselines` are named ``random guess``, ``zero rule`` and
    ``always positive``; of (draws, films, genres) the draws are averaged.

    `importance` comes from :func:`~filmlens.findings.permutation_runs`; `pictures`, clips and predicted labels, are as
    given to :func:`~filmlens.findings.cross_modal`; `stamper` has precision and recall in a row per annotated film.
    `unit` ("clips" or "films") is what medians of pictures are taken over; films are resampled either way. `start_sd`
    is the standard deviation of a score over starts, for networks of one start: (1, films, genres).
    """
    truth = labels.to_numpy(bool)
    weights = film_weights(np.random.default_rng(seed), len(truth), n_boot)
    claims = [
        *model_claims(predictions or {}, levels, baselines or {}, scorer(truth, weights, start_sd), len(truth), seed),
        *importance_claims(importance),
        *picture_claims(labels, pictures, unit, weights),
        stamper_claim(stamper, n_boot, seed),
    ]
    table = pd.DataFrame(judged(claims), columns=COLUMNS)
    if synthetic:
        tested = ~table["verdict"].str.startswith(("not tested", FEW))
        table.loc[tested, "verdict"] += " (synthetic corpus)"
    return table


def robustness_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Claims under several conditions, one below the other: results of :func:`claims_table` by condition.

    Columns: condition, those of the tables, and ``holds in``: the share of conditions that tested the claim in which it
    holds.
    """
    table = pd.concat([t.assign(condition=name) for name, t in tables.items()], ignore_index=True)
    tested = ~table["verdict"].str.startswith(("not tested", FEW))
    holds = table["verdict"].str.startswith("holds").where(tested).astype(float)
    table["holds in"] = holds.groupby(table["claim"]).transform("mean")
    return table[["condition", *COLUMNS, "holds in"]]
