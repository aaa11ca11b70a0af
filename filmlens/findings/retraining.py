"""Importance beyond one fitted model: flat estimators, and training again without a group, with it alone or emptied.

Whether a group matters at all: an interval over films is about one fitted model, and a model that leans on noise has
cells above 0 without any truth in them. So a group's rows are exchanged between films before anything is learnt, in
training and in test, all else left as it is; the model is trained again and its importance of the group measured in the
same way. The largest of all cells in each draw is what chance can do (Westfall and Young 1993: maxT), each cell on the
scale of its own spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from filmlens.findings.feature_groups import columns_of, validated
from filmlens.findings.importance import Predict, permutation_runs
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough, few
from filmlens.stats.metrics import above_chance, average_precision, chance_precision
from filmlens.stats.permutation import film_rows


def single_features(names: Sequence[str]) -> dict[str, list[int]]:
    """One group per column, for importance feature by feature.

    >>> single_features(["rms_mean", "rms_std"])
    {'rms_mean': [0], 'rms_std': [1]}
    """
    return {name: [i] for i, name in enumerate(names)}


def simple_mi(estimator) -> Callable[[list[np.ndarray]], np.ndarray]:
    """A fitted flat estimator as `predict` of :func:`~filmlens.findings.group_importance`, on films' mean cues.

    Works for any ``predict_proba`` that gives (films, genres), (films, 2), or scikit-learn's list of (films, 2), one
    per genre. Cues' NaN values are left out of the mean; a film without any value of a column has 0 there.
    """

    def predict(bags: list[np.ndarray]) -> np.ndarray:
        known = [np.isfinite(b) for b in bags]
        sums = [np.where(k, b, 0).sum(axis=0) / np.maximum(k.sum(axis=0), 1) for b, k in zip(bags, known, strict=True)]
        out = estimator.predict_proba(np.stack(sums))
        if isinstance(out, list):
            return np.column_stack([p[:, -1] for p in out])
        return out[:, 1:] if getattr(estimator, "classes_", np.empty(0)).ndim == 1 and out.shape[1] == 2 else out

    return predict


def retrained_importance(
    fit_predict: Callable[[list[np.ndarray], np.ndarray], np.ndarray],
    bags: Sequence[np.ndarray],
    Y: np.ndarray | pd.DataFrame,
    groups: Mapping[str, Sequence[int]],
    *,
    genres: Sequence[str] | None = None,
    n_boot: int = 1000,
) -> pd.DataFrame:
    """The check on permutation: train again without each group, and with only that group.

    Shuffling 28 correlated columns against 2 is no fair contest; a group that others can replace costs nothing when it
    is left out, however much the fitted model leans on it. That is the measure of redundancy.

    ``fit_predict(bags, Y)`` is the whole cross-validation and gives held-out probabilities (films, genres); all else is
    as in :func:`~filmlens.findings.group_importance`. Columns: genre (Overall last), group, full, without, only
    (average precision above chance), drop (full - without), drop_low, drop_high (95 % bootstrap over films of the
    paired difference; NaN without ten films on both sides).
    """
    bags, Y, genres = validated(bags, Y, genres)
    scored = np.array([len(b) > 0 for b in bags])
    truth = Y[scored]
    both = np.vstack([np.ones(len(truth)), film_weights(np.random.default_rng(0), len(truth), n_boot)])
    every = np.arange(bags[0].shape[1])
    chance = chance_precision(truth)
    counts = [(int(n), int(len(truth) - n)) for n in truth.sum(axis=0)] + [(len(truth),)]

    def scores(index: np.ndarray) -> np.ndarray:
        values = np.asarray(fit_predict([b[:, index] for b in bags], Y))[scored].astype(float)
        return above_chance(average_precision(truth, values, both), chance)

    groups = {name: columns_of(name, index, every.size) for name, index in groups.items()}
    full = scores(every)
    parts = {name: (scores(np.setdiff1d(every, index)), scores(index)) for name, index in groups.items()}
    rows = []
    for k, genre in enumerate([*genres, "Overall"]):
        for name, (without, only) in parts.items():
            drops = full[:, k] - without[:, k]
            limits = interval(drops[1:]) if enough(*counts[k]) else (np.nan, np.nan)
            rows.append([genre, name, full[0, k], without[0, k], only[0, k], drops[0], *limits])
    return pd.DataFrame(rows, columns=["genre", "group", "full", "without", "only", "drop", "drop_low", "drop_high"])


def group_p(
    fit: Callable[[list[np.ndarray], np.ndarray], Predict],
    bags: Sequence[np.ndarray],
    Y: np.ndarray | pd.DataFrame,
    groups: Mapping[str, Sequence[int]],
    *,
    genres: Sequence[str] | None = None,
    draws: int = 39,
    n_repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    """One-sided p of every genre and group, corrected over all of them.

    ``fit(bags, Y)`` is the whole cross-validation and gives `predict`; all else is as in `group_importance`. Each group
    is trained `draws` times; `n_repeats` runs of the permutation stand behind each importance. Columns: genre, group,
    importance (drop of average precision above chance, whole rows of other films), null_mean, null_sd, p, note. Without
    ten films on both sides there is no p, and the cell is no part of the family.
    """
    bags, Y, genres = validated(bags, Y, genres)
    lengths = np.array([len(b) for b in bags])
    ends, flat = np.cumsum(lengths), np.concatenate(bags)
    rng = np.random.default_rng(seed)

    def importance(own: list[np.ndarray], some: Mapping[str, Sequence[int]]) -> np.ndarray:
        given = permutation_runs(
            fit(own, Y), own, Y, some, scheme="films", n_repeats=n_repeats, n_boot=2, genres=genres, seed=seed
        )
        return given.drops[given.measure].runs.mean(axis=1)[:, :-1]

    observed = importance(bags, groups)
    null = np.empty((draws, *observed.shape))
    for g, (name, index) in enumerate(groups.items()):
        index = columns_of(name, index, flat.shape[1])
        for draw in range(draws):
            values = flat.copy()
            values[:, index] = flat[film_rows(rng, lengths, 1), index]
            own = [values[end - n : end] for end, n in zip(ends, lengths, strict=True)]
            null[draw, g] = importance(own, {name: index})[0]
    counts = [(int(n), int((lengths > 0).sum() - n)) for n in Y[lengths > 0].sum(axis=0)]
    tested = np.array([enough(*n) for n in counts])
    mean, sd = null.mean(axis=0), null.std(axis=0, ddof=1)
    # What was observed is one of the draws where nothing is there to find: a scale without it makes it look extreme.
    every = np.concatenate([observed[None], null])
    centre, scale = every.mean(axis=0), every.std(axis=0, ddof=1)
    scale = np.where(scale > 0, scale, 1)
    largest = ((null - centre) / scale)[..., tested].max(axis=(1, 2)) if tested.any() else np.array([])
    rows = []
    for k, genre in enumerate(genres):
        for g, name in enumerate(groups):
            z = (observed[g, k] - centre[g, k]) / scale[g, k]
            p = (1 + np.sum(largest >= z - 1e-12)) / (draws + 1) if tested[k] else np.nan
            note = "" if tested[k] else few(*counts[k])
            rows.append([genre, name, observed[g, k], mean[g, k], sd[g, k], p, note])
    return pd.DataFrame(rows, columns=["genre", "group", "importance", "null_mean", "null_sd", "p", "note"])
