"""``filmlens run``: the notebooks, in order, headless, by papermill in one process.

Executed notebooks, HTML copies that open offline, figures, tables, index.html and provenance.json go under one folder.
Parameters that no notebook knows are refused (papermill only warns), a failing notebook is named with its cell and
error, and a film that failed makes the run end non-zero after everything else is done. One run at a time works on a
corpus; an interrupted or killed one is continued by the same command.
"""

import ast
import json
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from math import nan
from pathlib import Path
from typing import Any

from filmlens import text
from filmlens.artefacts import WriteError, write_atomically, writing
from filmlens.corpus import Corpus
from filmlens.run import kernels
from filmlens.run.kernels import read_journal
from filmlens.run.provenance import provenance
from filmlens.stages import complete, costs, lock
from filmlens.stages.loop import at_work
from filmlens.stages.progress import JOURNAL
from filmlens.study import PROFILES, Study
from filmlens.study.cues import descriptors_of, write_cues_table
from filmlens.text import utf8

#: Notebooks that listen to or look at the films, that need their pictures, and that are about the study's own features.
MEDIA, PICTURES, RELEASED = ("01", "02", "06"), ("05", "07"), ("08",)


class RunError(ValueError):
    """A run that cannot start: an unknown notebook or parameter."""


def notebooks_folder() -> Path:
    """Where the numbered notebooks lie: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / "notebooks" if (package / "notebooks").is_dir() else package.parent / "notebooks"


def choose_notebooks(numbers: Iterable[str] | None = None) -> list[Path]:
    """Notebooks by number, such as ``["03", "04"]``, all by default; raises `RunError` for a number without one."""
    there = sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb"))
    if numbers is None:
        return there
    chosen = []
    for number in numbers:
        found = [n for n in there if n.stem == number or n.stem.startswith(f"{number}_")]
        if not found:
            raise RunError(
                f"no notebook {number}; name them by number, such as --notebooks 03,04: "
                f"{', '.join(n.stem for n in there)}"
            )
        chosen += found
    return sorted(set(chosen))


def known_parameters(notebook: Path) -> dict[str, Any]:
    """Parameters of a notebook's parameters cell: name -> default."""
    # read here, because importing papermill takes longer than a dry run of a thousand films
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = ("".join(c["source"]) for c in cells if "parameters" in c["metadata"].get("tags", ()))
    body = [node for text in tagged for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in body}


