"""What is done, stale and failed in a corpus, and what a run would do: ``filmlens status`` and ``run --dry-run``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filmlens import stages
from filmlens.artefacts import PART, read_failures, read_provenance
from filmlens.corpus import Corpus
from filmlens.features.vggish import weights
from filmlens.genre import POOLINGS
from filmlens.media import container
from filmlens.modelling import OTHERS
from filmlens.running import lock, rates
from filmlens.running.planning import Plan
from filmlens.running.progress import spell
from filmlens.running.staleness import NEW
from filmlens.running.work import Task
from filmlens.study import PROFILES

Asked = tuple[str, dict[str, Any]]

_NAMED = 5


def asked(notebooks: Iterable[str], profile: str = "quick", parameters: Mapping[str, Any] | None = None) -> list[Asked]:
    """Stages and parameters that the notebooks ask for, in the order in which they do.

    Parameters
    ----------
    notebooks : iterable of str
        Numbers.
    profile : {"quick", "paper"}
    parameters : mapping, optional
        Notebook parameters, such as cues, sound, seed, features.

    Examples
    --------
    >>> asked(["06"], parameters={"cues": "annotated"})
    [('annotated', {})]
    """
    given, p = dict(parameters or {}), PROFILES[profile]
    sheet = {"stamped": "cues"}.get(given.get("cues", "stamped"), given.get("cues", "stamped"))
    there = ["mir", *(["vggish"] if weights.find() else [])]
    sets = [name.strip() for name in given.get("features", "").split(",") if name.strip()] or there
    converged = {"epochs": p["epochs"], "learning_rate": p["learning_rate"]}
    network = {"model": "average", "hidden": 64} | converged
    drawn = {"model": "single_attention", "hidden": 128} | converged | ({"features": "vggish"} if there[1:] else {})
    importance = {"n_repeats": p["n_repeats"]} | network
    by_notebook: dict[str, list[Asked]] = {
        "01": [("cues", {}), ("cues", {"engine": "dejavu"}), ("cues", {"engine": "dejavu", "rule": "votes"})],
        "02": [(sheet, {}), ("mir", {}), *((f"{name}-cues", {}) for name in there), ("visual", {})],
        "03": [
            step
            for name in sets
            for step in (
                (stages.feature_stage(name), {} if name in stages.FEATURES else {"features": name}),
                *(("genre", {"model": m, "features": name}) for m in OTHERS),
                *(
                    ("genre", {"model": m, "hidden": h, "features": name} | converged)
                    for m in POOLINGS
                    for h in p["hidden"]
                ),
                *(("genre", {"level": level, "features": name, "scheme": 10} | network) for level in ("cue", "frame")),
            )
        ],
        "04": [
            ("importance", {"permuted": "cues"} | importance),
            ("importance", {"permuted": "films"} | importance),
            ("importance", {"permuted": "films", "rank0": "Dynamics"} | importance),
        ],
        "05": [("cross-modal", drawn), ("genre", drawn), ("visual", {})],
        "06": [(sheet, {})],
    }
    own = {k: given[k] for k in ("cues", "sound", "seed") if k in given}
    wanted = []
    for number in notebooks:
        for stage, more in by_notebook.get(number, []):
            known = stages.parameter_names(stage, own | more)
            wanted.append((stage, {k: v for k, v in own.items() if k in known} | more))
    return wanted


def to_do(corpus: Corpus, wanted: Iterable[Asked]) -> list[Plan]:
    """Plans of all that is asked for, each stage with its parameters once, in running order."""
    found: dict[tuple, Plan] = {}
    for stage, parameters in wanted:
        if "scheme" in parameters and isinstance(parameters["scheme"], int):
            parameters = parameters | {"scheme": min(parameters["scheme"], _films_with_genre(corpus))}
        for plan in stages.plan(corpus, stage, **parameters):
            found.setdefault((plan.step.place.folder, plan.step.place.file), plan)
    order = list(stages.STAGES)
    return sorted(found.values(), key=lambda plan: order.index(plan.step.place.stage))


def dry_run(corpus: Corpus, wanted: Iterable[Asked], *, jobs: int = 1) -> str:
    """What a run would compute: per stage how many, how many of them stale, and minutes by the rates measured here.

    Parameters
    ----------
    corpus : Corpus
    wanted : iterable of (stage, parameters)
        As `asked` gives them.
    jobs : int
        Processes that share the work.
    """
    measured, lengths = rates.known(), {}
    rows, whole, unknown = [], 0.0, []
    plans = to_do(corpus, wanted)
    for name in dict.fromkeys(_row_name(p) for p in plans):
        mine = [p for p in plans if _row_name(p) == name]
        tasks = [task for p in mine for task in p.tasks]
        every = sum(len(p.tasks) + len(p.fresh) + len(p.failed) + len(p.blocked) for p in mine)
        seconds = 0.0
        for plan in mine:
            rate = rates.rate(plan.step.label, measured)
            seconds += rate.estimate(_length(t, lengths) for t in plan.tasks) if plan.tasks else 0.0
        seconds /= max(1, min(jobs, len(tasks)))
        if seconds != seconds:
            unknown.append(name)
            minutes = "not measured yet"
        else:
            whole += seconds
            minutes = f"{seconds / 60:.1f}" if tasks else "0"
        unit = "films" if not mine[0].step.place.whole else "results"
        rows.append((name, f"{every} {unit}", str(len(tasks)), minutes))
    lines = _columns([("stage", "", "stale", "minutes"), *rows])
    lines += _reasons([(t.subject, _row_name(p), t.why) for p in plans for t in p.tasks])
    lines += _reasons([(s, _row_name(p), text) for p in plans for s, text in p.failed.items()])
    processes = f"{jobs} process{'es' if jobs > 1 else ''}"
    rest = f", and {', '.join(unknown)}, never measured on this machine" if unknown else ""
    return "\n".join([*lines, f"about {spell(whole)} with {processes}{rest}; notebooks and figures not counted"])


def status(corpus: Corpus) -> str:
    """Done, stale, failed and not yet computed, by stage and variant, with reasons."""
    failures = read_failures(corpus.derived / "failures.csv")
    failed = {(f, s): e for f, s, e in failures.itertuples(index=False)}
    fallen: dict[str, set[str]] = {}  # folder -> those that failed there altogether
    for (film_id, folder), error in failed.items():
        fallen.setdefault(folder, set()).update([film_id] if not error.startswith(PART) else [])
    rows, stale = [], []
    for plan in _on_disk(corpus):
        place = plan.step.place
        mine = {t.subject: t.why for t in plan.tasks} | dict.fromkeys(plan.blocked, "") | plan.failed
        bad = [s for s in mine if s in plan.failed or not failed.get((s, place.folder.name), PART).startswith(PART)]
        above = place.counted - {place.folder.name}
        blocked = [
            s for s in mine if s not in bad and any(not failed.get((s, f), PART).startswith(PART) for f in above)
        ]
        blocked += [s for s in plan.blocked if s not in bad and s not in blocked]
        new = [s for s, why in mine.items() if s not in [*bad, *blocked] and why == NEW]
        again = [s for s in mine if s not in bad and s not in new and s not in blocked]
        rows.append((_row_name(plan), *map(str, (len(plan.fresh), len(again), len(bad), len(new), len(blocked)))))
        stale += [(s, _row_name(plan), mine[s]) for s in again]
    totals: dict[str, list[int]] = {}
    for name, *counts in rows:
        totals[name] = [a + int(b) for a, b in zip(totals.get(name, [0] * 5), counts, strict=True)]
    lines = [f"{corpus.folder}: {len(corpus)} films; computed tables in {corpus.derived}"]
    header = ("stage", "done", "stale", "failed", "not yet", "input failed")
    lines += _columns([header, *((name, *map(str, counts)) for name, counts in totals.items())])
    lines += ["", "stale:", *_reasons(stale)] if stale else []
    whole = [(f, s, e) for (f, s), e in failed.items() if not e.startswith(PART)]
    lines += ["", "failed:", *(f"  {f}, {s}: {e}" for f, s, e in whole)] if whole else []
    part = [(f, s, e) for (f, s), e in failed.items() if e.startswith(PART)]
    lines += ["", "damaged:", *(f"  {f}, {s}: {e}" for f, s, e in part)] if part else []
    path = corpus.derived / lock.NAME
    held = lock.owner(path)
    if held:
        state = "is at work" if lock.alive(path, held) else "was killed; the next one continues"
        lines += ["", f"a run (process {held['pid']} on {held['host']}, since {held['since']}) {state}"]
    return "\n".join(lines)


def _row_name(plan: Plan) -> str:
    """A film stage with its variant; of a stage of the whole corpus all results together."""
    return plan.step.place.folder.name


def _on_disk(corpus: Corpus) -> list[Plan]:
    """Plans of everything that was ever computed here, and of what every study measures."""
    wanted: list[Asked] = [("cues", {}), ("mir-cues", {}), ("visual", {})]
    for folder in sorted(p for p in corpus.derived.glob("*") if p.is_dir()):
        name = folder.name.partition("@")[0]
        if name in stages.STAGES:
            files = sorted(p for p in folder.glob("*") if p.suffix in (".npz", ".parquet") and p.name[0] != ".")
            for path in files if stages.STAGES[name].unit == "corpus" else files[:1]:
                wanted += _configured(name, path)
    return to_do(corpus, wanted)


def _configured(name: str, path: Path) -> list[Asked]:
    configuration = read_provenance(path).get("configuration")
    if configuration is None:
        return []
    try:
        return [(name, stages.complete(name, configuration))]
    except ValueError:
        return []  # of a version that had other parameters


def _films_with_genre(corpus: Corpus) -> int:
    return max(2, sum(bool(film.genres) for film in corpus))


def _length(task: Task, known: dict[Path, float]) -> float:
    """Seconds of the film that a task reads; 0 when it reads none, or it cannot be told."""
    if not isinstance(task.recipe["media"], dict) or "film" not in task.recipe["media"]:
        return 0.0
    path = task.payload.film
    if path not in known:
        try:
            known[path] = container.duration(path)
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
        lines.append(f"  {stage}: {why}: {', '.join(subjects[:_NAMED])}{more}")
    return lines


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
