"""The stages of the study as rows, and the one loop that plans, maps and records them.

A stage is a pure function of one film (or of the whole corpus) and the tables of earlier stages. Parameters are one
flat set of names along the whole chain: a stage carries those of its inputs, so that the features of Dejavu's cues
and of another engine's lie side by side (``derived/mir``, ``derived/mir@votes``). What is stale is recomputed, nothing
else; a film that fails is recorded in ``derived/failures.csv`` and the others go on.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens import __version__, artefacts
from filmlens.artefacts import ArtefactError, Measured, fingerprint, read_provenance, record_failures, table_hash
from filmlens.corpus import USAGES, Corpus, Film

#: The name under which a failure of the whole corpus is recorded.
CORPUS = "(corpus)"


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
        Files of the film it reads: film, soundtrack, annotation, verdicts.
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
    "seed": 0,
}
#: Runs, which values are exchanged, and where the loudness of the MFCC counts.
_IMPORTANCE = {"n_repeats": 100, "permuted": "cues", "rank0": "MFCC"}

_ROWS = (
    Stage("cues", "measuring:stamp", (), ("film", "soundtrack"), _STAMPING, beside=("windows",)),
    Stage("annotated", "measuring:annotated", (), ("annotation",)),
    Stage("verified", "measuring:verified", ("cues",), ("verdicts",), version=2),
    *(Stage(f"verified-{u}", "measuring:verified", ("cues",), ("verdicts",), {"usage": u}) for u in sorted(USAGES)),
    Stage("mir", "measuring:mir", ("sheet",), ("film", "soundtrack"), _SOURCE | {"sound": "track"}),
    Stage("mir-cues", "measuring:cue_vectors", ("mir",)),
    Stage("visual", "measuring:visual", ("sheet",), ("film",), _SOURCE | {"whole_film": False}),
    Stage("genre", "modelling:genre", ("features", "sheet"), (), _GENRE, "corpus", folded=True),
    Stage("importance", "modelling:importance", ("genre", "features", "sheet"), (), _IMPORTANCE, "corpus"),
    Stage("cross-modal", "modelling:cross_modal", ("genre", "sheet", "visual"), (), {}, "corpus"),
)
STAGES: dict[str, Stage] = {row.name: row for row in _ROWS}
#: The cue sheets that `cues` may choose, and their stages; those by usage hold the verified cues of one usage.
_SHEETS = {"stamped": "cues", "annotated": "annotated"} | {n: n for n in STAGES if n.startswith("verified")}


@dataclass
class Outcome:
    """What a run of one stage did: artefacts computed and kept, errors by film, seconds of wall time."""

    stage: str
    computed: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.stage}: {self.computed} computed, {self.kept} kept"]
        words += [f"{len(self.failed)} failed ({', '.join(sorted(self.failed))})"] if self.failed else []
        return ", ".join(words) + (f", {self.seconds:.0f} s" if self.computed else "")


@dataclass(frozen=True)
class _Task:
    stage: str
    subject: str  # film id, or the name of a configuration
    payload: Any  # the Film, or the labels
    inputs: dict[str, list[Path]]
    parameters: dict[str, Any]
    path: Path
    recipe: dict[str, Any]


def run(
    corpus: Corpus,
    stage: str,
    *,
    films: Iterable[str] | None = None,
    sweep: Iterable[Mapping[str, Any]] | None = None,
    jobs: int = 1,
    limit: float = 6 * 3600,
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
    limit : float
        Seconds after which a film is given up (with ``jobs > 1``).
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
        An unknown stage, parameter or film.
    """
    configurations = [complete(stage, parameters | dict(more)) for more in (sweep if sweep is not None else [{}])]
    chosen = list(films) if films is not None else corpus.ids
    for film_id in chosen:
        corpus[film_id]
    names = list(dict.fromkeys(name for c in configurations for name in chain(stage, c)))
    outcomes = []
    for name in names:
        begun = time.monotonic()
        distinct: list[dict[str, Any]] = []
        for configuration in configurations:
            if name in chain(stage, configuration):
                known = _restrict(name, configuration)
                distinct += [known] if known not in distinct else []
        tasks, outcome = [], Outcome(name)
        for known in distinct:
            stale, kept, failed = _plan(corpus, STAGES[name], chosen, known)
            tasks += stale
            outcome.kept += kept
            outcome.failed |= failed
        for task, error in _map(tasks, jobs, limit):
            if error:
                outcome.failed[task.subject] = error
            else:
                outcome.computed += 1
        outcome.seconds = time.monotonic() - begun
        tried = {t.subject for t in tasks} | set(chosen if STAGES[name].unit == "film" else [])
        record_failures(corpus.derived / "failures.csv", name, tried, outcome.failed)
        _note(outcome)
        outcomes.append(outcome)
        if outcome.computed or outcome.failed:
            say(str(outcome))
    return outcomes


