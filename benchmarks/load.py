"""What looking at a corpus of many films costs: check, status, dry run, table of cues, share, and a long timeline.

    OMP_NUM_THREADS=1 python benchmarks/load.py FOLDER [--films 100 1000] [--before CHECKOUT]

Corpora of 400 cues and 500 tracks a film (`large_corpus.py`) are made in FOLDER, unless they are there. Each look is a
process of its own and is taken twice: where nothing was ever looked at, and again, when nothing changed. Beside its
seconds stand those of the processors, its own and of the processes that it starts.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from artefacts import markdown, rewrite

HERE = Path(__file__).resolve().parent
HEADING = "## Load: a thousand films"
TIMED = """
import sys, time, warnings, psutil
warnings.simplefilter("ignore")
{setting}
def spent():
    me = psutil.Process()
    times = [p.cpu_times() for p in (me, *me.children(recursive=True))]
    mine = me.cpu_times()
    return sum(t.user + t.system for t in times) + mine.children_user + mine.children_system
wall, processor = time.perf_counter(), spent()
{code}
print("SECONDS", time.perf_counter() - wall, spent() - processor)
"""
OPENED = "from filmlens.corpus import Corpus\n"
LOOKS = {
    "check": ("from filmlens.corpus.check import check", "check(sys.argv[1])"),
    "status": (OPENED + "from filmlens.run.status import status", "status(Corpus.open(sys.argv[1]))"),
    "dry run": ("from filmlens.run.notebooks import dry_run", "dry_run(sys.argv[1])"),
    "table of cues": (OPENED + "from filmlens.study.cues import cues_table", "cues_table(Corpus.open(sys.argv[1]))"),
    "share": (
        OPENED + "from filmlens.study.share import share",
        "share(Corpus.open(sys.argv[1]), sys.argv[1] + '.zip')",
    ),
}
TIMELINE = (
    OPENED
    + """import numpy as np, pandas as pd
from filmlens.audition.timeline import otio
film = next(iter(Corpus.open(sys.argv[1])))
start = np.sort(np.random.default_rng(0).uniform(0, 700_000, 100_000))
cues = pd.DataFrame({"cue": range(len(start)), "track": [f"{n % 500:03d}" for n in range(len(start))], "start": start})
cues = cues.assign(end=start + 6, track_start=0.0, speed=1.0, score=1.0)""",
    "otio(film, cues, 800_000.0)",
)


def look(timed: tuple[str, str], folder: Path, checkout: Path, cache: Path) -> str:
    """Seconds, and those of the processors, of one look in a process of its own."""
    setting, code = timed
    environment = os.environ | {"PYTHONPATH": str(checkout), "FILMLENS_CACHE": str(cache)}
    words = [sys.executable, "-c", TIMED.format(setting=setting, code=code), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment, cwd=folder.parent)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    wall, processor = done.stdout.split("SECONDS")[1].split()
    return f"{float(wall):.1f} ({float(processor):.1f})"


def looks(folder: Path, checkout: Path, cache: Path) -> dict[str, list[str]]:
    """Every look at a corpus: the first, and again."""
    found: dict[str, list[str]] = {}
    shutil.rmtree(cache, ignore_errors=True)
    shutil.rmtree(folder / "derived" / "gathered", ignore_errors=True)
    for name, timed in LOOKS.items():
        found[name] = [look(timed, folder, checkout, cache) for _ in range(2)]
        print(folder.name, name, *found[name], flush=True)
    (folder.parent / f"{folder.name}.zip").unlink(missing_ok=True)
    return found


def table(place: Path, films: list[int], before: str) -> pd.DataFrame:
    """Seconds of every look at corpora of so many films; of another version at the smallest."""
    versions = [("now", HERE.parent, count) for count in films]
    versions += [("before", Path(before), films[0])] if before else []
    columns = {}
    for name, checkout, count in versions:
        folder = place / f"films{count}"
        if not folder.is_dir():
            made = [sys.executable, str(HERE / "large_corpus.py"), str(folder), str(count)]
            subprocess.run(made, env=os.environ | {"PYTHONPATH": str(HERE.parent)}, check=True)
        found = looks(folder, checkout, place / "cache")
        found["OTIO of 100,000 cues"] = [look(TIMELINE, folder, checkout, place / "cache"), ""]
        for number, when in enumerate(("first", "again")):
            columns[f"{name}, {count} films, {when}"] = {look_: cells[number] for look_, cells in found.items()}
    return pd.DataFrame(columns).rename_axis("look").reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the corpora, which are kept, and a cache")
    parser.add_argument("--films", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--before", default="", help="a checkout of another version, measured beside this one")
    given = parser.parse_args()
    found = table(given.folder.resolve(), given.films, given.before)
    cores, busy = os.cpu_count(), os.getloadavg()[2]
    rewrite(
        HEADING,
        f"""{HEADING}

`python benchmarks/load.py FOLDER --films {" ".join(map(str, given.films))}`, {cores} cores, on which {busy:.0f}
programs wanted to run at the same time (load average of 15 minutes).

400 cues and 500 tracks a film; the tracks of a soundtrack are names of one file. Seconds, and in brackets the seconds
of the processors, which other programs do not lengthen as much:

{markdown(found)}
""",
    )


if __name__ == "__main__":
    main()