def read_parameter(name: str, value: Any, default: Any) -> Any:
    """A parameter's value as its default is: the film 1917 is a name, the seed 1917 a number.

    Raises `RunError` for a text that is no number, or no truth value, where the notebook expects one.

    >>> read_parameter("film", "1917", ""), read_parameter("seed", "3", 0), read_parameter("seconds", "3", 10.0)
    ('1917', 3, 3.0)
    """
    if not isinstance(value, str) or isinstance(default, str):
        return str(value) if isinstance(default, str) else value
    try:
        return {"true": True, "false": False}[value.lower()] if isinstance(default, bool) else type(default)(value)
    except (KeyError, ValueError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise RunError(f"-p {name}={value}: {name} is {kind}, such as {default}") from None


def run(
    corpus: str | Path,
    out: str | Path,
    *,
    notebooks: Iterable[str] | None = None,
    profile: str = "quick",
    parameters: Mapping[str, Any] | None = None,
    jobs: int = 1,
    dask: str = "",
    limit: float | None = None,
    figures: str | Path | None = None,
    derived: str | Path | None = None,
    excerpts: bool = False,
    say: Callable[[str], None] = text.say,
) -> int:
    """Execute the notebooks on a corpus; gives 0, 1 when a notebook or a film failed, 130 when it was interrupted.

    `out` gets ``notebooks/``, ``figures/`` (unless another folder is named), ``index.html`` and ``provenance.json``.
    `notebooks` are numbers, all by default; each of the `parameters` goes to the notebooks that know it. `dask` is the
    address of a scheduler, used in place of processes; after `limit` seconds a film is given up. `derived` is another
    folder for computed tables, when the corpus must not be written to. With `excerpts` ten seconds of each example cue
    are written beside the report: sound of the films, for the user's own ears and in no data set. `say` is given one
    line per notebook.

    Raises `RunError`, `CorpusError`, `LockError` or `WriteError` before anything is run.
    """
    from filmlens.run import status
    from filmlens.run.report import write_report

    opened = Corpus.open(corpus, derived=derived)
    if opened.understood:
        say(opened.understood)
    chosen = _possible(opened, notebooks, say=say)
    known = {n: known_parameters(n) for n in chosen}
    defaults = {name: value for own in known.values() for name, value in own.items()}
    given = {"corpus": str(opened.folder), "profile": profile, "jobs": jobs} | dict(parameters or {})
    given = _checked(given, defaults)
    if given.get("film") and given["film"] not in opened.ids:
        raise RunError(f"-p film={given['film']}: no such film in films.csv; it has {', '.join(opened.ids)}")
    out = utf8(Path(out).resolve())
    folder = utf8(Path(figures).resolve()) if figures else out / "figures"
    given["figures"] = str(folder)
    with writing(out):
        (out / "notebooks").mkdir(parents=True, exist_ok=True)
    journal = out / "journal.jsonl"
    # the seconds that each notebook took in the run before
    before = costs.read(out / "provenance.json", lambda was: {n: 60.0 * t for n, t in was["notebooks"].items()})
    begun, errors, minutes, interrupted = time.monotonic(), {}, {}, False
    with at_work(opened.derived) as token:
        journal.unlink(missing_ok=True)
        variables = {JOURNAL: str(journal), lock.TOKEN: token, "FILMLENS_DERIVED": str(opened.derived)}
        variables |= {"FILMLENS_DASK": dask, "FILMLENS_LIMIT": "" if limit is None else str(limit)}
        try:
            for number, notebook in enumerate(chosen, 1):
                started, place = time.monotonic(), journal.stat().st_size if journal.is_file() else 0
                own = {k: v for k, v in given.items() if k in known[notebook]}
                at = {"name": f"[{number}/{len(chosen)}] {notebook.stem}", "before": before.get(notebook.stem, nan)}
                # followed from outside of the surroundings, in which lines go to the journal
                with kernels.followed(journal, say, **at), kernels.ended_with(), kernels.surroundings(**variables):
                    error = kernels.execute(notebook, out / "notebooks" / notebook.name, own)
                minutes[notebook.stem] = round((time.monotonic() - started) / 60, 2)
                if error:
                    errors[notebook.stem] = error
                    _, full, why = error.partition(f"{WriteError.__name__}: ")
                    if full:  # every notebook that follows would fail as well
                        raise WriteError(why)
                elif not own.keys() & status.OWN.keys():  # what is remembered is a run with the defaults
                    asked = [ask for entry in kernels.entries(journal, place) for ask in entry.get("asked", ())]
                    costs.remember_asked(f"{notebook.stem[:2]} {profile}", asked)
                say(f"[{number}/{len(chosen)}] {notebook.stem}: {error or 'done'} ({time.monotonic() - started:.0f} s)")
        except KeyboardInterrupt:
            interrupted = True
    stages = read_journal(journal)
    failed = {(film, stage): text for stage, s in stages.items() for film, text in s["failed"].items()}
    damaged = {(film, stage): text for stage, s in stages.items() for film, text in s["damaged"].items()}
    choices = {k: v for k, v in given.items() if k not in ("corpus", "figures")}
    written = provenance(opened, profile=profile, parameters=choices, known=defaults) | {
        "notebooks": minutes,
        "errors": errors,
        "stages": stages,
        "computed": sum(s["computed"] for s in stages.values()),
        "failures": [{"film_id": f, "stage": s, "error": e} for (f, s), e in (failed | damaged).items()],
        "interrupted": interrupted,
        "minutes": round((time.monotonic() - begun) / 60, 2),
    }
    text = json.dumps(written, indent=1, ensure_ascii=False) + "\n"
    write_atomically(out / "provenance.json", lambda part: part.write_text(text, encoding="utf-8"))
    if interrupted:
        say("interrupted; what was finished is kept, and the same command continues")
        return 130  # what a shell is told of Ctrl-C
    for_study = {k: v for k, v in given.items() if k in ("cues", "sound", "seed")}
    study = Study.open(opened.folder, derived=opened.derived, profile=profile, **for_study)
    _write_cues(study, str(given.get("features", "")), out, say)
    write_report(opened, out, folder, written, failed | damaged, excerpts=excerpts)
    for (film, stage), text in (damaged | failed).items():
        say(f"{'failed' if (film, stage) in failed else 'damaged'}: {film}, {stage}: {text}")
    say(
        f"{out / 'index.html'}: {written['computed']} artefacts computed, {len(failed) + len(errors)} failures, "
        f"{written['minutes']} min"
    )
    return 1 if errors or failed else 0


def _possible(corpus: Corpus, numbers: Iterable[str] | None, *, say: Callable[[str], None]) -> list[Path]:
    """Notebooks that a corpus can run; of a shared one the others are named, and refused where they are asked for."""
    chosen, asked = choose_notebooks(numbers), numbers is not None
    is_release = descriptors_of(corpus) == "mir-released"
    seen = not corpus.shared or any(corpus.derived.glob("visual*"))
    reasons = [
        (MEDIA, corpus.shared, "need the films, which a shared corpus has not", "a shared corpus has no films"),
        (PICTURES, not seen, "need pictures, which were not measured", "no pictures were measured"),
        (RELEASED, not is_release, "are about what `filmlens release` reads", ""),
    ]
    for needing, lacks, refusal, why in reasons:
        needy = [n for n in chosen if n.stem[:2] in needing and lacks]
        if needy and asked:
            raise RunError(f"{', '.join(n.stem for n in needy)} {refusal}")
        if needy and why:
            say(f"left out, because {why}: {', '.join(n.stem for n in needy)}")
        chosen = [n for n in chosen if n not in needy]
    return chosen


def _write_cues(study: Study, features: str, out: Path, say: Callable[[str], None]) -> None:
    """``cues.parquet``, ``cues.csv``, ``cues_columns.csv``: everything that is known of every cue.

    Of several chosen feature sets the last is the one whose model is heard.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            table = study.cues_table(features=study.features(features)[-1] if features else "")
        except ValueError as error:  # a table that cannot be read is no reason to lose the report
            say(f"{out / 'cues.csv'} was not made: {error}")
            return
    for warning in caught:
        say(f"{out / 'cues.csv'}: {warning.message}")
    if len(table):
        write_cues_table(table, out)


def dry_run(
    corpus: str | Path,
    *,
    notebooks: Iterable[str] | None = None,
    profile: str = "quick",
    parameters: Mapping[str, Any] | None = None,
    jobs: int = 1,
    derived: str | Path | None = None,
) -> str:
    """What `run` would compute: stages, how much of them is stale and why, minutes by the rates measured here."""
    from filmlens.run import status

    opened = Corpus.open(corpus, derived=derived)
    chosen = _possible(opened, notebooks, say=lambda line: None)
    defaults = {name: value for n in chosen for name, value in known_parameters(n).items()}
    parameters = _checked({"profile": profile} | dict(parameters or {}), defaults)
    numbers = [n.stem[:2] for n in chosen]
    said = status.dry_run(opened, status.asked(numbers, profile, parameters), jobs=jobs)
    if unknown := status.unknown_notebooks(numbers, profile):
        said += f"\nnever run here with the profile {profile}, so that only what they measure is counted: "
        said += ", ".join(unknown)
    return said


def _checked(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the notebooks' defaults are; an error when one is given that none knows."""
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise RunError(f"no notebook knows the parameter {', '.join(unknown)}; they know {', '.join(sorted(defaults))}")
    read = {name: read_parameter(name, value, defaults[name]) for name, value in given.items()}
    if read.get("profile", "quick") not in PROFILES:
        raise RunError(f"profile {read['profile']} is unknown; choose one of {', '.join(PROFILES)}")
    complete("mir", {k: read[k] for k in ("cues", "sound") if k in read})  # refused here, not by each notebook in turn
    return read
