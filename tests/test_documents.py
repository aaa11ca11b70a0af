"""README and docs do what they say: their commands run on a demo of eight films, their code, links and names hold."""

import contextlib
import gzip
import importlib
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from filmlens import stages
from filmlens.cli import app
from filmlens.corpus import Corpus
from filmlens.stages import STAGES
from filmlens.study.cues import cues_table, write_cues_table
from filmlens.study.dictionary import descriptor_lines
from filmlens.verdicts.table import put

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "course").glob("*.md"))]
#: Added to a run by the default suite; `make test-slow` takes the lines as they stand.
SHORT = ["--notebooks", "00"]


def blocks(page: Path) -> list[str]:
    """Fenced blocks of a page without their language."""
    return re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page: Path, word: str) -> list[str]:
    """Lines of the fenced blocks and first cells of tables that begin with a command, as they are pasted."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip() for block in blocks(page) for line in block.splitlines()]
    lines += re.findall(rf"^\| `({word} [^`]+)` \|", text, re.M)
    lines = [line.removeprefix(".venv/bin/") for line in lines if not re.match(r"\w+/? {2,}", line)]  # no tree of files
    return [line for line in lines if line.split(" ")[0] == word]


@pytest.fixture(scope="module")
def my_films(toy, tmp_path_factory):
    """A folder as a reader has it: my-films with eight films, and IMDb's file with one of them."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(toy, folder / "my-films")
    films = folder / "my-films" / "films.csv"
    table = pd.read_csv(films, dtype=str, keep_default_na=False)
    ids = [f"tt{k:07d}" for k in range(1, len(table) + 1)]
    table.assign(imdb_id=ids).to_csv(films, index=False)
    head = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
    genres = ("Action,Comedy", "Drama", "Horror", "Romance,Sci-Fi", "Western,Film-Noir", "Drama", "Drama", "Comedy")
    rows = [
        f"{i}\tmovie\t{t}\t{t}\t0\t{y}\t\\N\t1\t{g}\n"
        for i, t, y, g in zip(ids, table["title"], table["year"], genres, strict=True)
    ]
    (folder / "title.basics.tsv.gz").write_bytes(gzip.compress("".join([head, *rows]).encode()))
    return folder


def run_readme(folder: Path, *, short: bool) -> list[str]:
    """Run the filmlens commands of the README in their order; what they printed."""
    said = []
    for line in commands(ROOT / "README.md", "filmlens"):
        words = shlex.split(line)[1:]
        if words[0] == "demo" or "data/demo" in words or words[0] == "weights":
            continue  # `make figures` runs the first two; the weights are fetched from the network
        if short and words[0] == "run" and "--dry-run" not in words:
            words += SHORT
        with contextlib.chdir(folder):
            done = CliRunner().invoke(app, words)
        said.append(done.output)
        wrong = words[0] == "genres"  # one film of the demo has none of the six labels, and the command says so
        assert done.exit_code == int(wrong), f"{line}\n{said[-1]}\n{done.exception!r}"
    return said


def test_the_readmes_commands_run(my_films):
    said = run_readme(my_films, short=True)
    assert "no new film" in said[0] and "no problem: 8 films" in said[1]
    assert (my_films / "out/my-films/index.html").is_file() and (my_films / "out/my-films/cues.csv").is_file()
    assert (my_films / "features/films.csv").is_file() and (my_films / "out/shared/index.html").is_file()
    assert "none of the labels asked for; IMDb has Western|Film-Noir" in said[-1]
    accept_all(my_films / "my-films")
    with contextlib.chdir(my_films):
        words = shlex.split("run my-films --out out/verified -p cues=verified --notebooks 06")
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "0 failures" in done.output, done.output


@pytest.mark.slow
def test_the_readmes_commands_run_as_they_stand(my_films):
    shutil.rmtree(my_films / "features", ignore_errors=True)  # of the zip of the test before
    run_readme(my_films, short=False)
    for name in ("table4_results.csv", "table5_crossmodal.csv", "film_time.csv"):
        ours, theirs = (my_films / "out" / run / "figures" / name for run in ("my-films", "shared"))
        assert ours.read_bytes() == theirs.read_bytes(), f"{name} differs without the media"


