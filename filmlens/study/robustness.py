"""Which of the paper's claims stand when one choice at a time is made otherwise (method, honest statistics).

Networks of the first condition are trained from ten starts, those of the others from one, with the spread that the ten
showed in their intervals. Every condition changes one decision: what is held out together, the stamping engine, the
sound that is measured, the space of pooling, the MFCC's rank 0, the definition of contrast, the level. Under each,
the claims are tested anew and the headline numbers of Table 4 and Fig 3 are taken. All conditions use 64 hidden nodes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config

from filmlens import findings, genre, stages
from filmlens.corpus import GROUPS, SHARED_MUSIC, Corpus
from filmlens.features import papers_name
from filmlens.findings import crossmodal
from filmlens.genre.network import EMBEDDABLE
from filmlens.stages import of_corpus
from filmlens.stages.plan import held_together
from filmlens.stats.enough import enough
from filmlens.study import Study

HIDDEN = 64
#: The model whose F1 and importance are the headline, and the one that Table 5 predicts with, as in the paper.
HEADLINE, PICTURES = "average", "single_attention"
AS_REPORTED = "as reported"
_QUICK = ("max", "average", "linear_softmax", "single_attention")
#: Parameters of the stages that a condition changes; `rank0`, `permuted` and `contrast` need no other model.
CONDITIONS: dict[str, dict[str, Any]] = {
    AS_REPORTED: {},
    **{f"folds by {group}": {"scheme": group} for group in (*GROUPS, SHARED_MUSIC)},
    "frame level": {"level": "frame"},
    "Dejavu's cues": {"engine": "dejavu"},
    "sound of the film": {"sound": "film"},
    "embeddings pooled": {"space": "embedding"},
    "MFCC ranks 1-13": {"mfcc_ranks": "1-13"},
    "MFCC ranks 0-12": {"mfcc_ranks": "0-12"},
    "rank 0 in Dynamics": {"rank0": "Dynamics"},
    "cues permuted": {"permuted": "cues"},
    "contrast: Michelson": {"contrast": "contrast_michelson"},
    "contrast: P95 - P5": {"contrast": "contrast_p95_p5"},
    "contrast: RMS": {"contrast": "contrast_rms"},
}
_FINDING = {"rank0": "MFCC", "permuted": "films", "contrast": "contrast"}
_FRAME_FOLDS = 10


def conditions(study: Study, *, names: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """The conditions, all or those of `names`, that a corpus allows.

    Films are held out together only where two share a composer; a shared corpus allows those on features that it
    brings. With too few films for a verdict no choice could change anything, and only what is reported stands.
    """
    if not enough(len(study.corpus)):
        return {AS_REPORTED: CONDITIONS[AS_REPORTED]}
    names, known = names or tuple(CONDITIONS), held_together(study.corpus, SHARED_MUSIC)
    lacking = {f"folds by {g}" for g in known if not known[g][known[g] != ""].duplicated().any()}
    if study.descriptors != "mir":  # released columns do not say which rank they are
        lacking |= {name for name in names if {"mfcc_ranks", "rank0"} & set(CONDITIONS[name])}
    if study.cues != "stamped":
        lacking.add("Dejavu's cues")
    if study.corpus.shared:  # what was not measured before it was shared cannot be measured now
        lacking |= {name for name in names if not _measured(study, CONDITIONS[name])}
    return {name: CONDITIONS[name] for name in names if name not in lacking}


def _measured(study: Study, change: Mapping[str, Any]) -> bool:
    """Whether the cue vectors that a condition stands on lie on disk."""
    stage = stages.feature_stage(study.descriptors)
    known = stages.accepted_by(stage, {"cues": study.cues, "sound": study.sound} | dict(change))
    return len(stages.read(study.corpus, stage, **known)) > 0


def claims_under(
    study: Study,
    chosen: Mapping[str, Mapping[str, Any]],
    *,
    poolings: Sequence[str] = (),
    levels: Sequence[str] = tuple(genre.POOLINGS),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The claims and the headline numbers under several conditions, on the feature sets that the paper knows.

    The conditions are those of `conditions`. `poolings` are the networks that are compared: all in the profile paper,
    four in the profile quick by default; `levels` are those of them that are compared at cue and frame level. Base
    classifiers and baselines are compared in the first condition. Raises `StudyError` when a model could not be
    trained.

    Gives `findings.robustness_table`; and the headlines, by condition, measure, films, value, low, high: macro-F1 of
    average pooling, and the drop of macro-F1 when the MFCC are permuted, each with its 95 % bootstrap over films.
    """
    poolings = poolings or (_QUICK if study.profile == "quick" else tuple(genre.POOLINGS))
    poolings = list(dict.fromkeys([*poolings, HEADLINE, PICTURES]))
    plans = {
        name: _configurations(study, change, poolings, levels, others=i == 0)
        for i, (name, change) in enumerate(chosen.items())
    }
    distinct = []
    for configuration in (c for plan in plans.values() for c in plan.values()):
        distinct += [configuration] if configuration not in distinct else []
    fitted = study.models(distinct)
    tables, headlines, start_sd = [], [], 0.0
    models_of = {name: {key: fitted[distinct.index(c)] for key, c in plan.items()} for name, plan in plans.items()}
    importance = _importance(study, chosen, plans, models_of)
    for name, change in chosen.items():
        models, runs = models_of[name], importance.get(name)
        spread = genre.evaluate(models["mir", "cue", HEADLINE], replicates=2, permutations=1)["f1_seed_sd"]
        start_sd = spread if np.isfinite(spread) else start_sd
        tables.append(delayed(findings.claims_table)(**_evidence(study, change, models, plans[name], runs, start_sd)))
        headlines += [(name, *row) for row in _headlines(models["mir", "cue", HEADLINE], runs, study.n_boot)]
    columns = ["condition", "measure", "films", "value", "low", "high"]
    tested = findings.robustness_table(dict(zip(chosen, _at_once(study, tables), strict=True)))
    return tested, pd.DataFrame(headlines, columns=columns)


