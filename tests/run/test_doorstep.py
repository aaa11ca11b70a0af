"""What a newcomer meets after `make figures`: a command that is found, a lab that opens, numbers of today."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote

import pytest

from filmlens.corpus import Corpus, CorpusError
from filmlens.run import lab, readme, tour
from filmlens.run.lab import write_start

ROOT = Path(__file__).resolve().parents[2]


def test_the_documents_numbers_are_of_todays_stages():
    assert not readme.changed_since(ROOT / "docs" / "demo"), "run `make figures readme` and look at the difference"


def test_what_is_shown_is_kept_with_the_stages_it_rests_on(tmp_path):
    figures = tmp_path / "figures"
    figures.mkdir()
    for name in ("fig1_stamper.png", "table1_films.csv", "paper_numbers_genre.csv", "claims.csv"):
        (figures / name).write_text(name)
    readme.keep(figures, tmp_path / "docs")
    kept = {p.name for p in (tmp_path / "docs").iterdir()}
    assert kept == {"fig1_stamper.png", "table1_films.csv", "paper_numbers_genre.csv", readme.VERSIONS}
    assert readme.changed_since(tmp_path / "docs") == []
    text = (tmp_path / "docs" / readme.VERSIONS).read_text()
    (tmp_path / "docs" / readme.VERSIONS).write_text(text.replace('"cues": ', '"cues": 1'))
    assert readme.changed_since(tmp_path / "docs") == ["cues"]


def test_what_a_run_writes_is_no_part_of_the_repository():
    def git(*words):
        words = ["git", "-c", "safe.directory=*", *words]
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    if git("rev-parse", "--show-toplevel").stdout.strip() != str(ROOT):
        pytest.skip("no repository")
    written = ["figures/fig1_stamper.png", "out/demo/index.html", "out/start.md", "data/demo/films.csv"]
    assert git("check-ignore", *written).stdout.split() == written
    assert git("ls-files", "figures", "out", "data/demo").stdout.split() == ["figures/README.md"]


def test_the_command_is_found_in_make_shell():
    done = subprocess.run(
        ["make", "-s", "shell"], cwd=ROOT, input="filmlens --version\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout.strip()[0].isdigit(), done.stdout + done.stderr


def test_a_folder_that_is_not_there_names_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CorpusError, match=f"my-films: no such folder; looked for it in {tmp_path}, {ROOT}"):
        Corpus.open("my-films")


def test_the_lab_prints_its_whole_address_and_shows_its_token_to_nobody_else(tmp_path):
    words = [sys.executable, "-m", "filmlens.run.lab", "--no-browser"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        address = process.stdout.readline().removeprefix("JupyterLab: ").strip()
        base, _, token = address.partition("/lab/tree/out/start.md?token=")
        assert base.startswith("http://127.0.0.1:") and len(token) == 32
        assert answer(f"{base}/api/contents/out/start.md?token={token}") == 200
        assert answer(f"{base}/api/contents") == 403
        listed = Path(f"/proc/{process.pid}/cmdline")
        assert not listed.exists() or token not in listed.read_text()
    finally:
        process.terminate()
        further = process.communicate(timeout=60)[0]
    said = [s for s in further.splitlines() if "signal 15" not in s and not s.startswith("Open this address")]
    assert said == [], f"a second address, or a message that nobody asked for:\n{further}"
    assert {"--LabApp.news_url=None", "--ip=127.0.0.1"} <= set(lab.command(1, "out/start.md"))
    settings = Path(lab.__file__).parent / "jupyter" / "labconfig" / "default_setting_overrides.json"
    news = json.loads(settings.read_text(encoding="utf-8"))["@jupyterlab/apputils-extension:notification"]
    assert news == {"fetchNews": "false", "checkForUpdates": False}, "nobody is asked about news"


def test_the_start_page_leads_to_notebooks_results_and_documents(tmp_path):
    for folder in ("notebooks", "docs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    assert "There is no run yet" in write_start(tmp_path).read_text(encoding="utf-8")
    for name in ("demo", "a [b] & c"):
        (tmp_path / "out" / name / "notebooks").mkdir(parents=True)
        (tmp_path / "out" / name / "notebooks" / "00_corpus.ipynb").touch()
        (tmp_path / "out" / name / "index.html").touch()
    text = write_start(tmp_path).read_text(encoding="utf-8")
    links = [unquote(link) for link in re.findall(r"\]\(([^)]+)\)", text)]
    assert all((tmp_path / "out" / link).is_file() for link in links), links
    shown = {Path(link).name for link in links}
    assert {n.name for n in (ROOT / "notebooks").glob("*.ipynb")} | {"first-hour.md", "glossary.md"} <= shown
    assert links[:2] == ["a [b] & c/notebooks/00_corpus.ipynb", "demo/notebooks/00_corpus.ipynb"]


def test_the_tours_links_are_headings_of_its_notebook():
    cells = json.loads((ROOT / "notebooks" / "06_audition.ipynb").read_text(encoding="utf-8"))["cells"]
    heads = re.findall(r"^#+ (.+)$", "\n".join("".join(c["source"]) for c in cells), re.M)
    links = re.findall(r"\]\(#([^)]+)\)", tour.WELCOME)
    assert len(links) == 2 and set(links) <= {head.replace(" ", "-") for head in heads}


def test_the_tour_says_what_it_waits_for(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        tour.main()
    assert capsys.readouterr().err == "make tour: there is no demo corpus yet; run `make figures`, then `make tour`\n"


def answer(url: str) -> int:
    """Status of a page, waited for until the server is up."""
    for _ in range(120):
        try:
            return urllib.request.urlopen(url, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no server at {url}")
