"""Conditional importance of a feature group: its values are permuted given the other groups.

A group that others repeat is important to a model that leans on it, and would not be missed. So of its values the part
that the other columns foretell stays with its cue, and only what is left goes to another film (Fisher, Rudin and
Dominici 2019, conditional model reliance). What is foretold is a ridge regression on the other columns, fitted on other
films; where it explains nearly everything, nothing is left to exchange and the groups cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from filmlens.findings.feature_groups import columns_of, validated
from filmlens.findings.importance import Predict, permutation_runs
from filmlens.findings.units import mean_of_known

#: Above this share of variance a group is not separable from the others.
NOT_SEPARABLE = 0.9


def foretold(bags: Sequence[np.ndarray], index: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, float]:
    """A group's values predicted from the other columns, (cues, len(index)), and the variance explained in ten folds of
    films.

    That is 1 - residual over total sum of squares of the standardised columns; NaN without a column that varies. A
    value that is missing in the other columns is taken as their mean.
    """
    lengths = np.array([len(b) for b in bags])
    flat = np.concatenate(bags).astype(float)
    own, rest = flat[:, index], np.delete(flat, index, axis=1)
    order = np.random.default_rng(seed).permutation(np.flatnonzero(lengths))
    dealt = np.full(len(bags), -1)
    dealt[order] = np.arange(order.size) % min(10, order.size)
    fold = np.repeat(dealt, lengths)
    known = np.isfinite(own)
    patterns = np.unique(known, axis=1, return_inverse=True)[1].ravel()  # columns that are known in the same cues
    expected, residual, total = np.zeros(own.shape), 0.0, 0.0
    for held in range(dealt.max() + 1):
        here, there = fold == held, fold != held
        X = np.where(np.isfinite(rest), rest, np.nan_to_num(mean_of_known(rest[there])))
        centre = np.nan_to_num(mean_of_known(own[there]))
        scale = np.sqrt(np.nan_to_num(mean_of_known((own[there] - centre) ** 2)))
        expected[here] = centre
        for pattern in range(patterns.max() + 1):
            some = np.flatnonzero((patterns == pattern) & (scale > 0))
            if not some.size or not X.shape[1]:
                continue
            rows = there & known[:, some[0]]
            ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 4, 11), alpha_per_target=True))
            ridge.fit(X[rows], (own[np.ix_(rows, some)] - centre[some]) / scale[some])
            expected[np.ix_(here, some)] += scale[some] * ridge.predict(X[here]).reshape(here.sum(), some.size)
            test = here & known[:, some[0]]
            scaled = (own[np.ix_(test, some)] - centre[some]) / scale[some]
            residual += np.sum((scaled - (expected[np.ix_(test, some)] - centre[some]) / scale[some]) ** 2)
            total += np.sum(scaled**2)
    return expected, 1 - residual / total if total else np.nan


def conditional_importance(
    predict: Predict,
    bags: Sequence[np.ndarray],
    Y: np.ndarray | pd.DataFrame,
    groups: Mapping[str, Sequence[int]],
    *,
    n_repeats: int = 100,
    seed: int = 0,
    genres: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Loss when the part of each group that the others do not predict is taken from another film.

    Parameters and table as of :func:`~filmlens.findings.group_importance` with films as the unit, for the measure that
    is interpreted, and explained: the share of the group's variance that the other columns foretell in films they were
    not fitted on. Above .9 the intervals are empty and the note says "not separable".
    """
    bags, Y, genres = validated(bags, Y, genres)
    width = bags[0].shape[1]
    parts = {name: foretold(bags, columns_of(name, index, width), seed=seed) for name, index in groups.items()}
    kept = {name: expected for name, (expected, _) in parts.items()}
    runs = permutation_runs(
        predict, bags, Y, groups, n_repeats=n_repeats, scheme="films", kept=kept, seed=seed, genres=genres
    )
    table = runs.table().query("measure != 'F1'").reset_index(drop=True)
    table["explained"] = table["group"].map({name: explained for name, (_, explained) in parts.items()})
    alike = table["explained"] > NOT_SEPARABLE
    table.loc[alike, [c for c in table.columns if c.endswith(("_low", "_high"))]] = np.nan
    table.loc[alike, "note"] = "not separable"
    return table
