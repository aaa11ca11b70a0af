"""Permutation importance of feature groups over the films held out (Ma et al. 2021, eq. 3 and Fig 3).

The importance of a group is F1 as it is minus F1 with the group's values permuted, over all held-out
predictions; *Overall* is the drop of macro-F1. Raw values are permuted, before each fold's model imputes and
scales them. There are two ways to permute:

``cues``
    Every column is permuted over the cues of all films, as the paper is read here. That also destroys the
    variance *between* films, so a feature that only clusters by film, and says nothing of genre, comes out
    negative: without its noise the model predicts better.
``films``
    Film i receives the columns of another film's cues, rows together. What varies between films stays, only its
    tie to the film's genres is cut; this is the one to interpret.

Three intervals stand side by side because they answer different questions: the confidence interval of the mean
over runs (how well 100 shuffles settle it), the percentiles of the runs (how much one shuffle varies), and the
bootstrap over films (what other films would have given). Where a film takes its values from one other film, the
bootstrap resamples the giver as well; under ``cues`` it holds the pool of values fixed. The fitted models are not
retrained in any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from filmlens.findings.feature_groups import columns_of, validated
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.metrics import f1, given_f1
from filmlens.stats.permutation import SCHEMES, givers_of

Predict = Callable[[list[np.ndarray]], np.ndarray]


@dataclass(frozen=True, eq=False)
class ImportanceRuns:
    """Every run behind a table of importances; genres' axis ends with Overall.

    Attributes
    ----------
    genres, groups : list of str
    baseline : (genres + 1,) array
        F1 without permutation, macro-F1 last.
    runs : (groups, repeats, genres + 1) array
        Drop of F1 in each run.
    films : (groups, n_boot, genres + 1) array
        Mean drop in each bootstrap sample of films; NaN where a sample has no positive film.
    spread : (groups, n_boot, genres + 1) array
        Standard deviation over runs in each bootstrap sample.
    positives : (genres,) array
        Films of each genre among those scored.
    left_out : tuple of int
        Positions of films without cues.
    scheme : str
    """

    genres: list[str]
    groups: list[str]
    baseline: np.ndarray
    runs: np.ndarray
    films: np.ndarray
    spread: np.ndarray
    positives: np.ndarray
    left_out: tuple[int, ...]
    scheme: str

    def table(self) -> pd.DataFrame:
        """One row per genre (Overall last) and group; see :func:`group_importance`."""
        n = self.runs.shape[1]
        rows = []
        for k, genre in enumerate([*self.genres, "Overall"]):
            for g, group in enumerate(self.groups):
                drops = self.runs[g, :, k]
                mean = drops.mean()
                half = stats.t.ppf(0.975, n - 1) * drops.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
                row = [genre, group, mean, mean - half, mean + half, *np.quantile(drops, [0.025, 0.975])]
                rows.append([*row, *interval(self.films[g, :, k])])
        table = pd.DataFrame(
            rows,
            columns=[
                *("genre", "group", "importance", "mean_low", "mean_high"),
                *("run_low", "run_high", "film_low", "film_high"),
            ],
        )
        table.attrs = {
            "scheme": self.scheme,
            "n_repeats": n,
            "n_boot": self.films.shape[1],
            "positives": {g: int(c) for g, c in zip(self.genres, self.positives, strict=True)},
            "skipped draws": int(np.isnan(self.films[0, :, -1]).sum()),
            "left out": list(self.left_out),
            "F1": {g: float(v) for g, v in zip([*self.genres, "Overall"], self.baseline, strict=True)},
        }
        return table


def permutation_runs(
    predict: Predict,
    bags: Sequence[np.ndarray],
    Y: np.ndarray | pd.DataFrame,
    groups: Mapping[str, Sequence[int]],
    *,
    n_repeats: int = 100,
    scheme: str | Callable = "cues",
    columns: str | None = None,
    seed: int = 0,
    genres: Sequence[str] | None = None,
    threshold: float = 0.5,
    n_boot: int = 1000,
) -> ImportanceRuns:
    """All runs of :func:`group_importance`, for those who need more than its table. Same parameters."""
    bags, Y, genres = validated(bags, Y, genres)
    predict = getattr(predict, "predict_proba", predict)
    rows_of, together = SCHEMES.get(scheme, (scheme, "independent")) if isinstance(scheme, str) else (scheme, "joint")
    if not callable(rows_of):
        raise ValueError(f"scheme {scheme!r} is not one of {sorted(SCHEMES)} or a function")
    columns = columns or together
    if columns not in ("independent", "joint"):
        raise ValueError(f"columns {columns!r} is not 'independent' or 'joint'")
    lengths = np.array([len(b) for b in bags])
    flat = np.concatenate(bags)
    ends = np.cumsum(lengths)
    groups = {name: columns_of(name, index, flat.shape[1]) for name, index in groups.items()}
    scored = lengths > 0

    def positive(values: np.ndarray) -> np.ndarray:
        split = [values[end - n : end] for end, n in zip(ends, lengths, strict=True)]
        probability = np.asarray(predict(split))
        if probability.shape != Y.shape:
            raise ValueError(f"predict gave shape {probability.shape} for labels of shape {Y.shape}")
        return probability[scored] >= threshold

    truth = Y[scored]
    rng = np.random.default_rng(seed)
    weights = film_weights(rng, len(truth), n_boot)
    plain = positive(flat.copy())
    baseline = f1(truth, plain)
    entropy = rng.integers(2**63)
    runs, films, spread = [], [], []
    for index in groups.values():
        # Each group starts the same stream: its runs do not depend on which other groups are asked for.
        stream = np.random.default_rng(entropy)
        hits = np.empty((n_repeats, *truth.shape), dtype=bool)
        givers = np.empty((n_repeats, len(truth)), dtype=np.intp)
        for r in range(n_repeats):
            rows = rows_of(stream, lengths, 1 if columns == "joint" else index.size)
            values = flat.copy()
            values[:, index] = flat[rows, index]
            hits[r] = positive(values)
            givers[r] = givers_of(rows, lengths)
        runs.append(baseline - f1(truth, hits))
        drops = f1(truth, plain, weights)[None] - f1(truth, hits, weights)
        films.append(drops.mean(axis=0))
        if (givers >= 0).all():
            # Other films would also have given other values: drop after drop, weigh a film by its giver too, about
            # the same estimate.
            both = [given_f1(truth, h, givers, np.vstack([np.ones(len(truth)), weights])) for h in (plain[None], hits)]
            pooled = both[0] - both[1]
            films[-1] = runs[-1].mean(axis=0) + pooled[1:] - pooled[0]
        spread.append(drops.std(axis=0, ddof=1) if n_repeats > 1 else np.full(drops.shape[1:], np.nan))
    return ImportanceRuns(
        genres=genres,
        groups=list(groups),
        baseline=baseline,
        runs=np.stack(runs),
        films=np.stack(films),
        spread=np.stack(spread),
        positives=truth.sum(axis=0),
        left_out=tuple(int(i) for i in np.flatnonzero(~scored)),
        scheme=scheme if isinstance(scheme, str) else getattr(scheme, "__name__", "own"),
    )


def group_importance(
    predict: Predict,
    bags: Sequence[np.ndarray],
    Y: np.ndarray | pd.DataFrame,
    groups: Mapping[str, Sequence[int]],
    *,
    n_repeats: int = 100,
    scheme: str | Callable = "cues",
    columns: str | None = None,
    seed: int = 0,
    genres: Sequence[str] | None = None,
    threshold: float = 0.5,
    n_boot: int = 1000,
) -> pd.DataFrame:
    """Drop of F1 when a group's values are permuted, per genre and overall (Ma et al. 2021, eq. 3, Fig 3).

    Parameters
    ----------
    predict : callable or estimator
        Maps the list of all bags, in film order, to held-out probabilities (films, genres). An object with
        ``predict_proba(bags)`` serves as well; for flat ones see :func:`~filmlens.findings.simple_mi`.
    bags : list of (n_i, D) arrays
        One per film; NaN values travel with their rows. Films with no rows are passed on but not scored.
    Y : (films, genres) bool array or DataFrame
    groups : mapping of name to column indices
        See :func:`~filmlens.findings.single_features` for one group per column.
    n_repeats : int
        Runs per group.
    scheme : {"cues", "films"} or callable
        See the module. A callable ``(rng, lengths, width) -> (cues, width)`` row indices is a scheme of its own.
    columns : {"independent", "joint"}, optional
        Whether the group's columns are permuted each on its own or rows together. The default is what the scheme
        means: independent for ``cues`` (as the paper), joint for ``films``.
    seed : int
    genres : list of str, optional
        Names of Y's columns; taken from a DataFrame, else the paper's six.
    threshold : float
        A film is positive where the probability is at least this.
    n_boot : int
        Bootstrap samples of films. Samples without a positive film of a genre are skipped for it and for Overall.

    Returns
    -------
    DataFrame
        genre, group, importance, mean_low, mean_high (95 % confidence of the mean over runs, Student's t),
        run_low, run_high (2.5 and 97.5 percentiles of the runs), film_low, film_high (95 % bootstrap over films).
        ``attrs`` holds scheme, baseline F1, positive films per genre, skipped draws and films left out.

    Raises
    ------
    ValueError
        On shapes that do not agree, a column that does not exist, or an unknown scheme.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bags = [rng.normal(size=(10, 2)) + [[i % 2, 0]] for i in range(40)]
    >>> Y = np.array([[i % 2 == 1] for i in range(40)])
    >>> predict = lambda bags: np.array([[b[:, 0].mean()] for b in bags])
    >>> table = group_importance(predict, bags, Y, {"used": [0], "unused": [1]}, scheme="films", genres=["Horror"])
    >>> table.loc[table.genre == "Horror", ["group", "importance"]].round(1).values.tolist()
    [['used', 0.4], ['unused', 0.0]]
    """
    return permutation_runs(
        predict,
        bags,
        Y,
        groups,
        n_repeats=n_repeats,
        scheme=scheme,
        columns=columns,
        seed=seed,
        genres=genres,
        threshold=threshold,
        n_boot=n_boot,
    ).table()
