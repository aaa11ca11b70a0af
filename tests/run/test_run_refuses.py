"""What a run says of bad input: unknown parameters, failing notebooks, broken films, corpora too small."""

import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from conftest import edit

from filmlens.media.write import write_audio
from filmlens.run import notebooks as run_
from filmlens.run.arguments import setting
from filmlens.run.notebooks import RunError, choose_notebooks, dry_run, run

FILMLENS = Path(sys.executable).parent / "filmlens"


def command(*arguments, cwd=None):
    done = subprocess.run([FILMLENS, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False)
    return done.returncode, done.stdout + done.stderr


def test_several_feature_sets_are_named_with_commas(two_films):
    assert "stage" in dry_run(two_films, notebooks=["03", "05"], parameters={"features": "mir,clap"})


def test_unknown_parameters_and_notebooks_are_refused(two_films, tmp_path):
    with pytest.raises(RunError, match=r"no notebook knows the parameter sed; they know .*seed"):
        run(two_films, tmp_path, parameters={"sed": 1})
    with pytest.raises(RunError, match="no notebook 09"):
        run(two_films, tmp_path, notebooks=["09"])
    code, text = command("run", two_films, "--out", tmp_path, "-p", "sed", "1")
    assert code == 1 and "sed" in text and "Traceback" not in text


def test_a_failing_notebook_is_named_with_cell_and_error(two_films, tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.read(choose_notebooks(["00"])[0], 4)
    notebook.cells[2].source = "1 / 0"
    nbformat.write(notebook, folder / "00_corpus.ipynb")
    monkeypatch.setattr(run_, "notebooks_folder", lambda: folder)
    lines = []
    assert run(two_films, tmp_path / "out", say=lines.append) == 1
    assert any("00_corpus" in line and "cell 3" in line and "ZeroDivisionError" in line for line in lines), lines
    assert "ZeroDivisionError" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_title_is_text_on_every_page(two_films, tmp_path):
    edit(two_films / "films.csv", "Second & Last", "<script>alert(1)</script>")
    assert run(two_films, tmp_path, notebooks=["00"], say=lambda line: None) == 0
    for page in tmp_path.rglob("*.html"):
        assert "<script>alert(1)" not in page.read_text(encoding="utf-8"), page


def test_a_broken_film_ends_the_run_non_zero_after_all_else(two_films, tmp_path):
    (two_films / "films" / "one.mp4").write_text("no film")
    lines = []
    assert run(two_films, tmp_path, notebooks=["01"], say=lines.append) == 1
    assert any(line.startswith("failed: one, cues:") and "one.mp4" in line for line in lines)
    assert (tmp_path / "figures" / "fig1_stamper.png").is_file(), "the other film goes on"
    assert "one.mp4" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_no_cue_anywhere_is_said(two_films, tmp_path):
    for seed, path in enumerate(sorted(two_films.glob("soundtracks/*/*.flac"))):
        noise = np.random.default_rng(seed).uniform(-0.3, 0.3, 16 * 44_100).astype(np.float32)
        write_audio(path, noise, 44_100)
    lines = []
    assert run(two_films, tmp_path, notebooks=["01", "03", "06"], say=lines.append) == 1
    ended = [line for line in lines if line.endswith(" s)")]  # on a slow machine there are lines of progress, too
    assert "done" in ended[0] and "done" in ended[2], lines
    assert "no stamped cue in any of the 2 films" in ended[1], lines


def test_a_corpus_too_small_for_models_says_so(two_films, tmp_path):
    table = two_films / "films.csv"
    table.write_text("".join(table.read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    lines = []
    assert run(two_films, tmp_path, notebooks=["01", "03"], say=lines.append) == 1
    ended = [line for line in lines if line.endswith(" s)")]
    assert "done" in ended[0] and "at least two films" in ended[1], lines


def test_check_on_the_command_line(two_films):
    code, text = command("check", two_films)
    assert code == 0 and text.endswith("no problem: 2 films, 0.02 hours, 4 tracks, 3 genres, 2 annotated cues\n")
    assert "films by genre: Action 1, Horror 1, Sci-Fi 1\n" in text
    edit(two_films / "annotations" / "one.csv", "Theme", "Other")
    code, text = command("check", two_films)
    assert code == 1 and "one.csv row 2: track 'Other'" in text and "1 problem (2 films" in text
    (two_films / "films.csv").unlink()
    code, text = command("check", two_films)
    assert code == 1 and text.startswith("filmlens: ") and "films.csv: no such file" in text


def test_a_parameter_is_read_as_the_notebooks_default_is(two_films, tmp_path, monkeypatch):
    """The film 1917 became a number, and no film had that id."""
    given = []
    monkeypatch.setattr(run_.kernels, "execute", lambda notebook, out, parameters: given.append(parameters))
    monkeypatch.setattr(run_, "_write_cues", lambda *a: None)
    edit(two_films / "films.csv", "one,First", "1917,First")
    parameters = dict(map(setting, ("film=1917", "seed=3", "seconds=4")))
    run(two_films, tmp_path, notebooks=["06"], parameters=parameters, say=lambda line: None)
    assert given[0]["film"] == "1917" and given[0]["seed"] == 3 and given[0]["seconds"] == 4.0
    with pytest.raises(RunError, match="-p seed=three: seed is a whole number, such as 0"):
        run(two_films, tmp_path, notebooks=["06"], parameters={"seed": "three"})
