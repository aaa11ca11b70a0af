"""Which row every value comes from when a group's columns are permuted: over cues, or from film to film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from filmlens.look import GENRES


def cue_rows(rng: np.random.Generator, lengths: np.ndarray, width: int) -> np.ndarray:
    """Scheme ``cues``: row of every value after permuting each of `width` columns over all cues; (cues, width)."""
    rows = np.arange(lengths.sum())
    return rng.permuted(np.broadcast_to(rows[:, None], (rows.size, width)), axis=0)


def film_rows(rng: np.random.Generator, lengths: np.ndarray, width: int) -> np.ndarray:
    """Scheme ``films``: row of every value when each film takes another film's rows; (cues, width).

    Every film with cues gives to exactly one other. The giver's rows come in random order, repeated evenly when it
    has fewer cues than the receiver.

    Raises
    ------
    ValueError
        If fewer than two films have cues.
    """
    filled = np.flatnonzero(lengths)
    if filled.size < 2:
        raise ValueError("scheme 'films' needs at least two films with cues; use scheme='cues'")
    first = np.cumsum(lengths) - lengths
    film = np.repeat(np.arange(lengths.size), lengths)
    place = np.arange(film.size) - first[film]
    rows = np.empty((film.size, width), dtype=np.intp)
    for column in range(width):
        order = rng.permutation(filled)
        while (order == filled).any():
            order = rng.permutation(filled)
        giver = np.zeros(lengths.size, dtype=np.intp)
        giver[filled] = order
        giver = giver[film]
        shuffled = np.lexsort((rng.random(film.size), film))
        rows[:, column] = shuffled[first[giver] + place % lengths[giver]]
    return rows


SCHEMES = {"cues": (cue_rows, "independent"), "films": (film_rows, "joint")}


def givers_of(rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Which scored film each scored film's rows come from; -1 when from more than one."""
    films = np.arange(np.count_nonzero(lengths))
    film = np.repeat(films, lengths[lengths > 0])
    source = film[rows]
    giver = source[np.searchsorted(film, films), 0]
    return giver if (source == giver[film, None]).all() else np.full(films.size, -1)


def validated(bags, Y, genres) -> tuple[list[np.ndarray], np.ndarray, list[str]]:
    """Bags, bool labels and genre names that fit each other; ValueError otherwise."""
    if genres is None and isinstance(Y, pd.DataFrame):
        genres = list(Y.columns)
    Y = np.asarray(Y).astype(bool)
    bags = [np.asarray(b) for b in bags]
    if Y.ndim != 2 or len(bags) != len(Y):
        raise ValueError(f"{len(bags)} bags for labels of shape {Y.shape}; give one bag and one row of labels per film")
    genres = list(genres) if genres is not None else list(GENRES[: Y.shape[1]])
    if len(genres) != Y.shape[1]:
        raise ValueError(f"{len(genres)} genre names for {Y.shape[1]} columns of labels")
    widths = {b.shape[1] if b.ndim == 2 else None for b in bags}
    if len(widths) != 1 or None in widths:
        raise ValueError("every bag must be a (cues, features) array with the same features; an empty one is (0, D)")
    return bags, Y, genres


def columns_of(name: str, index: Sequence[int], width: int) -> np.ndarray:
    """Column indices of a group, ascending; ValueError when there are none or they do not exist."""
    index = np.unique(np.asarray(index, dtype=np.intp))
    if index.size == 0 or index[0] < 0 or index[-1] >= width:
        raise ValueError(f"group {name!r} must name columns 0 to {width - 1}, not {index.tolist()}")
    return index
