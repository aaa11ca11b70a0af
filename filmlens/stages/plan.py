"""Planning: where artefacts lie, which are stale and why, which films cannot be computed."""

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens.artefacts import table_hash
from filmlens.corpus import GROUPS, SHARED_MUSIC, Corpus
from filmlens.corpus.doubles import music_groups
from filmlens.stages import staleness
from filmlens.stages.staleness import Survey
from filmlens.stages.work import Task


@dataclass(frozen=True)
class Place:
    """Where the artefacts of a stage with its parameters lie.

    `counted` are the folders whose failures make an artefact here unusable: its own and those of the stages it stands
    on. An artefact here must carry `configuration`, the parameters of the whole chain. Of a stage of the whole corpus
    `whole` is what its one subject is called, and `file` the name of its file.
    """

    stage: str
    folder: Path
    counted: frozenset[str]
    configuration: Mapping[str, Any] = field(default_factory=dict)
    whole: str = ""
    file: str = ""

    def path(self, subject: str) -> Path:
        return self.folder / (self.file or f"{subject}.parquet")

    def holds(self, subject: str, provenance: Mapping[str, Any]) -> bool:
        """Whether an artefact says that it is what belongs here: of this table, film and configuration."""
        stated = provenance.get("name"), provenance.get("recipe", {}).get("subject"), provenance.get("configuration")
        return stated == (self.stage, self.whole or subject, json.loads(json.dumps(self.configuration)))


