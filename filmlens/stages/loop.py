"""The loop over stages: plan each, map its stale tasks over workers, record the outcome.

A film that fails is recorded in ``derived/failures.csv`` and the others go on.
"""

import os
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens import text
from filmlens.artefacts import PART, ArtefactError, WriteError, read_provenance, read_table, record_failures
from filmlens.artefacts import sweep as sweep_away
from filmlens.corpus import Corpus
from filmlens.stages import costs, lock, progress, work, workers
from filmlens.stages.plan import Plan, plan_step
from filmlens.stages.staleness import Survey
from filmlens.stages.table import STAGES, accepted_by, chain, complete, place, step
from filmlens.stages.work import Done

#: Seconds after which a film is given up.
LIMIT_S = 6 * 3600


@dataclass
class Outcome:
    """Outcome of one stage: artefacts computed and kept, errors and damage by film, seconds of wall time.

    `damaged` are films whose media were used in part, `healed` subjects whose artefact was not what had been written.
    """

    stage: str
    computed: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    healed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.stage}: {self.computed} computed, {self.kept} kept"]
        kinds = {"damaged": self.damaged, "had been damaged on disk": self.healed, "failed": self.failed}
        words += [f"{len(some)} {how} ({', '.join(sorted(some))})" for how, some in kinds.items() if some]
        return ", ".join(words) + (f", {self.seconds:.0f} s" if self.computed else "")


def planned(corpus: Corpus, stage: str, *, films: Iterable[str] | None = None, **parameters) -> list[Plan]:
    """What a `run` with the same arguments would do, in running order; nothing is computed.

    Nothing is written but the hashes of files that were only touched, which are read through for this.
    """
    chosen, configurations = _asked(corpus, stage, films, None, parameters)
    return plans_of(corpus, [(stage, c) for c in configurations], Survey(corpus), chosen)


def plans_of(
    corpus: Corpus, asked: Iterable[tuple[str, dict[str, Any]]], survey: Survey, films: list[str] | None = None
) -> list[Plan]:
    """Plans of stages and all their inputs, each stage and parameters once, in running order."""
    coming: dict[Path, str] = {}
    plans = []
    for name, configurations in _steps(asked).items():
        for known in configurations:
            plans.append(plan_step(corpus, step(corpus, name, known), films or corpus.ids, survey, coming))
            written = [place(corpus, n, **known) for n in (name, *STAGES[name].beside)]
            coming |= {where.path(task.subject): name for where in written for task in plans[-1].tasks}
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
    say: Callable[[str], None] = text.say,
    **parameters,
) -> list[Outcome]:
    """Bring a stage and all its inputs up to date; outcomes in running order, the stage itself last.

    `parameters` are of the stage or any of its inputs; a `sweep` is several sets of them, mapped over the processes
    together. `jobs` are processes with one thread each; 1 computes here. `dask` is the address of a Dask scheduler,
    used in place of processes; the environment variable FILMLENS_DASK by default. After `limit` seconds a film is given
    up; FILMLENS_LIMIT, then six hours by default. `say` is given one line per stage that computed or failed something.

    Raises `ValueError` for an unknown stage, parameter or film, or another run at work (`LockError`), `WriteError` when
    the place of the artefacts is full or may not be written to.
    """
    chosen, configurations = _asked(corpus, stage, films, sweep, parameters)
    progress.tell({"asked": [(stage, c) for c in configurations]})
    dask = os.environ.get("FILMLENS_DASK", "") if dask is None else dask
    limit = float(os.environ.get("FILMLENS_LIMIT") or LIMIT_S) if limit is None else limit
    outcomes, locked = [], False
    with ExitStack() as held:
        for name, sets in _steps((stage, c) for c in configurations).items():
            todo = [step(corpus, name, known) for known in sets]
            seen = Survey(corpus, whole=True)
            plans = [plan_step(corpus, wanted, chosen, seen) for wanted in todo]
            if any(p.tasks for p in plans) and not locked:
                locked = bool(held.enter_context(at_work(corpus.derived)))
                seen = Survey(corpus, whole=True)
                plans = [plan_step(corpus, wanted, chosen, seen) for wanted in todo]  # what came in between
            outcomes.append(carry_out(corpus, plans, say, jobs=jobs, dask=dask, limit=limit))
    if not locked and lock.left_behind(corpus.derived):
        with suppress(lock.LockError, WriteError), at_work(corpus.derived):
            pass  # killed when nothing was left to do but this
    return outcomes


