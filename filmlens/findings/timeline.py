"""Genres along a film: what each cue sounds like, in the order of the film (after Brownrigg's transplanted genres)."""

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


def instance_table(
    cues: pd.DataFrame, values: np.ndarray | pd.DataFrame, genres: Sequence[str] | None
) -> tuple[np.ndarray, list[str]]:
    """Values per cue and genre as a float array, checked, and the names of its columns."""
    table, values = values, np.asarray(values, dtype=float)
    if values.ndim != 2 or len(values) != len(cues):
        raise ValueError(f"{len(cues)} cues for values of shape {values.shape}; give one row per cue, in their order")
    return values, genre_names(genres, table, values.shape[1], "values")
