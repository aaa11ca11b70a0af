"""Importance beyond the fitted neural models: flat estimators, and training again with only or without a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from filmlens.findings.feature_groups import columns_of, validated
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough
from filmlens.stats.metrics import above_chance, average_precision, chance_precision


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
