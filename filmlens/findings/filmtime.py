"""Music and genre along a film's own time, from its first second (0) to its last (1), over all films.

The paper leaves open where in a film its music tells the genre. Here every film is divided into the same number of
parts; a film is the unit, whatever its length or number of cues, and the intervals are bootstraps over films.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filmlens.findings.units import mean_of_known
from filmlens.stamper import intervals
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough

COVERAGE = "coverage"
WITH, WITHOUT, ALL = "films with the genre", "films without it", "all films"


def along_film_time(
    cues: pd.DataFrame,
    spans: pd.DataFrame,
    probability: Mapping[str, str],
    labels: pd.DataFrame,
    *,
    parts: int = 20,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of each part of the films with music, and how probable each genre sounds there.

    `cues` has film_id, start, end (s) and the columns that `probability` names by genre, NaN for cues that no model
    heard. `spans` has begin and end (s) of what counts as the film, by film_id; films without a cue belong in it, their
    coverage is 0. `labels` are films x genres, bool. The `parts` are of equal length; twenty are six minutes each of a
    two-hour film.

    Columns: quantity ("coverage" or a genre), films (all films, films with the genre, films without it), part, begin,
    end (0-1), value (mean over films), low, high (95 % bootstrap over films), n (films that have a value). Within a
    film and part a cue counts by its seconds there. NaN where no film has a value, intervals below ten films.
    ValueError on fewer than one part, or a film that ends before it begins.

    >>> cues = pd.DataFrame({"film_id": ["a", "a"], "start": [0.0, 50.0], "end": [50.0, 75.0], "p": [1.0, 0.5]})
    >>> spans = pd.DataFrame({"begin": [0.0], "end": [100.0]}, index=["a"])
    >>> labels = pd.DataFrame({"Horror": [True]}, index=["a"])
    >>> table = along_film_time(cues, spans, {"Horror": "p"}, labels, parts=2)
    >>> table[["quantity", "films", "part", "value"]].dropna().values.tolist()  # doctest: +NORMALIZE_WHITESPACE
    [['coverage', 'all films', 0, 1.0], ['coverage', 'all films', 1, 0.5],
     ['Horror', 'films with the genre', 0, 1.0], ['Horror', 'films with the genre', 1, 0.5]]
    """
    if parts < 1 or not (spans["end"] > spans["begin"]).all():
        raise ValueError("there must be at least one part, and every film must end after it begins")
    names = list(probability)
    values = np.full((1 + len(names), len(spans), parts), np.nan)
    by_film = dict(list(cues.groupby("film_id")))
    for i, (film_id, span) in enumerate(spans[["begin", "end"]].iterrows()):
        own = by_film.get(film_id, cues.iloc[:0])
        edges = np.linspace(span["begin"], span["end"], parts + 1)
        seconds = _seconds(own[["start", "end"]].to_numpy(float), edges)
        covered = intervals.union(own[["start", "end"]])
        values[0, i] = _seconds(covered, edges).sum(axis=0) / np.diff(edges)
        for k, genre in enumerate(names, start=1):
            heard = own[probability[genre]].to_numpy(float)
            weight = seconds * np.isfinite(heard)[:, None]
            total = weight.sum(axis=0)
            values[k, i] = np.divide(np.nan_to_num(heard) @ weight, total, out=np.full(parts, np.nan), where=total > 0)
    tables = [_summary(COVERAGE, ALL, values[0], n_boot, np.random.default_rng(seed))]
    rng = np.random.default_rng(seed)
    for k, genre in enumerate(names, start=1):
        carries = labels[genre].reindex(spans.index, fill_value=False).to_numpy(bool)
        tables.append(_summary(genre, WITH, values[k, carries], n_boot, rng))
        tables.append(_summary(genre, WITHOUT, values[k, ~carries], n_boot, rng))
    return pd.concat(tables, ignore_index=True)


def _seconds(cues: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Seconds of each interval in each part; (intervals, parts)."""
    return np.clip(np.minimum(cues[:, 1:], edges[1:]) - np.maximum(cues[:, :1], edges[:-1]), 0, None)


def _summary(quantity: str, which: str, values: np.ndarray, n_boot: int, rng: np.random.Generator) -> pd.DataFrame:
    """Mean over films and its bootstrap, part by part; (films, parts) values, NaN where a film has none."""
    films, parts = values.shape
    there = np.isfinite(values)
    n = there.sum(axis=0)
    low, high = np.full(parts, np.nan), np.full(parts, np.nan)
    if films:
        weights = film_weights(rng, films, n_boot)
        sums, counts = weights @ np.nan_to_num(values), weights @ there
        draws = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        for part in np.flatnonzero([enough(count) for count in n]):
            low[part], high[part] = interval(draws[:, part])
    edges = np.arange(parts + 1) / parts
    columns = {"quantity": quantity, "films": which, "part": np.arange(parts), "begin": edges[:-1], "end": edges[1:]}
    return pd.DataFrame(columns | {"value": mean_of_known(values), "low": low, "high": high, "n": n})
