"""Music and genre along films: cue by cue in one film, and over all films from first second (0) to last (1).

Which cues sound like a genre that their film does not have is asked after Brownrigg's transplanted genres. The paper
leaves open where in a film its music tells the genre: there every film is divided into the same number of parts; a film
is the unit, whatever its length or number of cues, and the intervals are bootstraps over films.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from filmlens.findings.importance import genre_names
from filmlens.findings.units import mean_of_known
from filmlens.stamper import intervals
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough

COVERAGE = "coverage"
WITH, WITHOUT, ALL = "films with the genre", "films without it", "all films"


def genre_timeline(
    cues: pd.DataFrame,
    instance_probability: np.ndarray | pd.DataFrame,
    *,
    attention: np.ndarray | pd.DataFrame | None = None,
    genres: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Probability and attention of each genre for each cue of one film (or several), by start.

    `instance_probability` and `attention` are out of fold, (cues, genres) in the order of `cues` (ValueError
    otherwise); `genres` name their columns, by default those of a DataFrame, else the paper's six. Columns: film_id,
    cue, track, start, end, genre, probability, attention, share (of the attention in the film; equal without it).

    >>> cues = pd.DataFrame({"film_id": "a", "cue": [0, 1], "track": "t", "start": [0.0, 9.0], "end": [5.0, 12.0]})
    >>> genre_timeline(cues, [[0.25], [0.75]], genres=["Horror"])[["start", "probability", "share"]].values.tolist()
    [[0.0, 0.25, 0.5], [9.0, 0.75, 0.5]]
    """
    probability, genres = _instance_table(cues, instance_probability, genres)
    attention = np.ones_like(probability) if attention is None else _instance_table(cues, attention, genres)[0]
    table = cues[["film_id", "cue", "track", "start", "end"]].reset_index(drop=True)
    total = pd.DataFrame(attention).groupby(table["film_id"]).transform("sum").to_numpy()
    parts = [
        table.assign(
            genre=genre,
            probability=probability[:, k],
            attention=attention[:, k],
            share=np.divide(attention[:, k], total[:, k], out=np.zeros(len(table)), where=total[:, k] > 0),
        )
        for k, genre in enumerate(genres)
    ]
    return pd.concat(parts).sort_values(["film_id", "start", "cue"], kind="stable", ignore_index=True)


def transplanted_cues(
    cues: pd.DataFrame,
    instance_probability: np.ndarray | pd.DataFrame,
    labels: pd.DataFrame,
    *,
    per_cue: bool = True,
    steady: float = 1.0,
) -> pd.DataFrame:
    """The cues of the corpus, ordered by how much more they sound like a genre that their film does not have.

    A film whose model takes it for Romance as a whole has many cues of high Romance probability, none of them
    transplanted. So a cue is compared with the others of its film: its *excess* is its probability minus theirs on
    average. `steady` is the weight, in cues, of the corpus's mean (over films without the genre) in what a cue is
    compared with: it decides for films of very few cues.

    `cues` has film_id, cue, track, start, end; `instance_probability`, (cues, genres) out of fold, is in their order
    and in that of the genres of `labels` (films x genres, bool); rows with NaN are left out. Columns: those of the
    cues, genre, probability, excess, by falling excess; one row per cue, for the genre of its largest excess, or
    without `per_cue` one per cue and absent genre. ValueError on other numbers of rows, or a film without labels.

    >>> cues = pd.DataFrame({"film_id": "a", "cue": range(3), "track": list("rst"), "start": 0.0, "end": 1.0})
    >>> labels = pd.DataFrame({"Horror": [True], "Romance": [False]}, index=["a"])
    >>> table = transplanted_cues(cues, [[0.9, 0.1], [0.8, 0.1], [0.2, 0.9]], labels)
    >>> print(*table.loc[0, ["track", "genre", "probability"]])
    t Romance 0.9
    """
    unknown = sorted(set(cues["film_id"]) - set(labels.index))
    if unknown:
        raise ValueError(f"cues of films without labels: {', '.join(map(str, unknown[:5]))}")
    named = isinstance(instance_probability, pd.DataFrame)
    probability, genres = _instance_table(cues, instance_probability, None if named else list(labels.columns))
    table = cues[["film_id", "cue", "track", "start", "end"]].reset_index(drop=True)
    kept = np.isfinite(probability).all(axis=1)
    table, probability = table[kept].reset_index(drop=True), probability[kept]
    parts = []
    for k, genre in enumerate(genres):
        absent = ~labels.loc[table["film_id"], genre].to_numpy(bool)
        rows = table[absent].assign(genre=genre, probability=probability[absent, k])
        by_film = rows.groupby("film_id")["probability"]
        others = by_film.transform("size") - 1
        total = by_film.transform("sum") - rows["probability"]
        excess = rows["probability"] - (total + steady * rows["probability"].mean()) / (others + steady)
        parts.append(rows.assign(excess=excess))
    found = pd.concat(parts).sort_values(["excess", "film_id", "cue"], ascending=[False, True, True], kind="stable")
    if per_cue:
        found = found.drop_duplicates(["film_id", "cue"])
    return found.reset_index(drop=True)


def _instance_table(
    cues: pd.DataFrame, values: np.ndarray | pd.DataFrame, genres: Sequence[str] | None
) -> tuple[np.ndarray, list[str]]:
    """Values per cue and genre as a float array, checked, and the names of its columns."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or len(array) != len(cues):
        raise ValueError(f"{len(cues)} cues for values of shape {array.shape}; give one row per cue, in their order")
    return array, genre_names(genres, values, array.shape[1], "values")


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
    heard. `spans` has begin and end (s) of what counts as the film, by film_id, those without a cue too. `labels` are
    films x genres, bool. The `parts` are of equal length; a cue counts by its seconds in each.

    Columns: quantity ("coverage" or a genre), films (all films, films with the genre, films without it), part, begin,
    end (0-1), value (mean over films), low, high (95 % bootstrap over films; NaN below ten), n (films that have a
    value). ValueError on fewer than one part, or a film that ends before it begins.

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
    for genre, own in zip(names, values[1:], strict=True):
        carries = labels[genre].reindex(spans.index, fill_value=False).to_numpy(bool)
        tables += [_summary(genre, which, own[of], n_boot, rng) for which, of in ((WITH, carries), (WITHOUT, ~carries))]
    return pd.concat(tables, ignore_index=True)


def _seconds(cues: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Seconds of each interval in each part; (intervals, parts)."""
    return np.clip(np.minimum(cues[:, 1:], edges[1:]) - np.maximum(cues[:, :1], edges[:-1]), 0, None)


def _summary(quantity: str, which: str, values: np.ndarray, n_boot: int, rng: np.random.Generator) -> pd.DataFrame:
    """Mean over films and its bootstrap, part by part; (films, parts) values, NaN where a film has none."""
    films, parts = values.shape
    there = np.isfinite(values)
    n = there.sum(axis=0)
    low, high = np.full((2, parts), np.nan)
    if films:
        weights = film_weights(rng, films, n_boot)
        sums, counts = weights @ np.nan_to_num(values), weights @ there
        draws = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        for part in np.flatnonzero([enough(count) for count in n]):
            low[part], high[part] = interval(draws[:, part])
    edges = np.arange(parts + 1) / parts
    columns = {"quantity": quantity, "films": which, "part": np.arange(parts), "begin": edges[:-1], "end": edges[1:]}
    return pd.DataFrame(columns | {"value": mean_of_known(values), "low": low, "high": high, "n": n})
