"""How many options nobody passes, and which functions take too many: `python tests/options.py`.

An option is a parameter with a default. It is passed where a call of that name gives it by keyword, by position or in a
`**` of literal keys; calls stand in the package, the notebooks, the tests, the benchmarks and the code of documents.
Commands are called by people: their options count as passed.
"""

import ast
import json
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Parameters a function may have; compiled kernels take their arrays one by one.
MOST = 12
_BLOCK = re.compile(r"```(?:python|pycon)\n(.*?)```", re.S)
_EXAMPLE = re.compile(r"^\s*(?:>>>|\.\.\.) ?(.*)$", re.M)


def sources(root: Path) -> list[str]:
    """Python in package, tests, benchmarks, notebooks, documents and docstrings' examples."""
    rooms = (root / name for name in ("filmlens", "tests", "benchmarks"))
    texts = [p.read_text("utf-8") for room in rooms for p in sorted(room.rglob("*.py"))]
    texts += ["\n".join(_EXAMPLE.findall(text)) for text in texts]
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        texts += ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        blocks = _BLOCK.findall(path.read_text("utf-8"))
        texts += [b if ">>>" not in b else "\n".join(_EXAMPLE.findall(b)) for b in blocks]
    return texts


def calls(texts: list[str]) -> tuple[dict[str, set], dict[str, int], set[str]]:
    """Name -> keywords given to it; name -> most positional arguments; strings that are keys of a dict or of dict()."""
    keywords, positions, keys = defaultdict(set), defaultdict(int), set()
    for text in texts:
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                given = [node.args]
                if name in ("partial", "apart", "submit", "schedule") and node.args:
                    name = getattr(node.args[0], "attr", getattr(node.args[0], "id", ""))
                    given = [node.args[1:]]
                keywords[name] |= {k.arg for k in node.keywords if k.arg}
                if any(k.arg is None for k in node.keywords):
                    keywords[name].add("**")
                starred = any(isinstance(a, ast.Starred) for a in given[0])
                positions[name] = max(positions[name], 99 if starred else len(given[0]))
                if name in ("dict", "replace"):
                    keys |= {k.arg for k in node.keywords if k.arg}
            elif isinstance(node, ast.Dict):
                keys |= {k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                keys |= {node.slice.value} if isinstance(node.slice.value, str) else set()
    return keywords, positions, keys


def functions(root: Path):
    """(place, name, decorators, number of parameters, optional ones with position or None) of each function."""
    for path in sorted((root / "filmlens").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        for node in ast.walk(tree):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            decorators = " ".join(ast.unparse(d) for d in node.decorator_list)
            owner = parents.get(node)
            method = isinstance(owner, ast.ClassDef) and "staticmethod" not in decorators
            a = node.args
            plain = [*a.posonlyargs, *a.args][1 if method else 0 :]
            count = len(plain) + len(a.kwonlyargs)
            first = len(plain) - len(a.defaults)
            options = [(p.arg, i) for i, p in enumerate(plain) if i >= first]
            options += [(p.arg, None) for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None]
            name = owner.name if method and node.name == "__init__" else node.name
            yield f"{path.relative_to(root)}:{node.lineno} {node.name}", name, decorators, count, options


def unpassed(root: Path) -> list[str]:
    keywords, positions, keys = calls(sources(root))
    found = []
    for place, name, decorators, _, options in functions(root):
        if "command" in decorators or "callback" in decorators:
            continue
        for option, position in options:
            by_position = position is not None and positions[name] > position
            if not by_position and option not in keywords[name] and not ("**" in keywords[name] and option in keys):
                found.append(f"{place}: {option}")
    return found


def crowded(root: Path) -> list[str]:
    """Functions with more than `MOST` parameters, compiled ones and commands left out."""
    return [f"{p}: {n}" for p, _, d, n, _ in functions(root) if n > MOST and "jit" not in d and "command" not in d]


if __name__ == "__main__":
    for title, found in (("options not passed", unpassed(ROOT)), (f"with over {MOST} parameters", crowded(ROOT))):
        print(f"{len(found)} {title}")
        print(*(f"  {line}" for line in found), sep="\n")
