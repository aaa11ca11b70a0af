"""Scores of genre models: the numbers of Table 4, their intervals, and comparisons of models.

Goal
    Films are predicted out of fold; labels Y and probabilities P are (films, genres). Scores say how well P >= .5
    gives Y, and how well P ranks the films of each genre.

Conventions
    * Macro precision, recall and F1 are means over genres of the pooled out-of-fold predictions; zero division is 0.
    * mAP is the mean over genres of average precision; a genre without positives has none and is named once under
      `undefined`.
    * Films without instances are left out of every score and listed under `left_out`.
    * A random guess is scored by the mean over its draws: labels are Bernoulli with the training frequency, scores
      for average precision are uniform.

Uncertainty
    * Intervals are 95 % percentile bootstraps over films. Draws in which a genre (that has positives) has none are
      skipped and counted. For a random guess each bootstrap sample comes with a draw of its own.
    * Against chance: mAP when films swap their label rows, p = (b + 1) / (n + 1), one-sided: how often chance does as
      well. Best with the model trained again for every permutation (`retrained_chance`); without, the scores stay as
      they were learnt from the true labels, which is conservative under leave-one-out. The paper's paired t-test of
      average precision over genres against a random guess stands beside it, one-sided as well; it takes genres for a
      sample, and leave-one-out lies below the guess when nothing is heard (`comparison`).
    * With fewer than ten films there is neither p nor interval nor verdict (`filmlens.stats.enough`).
    * Models are compared by the bootstrap of their paired difference; "similar" only when the whole interval lies
      within +-.05 (`paired_difference`).
    * Of the best of many the luck of having been chosen is taken off (`selection_corrected`).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import precision_recall_curve

from filmlens.genre.comparison import guess, p_above, scored
from filmlens.genre.results import CrossValidation
from filmlens.stats.bootstrap import interval, resamples
from filmlens.stats.enough import enough
from filmlens.stats.metrics import METRICS, average_precision, macro, per_genre, precision_recall_f1


def evaluate(
    cv: CrossValidation, *, replicates: int = 1000, permutations: int = 9999, seed: int = 0
) -> dict[str, object]:
    """Every score of one cross-validation, over `replicates` bootstrap samples of films.

    Gives `precision`, `recall`, `f1`, `map`, each with `_low` and `_high`; `per_genre` (DataFrame); `training_f1`;
    `seeds`, `f1_single`, `map_single`, `f1_seed_sd`, `map_seed_sd` (mean and SD of the single starts; SD NaN for one),
    while all other scores are of the mean probability of the starts; `gain`, `p_paper` (mean gain of average precision
    over a random guess, the paper's paired t-test over genres), `p_chance` (mAP against `permutations` of label rows,
    not trained again), all p one-sided: above chance; `tuned` (the four numbers of the first start at thresholds chosen
    on training films; NaN where the model has none); `films`, `left_out`, `skipped` (bootstrap draws), `undefined`
    (genres without positives or negatives).
    """
    keep = cv.fold >= 0
    Y = cv.labels[keep]
    rng = np.random.default_rng(seed)
    one = np.ones((1, len(Y)))
    predicted, score, each = cv.prediction[keep], cv.score[keep], one
    genres = per_genre(Y, cv.probability[keep], score=score, genres=cv.genres)
    if cv.draws:
        predicted, score = guess(cv.probability[keep], cv.draws, rng)
        each = np.ones((cv.draws, len(Y)))
        rated = zip(("precision", "recall", "f1"), precision_recall_f1(Y, predicted, each), strict=True)
        genres = genres.assign(
            **{name: values.mean(0) for name, values in rated},
            ap=average_precision(Y, score, each).mean(0),
            predicted=predicted.sum(1).mean(0),
        )
    point = {m: float(v.mean()) for m, v in macro(Y, predicted, score, each).items()}
    weights, skipped = resamples(Y, replicates, rng)
    spread = scored(cv, keep, weights, seed)
    result: dict[str, object] = {}
    for metric in METRICS:
        low, high = interval(spread[metric]) if enough(len(Y)) else (np.nan, np.nan)
        result |= {metric: point[metric], f"{metric}_low": low, f"{metric}_high": high}
    result["per_genre"] = genres
    result["training_f1"] = cv.training_f1
    result |= _over_seeds(cv, keep)
    result |= _against_guess(cv, keep, permutations, rng)
    tuned = cv.probabilities[0][keep] >= cv.thresholds[cv.fold[keep]]
    tuned = {m: float(v[0]) for m, v in macro(Y, tuned, cv.score[keep], one).items()}
    result["tuned"] = dict.fromkeys(METRICS, float("nan")) if np.isnan(cv.thresholds).any() else tuned
    result |= {"films": int(keep.sum()), "left_out": cv.left_out, "skipped": skipped}
    result["undefined"] = [g for g, y in zip(cv.genres, Y.T, strict=True) if not y.any() or y.all()]
    return result


def summary(cvs: Mapping[str, CrossValidation], **options) -> pd.DataFrame:
    """Table 4: one row per cross-validation, by name; `options` are those of `evaluate`.

    Columns: name, model, the four metrics with `_low` and `_high`, training_f1, f1_seed_sd, f1_tuned, gain, p_paper,
    p_chance, films.
    """
    rows = []
    for name, cv in cvs.items():
        scores = evaluate(cv, **options)
        plain = {k: v for k, v in scores.items() if isinstance(v, (int, float))}
        rows.append({"name": name, "model": cv.title, **plain, "f1_tuned": scores["tuned"]["f1"]})
    return pd.DataFrame(rows)


def paper_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Of `summary` with features and name, the paper's rows: of several base classifiers or sizes the one of best F1.

    >>> names = ["zero_rule", "simple_mi_knn", "simple_mi_svm", "average 64", "average 128"]
    >>> table = pd.DataFrame({"features": "mir", "name": names, "f1": [0.2, 0.4, 0.3, 0.5, 0.6]})
    >>> paper_rows(table)["name"].tolist()
    ['zero_rule', 'simple_mi_knn', 'average 128']
    """
    kind = table["name"].str.replace(r"_(knn|svm|forest)(_sampled)?$|\s\d+$", "", regex=True)
    best = table["f1"].groupby([table["features"], kind]).idxmax()
    return table.loc[np.sort(best.to_numpy())].reset_index(drop=True)


