"""Permutation importance of feature groups over the films held out (Ma et al. 2021, eq. 3 and Fig 3).

The importance of a group is a score as it is minus the score with the group's values permuted, over all held-out
predictions; *Overall* is the drop of the mean over genres. Raw values are permuted, before each fold's model imputes
and scales them. There are two ways to permute:

``cues``
    Every column over the cues of all films, as the paper is read here. That also destroys the variance *between*
    films, so a feature that only clusters by film, and says nothing of genre, comes out negative: without its noise
    the model predicts better.
``films``
    Film i receives the columns of another film's cues, rows together. What varies between films stays, only its
    tie to the film's genres is cut; this is the one to interpret.

F1 at .5 is blind to rare genres: a model may rank all eight Horror films first and give none of them the label. So
what is interpreted is the drop of average precision above chance, (AP - chance) / (1 - chance), chance being that of
random ranks; the drop of the area under the ROC curve stands beside it, and the drop of F1 is the paper's.

Three intervals answer different questions: the confidence interval of the mean over runs (how well 100 shuffles settle
it), the percentiles of the runs (how much one shuffle varies), and the bootstrap over films (what other films would
have given). Where a film takes its values from one other film, the bootstrap resamples the giver as well; under
``cues`` it holds the pool of values fixed. No model is retrained: whether a group matters at all is asked by training
again (`importance_checks`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from filmlens.findings.units import mean_of_known
from filmlens.look import GENRES
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough, few
from filmlens.stats.metrics import above_chance, area_under_curve, average_precision, chance_precision, f1
from filmlens.stats.permutation import SCHEMES, givers_of

Predict = Callable[[list[np.ndarray]], np.ndarray]
#: What is interpreted, and what the paper measured.
AP, F1 = "AP above chance", "F1"


@dataclass(frozen=True, eq=False)
class Drops:
    """Loss of a measure; the last entry of the axis of genres is Overall.

    `baseline` (genres + 1,) is the measure without permutation, `runs` (groups, repeats, genres + 1) its drop in each
    run, `films` (groups, n_boot, genres + 1) the mean drop in each bootstrap sample of films; NaN where a sample has no
    positive film.
    """

    baseline: np.ndarray
    runs: np.ndarray
    films: np.ndarray


@dataclass(frozen=True, eq=False)
class ImportanceRuns:
    """Every run behind a table of importances; the last entry of an axis of genres is Overall.

    `area` (groups, genres + 1) is the mean drop of the area under the ROC curve, `spread` (groups, n_boot, genres + 1)
    the standard deviation over runs of the drop of F1 in each bootstrap sample, `starts` (starts, groups, genres + 1)
    the mean drop of `measure`, the one that is interpreted, of single starts, if there are several. `positives` counts
    each genre's films among the `scored` ones; `left_out` are positions of films without cues; `averaged` is how many
    starts the model that is judged is a mean of.
    """

    genres: list[str]
    groups: list[str]
    drops: dict[str, Drops]
    area: np.ndarray
    spread: np.ndarray
    positives: np.ndarray
    scored: int
    left_out: tuple[int, ...]
    scheme: str
    starts: np.ndarray
    averaged: int
    measure: str = AP

    def start_variance(self, genre: int, group: int, other: int | None = None) -> float:
        """What the starts add to the variance of a group's importance, or of how far it is ahead of another's."""
        if len(self.starts) < 2:
            return 0.0
        drop = self.starts[:, group, genre] - (0 if other is None else self.starts[:, other, genre])
        return float(drop.var(ddof=1) / self.averaged)

    @property
    def sides(self) -> list[tuple[int, ...]]:
        """Of each genre the films with and without it, of Overall all that are scored."""
        return sides_of(self.positives, self.scored)

    def table(self) -> pd.DataFrame:
        """One row per measure (`AP`, the one interpreted, then the paper's F1), genre (Overall last) and group.

        Columns: measure, genre, group, films, importance, mean_low, mean_high (95 % confidence of the mean over the
        runs, Student's t), run_low, run_high (2.5 and 97.5 percentiles of the runs), film_low, film_high (95 %
        bootstrap over films), auc_drop, note. Without ten films on both sides only importance and auc_drop are there.
        ``attrs`` holds scheme, baselines, positive films per genre, skipped draws and films left out.
        """
        genres, rows = [*self.genres, "Overall"], []
        for (measure, drops), (k, sides) in product(self.drops.items(), enumerate(self.sides)):
            for g, group in enumerate(self.groups):
                runs, n = drops.runs[g, :, k], drops.runs.shape[1]
                mean, note = runs.mean(), "" if enough(*sides) else few(*sides)
                half = stats.t.ppf(0.975, n - 1) * runs.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
                limits = [mean - half, mean + half, *np.quantile(runs, [0.025, 0.975]), *interval(drops.films[g, :, k])]
                limits = [np.nan] * len(limits) if note else limits
                rows.append([measure, genres[k], group, sides[0], mean, *limits, self.area[g, k], note])
        columns = ["measure", "genre", "group", "films", "importance", "mean_low", "mean_high", "run_low", "run_high"]
        table = pd.DataFrame(rows, columns=[*columns, "film_low", "film_high", "auc_drop", "note"])
        first = self.drops[self.measure]
        table.attrs = {
            "scheme": self.scheme,
            "n_repeats": first.runs.shape[1],
            "n_boot": first.films.shape[1],
            "positives": dict(zip(self.genres, self.positives.tolist(), strict=True)),
            "skipped draws": int(np.isnan(first.films[0, :, -1]).sum()),
            "left out": list(self.left_out),
            **{m: dict(zip(genres, drops.baseline.tolist(), strict=True)) for m, drops in self.drops.items()},
        }
        return table


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
    kept: Mapping[str, np.ndarray] | None = None,
) -> ImportanceRuns:
    """What is lost when a group's values are permuted, per genre and overall (Ma et al. 2021, eq. 3, Fig 3).

    `predict`, or ``predict_proba`` of an estimator, maps the list of all bags, in film order, to held-out probabilities
    (films, genres); for flat estimators see :func:`~filmlens.findings.simple_mi`. `bags` are (cues, features) arrays,
    one per film; NaN values travel with their rows, films with no rows are passed on but not scored. `groups` name
    column indices (:func:`~filmlens.findings.single_features`: one per column), `genres` the columns of Y.

    `scheme` is "cues" or "films" (see the module), or a callable ``(rng, lengths, width) -> (cues, width)`` row
    indices. `columns` says whether a group's columns are permuted each on its own ("independent", the default for
    ``cues``) or rows together ("joint", for ``films``). A film is positive where the probability is at least
    `threshold`. Bootstrap samples without a positive film of a genre are skipped for it and for Overall.

    `kept` names the part of each group's values, (cues, columns), that stays with its cue (`conditional_importance`).
    Of what `predict` gives as (starts, films, genres) the mean is judged, and the drop of each start is kept.
    ValueError on shapes that do not agree, an unknown column or scheme.
    """
    bags, Y, genres = validated(bags, Y, genres)
    predict = getattr(predict, "predict_proba", predict)
    rows_of, together = SCHEMES.get(scheme, (scheme, "independent")) if isinstance(scheme, str) else (scheme, "joint")
    if not callable(rows_of):
        raise ValueError(f"scheme {scheme!r} is not one of {sorted(SCHEMES)} or a function")
    columns = columns or together
    if columns not in ("independent", "joint"):
        raise ValueError(f"columns {columns!r} is not 'independent' or 'joint'")
    lengths = np.array([len(b) for b in bags])
    flat, scored = np.concatenate(bags), lengths > 0
    groups = {name: columns_of(name, index, flat.shape[1]) for name, index in groups.items()}

    def probability(values: np.ndarray) -> np.ndarray:
        given = np.asarray(predict(np.split(values, np.cumsum(lengths)[:-1])))
        if given.shape[-2:] != Y.shape:
            raise ValueError(f"predict gave shape {given.shape} for labels of shape {Y.shape}")
        return given.reshape(-1, *Y.shape)[:, scored].astype(float)

    truth = Y[scored]
    rng = np.random.default_rng(seed)
    weights, one = film_weights(rng, len(truth), n_boot), np.ones((1, len(truth)))
    chance = chance_precision(truth)

    def precise(values: np.ndarray, w: np.ndarray) -> np.ndarray:
        return above_chance(average_precision(truth, values, w), chance)

    def measured(values: np.ndarray, w: np.ndarray) -> np.ndarray:
        return np.stack([precise(values, w), f1(truth, values >= threshold, w)])  # (AP and F1, samples, genres + 1)

    def alone(starts: np.ndarray) -> np.ndarray:
        single = [precise(values, one)[0] for values in starts] if len(starts) > 1 else []
        return np.reshape(single, (-1, len(genres) + 1))

    starts = probability(flat.copy())
    plain, each = starts.mean(axis=0), alone(starts)
    whole, area = measured(plain, one)[:, 0], area_under_curve(truth, plain)
    entropy = rng.integers(2**63)
    of_groups = []
    for name, index in groups.items():
        stays = kept[name] if kept else np.zeros((len(flat), index.size))
        leaves = flat[:, index] - stays
        # Each group starts the same stream: its runs do not depend on which other groups are asked for.
        stream = np.random.default_rng(entropy)
        of_runs = []
        for _ in range(n_repeats):
            rows = rows_of(stream, lengths, 1 if columns == "joint" else index.size)
            values = flat.copy()
            values[:, index] = stays + leaves[rows, np.arange(index.size)]
            starts = probability(values)
            permuted = starts.mean(axis=0)
            giver = givers_of(rows, lengths)
            # Other films would also have given other values: a film is weighed by its giver too.
            w = weights * weights[:, giver] if (giver >= 0).all() else weights
            drop, drawn = whole - measured(permuted, one)[:, 0], measured(plain, w) - measured(permuted, w)
            of_runs.append((drop, drawn, area - area_under_curve(truth, permuted), each - alone(starts)))
        drop, drawn, lost, apart = map(np.array, zip(*of_runs, strict=True))
        spread = drawn[:, 1].std(axis=0, ddof=1) if n_repeats > 1 else np.full(drawn[0, 1].shape, np.nan)
        of_groups.append((drop.swapaxes(0, 1), mean_of_known(drawn), spread, lost.mean(axis=0), apart.mean(axis=0)))
    runs, films, spread, area, apart = map(np.array, zip(*of_groups, strict=True))
    return ImportanceRuns(
        genres=genres,
        groups=list(groups),
        drops={m: Drops(whole[i], runs[:, i], films[:, i]) for i, m in enumerate((AP, F1))},
        area=area,
        spread=spread,
        positives=truth.sum(axis=0),
        scored=len(truth),
        left_out=tuple(int(i) for i in np.flatnonzero(~scored)),
        scheme=scheme if isinstance(scheme, str) else getattr(scheme, "__name__", "own"),
        starts=apart.swapaxes(0, 1),
        averaged=len(starts),
    )


def validated(bags, Y, genres) -> tuple[list[np.ndarray], np.ndarray, list[str]]:
    """Bags, bool labels and genre names that fit each other; ValueError otherwise."""
    table, Y = Y, np.asarray(Y).astype(bool)
    bags = [np.asarray(b) for b in bags]
    if Y.ndim != 2 or len(bags) != len(Y):
        raise ValueError(f"{len(bags)} bags for labels of shape {Y.shape}; give one bag and one row of labels per film")
    genres = genre_names(genres, table, Y.shape[1], "labels")
    widths = {b.shape[1] if b.ndim == 2 else None for b in bags}
    if len(widths) != 1 or None in widths:
        raise ValueError("every bag must be a (cues, features) array with the same features; an empty one is (0, D)")
    return bags, Y, genres


def genre_names(genres: Sequence[str] | None, table: object, width: int, what: str) -> list[str]:
    """The names given, else those of a DataFrame, else the paper's; ValueError unless every column has one."""
    if genres is None:
        genres = table.columns if isinstance(table, pd.DataFrame) else GENRES[:width]
    if len(genres) != width:
        raise ValueError(f"{len(genres)} genre names for {width} columns of {what}")
    return list(genres)


def columns_of(name: str, index: Sequence[int], width: int) -> np.ndarray:
    """Column indices of a group, ascending; ValueError when there are none or they do not exist."""
    index = np.unique(np.asarray(index, dtype=np.intp))
    if index.size == 0 or index[0] < 0 or index[-1] >= width:
        raise ValueError(f"group {name!r} must name columns 0 to {width - 1}, not {index.tolist()}")
    return index


def sides_of(positives: np.ndarray, scored: int) -> list[tuple[int, ...]]:
    """Of each genre the films with and without it, of Overall all that are scored."""
    return [*((int(n), int(scored - n)) for n in positives), (int(scored),)]
