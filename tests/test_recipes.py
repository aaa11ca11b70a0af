"""The recipes of docs/carrying-on.md, followed to the letter in a copy of the project, show up where they say."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "carrying-on.md"
STEP = re.compile(
    r"^(New file|Row of|Line of|Function above|Cell of) (?:`([^`]+)` in )?`([^`]+)`:\n\n```(?:python|text)\n(.*?)^```",
    re.M | re.S,
)


def steps() -> list[tuple[str, str, str, str]]:
    """What the page says to do: kind, name, file, text."""
    return STEP.findall(PAGE.read_text(encoding="utf-8"))


def end_of(source: str, name: str) -> int:
    """The line, from 0, on which the table of a name is closed."""
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if name in [getattr(t, "id", "") for t in targets]:
            return node.value.end_lineno - 1
    raise AssertionError(f"no table {name}")


def follow(folder: Path, kind: str, name: str, file: str, text: str) -> None:
    path = folder / file
    if kind == "New file":
        path.write_text(text, encoding="utf-8")
    elif kind == "Line of":
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    elif kind == "Cell of":
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = {
            "cell_type": "code",
            "id": "recipe",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        notebook["cells"].append(cell)
        path.write_text(json.dumps(notebook), encoding="utf-8")
    else:
        source = path.read_text(encoding="utf-8")
        lines = source.splitlines(keepends=True)
        if kind == "Row of":
            at, text = end_of(source, name), textwrap.indent(text.rstrip(), "    ") + ",\n"
        else:
            at, text = next(i for i, line in enumerate(lines) if line.startswith(name)), text + "\n\n"
        path.write_text("".join([*lines[:at], text, *lines[at:]]), encoding="utf-8")


@pytest.fixture(scope="module")
def followed(toy, tmp_path_factory):
    """A copy of the project in which every step was followed, what a run of three notebooks made there, its corpus."""
    folder = tmp_path_factory.mktemp("carried-on")
    for part in ("filmlens", "notebooks", "data/paper"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for step in steps():
        follow(folder, *step)
    corpus, out = folder / "films", folder / "out"
    shutil.copytree(toy, corpus, ignore=shutil.ignore_patterns("derived"))
    films = (corpus / "films.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (corpus / "films.csv").write_text("".join(films[:4]), encoding="utf-8")  # three are enough to see names
    command(folder, "run", corpus, "--out", out, "--notebooks", "00,02,03", "-p", "features=level", "--jobs", "2")
    return folder, out, corpus


def command(folder: Path, *words) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    call = [sys.executable, "-m", "filmlens.cli", *map(str, words)]
    done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_has_every_kind_of_step():
    kinds = {"New file", "Row of", "Line of", "Function above", "Cell of"}
    assert {kind for kind, *_ in steps()} == kinds and len(steps()) == 9


def test_a_pooling_is_in_table_3_and_trained(followed):
    _, out, _ = followed
    assert "noisy_or" in pd.read_csv(out / "figures" / "table3_poolings.csv")["code"].tolist()
    scores = pd.read_csv(out / "figures" / "table4_all.csv")
    assert scores.loc[scores["name"] == "noisy_or 64", "f1"].between(0, 1).all()


def test_a_feature_set_is_in_table_2_and_measured(followed):
    folder, out, corpus = followed
    table = pd.read_csv(out / "figures" / "table2_features.csv").set_index("descriptor")
    assert table.loc["level", "dimensions"] == 2
    assert len(list((corpus / "derived" / "level-cues").glob("*.parquet"))) == 3
    assert set(pd.read_csv(out / "figures" / "table4_results.csv")["features"]) == {"level"}
    cues = pd.read_csv(out / "cues.csv")
    assert cues.filter(like="probability_").notna().any(axis=None), "heard by the model on the new set"
    assert "level: 0 computed, 3 kept" in command(folder, "features", corpus, "--which", "level")
    command(folder, "share", corpus, "--out", folder / "shared.zip")
    assert "level of the second (rms), dB" in read_inside(folder / "shared.zip", "columns.csv")


def test_an_export_format_is_written(followed):
    folder, _, corpus = followed
    paths = command(folder, "export", corpus, "--format", "chapters", "--films", "film01").split()
    assert paths[0].endswith("film01.chapters.txt")
    assert re.match(r"\d\d:\d\d:\d\d \S", Path(paths[0]).read_text(encoding="utf-8"))


def test_a_figure_is_in_the_report(followed):
    _, out, _ = followed
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'src="figures/years.png"' in page and "When the films were made" in page
    assert {p.suffix for p in (out / "figures").glob("years.*")} == {".png", ".svg", ".csv"}


def read_inside(archive: Path, name: str) -> str:
    with zipfile.ZipFile(archive) as box:
        return box.read(next(n for n in box.namelist() if n.endswith(name))).decode()
