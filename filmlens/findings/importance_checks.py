"""Checks on permutation importance: given the other groups, without a group or with it alone, and against chance.

A group that others repeat is important to a model that leans on it, and would not be missed. *Conditional* importance
leaves the part of its values that the other columns foretell with its cue, and only what is left goes to another film
(Fisher, Rudin and Dominici 2019, conditional model reliance). What is foretold is a ridge regression on the other
columns, fitted on other films; where it explains nearly everything, the groups cannot be told apart.

Whether a group matters at all: an interval over films is about one fitted model, and a model that leans on noise has
cells above 0 without any truth in them. So a group's rows are exchanged between films before anything is learnt, in
training and in test, all else left as it is; the model is trained again and its importance of the group measured in the
same way. The largest of all cells in each draw is what chance can do (Westfall and Young 1993: maxT), each cell on the
scale of its own spread.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from filmlens.findings.importance import Predict, columns_of, group_importance, sides_of, validated
from filmlens.findings.units import mean_of_known
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough, few
from filmlens.stats.metrics import above_chance, average_precision, chance_precision
from filmlens.stats.permutation import film_rows

#: Above this share of variance a group is not separable from the others.
NOT_SEPARABLE = 0.9


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
    runs = group_importance(
        predict, bags, Y, groups, n_repeats=n_repeats, scheme="films", kept=kept, seed=seed, genres=genres
    )
    table = runs.table().query("measure != 'F1'").reset_index(drop=True)
    table["explained"] = table["group"].map({name: explained for name, (_, explained) in parts.items()})
    alike = table["explained"] > NOT_SEPARABLE
    table.loc[alike, [c for c in table.columns if c.endswith(("_low", "_high"))]] = np.nan
    table.loc[alike, "note"] = "not separable"
    return table


def retrained_importance(
    fit_predict: Callable[[list[np.ndarray], np.ndarray], np.ndarray],
    bags: Sequence[np.ndarray],
    Y: np.ndarray | pd.DataFrame,
    groups: Mapping[str, Sequence[int]],
    *,
    genres: Sequence[str] | None = None,
    n_boot: int = 1000,
) -> pd.DataFrame:
    """The measure of redundancy: train again without each group, and with only that group.

    A group that others can replace costs nothing when it is left out, however much the fitted model leans on it.
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

    def scores(index: np.ndarray) -> np.ndarray:
        values = np.asarray(fit_predict([b[:, index] for b in bags], Y))[scored].astype(float)
        return above_chance(average_precision(truth, values, both), chance)

    groups = {name: columns_of(name, index, every.size) for name, index in groups.items()}
    full = scores(every)
    parts = {name: (scores(np.setdiff1d(every, index)), scores(index)) for name, index in groups.items()}
    rows = []
    for k, (genre, sides) in enumerate(zip([*genres, "Overall"], sides_of(truth.sum(axis=0), len(truth)), strict=True)):
        for name, (without, only) in parts.items():
            drops = full[:, k] - without[:, k]
            limits = interval(drops[1:]) if enough(*sides) else (np.nan, np.nan)
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

    ``fit(bags, Y)`` is the whole cross-validation and gives `predict`; each group is trained `draws` times, with
    `n_repeats` runs of the permutation behind each importance. Columns: genre, group, importance (drop of average
    precision above chance, whole rows of other films), null_mean, null_sd, p, note. Without ten films on both sides
    there is no p, and the cell is no part of the family.
    """
    bags, Y, genres = validated(bags, Y, genres)
    lengths = np.array([len(b) for b in bags])
    ends, flat = np.cumsum(lengths)[:-1], np.concatenate(bags)
    rng = np.random.default_rng(seed)

    def importance(own: list[np.ndarray], some: Mapping[str, Sequence[int]]) -> np.ndarray:
        given = group_importance(
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
            null[draw, g] = importance(np.split(values, ends), {name: index})[0]
    scored = lengths > 0
    counts = sides_of(Y[scored].sum(axis=0), scored.sum())[:-1]
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
