"""What README and docs show of the demo: a picture and numbers under docs/demo, with the stages that they rest on.

``figures/`` is what a user's own run makes and is no part of the repository. ``make readme`` takes from it what the
documents show; a test says when a stage has changed since.
"""

import json
import shutil
import sys
from pathlib import Path

from filmlens.run.report import paper_and_ours
from filmlens.stages import STAGES

#: Files of ``figures/`` that the documents show or take numbers from.
SHOWN = ("fig1_stamper.png", "table1_films.csv", "paper_numbers_*.csv")
VERSIONS = "stages.json"
_MARKS = ("<!-- numbers: made by `make readme` -->", "<!-- end of numbers -->")


def keep(figures: Path, folder: Path) -> None:
    """Copy what is shown, and write down the version of every stage that it was made with."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (p for pattern in SHOWN for p in sorted(figures.glob(pattern))):
        shutil.copy(path, folder / path.name)
    text = json.dumps({name: stage.version for name, stage in STAGES.items()}, indent=1)
    (folder / VERSIONS).write_text(text + "\n", encoding="utf-8")


def changed_since(folder: Path) -> list[str]:
    """Stages whose results may have changed since the numbers of the documents were made; none by a new stage."""
    then = json.loads((folder / VERSIONS).read_text(encoding="utf-8"))
    return [name for name, version in then.items() if name not in STAGES or STAGES[name].version != version]


def update_readme(readme: Path, kept: Path) -> None:
    """Set the table of the paper's numbers and the demo's between the README's two marks."""
    table = paper_and_ours(kept, synthetic=True)
    lines = ["| " + " | ".join(table.columns) + " |", "|---|---|---|---:|---:|"]
    for row in table.itertuples(index=False):
        cells = (f"{value:.4g}" if value == value else "–" for value in row[3:])
        lines.append("| " + " | ".join([*row[:3], *cells]) + " |")
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(_MARKS[0])
    after = rest.split(_MARKS[1])[1]
    readme.write_text(f"{before}{_MARKS[0]}\n" + "\n".join(lines) + f"\n{_MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path("docs/demo"))
    update_readme(Path("README.md"), Path("docs/demo"))