def read(corpus: Corpus, name: str, **parameters) -> pd.DataFrame:
    """The stored tables of a stage, concatenated in the order of films.csv.

    Films that failed or were not run are missing, also where a table from before they failed is still kept; a corpus
    stage gives its one table. A file that is not of this stage, film and configuration is left out with a warning, a
    damaged table raises `ArtefactError`.
    """
    where = place(corpus, name, **parameters)
    failed = Survey(corpus).fallen(where.counted)  # what they left before is stale
    paths = []
    for subject in [""] if where.whole else [f for f in corpus.ids if f not in failed]:
        path = where.path(subject)
        if path.is_file() and where.holds(subject, read_provenance(path)):
            paths.append(path)
        elif path.is_file():
            warnings.warn(f"{path}: is damaged or of something else, so left out; run again", stacklevel=2)
    return work.read(paths)


def read_one(corpus: Corpus, name: str, film_id: str, **parameters) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """The table of one film and its provenance; None when it was not computed.

    Raises `ArtefactError` when it is damaged, or of another film or configuration.
    """
    where = place(corpus, name, **parameters)
    path = where.path(film_id)
    if not path.is_file():
        return None
    table, provenance = read_table(path), read_provenance(path)
    if not where.holds(film_id, provenance):
        raise ArtefactError(f"{path}: is of another film or configuration; run again, it is computed anew")
    return table, provenance


def folds(corpus: Corpus, name: str, **parameters):
    """The stored folds of a model stage; `ArtefactError` when they are damaged, or of another configuration."""
    where = place(corpus, name, **parameters)
    path = where.path("")
    if path.is_file() and not where.holds("", read_provenance(path)):
        raise ArtefactError(f"{path}: is damaged or of another configuration; run again, it is computed anew")
    return work.read([path])


@contextmanager
def at_work(derived: Path) -> Iterator[str]:
    """Hold the lock, and remove temporary files before and after."""
    with lock.locked(derived) as token:
        sweep_away(derived)
        try:
            yield token
        finally:
            sweep_away(derived)


def carry_out(corpus: Corpus, plans: list[Plan], say: Callable[[str], None], **how) -> Outcome:
    """Compute the stale tasks of one stage, and record the outcome, also after an error or interrupt."""
    outcome, begun = Outcome(plans[0].step.place.stage), time.monotonic()
    tasks = [task for p in plans for task in p.tasks]
    cores = 1 if how["dask"] else max(1, how["jobs"] // max(1, len(tasks)))
    tasks = [replace(task, cores=cores) for task in tasks]
    recorded: defaultdict[str, dict[str, str]] = defaultdict(dict)
    tried: defaultdict[str, set[str]] = defaultdict(set)
    finished: defaultdict[str, list[Done]] = defaultdict(list)
    for p in plans:
        damaged = {subject: PART + "; ".join(damage) for subject, damage in p.fresh.items() if damage}
        outcome.kept += len(p.fresh)
        outcome.failed |= p.failed
        outcome.healed += p.damaged
        outcome.damaged |= damaged
        recorded[p.folder] |= p.failed | damaged
        tried[p.folder] |= {*p.fresh, *p.failed, *p.blocked}
    try:
        if tasks:
            rates, at_once = costs.known(), min(how["jobs"], len(tasks))
            expected = sum(costs.rate(task.label, rates).estimate([0.0]) for task in tasks) / at_once
            with progress.shown(outcome.stage, len(tasks), say, expected=expected) as shown:
                for task, done in workers.over(tasks, **how):
                    if done.fatal:
                        raise WriteError(done.error)
                    folder = task.path.parent.name
                    tried[folder].add(task.subject)
                    finished[task.label].append(done)
                    if done.error:
                        outcome.failed[task.subject] = recorded[folder][task.subject] = done.error
                    else:
                        outcome.computed += 1
                    if done.damage and not done.error:
                        outcome.damaged[task.subject] = recorded[folder][task.subject] = PART + "; ".join(done.damage)
                    shown(done)
    finally:
        outcome.seconds = time.monotonic() - begun
        for label, done in finished.items():
            costs.remember(label, done)
        entry = {name: getattr(outcome, name) for name in ("stage", "computed", "kept", "failed", "damaged")}
        progress.tell(entry | {"seconds": round(outcome.seconds, 3)})
        record_failures(corpus.derived / "failures.csv", tried, recorded)
    if outcome.computed or outcome.failed:
        say(str(outcome))
    return outcome


def _asked(corpus, stage, films, sweep, parameters) -> tuple[list[str], list[dict[str, Any]]]:
    """Film ids and sets of parameters, checked."""
    configurations = [complete(stage, parameters | dict(more)) for more in (sweep if sweep is not None else [{}])]
    chosen = list(films) if films is not None else corpus.ids
    for film_id in chosen:
        corpus[film_id]
    return chosen, configurations


def _steps(asked: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Each distinct set of parameters of each stage in the chains, in running order, which is that of the rows."""
    steps: dict[str, list[dict[str, Any]]] = {}
    for stage, configuration in asked:
        for name in chain(stage, configuration):
            known = complete(name, accepted_by(name, configuration))
            if known not in steps.setdefault(name, []):
                steps[name].append(known)
    return {name: steps[name] for name in STAGES if name in steps}
