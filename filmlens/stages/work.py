"""One task, and how a worker carries it out: check the files, read the tables, compute, write."""

from __future__ import annotations

import errno
import platform
import sys
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from filmlens import __version__, artefacts
from filmlens.artefacts import ArtefactError, Measured, WriteError
from filmlens.corpus import Film
from filmlens.media import container
from filmlens.media.container import MediaError
from filmlens.media.monitor import watched
from filmlens.stages.staleness import LEDGERS, read_through
from filmlens.text import clean

if TYPE_CHECKING:
    from filmlens.genre import CrossValidation

#: Processors that the task in hand may use.
CORES: ContextVar[int] = ContextVar("cores", default=1)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Task:
    """One artefact that has to be computed.

    `function`, ``module:name``, is given the payload (a Film or DataFrame), the tables of the inputs, and the arguments
    by name. The `subject` is a film id, or the name of a configuration of the whole corpus; `configuration` are the
    parameters of the whole chain. `recipe` is that of `filmlens.stages.staleness`, and `files` the media that it knows
    (kind -> name -> path). The cost is remembered under `label`, stage and variant; `why` is what made it stale. More
    than one of `cores` may be used where fewer tasks than processes are left; numbers do not depend on it.
    """

    stage: str
    function: str
    subject: str
    payload: Any
    inputs: Mapping[str, list[Path]]
    arguments: Mapping[str, Any]
    configuration: Mapping[str, Any]
    path: Path
    recipe: Mapping[str, Any]
    label: str
    why: str = ""
    files: Mapping[str, Mapping[str, Path | str]] = field(default_factory=dict)
    version: str = __version__
    cores: int = 1


@dataclass(frozen=True)
class Done:
    """Outcome of a task.

    `error` is empty when it succeeded; it is `fatal` when it is one of the place that is written to: the next film
    would meet it as well. `damage` is what was passed over in the media that were read, `seconds` those of work,
    `length` the seconds of the film; 0 when no film was read.
    """

    error: str = ""
    fatal: bool = False
    damage: list[str] = field(default_factory=list)
    seconds: float = 0.0
    length: float = 0.0


def attempt(task: Task, limit: float | None = None) -> Done:
    """Carry out a task; an error is returned as text, so that it can be sent between machines."""
    begun = time.monotonic()
    try:
        damage = compute(task, limit)
        return Done(damage=damage, seconds=time.monotonic() - begun, length=_length(task))
    except Exception as error:
        said, fatal = error_text(error), isinstance(error, WriteError)
        if isinstance(error, OSError) and error.errno in _FULL and not fatal:  # met by a library, in a cache of its own
            said = f"{error.filename or 'a file'} cannot be written ({error.strerror}); make room"
            fatal = True
        return Done(said, fatal, seconds=time.monotonic() - begun)


def error_text(error: BaseException) -> str:
    """An error as one line: those of ours as they are, others with their kind and place."""
    text = " ".join(clean(error).split())
    if isinstance(error, TimeoutError):
        return "took longer than its time limit"
    if isinstance(error, (ValueError, OSError, ArtefactError)) and text:
        return text
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text}{place}"


def compute(task: Task, limit: float | None = None) -> list[str]:
    """Read the inputs, compute, write; what was passed over in the media.

    Raises `TimeoutError` when `limit` seconds passed while media were read, `WriteError` when the artefact cannot be
    written.
    """
    from threadpoolctl import threadpool_limits

    begun = time.monotonic()
    _can_see(task)
    with watched(limit) as damage, threadpool_limits(1):  # the work is spread over films
        recipe = dict(task.recipe)
        if task.files:  # before they are decoded, so that a change in between is seen at the next look
            ledgers = task.path.parent.parent / LEDGERS
            recipe["media"] = read_through(recipe["media"], task.files, ledgers)
        tables = {name: read(paths, task.recipe["inputs"][name]) for name, paths in task.inputs.items()}
        module, _, name = task.function.partition(":")
        function = getattr(import_module(f"filmlens.stages.{module}"), name)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        CORES.set(task.cores)
        result = function(task.payload, tables, **task.arguments)
    if not isinstance(result, Measured):
        result = Measured(result)
    provenance = {
        "name": task.stage,
        "recipe": recipe,
        "configuration": dict(task.configuration),
        "filmlens": __version__,
        "seconds": round(time.monotonic() - begun, 3),
        "notes": result.notes,
        "damage": damage,
        "beside": {},
    }
    folder, hashes = task.path.parent, {}
    for name, table in result.beside.items():
        path = folder.with_name(folder.name.replace(task.stage, name, 1)) / task.path.name
        artefacts.write_table(path, table, provenance | {"name": name})
        hashes[f"../{path.parent.name}/{path.name}"] = artefacts.table_hash(table)
    # The table that the recipe is looked up in comes last: what was interrupted before counts as stale.
    write = write_folds if task.path.suffix == ".npz" else artefacts.write_table
    write(task.path, result.table, provenance | {"beside": hashes})
    return damage


def read(paths: list[Path], hashes: list[str] | None = None) -> Any:
    """Tables under each other, or fitted folds; an empty table of no film when there is none.

    Raises `ArtefactError` when one is damaged, or another than was planned with (`hashes`).
    """
    for path, planned in zip(paths, hashes or [], strict=False):
        if artefacts.read_provenance(path).get("table") != planned:
            raise ArtefactError(f"{path}: is another table than when this was planned; run again")
    if paths and paths[0].suffix == ".npz":
        return read_folds(paths[0])
    tables = [artefacts.read_table(p) for p in paths]
    filled = [t for t in tables if len(t)] or tables[:1]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame({"film_id": pd.Series(dtype=str)})


def write_folds(path: Path, model: CrossValidation, provenance: dict) -> None:
    """Save a cross-validation; its provenance comes last, so that a half-written one counts as stale."""
    with artefacts.writing(path):
        model.save(path)
    files = artefacts.file_hashes(path)
    note = provenance | {"files": files, "table": files[path.name]}
    artefacts.write_json(path.with_suffix(".provenance.json"), note)


def read_folds(path: Path) -> CrossValidation:
    """What `write_folds` wrote, verified."""
    from filmlens.genre import CrossValidation

    if damage := artefacts.damage(path):
        raise ArtefactError(damage)
    return CrossValidation.load(path)


def _can_see(task: Task) -> None:
    """A worker on another machine must see the same files under the same paths, and be of the same version."""
    worker = f"the worker on {platform.node()}"
    if task.version != __version__:
        raise ValueError(f"{worker} has FilmLens {__version__}, the run {task.version}; install the same")
    wanted = [p for paths in task.inputs.values() for p in paths]
    if isinstance(task.payload, Film):
        media = task.recipe["media"]
        wanted += [task.payload.film] if media.get("film", {}).get("size", -1) >= 0 else []
        wanted += [task.payload.soundtrack] if media.get("soundtrack") else []
    if missing := [p for p in wanted if not p.exists()]:
        raise ValueError(f"{worker} cannot see {missing[0]}, which the run sees; mount it there under the same path")


def _length(task: Task) -> float:
    if not isinstance(task.payload, Film) or "film" not in task.recipe["media"]:
        return 0.0
    try:
        return container.duration(task.payload.film)
    except MediaError:
        return 0.0  # only for the rate; the stage itself says what is wrong with the file
