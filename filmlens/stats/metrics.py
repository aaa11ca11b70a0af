"""Multi-label metrics, for one sample of films or many resamples at once (Table 4).

Precision, recall and F1 are counted per genre; whatever would divide by zero is 0. Average precision is
sum_e (R_e - R_(e-1)) P_e over the distinct scores e, as scikit-learn's; it is NaN for a genre without positives.
Macro values are means over genres, of average precision over the genres that have positives.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

#: The four numbers of Table 4.
METRICS = ("precision", "recall", "f1", "map")


def validate(Y: np.ndarray, P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as bool and scores as float, both (n_films, n_genres).

    ValueError on shapes that differ, no film, labels other than 0 and 1, scores that are NaN.
    """
    Y, P = np.asarray(Y), np.asarray(P, dtype=float)
    if Y.ndim != 2 or Y.shape != P.shape:
        raise ValueError(f"labels {Y.shape} and scores {P.shape} must be (films, genres), the same for both")
    if not len(Y):
        raise ValueError("no films to score")
    if not np.isin(Y, (0, 1)).all():
        raise ValueError("labels must be 0 and 1 (or bool)")
    if np.isnan(P).any():
        raise ValueError("a score is NaN; leave films without instances out before scoring")
    return Y.astype(bool), P


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, 0 where b is 0."""
    a, b = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    return np.divide(a, b, out=np.zeros(a.shape), where=b != 0)


def precision_recall_f1(
    Y: np.ndarray, predicted: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 per genre under weights of films, each (R, K).

    `Y` (n, K) and `predicted` are bool; `predicted` is (n, K), one for all samples, or (R, n, K), one for each.
    `weights` (R, n) say how often each film stands in each sample.
    """
    weights = np.asarray(weights, dtype=float)

    def total(what: np.ndarray) -> np.ndarray:
        what = what.astype(float)
        return weights @ what if what.ndim == 2 else np.einsum("rn,rnk->rk", weights, what)

    hits, given, true = total(Y & predicted), total(predicted), total(Y)
    return divide(hits, given), divide(hits, true), divide(2 * hits, given + true)


