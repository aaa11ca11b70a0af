"""The command ``filmlens``; every import that takes long waits until its command runs."""

import os
import signal
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from filmlens.run.arguments import films_of, joined, names, setting
from filmlens.text import defused, reason, say, terminal

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

CorpusFolder = Annotated[Path, typer.Argument(metavar="CORPUS", help="Folder with films.csv.")]
Jobs = Annotated[int, typer.Option(help="Number of processes.", min=1)]
Annotator = Annotated[
    str, typer.Option("--who", metavar="NAME", help="One of several annotators, whose verdicts go to verdicts/NAME/.")
]
Derived = Annotated[Path | None, typer.Option(help="Write computed tables to this folder.")]
ReadDerived = Annotated[Path | None, typer.Option(help="Folder of the computed tables.")]
Port = Annotated[int, typer.Option(help="Number of the port; a free one by default.")]
Browser = Annotated[bool, typer.Option(help="Open a browser.")]
_CORES = os.cpu_count() or 1


def _say_each(lines: Iterable) -> None:
    for line in lines:
        say(line)


def _open(corpus: Path, **where: Path | None):
    from filmlens.corpus import Corpus

    return Corpus.open(corpus, **where)


def _version(show: bool) -> None:
    if show:
        from filmlens import __version__

        say(__version__)
        raise typer.Exit


@app.callback()
def version(
    show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """How music characterizes genre in film: find the cues, measure them, learn genres from them, hear them."""


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make.")],
    films: Annotated[int | None, typer.Option(min=1, help="36 by default; 110 with --release.")] = None,
    seconds: Annotated[float, typer.Option(min=10, help="Length of each film.")] = 90,
    seed: int = 0,
    jobs: Jobs = _CORES,
    release: Annotated[
        bool, typer.Option("--release", help="Make a synthetic twin of the study's released files instead.")
    ] = False,
) -> None:
    """Make a synthetic corpus of real media files. planted.json says what was put in."""
    if release:
        from filmlens.demo.release import build_release

        build_release(folder, films=films or 110, seed=seed)
        say(f"{folder}: synthetic files as the study released them; `filmlens release --file {folder} --out CORPUS`")
        return
    from filmlens.demo import build

    build(folder, films=films or 36, seconds=seconds, seed=seed, jobs=jobs)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The corpus. It is made if it is not there.")],
    films: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the films; FOLDER/films by default.")
    ] = None,
    soundtracks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the albums; FOLDER/soundtracks by default.")
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="paper", help="List the study's 110 films, with the paths of those that you have."
        ),
    ] = "",
) -> None:
    """Make films.csv from folders of films and albums, matched by title and year. Run it again to add new films."""
    if source not in ("", "paper"):
        raise typer.BadParameter(terminal(f"--from {source}: the only list is that of the study, --from paper"))
    from filmlens.corpus.proposal import propose

    _say_each(propose(folder, films, soundtracks, study=source == "paper").lines())


@app.command()
def check(
    corpus: CorpusFolder,
    html: Annotated[
        bool, typer.Option("--html", help="Also write a page: what is there, and what it can answer.")
    ] = False,
    derived: Annotated[Path | None, typer.Option(help="Write the page to this folder.")] = None,
) -> None:
    """List every problem of a corpus at once, with file and row."""
    from filmlens.corpus import find_folder
    from filmlens.corpus.check import check, counted

    folder = find_folder(corpus)
    result = check(folder)
    _say_each((*result.counts, *result.notes, *result.problems))
    if html:
        from filmlens.run.health import write_page

        say(f"the page: {write_page(result, folder.name, (derived or folder / 'derived') / 'corpus.html')}")
    if result.problems:
        say(f"{counted(len(result.problems), 'problem')} ({result.summary})")
        raise typer.Exit(1)
    say(f"no problem: {result.summary}")


