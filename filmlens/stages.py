"""The stages of the study as rows, and the one loop that plans, maps and records them.

A stage is a pure function of one film (or of the whole corpus) and the tables of earlier stages. Parameters are one
flat set of names along the whole chain: a stage carries those of its inputs, so that the features of Dejavu's cues
and of another engine's lie side by side (``derived/mir``, ``derived/mir@votes``). What is stale is recomputed, nothing
else; a film that fails is recorded in ``derived/failures.csv`` and the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens.artefacts import fingerprint
from filmlens.corpus import USAGES, Corpus, Film
from filmlens.features import own
from filmlens.features.vggish import weights
from filmlens.running import progress
from filmlens.running.loop import Outcome, at_work, carry_out
from filmlens.running.planning import Place, Plan, Step, dropped, plan_step
from filmlens.running.work import read

#: The name under which a failure of the whole corpus is recorded.
CORPUS = "(corpus)"
#: Seconds after which a film is given up.
LIMIT_S = 6 * 3600


@dataclass(frozen=True)
class Stage:
    """One row of `STAGES`.

    Attributes
    ----------
    name : str
        Folder under ``derived/``.
    function : str
        ``module:name``, imported by the worker that needs it (torch costs seconds that no film stage should pay):
        ``function(subject, tables, **parameters)``, where subject is the `Film`, or the labels of all films.
        Returns the table, or a `Measured`.
    inputs : tuple of str
        Earlier stages; "sheet" and "features" stand for the ones that the parameters choose.
    media : tuple of str
        Files of the film it reads: film, soundtrack, annotation, verdicts, own (the user's features); or weights
        (VGGish's).
    parameters : mapping
        Its own, with their defaults.
    unit : {"film", "corpus"}
    beside : tuple of str
        Further tables that it writes, each in a folder of its own.
    folded : bool
        Whether the result is fitted folds: npz and JSON in place of Parquet.
    version : int
        Raised when the function's results change.
    """

    name: str
    function: str
    inputs: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "film"
    beside: tuple[str, ...] = ()
    folded: bool = False
    version: int = 1


#: `rule` is Dejavu's.
_STAMPING = {"engine": "filmlens", "rule": "nearby"}
_SOURCE = {"cues": "stamped"}
#: Of VGGish: the last ReLU, and PCA with 8 bit, as older releases had them.
_EMBEDDING = {"sound": "track", "relu": False, "pca": False}
#: The paper's settings. `shortest` is the shortest cue in a bag, in seconds (D: Dejavu's shortest); `space` is a
#: decision as well (Kong et al. pool instance probabilities).
_GENRE = {
    "features": "mir",
    "level": "cue",
    "model": "average",
    "hidden": 64,
    "epochs": 200,
    "learning_rate": 5e-5,
    "space": "decision",
    "scheme": "leave-one-film-out",
    "shortest": 5.0,
    "mfcc_ranks": "0-13",
    "seed": 0,
}
#: Runs, which values are exchanged, and where the loudness of the MFCC counts.
_IMPORTANCE = {"n_repeats": 100, "permuted": "cues", "rank0": "MFCC"}

_ROWS = (
    Stage("cues", "measuring:stamp", (), ("film", "soundtrack"), _STAMPING, beside=("windows",), version=4),
    Stage("annotated", "measuring:annotated", (), ("annotation",)),
    Stage("verified", "measuring:verified", ("cues",), ("verdicts",), version=2),
    *(Stage(f"verified-{u}", "measuring:verified", ("cues",), ("verdicts",), {"usage": u}) for u in sorted(USAGES)),
    Stage("mir", "measuring:mir", ("sheet",), ("film", "soundtrack"), _SOURCE | {"sound": "track"}),
    Stage("mir-cues", "measuring:cue_vectors", ("mir",)),
    Stage("vggish", "measuring:vggish", ("sheet",), ("film", "soundtrack", "weights"), _SOURCE | _EMBEDDING),
    Stage("vggish-cues", "measuring:cue_vectors", ("vggish",)),
    Stage("own", "measuring:own", ("sheet",), ("own",), _SOURCE | {"features": "mir"}),
    Stage("own-cues", "measuring:cue_vectors", ("own",)),
    Stage("visual", "measuring:visual", ("sheet",), ("film",), _SOURCE | {"whole_film": False, "sampling": "exact"}),
    Stage("genre", "modelling:genre", ("features", "sheet"), (), _GENRE, "corpus", folded=True),
    Stage("importance", "modelling:importance", ("genre", "features", "sheet"), (), _IMPORTANCE, "corpus"),
    Stage("retrained", "modelling:retrained", ("genre", "features", "sheet"), (), {"rank0": "MFCC"}, "corpus"),
    Stage("cross-modal", "modelling:cross_modal", ("genre", "sheet", "visual"), (), {"contrast": "contrast"}, "corpus"),
)
STAGES: dict[str, Stage] = {row.name: row for row in _ROWS}
#: The cue sheets that `cues` may choose, and their stages; those by usage hold the verified cues of one usage.
_SHEETS = {"stamped": "cues", "annotated": "annotated"} | {n: n for n in STAGES if n.startswith("verified")}
#: Features that are measured here; any other name is one of the user's own.
FEATURES = ("mir", "vggish")


def plan(
    corpus: Corpus,
    stage: str,
    *,
    films: Iterable[str] | None = None,
    sweep: Iterable[Mapping[str, Any]] | None = None,
    **parameters,
) -> list[Plan]:
    """What a `run` with the same arguments would do, in running order; nothing is computed or written."""
    chosen, configurations = _asked(corpus, stage, films, sweep, parameters)
    coming: set[Path] = set()
    plans = []
    for name, known in _steps(stage, configurations):
        plans.append(plan_step(corpus, _step(corpus, name, known), chosen, coming))
        coming |= {task.path for task in plans[-1].tasks}
    return plans


def run(
    corpus: Corpus,
    stage: str,
    *,
    films: Iterable[str] | None = None,
    sweep: Iterable[Mapping[str, Any]] | None = None,
    jobs: int = 1,
    dask: str | None = None,
    limit: float | None = None,
    say: Callable[[str], None] = print,
    **parameters,
) -> list[Outcome]:
    """Bring a stage and all it needs up to date.

    Parameters
    ----------
    corpus : Corpus
    stage : str
        A name in `STAGES`.
    films : iterable of str, optional
        Film ids; all by default.
    sweep : iterable of mappings, optional
        Several sets of parameters at once, mapped over the processes together.
    jobs : int
        Processes, each with one thread. 1 computes here.
    dask : str, optional
        Address of a Dask scheduler, used in place of processes; the environment variable FILMLENS_DASK by default.
    limit : float, optional
        Seconds after which a film is given up; the environment variable FILMLENS_LIMIT, then six hours by default.
    say : callable
        Is given one line per stage that computed or failed something.
    **parameters
        Of the stage or any of its inputs.

    Returns
    -------
    list of Outcome
        In running order, the stage itself last.

    Raises
    ------
    ValueError
        An unknown stage, parameter or film; another run at work (`LockError`).
    WriteError
        The place of the artefacts is full or may not be written to.
    """
    chosen, configurations = _asked(corpus, stage, films, sweep, parameters)
    progress.tell({"asked": [(stage, c) for c in configurations]})
    dask = os.environ.get("FILMLENS_DASK", "") if dask is None else dask
    limit = float(os.environ.get("FILMLENS_LIMIT") or LIMIT_S) if limit is None else limit
    steps = _steps(stage, configurations)
    outcomes, locked = [], False
    with ExitStack() as held:
        for name in dict.fromkeys(name for name, _ in steps):
            todo = [_step(corpus, name, known) for other, known in steps if other == name]
            plans = [plan_step(corpus, step, chosen) for step in todo]
            if any(p.tasks for p in plans) and not locked:
                locked = bool(held.enter_context(at_work(corpus.derived)))
                plans = [plan_step(corpus, step, chosen) for step in todo]  # what came in between
            outcomes.append(carry_out(corpus, plans, say, jobs=jobs, dask=dask, limit=limit))
    return outcomes


def _asked(corpus, stage, films, sweep, parameters) -> tuple[list[str], list[dict[str, Any]]]:
    """Film ids and sets of parameters, checked."""
    configurations = [complete(stage, parameters | dict(more)) for more in (sweep if sweep is not None else [{}])]
    chosen = list(films) if films is not None else corpus.ids
    for film_id in chosen:
        corpus[film_id]
    return chosen, configurations


def _steps(stage: str, configurations: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Each stage with each distinct set of parameters that it knows, in running order."""
    steps: list[tuple[str, dict[str, Any]]] = []
    for name in dict.fromkeys(name for c in configurations for name in chain(stage, c)):
        for configuration in configurations:
            step = (name, _restrict(name, configuration))
            if name in chain(stage, configuration) and step not in steps:
                steps.append(step)
    return steps


def table(corpus: Corpus, name: str, **parameters) -> pd.DataFrame:
    """The tables of a stage that lie on disk, all films under each other in the order of films.csv.

    Films that failed or were not run are missing, also where a table from before they failed is still kept; a corpus
    stage gives its one table.
    """
    parameters = complete(owner(name), parameters)
    place = _place(corpus, name, parameters)
    failed = dropped(corpus, place)
    paths = [place.path("")] if place.whole else [place.path(f) for f in corpus.ids if f not in failed]
    return read([p for p in paths if p.is_file()])


def folds(corpus: Corpus, name: str, **parameters):
    """The fitted folds of a model stage that lie on disk."""
    return read([path(corpus, name, **parameters)])


def path(corpus: Corpus, name: str, film_id: str | None = None, **parameters) -> Path:
    """Where the artefact of a film (or of the corpus) lies."""
    return _place(corpus, name, complete(owner(name), parameters)).path(film_id or "")


def owner(name: str) -> str:
    """The stage that writes a table: itself, but for a table that another stage writes beside its own.

    >>> owner("windows"), owner("mir")
    ('cues', 'mir')
    """
    return next((row.name for row in STAGES.values() if name in row.beside), name)


def complete(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a stage and all its inputs: the defaults, overridden by those given.

    >>> complete("annotated", {})
    {}
    >>> complete("mir", {"sound": "film"})["sound"]
    'film'
    """
    known = parameter_names(stage, parameters)
    unknown = set(parameters) - set(known)
    if unknown:
        raise ValueError(f"stage {stage!r} has no parameter {', '.join(sorted(unknown))}; it has {', '.join(known)}")
    return known | dict(parameters)


def parameter_names(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter that a stage and its inputs know, with its default."""
    if stage not in STAGES:
        raise ValueError(f"no stage {stage!r}; the stages are {', '.join(STAGES)}")
    known: dict[str, Any] = {}
    for name in chain(stage, parameters):
        known |= STAGES[name].parameters
    return known


def known_to(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of some parameters, those that a stage or its inputs know.

    >>> known_to("mir", {"sound": "film", "hidden": 64})
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


def chain(stage: str, parameters: Mapping[str, Any]) -> list[str]:
    """Names of a stage's inputs, theirs before them, and the stage itself, in running order."""
    names: list[str] = []
    for name in _inputs(stage, parameters):
        names += [n for n in chain(name, parameters) if n not in names]
    return [*names, stage]


def _inputs(stage: str, parameters: Mapping[str, Any]) -> list[str]:
    """Input stages with "sheet" and "features" resolved by the parameters."""
    sheet = sheet_stage(parameters.get("cues", "stamped"))
    features = feature_stage(parameters.get("features", _GENRE["features"]), parameters.get("level", _GENRE["level"]))
    return [{"sheet": sheet, "features": features}.get(name, name) for name in STAGES[stage].inputs]


def feature_stage(features: str, level: str = "cue") -> str:
    """The stage that gives a set of features, by cue or by frame; a name that is not measured here is the user's own.

    >>> feature_stage("vggish"), feature_stage("mir", "frame"), feature_stage("clap")
    ('vggish-cues', 'mir', 'own-cues')
    """
    if features not in FEATURES:
        own.check_name(features)
    return (features if features in FEATURES else "own") + ("-cues" if level == "cue" else "")


def variant(stage: str, parameters: Mapping[str, Any]) -> str:
    """What stands behind the @ of a folder: the values of the parameters that are not the default.

    >>> variant("mir", complete("mir", {"sound": "film"}))
    'film'
    >>> variant("mir", complete("mir", {}))
    ''
    """
    words = []
    for key, default in parameter_names(stage, parameters).items():
        value = parameters[key]
        if value != default:
            words.append(value if isinstance(value, str) else f"{key}={value}")
    return "-".join(words)


def _restrict(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of a flat set of parameters, those that a stage and its inputs know."""
    return complete(stage, known_to(stage, parameters))


def _place(corpus: Corpus, name: str, parameters: Mapping[str, Any]) -> Place:
    """Where a stage with its parameters, or a table beside it, lies."""
    stage = STAGES[owner(name)]
    label = variant(stage.name, parameters)
    above = [n for n in chain(stage.name, parameters) if STAGES[n].unit == stage.unit and n != stage.name]
    folders = {_folder(n, _restrict(n, parameters)) for n in above} | {_folder(stage.name, parameters)}
    if stage.unit == "film":
        return Place(name, corpus.derived / _folder(name, parameters), frozenset(folders))
    file = f"{label or 'default'}{'.npz' if stage.folded else '.parquet'}"
    return Place(name, corpus.derived / name, frozenset({name}), f"{CORPUS} {label}".strip(), file)


def _folder(name: str, parameters: Mapping[str, Any]) -> str:
    stage = STAGES[owner(name)]
    label = variant(stage.name, parameters)
    return f"{name}@{label}" if label and stage.unit == "film" else name


def _kind(kind: str, parameters: Mapping[str, Any]) -> str | tuple[str, Callable[[Film], Any]]:
    """What a stage reads of a film, with how it is known again where that hangs on its parameters."""
    if kind == "own":
        return kind, lambda film: fingerprint(own.path(film, parameters["features"]))
    if kind == "weights":
        return kind, lambda film: weights.fingerprint_of(parameters["pca"])
    return kind


def _step(corpus: Corpus, name: str, parameters: dict[str, Any]) -> Step:
    """A stage with its parameters and the places of its inputs, as the loop takes it."""
    stage = STAGES[name]
    inputs = _inputs(name, parameters)
    return Step(
        place=_place(corpus, name, parameters),
        function=stage.function,
        version=stage.version,
        media=tuple(_kind(kind, parameters) for kind in stage.media),
        own={k: parameters[k] for k in stage.parameters},
        configuration=parameters,
        label="@".join(filter(None, [name, variant(name, parameters)])),
        sources={a: _place(corpus, n, _restrict(n, parameters)) for a, n in zip(stage.inputs, inputs, strict=True)},
    )
