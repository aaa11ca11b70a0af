"""The paper's claims as a table that the data fill in: holds, contradicted or undecided.

A claim about two models is a *paired* difference over the same films, with its 95 % bootstrap over films; two
intervals are never compared by eye. A claim about several comparisons at once ("in every genre") holds only when every
interval lies on its side, is contradicted when one lies on the other side after Bonferroni, and shows the comparison
that decides. "Similar" means that the whole interval lies within the margin.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filmlens.findings.importance import ImportanceRuns
from filmlens.findings.units import clip_units, film_units, weighted_gap
from filmlens.findings.verdicts import Pair, Scorer, every, gap, scorer, similar
from filmlens.stats.bootstrap import film_weights
from filmlens.stats.metrics import precision

Configuration = tuple[str, str, str]
_COLUMNS = ["claim", "paper", "estimate", "low", "high", "verdict", "estimate is"]
_BELOW = ("max", "linear softmax")
_OURS = "not in the paper"


def claims_table(
    labels: pd.DataFrame,
    *,
    predictions: Mapping[Configuration, np.ndarray] | None = None,
    levels: Mapping[Configuration, np.ndarray] | None = None,
    baselines: Mapping[str, np.ndarray] | None = None,
    importance: ImportanceRuns | None = None,
    pictures: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    unit: str = "clips",
    margin: float = 0.05,
    n_boot: int = 2000,
    seed: int = 0,
    synthetic: bool = False,
) -> pd.DataFrame:
    """Every claim of the paper with our estimate, its interval over films and the verdict.

    Parameters
    ----------
    labels : DataFrame of bool
        Index film_id, one column per genre; the films that were predicted.
    predictions : mapping of (features, level, model) to (films, genres), optional
        Held-out predictions (bool, or probabilities cut at 0.5), all under one cross-validation. features are ``mir``,
        ``vggish`` or others; level is ``cue`` or ``frame``; model is a pooling (``max``, ``linear_softmax``, with
        anything behind it, such as ``average 64``) or a base classifier (``simple MI svm``, ``voting knn``).
    levels : mapping like `predictions`, optional
        Cue and frame level under the same folds, when those differ from the folds of `predictions`.
    baselines : mapping of name to (films, genres) or (draws, films, genres), optional
        ``random guess``, ``zero rule`` and ``always positive``; draws are averaged.
    importance : ImportanceRuns, optional
        From :func:`~filmlens.findings.permutation_runs`.
    pictures : (clips, predicted), optional
        As given to :func:`~filmlens.findings.cross_modal`.
    unit : {"clips", "films"}
        What medians of pictures are taken over; films are resampled either way.
    margin : float
        Macro-F1 within which two models are similar.
    n_boot, seed : int
    synthetic : bool
        The verdicts then say that they are about a synthetic corpus.

    Returns
    -------
    DataFrame
        claim, paper, estimate, low, high, verdict, and in words what the estimate is. Without the data that a claim
        needs, the verdict is ``not tested (no weights)`` and the like.

    Raises
    ------
    ValueError
        If an array does not have the shape of `labels`.
    """
    truth = labels.to_numpy(bool)
    weights = film_weights(np.random.default_rng(seed), len(truth), n_boot)
    score = scorer(truth, weights)
    cue = {k: v for k, v in (predictions or {}).items() if k[1] == "cue"}
    rows = [
        similar(*_top(cue, score), margin),
        *_feature_claims(cue, score),
        every(
            "cue level above frame level for each model",
            "cue level outperforms in all models",
            _level_pairs(levels or predictions or {}, score),
            "macro-F1, cue minus frame level",
            "no model at both levels",
        ),
        *_model_claims(cue, baselines or {}, score),
        *_importance_claims(importance),
        *_picture_claims(labels, pictures, unit, weights),
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    if synthetic:
        tested = ~table["verdict"].str.startswith("not tested")
        table.loc[tested, "verdict"] += " (synthetic corpus)"
    return table


def robustness_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Claims under several conditions, one below the other.

    Parameters
    ----------
    tables : mapping of condition to DataFrame
        Results of :func:`claims_table`, such as ``{"seed 0": ..., "folds by franchise": ..., "clean sound": ...}``.

    Returns
    -------
    DataFrame
        condition, the columns of the tables, and ``holds in``: the share of conditions that tested the claim in which
        it holds.
    """
    table = pd.concat([t.assign(condition=name) for name, t in tables.items()], ignore_index=True)
    tested = ~table["verdict"].str.startswith("not tested")
    holds = table["verdict"].str.startswith("holds").where(tested).astype(float)
    table["holds in"] = holds.groupby(table["claim"]).transform("mean")
    return table[["condition", *_COLUMNS, "holds in"]]


