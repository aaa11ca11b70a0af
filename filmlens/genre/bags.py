"""Bags: a film and its instances, the unit of multiple-instance learning (paper, "Multiple instance learning").

A film is a bag; its instances are its cues (cue level) or all rows of features of its cues (frame level).
Bags are ragged, so they lie in one flat instance matrix with offsets: no padding, no list of arrays.

An *empty bag* is a film without a single instance, for example one in which no cue was found. It is legal in
`Bags`; such a film takes no part in training, its probabilities are NaN and its predicted labels are none.
Missing values are NaN and stay in the bags: they are imputed inside each training fold, never before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from filmlens.artefacts import KEYS


@dataclass(frozen=True, eq=False)
class Bags:
    """Films and their instances.

    `instances` (N, D) are the rows of all films, film after film; film i owns rows ``offsets[i]:offsets[i + 1]``.
    `cues` has a row of `KEYS` per instance, to join results back to cues. `named` says whether `film_ids` are films'
    own names, by which labels are aligned; bags of plain arrays are only counted.
    >>> bags = Bags.from_arrays([np.ones((2, 3)), np.zeros((0, 3))], film_ids=["up", "down"])
    >>> bags
    Bags(2 films, 2 instances, 3 features, 1 empty)
    >>> bags[0].shape, bags.sizes.tolist()
    ((2, 3), [2, 0])
    """

    instances: np.ndarray
    offsets: np.ndarray
    film_ids: tuple[str, ...]
    columns: tuple[str, ...]
    cues: pd.DataFrame | None = None
    named: bool = True

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731 - the way into a frozen object
        put("instances", np.ascontiguousarray(self.instances, dtype=float))
        put("offsets", np.asarray(self.offsets, dtype=np.int64))
        put("film_ids", tuple(map(str, self.film_ids)))
        put("columns", tuple(map(str, self.columns)))
        if self.instances.ndim != 2:
            raise ValueError(f"instances must be (N, D), not of shape {self.instances.shape}")
        rows, width = self.instances.shape
        if len(self.offsets) != len(self.film_ids) + 1:
            raise ValueError(
                f"{len(self.film_ids)} films need {len(self.film_ids) + 1} offsets, not {len(self.offsets)}"
            )
        if self.offsets[0] != 0 or self.offsets[-1] != rows or (np.diff(self.offsets) < 0).any():
            raise ValueError(f"offsets must rise from 0 to the {rows} rows of instances")
        if len(self.columns) != width:
            raise ValueError(f"{width} features but {len(self.columns)} column names")
        if len(set(self.film_ids)) != len(self.film_ids):
            raise ValueError("a film stands twice in film_ids")
        if np.isinf(self.instances).any():
            row, column = np.argwhere(np.isinf(self.instances))[0]
            film = self.film_ids[int(np.searchsorted(self.offsets, row, "right")) - 1]
            raise ValueError(
                f"film {film}, feature {self.columns[column]}: infinite value; use NaN for what is missing"
            )
        if self.cues is not None and len(self.cues) != rows:
            raise ValueError(f"cues has {len(self.cues)} rows for {rows} instances")

    @classmethod
    def from_arrays(
        cls,
        arrays: Sequence[np.ndarray],
        *,
        film_ids: Sequence[str] | None = None,
    ) -> "Bags":
        """Bags from one (n_i, D) array per film; an empty array of any shape is an empty bag.

        ValueError on no arrays, an array that is not two-dimensional, or arrays of different widths.
        """
        arrays = [np.asarray(a, dtype=float) for a in arrays]
        if not arrays:
            raise ValueError("no bags: give one (n_i, D) array per film")
        widths = {a.shape[1] for a in arrays if a.ndim == 2 and a.shape[1]}
        for i, array in enumerate(arrays):
            if array.size and array.ndim != 2:
                raise ValueError(f"bag {i} has shape {array.shape}; a bag is (instances, features)")
        if len(widths) > 1:
            raise ValueError(f"bags differ in their number of features: {sorted(widths)}")
        width = widths.pop() if widths else 0
        arrays = [a if a.size else np.empty((0, width)) for a in arrays]
        return cls(
            np.concatenate(arrays),
            np.concatenate([[0], np.cumsum([len(a) for a in arrays])]),
            tuple(film_ids) if film_ids is not None else tuple(f"bag {i}" for i in range(len(arrays))),
            tuple(f"x{j}" for j in range(width)),
            named=film_ids is not None,
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame, film_ids: Sequence[str], columns: Sequence[str]) -> "Bags":
        """Bags from a table with a row per instance: film_id, where known the others of `KEYS`, and the features.

        `film_ids` are the films and their order: one without rows becomes an empty bag, rows of others are left.
        """
        missing = [c for c in ("film_id", *columns) if c not in table.columns]
        if missing:
            raise ValueError(f"the table lacks the columns {', '.join(missing)}")
        films = [str(f) for f in film_ids]
        number = {film: i for i, film in enumerate(films)}
        position = table["film_id"].astype(str).map(number).fillna(-1).to_numpy(int)
        order = np.argsort(position, kind="stable")
        order = order[position[order] >= 0]
        counts = np.bincount(position[order], minlength=len(films))
        keys = [c for c in KEYS if c in table.columns]
        return cls(
            table[list(columns)].to_numpy(dtype=float)[order],
            np.concatenate([[0], np.cumsum(counts)]),
            tuple(films),
            tuple(columns),
            table[keys].iloc[order].reset_index(drop=True),
        )

    def __len__(self) -> int:
        return len(self.film_ids)

    def __getitem__(self, film: int) -> np.ndarray:
        """The (n_i, D) instances of one film; IndexError ends an iteration."""
        i = range(len(self))[film]
        return self.instances[self.offsets[i] : self.offsets[i + 1]]

    def __repr__(self) -> str:
        n, d = self.instances.shape
        empty = int((self.sizes == 0).sum())
        return f"Bags({len(self)} films, {n} instances, {d} features{f', {empty} empty' if empty else ''})"

    @property
    def sizes(self) -> np.ndarray:
        """Number of instances per film, shape (n_films,)."""
        return np.diff(self.offsets)

    def rows(self, films: Sequence[int]) -> np.ndarray:
        """Row numbers of the instances of some films, in the films' order given."""
        spans = [np.arange(self.offsets[i], self.offsets[i + 1]) for i in films]
        return np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)

    def take(self, films: Sequence[int]) -> "Bags":
        """Some of the films, in the order given; `films` are their numbers, or a mask of bool."""
        films = np.asarray(films)
        films = np.flatnonzero(films) if films.dtype == bool else films.astype(np.int64)
        rows = self.rows(films)
        return Bags(
            self.instances[rows],
            np.concatenate([[0], np.cumsum(self.sizes[films])]),
            tuple(self.film_ids[i] for i in films),
            self.columns,
            None if self.cues is None else self.cues.iloc[rows].reset_index(drop=True),
            self.named,
        )

    def with_instances(self, instances: np.ndarray) -> "Bags":
        """The same films with other values, such as permuted ones; same shape as `instances`."""
        if np.shape(instances) != self.instances.shape:
            raise ValueError(f"instances of shape {self.instances.shape} cannot become {np.shape(instances)}")
        return replace(self, instances=instances)