@app.command()
def stamp(
    corpus: CorpusFolder,
    engine: Annotated[str, typer.Option(help="filmlens, or dejavu (the paper's).")] = "filmlens",
    rule: Annotated[str, typer.Option(help="Which windows of dejavu count: nearby or votes.")] = "nearby",
    films: Annotated[str, typer.Option(metavar="ID ...", help="Film ids; all by default.")] = "",
    library: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of further music, such as songs.")
    ] = None,
    jobs: Jobs = _CORES,
    derived: Derived = None,
) -> None:
    """Find where each track plays in its film. Prints a line per film and writes derived/cues."""
    from filmlens import stages
    from filmlens.stamper.report import lines

    opened = _open(corpus, derived=derived, library=library)
    if opened.understood:
        say(opened.understood)
    chosen = films_of(opened, films)
    outcome = stages.run(opened, "cues", films=chosen, jobs=jobs, say=say, engine=engine, rule=rule)[-1]
    sheets = {f: stages.path(opened, "cues", f, engine=engine, rule=rule) for f in chosen}
    _say_each(lines(sheets, outcome.failed))
    if library:
        say(f"to keep the library for later runs, name it in a column library of films.csv: {library}")
    raise typer.Exit(1 if outcome.failed else 0)


@app.command()
def music(
    corpus: CorpusFolder,
    films: Annotated[str, typer.Option(metavar="ID ...", help="Film ids; all by default.")] = "",
    jobs: Jobs = _CORES,
    derived: Derived = None,
) -> None:
    """Find music that is on no track, and which of it returns. Prints a line per film and writes derived/music."""
    from filmlens import stages
    from filmlens.stamper.music import MISSING, available
    from filmlens.stamper.report import unidentified

    if not available():
        say(MISSING)
        raise typer.Exit(1)
    opened = _open(corpus, derived=derived)
    chosen = films_of(opened, films)
    outcomes = stages.run(opened, "music", films=chosen, jobs=jobs, say=say)
    failed = {film: error for outcome in outcomes for film, error in outcome.failed.items()}
    _say_each(unidentified({f: stages.path(opened, "music", f) for f in chosen}, failed))
    raise typer.Exit(1 if failed else 0)


@app.command()
def features(
    corpus: CorpusFolder,
    which: Annotated[
        str, typer.Option(help="Feature sets, such as mir,visual; all that can be measured by default.")
    ] = "",
    cues: Annotated[str, typer.Option(help="Which cues: stamped, verified or annotated.")] = "stamped",
    sound: Annotated[str, typer.Option(help="The sound that is measured: track or film.")] = "track",
    whole_film: Annotated[
        bool, typer.Option("--whole-film", help="Also measure the picture between the cues.")
    ] = False,
    sampling: Annotated[
        str, typer.Option(help="How the picture is measured: exact, or keyframes (quick, approximate).")
    ] = "exact",
    films: Annotated[str, typer.Option(help="Film ids, such as film01,film02; all by default.")] = "",
    jobs: Jobs = _CORES,
    derived: Derived = None,
) -> None:
    """Measure music and pictures of every cue, and say how fast."""
    from filmlens.run.features import extract

    parameters = {"cues": cues, "sound": sound, "whole_film": whole_film, "sampling": sampling}
    chosen = {"which": names(which) or None, "films": names(films) or None}
    raise typer.Exit(extract(corpus, **chosen, jobs=jobs, derived=derived, **parameters))


@app.command()
def weights(
    network: Annotated[str, typer.Argument(help="musicnn (29 MB) or vggish (288 MB).")],
    file: Annotated[Path | None, typer.Option(help="A file that you brought, for a machine without network.")] = None,
) -> None:
    """Fetch the weights of a network into your cache, once."""
    if network not in ("musicnn", "vggish"):
        raise typer.BadParameter(f"{network!r} has no weights here; the networks are musicnn and vggish")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is half done is cleared away as at Ctrl-C
    download = import_module(f"filmlens.features.{network}.weights")
    if file is not None or network == "musicnn":
        say(f"kept as {download.fetch() if file is None else download.keep(file)}")
        return
    with typer.progressbar(length=download.SIZE, label="VGGish weights") as bar:
        path = download.fetch(progress=lambda done, of: bar.update(done - bar.pos))
    pca = download.fetch(download.PCA_URL, size=download.PCA_SIZE, sha=download.PCA_SHA)
    say(f"kept as {path} and {pca}")


