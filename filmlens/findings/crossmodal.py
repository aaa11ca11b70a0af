"""Music against the picture: brightness and contrast under actual, predicted and wrongly predicted genres (Table 5).

For each genre the median of the units that carry it minus the median of all others, times ten, under four sources:
the actual labels, the predicted labels, the false positives against all others (the paper's three), and the false
positives against the true negatives. The paper's text compares clips and its caption films, so both units stand side
by side: a *clip* is the span of a cue (its median brightness and contrast), a *film* is the median of its clips.
Clips of one film resemble each other, so the film rows and the permutation p are the ones to believe.

The hazard: the others of a false positive contain the genre's true members. If pictures depend on the actual genre
alone, false positives come out *reversed* by arithmetic. The difference expected from that arithmetic, and a p under
the null that keeps it (predictions permuted over films within the actual positives and within the actual negatives),
stand beside the observed difference; false positives against true negatives are free of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pingouin as pg

from filmlens.findings.units import Units, clip_units, film_units, permuted_gap, permuted_rank_biserial
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.permutation import film_permutations, permutation_p

ACTUAL, PREDICTED = "Actual", "Predicted"
FALSE, FALSE_TRUE = "False positives", "False positives vs true negatives"
SOURCES = (ACTUAL, PREDICTED, FALSE, FALSE_TRUE)
_NOBODY = {ACTUAL: "film of the genre", PREDICTED: "prediction", FALSE: "false positive", FALSE_TRUE: "false positive"}


def clip_medians(
    cues: pd.DataFrame, visual: pd.DataFrame, *, measures: Sequence[str] = ("brightness", "contrast")
) -> pd.DataFrame:
    """Median of each picture measure over the span of every cue.

    Parameters
    ----------
    cues : DataFrame
        film_id, cue, start, end (seconds on the film's clock).
    visual : DataFrame
        film_id, time and one column per measure, about one row a second.
    measures : sequence of str

    Returns
    -------
    DataFrame
        film_id, cue and the measures, one row per cue in the order of `cues`. A cue between two samples takes the
        sample nearest to its middle, at most a second away; a film without pictures has NaN.

    Examples
    --------
    >>> cues = pd.DataFrame({"film_id": ["a"], "cue": [0], "start": [1.0], "end": [4.0]})
    >>> visual = pd.DataFrame({"film_id": "a", "time": range(6), "brightness": [9, 1, 2, 6, 9, 9], "contrast": 0.5})
    >>> clip_medians(cues, visual).values.tolist()
    [['a', 0, 2.0, 0.5]]
    """
    measures = list(measures)
    films = {}
    for film, rows in visual.groupby("film_id", sort=False):
        rows = rows.sort_values("time")
        films[film] = rows["time"].to_numpy(float), rows[measures].to_numpy(float)
    medians = np.full((len(cues), len(measures)), np.nan)
    spans = zip(cues["film_id"], cues["start"].to_numpy(float), cues["end"].to_numpy(float), strict=True)
    for at, (film, start, end) in enumerate(spans):
        time, values = films.get(film, ((), ()))
        if not len(time):
            continue
        first, last = np.searchsorted(time, (start, end))
        if first == last:
            nearest = np.abs(time - (start + end) / 2).argmin()
            first, last = nearest, nearest + (abs(time[nearest] - (start + end) / 2) <= 1)
        for column, inside in enumerate(values[first:last].T):
            known = np.sort(inside[np.isfinite(inside)])
            if len(known):  # np.median costs ten times as much for so few values
                medians[at, column] = (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2
    table = cues[["film_id", "cue"]].reset_index(drop=True)
    table[measures] = medians
    return table


def cross_modal(
    clips: pd.DataFrame,
    labels: pd.DataFrame,
    predicted: pd.DataFrame,
    *,
    cue_predicted: pd.DataFrame | np.ndarray | None = None,
    measures: Sequence[str] = ("brightness", "contrast"),
    scale: float = 10.0,
    alpha: float = 0.01,
    m: int | None = None,
    n_permutations: int = 9999,
    n_expected: int = 999,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Table 5 of Ma et al. 2021 with the tests beside it that take films as the unit.

    Parameters
    ----------
    clips : DataFrame
        film_id, cue and the measures, one row per cue (:func:`clip_medians`). NaN values are left out.
    labels, predicted : DataFrame of bool
        Index film_id, one column per genre: actual labels and those predicted out of fold.
    cue_predicted : DataFrame or (clips, genres) array of bool, optional
        Each cue's own prediction, in the order of `clips`, used for the unit ``clips`` instead of the film's label.
    measures : sequence of str
    scale : float
        Differences are multiplied by this; the paper's Table 5 uses 10.
    alpha : float
    m : int, optional
        Tests in the Bonferroni correction of one source; the number of genres (the paper's 6) by default.
    n_permutations, n_expected, n_boot : int
        Permutations behind the p values, behind the expected difference, and bootstrap samples of films.
    seed : int

    Returns
    -------
    DataFrame
        One row per measure, source, genre and unit:

        n, n_others, n_films
            units that carry the label, units it is compared with, films the former come from;
        difference
            of medians, times `scale`;
        U, p, p_corrected, significant, correction
            two-sided Mann-Whitney (pingouin), Bonferroni over `m`;
        p_permutation
            labels permuted over films, ``(b + 1) / (n + 1)``, on the rank-biserial correlation;
        effect, effect_low, effect_high
            rank-biserial correlation, positive where the label's units are higher, 95 % bootstrap over films;
        expected, p_conditional
            for Predicted and False positives: mean difference, and p, when predictions are permuted over films within
            the actual positives and within the actual negatives. For the other two sources nothing is to be expected
            (0) and the p is `p_permutation`;
        note
            why there is no number, such as ``n = 0: no false positive``.

    Raises
    ------
    ValueError
        If labels and predictions differ in films or genres, or a clip's film has no label.
    """
    labels, predicted = _aligned(clips, labels, predicted)
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
            rng = np.random.default_rng(seed)
            weights = film_weights(rng, len(labels), n_boot)
            for genre in genres:
                actual = labels[genre].to_numpy()
                own = predicted[genre].to_numpy()[units.film]
                if cue_predicted is not None and unit == "clips":
                    own = cue_predicted[kept, genres.index(genre)]
                for source in SOURCES:
                    row = _row(units, actual, own, source, unit, weights, rng, scale, n_permutations, n_expected)
                    rows.append({"measure": measure, "source": source, "genre": genre, "unit": unit, **row})
    table = pd.DataFrame(rows)
    table["p_corrected"] = (table["p"] * m).clip(upper=1)
    table["significant"] = table["p_corrected"] < alpha
    table["correction"] = f"Bonferroni, m = {m}, alpha = {alpha:g}"
    order = [
        *("measure", "source", "genre", "unit", "n", "n_others", "n_films", "difference", "expected", "U", "p"),
        *("p_corrected", "significant", "correction", "p_permutation", "p_conditional"),
        *("effect", "effect_low", "effect_high", "note"),
    ]
    rank = {name: i for i, name in enumerate([*measures, *SOURCES, *genres, "clips", "films"])}
    keys = ["measure", "source", "genre", "unit"]
    return table[order].sort_values(keys, key=lambda s: s.map(rank), kind="stable", ignore_index=True)


def table5(
    table: pd.DataFrame, *, unit: str = "films", sources: Sequence[str] = SOURCES
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The paper's layout: a row per genre, a column per source and measure, as text, and which cells are bold.

    Parameters
    ----------
    table : DataFrame
        From :func:`cross_modal`.
    unit : {"films", "clips"}
    sources : sequence of str

    Returns
    -------
    text, bold : DataFrame, DataFrame of bool
        Same labels; a cell without a number says why (``n = 0``).
    """
    part = table[(table["unit"] == unit) & table["source"].isin(sources)]
    if part.empty:
        raise ValueError(f"no rows of unit {unit!r}; there are {sorted(table['unit'].unique())}")
    text = {"Genre": {}}
    bold = {"Genre": {}}
    for row in part.itertuples():
        column = f"{row.source}: {row.measure}"
        text["Genre"][row.genre], bold["Genre"][row.genre] = row.genre, False
        value = row.note.split(":")[0] if np.isnan(row.difference) else f"{row.difference:+.2f}"
        text.setdefault(column, {})[row.genre] = value
        bold.setdefault(column, {})[row.genre] = bool(row.significant)
    return pd.DataFrame(text).reset_index(drop=True), pd.DataFrame(bold).reset_index(drop=True)


def _aligned(clips, labels, predicted) -> tuple[pd.DataFrame, pd.DataFrame]:
    if list(labels.columns) != list(predicted.columns) or set(labels.index) != set(predicted.index):
        raise ValueError("labels and predicted must have the same films (index) and the same genres (columns)")
    unknown = sorted(set(clips["film_id"]) - set(labels.index))
    if unknown:
        raise ValueError(f"clips of films without labels: {', '.join(map(str, unknown[:5]))}")
    used = labels.index[labels.index.isin(set(clips["film_id"]))]
    return labels.loc[used].astype(bool), predicted.loc[used].astype(bool)


def _row(units: Units, actual, own, source, unit, weights, rng, scale, n_permutations, n_expected) -> dict:
    """One cell. `actual` is per film, `own` (the prediction) per unit."""
    truth = actual[units.film]
    inside = ~truth if source == FALSE_TRUE else np.ones(len(truth), dtype=bool)
    label = {ACTUAL: truth, PREDICTED: own}.get(source, own & ~truth)
    here, there = label & inside, ~label & inside
    row = {
        **{"n": int(here.sum()), "n_others": int(there.sum()), "n_films": len(np.unique(units.film[here]))},
        **dict.fromkeys(("difference", "expected", "U", "p", "p_permutation", "p_conditional"), np.nan),
        **dict.fromkeys(("effect", "effect_low", "effect_high"), np.nan),
    }
    if not (here.any() and there.any()):
        # Which of the two is empty decides what the reader is told.
        empty = _NOBODY[source] if not here.any() else f"{unit[:-1]} to compare with"
        empty = empty if len(units.values) else "picture"
        return {**row, "note": f"n = 0: no {empty}"}
    test = pg.mwu(units.values[here], units.values[there], alternative="two-sided")
    row["difference"] = scale * (np.median(units.values[here]) - np.median(units.values[there]))
    row["U"], row["p"] = float(test["U_val"].iloc[0]), float(test["p_val"].iloc[0])
    row["effect"] = units.rank_biserial(here, there)
    note = ""
    if row["n_films"] > 1:
        row["effect_low"], row["effect_high"] = interval(units.bootstrap(here, there, weights))
    else:
        note = "n = 1 film: no interval over films"
    # Under the plain null a film's label could have fallen on any film compared; under the conditional null it
    # stays among the films that have the genre, or among those that have it not.
    present = units.counts > 0
    free = present & ~actual if source == FALSE_TRUE else present
    order = film_permutations(rng, [free], n_permutations)
    row["p_permutation"] = permutation_p(permuted_rank_biserial(units, label, inside, order), row["effect"])
    if source in (ACTUAL, FALSE_TRUE):
        return {**row, "expected": 0.0, "p_conditional": row["p_permutation"], "note": note}
    order = film_permutations(rng, [present & actual, present & ~actual], n_permutations)
    row["p_conditional"] = permutation_p(permuted_rank_biserial(units, label, inside, order), row["effect"])
    row["expected"] = scale * permuted_gap(units, label, order[:n_expected])
    return {**row, "note": note}
