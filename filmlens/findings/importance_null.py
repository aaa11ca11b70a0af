"""Whether a feature group matters: its importance against that of the same group with its information removed.

An interval over films is about one fitted model, and a model that leans on noise has cells above 0 without any truth in
them. So here the group's rows are exchanged between films before anything is learnt, in training and in test, all else
left as it is; the model is trained again and its importance of the group measured in the same way. The largest of all
cells in each draw is what chance can do (Westfall and Young 1993: maxT), each cell on the scale of its own spread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from filmlens.findings.feature_groups import columns_of, validated
from filmlens.findings.importance import Predict, permutation_runs
from filmlens.stats.enough import enough, few
from filmlens.stats.permutation import film_rows


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
