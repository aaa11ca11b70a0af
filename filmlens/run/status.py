"""What is done, stale and failed in a corpus, and what a run would do: ``filmlens status`` and ``run --dry-run``."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from filmlens import stages
from filmlens.artefacts import PART, Ledger, cache_folder, ledger_of, read_failures, read_provenance
from filmlens.corpus import Corpus
from filmlens.media import container
from filmlens.media.apart import apart
from filmlens.stages import costs, lock
from filmlens.stages.plan import Plan
from filmlens.stages.progress import spell
from filmlens.stages.staleness import NEW, Survey
from filmlens.stages.table import CORPUS
from filmlens.stages.work import Task

Asked = tuple[str, dict[str, Any]]

#: What the notebooks measure film by film; what else they ask for is known after their first run on this machine.
MEASURED = {
    "01": [("cues", {}), ("cues", {"engine": "dejavu"}), ("cues", {"engine": "dejavu", "rule": "votes"})],
    "02": [("mir-cues", {}), ("visual", {})],
    "03": [("mir-cues", {})],
    "04": [("mir-cues", {})],
    "05": [("mir-cues", {}), ("visual", {})],
    "06": [("cues", {})],
    "07": [("mir-cues", {}), ("visual", {})],
}
_NAMED = 5
#: What a notebook passes on to the stages, with its defaults.
OWN = {"cues": "stamped", "sound": "track", "seed": 0}


def asked(notebooks: Iterable[str], profile: str = "quick", parameters: Mapping[str, Any] | None = None) -> list[Asked]:
    """Stages and parameters that notebooks ask for: as they did last time here, else what they measure.

    `notebooks` are numbers; of the notebooks' `parameters` cues, sound and seed make a difference here.
    """
    given, remembered = dict(parameters or {}), costs.asked()
    own = {k: given[k] for k in OWN if k in given}
    wanted: list[Asked] = []
    for number in notebooks:
        for stage, before in remembered.get(f"{number} {profile}", MEASURED.get(number, [])):
            with suppress(ValueError):  # a stage of a version that had others
                known = stages.parameter_names(stage, own | before)
                # a notebook that compares choices asked for some of them itself: those stay
                chosen = {k: v for k, v in own.items() if k in known and before.get(k, OWN[k]) == OWN[k]}
                wanted.append((stage, known | before | chosen))
    return wanted


def to_do(corpus: Corpus, wanted: Iterable[Asked], *, verify: bool = False) -> list[Plan]:
    """Plans of all that is asked for, each stage with its parameters once, in running order."""
    known = []
    for stage, parameters in wanted:
        if isinstance(parameters.get("scheme"), int):  # as many folds as there are films, at most
            films = max(2, sum(bool(film.genres) for film in corpus))
            parameters = parameters | {"scheme": min(parameters["scheme"], films)}
        known.append((stage, stages.complete(stage, parameters)))
    return stages.plans_of(corpus, known, Survey(corpus, every_byte=verify))


def dry_run(corpus: Corpus, wanted: Iterable[Asked], *, jobs: int = 1) -> str:
    """What a run would compute: per stage how many, how many of them stale, and minutes by the rates measured here."""
    measured, lengths = costs.known(), {}
    rows, whole, unknown = [], 0.0, []
    plans = to_do(corpus, wanted)
    for name in dict.fromkeys(p.folder for p in plans):
        mine = [p for p in plans if p.folder == name]
        tasks = [task for p in mine for task in p.tasks]
        every = sum(len(p.tasks) + len(p.fresh) + len(p.failed) + len(p.blocked) for p in mine)
        rates = ((costs.rate(p.step.label, measured), p.tasks) for p in mine if p.tasks)
        seconds = sum(rate.estimate(_length(t, lengths) for t in some) for rate, some in rates)
        seconds /= max(1, min(jobs, len(tasks)))
        minutes = f"{seconds / 60:.1f}" if tasks else "0"
        if seconds != seconds:
            unknown.append(name)
            minutes = "not measured yet"
        else:
            whole += seconds
        unit = "results" if mine[0].step.place.whole else "films"
        rows.append((name, f"{every} {unit}", str(len(tasks)), minutes))
    lines = _columns([("stage", "", "stale", "minutes"), *rows])
    lines += _reasons([(t.subject, p.folder, t.why) for p in plans for t in p.tasks])
    lines += _reasons([(s, p.folder, text) for p in plans for s, text in p.failed.items()])
    processes = f"{jobs} process{'es' if jobs > 1 else ''}"
    parts = [f"about {spell(whole)} with {processes}"] * bool(whole or not unknown)
    parts += [f"how long is not known of {', '.join(unknown)}: never measured on this machine"] * bool(unknown)
    return "\n".join([*lines, f"{'; '.join(parts)}; notebooks and figures not counted"])


def unknown_notebooks(notebooks: Iterable[str], profile: str) -> list[str]:
    """Notebooks that never ran here with a profile, so that only what they measure is known."""
    remembered = costs.asked()
    return [number for number in notebooks if f"{number} {profile}" not in remembered and number in MEASURED]


def status(corpus: Corpus, *, verify: bool = False) -> str:
    """Done, stale, failed and not yet computed, by stage and variant, with reasons.

    `verify` reads every byte of films, tracks and tables: what changed and kept its size and time is seen only so.
    """
    failures = read_failures(corpus.derived / "failures.csv")
    failed = {(f, s): e for f, s, e in failures.itertuples(index=False)}
    whole = {key: error for key, error in failed.items() if not error.startswith(PART)}
    totals: dict[str, list[int]] = {}
    stale = []
    for plan in to_do(corpus, _on_disk(corpus), verify=verify):
        place = plan.step.place
        mine = {t.subject: t.why for t in plan.tasks} | dict.fromkeys(plan.blocked, "") | plan.failed
        bad = [s for s in mine if s in plan.failed or (s, plan.folder) in whole]
        barred = {s for s, folder in whole if folder in place.counted} | set(plan.blocked)
        blocked = [s for s in mine if s in barred and s not in bad]
        new = [s for s, why in mine.items() if s not in [*bad, *blocked] and why == NEW]
        again = [s for s in mine if s not in [*bad, *blocked, *new]]
        counts = map(len, (plan.fresh, again, bad, new, blocked))
        name = plan.folder
        totals[name] = [a + b for a, b in zip(totals.get(name, [0] * 5), counts, strict=True)]
        stale += [(s, name, mine[s]) for s in again]
    lines = [f"{corpus.folder}: {len(corpus)} film{'s' * (len(corpus) != 1)}; computed tables in {corpus.derived}"]
    header = ("stage", "done", "stale", "failed", "not yet", "input failed")
    lines += _columns([header, *((name, *map(str, counts)) for name, counts in totals.items())])
    lines += ["", "stale:", *_reasons(stale)] if stale else []
    for title, some in {"failed:": whole, "damaged:": {k: e for k, e in failed.items() if k not in whole}}.items():
        lines += ["", title, *(f"  {f}, {s}: {e}" for (f, s), e in some.items())] if some else []
    path = corpus.derived / lock.NAME
    held = lock.owner(path)
    if held:
        state = "is at work" if lock.alive(path, held) else "was killed; the next one continues"
        lines += ["", f"a run (process {held['pid']} on {held['host']}, since {held['since']}) {state}"]
    return "\n".join(lines)


def _on_disk(corpus: Corpus) -> list[Asked]:
    """Everything that was ever computed here, and of what every study measures."""
    wanted: list[Asked] = [] if corpus.shared else [("cues", {}), ("mir-cues", {}), ("visual", {})]
    for folder in sorted(p for p in corpus.derived.glob("*") if p.is_dir()):
        name = folder.name.partition("@")[0]
        if name in stages.STAGES:
            files = sorted(p for p in folder.glob("*") if p.suffix in (".npz", ".parquet") and p.name[0] != ".")
            for path in files if stages.STAGES[name].unit == "corpus" else files[:1]:
                configuration = read_provenance(path).get("configuration")
                with suppress(ValueError):  # of a version that had other parameters
                    wanted += [(name, stages.complete(name, configuration))] if configuration is not None else []
    return wanted


def _length(task: Task, known: dict[Path, float]) -> float:
    """Seconds of the film that a task reads; 0 when it reads none, or it cannot be told."""
    if not isinstance(task.recipe["media"], dict) or "film" not in task.recipe["media"]:
        return 0.0
    path = task.payload.film
    if path not in known:
        with Ledger(ledger_of(path, cache_folder() / "lengths")) as ledger:
            try:
                known[path] = ledger.get(path, partial(apart, container.duration, path))
            except ValueError:
                known[path] = 0.0
    return known[path]


def _reasons(rows: list[tuple[str, str, str]]) -> list[str]:
    """(subject, stage, why) as lines, equal reasons together."""
    together: dict[tuple[str, str], list[str]] = {}
    for subject, stage, why in rows:
        together.setdefault((stage, why), []).append(subject)
    lines = []
    for (stage, why), subjects in together.items():
        more = f" and {len(subjects) - _NAMED} more" if len(subjects) > _NAMED else ""
        named = f"{', '.join(subjects[:_NAMED])}{more}"
        if subjects[0].startswith(CORPUS):  # whose names are all their parameters
            named = f"{len(subjects)} result{'s' * (len(subjects) != 1)}"
        lines.append(f"  {stage}: {why}: {named}")
    return lines


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
