"""BagClassifier: multi-label multiple-instance learning as a scikit-learn estimator (paper, "Model architectures").

Films are bags of cues; the estimator takes `Bags` or plain lists of (n_i, D) arrays wherever scikit-learn takes X,
so that clone, get_params, pickle and GridSearchCV work as they do elsewhere.
"""

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from filmlens.genre.bags import Bags, as_bags, as_labels
from filmlens.genre.network import ARCHITECTURE, check_architecture
from filmlens.genre.prediction import predict_all, predict_held_out
from filmlens.genre.training import train


class BagEstimator(ClassifierMixin, BaseEstimator):
    """Base class of all models of bags: takes labels, returns predictions of the same shape."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.classifier_tags.multi_label = True
        tags.input_tags.allow_nan = True
        return tags

    def _begin(self, bags, Y) -> tuple[Bags, np.ndarray]:
        """Validate the training data and note its form."""
        bags = as_bags(bags)
        labels, self.genres_ = as_labels(Y, bags)
        if not (bags.sizes > 0).any():
            raise ValueError("every bag is empty: there is nothing to learn from")
        if bags.instances.shape[1] == 0:
            raise ValueError("the bags have no features")
        self.n_features_in_ = bags.instances.shape[1]
        self.flat_ = np.ndim(Y) == 1
        self.label_dtype_ = np.asarray(Y).dtype
        self.classes_ = np.array([0, 1]) if labels.shape[1] == 1 else [np.array([0, 1])] * labels.shape[1]
        return bags, labels

    def _check(self, bags) -> Bags:
        """Validate bags to predict."""
        check_is_fitted(self, "genres_")
        bags = as_bags(bags)
        width = self.n_features_in_
        if not len(bags.instances):
            return replace(bags, instances=np.empty((0, width)), columns=range(width))
        if bags.instances.shape[1] != width:
            raise ValueError(f"bags have {bags.instances.shape[1]} features; the model learnt {width}")
        return bags

    def _shaped(self, values: np.ndarray) -> np.ndarray:
        return values[:, 0] if self.flat_ else values

    def predict(self, bags) -> np.ndarray:
        """Labels of films, shape and dtype as Y in fit: 1 where the probability is at least .5; none if empty."""
        with np.errstate(invalid="ignore"):
            return (self.predict_proba(bags) >= 0.5).astype(self.label_dtype_)

    def decision_function(self, bags) -> np.ndarray:
        """Log-odds of `predict_proba`, so that scikit-learn's ranking scorers accept one label too."""
        p = np.clip(self.predict_proba(bags), 1e-12, 1 - 1e-12)
        odds = np.log(p / (1 - p))
        return odds[:, 0] if odds.ndim == 2 and odds.shape[1] == 1 else odds


class BagClassifier(BagEstimator):
    """A neural multi-label classifier of bags: three dense layers, a pooling, one output per genre (Fig 2).

    - pooling: key of `POOLINGS` (Table 3)
    - hidden: nodes per hidden layer
    - epochs, learning_rate, batch_size: of Adam; the defaults are the paper's. At 5e-5 a weight moves little in 200
      epochs: 1e-3 for 60 to 100 epochs converges
    - dropout: after each hidden layer; batch_norm: before each rectifier
    - space: whether the instances' probabilities are pooled ("decision", Kong et al. 2019), or their embedding before
      the output layer ("embedding")
    - weighing: what makes an attention of the attending layer's output, "sigmoid" (Kong et al. 2019), or "softmax", the
      exponential, whose shares in a film are a softmax over its instances (Ilse et al. 2018)
    - class_weight: "balanced", positives weigh N / 2N+, negatives N / 2N-, per genre; or None
    - standardize: features to zero mean and unit variance over the training instances, missing values to the mean;
      without it missing values become zero
    - random_state: of initial weights, batches and dropout

    An empty bag (a film without instances) is left out of fitting; its probabilities are NaN, its labels none.
    A genre that all or none of the training films carry is predicted constant. `network_` is a stack of one.

    >>> rng = np.random.default_rng(0)
    >>> Y = rng.random((12, 2)) < 0.5
    >>> films = [rng.normal(size=(4, 3)) + 3 * y.sum() for y in Y]
    >>> model = BagClassifier(epochs=2).fit(films, Y)
    >>> model.predict_proba(films).shape, model.attention(films).shape
    ((12, 2), (48, 2))
    """

    def __init__(
        self,
        pooling: str = "average",
        hidden: int = 64,
        epochs: int = 200,
        learning_rate: float = 5e-5,
        batch_size: int = 16,
        dropout: float = 0.0,
        batch_norm: bool = False,
        space: str = "decision",
        weighing: str = "sigmoid",
        class_weight: str | None = "balanced",
        standardize: bool = True,
        random_state: int = 0,
    ) -> None:
        self.pooling = pooling
        self.hidden = hidden
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.space = space
        self.weighing = weighing
        self.class_weight = class_weight
        self.standardize = standardize
        self.random_state = random_state

    def training(self) -> dict:
        """The keyword arguments of `filmlens.genre.training.train`, checked."""
        check_architecture(self.pooling, self.space, self.weighing)
        for name in ("hidden", "epochs", "batch_size"):
            if int(getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), not {self.dropout}")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}")
        settings = self.get_params()
        settings["seed"] = int(settings.pop("random_state") or 0)
        return settings | {"architecture": {name: settings.pop(name) for name in ARCHITECTURE}}

    def fit(self, bags: Bags | list, Y) -> "BagClassifier":
        """Learn from films: bags of (n_i, D), NaN where a value is missing; `Y` is (n_films, n_genres) or (n_films,).

        ValueError on lengths that differ, labels other than 0 and 1, no instance at all, an unknown setting.
        """
        bags, labels = self._begin(bags, Y)
        self.network_ = train(bags, labels, np.ones((1, len(bags)), dtype=bool), **self.training())
        return self

    def predict_proba(self, bags: Bags | list) -> np.ndarray:
        """Probability of each genre for each film, (n_films, n_genres), or (n_films,) as Y was; NaN if empty."""
        bags = self._check(bags)
        return self._shaped(predict_all(self.network_, bags)[0])

    def instance_proba(self, bags: Bags | list) -> np.ndarray:
        """Probability of each genre for each instance, shape (N, n_genres), rows as in `Bags.instances`.

        It is the probability of a film that consists of this instance alone: for max, average, linear softmax and
        single attention in decision space that is p_ik itself.
        """
        return self._instances(bags)[0]

    def attention(self, bags: Bags | list) -> np.ndarray:
        """What each instance weighs in its film for each genre, shape (N, n_genres).

        Single attention: a_ik as shares that sum to one within a film. Multi-attention: the mean of its two modules'
        shares. Feature-level attention (and single attention in embedding space): the nodes' shares, averaged with
        the absolute output weights of the genre. Max, average and linear softmax have no attention: the instance
        probabilities.
        """
        return self._instances(bags)[1]

    def _instances(self, bags) -> tuple[np.ndarray, np.ndarray]:
        bags = self._check(bags)
        return predict_held_out(self.network_, bags, np.zeros(len(bags), dtype=int))[1:]
