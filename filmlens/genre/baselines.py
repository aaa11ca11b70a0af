"""Models without a network: simple MI, instance voting, and baselines that ignore the features (paper, same sections).

Simple MI describes a film by the mean of its instances; instance voting copies the film's labels to its instances
and lets them vote. Both rest on kNN, SVM or random forest, one model per genre (binary relevance). Random guess, zero
rule and always-positive need no features.

Settings are scikit-learn's defaults (k 5; RBF kernel, C 1, gamma "scale"; 100 trees), weights of classes none unless
`class_weight="balanced"` (kNN knows none). Standardisation and imputation are learnt from the training films.
"""

import numpy as np
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from filmlens.genre.bags import Bags, film_sums, moments
from filmlens.genre.estimator import BagEstimator

#: Base classifiers by code name.
BASES = ("knn", "svm", "forest")


class _Based(BagEstimator):
    """One base classifier per genre on standardised rows."""

    def __init__(
        self,
        base: str | BaseEstimator = "svm",
        class_weight: str | None = None,
        joint_forest: bool = False,
        random_state: int = 0,
    ) -> None:
        self.base = base
        self.class_weight = class_weight
        self.joint_forest = joint_forest
        self.random_state = random_state

    def _base(self, rows: int) -> BaseEstimator:
        if isinstance(self.base, BaseEstimator):
            return clone(self.base)
        if self.base == "knn":
            return KNeighborsClassifier(n_neighbors=min(5, rows))
        if self.base == "svm":
            return SVC(class_weight=self.class_weight)
        if self.base == "forest":
            return RandomForestClassifier(class_weight=self.class_weight, random_state=self.random_state, n_jobs=1)
        raise ValueError(f"base {self.base!r} is unknown; one of {', '.join(BASES)} or a scikit-learn classifier")

    def fit(self, bags: Bags | list, Y) -> "_Based":
        """Learn from films; parameters as in `BagClassifier.fit`."""
        bags, labels = self._begin(bags, Y)
        [self.mean_], [self.scale_] = moments(bags, (bags.sizes > 0)[None])
        rows, targets = self._training_rows(bags, labels)
        self.constant_ = np.where(targets.all(0), 1.0, np.where(targets.any(0), np.nan, 0.0))
        learnt = np.flatnonzero(np.isnan(self.constant_))
        # whose neighbours a film has does not depend on the genre: one search serves all
        together = self.base == "knn" or (self.joint_forest and self.base == "forest")
        if together and len(learnt) > 1:
            self.models_ = {"all": self._base(len(rows)).fit(rows, targets[:, learnt])}
        else:
            self.models_ = {int(k): self._base(len(rows)).fit(rows, targets[:, k]) for k in learnt}
        return self

    def _standard(self, instances: np.ndarray) -> np.ndarray:
        return np.nan_to_num((instances - self.mean_) / self.scale_, nan=0.0)

    def _scores(self, rows: np.ndarray) -> np.ndarray:
        """Scores of rows per genre in [0, 1]; at least .5 means positive."""
        out = np.tile(self.constant_, (len(rows), 1))
        for k, model in self.models_.items() if len(rows) else ():
            if k == "all":
                out[:, np.isnan(self.constant_)] = np.stack([p[:, 1] for p in model.predict_proba(rows)], 1)
            elif hasattr(model, "decision_function"):
                out[:, k] = expit(model.decision_function(rows))
            else:
                out[:, k] = model.predict_proba(rows)[:, 1]
        return out