def accept_all(corpus: Path) -> None:
    """Judge every stamped cue of a corpus as right."""
    opened = Corpus.open(corpus)
    for cue in stages.read(opened, "cues").itertuples():
        row = {"track": cue.track, "start": cue.start, "end": cue.end, "verdict": "accept"}
        put(opened[cue.film_id].verdicts, (lambda table: -1, row))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A fresh clone of the repository, and a shell in which `filmlens` is a command, as `make shell` gives it."""
    folder = tmp_path_factory.mktemp("newcomer")
    words = ["git", "-c", "safe.directory=*", "clone", "--quiet", "--depth=1", ROOT.as_uri(), folder / "filmlens"]
    if subprocess.run(words, check=False).returncode:
        pytest.skip("no git, or no repository")
    for part in ("filmlens", "notebooks", "docs", "Makefile", "README.md"):  # as they stand, committed or not
        path = folder / "filmlens" / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, path)
    command = folder / "bin" / "filmlens"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m filmlens.cli "$@"\n')
    command.chmod(0o755)
    return folder


def pasted(clone: Path, line: str) -> str:
    """What a fresh shell says to a line, in the clone; every line must end well."""
    known = {name: os.environ[name] for name in ("HOME", "FILMLENS_CACHE") if name in os.environ}
    path = os.pathsep.join([str(clone / "bin"), os.environ["PATH"]])
    environment = known | {"PATH": path, "PYTHONPATH": str(clone / "filmlens"), "LANG": "C.UTF-8"}
    shell = {"cwd": clone / "filmlens", "env": environment, "capture_output": True, "text": True, "check": False}
    done = subprocess.run(["sh", "-c", line], **shell)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_block_of_commands_is_one_that_a_shell_reads_as_it_stands(clone):
    for page in PAGES:
        for line in [*commands(page, "filmlens"), *commands(page, "make")]:
            assert not re.search(r" {2,}", line), f"{page.name}: {line}: a remark would be pasted, too"
    for line in {line for page in PAGES for line in commands(page, "make")}:
        assert pasted(clone, f"{line} --dry-run")
    assert pasted(clone, "filmlens --version").strip()[0].isdigit()


@pytest.mark.slow
def test_the_first_hour_as_it_is_pasted_ends_with_what_it_says(clone, toy):
    corpus = clone / "filmlens" / "my-films"
    shutil.copytree(toy, corpus)
    truth = pd.read_csv(corpus / "films.csv", dtype=str, keep_default_na=False).set_index("film")
    (corpus / "films.csv").unlink()
    said = {}
    for line in commands(ROOT / "docs" / "first-hour.md", "filmlens"):
        if "verified" in line:  # what section 6 asks of the reader: to judge
            accept_all(corpus)
        said[line] = pasted(clone, line)
        if line == "filmlens new my-films":  # what section 2 asks of the reader: to write the genres
            table = pd.read_csv(corpus / "films.csv", dtype=str, keep_default_na=False)
            table["genres"] = [truth.loc[film, "genres"] for film in table["film"]]
            table.to_csv(corpus / "films.csv", index=False)
    assert "8 films and 8 albums found" in said["filmlens new my-films"]
    assert "no problem: 8 films" in said["filmlens check my-films"]
    assert (clone / "filmlens" / "out" / "my-films" / "index.html").is_file()
    assert {p.suffix for p in (corpus / "exports").iterdir()} == {".csv", ".txt"}
    assert "0 failures" in said["filmlens run my-films --out out/my-films -p cues verified"]


@pytest.mark.slow
def test_see_it_as_it_is_pasted_ends_with_what_it_says(clone):
    for line in commands(ROOT / "docs" / "see-it.md", "filmlens"):
        last = pasted(clone, line)
    assert "0 failures" in last and (clone / "filmlens" / "out" / "small" / "index.html").is_file()
    assert len(Corpus.open(clone / "filmlens" / "small")) == 12


def test_make_lines_are_targets():
    lines = [line for page in PAGES for line in commands(page, "make")]
    assert {"make figures", "make lab"} <= set(lines)
    for line in sorted(set(lines)):
        done = subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_command_that_a_page_names_exists_with_its_options():
    known = get_command(app).commands
    for page in PAGES:
        inline = re.findall(r"`(filmlens [a-z][^`]*)`", page.read_text(encoding="utf-8"))
        for line in [*commands(page, "filmlens"), *inline]:
            words = line.split()
            assert words[1] in known, f"{page.name}: {line}"
            options = {o for p in known[words[1]].params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
            asked = {w.partition("=")[0].rstrip("`.,)") for w in words[2:] if re.match(r"--?[a-z]", w)}
            assert asked <= options, f"{page.name}: {line}: {asked - options}"


def test_the_pandas_lines_run(my_films, tmp_path):
    if not (my_films / "my-films" / "derived" / "cues").is_dir():
        run_readme(my_films, short=True)
    write_cues_table(cues_table(Corpus.open(my_films / "my-films")), tmp_path)
    text = (ROOT / "docs" / "cues-table.md").read_text(encoding="utf-8")
    [code] = re.findall(r"<!-- run by the tests -->\n```python\n(.*?)```", text, re.S)
    assert len(code.splitlines()) <= 12
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "roughness_mean" in done.stdout and "mean" in done.stdout


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|<)([^)\s]+)\)", text):
            file, _, part = target.partition("#")
            path = (page.parent / file).resolve() if file else page
            assert path.exists(), f"{page.name}: {target}"
            if part:
                heads = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
                slugs = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in heads}
                assert part in slugs, f"{page.name}: {target}"
    linked = {t for t in re.findall(r"\]\(([\w-]+\.md)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8"))}
    assert linked == {p.name for p in (ROOT / "docs").glob("*.md")} - {"README.md"}


def found(name: str):
    """The object behind a dotted name."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part)
        return thing
    raise AttributeError(name)


