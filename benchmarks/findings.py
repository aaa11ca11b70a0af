"""CPU seconds of permutation importance: 8 groups x 100 runs x 110 films of 40 cues, through 110 fitted networks.

Run with `python benchmarks/findings.py`; it writes `benchmarks/findings.md`. The networks are those of Fig 3 (average
pooling, 64 nodes, 140 features, one per film), trained for one epoch only: importance costs the same for any weights.
"""

import os
import platform
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch

from filmlens.findings import cross_modal, group_importance
from filmlens.genre import BagClassifier, cross_validate
from filmlens.look import GENRES

FILMS, CUES, REPEATS = 110, 40, 100
WIDTHS = {"MFCC": 26, "ΔMFCC": 26, "ΔΔMFCC": 26, "Dynamics": 8, "Pitch": 28, "Rhythm": 6, "Timbre": 10, "Tone": 10}
COMMAND = "OMP_NUM_THREADS=1 python benchmarks/findings.py"


def cpu(work) -> tuple[float, object]:
    """CPU seconds of a call, over all its threads, and what it gave."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    ends = np.cumsum(list(WIDTHS.values()))
    groups = {name: range(end - width, end) for (name, width), end in zip(WIDTHS.items(), ends, strict=True)}
    labels = rng.random((FILMS, 6)) < np.linspace(0.5, 0.1, 6)
    bags = [rng.normal(size=(CUES, ends[-1])) + 0.3 * y.sum() for y in labels]
    fitted = cross_validate(BagClassifier("average", hidden=64, epochs=1), bags, labels)
    rows = []
    for scheme in ("cues", "films"):
        seconds, _ = cpu(
            lambda scheme=scheme: group_importance(
                fitted.predict, bags, labels, groups, n_repeats=REPEATS, scheme=scheme
            ).table()
        )
        rows.append(
            [f"group_importance, scheme {scheme}, {len(groups)} × {REPEATS} × {FILMS} films of {CUES} cues", seconds]
        )
    seconds, _ = cpu(lambda: [fitted.predict(bags) for _ in range(len(groups) * REPEATS)])
    rows.append([f"of which {len(groups) * REPEATS} × CrossValidation.predict", seconds])
    names = [f"film {i:03d}" for i in range(FILMS)]
    clips = pd.DataFrame({"film_id": np.repeat(names, CUES), "cue": np.tile(np.arange(CUES), FILMS)})
    clips[["brightness", "contrast"]] = rng.random((len(clips), 2))
    actual, predicted = (pd.DataFrame(rng.random((FILMS, 6)) < 0.3, names, GENRES) for _ in range(2))
    seconds, _ = cpu(lambda: cross_modal(clips, actual, predicted))
    rows.append([f"cross_modal, 2 measures, 4,400 clips, 9,999 permutations of each of {2 * 4 * 6 * 2} cells", seconds])
    lines = "\n".join(f"| {what} | {seconds:.1f} |" for what, seconds in rows)
    text = (
        "# Findings: CPU seconds\n\n"
        f"`{COMMAND}` on one thread of {platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, torch {torch.__version__.split('+')[0]}.\n\n"
        f"| what | CPU seconds |\n|---|---:|\n{lines}\n"
    )
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