class SimpleMI(_Based):
    """Mean of a film's instances, then one classifier per genre.

    `base` is "knn", "svm", "forest" or a scikit-learn classifier. `class_weight`, None or "balanced", is for SVM and
    random forest. `joint_forest` makes one multi-output forest for all genres instead of binary relevance, six times
    faster. `predict_proba` of SVM is the squashed decision function: its order and its side of .5, not calibrated.

    >>> films = [np.full((2, 1), float(i)) for i in range(8)]
    >>> SimpleMI("knn").fit(films, [0, 0, 0, 0, 1, 1, 1, 1]).predict([np.zeros((3, 1)), np.full((1, 1), 9.0)]).tolist()
    [0, 1]
    """

    def _training_rows(self, bags: Bags, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._means(bags)[bags.sizes > 0], labels[bags.sizes > 0]

    def _means(self, bags: Bags) -> np.ndarray:
        sums = film_sums(self._standard(bags.instances), bags.offsets)
        return sums / np.maximum(bags.sizes, 1)[:, None]

    def predict_proba(self, bags: Bags | list) -> np.ndarray:
        """Score of each genre for each film, shape (n_films, n_genres) (or (n_films,), as Y was); NaN if empty."""
        bags = self._check(bags)
        scores = self._scores(self._means(bags))
        scores[bags.sizes == 0] = np.nan
        return self._shaped(scores)


class InstanceVoting(_Based):
    """The film's labels copied to its instances; a film is positive when more than half of its instances are.

    An exact tie goes by the mean score of the instances (>= .5). Parameters as in `SimpleMI`; `most_rows` are the
    instances to learn from, drawn at random where the training films have more.

    `predict_proba` is the share of positive instances; among equal shares it is ordered by the mean score, within
    1e-8, so that one number carries the vote, its tie rule and the ranking.
    >>> films = [np.full((5, 1), float(i)) for i in range(8)]
    >>> model = InstanceVoting("knn").fit(films, [0, 0, 0, 0, 1, 1, 1, 1])
    >>> model.predict_proba([np.array([[0.0], [7.0], [7.0]])]).round(3).tolist()
    [0.667]
    """

    def __init__(
        self,
        base: str | BaseEstimator = "svm",
        class_weight: str | None = None,
        joint_forest: bool = False,
        most_rows: int | None = None,
        random_state: int = 0,
    ) -> None:
        super().__init__(base, class_weight, joint_forest, random_state)
        self.most_rows = most_rows

    def _training_rows(self, bags: Bags, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, targets = self._standard(bags.instances), np.repeat(labels, bags.sizes, axis=0)
        if self.most_rows is None or len(rows) <= self.most_rows:
            return rows, targets
        kept = np.random.default_rng(self.random_state).permutation(len(rows))[: self.most_rows]
        return rows[np.sort(kept)], targets[np.sort(kept)]

    def instance_proba(self, bags: Bags | list) -> np.ndarray:
        """Scores of the instances, shape (N, n_genres)."""
        return self._scores(self._standard(self._check(bags).instances))

    def predict_proba(self, bags: Bags | list) -> np.ndarray:
        """Share of positive instances, shape (n_films, n_genres) (or (n_films,), as Y was); NaN if empty."""
        bags = self._check(bags)
        scores = self.instance_proba(bags)
        with np.errstate(invalid="ignore"):
            share, mean = (film_sums(v, bags.offsets) / bags.sizes[:, None] for v in ((scores >= 0.5) * 1.0, scores))
        vote = 0.5 + (share - 0.5) * (1 - 1e-8) + 1e-8 * (mean - 0.5)
        return self._shaped(np.where(np.isnan(self.constant_) | np.isnan(share), vote, self.constant_))


class Floor(BagEstimator):
    """A prediction that ignores the features."""

    def fit(self, bags: Bags | list, Y) -> "Floor":
        """Learn from the labels of films that have instances."""
        bags, labels = self._begin(bags, Y)
        self.guess_ = self._guess(labels[bags.sizes > 0])
        return self

    def predict_proba(self, bags: Bags | list) -> np.ndarray:
        """The same row for every film, shape (n_films, n_genres) (or (n_films,), as Y was); NaN if empty."""
        bags = self._check(bags)
        return self._shaped(np.where((bags.sizes > 0)[:, None], self.guess_, np.nan))


class RandomGuess(Floor):
    """Each genre drawn with its frequency among the training films.

    `predict_proba` is the frequency and `predict` one draw; `scores.evaluate` averages over `draws` of them.
    """

    def __init__(self, draws: int = 1000, random_state: int = 0) -> None:
        self.draws = draws
        self.random_state = random_state

    def _guess(self, labels: np.ndarray) -> np.ndarray:
        return labels.mean(0)

    def predict(self, bags: Bags | list) -> np.ndarray:
        """One draw of labels."""
        p = self.predict_proba(bags)
        return (np.random.default_rng(self.random_state).random(p.shape) < p).astype(self.label_dtype_)


class ZeroRule(Floor):
    """The most common set of labels, for every film (ties: the set met first)."""

    def _guess(self, labels: np.ndarray) -> np.ndarray:
        sets, first, counts = np.unique(labels, axis=0, return_index=True, return_counts=True)
        return sets[np.lexsort((first, -counts))[0]].astype(float)


class AlwaysPositive(Floor):
    """Every genre for every film: the baseline that F1 must exceed. The paper does not report it."""

    def _guess(self, labels: np.ndarray) -> np.ndarray:
        return np.ones(labels.shape[1])
