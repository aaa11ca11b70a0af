"""`filmlens run` and plain papermill: what a user types, on a toy corpus of real media."""

import json
import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from browser import chromium, find_chromium

from filmlens.audition import transplanted_first
from filmlens.corpus import Corpus
from filmlens.run import status
from filmlens.run.items import ITEMS
from filmlens.run.notebooks import choose_notebooks, dry_run, run
from filmlens.run.readme import update_readme
from filmlens.run.tour import prepare

HOSTS = re.compile(r"""(?:src|href)=["']https?://|@import url|import\s*\(?["']https?://""")


@pytest.fixture(scope="module")
def study(toy, tmp_path_factory):
    """All notebooks of a study on the toy corpus."""
    out = tmp_path_factory.mktemp("run")
    lines = []
    code = run(toy, out, jobs=2, say=lines.append)
    return code, out, lines


def test_every_notebook_runs_and_every_item_is_there(study):
    code, out, lines = study
    assert code == 0, "\n".join(lines)
    assert len(list((out / "notebooks").glob("*.ipynb"))) == len(list((out / "notebooks").glob("*.html"))) == 8
    assert not list((out / "figures").glob("study_*")), "what is about the study's own data is made from them alone"
    for name in {item.file for item in ITEMS if item.notebook != "08_the_study" and not item.needs}:
        endings = {p.suffix for p in (out / "figures").glob(f"{name}.*")}
        assert endings - {".tex"} in ({".csv", ".html"}, {".csv", ".png", ".svg"}), f"{name}: {endings}"


def test_everything_says_synthetic_and_opens_offline(study):
    _, out, _ = study
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "synthetic corpus" in page and "was not run" not in page
    for path in [out / "index.html", *out.glob("notebooks/*.html"), *out.glob("figures/*.html")]:
        text = path.read_text(encoding="utf-8")
        # addresses to click are fine; nothing may be loaded
        assert not HOSTS.search(re.sub(r'<a [^>]*href="[^"]*"', "", text)), path.name
    for path in out.glob("figures/*.html"):
        assert "ynthetic" in path.read_text(encoding="utf-8"), path.name


def test_the_report_of_few_films_tells_of_films_and_not_of_genres(study):
    _, out, _ = study
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "With 8 films no genre has them" in page and "cues were found in 8 films" in page
    assert "Found music fills" in page and 'id="placement"' in page and 'id="stamper_recall"' in page
    unsaid = page[page.index('id="unsaid"') :]
    learnt = [item for item in ITEMS if item.learnt and not item.needs]
    assert all(f"{item.name}: {item.title}".replace("'", "&#39;") in unsaid for item in learnt)
    assert not any(f'id="{item.file}"' in page for item in learnt) and 'id="unlike"' not in page
    assert "it needs files of cuts" in page


def test_every_figure_of_the_report_has_caption_alternative_text_and_numbers(study):
    _, out, _ = study
    page = (out / "index.html").read_text(encoding="utf-8")
    figures = re.findall(r"<figure>.*?</figure>", page, re.S)
    assert len(figures) > 8
    for figure in figures:
        alts = re.findall(r'<img [^>]*alt="([^"]*)"', figure)
        assert all(len(alt) > 20 for alt in alts) and ("<table" in figure or alts)
        [caption] = re.findall(r"<figcaption>(.*?)</figcaption>", figure, re.S)
        [numbers] = re.findall(r'<a href="([^"]+\.csv)">', caption)
        assert (out / numbers).is_file()
    films = re.findall(r'<a href="([^"]+)#t=[\d.]+,[\d.]+">\d+:\d\d</a>', page)
    assert films and all((out / unquote(film)).is_file() for film in films)


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
def test_the_report_fits_the_window_and_prints_with_page_numbers(study, tmp_path):
    _, out, _ = study
    for width in (1000, 1400):
        with chromium(tmp_path / str(width), width=width, height=900) as (page, outside):
            page.goto((out / "index.html").as_uri())
            wide = "e => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline'"
            assert page.evaluate(f"[...document.querySelectorAll('*')].filter({wide}).map(e => e.tagName)") == []
            assert page.evaluate("[...document.images].filter(i => !i.naturalWidth).length") == 0 and not outside
            page.emulate_media(media="print")
            assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
            printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", printed)) > 3
    assert "counter(page)" in (out / "index.html").read_text(encoding="utf-8")