def as_bags(bags: Bags | Sequence[np.ndarray]) -> Bags:
    """`Bags` as they are; a list of (n_i, D) arrays as `Bags`."""
    return bags if isinstance(bags, Bags) else Bags.from_arrays(list(bags))


def as_labels(labels, bags: Bags) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels, (n_films, n_genres) or (n_films,), as a matrix of bool, and the names of its genres.

    A DataFrame gives the genres' names; if its index names the films it is aligned by it. ValueError on other values
    than 0 and 1, missing ones, another number of films.
    """
    genres = None
    if isinstance(labels, (pd.DataFrame, pd.Series)):
        index = labels.index.astype(str)
        if set(index) == set(bags.film_ids) and len(index) == len(bags):
            labels = labels.set_axis(index).loc[list(bags.film_ids)]
        elif not isinstance(labels.index, pd.RangeIndex) and bags.named:
            raise ValueError("the index of the labels does not name the films of the bags")
        genres = tuple(map(str, labels.columns)) if isinstance(labels, pd.DataFrame) else (str(labels.name),)
    array = np.asarray(labels)
    if array.ndim not in (1, 2):
        raise ValueError(f"labels must be (films, genres), not of shape {array.shape}")
    if len(array) != len(bags):
        raise ValueError(f"{len(array)} rows of labels for {len(bags)} bags")
    numbers = pd.to_numeric(array.ravel(), errors="coerce")
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 and 1 (or bool), one column per genre")
    matrix = numbers.reshape(len(array), -1).astype(bool)
    if matrix.shape[1] == 0:
        raise ValueError("labels have no column")
    return matrix, genres or tuple(str(k) for k in range(matrix.shape[1]))


def film_sums(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sums of the rows (N, D) of each film, shape (n_films, D); zero for empty bags."""
    out = np.zeros((len(offsets) - 1, *values.shape[1:]))
    full = np.diff(offsets) > 0
    if full.any():
        out[full] = np.add.reduceat(values, offsets[:-1][full], axis=0)
    return out


def moments(bags: Bags, members: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (ddof 0) of each feature over the training instances of each fold; (n_folds, D).

    `members` (n_folds, n_films) of bool are the training films. Missing values are ignored; a feature that does not
    vary, or is never observed, gets scale 1.
    """
    observed = ~np.isnan(bags.instances)
    filled = np.where(observed, bags.instances, 0.0)
    # sums over films are formed around the overall mean, so that the variance does not cancel
    count = np.maximum(observed.sum(0), 1)
    centre = filled.sum(0) / count
    centred = np.where(observed, filled - centre, 0.0)
    spread = np.sqrt((centred**2).sum(0) / count)
    spread[spread == 0] = 1.0
    centred /= spread
    sums = [film_sums(values, bags.offsets) for values in (observed.astype(float), centred, centred**2)]
    # fold by fold: a product of all folds at once would round a fold by its company
    n, first, second = (np.stack([total[member].sum(0) for member in members]) for total in sums)
    n = np.maximum(n, 1)
    mean = first / n
    variance = second / n - mean**2
    scale = np.sqrt(np.where(variance > 1e-12, variance, 0.0))
    return centre + spread * mean, np.where(scale > 0, spread * scale, 1.0)