def _named(model: str) -> str:
    return model.replace("_", " ").lower()


def _is_base(model: str) -> bool:
    return _named(model).startswith(("simple", "voting"))


def _best(cue: Mapping, score: Scorer, features: str, start: str = "") -> Configuration | None:
    found = [k for k in cue if k[0] == features and _named(k[2]).startswith(start)]
    return max(found, key=lambda k: score(cue[k])[0], default=None)


def _top(cue: Mapping, score: Scorer) -> tuple[Pair | None]:
    mir, vggish = _best(cue, score, "mir"), _best(cue, score, "vggish")
    if mir is None or vggish is None:
        return (None,)
    return (gap(f"VGGish {vggish[2]} minus MIR {mir[2]}", score(cue[vggish]), score(cue[mir])),)


def _feature_claims(cue: Mapping, score: Scorer) -> list[tuple]:
    why = "no weights"
    both = [k for k in cue if k[0] == "vggish" and ("mir", *k[1:]) in cue]
    gaps = [gap("", score(cue[k]), score(cue["mir", *k[1:]])) for k in both]
    mean = (
        [("mean over models", float(np.mean([g[1] for g in gaps])), np.mean([g[2] for g in gaps], axis=0))]
        if gaps
        else []
    )
    simple = []
    for start in ("simple", "voting"):
        one, other = _best(cue, score, "vggish", start), _best(cue, score, "mir", start)
        if one and other:
            simple.append(gap(f"{one[2]} minus {other[2]}", score(cue[one]), score(cue[other])))
    return [
        every("VGGish above MIR generally", "generally outperform", mean, "macro-F1, VGGish minus MIR", why),
        every(
            "simple MI and voting better on VGGish",
            "better in precision, recall and F1",
            simple,
            "macro-F1, VGGish minus MIR, best base classifier of each",
            why,
        ),
    ]


def _level_pairs(predictions: Mapping, score: Scorer) -> list[Pair]:
    keys = [k for k in predictions if k[1] == "cue" and (k[0], "frame", k[2]) in predictions]
    return [gap(f"{k[0]} {k[2]}", score(predictions[k]), score(predictions[k[0], "frame", k[2]])) for k in keys]


def _model_claims(cue: Mapping, baselines: Mapping, score: Scorer) -> list[tuple]:
    poolings = [k for k in cue if not _is_base(k[2])]
    low = [k for k in poolings if _named(k[2]).startswith(_BELOW)]
    below = [
        gap(f"{high[0]} {high[2]} minus {k[2]}", score(cue[high]), score(cue[k]))
        for k in low
        for high in poolings
        if high[0] == k[0] and high not in low
    ]
    svm = next(
        (k for k in cue if k[0] == "vggish" and _named(k[2]).startswith("simple") and "svm" in _named(k[2])), None
    )
    precise = []
    if svm:
        top = score(cue[svm], precision)
        precise = [gap(f"minus {k[0]} {k[2]}", top, score(cue[k], precision)) for k in cue if k != svm]
    floors = {name: score(values) for name, values in baselines.items()}

    def above(names: list[str]) -> list[Pair]:
        return [gap(f"{k[0]} {k[2]} minus {name}", score(cue[k]), floors[name]) for name in names for k in cue]

    paper = [name for name in floors if _named(name) in ("random guess", "zero rule")]
    always = [name for name in floors if _named(name).startswith("always")]
    return [
        every(
            "max and linear softmax below the others", "perform worse", below, "macro-F1", "no max or linear softmax"
        ),
        every(
            "simple MI with SVM on VGGish has the highest precision",
            "highest of all models",
            precise,
            "macro-precision",
            "no weights",
        ),
        every("every model above both baselines", "all outperform both", above(paper), "macro-F1", "no baselines"),
        every("every model above always-positive", _OURS, above(always), "macro-F1", "no always-positive baseline"),
    ]


