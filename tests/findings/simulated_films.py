"""A simulator of films: genres, cues that cluster by film, one group of features that genres speak through."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

GENRES = ["Action", "Comedy", "Drama", "Horror", "Romance", "Sci-Fi"]
PREVALENCES = np.linspace(0.5, 0.1, 6)
WIDTHS = {"MFCC": 12, "Delta": 6, "Dynamics": 2, "Pitch": 4, "Rhythm": 2, "Timbre": 4, "Tone": 6, "Other": 4}


@dataclass
class Films:
    bags: list[np.ndarray]
    Y: np.ndarray
    groups: dict[str, np.ndarray]


def simulate(
    seed: int, *, films: int = 110, correlation=None, effect: float = 1.0, planted: str = "Tone", cues=(20, 61)
) -> Films:
    """110 films of 20 to 60 cues; genres move the planted group only; values correlate within films by .3.

    `correlation` maps groups to other intra-film correlations.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum(list(WIDTHS.values()))
    groups = {name: np.arange(end - w, end) for (name, w), end in zip(WIDTHS.items(), ends, strict=True)}
    Y = np.zeros((films, 6), dtype=bool)
    for k, share in enumerate(PREVALENCES):
        Y[rng.permutation(films)[: round(share * films)], k] = True
    shift = np.zeros((6, ends[-1]))
    columns = groups[planted]
    shift[np.arange(columns.size), columns] = effect
    shared = np.full(ends[-1], 0.3)
    for name, value in (correlation or {}).items():
        shared[groups[name]] = value
    bags = []
    for labels in Y:
        n = rng.integers(*cues)
        between = np.sqrt(shared) * rng.normal(size=ends[-1])
        bags.append(labels @ shift + between + np.sqrt(1 - shared) * rng.normal(size=(n, ends[-1])))
    return Films(bags, Y, groups)


def cross_validated(films: Films, *, folds: int = 10, strength: float = 0.05, columns: np.ndarray | None = None):
    """`predict` of ten logistic regressions on film means, each film by the one that has not seen it."""
    means = np.stack([b.mean(axis=0) for b in films.bags])
    columns = np.arange(means.shape[1]) if columns is None else columns
    fold = np.arange(len(means)) % folds
    weight, bias = np.zeros((folds, 6, means.shape[1])), np.zeros((folds, 6))
    for f in range(folds):
        for k in range(6):
            train = fold != f
            model = LogisticRegression(C=strength, class_weight="balanced")
            model.fit(means[train][:, columns], films.Y[train, k])
            weight[f, k, columns], bias[f, k] = model.coef_[0], model.intercept_[0]
    weight, bias = weight[fold], bias[fold]

    def predict(bags):
        sizes = np.array([len(b) for b in bags])
        sums = np.add.reduceat(np.concatenate(bags), np.cumsum(sizes) - sizes, axis=0)
        return 1 / (1 + np.exp(-np.einsum("fkd,fd->fk", weight, sums / sizes[:, None]) - bias))

    return predict
