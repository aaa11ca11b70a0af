"""Attacks on what is kept on disk.

    OMP_NUM_THREADS=1 python benchmarks/robustness.py --artefacts [--flips 500] [--films 100,1000] [--before CHECKOUT]

The table is printed and written to robustness.md beside this file, under its own heading.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).resolve().parent


def artefacts(flips: int, films: list[int], before: str) -> None:
    """Flipped bits, foreign files, changed inputs and a large corpus: see artefacts.py."""
    import artefacts as attacks

    text = attacks.section(flips, films, before)
    print(text)
    path = HERE / "robustness.md"
    old = path.read_text(encoding="utf-8") if path.is_file() else "# Robustness\n\n"
    path.write_text(old.partition("## Artefacts")[0] + text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--artefacts", action="store_true", help="the part about files on disk")
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--films", default="100,1000", help="of the large corpora; empty leaves them out")
    parser.add_argument("--before", default="", help="a checkout of another version, measured beside this one")
    given = parser.parse_args()
    artefacts(given.flips, [int(n) for n in given.films.split(",") if n], given.before)