def _at_once(study: Study, tasks: Sequence) -> list:
    """Results of delayed calls, as many at once as the study has jobs."""
    with parallel_config("loky", inner_max_num_threads=1):
        return Parallel(n_jobs=study.jobs)(tasks)


def _configurations(study, change, poolings, levels, *, others: bool) -> dict[tuple, dict[str, Any]]:
    """Parameters of the stage ``genre`` by (features, level, model); at frame level "cue" is what stands for it."""
    folded = {k: v for k, v in study.ensemble.items() if k != "starts"}
    features, training = study.papers_features, {"hidden": HIDDEN} | study.training | folded
    starts = study.ensemble if others else {}
    change = {k: v for k, v in change.items() if k not in _FINDING}
    if change.get("level") == "frame":
        change["scheme"] = _folds(study.corpus)
    plan = {}
    for features_ in features:
        name = papers_name(features_)
        for pooling in poolings:
            if "space" in change and pooling not in EMBEDDABLE:
                continue
            plan[name, "cue", pooling] = {"features": features_, "model": pooling, **training, **starts, **change}
            if others and pooling in levels:  # both levels under the same folds
                same = {"features": features_, "model": pooling, **training, "scheme": _folds(study.corpus)}
                plan[name, "same folds cue", pooling] = same
                plan[name, "same folds frame", pooling] = same | {"level": "frame"}
        if others:
            for base in (m for m in study.others if m.startswith(("simple", "voting"))):
                words = base.replace("_mi_", " MI ").replace("_", " ")
                plan[name, "cue", words] = {"features": features_, "model": base} | folded
    if others:
        floors = [m for m in study.others if not m.startswith(("simple", "voting"))]
        plan |= {("floor", m.replace("_", " ")): {"model": m, "features": features[0]} | folded for m in floors}
    return plan


def _folds(corpus: Corpus) -> int:
    return max(2, min(_FRAME_FOLDS, int(corpus.labels().any(axis=1).sum())))


