"""Music on no track, on a corpus whose annotations name tracks that were taken off its albums.

    OMP_NUM_THREADS=1 python benchmarks/unmatched.py CORPUS

A second is missing where an annotated track is in no soundtrack folder. Listed are the seconds of ``derived/music``.
Prints the share of the missing seconds that are listed, and of the listed ones that have no music at all.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from filmlens import stages
from filmlens.corpus import Corpus
from filmlens.stamper import intervals


def measure(folder: str) -> dict[str, float]:
    """Seconds missing, of those listed, listed in all, and of those without any music."""
    corpus, sums = Corpus.open(folder), np.zeros(4)
    stages.run(corpus, "music")
    music = stages.read(corpus, "music")
    for film in corpus:
        truth, there = film.annotations(), set(film.tracks())
        every = truth[["start", "end"]].to_numpy()
        missing = truth.loc[~truth["track"].isin(there), ["start", "end"]].to_numpy()
        listed = music.loc[music["film_id"] == film.id, ["start", "end"]].to_numpy()
        parts = missing, intervals.intersection(missing, listed), listed, intervals.difference(listed, every)
        sums += [intervals.length(part) for part in parts]
    return dict(zip(("missing", "of them listed", "listed", "of them no music"), sums.round(1), strict=True))


if __name__ == "__main__":
    seconds = measure(sys.argv[1])
    print(", ".join(f"{name} {value:.1f} s" for name, value in seconds.items()))
    print(f"of the missing {seconds['of them listed'] / seconds['missing']:.3f} are listed")
    print(f"of what is listed {seconds['of them no music'] / seconds['listed']:.3f} is no music")
