"""``make tour``: notebook 06 at one cue that sounds unlike its film, heard and explained, then opened in JupyterLab."""

import json
import sys
from pathlib import Path

from filmlens.audition.picker import transplanted_first
from filmlens.corpus import Corpus, CorpusError
from filmlens.run import kernels, lab
from filmlens.run.notebooks import choose_notebooks
from filmlens.text import say

#: The first cell of the tour; its links are headings of notebook 06.
WELCOME = """# A tour: one cue

1. [Hear the cue](#What-does-one-cue-sound-like?), in the film and on its track.
2. [Go through five steps](#How-does-this-cue-become-a-claim?): what a cue, a bag, a genre score and a claim are.

Click a blue line to go there. Each step shows a table of this film. Grey bars are the code: click the dots in a bar to
see it. The whole page is notebook 06, run on the demo corpus. To judge cues, choose *Run > Run All Cells*: the
page to judge on appears under *Pick and listen*."""


def prepare(corpus: str | Path, out: str | Path, *, figures: str | Path = "") -> Path:
    """Notebook 06, executed at the cue that stands out of its film most; `out` gets it and its HTML copy.

    `figures` is where the claims of a run are, for the last of the five steps. Raises `CorpusError` when there is no
    genre model of the stamped cues yet, or the notebook stopped.
    """
    opened, out = Corpus.open(corpus), Path(out).resolve()
    cues = transplanted_first(opened, 1)
    if cues is None or cues.empty:
        raise CorpusError(f"{opened.folder}: no genre model of its cues yet; run `make figures`, then `make tour`")
    film, cue = cues.loc[0, "film_id"], int(cues.loc[0, "cue"])
    [notebook] = choose_notebooks(["06"])
    page = out / notebook.name
    out.mkdir(parents=True, exist_ok=True)
    given = {"corpus": str(opened.folder), "film": film, "cue": cue, "figures": str(Path(figures).resolve())}
    with kernels.ended_with(), kernels.surroundings():
        error = kernels.execute(notebook, page, given)
    if error:
        raise CorpusError(f"{notebook.name}: {error}")
    written = json.loads(page.read_text(encoding="utf-8"))
    for cell in written["cells"]:  # a tour is read and heard; the code is one click away
        if cell["cell_type"] == "code":
            cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
            # what JupyterLab shows of hidden code is its first line, however long
            cell["source"] = f"# code\n{''.join(cell['source'])}"
    written["cells"].insert(0, {"cell_type": "markdown", "id": "welcome", "metadata": {}, "source": WELCOME})
    page.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return page


def main() -> None:
    """Prepare the tour of the demo corpus and open it; options are passed on to JupyterLab."""
    try:
        if not Path("data/demo/films.csv").is_file():
            raise CorpusError("there is no demo corpus yet; run `make figures`, then `make tour`")
        page = prepare("data/demo", "out/tour", figures="figures")
    except (ValueError, OSError) as error:
        say(f"make tour: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    lab.main(f"{page.relative_to(Path.cwd().resolve()).as_posix()}?reset")


if __name__ == "__main__":
    main()
