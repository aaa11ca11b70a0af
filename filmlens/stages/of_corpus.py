"""Stages of the whole corpus: genre models by cross-validation, feature importance, music against picture.

Each function takes the labels of all films and the tables of the stages before, and writes nothing.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from filmlens import findings
from filmlens.artefacts import KEYS
from filmlens.corpus import GROUPS, SHARED_MUSIC
from filmlens.features import mir, released
from filmlens.features.musicnn import words
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
    retrained_chance,
)
from filmlens.stages.work import CORES

_BASES = ("knn", "svm", "forest")
_sampled = partial(InstanceVoting, joint_forest=True, most_rows=1000)
#: The models without a network, by the name that `model` takes.
OTHERS = {
    "random_guess": lambda seed: RandomGuess(random_state=seed),
    "zero_rule": lambda seed: ZeroRule(),
    "always_positive": lambda seed: AlwaysPositive(),
    **{f"simple_mi_{base}": lambda seed, base=base: SimpleMI(base, random_state=seed) for base in _BASES},
    **{f"voting_{base}": lambda seed, base=base: InstanceVoting(base, random_state=seed) for base in _BASES},
    **{f"voting_{base}_sampled": lambda seed, base=base: _sampled(base, random_state=seed) for base in _BASES[1:]},
}
#: What stands in for a model whose cost grows with the cues, in a quick run on many of them: it learns from 1,000 of
#: the cues, and one forest stands for all genres.
QUICKER = {name: f"{name}_sampled" for name in ("voting_svm", "voting_forest")}


def bags_of(features: pd.DataFrame, sheet: pd.DataFrame, labels: pd.DataFrame, *, shortest: float = 5.0) -> Bags:
    """Bags of the films that have a genre: their cues of at least `shortest` seconds, or of unknown length.

    `features` has film_id, cue (and time) and the features, `sheet` the cues with start and end. `labels`, films x
    genres, gives the order of the films; a film without any genre is no example of anything and left out.
    """
    columns = [c for c in features.columns if c not in KEYS]
    if sheet.empty or features.empty:
        raise ValueError("no cue in any film: there is no music to learn from")
    # a cue whose seconds nobody knows is as long as it may be
    long = sheet.loc[~(sheet["end"] - sheet["start"] < shortest - 1e-9), ["film_id", "cue"]]
    films = [f for f in labels.index if labels.loc[f].any()]
    return Bags.from_table(features.merge(long, on=["film_id", "cue"]), films, columns)


def bags_like(model: CrossValidation, features: pd.DataFrame) -> Bags:
    """The bags on which a model was cross-validated, rebuilt from their table."""
    keys = [c for c in KEYS if c in model.cues]
    if set(keys) < {c for c in KEYS if c in features}:  # it learnt cues that were made of these frames
        features = medians(features)
    return Bags.from_table(model.cues[keys].merge(features, on=keys), model.film_ids, model.columns)


def medians(frames: pd.DataFrame) -> pd.DataFrame:
    """One row per cue: the median of its frames, in place of the mean (level "median")."""
    columns = [c for c in frames.columns if c not in KEYS]
    return frames.groupby(["film_id", "cue"], sort=False)[columns].median().reset_index()


def labels_of(films: pd.DataFrame) -> pd.DataFrame:
    """The genres among what a corpus stage knows of the films: its bool columns."""
    return films.select_dtypes(bool)


def genre(films: pd.DataFrame, tables: dict[str, Any], **parameters) -> CrossValidation:
    """Cross-validate one model (paper: Genre prediction model training procedure).

    ``scheme`` may also be "franchise", "composer" or "shared-music": films that share one, or a recording in their
    soundtracks, are held out together. ``mfcc_ranks="1-13"`` leaves the loudness (rank 0 and its deltas) out of the MIR
    features, "0-12" the highest rank. ``level="median"`` describes a cue by the median of its frames.
    """
    model, bags, truth, held = _asked(films, tables, parameters)
    cores = CORES.get() if isinstance(model, BagClassifier) else 1  # the others would ask for processes of their own
    return cross_validate(model, bags, truth, seeds=parameters["starts"], jobs=cores, **held)


def chance(films: pd.DataFrame, tables: dict[str, Any], *, permutations: int, **parameters) -> pd.DataFrame:
    """mAP of one model trained again on label rows permuted over films: one row per permutation."""
    model, bags, truth, held = _asked(films, tables, parameters)
    return pd.DataFrame({"map": retrained_chance(model, bags, truth, permutations=permutations, **held)})


def _asked(films: pd.DataFrame, tables: dict[str, Any], p: dict[str, Any]) -> tuple:
    """The model that parameters ask for, its bags and labels, and which films are held out together."""
    labels = labels_of(films)
    features = medians(tables["features"]) if p["level"] == "median" else tables["features"]
    if p["features"] == "mir":
        kept = {c for columns in mir.groups(p["mfcc_ranks"]).values() for c in columns}
        features = features.drop(columns=[c for c in mir.COLUMNS if c not in kept])
    bags = bags_of(features, tables["sheet"], labels, shortest=p["shortest"])
    if (bags.sizes > 0).sum() < 2:
        raise ValueError(
            f"genre models need at least two films with a genre and a cue of {p['shortest']:g} s or more; there are "
            f"{(bags.sizes > 0).sum()} of {len(labels)}"
        )
    if p["model"] in POOLINGS:
        settings = {k: p[k] for k in ("hidden", "epochs", "learning_rate", "space", "weighing", "standardize")}
        settings["class_weight"] = None if p["class_weight"] == "none" else p["class_weight"]
        model = BagClassifier(pooling=p["model"], random_state=p["seed"], **settings)
    elif p["model"] in OTHERS:
        model = OTHERS[p["model"]](p["seed"])
    else:
        raise ValueError(f"model={p['model']!r} is unknown; choose one of {', '.join([*POOLINGS, *OTHERS])}")
    truth = labels.loc[list(bags.film_ids)]
    if p["scheme"] not in (*GROUPS, SHARED_MUSIC):
        return model, bags, truth, {"scheme": p["scheme"]}
    groups = films.loc[truth.index, p["scheme"]]
    if not (groups != "").any():
        why = f"films.csv has no column {p['scheme']}, or nothing in it"
        if p["scheme"] == SHARED_MUSIC:
            why = "no recording is in the soundtracks of two films"
        raise ValueError(f"scheme={p['scheme']!r}: {why}")
    return model, bags, truth, {"scheme": "grouped", "groups": groups.tolist()}


def _learnt(tables: dict[str, Any], films: pd.DataFrame, rank0: str) -> tuple:
    """A model, the bags that it learnt from, their labels, and the columns of each feature group."""
    model: CrossValidation = tables["genre"]
    bags = bags_like(model, tables["features"])
    return model, bags, labels_of(films).loc[list(bags.film_ids)], groups_of(bags, rank0)


def _unfitted(model: CrossValidation) -> BagClassifier:
    """A model with the settings of one that has learnt."""
    return BagClassifier(**{k: v for k, v in model.parameters.items() if k in BagClassifier().get_params()})


def importance(films: pd.DataFrame, tables: dict[str, Any], *, n_repeats: int, permuted: str, rank0: str):
    """Permutation importance of the feature groups under the held-out models (paper: eq. 3, Fig 3).

    ``permuted="conditional"`` exchanges of each group only what the others do not foretell.
    """
    model, bags, known, groups = _learnt(tables, films, rank0)
    if permuted == "conditional":
        return findings.conditional_importance(model.predict, list(bags), known, groups, n_repeats=n_repeats)
    return findings.group_importance(
        model.predict, list(bags), known, groups, n_repeats=n_repeats, scheme=permuted
    ).table()


def importance_null(films: pd.DataFrame, tables: dict[str, Any], *, rank0: str, draws: int) -> pd.DataFrame:
    """Whether a feature group matters: the model trained again with the group's rows taken from other films."""
    model, bags, known, groups = _learnt(tables, films, rank0)
    folds = min(10, int((bags.sizes > 0).sum()))

    def fit(own: list[np.ndarray], labels: np.ndarray):
        return cross_validate(_unfitted(model), own, labels, scheme=folds).predict

    return findings.group_p(fit, list(bags), known, groups, draws=draws)