def test_the_tour_plays_the_cue_and_explains_it_in_five_steps(study, toy, tmp_path):
    _, out, _ = study
    notebook = prepare(toy, tmp_path / "tour", figures=out / "figures")
    page = notebook.with_suffix(".html").read_text(encoding="utf-8")
    cue = transplanted_first(Corpus.open(toy), 1).iloc[0]
    assert page.count('src="data:audio/ogg') == 2 and escape(cue["track"]) in page
    assert all(
        f"{n}. {word}" in page for n, word in enumerate(("A cue", "A bag", "A genre score", "Unlike its film"), 1)
    )
    assert "Of 23 claims" in page
    assert page.count(f"{cue['probability']:.3f}") >= 2, "the steps speak of one model"
    code = [c for c in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    assert all(c["source"].startswith("# code\n") for c in code), "what is shown of hidden code is its first line"


def test_provenance_says_what_was_done(study, toy):
    _, out, _ = study
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["errors"] == {} and provenance["computed"] > 0
    assert provenance["stages"]["cues"]["computed"] >= 8 and provenance["packages"]["torch"].startswith("2.")
    assert provenance["corpus"]["synthetic"] and provenance["corpus"]["films"] == 8


def test_the_provenance_is_complete(study, toy):
    _, out, _ = study
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    wanted = {"filmlens", "revision", "parameters", "defaults", "profile", "seed", "corpus", "inputs", "packages"}
    assert wanted | {"python", "machine", "minutes", "notebooks", "stages", "failures", "interrupted"} <= set(
        provenance
    )
    assert len(provenance["inputs"]) == 8
    film = next(iter(provenance["inputs"].values()))
    assert film["film"]["size"] > 0 and film["soundtrack"] and all(t["hash"] for t in film["soundtrack"].values())
    assert provenance["failures"] == [] and not provenance["interrupted"] and provenance["seed"] == 0
    assert provenance["defaults"]["sound"] == "track" and provenance["parameters"]["jobs"] == 2
    assert "GB" in provenance["machine"]


def test_a_dry_run_knows_what_the_notebooks_ask_for(study, toy):
    corpus = Corpus.open(toy)
    numbers = [f"0{n}" for n in range(8)]
    assert not status.unknown_notebooks(numbers, "quick") and status.unknown_notebooks(numbers, "paper")
    planned = status.to_do(corpus, status.asked(numbers))
    assert not [(p.step.label, t.subject, t.why) for p in planned for t in p.tasks], "all was computed a moment ago"
    folders = {p.step.place.folder for p in planned}
    missing = {p.parent.name for p in corpus.derived.glob("*/*.parquet") if p.parent not in folders}
    made_beside = ("windows", "segments", "unmatched-peaks", "gathered")
    assert not [name for name in missing if not name.startswith(made_beside)], "beside others"
    files = {p.step.place.file for p in planned if p.step.place.stage == "genre"}
    assert {p.name for p in (corpus.derived / "genre").glob("*.npz")} == files and len(files) > 10
    text = dry_run(toy, jobs=2)
    assert re.search(r"cues +8 films +0 +0\n", text) and re.search(r"genre +\d+ results +0 +0\n", text)
    other = status.to_do(corpus, status.asked(numbers, "quick", {"sound": "film"}))
    assert {p.step.place.folder.name for p in other} >= {"mir@sound=film", "mir-cues@sound=film", "genre"}
    assert any(p.tasks for p in other if p.step.place.stage == "genre")


def test_a_second_run_computes_nothing_and_writes_the_same_bytes(study, toy, tmp_path):
    _, out, _ = study
    assert run(toy, tmp_path / "again", notebooks=["00", "01", "04"], jobs=2, say=lambda line: None) == 0
    provenance = json.loads((tmp_path / "again" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["computed"] == 0
    again = sorted(p for p in (tmp_path / "again" / "figures").iterdir())
    assert len(again) > 8
    for path in again:
        assert path.read_bytes() == (out / "figures" / path.name).read_bytes(), path.name


def test_plain_papermill_from_another_folder(toy, study, tmp_path):
    words = [sys.executable, "-m", "papermill", choose_notebooks(["00"])[0], tmp_path / "00.ipynb"]
    words += ["-p", "corpus", "../toy", "-p", "figures", tmp_path / "f"]
    done = subprocess.run(words, cwd=toy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "f" / "table1_films.csv").is_file()


def test_a_genre_that_one_film_has_and_a_genre_that_all_have(toy, study, tmp_path):
    corpus = tmp_path / "toy"
    shutil.copytree(toy, corpus)
    table = pd.read_csv(corpus / "films.csv", dtype=str, keep_default_na=False)
    table.assign(genres=["Drama"] * 7 + ["Drama|Western"]).to_csv(corpus / "films.csv", index=False)
    lines = []
    asked = {"notebooks": ["03", "04", "05", "07"], "parameters": {"conditions": "as reported"}, "jobs": 2}
    assert run(corpus, tmp_path / "out", **asked, say=lines.append) == 0, lines
    scores = pd.read_csv(tmp_path / "out" / "figures" / "table4_results.csv")
    assert scores["f1"].between(0, 1).all()
    table5 = pd.read_csv(tmp_path / "out" / "figures" / "table5_crossmodal.csv")
    assert table5["Genre"].tolist() == ["Drama", "Western"] and table5.iloc[0].str.contains("n = 0").any()


def test_the_readmes_table_is_made_by_code(tmp_path):
    root = Path(__file__).resolve().parents[2]
    shutil.copy(root / "README.md", tmp_path / "README.md")
    update_readme(tmp_path / "README.md", root / "docs" / "demo")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == (root / "README.md").read_text(encoding="utf-8")
