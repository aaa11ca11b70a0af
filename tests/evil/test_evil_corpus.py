"""One corpus whose every text bites goes through every command; nothing that comes out is obeyed by what opens it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import evil_corpus as evil
import pytest
from browser import chromium, find_chromium
from typer.testing import CliRunner

from filmlens import stages, text
from filmlens.audition.exports import FORMATS
from filmlens.cli import app
from filmlens.corpus import Corpus

PAYLOADS = (evil.EVERYTHING, evil.NAME, *evil.GENRES)
needs_browser = pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")


def commanded(*words, ends=(0,)):
    """What a command says; nothing of it is obeyed by a terminal."""
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code in ends, f"{words}: {done.output!r} {done.exception!r}"
    assert not evil.said_bites(done.output), words
    return done.output


def searched(*folders):
    """Files that came out, each searched byte by byte."""
    files = [p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()]
    found = [bite for path in files for bite in evil.bites(path)]
    assert not found, found[:10]
    return files


def pages_in_chromium(pages, profile):
    """Open pages; how often a payload ran, and what was asked of other machines or for a payload's sake."""
    ran, asked = [], []
    with chromium(profile, width=1200, height=900) as (page, outside):
        page.expose_function("bite", lambda: ran.append(page.url))
        page.on("request", lambda request: asked.append(request.url))
        for path in pages:
            page.goto(path.as_uri())
            page.wait_for_timeout(300)
            assert path.suffix == ".svg" or page.locator("body").inner_text().strip()
        lost = [u for u in asked if u.startswith("file:") and re.search(r"/(x|evil\.png)$", u)]
        return ran, [*outside, *lost]


_TEXTS = (".csv", ".html", ".md", ".vtt", ".txt", ".jams", ".otio", ".ipynb", ".json")


def through_all_commands(folder, out):
    """Every command but `run`, `demo`, `weights` and `audition`, on a corpus that bites; everything that was said."""
    said = [commanded("check", folder, "--html", ends=(1,)), commanded("stamp", folder, "--jobs", 1)]
    films, albums = evil.named_by_people(out.with_name("people"))
    said.append(commanded("new", out / "new", "--films", films, "--soundtracks", albums))
    assert all(film.film.is_file() for film in Corpus.open(out / "new"))
    corpus = Corpus.open(folder)
    cues = stages.read(corpus, "cues")
    assert len(cues) and any("Café".lower()[:3] in t and "’" in t for t in cues["track"]), "Windows-1252 is read"
    evil.write_verdicts(folder, cues)
    for who in ("=1+cmd", "$(touch x)"):
        evil.write_verdicts(folder, cues, who)
    said.append(commanded("agreement", folder, "--out", out / "agreement"))
    evil.write_features(folder, cues)
    said.append(commanded("features", folder, "--which", "mir,visual,bites", "--jobs", 1))
    said += [commanded("export", folder, "--format", name, "--out", out / "exports") for name in FORMATS]
    for ending in ("txt", "eaf", "TextGrid", "svl", "regions.csv", "tilia.csv", "vtt"):
        cues = min((out / "exports").glob(f"*.{ending}"))  # of the first film
        said.append(commanded("import", folder, corpus.ids[0], cues))
        assert "left out" not in said[-1], ending
    said.append(commanded("export", folder, "--format", "xlsx", "--out", out / "all.zip"))
    said += [commanded("status", folder), commanded("share", folder, "--out", out / "features.zip", "--licence", "*x*")]
    said.append(commanded("check", out / "features.zip", ends=(0, 1)))  # genres that differ in a digit are asked about
    imdb = evil.imdb(out, len(corpus))
    said.append(commanded("genres", folder, "--imdb", imdb, "--out", out / "new-films.csv", ends=(0, 1)))
    said.append(commanded("export", folder, "--format", "jams", "--films", evil.EVERYTHING, ends=(1,)))
    imdb.unlink()
    assert [f.id for f in Corpus.open(out / "features.zip")] == corpus.ids, "the archive's names are the corpus' own"
    return said


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_way_out_defuses_every_payload(payload):
    assert not evil.html_bites(f"<p title='{text.html(payload)}'>{text.html(payload)}</p>")
    assert not evil.csv_bites(f"{text.cell(payload)!r}".strip("\"'")[:1])
    assert text.from_cell(text.cell(payload)) == text.clean(payload)
    assert not evil.markdown_bites(text.markdown(payload)) and not evil.tex_bites(text.latex(payload))
    assert not evil.vtt_bites(text.webvtt(payload))
    assert not evil.said_bites(text.terminal(payload).replace("\n", "")) and not evil.said_bites(text.clean(payload))


def test_the_search_finds_what_bites():
    bad = evil.EVERYTHING
    assert len(evil.html_bites(f"<p>{bad}</p>")) >= 2 and evil.csv_bites(f'"{bad.replace(chr(34), chr(34) * 2)}"')
    assert evil.markdown_bites(bad) and evil.tex_bites(bad) and evil.vtt_bites(bad) and evil.said_bites(bad)


