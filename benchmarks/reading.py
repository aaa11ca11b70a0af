"""Seconds of reading media beside another version of this package, in one run.

    OMP_NUM_THREADS=1 python benchmarks/reading.py --before CHECKOUT [--repeat 40] FILE ...

Of each file the pictures sampled once a second are read, or the whole sound where it has none. Two processes, one of
each version, take turns, so that whatever else the machine does meets both; CPU seconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

READER = """
import sys, time
from filmlens.media import container, pictures, sound
for line in sys.stdin:
    path = line.rstrip("\\n")
    began = time.process_time()
    if container.probe(path).has_pictures:
        for _ in pictures.sample_luma(path): pass
    else:
        sound.read_audio(path)
    print(time.process_time() - began, flush=True)
"""


class Reader:
    """A process that reads files by one version of the package."""

    def __init__(self, checkout: Path):
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        words = [sys.executable, "-c", READER]
        self._process = subprocess.Popen(words, stdin=-1, stdout=-1, text=True, env=environment, cwd="/")

    def seconds(self, path: Path) -> float:
        self._process.stdin.write(f"{path.resolve()}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--before", required=True, type=Path, help="A checkout of another version.")
    parser.add_argument("--repeat", type=int, default=40)
    given = parser.parse_args()
    now, before = Reader(Path(__file__).resolve().parents[1]), Reader(given.before.resolve())
    print("| file | before, median (s) | now, median (s) | now / before, median of pairs | quartiles |")
    print("|---|---|---|---|---|")
    for path in given.files:
        pairs = []
        for turn in range(given.repeat):
            first, second = (now, before) if turn % 2 else (before, now)
            spent = {first: first.seconds(path), second: second.seconds(path)}
            pairs.append((spent[before], spent[now]))
        old, new = map(statistics.median, zip(*pairs, strict=True))
        low, middle, high = statistics.quantiles((n / b for b, n in pairs), n=4)
        print(f"| {path.name} | {old:.3f} | {new:.3f} | {middle:.3f} | {low:.3f}-{high:.3f} |", flush=True)


if __name__ == "__main__":
    main()
