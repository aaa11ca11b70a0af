"""Is the release read as others read it? Values that a later work computed on the real files, computed again.

Film vectors and a plain classifier, no model of ours: a logistic regression per genre, with balanced weights, on
standardised film means. `STATED` holds what that work states (its public repository Abdalla-02/
Genre-Classification-using-Emotions, ``zero_shot.json`` and ``blockbuster_deep.json``); on a synthetic twin the values
mean nothing.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_fscore_support
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from filmlens import look, stages
from filmlens.corpus import Corpus

#: Order of the genres in that work; macro values do not hang on it.
GENRES = ("Action", "Drama", "Comedy", "Sci-Fi", "Romance", "Horror")
#: Leave one film out, film means of VGGish, C .01.
STATED = {"precision": 0.569488, "recall": 0.704616, "F1": 0.620140}
STATED |= {
    f"F1 {genre}": value
    for genre, value in zip(GENRES, (0.882883, 0.696629, 0.727273, 0.690476, 0.390244, 0.333333), strict=True)
}
WITHIN = 0.005
#: Ten times five folds, C chosen inside each training fold: mean macro-F1.
STATED_FOLDS = {"vggish": 0.5932, "mir": 0.5847, "mfcc": 0.5163}
WITHIN_FOLDS = 0.01
#: The most common set of genres for every film: from films.csv alone.
STATED_PLURALITY = {"precision": 0.137879, "recall": 0.333333, "F1": 0.193303}
_GRID = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def film_vectors(corpus: Corpus, which: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """One vector per film as that work made them, films by name.

    Of a corpus that ``filmlens release`` made: vectors (films, columns), float32; labels (films, 6), bool, in the order
    of `GENRES`; names of the films. For `which` "vggish" and "mfcc" a vector is the mean of all frames, so that long
    cues weigh more; for "mir" the mean of the cues' means.
    """
    table = stages.read(
        corpus, {"vggish": "vggish-released", "mfcc": "mir-released", "mir": "mir-released-cues"}[which]
    )
    columns = [c for c in table.columns if c not in ("film_id", "cue", "frame")]
    if which == "mfcc":
        columns = [c for c in columns if c.startswith(("mfcc", "deltamfcc", "deltadeltamfcc"))]
    means = table.groupby("film_id")[columns].mean().sort_index()
    labels = corpus.labels().reindex(columns=list(GENRES), fill_value=False).loc[means.index]
    return means.to_numpy(np.float32), labels.to_numpy(bool), means.index.tolist()


def leave_one_out(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Held-out labels, (films, genres); C .01, and one standardisation over all films first, as in that work."""
    vectors = StandardScaler().fit_transform(vectors)
    predicted = np.zeros(labels.shape, dtype=bool)
    for train, film in LeaveOneOut().split(vectors):
        predicted[film] = _predicted(vectors[train], labels[train], vectors[film], 0.01)
    return predicted


def repeated_folds(vectors: np.ndarray, labels: np.ndarray, *, repeats: int = 10) -> np.ndarray:
    """Macro-F1 of each of five folds in each repeat, C chosen in three folds of the training films."""
    scores = []
    for repeat in range(repeats):
        for train, test in KFold(5, shuffle=True, random_state=42 + repeat).split(vectors):
            scores.append(_scored(vectors, labels, train, test, _chosen(vectors[train], labels[train])))
    return np.reshape(scores, (repeats, 5))


def macro(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Macro precision, recall and F1, zero division 0."""
    found = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    return dict(zip(("precision", "recall", "F1"), map(float, found[:3]), strict=True))


def plurality(films: pd.DataFrame) -> dict[str, float]:
    """Macro scores of the most common set of genres (``Action|Sci-Fi``) for every film."""
    sets = [frozenset(genres.split("|")) for genres in films["genres"]]
    common = max(dict.fromkeys(sets), key=sets.count)
    labels = np.array([[genre in one for genre in look.GENRES] for one in sets])
    return macro(labels, np.tile([genre in common for genre in look.GENRES], (len(sets), 1)))


def table(corpus: Corpus) -> pd.DataFrame:
    """Stated values of leaving one film out beside those computed here: value, stated, here, difference, within."""
    vectors, labels, _ = film_vectors(corpus, "vggish")
    predicted = leave_one_out(vectors, labels)
    here = macro(labels, predicted)
    each = precision_recall_fscore_support(labels, predicted, average=None, zero_division=0)[2]
    here |= {f"F1 {genre}": float(value) for genre, value in zip(GENRES, each, strict=True)}
    lines = [(name, stated, here[name], here[name] - stated) for name, stated in STATED.items()]
    found = pd.DataFrame(lines, columns=["value", "stated", "here", "difference"])
    return found.assign(within=found["difference"].abs() <= WITHIN)


def _chosen(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Of the grid the C of best mean macro-F1 over three folds; of equals the smallest."""
    films = np.arange(len(vectors))
    folds = list(GroupKFold(3).split(films, groups=films))
    means = [np.mean([_scored(vectors, labels, train, test, C) for train, test in folds]) for C in _GRID]
    return _GRID[int(np.argmax(means))]


def _scored(vectors: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, C: float) -> float:
    """Macro-F1 of the films `test`, learnt from the films `train`."""
    return macro(labels[test], _predicted(vectors[train], labels[train], vectors[test], C))["F1"]


def _predicted(train: np.ndarray, labels: np.ndarray, test: np.ndarray, C: float) -> np.ndarray:
    """Labels of films by one logistic regression per genre; a genre that all or none carry is predicted so."""
    predicted = np.zeros((len(test), labels.shape[1]), dtype=bool)
    for k in range(labels.shape[1]):
        if labels[:, k].all() or not labels[:, k].any():
            predicted[:, k] = labels[0, k]
            continue
        model = LogisticRegression(C=C, class_weight="balanced", max_iter=2000, random_state=42)
        predicted[:, k] = make_pipeline(StandardScaler(), model).fit(train, labels[:, k]).predict(test)
    return predicted