@pytest.fixture(scope="module")
def came_out(_two_films, tmp_path_factory):
    """Corpus, folder of what came out, and what was said."""
    root = tmp_path_factory.mktemp("evil")
    folder, out = evil.bite(_two_films, root / "evil"), root / "out"
    out.mkdir()
    said = through_all_commands(folder, out)
    said.append(commanded("run", folder, "--out", out / "run", "--notebooks", "00", "--jobs", 1))
    return folder, out, [*said, commanded("run", folder, "--out", out / "run", "--dry-run")]


def test_no_command_lets_a_text_bite(came_out):
    folder, out, said = came_out
    assert any("=1+cmd" in s for s in said)
    files = searched(out, folder / "derived")
    assert {*_TEXTS, ".eaf", ".svl", ".TextGrid", ".xlsx"} <= {f.suffix for f in files}
    page = (out / "run" / "notebooks" / "00_corpus.html").read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page and "&lt;img src=x" in page and "<table" in page


def test_control_characters_in_a_film_id_are_refused_by_row(two_films):
    films = two_films / "films.csv"
    films.write_text(films.read_text().replace("one,First", "o\x1b[31mne,First").replace("two,S", "t\u202ewo,S"))
    said = commanded("check", two_films, ends=(1,))
    assert r"row 2: film_id 'o\x1b[31mne' must be a plain name" in said and r"row 3: film_id 't\u202ewo'" in said


def test_files_whose_names_are_not_utf8_are_found(two_films):
    for name in ("films/one.mp4", "soundtracks/one"):
        path = two_films / name
        os.rename(path, os.fsdecode(os.fsencode(path.parent) + b"/caf\xe9" + os.fsencode(path.suffix)))
    films = two_films / "films.csv"
    films.write_text(films.read_text().replace("films/one.mp4,soundtracks/one", "films/café.mp4,soundtracks/café"))
    assert "no problem" in commanded("check", two_films)
    assert "one: 1 cues" in commanded("stamp", two_films, "--films", "one", "--jobs", 1)


def test_a_folder_of_ours_must_be_utf8(two_films, tmp_path):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    for words in (["stamp", two_films, "--derived", odd], ["run", two_films, "--out", odd], ["check", odd]):
        if words[0] == "check":
            two_films.rename(odd)
        done = CliRunner().invoke(app, [str(w) for w in words])
        assert isinstance(done.exception, ValueError) and "is not UTF-8; rename it" in str(done.exception), words


@needs_browser
def test_a_report_of_the_evil_corpus_runs_nothing_in_a_browser(came_out, tmp_path):
    pages = sorted(came_out[1].rglob("*.html"))
    assert len(pages) >= 3 and pages_in_chromium(pages, tmp_path / "profile") == ([], [])
    bad = tmp_path / "bad.html"
    bad.write_text(f"<p>{evil.EVERYTHING}</p>")
    ran, asked = pages_in_chromium([bad], tmp_path / "profile")
    assert ran and asked, "the listener hears what bites"


@pytest.mark.slow
def test_everything_of_the_evil_corpus(toy, tmp_path):
    folder, out = evil.bite(toy, tmp_path / "evil"), tmp_path / "out"
    out.mkdir()
    through_all_commands(folder, out)
    command = [sys.executable, "-m", "filmlens.cli", "run", "--jobs", "2"]
    for corpus, name, more in ((folder, "run", ["-p", "features", "mir,bites"]), (out / "features.zip", "shared", [])):
        words = [*command, str(corpus), "--out", str(out / name), *more]
        done = subprocess.run(words, capture_output=True, check=False)
        said = (done.stdout + done.stderr).decode("utf-8")
        assert done.returncode == 0, said[-3000:]
        assert not evil.said_bites(said)
    files = searched(out, folder / "derived", folder / "exports", folder / "figures")
    assert sum(f.suffix == ".html" for f in files) > 30 and sum(f.suffix == ".ipynb" for f in files) == 13
    if find_chromium():
        pages = [f for f in files if f.suffix in (".html", ".svg")]
        assert pages_in_chromium(pages, tmp_path / "profile") == ([], [])


@pytest.mark.slow
@needs_browser
def test_the_widgets_page_runs_no_text(two_films, tmp_path):
    folder = evil.bite(two_films, tmp_path / "evil")
    commanded("stamp", folder, "--jobs", 1)
    evil.write_verdicts(folder, stages.read(Corpus.open(folder), "cues"))
    words = [sys.executable, "-m", "filmlens.cli", "audition", str(folder), "--no-browser"]
    log = tmp_path / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            words, stdout=file, stderr=subprocess.STDOUT, env=os.environ | {"HOME": str(tmp_path)}
        )
    ran = []
    try:
        until = time.monotonic() + 120
        while "token=" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.2)
        address = re.search(r"http://\S+", log.read_text()).group()
        with chromium(tmp_path / "profile", width=1200, height=900) as (page, outside):
            page.expose_function("bite", lambda: ran.append(page.url))
            for _ in range(60):
                try:
                    page.goto(address, timeout=180_000)
                    break
                except Exception:
                    time.sleep(1)
            page.get_by_role("button", name="Accept cue").wait_for(timeout=180_000)
            page.wait_for_timeout(5_000)
            assert page.get_by_text("=1+cmd").count() and "<img src=x" in page.locator("body").inner_text()
            assert page.locator("img[src=x]").count() == 0
            assert (ran, [u for u in outside if "evil" in u]) == ([], []), Path(address).name
    finally:
        server.terminate()
        server.wait(30)