@dataclass(frozen=True)
class Stage:
    """One row of `STAGES`.

    - name: folder under ``derived/``
    - function: ``module:name``, imported by the worker that needs it (torch costs seconds that no film stage should
      pay). It is called with the `Film`, or what is known of all films, the tables of the inputs, and the parameters by
      name, and gives the table, or a `Measured`
    - inputs: earlier stages, or tables beside theirs; "sheet" and "features" are the ones that the parameters choose,
      "sheet-segments" is the table of segments beside the sheet, where it has one
    - media: files of the film it reads: film, soundtrack, annotation, verdicts, own (the user's features); sound (which
      of the film's); or weights (of its feature set)
    - parameters: its own, with their defaults; `settled` are further arguments that nobody chooses
    - unit: "film" or "corpus"
    - beside: further tables that it writes, each in a folder of its own
    - folded: whether the result is fitted folds: npz and JSON in place of Parquet
    - version: raised when the function's results change; libraries: packages whose major or minor version may change
      them, too
    """

    name: str
    function: str
    inputs: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "film"
    beside: tuple[str, ...] = ()
    settled: Mapping[str, Any] = field(default_factory=dict)
    folded: bool = False
    version: int = 1
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A stage with its parameters, all names resolved.

    `media` are the files of the film it reads, as `Survey.files` takes them, `sources` the places of the tables it is
    given by what it calls them. `own` are the stage's parameters, `label` stage and variant.
    """

    stage: Stage
    place: Place
    media: tuple[Any, ...]
    own: Mapping[str, Any]
    label: str
    sources: Mapping[str, Place]


@dataclass
class Plan:
    """Plan of a stage: tasks with reasons, subjects that are up to date, and subjects that cannot be computed.

    `fresh` is subject -> damage in spite of which its artefact was measured, `failed` subject -> why its files cannot
    be listed. Of `blocked` subjects an input failed; that is recorded there. The artefact of `damaged` ones is not what
    was written, and is computed again.
    """

    step: Step
    tasks: list[Task] = field(default_factory=list)
    fresh: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """A film stage with its variant; of a stage of the whole corpus all results together."""
        return self.step.place.folder.name


def plan_step(corpus: Corpus, step: Step, films: list[str], seen: Survey, coming: Mapping[Path, str] = {}) -> Plan:
    """Find what is stale of a stage with its parameters; one of the whole corpus takes all films in any case.

    `coming` are artefacts that will be computed before, by which stage, so that what stands on them is stale.
    """
    plan, place = Plan(step), step.place
    scheme = place.configuration.get("scheme")
    failed = {name: seen.fallen(source.counted) for name, source in step.sources.items()}
    for subject in [place.whole] if place.whole else films:
        path = place.path(subject)
        carried, there = seen.provenance(path), seen.is_there(path)
        damaged = (seen.damage(path, carried) or ("" if carried else staleness.FOREIGN)) if there else ""
        if corpus.shared and step.media and (there or {"film", "soundtrack"} & set(step.media)):
            if there and damaged:
                plan.failed[subject] = f"{path}: is damaged; take the data set anew from where it came"
            elif there:
                plan.fresh[subject] = []
            continue  # what was measured before it was shared is all there is
        inputs: dict[str, list[Path]] = {}
        tables: dict[str, list[str]] = {}  # their hashes; empty for what is to come
        for name, source in step.sources.items():
            each_film = place.whole and not source.whole
            subjects = corpus.ids if each_film else [source.whole or subject]
            found = partial(_there, subjects, source, failed[name], coming, seen)
            # what all films have is the same for every model
            inputs[name], tables[name] = seen.once(("films", source.folder), found) if each_film else found()
        # the whole corpus can do without a film, but not without a model
        if any(not paths and (step.sources[name].whole or not place.whole) for name, paths in inputs.items()):
            plan.blocked.append(subject)
            continue
        try:
            files = {} if place.whole else seen.files(corpus[subject], step.media)
        except ValueError as error:
            plan.failed[subject] = str(error)
            continue
        if place.whole:
            payload = seen.once(("facts", scheme), lambda: corpus.labels().join(held_together(corpus, scheme)))
            media = seen.once(("labels", scheme), lambda: label_hash(corpus, place.configuration))
        else:
            payload, before = corpus[subject], carried.get("recipe", {}).get("media")
            media = seen.media(payload, files, before if isinstance(before, dict) else {})
        recipe = _recipe(step, subject, tables, media)
        why = (damaged or staleness.reason(path, carried, recipe)) if there else staleness.NEW
        if damaged:
            plan.damaged.append(subject)
        awaited = [coming[p] for paths in inputs.values() for p in paths if p in coming]
        if awaited and why != staleness.NEW:
            why = f"its {', '.join(dict.fromkeys(awaited))} will be computed again"
        if not why:
            plan.fresh[subject] = list(carried.get("damage", ()))
            continue
        task = Task(
            stage=place.stage,
            function=step.stage.function,
            subject=subject,
            payload=payload,
            inputs=inputs,
            arguments={**step.stage.settled, **step.own},
            configuration=place.configuration,
            path=path,
            recipe=recipe,
            files={kind: paths for kind, paths in files.items() if isinstance(paths, dict)},
            label=step.label,
            why=why,
        )
        plan.tasks.append(task)
    return plan


def _there(
    subjects: Iterable[str], source: Place, failed: set[str], coming: Container[Path], seen: Survey
) -> tuple[list[Path], list[str]]:
    """The artefacts of some subjects that are there or to come, and the hashes of their tables."""
    places = ((subject, source.path(subject)) for subject in subjects)
    paths = [p for subject, p in places if p in coming or (seen.is_there(p) and subject not in failed)]
    return paths, ["" if p in coming else seen.provenance(p).get("table", "") for p in paths]


def _recipe(step: Step, subject: str, inputs: Mapping, media: Any) -> dict[str, Any]:
    """All that an artefact depends on, as plain JSON: hashes of input tables, and what files are known by."""
    libraries = staleness.versions(step.stage.libraries)
    recipe = {"stage": step.stage.name, "subject": subject, "version": step.stage.version, "libraries": libraries}
    recipe |= {"parameters": step.own, "inputs": inputs, "media": media}
    return json.loads(json.dumps(recipe, sort_keys=True))


def held_together(corpus: Corpus, scheme: str | int | None) -> pd.DataFrame:
    """Groups of films by which folds can be made: franchise, composer, and shared music where it is asked for."""
    table = corpus.groups()
    return table.join(music_groups(corpus)) if scheme == SHARED_MUSIC else table


def label_hash(corpus: Corpus, configuration: Mapping[str, Any]) -> str:
    """Hash of what a stage of the whole corpus uses of films.csv: genres, and the groups that its folds are made by."""
    labels, scheme = corpus.labels().reset_index(), configuration.get("scheme")
    if scheme in (*GROUPS, SHARED_MUSIC):
        labels = labels.merge(held_together(corpus, scheme)[[scheme]].reset_index(), on="film_id")
    return table_hash(labels)
