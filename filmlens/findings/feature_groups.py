"""Bags, labels and groups of columns, checked to fit each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from filmlens.look import GENRES


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