def average_precision(Y: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision per genre under weights of films, (R, K): NaN where a sample holds no positive film.

    Parameters as in `precision_recall_f1`.
    """
    weights = np.asarray(weights, dtype=float)
    out = np.full((len(weights), Y.shape[1]), np.nan)
    last = Y.shape[0] - 1
    for k in range(Y.shape[1]):
        if score.ndim == 2:
            out[:, k] = _precision_of_one_ranking(Y[:, k].astype(bool), score[:, k], weights)
            continue
        s = score[..., k]
        order = np.argsort(-s, axis=1, kind="stable")
        ranked = np.take_along_axis(s, order, 1)
        # films of one score share the precision at the last of them
        end = np.where(np.diff(ranked, axis=1) != 0, np.arange(last), last)
        end = np.concatenate([end, np.full((len(s), 1), last)], 1)
        end = np.minimum.accumulate(end[:, ::-1], 1)[:, ::-1]
        w = np.take_along_axis(weights, order, 1)
        hits = w * Y[:, k][order]
        reached = np.cumsum(hits, 1)
        precision = np.take_along_axis(divide(reached, np.cumsum(w, 1)), end, 1)
        total = reached[:, -1]
        some = total > 0
        out[some, k] = (hits * precision).sum(1)[some] / total[some]
    return out


def _precision_of_one_ranking(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision (R,) of one score (n,) under many weights: the films above each positive one by a product."""
    above = (score[:, None] >= score[positive]).astype(float)  # films of one score share the precision
    own = weights[:, positive]
    precision = divide(own @ above[positive], weights @ above)
    total = own.sum(1)
    return np.where(total > 0, divide((own * precision).sum(1), total), np.nan)


def macro(Y: np.ndarray, predicted: np.ndarray, score: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """`METRICS` of every sample, (R,) each; parameters as in `precision_recall_f1`."""
    precision, recall, f1 = precision_recall_f1(Y, predicted, weights)
    ap = average_precision(Y, score, weights)
    with_positives = ~np.isnan(ap)
    mean_ap = divide(np.where(with_positives, ap, 0).sum(1), with_positives.sum(1))
    return {"precision": precision.mean(1), "recall": recall.mean(1), "f1": f1.mean(1), "map": mean_ap}


def macro_f1(Y: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over genres of F1 of labels and predictions (n, K).

    >>> macro_f1(np.array([[1, 0], [1, 1]]) == 1, np.array([[1, 0], [0, 0]]) == 1)
    0.3333333333333333
    """
    return float(precision_recall_f1(Y, predicted, np.ones((1, len(Y))))[2].mean())


def per_genre(
    Y: np.ndarray,
    P: np.ndarray,
    *,
    threshold: float | np.ndarray = 0.5,
    score: np.ndarray | None = None,
    genres: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Precision, recall, F1 and average precision of each genre; positives (films that carry it), predicted (given it).

    `Y` (0 and 1) and `P` are (n_films, n_genres); a genre is predicted where `P` is at least `threshold` (a number, or
    an array that broadcasts to P). `score` is what average precision ranks by, when it is not P.

    >>> per_genre([[1], [1], [0]], [[0.9], [0.2], [0.6]]).round(2).to_dict("records")
    [{'genre': '0', 'precision': 0.5, 'recall': 0.5, 'f1': 0.5, 'ap': 0.83, 'positives': 2, 'predicted': 2}]
    """
    Y, P = validate(Y, P)
    predicted = P >= threshold
    one = np.ones((1, len(Y)))
    table = pd.DataFrame({"genre": list(genres) if genres is not None else list(map(str, range(Y.shape[1])))})
    table["precision"], table["recall"], table["f1"] = (a[0] for a in precision_recall_f1(Y, predicted, one))
    table["ap"] = average_precision(Y, P if score is None else validate(Y, score)[1], one)[0]
    return table.assign(positives=Y.sum(0), predicted=predicted.sum(0))


def best_thresholds(Y: np.ndarray, P: np.ndarray) -> np.ndarray:
    """The threshold of each genre that gives the highest F1; midway to the next lower score, .5 without positives.

    >>> best_thresholds(np.array([[1], [1], [0]]) == 1, np.array([[0.9], [0.3], [0.1]]))
    array([0.2])
    """
    out = np.full(Y.shape[1], 0.5)
    given = np.arange(1, len(Y) + 1)
    for k in np.flatnonzero(Y.any(0)):
        order = np.argsort(-P[:, k], kind="stable")
        s, hits = P[order, k], np.cumsum(Y[order, k])
        f1 = 2 * hits / (given + hits[-1])
        f1[:-1][s[1:] == s[:-1]] = -1
        best = int(np.argmax(f1))
        out[k] = (s[best] + (s[best + 1] if best + 1 < len(s) else 0.0)) / 2
    return out


def f1(truth: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """F1 of every genre, and their mean (macro-F1) last; no positive and no prediction counts as 0.

    `truth` is (films, genres), `positive` (..., films, genres), both bool; the result is (..., genres + 1), or (...,
    draws, genres + 1) under `weights` (draws, films). A sample without positives of a genre gives NaN there, and in the
    mean; a genre without any positive film at all is 0 in every sample.

    >>> truth = np.array([[True, False], [True, True], [False, True]])
    >>> f1(truth, truth[::-1]).round(3).tolist()
    [0.5, 0.5, 0.5]
    """
    true = _count(truth, weights)
    score = divide(2 * _count(truth & positive, weights), true + _count(positive, weights))
    if weights is not None:
        score = np.where((true == 0) & truth.any(axis=0), np.nan, score)
    return _with_mean(score)


def precision(truth: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Precision of every genre, and their mean last; no prediction counts as 0. Parameters as :func:`f1`."""
    return _with_mean(divide(_count(truth & positive, weights), _count(positive, weights)))


def recall(truth: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Recall of every genre, and their mean last; no positive film counts as 0. Parameters as :func:`f1`."""
    return _with_mean(divide(_count(truth & positive, weights), _count(truth, weights)))


def _count(films: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """How many of (..., films, genres) are marked, or their weight in each sample."""
    return films.sum(axis=-2) if weights is None else weights @ films


def _with_mean(score: np.ndarray) -> np.ndarray:
    return np.concatenate([score, score.mean(axis=-1, keepdims=True)], axis=-1)


def chance_precision(truth: np.ndarray, draws: int = 1000) -> np.ndarray:
    """Average precision of random ranks, per genre: above the share of positives where those are few; (K,).

    >>> truth = np.arange(110)[:, None] < [11, 55]
    >>> chance_precision(truth).round(2).tolist()
    [0.13, 0.52]
    """
    ranks = np.random.default_rng(0).random((draws, *truth.shape))
    return average_precision(truth, ranks, np.ones((draws, len(truth)))).mean(axis=0)


def above_chance(ap: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """(AP - chance) / (1 - chance) of every genre, and their mean last: 0 for random ranks, 1 for perfect ones."""
    known = chance < 1  # neither without a positive film nor with nothing else
    score = np.where(known, (ap - chance) / np.where(known, 1 - chance, 1), np.nan)
    mean = score[..., known].mean(axis=-1, keepdims=True) if known.any() else np.full((*ap.shape[:-1], 1), np.nan)
    return np.concatenate([score, mean], axis=-1)


def area_under_curve(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of every genre, and their mean last; NaN without films on both sides; (K + 1,).

    >>> area_under_curve(np.array([[1], [0], [1]]) == 1, np.array([[0.9], [0.4], [0.4]])).tolist()
    [0.75, 0.75]
    """
    ranks = rankdata(score, axis=0)
    n = truth.sum(axis=0)
    pairs = n * (len(truth) - n)
    above = (ranks * truth).sum(axis=0) - n * (n + 1) / 2
    area = np.divide(above, pairs, out=np.full(len(n), np.nan), where=pairs > 0)
    return np.append(area, area[pairs > 0].mean() if (pairs > 0).any() else np.nan)
