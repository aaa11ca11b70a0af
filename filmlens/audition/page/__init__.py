"""The page's script: modules by subject, joined into the one that a widget can carry.

Each ``.mjs`` beside this file is an ordinary module, which node and an editor understand. A widget carries a single
script, so that imports of one another are left out and the modules follow each other, what is imported first; no name
may stand in two of them (a test lets node read the whole).
"""

import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import [^;]*? from "\./(\w+)\.mjs";\n', re.M)


@cache
def script() -> str:
    """All modules as one, `bench` last."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.mjs"))}
    order = TopologicalSorter({name: _IMPORT.findall(text) for name, text in texts.items()}).static_order()
    return "\n".join(re.sub(r"^export (?!default)", "", _IMPORT.sub("", texts[name]), flags=re.M) for name in order)
