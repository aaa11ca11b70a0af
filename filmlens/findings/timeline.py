"""What each cue sounds like along a film, and which are another genre's (after Brownrigg's transplanted genres)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from filmlens.findings.feature_groups import genre_names


def genre_timeline(
    cues: pd.DataFrame,
    instance_probability: np.ndarray | pd.DataFrame,
    *,
    attention: np.ndarray | pd.DataFrame | None = None,
    genres: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Probability and attention of each genre for each cue of one film (or several), by start.

    `instance_probability` and `attention` are out of fold, (cues, genres) in the order of `cues` (ValueError
    otherwise); without attention every cue of a film has the same share. `genres` name their columns, by default those
    of a DataFrame, else the paper's six. Columns: film_id, cue, track, start, end, genre, probability, attention,
    share: attention divided by its sum over the film's cues.

    >>> cues = pd.DataFrame({"film_id": "a", "cue": [0, 1], "track": "t", "start": [0.0, 9.0], "end": [5.0, 12.0]})
    >>> genre_timeline(cues, [[0.25], [0.75]], genres=["Horror"])[["start", "probability", "share"]].values.tolist()
    [[0.0, 0.25, 0.5], [9.0, 0.75, 0.5]]
    """
    probability, genres = instance_table(cues, instance_probability, genres)
    attention = np.ones_like(probability) if attention is None else instance_table(cues, attention, genres)[0]
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
    transplanted. So a cue is compared with the other cues of its own film: its *excess* is its probability minus theirs
    on average. `steady` is the weight, in cues, of the corpus's mean (over films without the genre) in what a cue is
    compared with: it decides for films of very few cues, and does hardly anything for the others.

    `cues` has film_id, cue, track, start, end; `instance_probability`, (cues, genres) out of fold, is in their order
    and in that of the genres of `labels` (films x genres, bool); rows with NaN are left out. Columns: those of the
    cues, genre, probability, excess, by falling excess; one row per cue, for the genre of its largest excess, or
    without `per_cue` one per cue and absent genre. ValueError if rows and cues differ in number, or a film has no
    labels.

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
    probability, genres = instance_table(cues, instance_probability, None if named else list(labels.columns))
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


def instance_table(
    cues: pd.DataFrame, values: np.ndarray | pd.DataFrame, genres: Sequence[str] | None
) -> tuple[np.ndarray, list[str]]:
    """Values per cue and genre as a float array, checked, and the names of its columns."""
    table, values = values, np.asarray(values, dtype=float)
    if values.ndim != 2 or len(values) != len(cues):
        raise ValueError(f"{len(cues)} cues for values of shape {values.shape}; give one row per cue, in their order")
    return values, genre_names(genres, table, values.shape[1], "values")
