"""Clips or films as the units of a comparison: rank-biserial correlation, its bootstrap and permutations over films.

Every sum of signs that Mann-Whitney's U is made of is kept per film, so that thousands of permutations and bootstrap
samples of whole films cost one matrix product each, however many clips the films have.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True, eq=False)
class Units:
    """Finite `values` of one measure, and the position of each one's `film` among all `films`, ascending."""

    values: np.ndarray
    film: np.ndarray
    films: int

    @cached_property
    def counts(self) -> np.ndarray:
        """Units of each film; (films,)."""
        return np.bincount(self.film, minlength=self.films)

    @cached_property
    def signs(self) -> np.ndarray:
        """Sum over a film's units of the sign of (unit - that film's unit); (units, films)."""
        sums = np.zeros((len(self.values), self.films))
        for film in np.flatnonzero(self.counts):
            own = np.sort(self.values[self.film == film])
            sums[:, film] = np.searchsorted(own, self.values) + np.searchsorted(own, self.values, "right") - len(own)
        return sums

    def standing(self, inside: np.ndarray) -> np.ndarray:
        """Sum of signs of each unit against all units `inside`; 0 for units outside. (units,)"""
        out = np.zeros(len(self.values))
        out[inside] = 2 * stats.rankdata(self.values[inside]) - (inside.sum() + 1)
        return out

    def rank_biserial(self, here: np.ndarray, there: np.ndarray) -> float:
        """2 U / (n m) - 1 of the units `here` against those `there`: +1 when all of them are higher.

        >>> units = Units(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]), 3)
        >>> units.rank_biserial(np.array([False, False, True]), np.array([True, True, False]))
        1.0
        """
        return float(self.standing(here | there)[here].sum() / (here.sum() * there.sum()))

    def bootstrap(self, here: np.ndarray, there: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Rank-biserial correlation in bootstrap samples of films; NaN where a sample lacks one side. (draws,)"""
        sums = np.zeros((self.films, self.films))
        film, start = np.unique(self.film[here], return_index=True)
        sums[film] = np.add.reduceat(self.signs[here], start, axis=0)
        # Signs between units of the same side cancel, so "all compared films" may stand for "the other side".
        sums *= np.bincount(self.film[here | there], minlength=self.films) > 0
        one, other = (weights @ np.bincount(self.film[side], minlength=self.films) for side in (here, there))
        total = np.einsum("df,df->d", weights @ sums, weights)
        pairs = one * other
        return np.divide(total, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def clip_units(clips: pd.DataFrame, films: pd.Index, measure: str) -> tuple[Units, np.ndarray]:
    """Every clip with a value, and the row of `clips` that each unit is."""
    film = films.get_indexer(clips["film_id"])
    values = clips[measure].to_numpy(float)
    kept = np.flatnonzero(np.isfinite(values))
    kept = kept[np.argsort(film[kept], kind="stable")]
    return Units(values[kept], film[kept], len(films)), kept


def film_units(clips: pd.DataFrame, films: pd.Index, measure: str) -> tuple[Units, np.ndarray]:
    """Every film with a value, the median of its clips, and the film's position."""
    medians = clips.groupby("film_id")[measure].median().reindex(films).to_numpy(float)
    kept = np.flatnonzero(np.isfinite(medians))
    return Units(medians[kept], kept, len(films)), kept


def _counterpart(units: Units, giver: np.ndarray | int) -> np.ndarray:
    """The unit of the `giver`, one film or one for each unit, at the same relative place as each unit in its film."""
    first = np.cumsum(units.counts) - units.counts
    place = (np.arange(len(units.film)) - first[units.film] + 0.5) / units.counts[units.film]
    return first[giver] + (place * units.counts[giver]).astype(int)


def permuted_rank_biserial(units: Units, label: np.ndarray, inside: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Rank-biserial correlation of the label under each permutation of films; (draws,).

    A film that takes over another's labels takes their sequence, stretched to its own number of units, so that
    labels that differ from cue to cue keep their runs.
    """
    standing = units.standing(inside)
    given = np.zeros((2, units.films, units.films))  # sum of standings and count, by receiving and giving film
    for giver in np.flatnonzero(units.counts):
        taken = label[_counterpart(units, giver)] & inside
        given[0, :, giver] = np.bincount(units.film, weights=standing * taken, minlength=units.films)
        given[1, :, giver] = np.bincount(units.film, weights=taken, minlength=units.films)
    total, here = given[:, np.arange(units.films), order].sum(axis=-1)
    pairs = here * (inside.sum() - here)
    return np.divide(total, pairs, out=np.full(len(order), np.nan), where=pairs > 0)


def permuted_gap(units: Units, label: np.ndarray, inside: np.ndarray, order: np.ndarray) -> float:
    """Mean difference of medians (label minus all others `inside`) over permutations of films."""
    masks = label[_counterpart(units, order[:, units.film])]
    by_value = np.argsort(units.values, kind="stable")
    values, masks, inside = units.values[by_value], masks[:, by_value], inside[by_value]
    gaps = _medians(values, masks & inside) - _medians(values, ~masks & inside)
    return float(gaps[np.isfinite(gaps)].mean())


def weighted_gap(units: Units, here: np.ndarray, there: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Difference of medians in bootstrap samples of films; NaN where a sample lacks one side. (draws,)"""
    by_value = np.argsort(units.values, kind="stable")
    values, film = units.values[by_value], units.film[by_value]
    medians = []
    for side in (here[by_value], there[by_value]):
        if not side.any():
            return np.full(len(weights), np.nan)
        mass = np.cumsum(weights[:, film[side]], axis=1)
        total = mass[:, -1:]
        # The lower and upper middle of the expanded sample.
        low = (mass < np.floor((total + 1) / 2)).sum(axis=1).clip(max=side.sum() - 1)
        high = (mass < np.floor(total / 2) + 1).sum(axis=1).clip(max=side.sum() - 1)
        middle = (values[side][low] + values[side][high]) / 2
        medians.append(np.where(total[:, 0] > 0, middle, np.nan))
    return medians[0] - medians[1]


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    return np.divide(np.where(known, values, 0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)


def _medians(values: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Median of ascending `values` under each row of `masks`; NaN for an empty row."""
    counts = masks.sum(axis=1)
    start, filled = np.cumsum(counts) - counts, counts > 0
    ranked = values[np.nonzero(masks)[1]]
    middle = np.full(len(masks), np.nan)
    low, high = ((start + half // 2)[filled] for half in (counts - 1, counts))
    middle[filled] = (ranked[low] + ranked[high]) / 2
    return middle