def per_film_cue_scores(cv: CrossValidation, *, threshold: float = 0.5) -> pd.DataFrame:
    """S3: the held-out model's labels of each cue against the film's labels, micro-averaged over cues and genres.

    Columns: film_id, cues, tp, fp, fn, precision, recall; precision is NaN where no cue got a label, recall where the
    film has none. Films left out have no row. ValueError for a model without instance probabilities.
    """
    if cv.instance_probability is None:
        raise ValueError(f"{cv.title} has no probabilities of cues; cross-validate a BagClassifier")
    sizes = np.diff(cv.offsets)
    film = np.repeat(np.arange(len(sizes)), sizes)
    predicted = cv.instance_probability >= threshold
    actual = cv.labels[film]
    counts = {"tp": predicted & actual, "fp": predicted & ~actual, "fn": ~predicted & actual}
    table = pd.DataFrame({"film_id": cv.film_ids, "cues": sizes})
    for name, hits in counts.items():
        table[name] = np.bincount(film, weights=hits.sum(1), minlength=len(sizes)).astype(int)
    for name, other in (("precision", "fp"), ("recall", "fn")):
        total = table["tp"] + table[other]
        table[name] = (table["tp"] / total.where(total > 0)).astype(float)
    return table[cv.fold >= 0].reset_index(drop=True)


def curves(cv: CrossValidation) -> pd.DataFrame:
    """S2: precision and recall of each genre at every score, from the highest threshold down.

    `films` have the genre; genres without positives have no rows.
    """
    keep = cv.fold >= 0
    parts = []
    for name, y, s in zip(cv.genres, cv.labels[keep].T, cv.score[keep].T, strict=True):
        if not y.any():
            continue
        precision, recall, threshold = precision_recall_curve(y, s)
        steps = {"threshold": threshold[::-1], "recall": recall[-2::-1], "precision": precision[-2::-1]}
        parts.append(pd.DataFrame({"genre": name, "films": int(y.sum())} | steps))
    none = pd.DataFrame(columns=["genre", "films", "threshold", "recall", "precision"])
    return pd.concat(parts, ignore_index=True) if parts else none


def _over_seeds(cv: CrossValidation, keep: np.ndarray) -> dict[str, float]:
    one = np.ones((1, keep.sum()))
    each = [macro(cv.labels[keep], p[keep] >= 0.5, p[keep], one) for p in cv.probabilities]
    out: dict[str, float] = {"seeds": len(each)}
    for metric in ("f1", "map"):
        values = [float(e[metric][0]) for e in each]
        out[f"{metric}_single"] = float(np.mean(values))
        out[f"{metric}_seed_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return out


def _against_guess(cv: CrossValidation, keep: np.ndarray, permutations: int, rng: np.random.Generator) -> dict:
    """Average precision against chance; NaN for the random guess itself and for too few films."""
    found = dict.fromkeys(("gain", "p_paper", "p_chance"), float("nan"))
    if cv.draws:
        return found
    Y, score = cv.labels[keep], cv.score[keep]
    ap = average_precision(Y, score, np.ones((1, len(Y))))[0]
    gain = ap - average_precision(Y, rng.random((1000, *Y.shape)), np.ones((1000, len(Y)))).mean(0)
    gain = gain[~np.isnan(gain)]
    if len(gain):
        found["gain"] = float(gain.mean())
    if enough(len(Y)):
        order = np.argsort(rng.random((permutations, len(Y))), axis=1)
        found["p_paper"] = _paired_t(gain)
        found["p_chance"] = p_above(_permuted_map(Y, score, order), np.nanmean(ap) if Y.any() else 0.0)
    return found


def _permuted_map(Y: np.ndarray, score: np.ndarray, order: np.ndarray) -> np.ndarray:
    """mAP when film i carries the labels of film order[r, i]; (R,)."""
    total = np.zeros(len(order))
    learnable = np.flatnonzero(Y.any(0))
    rank = np.arange(1, len(Y) + 1)
    for k in learnable:
        by_score = np.argsort(-score[:, k], kind="stable")
        ranked = score[by_score, k]
        end = np.searchsorted(-ranked, -ranked, side="right") - 1  # films of one score share the precision
        y = Y[:, k][order[:, by_score]]
        total += (y * (np.cumsum(y, 1) / rank)[:, end]).sum(1) / y[0].sum()
    return total / max(len(learnable), 1)


def _paired_t(differences: np.ndarray) -> float:
    """One-sided p of a paired t-test; NaN for fewer than two differences or differences that do not vary."""
    if len(differences) < 2 or np.ptp(differences) < 1e-12:
        return float("nan")
    return float(stats.ttest_1samp(differences, 0.0, alternative="greater").pvalue)