def _importance_claims(runs: ImportanceRuns | None) -> list[tuple]:
    first, tone, spread, why = [], [], [], "no feature importance"
    if runs is not None:
        mean = runs.runs.mean(axis=1)
        names = [g.lower() for g in runs.groups]
        mfcc = next((i for i, g in enumerate(names) if g.startswith("mfcc")), None)
        for k, genre in enumerate(runs.genres):
            for g, name in enumerate(runs.groups):
                if mfcc is not None and g != mfcc:
                    ahead = runs.films[mfcc, :, k] - runs.films[g, :, k]
                    first.append((f"{genre}, {runs.groups[mfcc]} minus {name}", mean[mfcc, k] - mean[g, k], ahead))
        if "tone" in names and "Horror" in runs.genres:
            g, k = names.index("tone"), runs.genres.index("Horror")
            tone = [(f"{runs.groups[g]} for Horror", mean[g, k], runs.films[g, :, k])]
        rare = [k for k, g in enumerate(runs.genres) if g in ("Horror", "Romance")]
        others = [k for k in range(len(runs.genres)) if k not in rare]
        if len(rare) == 2 and others and runs.runs.shape[1] > 1:
            sd, boot = runs.runs.std(axis=1, ddof=1).mean(axis=0), runs.spread.mean(axis=0)
            value = sd[rare].min() - sd[others].max()
            spread = [("lesser of the two minus largest other", value, boot[:, rare].min(1) - boot[:, others].max(1))]
    scheme = f"drop of F1, scheme {runs.scheme}" if runs is not None else ""
    sd_of = f"SD over runs, mean of groups, scheme {runs.scheme}" if runs is not None else ""
    return [
        every("MFCC first in every genre", "highest in every genre", first, scheme, why),
        every("Tone matters for Horror", "relied heavily on Tone", tone, scheme, why),
        every("run variance largest for Horror and Romance", "greater variance", spread, sd_of, why),
    ]


def _picture_claims(labels: pd.DataFrame, pictures, unit: str, weights: np.ndarray) -> list[tuple]:
    nearer, reversed_, beyond, why = [], [], [], "no picture measures"
    if pictures is not None:
        clips, predicted = pictures
        clips = clips[clips["film_id"].isin(labels.index)]
        cells = _gaps(clips, labels, predicted.loc[labels.index], unit, np.vstack([np.ones(len(labels)), weights]))
        actual, pred, false, clean = cells
        nearer = _cell_mean(np.abs(actual) - np.abs(pred), "|Actual| minus |Predicted|")
        reversed_ = _cell_mean(-np.sign(actual) * false, "False positives against Actual's sign")
        beyond = _cell_mean(-np.sign(actual) * clean, "False positives vs true negatives against Actual's sign")
    what = f"difference of medians × 10, {unit}, mean of genres and measures"
    return [
        every("Predicted nearer the median than Actual", "tend to the global median", nearer, what, why),
        every("False positives reversed", "half of brightness, most of contrast opposite", reversed_, what, why),
        every("False positives reversed beyond the arithmetic", _OURS, beyond, what, why),
    ]


def _gaps(clips, labels, predicted, unit: str, weights: np.ndarray) -> np.ndarray:
    """Differences x 10 by source, cell and draw, the sources in Table 5's order."""
    gather = clip_units if unit == "clips" else film_units
    cells = []
    for measure in ("brightness", "contrast"):
        units, _ = gather(clips, labels.index, measure)
        for genre in labels.columns:
            truth, own = (t[genre].to_numpy(bool)[units.film] for t in (labels, predicted))
            sides = ((truth, ~truth), (own, ~own), (own & ~truth, ~own | truth), (own & ~truth, ~own & ~truth))
            cells.append([10 * weighted_gap(units, here, there, weights) for here, there in sides])
    return np.moveaxis(np.array(cells), 0, 1)


def _cell_mean(values: np.ndarray, name: str) -> list[Pair]:
    """Mean over the cells that exist, as a pair; the first draw is the full sample."""
    known = values[np.isfinite(values[:, 0])]
    if not len(known):
        return []
    counts = np.isfinite(known).sum(axis=0)
    mean = np.where(counts > 0, np.nansum(known, axis=0) / np.maximum(counts, 1), np.nan)
    return [(name, float(mean[0]), mean[1:])]