def test_names_in_the_pages_exist():
    for page in PAGES:
        for name in re.findall(r"`(filmlens(?:\.\w+)+)", page.read_text(encoding="utf-8")):
            assert found(name) is not None, f"{page.name}: {name}"


def test_files_of_the_repository_named_in_the_pages_exist():
    for page in PAGES:
        for name in re.findall(
            r"\b((?:filmlens|tests|benchmarks|notebooks|data/paper)/[\w/.-]+\.\w+)", page.read_text("utf-8")
        ):
            made = name in ("filmlens/features/level.py", "filmlens/figures/years.py")  # the recipes' own
            assert made or (ROOT / name).exists(), f"{page.name}: {name}"


def test_decisions_name_parameters_that_act():
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    rows = [re.split(r"\s*\|\s*", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0] != "question"]
    assert len(rows) > 40 and all(len(row) == 4 for row in rows)
    of_stages = {name for stage in STAGES.values() for name in stage.parameters}
    for question, _, parameters, where in rows:
        function = found(where.strip("`"))
        known = set(inspect.signature(function).parameters)
        for name in re.findall(r"`(\w+)`", parameters):
            open_ended = inspect.Parameter.VAR_KEYWORD in {
                p.kind for p in inspect.signature(function).parameters.values()
            }
            assert name in known or (name in of_stages and open_ended), f"{question}: {where} has no {name}"


def test_the_table_of_descriptors_is_made_by_code():
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    [table] = re.findall(r"<!-- descriptors -->\n(.*?)<!-- end of descriptors -->", text, re.S)
    assert table.splitlines() == descriptor_lines()


def test_the_costs_are_those_of_the_benchmark():
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    [tables] = re.findall(r"<!-- made by benchmarks/scaling.py -->\n(.*?)<!-- end of scaling.py -->", text, re.S)
    measured = (ROOT / "benchmarks" / "scaling.md").read_text(encoding="utf-8").split("\n", 2)[2]
    assert tables.replace("\n### ", "\n## ") == measured and tables.count("| 110 |") == 3


def test_pages_hold_no_path_of_a_machine_and_no_promise():
    folders = "|".join(("work", "tmp", "root", "home"))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(rf"/({folders})/|TODO|coming soon|not yet implemented", text), page.name
