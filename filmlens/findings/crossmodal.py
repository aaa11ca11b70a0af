"""Music against the picture: brightness and contrast under actual, predicted and wrongly predicted genres (Table 5).

For each genre the median of the units that carry it minus the median of all others, times ten, under four sources:
the actual labels, the predicted labels, the false positives against all others (the paper's three), and the false
positives against the true negatives. The paper's text compares clips and its caption films, so both units stand side
by side: a *clip* is the span of a cue (its median brightness and contrast), a *film* is the median of its clips.
Clips of one film resemble each other, so the film rows and the permutation p are the ones to believe. Below ten films
on either side nothing is tested.

The hazard: the others of a false positive contain the genre's true members, so that false positives come out
*reversed* by arithmetic. And genres co-occur: a false Horror is often a true Sci-Fi film, and dark for that reason. So
whether the picture follows the *predicted* genre is asked by permuting whole rows of predictions within identical sets
of actual labels, which is exact whatever the picture depends on, as long as it is the labels. To permute within one
genre's films and within the others is not: with genres that co-occur it finds a false alarm in up to .7 of corpora
(benchmarks/statistics.md). A film whose label set nobody shares cannot move, so the number of films that can, and the
smallest p they allow, stand beside each p.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pingouin as pg

from filmlens.findings.units import Units, clip_units, film_units, permuted_gap, permuted_rank_biserial
from filmlens.stats.bootstrap import deviation, film_weights, interval
from filmlens.stats.enough import detectable, enough, few
from filmlens.stats.permutation import film_permutations, label_sets, least_p, permutation_p
from filmlens.text import latex

ACTUAL, PREDICTED = "Actual", "Predicted"
FALSE, FALSE_TRUE = "False positives", "False positives vs true negatives"
SOURCES = (ACTUAL, PREDICTED, FALSE, FALSE_TRUE)
#: A test that can give no smaller p is none.
_TELLING = 0.05
#: Differences of medians are multiplied by this, as in the paper's table.
_SCALE = 10
_COLUMNS = (
    "measure source genre unit n n_others n_films n_other_films difference expected U p p_corrected significant "
    "correction p_permutation p_conditional movable p_least p_residuals effect effect_low effect_high detectable note"
).split()
_NOBODY = {ACTUAL: "film of the genre", PREDICTED: "prediction", FALSE: "false positive", FALSE_TRUE: "false positive"}


def clip_medians(cues: pd.DataFrame, visual: pd.DataFrame) -> pd.DataFrame:
    """Median of brightness and of contrast over the span of every cue.

    `cues` has film_id, cue, start, end (seconds on the film's clock), `visual` film_id, time, brightness, contrast,
    about one row a second. Columns: film_id, cue, brightness, contrast; one row per cue in the order of `cues`. A cue
    between two samples takes the sample nearest to its middle, at most a second away; a film without pictures has NaN.

    >>> cues = pd.DataFrame({"film_id": ["a"], "cue": [0], "start": [1.0], "end": [4.0]})
    >>> visual = pd.DataFrame({"film_id": "a", "time": range(6), "brightness": [9, 1, 2, 6, 9, 9], "contrast": 0.5})
    >>> clip_medians(cues, visual).values.tolist()
    [['a', 0, 2.0, 0.5]]
    """
    measures = ["brightness", "contrast"]
    visual = visual.sort_values("time").reset_index(drop=True)
    time, rows = visual["time"].to_numpy(float), visual.groupby("film_id", sort=False).indices
    spans = [np.zeros(0, dtype=int)] * len(cues)  # rows of the samples in each cue
    for film, at in cues.reset_index(drop=True).groupby("film_id", sort=False).indices.items():
        if film in rows:
            for cue, first, last in zip(at, *_spanned(time[rows[film]], cues.iloc[at]), strict=True):
                spans[cue] = rows[film][first:last]
    finite = visual[measures].astype(float).replace([np.inf, -np.inf], np.nan)
    inside = finite.iloc[np.concatenate([np.zeros(0, dtype=int), *spans])]
    of = np.repeat(np.arange(len(cues)), [len(span) for span in spans])
    table = cues[["film_id", "cue"]].reset_index(drop=True)
    table[measures] = inside.groupby(of).median().reindex(table.index)
    return table


def _spanned(time: np.ndarray, cues: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """First of the samples in each cue, and the one behind its last; of a cue between two, the nearest."""
    start, end = cues["start"].to_numpy(float), cues["end"].to_numpy(float)
    first, last = np.searchsorted(time, start), np.searchsorted(time, end)
    for i in np.flatnonzero(first == last):
        middle = (start[i] + end[i]) / 2
        first[i] = np.abs(time - middle).argmin()
        last[i] = first[i] + (abs(time[first[i]] - middle) <= 1)
    return first, last


def cross_modal(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    predicted: pd.DataFrame,
    *,
    cue_predicted: pd.DataFrame | np.ndarray | None = None,
    measures: Sequence[str] = ("brightness", "contrast"),
    alpha: float = 0.01,
    m: int | None = None,
    n_permutations: int = 9999,
    n_expected: int = 999,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Table 5 of Ma et al. 2021 with the tests beside it that take films as the unit.

    `clips` has film_id, cue and the measures, one row per cue (:func:`clip_medians`); NaN values are left out. `labels`
    and `predicted` (out of fold) are bool, films x genres. `cue_predicted`, (clips, genres) bool in the order of
    `clips`, is used for the unit ``clips`` instead of the film's prediction. `m` is the number of tests in the
    Bonferroni correction of one source, by default that of the genres (the paper's 6). `n_permutations` stand behind
    the p values, `n_expected` behind the expected difference. ValueError if labels and predictions differ in films or
    genres, or a clip's film has no label.

    One row per measure, source, genre and unit. Columns besides these:

    - n, n_others, n_films, n_other_films: units that carry the label, units compared with, the films of each;
    - difference: of medians, times 10 as in the paper's table;
    - U, p, p_corrected, significant, correction: two-sided Mann-Whitney (pingouin), Bonferroni over `m`;
    - p_permutation: labels permuted over films, ``(b + 1) / (n + 1)``, on the rank-biserial correlation;
    - effect, effect_low, effect_high: rank-biserial correlation (+ where the label is higher), 95 % film bootstrap;
    - detectable: the smallest effect (over films) that would have been found with 80 % power after the correction;
    - expected, p_conditional, movable, p_least: for the three sources that rest on predictions, mean difference, and
      two-sided p, when whole rows of predictions are permuted within identical label sets, the picture centred per set;
      films that can move, and the smallest p that they allow. No expectation with under ten films that can move, and no
      p where none of .05 is possible;
    - p_residuals: a check that assumes that labels add up: the picture's residuals on all labels, predictions permuted
      within the genre's films and within the others;
    - note: why there is no number or no test, such as ``n = 0: no false positive`` or ``too few films: ...``.
    """
    if list(labels.columns) != list(predicted.columns) or set(labels.index) != set(predicted.index):
        raise ValueError("labels and predicted must have the same films (index) and the same genres (columns)")
    if unknown := sorted(set(clips["film_id"]) - set(labels.index)):
        raise ValueError(f"clips of films without labels: {', '.join(map(str, unknown[:5]))}")
    used = labels.index[labels.index.isin(clips["film_id"])]
    labels, predicted = labels.loc[used].astype(bool), predicted.loc[used].astype(bool)
    genres = list(labels.columns)
    m = m or len(genres)
    if cue_predicted is not None:
        cue_predicted = np.asarray(cue_predicted).astype(bool)
        if cue_predicted.shape != (len(clips), len(genres)):
            raise ValueError(f"cue_predicted has shape {cue_predicted.shape}, not {(len(clips), len(genres))}")
    rows = []
    for measure in measures:
        for unit, gather in (("clips", clip_units), ("films", film_units)):
            units, kept = gather(clips, labels.index, measure)
            pictures = _Pictures(units, labels.to_numpy(), np.random.default_rng(seed), n_permutations, n_boot)
            for genre in genres:
                actual = labels[genre].to_numpy()
                own = predicted[genre].to_numpy()[units.film]
                if cue_predicted is not None and unit == "clips":
                    own = cue_predicted[kept, genres.index(genre)]
                for source in SOURCES:
                    row = _row(pictures, actual, own, source, unit, alpha / m, n_expected)
                    rows.append({"measure": measure, "source": source, "genre": genre, "unit": unit, **row})
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table["p_corrected"] = (table["p"] * m).clip(upper=1)
    table["significant"] = table["p_corrected"] < alpha
    table["correction"] = f"Bonferroni, m = {m}, alpha = {alpha:g}"
    rank = {name: i for i, name in enumerate([*measures, *SOURCES, *genres, "clips", "films"])}
    keys = ["measure", "source", "genre", "unit"]
    return table.sort_values(keys, key=lambda s: s.map(rank), kind="stable", ignore_index=True)


def table5(
    table: pd.DataFrame, *, unit: str = "films", sources: Sequence[str] = SOURCES
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The paper's layout of :func:`cross_modal`'s table: a row per genre, a column per source and measure, as text, and
    which cells are bold. A cell without a number says why (``n = 0``).
    """
    part = table[(table["unit"] == unit) & table["source"].isin(sources)]
    if part.empty:
        raise ValueError(f"no rows of unit {unit!r}; there are {sorted(table['unit'].unique())}")
    genres = part["genre"].unique()
    text, bold = {"Genre": dict(zip(genres, genres, strict=True))}, {"Genre": dict.fromkeys(genres, False)}
    for row in part.itertuples():
        column = f"{row.source}: {row.measure}"
        value = row.note.split(":")[0] if np.isnan(row.difference) else f"{row.difference:+.2f}"
        text.setdefault(column, {})[row.genre] = value
        bold.setdefault(column, {})[row.genre] = bool(row.significant)
    return pd.DataFrame(text).reset_index(drop=True), pd.DataFrame(bold).reset_index(drop=True)


def latex_table(text: pd.DataFrame, *, bold: pd.DataFrame | None = None, caption: str = "", label: str = "") -> str:
    """A ``table`` environment with booktabs rules, of `text` as :func:`table5` gives it; `bold` has its labels.

    >>> table = pd.DataFrame({"Genre": ["Sci-Fi"], "100 %": ["-0.31"]})
    >>> print(latex_table(table, bold=table == "-0.31").splitlines()[5])
    Sci-Fi & \\textbf{-0.31} \\\\
    """
    rows = []
    for i, cells in enumerate(text.itertuples(index=False)):
        words = [latex(cell) for cell in cells]
        if bold is not None:
            words = [rf"\textbf{{{w}}}" if b else w for w, b in zip(words, bold.iloc[i], strict=True)]
        rows.append(" & ".join(words) + r" \\")
    head = " & ".join(latex(c) for c in text.columns) + r" \\"
    begin = [r"\begin{table}", rf"\begin{{tabular}}{{l{'r' * (text.shape[1] - 1)}}}", r"\toprule", head, r"\midrule"]
    lines = [*begin, *rows, r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\caption{{{latex(caption)}}}"] * bool(caption) + [rf"\label{{{label}}}"] * bool(label)
    return "\n".join([*lines, r"\end{table}"]) + "\n"


class _Pictures:
    """One measure over one unit, with what all genres and sources share: permutations, centred and residual values."""

    def __init__(self, units: Units, labels: np.ndarray, rng: np.random.Generator, n_permutations: int, n_boot: int):
        self.units, self.rng, self.n_permutations = units, rng, n_permutations
        self.weights = film_weights(rng, len(labels), n_boot)
        self.present = units.counts > 0
        self.sets = np.where(self.present, label_sets(labels), -1)
        strata = [self.sets == s for s in np.unique(self.sets[self.present])] or [self.present]
        self.within_sets = film_permutations(rng, strata, n_permutations)
        own = self.sets[units.film]
        total, count = (np.bincount(own, w, minlength=len(labels)) for w in (units.values, None))
        self.centred = replace(units, values=units.values - (total / np.maximum(count, 1))[own])
        design = np.column_stack([np.ones(len(units.film)), labels[units.film]])
        fitted = design @ np.linalg.lstsq(design, units.values, rcond=None)[0]
        self.residuals = replace(units, values=units.values - fitted)

    def permuted(self, *strata: np.ndarray) -> np.ndarray:
        return film_permutations(self.rng, strata, self.n_permutations)


def _row(pictures: _Pictures, actual, own, source, unit, alpha, n_expected) -> dict:
    """One cell. `actual` is per film, `own` (the prediction) per unit."""
    units, present = pictures.units, pictures.present
    truth = actual[units.film]
    inside = ~truth if source == FALSE_TRUE else np.ones(len(truth), dtype=bool)
    label = {ACTUAL: truth, PREDICTED: own}.get(source, own & ~truth)
    here, there = label & inside, ~label & inside
    films = tuple(len(np.unique(units.film[side])) for side in (here, there))
    row = {"n": int(here.sum()), "n_others": int(there.sum()), "n_films": films[0], "n_other_films": films[1]}
    if not (here.any() and there.any()):
        # Which of the two is empty decides what the reader is told.
        empty = f"{unit[:-1]} to compare with" if here.any() else _NOBODY[source]
        return row | {"note": f"n = 0: no {empty if len(units.values) else 'picture'}"}
    row["difference"] = _SCALE * (np.median(units.values[here]) - np.median(units.values[there]))
    row["effect"] = units.rank_biserial(here, there)
    if source != ACTUAL:
        patterns = [own.tobytes() for own in np.split(label, np.cumsum(units.counts)[:-1])]
        row["movable"], row["p_least"] = least_p(pictures.sets, patterns, pictures.n_permutations)
        # what cannot move is its own expectation
        if enough(row["movable"]):
            row["expected"] = _SCALE * permuted_gap(units, label, inside, pictures.within_sets[:n_expected])
    row["note"] = "" if enough(*films) else few(*films)
    if row["note"]:
        return row
    test = pg.mwu(units.values[here], units.values[there], alternative="two-sided")
    row["U"], row["p"] = float(test["U_val"].iloc[0]), float(test["p_val"].iloc[0])
    row["effect_low"], row["effect_high"] = interval(units.bootstrap(here, there, pictures.weights))
    # Under the plain null a film's label could have fallen on any film compared.
    free = present & ~actual if source == FALSE_TRUE else present
    draws = permuted_rank_biserial(units, label, inside, pictures.permuted(free))
    row["p_permutation"] = permutation_p(draws, row["effect"])
    row["detectable"] = detectable(deviation(draws), alpha=alpha)
    if source == ACTUAL:
        return row

    def p_of(values: Units, order: np.ndarray) -> float:
        return permutation_p(permuted_rank_biserial(values, label, inside, order), values.rank_biserial(here, there))

    if row["p_least"] <= _TELLING:
        row["p_conditional"] = p_of(pictures.centred, pictures.within_sets)
    # the plain division by one genre, which the residuals on all of them make good where labels add up
    row["p_residuals"] = p_of(pictures.residuals, pictures.permuted(present & actual, present & ~actual))
    return row