@app.command()
def release(
    out: Annotated[Path, typer.Option(help="Folder of the new corpus.")],
    file: Annotated[
        Path | None, typer.Option(help="The supplement's zip, or its folder; fetched by its DOI by default.")
    ] = None,
    jobs: Jobs = _CORES,
) -> None:
    """Make a corpus from the features that the study released (S4 of the paper). It has no films and no music."""
    from filmlens.study.release import fetch, make_corpus

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if file is None:
        with typer.progressbar(length=1, label="Supplement S4") as bar:

            def show(done: int, of: int) -> None:
                bar.length = max(of, done)
                bar.update(done - bar.pos)

            file = fetch(progress=show)
    say(make_corpus(file, out, jobs=jobs))


@app.command()
def run(
    corpus: CorpusFolder,
    out: Annotated[Path | None, typer.Option(help="Folder for notebooks, figures and the report.")] = None,
    notebooks: Annotated[str, typer.Option(help="Numbers of notebooks, such as 03,04; all by default.")] = "",
    profile: Annotated[str, typer.Option(help="quick or paper.")] = "quick",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="Set a parameter of the notebooks.")
    ] = None,
    jobs: Jobs = _CORES,
    dask: Annotated[str, typer.Option(metavar="ADDRESS", help="A Dask scheduler, such as tcp://head:8786.")] = "",
    limit: Annotated[
        float, typer.Option(metavar="MINUTES", help="Time limit for each film and stage.", min=0.01)
    ] = 360,
    figures: Annotated[Path | None, typer.Option(help="Write figures and tables to this folder.")] = None,
    derived: Derived = None,
    excerpts: Annotated[
        bool, typer.Option("--excerpts", help="Also write ten seconds of sound for each example.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be computed, and about how long.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep-across-versions", help="Keep what other versions of the libraries computed.")
    ] = False,
) -> None:
    """Run the notebooks on a corpus and write the report. Run it again to continue."""
    from filmlens.stages.staleness import KEEP_VERSIONS

    numbers = names(notebooks) or None
    given = dict(setting(text) for text in parameter or [])
    if keep:
        os.environ[KEEP_VERSIONS] = "1"  # for the kernels of the notebooks as well
    if dry_run:
        from filmlens.run.notebooks import dry_run

        say(dry_run(corpus, notebooks=numbers, profile=profile, parameters=given, jobs=jobs, derived=derived))
        raise typer.Exit
    if out is None:
        raise typer.BadParameter("say where the report goes: --out DIR")
    from filmlens.run.notebooks import run

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cluster's scheduler asks to end as Ctrl-C does
    settings = {"figures": figures, "derived": derived, "dask": dask, "limit": limit * 60, "excerpts": excerpts}
    raise typer.Exit(run(corpus, out, notebooks=numbers, profile=profile, parameters=given, jobs=jobs, **settings))


@app.command()
def share(
    corpus: CorpusFolder,
    out: Annotated[Path, typer.Option(help="The zip to write, such as features.zip.")],
    licence: Annotated[str, typer.Option(help="What others may do with it, such as 'CC BY 4.0'.")] = "",
    derived: ReadDerived = None,
) -> None:
    """Write what was measured into a zip for others, without films and music. `filmlens run` takes it as a corpus."""
    from filmlens.study.share import share

    say(share(_open(corpus, derived=derived), out, licence=licence))


@app.command()
def genres(
    corpus: CorpusFolder,
    imdb: Annotated[Path, typer.Option(help="title.basics.tsv.gz, from datasets.imdbws.com.")],
    labels: Annotated[str, typer.Option(help="Genres to keep, as IMDb names them; the paper's six by default.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write a new films.csv with these genres.")] = None,
) -> None:
    """Look up the films' genres by their imdb_id. The corpus itself is not changed."""
    from filmlens.corpus.imdb import labels as look_up
    from filmlens.corpus.imdb import write_films
    from filmlens.look import GENRES

    opened = _open(corpus)
    found = look_up(opened, imdb, genres=labels.split(",") if labels else GENRES)
    shown = found.films[["film_id", "imdb_id", "imdb_title", "imdb_year", "before", "genres"]]
    say(defused(shown).to_csv(index=False))
    _say_each(found.problems)
    if out:
        say(f"{write_films(opened, found, out)}: compare it with films.csv, then put it in its place")
    raise typer.Exit(1 if found.problems else 0)


