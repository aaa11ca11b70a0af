"""One stage carried out: tasks mapped over workers, what became of them recorded, however it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filmlens.artefacts import PART, WriteError, record_failures, sweep
from filmlens.corpus import Corpus
from filmlens.running import lock, progress, rates, workers
from filmlens.running.planning import Plan
from filmlens.running.work import Done


@dataclass
class Outcome:
    """What a run of one stage did: artefacts computed and kept, errors and damage by film, seconds of wall time."""

    stage: str
    computed: int = 0
    kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def __str__(self) -> str:
        words = [f"{self.stage}: {self.computed} computed, {self.kept} kept"]
        words += [f"{len(self.damaged)} damaged ({', '.join(sorted(self.damaged))})"] if self.damaged else []
        words += [f"{len(self.failed)} failed ({', '.join(sorted(self.failed))})"] if self.failed else []
        return ", ".join(words) + (f", {self.seconds:.0f} s" if self.computed else "")


@contextmanager
def at_work(derived: Path) -> Iterator[str]:
    """Hold the lock, and leave nothing half-written behind: not from a run that was killed, not from this one."""
    with lock.locked(derived) as token:
        sweep(derived)
        try:
            yield token
        finally:
            sweep(derived)


def carry_out(corpus: Corpus, plans: list[Plan], say: Callable[[str], None], **how) -> Outcome:
    """Compute what is stale of one stage, and record what became of it however it ends."""
    outcome, begun = Outcome(plans[0].step.place.stage), time.monotonic()
    tasks = [task for p in plans for task in p.tasks]
    recorded: dict[str, dict[str, str]] = {}
    tried: dict[str, set[str]] = {}
    finished: dict[str, list[Done]] = {}
    for p in plans:
        damaged = {subject: _damage(damage) for subject, damage in p.fresh.items() if damage}
        outcome.kept += len(p.fresh)
        outcome.failed |= p.failed
        outcome.damaged |= damaged
        folder = p.step.place.folder.name
        recorded[folder] = recorded.get(folder, {}) | p.failed | damaged
        tried[folder] = tried.get(folder, set()) | {*p.fresh, *p.failed, *p.blocked}
    try:
        if tasks:
            with progress.shown(outcome.stage, len(tasks), say) as shown:
                for task, done in workers.over(tasks, **how):
                    if done.fatal:
                        raise WriteError(done.error)
                    folder = task.path.parent.name
                    tried[folder].add(task.subject)
                    finished.setdefault(task.label, []).append(done)
                    if done.error:
                        outcome.failed[task.subject] = recorded[folder][task.subject] = done.error
                    else:
                        outcome.computed += 1
                    if done.damage and not done.error:
                        outcome.damaged[task.subject] = recorded[folder][task.subject] = _damage(done.damage)
                    shown(done)
    finally:
        outcome.seconds = time.monotonic() - begun
        for label, done in finished.items():
            rates.remember(label, done)
        entry = {name: getattr(outcome, name) for name in ("stage", "computed", "kept", "failed", "damaged")}
        progress.tell(entry | {"seconds": round(outcome.seconds, 3)})
        record_failures(corpus.derived / "failures.csv", tried, recorded)
    if outcome.computed or outcome.failed:
        say(str(outcome))
    return outcome


def _damage(damage: list[str]) -> str:
    return PART + "; ".join(damage)
