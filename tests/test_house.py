"""The house: imports point down, notebooks stay thin, the three lists of packages agree."""

import ast
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "filmlens"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: From the roof down; rooms in one row may not import each other.
FLOORS = [
    ["cli"],
    ["run"],
    ["report", "status"],
    ["kernels", "provenance"],
    ["robustness"],
    ["study", "sharing"],
    ["audition"],
    ["demo", "extracting"],
    ["cuetable"],
    ["stages"],
    ["running"],
    ["measuring", "modelling"],
    ["figures"],
    ["dictionary"],
    ["findings"],
    ["genre"],
    ["features"],
    ["verdicts"],
    ["stamper"],
    ["imdb"],
    ["artefacts"],
    ["check"],
    ["corpus"],
    ["media"],
    ["look", "paper", "archive"],
]
#: A room is a module or a folder of the package; its own modules may import each other.
LEVEL = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}


def imports(path: Path):
    """Rooms of the package that a module imports, at the top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            if node.module == "filmlens":
                yield from (a.name for a in node.names if a.name in LEVEL)
            elif node.module.startswith("filmlens."):
                yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("filmlens."))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_imports_point_down():
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        room = room_of(path)
        if room == "__init__":
            continue
        assert room in LEVEL, f"{path}: the room {room} stands on no floor; add it to FLOORS"
        for other in set(imports(path)) - {room}:
            if LEVEL[other] <= LEVEL[room]:
                wrong.append(f"{path.relative_to(ROOT)} imports {other}")
    assert not wrong


def test_modules_are_rooms_not_halls():
    for path in PACKAGE.rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 500, f"{path.relative_to(ROOT)} has {len(lines)} lines; divide it"
        assert ast.get_docstring(ast.parse("\n".join(lines))), f"{path.relative_to(ROOT)} does not say its subject"


def code_cells(notebook: Path):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if c["cell_type"] == "code"]


def lines_of(cell) -> int:
    lines = "".join(cell["source"]).splitlines()
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_notebooks_stay_thin(notebook):
    cells = code_cells(notebook)
    counts = [lines_of(c) for c in cells if "parameters" not in c["metadata"].get("tags", [])]
    assert np.median(counts) <= 4 and np.percentile(counts, 90) <= 10 and max(counts) <= 20
    assert not any(c["outputs"] or c["execution_count"] for c in cells), "outputs are committed"
    assert not any(re.search(r"^\s*class ", "".join(c["source"]), re.M) for c in cells)
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    names = {n.targets[0].id for n in ast.parse("".join(tagged[0]["source"])).body}
    assert {"corpus", "figures", "profile", "seed", "jobs", "cues", "sound"} <= names
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]
    assert all(word in "".join(first["source"]) for word in ("**Paper:**", "**Reads**", "**Writes**", "**Takes**"))


def test_no_function_stands_in_two_notebooks():
    names = []
    for notebook in NOTEBOOKS:
        source = "\n".join("".join(c["source"]) for c in code_cells(notebook))
        names += re.findall(r"^def (\w+)", source, re.M)
    assert len(names) == len(set(names))


def test_notebooks_are_the_seven_in_running_order():
    assert [n.stem[:2] for n in NOTEBOOKS] == ["00", "01", "02", "03", "04", "05", "06"]


def test_environment_lock_and_project_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = [d for d in environment["dependencies"] if isinstance(d, str)]
    [pip] = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert f"python{project['requires-python']}" in conda and "pip" in conda
    assert pip == ["-c constraints.txt", "-e .[all]"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert locked["torch"] == "2.13.0"
    asked = project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]
    for requirement in map(Requirement, asked):
        name = canonicalize_name(requirement.name)
        if name != "filmlens":
            assert name in locked, f"{name} is not in constraints.txt"
            assert requirement.specifier.contains(locked[name]), f"constraints.txt locks {name} outside {requirement}"


def test_the_card_is_kept():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {Requirement(r).name for r in project["dependencies"] + project["optional-dependencies"]["all"]}
    card = {"jupyterlab", "papermill", "ipywidgets", "librosa", "torch", "scikit-learn", "seaborn", "pingouin"}
    assert card | {"opencv-python-headless"} <= asked