def table(corpus: Corpus, name: str, **parameters) -> pd.DataFrame:
    """The tables of a stage that lie on disk, all films under each other in the order of films.csv.

    Films that failed or were not run are missing; a corpus stage gives its one table.
    """
    parameters = complete(owner(name), parameters)
    return _read([p for p in _paths(corpus, name, corpus.ids, parameters) if p.is_file()])


def folds(corpus: Corpus, name: str, **parameters):
    """The fitted folds of a model stage that lie on disk."""
    return _read([path(corpus, name, **parameters)])


def path(corpus: Corpus, name: str, film_id: str | None = None, **parameters) -> Path:
    """Where the artefact of a film (or of the corpus) lies."""
    return _paths(corpus, name, [film_id or ""], complete(owner(name), parameters))[0]


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


def chain(stage: str, parameters: Mapping[str, Any]) -> list[str]:
    """Names of a stage's inputs, theirs before them, and the stage itself, in running order."""
    names: list[str] = []
    for name in _inputs(stage, parameters):
        names += [n for n in chain(name, parameters) if n not in names]
    return [*names, stage]


def _inputs(stage: str, parameters: Mapping[str, Any]) -> list[str]:
    """Input stages with "sheet" and "features" resolved by the parameters."""
    sheet = parameters.get("cues", "stamped")
    if sheet not in _SHEETS:
        raise ValueError(f"cues={sheet!r} is unknown; choose one of {', '.join(_SHEETS)}")
    features = parameters.get("features", _GENRE["features"])
    if parameters.get("level", _GENRE["level"]) == "cue":
        features += "-cues"
    if "features" in STAGES[stage].inputs and features not in STAGES:
        raise ValueError(f"features={features!r} are not there; measured are: mir")
    return [{"sheet": _SHEETS[sheet], "features": features}.get(name, name) for name in STAGES[stage].inputs]


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


def _paths(corpus: Corpus, name: str, films: Iterable[str], parameters: Mapping[str, Any]) -> list[Path]:
    stage = STAGES[owner(name)]
    label = variant(stage.name, parameters)
    if stage.unit == "corpus":
        ending = ".npz" if stage.folded else ".parquet"
        return [corpus.derived / name / f"{label or 'default'}{ending}"]
    folder = corpus.derived / (f"{name}@{label}" if label else name)
    return [folder / f"{film_id}.parquet" for film_id in films]


def _plan(
    corpus: Corpus, stage: Stage, films: list[str], parameters: dict[str, Any]
) -> tuple[list[_Task], int, dict[str, str]]:
    """Tasks for what is stale, how many artefacts are fresh, and films whose files cannot be listed."""
    tasks, kept, failed = [], 0, {}
    names = _inputs(stage.name, parameters)
    own = {k: parameters[k] for k in stage.parameters}
    whole = " ".join([CORPUS, variant(stage.name, parameters)]).strip()
    for subject in films if stage.unit == "film" else [whole]:
        film_ids = [subject] if stage.unit == "film" else corpus.ids
        inputs = {
            as_: [p for p in _paths(corpus, name, film_ids, _restrict(name, parameters)) if p.is_file()]
            for as_, name in zip(stage.inputs, names, strict=True)
        }
        if stage.unit == "film" and not all(inputs.values()):
            continue  # an input failed and is recorded there
        payload = corpus[subject] if stage.unit == "film" else corpus.labels()
        try:
            recipe = {
                "stage": stage.name,
                "version": stage.version,
                "parameters": own,
                "inputs": {as_: [read_provenance(p).get("table", "") for p in ps] for as_, ps in inputs.items()},
                "media": _media(payload, stage.media) if stage.unit == "film" else table_hash(corpus.s1()),
            }
        except ValueError as error:
            failed[subject] = str(error)
            continue
        path = _paths(corpus, stage.name, [subject], parameters)[0]
        recipe = json.loads(json.dumps(recipe, sort_keys=True))
        if path.is_file() and read_provenance(path).get("recipe") == recipe:
            kept += 1
        else:
            tasks.append(_Task(stage.name, subject, payload, inputs, own, path, recipe))
    return tasks, kept, failed


