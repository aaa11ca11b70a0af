"""Measured cost of each stage on this machine: seconds of work per second of film, or per model.

Beside it, what each notebook last asked the stages for, so that its next run can be foretold. Kept in the user's cache
folder (`artefacts.cache_folder`), one entry per machine and stage. Losing the files loses the estimates only.
"""

import json
import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filmlens.artefacts import cache_folder, write_atomically
from filmlens.stages.work import Done

#: Later films count more: beyond this many the earlier ones fade.
_MEMORY = 500


class Rate(NamedTuple):
    """Sums over finished tasks: number, seconds of work, seconds of film read."""

    tasks: float = 0.0
    seconds: float = 0.0
    length: float = 0.0

    def estimate(self, lengths: Iterable[float]) -> float:
        """Seconds of work for films of these lengths (0 where the stage reads no film).

        >>> Rate(tasks=2, seconds=10, length=100).estimate([60, 60])
        12.0
        >>> Rate(tasks=2, seconds=10).estimate([0, 0, 0])
        15.0
        """
        lengths = list(lengths)
        if self.length and any(lengths):
            return self.seconds * sum(lengths) / self.length
        return self.seconds * len(lengths) / self.tasks if self.tasks else float("nan")


def known() -> dict[str, Rate]:
    """Rates of this machine by stage (``cues``) and variant (``cues@engine=dejavu``)."""
    return read(cache_folder() / "rates.json", _rates).get(platform.node(), {})


def rate(label: str, rates: dict[str, Rate]) -> Rate:
    """Rate of a variant, else of its stage; empty when neither was measured here."""
    return rates.get(label) or rates.get(label.partition("@")[0]) or Rate()


def remember(label: str, done: Iterable[Done]) -> None:
    """Add the cost of finished tasks. A cache that cannot be written is ignored."""
    finished = [d for d in done if not d.error]
    if not finished:
        return
    whole = read(cache_folder() / "rates.json", _rates)
    here = whole.setdefault(platform.node(), {})
    for name in {label, label.partition("@")[0]}:
        old = here.get(name, Rate())
        fade = min(1.0, _MEMORY / (old.tasks or 1))
        more = (len(finished), sum(d.seconds for d in finished), sum(d.length for d in finished))
        here[name] = Rate(*(round(fade * a + b, 3) for a, b in zip(old, more, strict=True)))
    _write("rates.json", whole)


def asked() -> dict[str, list[tuple[str, dict]]]:
    """Stages and parameters that each notebook and profile asked for in its last run here."""
    return read(cache_folder() / "asked.json", _asks)


def remember_asked(name: str, asks: Iterable[tuple[str, dict]]) -> None:
    """Store what a notebook and profile asked for, without repetitions."""
    once = {json.dumps(ask, sort_keys=True): ask for ask in asks}
    _write("asked.json", asked() | {name: list(once.values())})


def _write(name: str, content: dict) -> None:
    with suppress(OSError):
        write_atomically(cache_folder() / name, lambda part: part.write_text(json.dumps(content), encoding="utf-8"))


def read(path: Path, understood: Callable[[dict], dict]) -> dict:
    """What an earlier run wrote down, as JSON; empty when it is missing or says something else."""
    try:
        return understood(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _rates(read: dict) -> dict[str, dict[str, Rate]]:
    return {machine: {name: Rate(*map(float, sums)) for name, sums in of.items()} for machine, of in read.items()}


def _asks(read: dict) -> dict[str, list[tuple[str, dict]]]:
    return {name: [(str(stage), dict(known)) for stage, known in asks] for name, asks in read.items()}
