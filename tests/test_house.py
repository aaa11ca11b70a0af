"""The house: imports point down, notebooks stay thin, the three lists of packages agree."""

import ast
import json
import re
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import options
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "filmlens"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

#: From the roof down; rooms on one floor may not import each other. A room is a module or a folder of the package.
FLOORS = [
    ["cli"],
    ["run"],
    ["study", "audition"],
    ["stages", "figures"],
    ["findings", "features", "verdicts"],
    ["corpus", "genre", "stamper", "demo"],
    ["media", "stats", "artefacts", "look", "paper", "names", "download"],
]
#: What every floor stands on: it imports nothing of ours.
GROUND = ["text"]
LEVEL = {room: i for i, rooms in enumerate([*FLOORS, GROUND]) for room in rooms}


def modules(package: Path) -> dict[str, Path]:
    """Every module by its name inside the package, such as ``stages.loop``; a folder's own is the folder's name."""
    paths = {".".join(p.relative_to(package).with_suffix("").parts): p for p in package.rglob("*.py")}
    return {name.removesuffix("__init__").rstrip("."): p for name, p in paths.items()}


def imports(name: str, known: dict[str, Path]) -> set[str]:
    """Modules that a module imports: at the top, inside functions, and named in strings.

    A string names a module as ``filmlens.room.module``, or as ``module:function`` of its own room or of the package
    (the rows of the stages, which a worker imports when it needs them).
    """
    room, named = name.partition(".")[0], []
    for node in ast.walk(ast.parse(known[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            named += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named += re.findall(r"^filmlens\.[\w.]+$", node.value)
            for lazy in re.findall(r"^([\w.]+):\w+$", node.value):
                named.append(f"filmlens.{room}.{lazy}" if f"{room}.{lazy}" in known else f"filmlens.{lazy}")
    inside = [text.removeprefix("filmlens.").split(".") for text in named if text.startswith("filmlens.")]
    prefixes = [[".".join(words[:n]) for n in range(len(words), 0, -1)] for words in inside]
    return {next(filter(known.get, longer)) for longer in prefixes if any(map(known.get, longer))} - {name}


def wrong_imports(package: Path) -> list[str]:
    """Imports that do not point down, rooms on no floor, and circles of modules."""
    known = modules(package)
    arrows = {name: imports(name, known) for name in known if name}
    wrong = []
    for name, others in arrows.items():
        room = name.partition(".")[0]
        if room not in LEVEL:
            wrong.append(f"{name}: the room {room} stands on no floor; add it to FLOORS")
            continue
        for other in sorted({o.partition(".")[0] for o in others} - {room}):
            if LEVEL.get(other, 0) <= LEVEL[room]:
                wrong.append(f"{name} imports {other}")
    try:
        # a folder's __init__ gathers its modules for others, so that it is no step of their own circle
        TopologicalSorter({n: {o for o in m if known[o].name != "__init__.py"} for n, m in arrows.items()}).prepare()
    except CycleError as error:
        wrong.append(f"a circle: {' imports '.join(reversed(error.args[1]))}")
    return wrong


def test_imports_point_down():
    assert not wrong_imports(PACKAGE)
    assert len(FLOORS) == 7


def planted(tmp_path: Path, **files: str) -> list[str]:
    for name, text in files.items():
        path = tmp_path / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return wrong_imports(tmp_path)


def test_a_planted_circle_and_stairs_upwards_are_found(tmp_path):
    circle = planted(
        tmp_path / "a",
        stages__table='ROW = "of_film:stamp"\n',
        stages__of_film="from filmlens.stages.work import read\n",
        stages__work="def f():\n    from filmlens.stages import table\n",
    )
    assert len(circle) == 1 and circle[0].startswith("a circle: ")
    up = planted(tmp_path / "b", corpus__films='import_module("filmlens.study.cues")\n', study__cues="")
    assert up == ["corpus.films imports study"]
    assert planted(tmp_path / "c", attic="") == ["attic: the room attic stands on no floor; add it to FLOORS"]
    assert not planted(tmp_path / "d", study__cues="from filmlens.corpus import films\n", corpus__films="")


def test_modules_are_rooms_not_halls():
    for path in PACKAGE.rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 500, f"{path.relative_to(ROOT)} has {len(lines)} lines; divide it"
        assert ast.get_docstring(ast.parse("\n".join(lines))), f"{path.relative_to(ROOT)} does not say its subject"


def test_options_are_passed_by_somebody():
    assert len(options.unpassed(ROOT)) < 40, "take away what nobody passes: python tests/options.py"
    assert not options.crowded(ROOT)


def cells_of(notebook: Path):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def code_cells(notebook: Path):
    return [c for c in cells_of(notebook) if c["cell_type"] == "code"]


def lines_of(cell) -> list[str]:
    lines = "".join(cell["source"]).splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def sections(notebook: Path):
    """Heading, and the kinds of the cells that follow it, of every section."""
    found = []
    for cell in cells_of(notebook):
        source = "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""
        before, *headings = re.split(r"^##+ (.*)$", source, flags=re.M)
        if found and (before.strip() or not source):
            found[-1][1].append(cell["cell_type"])
        found += [(heading, ["markdown"]) for heading in headings[::2]]
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_notebooks_stay_thin(notebook):
    cells = code_cells(notebook)
    own = [lines_of(c) for c in cells if "parameters" not in c["metadata"].get("tags", [])]
    counts, widths = [len(lines) for lines in own], [len(line) for lines in own for line in lines]
    assert np.median(counts) <= 4 and np.percentile(counts, 90) <= 10 and max(counts) <= 20
    assert np.median(widths) <= 55 and max(len(line) for c in cells for line in lines_of(c)) <= 99
    assert not any(c["outputs"] or c["execution_count"] for c in cells), "outputs are committed"
    assert not any(re.search(r"^\s*class ", "".join(c["source"]), re.M) for c in cells)
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    names = {n.targets[0].id for n in ast.parse("".join(tagged[0]["source"])).body}
    assert {"corpus", "figures", "profile", "seed", "jobs", "cues", "sound"} <= names
    first = json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]
    assert all(word in "".join(first["source"]) for word in ("**Paper:**", "**Reads**", "**Writes**", "**Takes**"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_a_section_asks_before_it_computes_and_says_what_came_out(notebook):
    for heading, kinds in sections(notebook):
        if "code" in kinds:
            assert heading.endswith("?") and kinds[-1] == "markdown", f"{notebook.stem}: {heading}"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_no_cell_overwrites_a_parameter(notebook):
    [tagged] = [c for c in code_cells(notebook) if "parameters" in c["metadata"].get("tags", [])]
    parameters = {n.targets[0].id for n in ast.parse("".join(tagged["source"])).body}
    for cell in code_cells(notebook):
        if "parameters" not in cell["metadata"].get("tags", []):
            tree = ast.walk(ast.parse("".join(cell["source"])))
            names = {n.id for n in tree if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            assert not names & parameters, f"{notebook.stem} overwrites {names & parameters}"


def test_no_function_stands_in_two_notebooks():
    names = []
    for notebook in NOTEBOOKS:
        source = "\n".join("".join(c["source"]) for c in code_cells(notebook))
        names += re.findall(r"^def (\w+)", source, re.M)
    assert len(names) == len(set(names))


def test_notebooks_are_the_nine_in_running_order():
    assert [n.stem[:2] for n in NOTEBOOKS] == ["00", "01", "02", "03", "04", "05", "06", "07", "08"]


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


def test_the_hashed_lock_agrees_with_the_constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    hashed = {}
    for entry in re.split(r"^(?=[a-z0-9])", text.replace("\\\n", " "), flags=re.M)[1:]:
        name, version, marker, hashes = re.fullmatch(
            r"([a-z0-9-]+)==(\S+)( ; .*?)?((?: +--hash=sha256:[0-9a-f]{64})+)\s*", entry
        ).groups()
        assert hashes and name not in hashed, name
        hashed[name] = version
        assert name in locked or marker, f"{name} is needed everywhere, but constraints.txt lacks it"
    assert {n: v for n, v in hashed.items() if n in locked} == {n: v for n, v in locked.items() if n != "torch"}
    assert "torch" not in hashed and "filmlens" not in hashed and "//" not in text


def test_the_make_route_installs_by_the_lock_and_the_build_backend_is_pinned():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--require-hashes --no-deps -r requirements.lock" in makefile and "--no-build-isolation -e ." in makefile
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    [backend] = build["requires"]
    assert backend in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert build["build-backend"].startswith(Requirement(backend).name)


def test_the_card_is_kept():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {Requirement(r).name for r in project["dependencies"] + project["optional-dependencies"]["all"]}
    card = {"jupyterlab", "papermill", "ipywidgets", "librosa", "torch", "scikit-learn", "seaborn", "pingouin"}
    assert card | {"opencv-python-headless"} <= asked