def _restrict(stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of a flat set of parameters, those that a stage and its inputs know."""
    return complete(stage, {k: v for k, v in parameters.items() if k in parameter_names(stage, parameters)})


def _media(film: Film, kinds: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in kinds:
        if kind == "soundtrack":
            found[kind] = {name: fingerprint(p) for name, p in film.tracks().items()}
        elif kind == "verdicts":
            found[kind] = fingerprint(film.verdicts)
        elif kind == "annotation":
            found[kind] = fingerprint(film.annotation) if film.annotation else None
        else:
            found[kind] = fingerprint(film.film)
    return found


def _compute(task: _Task) -> None:
    """Read the inputs, compute, write: what a worker does with one task."""
    stage, begun = STAGES[task.stage], time.monotonic()
    tables = {name: _read(paths) for name, paths in task.inputs.items()}
    module, _, name = stage.function.partition(":")
    function = getattr(import_module(f"filmlens.{module}"), name)
    result = Measured.of(function(task.payload, tables, **task.parameters))
    provenance = {
        "recipe": task.recipe,
        "filmlens": __version__,
        "seconds": round(time.monotonic() - begun, 3),
        "notes": result.notes,
    }
    for name, beside in result.beside.items():
        folder = task.path.parent
        artefacts.write_table(
            folder.with_name(folder.name.replace(task.stage, name, 1)) / task.path.name, beside, provenance
        )
    if task.path.suffix == ".npz":
        _folds().write_folds(task.path, result.table, provenance)
    else:
        artefacts.write_table(task.path, result.table, provenance)


def _read(paths: list[Path]) -> Any:
    if paths and paths[0].suffix == ".npz":
        return _folds().read_folds(paths[0])
    tables = [artefacts.read_table(p) for p in paths]
    filled = [t for t in tables if len(t)] or tables[:1]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame({"film_id": pd.Series(dtype=str)})


def _folds():
    """The room of the models, imported when a model is read or written."""
    return import_module("filmlens.modelling")


def _map(tasks: list[_Task], jobs: int, limit: float) -> Iterator[tuple[_Task, str | None]]:
    """Each task with its error, or None, as they finish."""
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, _attempt(_compute, task)
        return
    import multiprocessing

    from pebble import ProcessPool

    threads = {k: "1" for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}
    before = {k: os.environ.get(k) for k in threads}
    os.environ |= threads
    try:
        with ProcessPool(min(jobs, len(tasks)), context=multiprocessing.get_context("spawn")) as pool:
            futures: dict[Future, _Task] = {
                pool.schedule(_attempt, args=(_compute, task), timeout=limit): task for task in tasks
            }
            for future in as_completed(futures):
                yield futures[future], _attempt(future.result)
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


def _attempt(function: Callable, *args) -> str | None:
    """Call, and give the error as text; what a process pool passes on is the text of the error inside."""
    try:
        result = function(*args)
        return result if isinstance(result, str) else None
    except (ValueError, OSError, ArtefactError) as error:
        return " ".join(str(error).split())
    except TimeoutError:
        return "took longer than its time limit"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {' '.join(str(error).split())} ({Path(place.filename).name}:{place.lineno})"


def _note(outcome: Outcome) -> None:
    """Add to the journal of a run, whose notebooks are processes of their own."""
    journal = os.environ.get("FILMLENS_JOURNAL")
    if journal:
        line = {"stage": outcome.stage, "computed": outcome.computed, "kept": outcome.kept} | {
            "failed": outcome.failed,
            "seconds": round(outcome.seconds, 3),
        }
        with open(journal, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