def retrained(films: pd.DataFrame, tables: dict[str, Any], *, rank0: str) -> pd.DataFrame:
    """The model trained again without each feature group, and with only that group: the check on Fig 3."""
    model, bags, known, groups = _learnt(tables, films, rank0)

    def fit_predict(some: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
        folds = {"scheme": "grouped", "groups": model.fold.tolist()}
        return cross_validate(_unfitted(model), some, labels, jobs=CORES.get(), **folds).probability

    return findings.retrained_importance(fit_predict, list(bags), known, groups)


def groups_of(bags: Bags, rank0: str) -> dict[str, list[int]]:
    """Columns of each group among those that the bags have: of MIR features the paper's, of tags families of words.

    Of released MIR features those that a name assigns, and the rest together.
    """
    ours = mir.groups(rank0=rank0) | words.family_columns()
    named = released.groups(bags.columns) if released.are_released(bags.columns) else ours
    groups = {name: [bags.columns.index(c) for c in columns if c in bags.columns] for name, columns in named.items()}
    groups = {name: index for name, index in groups.items() if index}
    if not groups:
        raise ValueError("feature importance is of groups of columns; run it on features='mir' or 'tags'")
    return groups


def predicted_labels(model: CrossValidation) -> pd.DataFrame:
    """Out-of-fold labels of the films that took part: index film_id, one bool column per genre."""
    table = pd.DataFrame(model.prediction, index=pd.Index(model.film_ids, name="film_id"), columns=list(model.genres))
    return table[model.fold >= 0]


def cross_modal(films: pd.DataFrame, tables: dict[str, Any], *, contrast: str) -> pd.DataFrame:
    """Brightness and contrast under actual and predicted genres (paper: Table 5).

    ``contrast`` names the column of the visual features that stands for it.
    """
    labels, visual = labels_of(films), tables["visual"]
    predicted = predicted_labels(tables["genre"])
    cues = tables["sheet"][tables["sheet"]["film_id"].isin(predicted.index)]
    if visual.empty:
        raise ValueError("no film has pictures: there is nothing to compare the music with")
    if contrast not in visual:
        known = ", ".join(c for c in visual.columns if c.startswith("contrast"))
        raise ValueError(f"contrast={contrast!r} is unknown; choose one of {known}")
    clips = crossmodal.clip_medians(cues, visual.assign(contrast=visual[contrast]))
    return findings.cross_modal(clips, labels.loc[predicted.index], predicted)
