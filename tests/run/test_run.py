"""`filmlens run` and plain papermill: what a user types, on a toy corpus of real media."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from filmlens.corpus import Corpus
from filmlens.run import status
from filmlens.run.notebooks import choose_notebooks, dry_run, run
from filmlens.run.readme import update_readme
from filmlens.run.report import ITEMS, TAGGED

HOSTS = re.compile(r"""(?:src|href)=["']https?://|@import url|import\s*\(?["']https?://""")


@pytest.fixture(scope="module")
def study(toy, tmp_path_factory):
    """All seven notebooks on the toy corpus."""
    out = tmp_path_factory.mktemp("run")
    lines = []
    code = run(toy, out, jobs=2, say=lines.append)
    return code, out, lines


def test_every_notebook_runs_and_every_item_is_there(study):
    code, out, lines = study
    assert code == 0, "\n".join(lines)
    assert len(list((out / "notebooks").glob("*.ipynb"))) == len(list((out / "notebooks").glob("*.html"))) == 7
    assert not list((out / "figures").glob("study_*")), "what is about the study's own data is made from them alone"
    for name in {name for _, name, notebook, _ in ITEMS if notebook != "07_the_study"} - TAGGED:
        endings = {p.suffix for p in (out / "figures").glob(f"{name}.*")}
        assert endings - {".tex"} in ({".csv", ".html"}, {".csv", ".png", ".svg"}), f"{name}: {endings}"


def test_everything_says_synthetic_and_opens_offline(study):
    _, out, _ = study
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "synthetic corpus" in page and "Not made in this run." not in page
    for path in [out / "index.html", *out.glob("notebooks/*.html"), *out.glob("figures/*.html")]:
        text = path.read_text(encoding="utf-8")
        # addresses to click are fine; nothing may be loaded
        assert not HOSTS.search(re.sub(r'<a [^>]*href="[^"]*"', "", text)), path.name
    for path in out.glob("figures/*.html"):
        assert "ynthetic" in path.read_text(encoding="utf-8"), path.name


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
    numbers = [f"0{n}" for n in range(7)]
    assert not status.unknown_notebooks(numbers, "quick") and status.unknown_notebooks(numbers, "paper")
    planned = status.to_do(corpus, status.asked(numbers))
    assert not [(p.step.label, t.subject, t.why) for p in planned for t in p.tasks], "all was computed a moment ago"
    folders = {p.step.place.folder for p in planned}
    missing = {p.parent.name for p in corpus.derived.glob("*/*.parquet") if p.parent not in folders}
    assert not [name for name in missing if not name.startswith("windows")]
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
    assert run(corpus, tmp_path / "out", notebooks=["03", "04", "05"], jobs=2, say=lines.append) == 0, lines
    scores = pd.read_csv(tmp_path / "out" / "figures" / "table4_results.csv")
    assert scores["f1"].between(0, 1).all()
    table5 = pd.read_csv(tmp_path / "out" / "figures" / "table5_crossmodal.csv")
    assert table5["Genre"].tolist() == ["Drama", "Western"] and table5.iloc[0].str.contains("n = 0").any()


def test_the_readmes_table_is_made_by_code(tmp_path):
    root = Path(__file__).resolve().parents[2]
    shutil.copy(root / "README.md", tmp_path / "README.md")
    update_readme(tmp_path / "README.md", root / "docs" / "demo")
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == (root / "README.md").read_text(encoding="utf-8")
