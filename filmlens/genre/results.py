"""CrossValidation: out-of-fold predictions of one model, with the fitted folds behind them (Table 4).

On disk its arrays are npz and the rest is JSON, never pickle.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import artefacts
from filmlens.genre.bags import Bags, as_bags
from filmlens.genre.network import ARCHITECTURE, Network
from filmlens.genre.pooling import POOLINGS
from filmlens.genre.prediction import predict_held_out

_FORMAT = 1
#: What the names of a fold's arrays, and of the columns of cues, begin with in the npz.
_FOLDS, _CUES = "folds.", "cues."
_BASE_TITLES = {"knn": "kNN", "svm": "SVM", "forest": "random forest"}
_TITLES = {
    "SimpleMI": "Simple MI",
    "InstanceVoting": "Instance voting",
    "RandomGuess": "Random guess",
    "ZeroRule": "Zero rule",
    "AlwaysPositive": "Always positive",
}


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Result of the cross-validation of one model; n films, K genres, N instances, F folds, S seeds.

    Macro-F1 and thresholds on training films are of the first seed, and NaN for voting and a random guess.
    """

    model: str  # its class
    parameters: dict
    scheme: str
    film_ids: tuple[str, ...]
    genres: tuple[str, ...]
    columns: tuple[str, ...]
    labels: np.ndarray  # (n, K) of bool
    fold: np.ndarray  # (n,), that held each film out; -1 for films without instances, which are left out
    probabilities: np.ndarray  # (S, n, K), out of fold; NaN for films left out
    training_f1s: np.ndarray  # (F,), macro-F1 of each fold's model on its own training films
    thresholds: np.ndarray  # (F, K), the probability that gives the best F1 on each fold's training films
    offsets: np.ndarray  # (n + 1,), rows of each film's instances
    instance_probability: np.ndarray | None  # (N, K), held out, of networks, the mean over starts
    attention: np.ndarray | None  # (N, K), likewise: see `BagClassifier`
    cues: pd.DataFrame | None  # film, cue (and time) of each instance
    folds: dict[str, np.ndarray]  # the fitted networks, one row per fold, start after start; empty for other models
    draws: int  # that scores of a random guess are averaged over; 0 for models
    seconds: float

    def __repr__(self) -> str:
        films, genres = self.labels.shape
        return (
            f"CrossValidation({self.title}, {self.scheme}: {films} films, {genres} genres, "
            f"{len(self.training_f1s)} folds, {len(self.probabilities)} seeds)"
        )

    @property
    def title(self) -> str:
        """The model's name as Table 4 prints it."""
        if self.model == "BagClassifier":
            return POOLINGS[self.parameters["pooling"]].title
        base = self.parameters.get("base")
        return _TITLES.get(self.model, self.model) + (f" ({_BASE_TITLES.get(base, base)})" if base else "")

    @property
    def probability(self) -> np.ndarray:
        """Out-of-fold probabilities, the mean over starts, shape (n, K); NaN for films left out."""
        return self.probabilities.mean(axis=0)

    @property
    def score(self) -> np.ndarray:
        """What average precision ranks by: the probability; for a random guess one uniform draw."""
        if self.draws:
            return np.random.default_rng(0).random(self.probability.shape)
        return self.probability

    @property
    def prediction(self) -> np.ndarray:
        """Labels of bool at threshold .5, shape (n, K); for a random guess one draw."""
        if self.draws:
            return self.probability > np.random.default_rng(0).random(self.probability.shape)
        return np.nan_to_num(self.probability, nan=0.0) >= 0.5

    @property
    def training_f1(self) -> float:
        """Mean over folds of the training macro-F1."""
        return float(self.training_f1s.mean())

    @property
    def left_out(self) -> list[str]:
        """Films without instances."""
        return [film for film, fold in zip(self.film_ids, self.fold, strict=True) if fold < 0]

    @cached_property
    def network(self) -> Network:
        """The fitted folds of all starts as a stack; ValueError if the model is no network."""
        if not self.folds:
            raise ValueError(f"{self.title} keeps no fitted folds; cross-validate a BagClassifier")
        shape = {"inputs": len(self.columns), "genres": len(self.genres)}
        known = {n: self.parameters[n] for n in ARCHITECTURE if n in self.parameters}
        return Network.from_arrays(known | shape, self.folds)

    def predict(self, bags: Bags | Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (n, K), the mean over starts, of the same films with other raw instances, in any number.

        Film i is the i-th of `film_ids`, and goes through the folds that held it out.
        """
        return self.predict_starts(bags).mean(axis=0)

    def predict_starts(self, bags: Bags | Sequence[np.ndarray]) -> np.ndarray:
        """As `predict`, of every start: probabilities (starts, n, K)."""
        bags = self._matching(bags)
        return np.array([predict_held_out(start, bags, self.fold, instances=False)[0] for start in self._starts])

    def predict_instances(self, bags: Bags | Sequence[np.ndarray]) -> np.ndarray:
        """As `predict`, probabilities (N, K) of the instances."""
        bags = self._matching(bags)
        return np.mean([predict_held_out(start, bags, self.fold)[1] for start in self._starts], axis=0)

    @cached_property
    def _starts(self) -> list[Network]:
        folds = len(self.training_f1s)
        stack = self.network
        return [stack.select(np.arange(first, first + folds)) for first in range(0, stack.folds, folds)]

    def _matching(self, bags: Bags | Sequence[np.ndarray]) -> Bags:
        given = as_bags(bags)
        if len(given) != len(self.film_ids) or (isinstance(bags, Bags) and given.film_ids != self.film_ids):
            raise ValueError("the bags must hold the cross-validated films in their order")
        if given.instances.shape[1] != len(self.columns):
            raise ValueError(f"bags have {given.instances.shape[1]} features; the model learnt {len(self.columns)}")
        return given

    def instances(self) -> pd.DataFrame:
        """Held-out instances: film, cue and, per genre, `<genre>` (probability) and `attention <genre>`."""
        if self.instance_probability is None:
            raise ValueError(f"{self.title} has no instance probabilities; cross-validate a BagClassifier")
        keys = self.cues
        if keys is None:
            keys = pd.DataFrame({"film_id": np.repeat(self.film_ids, np.diff(self.offsets))})
        probability = pd.DataFrame(self.instance_probability, columns=list(self.genres))
        attention = pd.DataFrame(self.attention, columns=[f"attention {g}" for g in self.genres])
        return pd.concat([keys, probability, attention], axis=1)

    def save(self, path: str | Path) -> Path:
        """Write `path`.npz, and `path`.json, which names it by its hash; gives the path without ending."""
        about, data = _files(path)
        arrays, plain = {}, {"format": _FORMAT}
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                arrays[name] = value
            elif isinstance(value, pd.DataFrame):
                arrays |= {f"{_CUES}{c}": _plain_array(value[c]) for c in value.columns}
            elif name == "folds":
                arrays |= {f"{_FOLDS}{n}": array for n, array in value.items()}
            else:
                plain[name] = value
        box = io.BytesIO()
        np.savez_compressed(box, **arrays)
        content = box.getvalue()
        artefacts.write_atomically(data, lambda part: part.write_bytes(content))
        artefacts.write_json(about, plain | {"npz_sha256": hashlib.sha256(content).hexdigest()})
        return about.with_suffix("")

    @classmethod
    def load(cls, path: str | Path) -> "CrossValidation":
        """Read what `save` wrote.

        FileNotFoundError if a file is missing; ArtefactError if they are damaged, another's or of another format.
        """
        about, data = _files(path)
        for file in (about, data):
            if not file.exists():
                raise FileNotFoundError(f"{file} is missing; cross-validate again")
        values = artefacts.read_json(about)
        if values.pop("format", None) != _FORMAT:
            raise artefacts.ArtefactError(f"{about} has another format; cross-validate again")
        if hashlib.sha256(data.read_bytes()).hexdigest() != values.pop("npz_sha256", None):
            raise artefacts.ArtefactError(f"{data} does not belong to {about.name}; cross-validate again")
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        with np.load(data, allow_pickle=False) as stored:
            arrays = dict(stored)
        folds, cues = ({n.removeprefix(p): a for n, a in arrays.items() if n.startswith(p)} for p in (_FOLDS, _CUES))
        values |= {n: a for n, a in arrays.items() if n in cls.__annotations__} | {"folds": folds}
        return cls(**values | ({"cues": pd.DataFrame(cues)} if cues else {}))


def stored_path(folder: str | Path, record: dict, *arrays: np.ndarray) -> Path:
    """Where the result of one configuration on one set of data lies: `<model>-<variant>-<hash>` in `folder`."""
    digest = hashlib.sha256(json.dumps([_FORMAT, record], sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    variant = record["parameters"].get("pooling") or record["parameters"].get("base")
    words = [record["model"], *([str(variant)] if variant else []), digest.hexdigest()[:16]]
    return Path(folder) / "-".join("".join(c if c.isalnum() or c == "_" else "_" for c in w) for w in words)


def _files(path: str | Path) -> list[Path]:
    """The JSON and the npz of a result, by its path with or without an ending."""
    path = Path(path)
    stem = path.with_suffix("") if path.suffix in (".npz", ".json") else path
    return [stem.with_name(stem.name + ending) for ending in (".json", ".npz")]


def _plain_array(column: pd.Series) -> np.ndarray:
    """Numbers as they are, everything else as text: npz without pickle holds no objects."""
    return column.to_numpy() if pd.api.types.is_numeric_dtype(column) else column.astype(str).to_numpy(dtype=np.str_)
