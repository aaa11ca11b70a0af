"""What is done to the whole corpus: genre models by cross-validation, feature importance, music against picture.

The functions of the corpus stages. Each takes the labels of all films and the tables of the stages before, and
writes nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens import artefacts, findings
from filmlens.features import mir
from filmlens.findings import crossmodal
from filmlens.genre import (
    POOLINGS,
    AlwaysPositive,
    BagClassifier,
    Bags,
    CrossValidation,
    InstanceVoting,
    RandomGuess,
    SimpleMI,
    ZeroRule,
    cross_validate,
)

#: The models without a network, by the name that `model` takes.
OTHERS = {
    "random_guess": lambda seed: RandomGuess(random_state=seed),
    "zero_rule": lambda seed: ZeroRule(),
    "always_positive": lambda seed: AlwaysPositive(),
    **{
        f"simple_mi_{base}": lambda seed, base=base: SimpleMI(base, random_state=seed)
        for base in ("knn", "svm", "forest")
    },
    **{
        f"voting_{base}": lambda seed, base=base: InstanceVoting(base, random_state=seed)
        for base in ("knn", "svm", "forest")
    },
}


def bags_of(features: pd.DataFrame, sheet: pd.DataFrame, labels: pd.DataFrame, *, shortest: float = 5.0) -> Bags:
    """Bags of the films that have a genre: their cues of at least `shortest` seconds.

    Parameters
    ----------
    features : DataFrame
        film_id, cue (and time), features.
    sheet : DataFrame
        The cues, with start and end.
    labels : DataFrame of bool
        Films x genres; the order of the films. A film without any genre is no example of anything and left out.
    shortest : float
        Seconds.
    """
    columns = [c for c in features.columns if c not in ("film_id", "cue", "time")]
    if sheet.empty or features.empty:
        raise ValueError("no cue in any film: there is no music to learn from")
    long = sheet.loc[sheet["end"] - sheet["start"] >= shortest - 1e-9, ["film_id", "cue"]]
    films = [f for f in labels.index if labels.loc[f].any()]
    return Bags.from_table(features.merge(long, on=["film_id", "cue"]), films, columns)


def bags_like(model: CrossValidation, features: pd.DataFrame) -> Bags:
    """The bags that a model was cross-validated on, from the table they came from."""
    keys = [c for c in ("film_id", "cue", "time") if c in model.cues]
    return Bags.from_table(model.cues[keys].merge(features, on=keys), model.film_ids, model.columns)


def genre(labels: pd.DataFrame, tables: dict[str, Any], **parameters) -> CrossValidation:
    """Cross-validate one model (paper: Genre prediction model training procedure)."""
    p = parameters
    bags = bags_of(tables["features"], tables["sheet"], labels, shortest=p["shortest"])
    if (bags.sizes > 0).sum() < 2:
        raise ValueError(
            f"genre models need at least two films with a genre and a cue of {p['shortest']:g} s or more; there are "
            f"{(bags.sizes > 0).sum()} of {len(labels)}"
        )
    if p["model"] in POOLINGS:
        settings = {k: p[k] for k in ("hidden", "epochs", "learning_rate", "space")}
        model = BagClassifier(pooling=p["model"], random_state=p["seed"], **settings)
    elif p["model"] in OTHERS:
        model = OTHERS[p["model"]](p["seed"])
    else:
        raise ValueError(f"model={p['model']!r} is unknown; choose one of {', '.join([*POOLINGS, *OTHERS])}")
    return cross_validate(model, bags, labels.loc[list(bags.film_ids)], scheme=p["scheme"])


def importance(labels: pd.DataFrame, tables: dict[str, Any], *, n_repeats: int, permuted: str, rank0: str):
    """Permutation importance of the feature groups under the held-out models (paper: eq. 3, Fig 3)."""
    model: CrossValidation = tables["genre"]
    bags = bags_like(model, tables["features"])
    groups = {
        name: [bags.columns.index(c) for c in columns if c in bags.columns]
        for name, columns in mir.groups(rank0=rank0).items()
    }
    known = labels.loc[list(bags.film_ids)]
    return findings.group_importance(model.predict, list(bags), known, groups, n_repeats=n_repeats, scheme=permuted)


def predicted_labels(model: CrossValidation) -> pd.DataFrame:
    """Out-of-fold labels of the films that took part: index film_id, one bool column per genre."""
    table = pd.DataFrame(model.prediction, index=pd.Index(model.film_ids, name="film_id"), columns=list(model.genres))
    return table[model.fold >= 0]


def cross_modal(labels: pd.DataFrame, tables: dict[str, Any]) -> pd.DataFrame:
    """Brightness and contrast under actual and predicted genres (paper: Table 5)."""
    predicted = predicted_labels(tables["genre"])
    cues = tables["sheet"][tables["sheet"]["film_id"].isin(predicted.index)]
    if tables["visual"].empty:
        raise ValueError("no film has pictures: there is nothing to compare the music with")
    clips = crossmodal.clip_medians(cues, tables["visual"])
    return findings.cross_modal(clips, labels.loc[predicted.index], predicted)


def write_folds(path: Path, model: CrossValidation, provenance: dict) -> None:
    """Save a cross-validation; its provenance comes last, so that a half-written one counts as stale."""
    with artefacts.writing(path):
        model.save(path)
    note = provenance | {"table": json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["npz_sha256"]}
    target = path.with_suffix(".provenance.json")
    artefacts.write_atomically(target, lambda part: part.write_text(json.dumps(note, sort_keys=True), encoding="utf-8"))


def read_folds(path: Path) -> CrossValidation:
    """What `write_folds` wrote."""
    return CrossValidation.load(path)
