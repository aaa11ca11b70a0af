"""Cross-validation folds: leave one film out, leave one group out, or n folds by film (paper, model training)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

LEAVE_ONE_FILM_OUT = "leave-one-film-out"
#: The same, and for each genre one film of the other label is left out too, so that what is learnt has the genre as
#: often whichever film is held out (Austin, Pe'er and Korem 2025; `chance`).
REBALANCED = "rebalanced"


def assign_folds(
    scheme: str | int, films: int, *, groups: Sequence | None = None, usable: np.ndarray | None = None
) -> np.ndarray:
    """The fold that holds out each film, (films,): 0, 1, ... without gaps, -1 for films that take no part.

    `scheme` is "leave-one-film-out", "rebalanced", "grouped" (one group, such as a franchise or a composer, is held out
    at a time), or the number of folds of whole films, or of whole groups when `groups` are given. A number of folds
    depends on the number of films alone, so that cue and frame level meet the same folds. `groups` has an entry per
    film; a film without one (None, NaN, "") is a group of its own. `usable` (bool) marks the films that take part.
    ValueError on an unknown scheme, groups that are missing or of another length, fewer than two folds.

    >>> assign_folds("grouped", 4, groups=["Alien", "Alien", None, "Rocky"])
    array([0, 0, 1, 2])
    >>> np.bincount(assign_folds(3, 7)).tolist()
    [3, 2, 2]
    """
    usable = np.ones(films, dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
    if groups is not None and len(groups) != films:
        raise ValueError(f"{len(groups)} groups for {films} films")
    own = np.arange(films)
    if groups is not None:
        names = [f"film {i}" if pd.isna(g) or g == "" else f"group {g}" for i, g in enumerate(groups)]
        own = pd.factorize(np.array(names, dtype=object))[0]
    if scheme in (LEAVE_ONE_FILM_OUT, REBALANCED):
        fold = np.arange(films)
    elif scheme == "grouped":
        if groups is None:
            raise ValueError('scheme "grouped" needs groups, one per film')
        fold = own
    elif isinstance(scheme, (int, np.integer)) and not isinstance(scheme, bool):
        fold = _deal(own, int(scheme))
    else:
        raise ValueError(f'scheme {scheme!r} is unknown; "{LEAVE_ONE_FILM_OUT}", "grouped" or a number of folds')
    fold = np.where(usable, fold, -1)
    held = np.unique(fold[usable])
    if len(held) < 2:
        raise ValueError(f"cross-validation needs at least two folds of films with instances; there are {len(held)}")
    return np.where(usable, np.searchsorted(held, fold), -1)


def _deal(groups: np.ndarray, folds: int) -> np.ndarray:
    """Whole groups, in random order and the largest first, each to the fold that has fewest films."""
    sizes = np.bincount(groups)
    if not 2 <= folds <= len(sizes):
        raise ValueError(f"{folds} folds of {len(sizes)} films or groups cannot be made")
    order = np.random.default_rng(0).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, place = np.zeros(folds, dtype=int), np.empty(len(sizes), dtype=int)
    for group in order:
        place[group] = load.argmin()
        load[place[group]] += sizes[group]
    return place[groups]
