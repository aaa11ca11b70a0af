"""What there is to do: where artefacts lie, which of them are stale and why, which films cannot be computed."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens.artefacts import PART, read_failures, read_provenance, table_hash
from filmlens.corpus import GROUPS, Corpus
from filmlens.stages import staleness
from filmlens.stages.work import Task


@dataclass(frozen=True)
class Place:
    """Where the artefacts of a stage with its parameters lie.

    Attributes
    ----------
    stage : str
    folder : Path
    counted : frozenset of str
        Folders whose failures make an artefact here unusable: its own and those of the stages it stands on.
    whole, file : str
        Of a stage of the whole corpus: what its one subject is called, and the name of its file.
    """

    stage: str
    folder: Path
    counted: frozenset[str]
    whole: str = ""
    file: str = ""

    def path(self, subject: str) -> Path:
        return self.folder / (self.file or f"{subject}.parquet")


@dataclass(frozen=True)
class Step:
    """A stage with its parameters, everything by name resolved.

    Attributes
    ----------
    place : Place
    function : str
        ``module:name``.
    version : int
    media : tuple of str, or of pairs of str and function
        Files of the film it reads, as `staleness.fingerprints` takes them.
    own, configuration : mapping
        The stage's parameters, and those of the whole chain.
    settled : mapping
        Further arguments of the function.
    label : str
        Stage and variant.
    sources : mapping of str to Place
        What its function calls the tables it is given.
    """

    place: Place
    function: str
    version: int
    media: tuple[Any, ...]
    own: Mapping[str, Any]
    settled: Mapping[str, Any]
    configuration: Mapping[str, Any]
    label: str
    sources: Mapping[str, Place]


@dataclass
class Plan:
    """What there is to do for a stage with its parameters: tasks, each with why; ids that are fresh; what cannot be.

    Attributes
    ----------
    step : Step
    tasks : list of Task
    fresh : dict of str to list of str
        Subject -> damage in spite of which its artefact was measured.
    failed : dict of str to str
        Subjects whose files cannot be listed, with the error.
    blocked : list of str
        Subjects an input of which failed; that is recorded there.
    """

    step: Step
    tasks: list[Task] = field(default_factory=list)
    fresh: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)


def plan_step(corpus: Corpus, step: Step, films: list[str], coming: Container[Path] = ()) -> Plan:
    """What is stale of a stage with its parameters.

    Parameters
    ----------
    corpus : Corpus
    step : Step
    films : list of str
        Film ids; a stage of the whole corpus takes all in any case.
    coming : container of Path
        Artefacts that will be computed before, so that what stands on them is stale.
    """
    plan, place = Plan(step), step.place
    facts, table = _facts(corpus, step) if place.whole else (None, "")
    failed = {name: dropped(corpus, source) for name, source in step.sources.items()}
    for subject in [place.whole] if place.whole else films:
        inputs: dict[str, list[Path]] = {}
        for name, source in step.sources.items():
            subjects = [source.whole] if source.whole else corpus.ids if place.whole else [subject]
            paths = {s: source.path(s) for s in subjects}
            inputs[name] = [p for s, p in paths.items() if p in coming or (p.is_file() and s not in failed[name])]
        # the whole corpus can do without a film, but not without a model
        if any(not paths and (step.sources[name].whole or not place.whole) for name, paths in inputs.items()):
            plan.blocked.append(subject)
            continue
        path = place.path(subject)
        if corpus.shared and step.media and (path.is_file() or {"film", "soundtrack"} & set(step.media)):
            if path.is_file():
                plan.fresh[subject] = []
            continue  # what was measured before it was shared is all there is
        payload = facts if place.whole else corpus[subject]
        try:
            media = table if place.whole else staleness.fingerprints(payload, step.media)
        except ValueError as error:
            plan.failed[subject] = str(error)
            continue
        tables = {
            name: ["" if p in coming else read_provenance(p).get("table", "") for p in paths]
            for name, paths in inputs.items()
        }
        recipe = staleness.recipe(place.stage, step.version, step.own, tables, media)
        carried = read_provenance(path) if path.is_file() else {}
        why = staleness.reason(path, carried, recipe)
        awaited = [step.sources[name].stage for name, paths in inputs.items() if any(p in coming for p in paths)]
        if awaited and why != staleness.NEW:
            why = f"its {', '.join(dict.fromkeys(awaited))} will be computed again"
        if not why:
            plan.fresh[subject] = list(carried.get("damage", ()))
            continue
        task = Task(
            stage=place.stage,
            function=step.function,
            subject=subject,
            payload=payload,
            inputs=inputs,
            arguments={**step.settled, **step.own},
            configuration=step.configuration,
            path=path,
            recipe=recipe,
            label=step.label,
            why=why,
        )
        plan.tasks.append(task)
    return plan


def _facts(corpus: Corpus, step: Step) -> tuple[pd.DataFrame, str]:
    """What a stage of the whole corpus is told of the films, and the hash of what it uses."""
    return corpus.labels().join(corpus.groups()), label_hash(corpus, step.configuration)


def label_hash(corpus: Corpus, configuration: Mapping[str, Any]) -> str:
    """Hash of what a stage of the whole corpus uses of films.csv; the groups of films only where its folds do."""
    told = corpus.s1()
    if configuration.get("scheme") in GROUPS:
        told = told.merge(corpus.groups().reset_index(), on="film_id")
    return table_hash(told)


def dropped(corpus: Corpus, place: Place) -> set[str]:
    """Subjects that failed there or, film by film, in a stage that it stands on: what they left before is stale."""
    failures = read_failures(corpus.derived / "failures.csv")
    failures = failures[~failures["error"].str.startswith(PART)]
    return set(failures.loc[failures["stage"].isin(place.counted), "film_id"])