@app.command()
def status(
    corpus: CorpusFolder,
    derived: Derived = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every byte of films, tracks and tables.")] = False,
) -> None:
    """Say what is done, stale or failed in a corpus, and why."""
    from filmlens.run.status import status

    say(status(_open(corpus, derived=derived), verify=verify))


@app.command()
def export(
    corpus: CorpusFolder,
    format: Annotated[
        str, typer.Option(help="cue-sheet, xlsx, audacity, elan, textgrid, svl, sv-csv, tilia, jams, otio or webvtt.")
    ],
    films: Annotated[str, typer.Option(help="Film ids, such as film01,film02; all by default.")] = "",
    cues: Annotated[
        str, typer.Option(help="Which cues: reviewed (after judging), verified, stamped or annotated.")
    ] = "reviewed",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files, or a .zip; CORPUS/exports by default.")
    ] = None,
    derived: ReadDerived = None,
) -> None:
    """Write the cues of each film for other programs."""
    from filmlens.audition.exports import export

    _say_each(export(_open(corpus, derived=derived), format, films=names(films) or None, cues=cues, out=out))


@app.command()
def audition(
    corpus: CorpusFolder,
    port: Port = 0,
    browser: Browser = True,
    who: Annotator = "",
) -> None:
    """Open a page on which you hear and judge cues. Only this machine can reach it."""
    from filmlens.audition.serve import serve
    from filmlens.corpus import annotators

    folder = _open(corpus).folder
    serve(folder, who=who and annotators.checked(folder, who), port=port, browser=browser)


@app.command()
def agreement(
    corpus: CorpusFolder,
    out: Annotated[Path | None, typer.Option(help="Folder for agreement.csv, edges.csv, disagreements.csv.")] = None,
    derived: Annotated[Path | None, typer.Option(help="Another folder of computed tables.")] = None,
) -> None:
    """Say how far annotators agree on seconds, tracks, fields and edges, and on how many cues they differ."""
    from filmlens.audition.adjudicating import agreement_report

    _say_each(agreement_report(_open(corpus, derived=derived), out))


@app.command()
def listen(
    corpus: CorpusFolder,
    blind: Annotated[
        bool, typer.Option("--blind", help="Play cues without picture and title, and ask for their genres.")
    ] = False,
    who: Annotated[str, typer.Option(help="The rater's name.")] = "rater",
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Ask raters whether cues sound like another genre. Without --blind: print what they have said so far."""
    opened = _open(corpus)
    if blind:
        from filmlens.audition.quiz import serve

        serve(opened, who, port=port, browser=browser)
        return
    from filmlens.audition.blind import heard
    from filmlens.findings.summaries import listening

    table = heard(opened)
    say(table.drop(columns="note").to_string(index=False, float_format="{:.2f}".format))
    _say_each(listening(table))


@app.command(name="import")
def import_labels(
    corpus: CorpusFolder,
    film: Annotated[str, typer.Argument(metavar="FILM", help="Film id.")],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="A table, or a file of Audacity, ELAN, Praat, TiLiA, ...")
    ],
    who: Annotator = "",
    derived: ReadDerived = None,
) -> None:
    """Read a list of cues as verdicts. A cue over a found one corrects it, any other is added."""
    from filmlens.audition.bulk import read_labels
    from filmlens.audition.session import open_session

    opened = _open(corpus, derived=derived)
    if film not in opened.ids:
        raise typer.BadParameter(terminal(f"no film {film!r}; films.csv has {', '.join(opened.ids)}"))
    counts, problems = read_labels(labels, open_session(opened, film, who=who))
    _say_each(f"left out: {problem}" for problem in problems)
    say(", ".join(f"{number} {word}" for word, number in counts.items()))


def main() -> None:
    """Entry point: a mistake of the user's is one clear line and exit code 1, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # what a code page lacks, or a name that is no text, ends no run
    try:
        app(args=joined(sys.argv[1:]))
    except (ValueError, OSError) as error:
        say(f"filmlens: {reason(error) if isinstance(error, (OSError, UnicodeError)) else error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