def _evidence(study, change, models, plan, runs, start_sd) -> dict[str, Any]:
    """What `findings.claims_table` is given under one condition; `runs` of the permutation are None at frame level."""
    used = np.logical_and.reduce([m.fold >= 0 for m in models.values()])
    films = np.array(models["mir", "cue", HEADLINE].film_ids)[used]
    labels = study.corpus.labels().loc[films]

    def at(level: str) -> dict:
        """Probabilities of the films, from every start of a network."""
        return {
            (key[0], level.split()[-1], key[2]): m.probabilities[:, used] if m.folds else m.probability[used]
            for key, m in models.items()
            if key[0] != "floor" and key[1] == level
        }

    return {
        "labels": labels,
        "predictions": at("cue"),
        "levels": at("same folds cue") | at("same folds frame") or None,
        "baselines": {k[1]: _drawn(m, used) for k, m in models.items() if k[0] == "floor"} or None,
        "importance": runs,
        "pictures": _pictures(study, models, plan, labels, _setting(change)["contrast"]),
        "stamper": study.accuracy(study.table("sheet")) if not change and study.cues == "stamped" else None,
        "n_boot": study.n_boot,
        "start_sd": start_sd,
        "synthetic": study.corpus.synthetic,
    }


def _setting(change: Mapping[str, Any]) -> dict[str, str]:
    """What a condition asks of the findings, not of the models."""
    return _FINDING | {k: v for k, v in change.items() if k in _FINDING}


def _importance(study, chosen, plans, models) -> dict[str, findings.ImportanceRuns]:
    """Permutation runs by condition, but for the frame level; those that differ in something else share theirs."""
    key_of, tasks = {}, {}
    for name, change in chosen.items():
        if change.get("level") == "frame":
            continue
        configuration, setting = plans[name]["mir", "cue", HEADLINE], _setting(change)
        key_of[name] = json.dumps([configuration, setting["rank0"], setting["permuted"]], sort_keys=True)
        if key_of[name] in tasks:
            continue
        model, stage = models[name]["mir", "cue", HEADLINE], stages.feature_stage(configuration["features"])
        bags = of_corpus.bags_like(model, study.table(stage, **stages.accepted_by(stage, configuration)))
        groups = of_corpus.groups_of(bags, setting["rank0"])
        truth = study.corpus.labels().loc[list(model.film_ids)]
        repeats = {"scheme": setting["permuted"], "n_repeats": study.n_repeats, "n_boot": study.n_boot}
        tasks[key_of[name]] = delayed(findings.group_importance)(
            model.predict_starts, list(bags), truth, groups, **repeats
        )
    runs = dict(zip(tasks, _at_once(study, list(tasks.values())), strict=True))
    reported = next((r for r in runs.values() if len(r.starts)), None)
    for key, own in runs.items():  # of one start, the spread that the reported model's starts have
        if reported and not len(own.starts) and own.groups == reported.groups:
            runs[key] = replace(own, starts=reported.starts)
    return {name: runs[key] for name, key in key_of.items()}


def _pictures(study, models, plan, labels, contrast):
    """Clips with their picture, and the labels that the attention model gives; None without pictures."""
    features = "vggish" if ("vggish", "cue", PICTURES) in models else "mir"
    model = models[features, "cue", PICTURES]
    made = plan[features, "cue", PICTURES]
    sheet = study.table("sheet", **stages.accepted_by("cues", made))
    visual = study.table("visual", **stages.accepted_by("visual", made))
    if visual.empty:
        return None
    sheet = sheet[sheet["film_id"].isin(labels.index)]
    clips = crossmodal.clip_medians(sheet, visual.assign(contrast=visual[contrast]))
    return clips, of_corpus.predicted_labels(model).loc[labels.index]


def _drawn(model, used: np.ndarray) -> np.ndarray:
    """Labels of a baseline; of a random guess many draws."""
    if not model.draws:
        return model.prediction[used]
    chance = np.random.default_rng(0).random((200, int(used.sum()), len(model.genres)))
    return chance < model.probability[used]


def _headlines(model, runs, n_boot: int) -> list[tuple]:
    scores = genre.evaluate(model, replicates=n_boot, permutations=1)
    films = int((model.fold >= 0).sum())
    rows = [("macro-F1, average pooling", films, scores["f1"], scores["f1_low"], scores["f1_high"])]
    if runs is not None:
        table = runs.table()
        overall = (table["measure"] == runs.measure) & (table["genre"] == "Overall")
        mfcc = table[overall & (table["group"] == "MFCC")].iloc[0]
        rows.append(("importance of MFCC overall", films, mfcc["importance"], mfcc["film_low"], mfcc["film_high"]))
    return rows
