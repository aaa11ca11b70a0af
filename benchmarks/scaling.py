"""What a study costs: core-seconds, memory and disk of every film stage, and what follows for larger corpora.

    OMP_NUM_THREADS=1 python benchmarks/scaling.py [--seconds 900] [--corpus FOLDER] [--sweep-hours 1.9]

One long film of `filmlens demo` (or the first film of FOLDER) goes through every stage that measures films, each in a
process of its own that was warmed up on a short film (compilers, imports). CPU time counts, not wall time, so that
other processes hardly disturb it. Memory is the greatest resident size of that process. Pictures cost by their size:
a minute of 1920 x 1080 at 24 frames is measured beside the demo's small ones, and stands in the sums. The hours of the
models are those of genre.md (`python benchmarks/genre.py --sweep`). The tables are printed and written to scaling.md
and docs/scaling.md.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from filmlens.corpus import Corpus
from filmlens.demo import build
from filmlens.media.container import duration
from filmlens.media.write import write_film
from filmlens.stages import STAGES, chain, complete

HERE = Path(__file__).resolve().parent
FILM_HOURS = 2.0
CORES = (2, 8, 64)
MARKS = ("<!-- made by benchmarks/scaling.py -->", "<!-- end of scaling.py -->")

#: Run in a process of its own: bring a stage's inputs up to date, warm up, measure it.
CHILD = """
import json, sys, time
from filmlens import stages
from filmlens.corpus import Corpus
warm, folder, stage, film, choices = sys.argv[1:]
stages.run(Corpus.open(warm), stage, say=lambda line: None)
corpus, begun = Corpus.open(folder), time.process_time()
outcome = stages.run(corpus, stage, films=[film], say=lambda line: None, **json.loads(choices))[-1]
used = time.process_time() - begun
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) / 1024  # of this program alone; ru_maxrss begins with the parent's
print(json.dumps({"seconds": used, "peak": peak, "computed": outcome.computed, "failed": outcome.failed}))
"""


def measured(warm: Path, folder: Path, stage: str, film: str, **choices) -> dict:
    """CPU seconds and peak memory (MB) of one stage on one film whose inputs are there."""
    words = [sys.executable, "-c", CHILD, str(warm), str(folder), stage, film, json.dumps(choices)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def disk(corpus: Corpus, stage: str, film: str) -> float:
    """Bytes of a stage's tables for one film."""
    folders = (stage, *STAGES[stage].beside)
    return sum(p.stat().st_size for f in folders if (p := corpus.derived / f / f"{film}.parquet").is_file())


def full_size(folder: Path, seconds: float) -> Path:
    """A corpus of one film of 1920 x 1080 with an annotated cue from begin to end."""
    rng, base = np.random.default_rng(0), np.zeros((1080, 1920), np.uint8)
    base[:] = np.linspace(30, 220, 1920).astype(np.uint8)
    grain = rng.integers(0, 30, (8, 1080, 1920), dtype=np.uint8)
    for name in ("films", "annotations", "soundtracks/full"):
        (folder / name).mkdir(parents=True)
    frames = (np.roll(base, 6 * i, axis=1) + grain[i % 8] for i in range(int(24 * seconds)))
    sound = 0.1 * rng.standard_normal(int(44_100 * seconds)).astype(np.float32)
    write_film(folder / "films" / "full.mkv", frames, sound, fps=24, rate=44_100)
    (folder / "annotations" / "full.csv").write_text(f"start,end,track\n0,{seconds:g},none\n")
    (folder / "films.csv").write_text("film_id,title,year,genres,film,soundtrack\nfull,Full,,,films/full.mkv,\n")
    return folder


def film_stages() -> list[str]:
    """Stages that measure a film with the default parameters, in running order; what people bring costs nothing."""
    given = ("annotated", "verified", "own")
    wanted = [n for n, row in STAGES.items() if row.unit == "film" and n.partition("-")[0] not in given]
    return sorted(wanted, key=lambda n: len(chain(n, complete(n, {}))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=900, help="length of the demo film")
    parser.add_argument("--corpus", type=Path, help="measure the first film of this corpus")
    parser.add_argument("--sweep-hours", type=float, default=1.9, help="CPU hours of the sweep in genre.md")
    parser.add_argument("--cover", type=float, default=0.5, help="share of a film under cues, for the sums")
    arguments = parser.parse_args()
    rows, notes = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        warm = build(root / "warm", films=1, seconds=20, progress=lambda line: None)
        corpus, short = (
            Corpus.open(own_copy(arguments.corpus, root) or long_film(root, arguments.seconds)),
            Corpus.open(warm),
        )
        film = corpus[corpus.ids[0]]
        hours, music = (duration(film.film) / 3600, sum(map(duration, film.tracks().values())) / 3600)
        for stage in film_stages():
            done = measured(warm, corpus.folder, stage, film.id)
            if done["computed"]:
                small, large = disk(short, stage, short.ids[0]), disk(corpus, stage, film.id)
                grows = (large - small) / (hours - 20 / 3600)
                rows.append((stage, done["seconds"], done["peak"], small - grows * 20 / 3600, grows))
            elif done["failed"]:
                notes.append(f"{stage}: not measured. {'; '.join(done['failed'].values())}")
        sheet = pd.read_parquet(corpus.derived / "cues" / f"{film.id}.parquet")
        cover = float((sheet["end"] - sheet["start"]).sum() / 3600 / hours)
        full = measured(warm, full_size(root / "full", 60), "visual", "full", cues="annotated")
        full["megabits"] = (root / "full" / "films" / "full.mkv").stat().st_size * 8 / 60 / 1e6
    rows = pd.DataFrame(rows, columns=["stage", "seconds", "peak", "bytes", "grows"])
    write(rows, full, hours, music, cover, notes, arguments)


def long_film(root: Path, seconds: float) -> Path:
    """A demo corpus of one film, whose soundtrack holds the music of twelve other films as well."""
    corpus = Corpus.open(build(root / "long", films=1, seconds=seconds, progress=lambda line: None))
    others = Corpus.open(build(root / "others", films=12, seconds=90, seed=1, progress=lambda line: None))
    for film in others:
        shutil.copytree(film.soundtrack, corpus[corpus.ids[0]].soundtrack / film.id)
    return corpus.folder


def own_copy(corpus: Path | None, root: Path) -> Path | None:
    """A corpus linked into a folder of our own, so that nothing is computed in the user's."""
    if corpus is not None:
        for path in corpus.iterdir():
            if path.name != "derived":
                (root / "own").mkdir(exist_ok=True)
                (root / "own" / path.name).symlink_to(path.resolve())
    return corpus and root / "own"


def write(
    rows: pd.DataFrame, full: dict, hours: float, music: float, cover: float, notes: list[str], arguments
) -> None:
    """Print the tables and write them to scaling.md."""
    per_hour = {r.stage: r.seconds / hours for r in rows.itertuples()}
    under_cues = [s for s in per_hour if s != "cues"]  # cost by the seconds under cues, not of the film
    wanted = {s: v * (arguments.cover / cover if s in under_cues else 1) for s, v in per_hour.items()}
    wanted["visual"] = full["seconds"] / (60 / 3600) * arguments.cover
    film_core = sum(wanted.values())
    linear = rows["grows"] / 1e6 * np.where(rows["stage"] == "cues", 1, arguments.cover / cover)
    megabytes = rows["bytes"].sum() / 1e6 + linear.sum() * FILM_HOURS
    machine = f"{platform.machine()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    lines = [
        "# What a study costs",
        "",
        f"`OMP_NUM_THREADS=1 python benchmarks/scaling.py --seconds {arguments.seconds:g} --cover {arguments.cover:g} "
        f"--sweep-hours {arguments.sweep_hours:g}`",
        "",
        f"{machine}; a film of {hours:.2f} h with {music:.2f} h of soundtrack, {cover:.0%} of it under cues. "
        "Core-seconds are CPU time of one thread.",
        "",
        "## One film",
        "",
        f"| stage | core-s per film-hour, measured | the same at {arguments.cover:.0%} music | peak memory (MB) "
        "| MB on disk per film | and per film-hour |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in rows.itertuples():
        cells = (f"{per_hour[r.stage]:.1f}", f"{wanted[r.stage]:.1f}", f"{r.peak:.0f}")
        lines.append(f"| {r.stage} | {' | '.join(cells)} | {r.bytes / 1e6:.2f} | {r.grows / 1e6:.2f} |")
    lines += [
        f"| all | {sum(per_hour.values()):.0f} | {film_core:.0f} | {rows['peak'].max():.0f} "
        f"| {rows['bytes'].sum() / 1e6:.2f} | {rows['grows'].sum() / 1e6:.2f} |",
        "",
        f"The second column takes visual at 1920 x 1080: {full['seconds']:.1f} core-s for a minute under cues "
        f"({60 / full['seconds']:.1f} x realtime, {full['peak']:.0f} MB, H.264 of "
        f"{full['megabits']:.0f} Mbit/s); the demo's own pictures are small.",
        *(f"- {note}" for note in notes),
        "",
        "## Studies of films of two hours",
        "",
        f"Measuring takes {film_core * FILM_HOURS / 60:.0f} core-minutes a film. The paper's sweep of models takes "
        f"{arguments.sweep_hours:g} core-hours on 110 films (genre.md); it grows with the square of the films if each "
        "is held out alone, and in proportion to them under ten folds, which the rows of 10,000 films assume.",
        "",
        "| films | cores | measuring (h) | models (h) | tables on disk (GB) |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for cores in CORES:
        lines.append(study(110, cores, film_core, megabytes, arguments.sweep_hours))
    for cores in (64, 1024):
        sweep = arguments.sweep_hours * (10 * 10_000) / (110 * 110)
        lines.append(study(10_000, cores, film_core, megabytes, sweep))
    text = "\n".join(lines) + "\n"
    print(text)
    (HERE / "scaling.md").write_text(text, encoding="utf-8")
    page = HERE.parent / "docs" / "scaling.md"
    before, rest = page.read_text(encoding="utf-8").split(MARKS[0])
    tables = text.split("\n", 2)[2].replace("\n## ", "\n### ")
    page.write_text(f"{before}{MARKS[0]}\n{tables}{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


def study(films: int, cores: int, film_core: float, megabytes: float, sweep: float) -> str:
    """One row: films spread evenly over cores, the models' configurations (24) likewise."""
    measuring = film_core * FILM_HOURS * films / 3600 / min(cores, films)
    models = sweep / min(cores, 24)
    gigabytes = megabytes * films / 1e3
    return f"| {films:,} | {cores:,} | {measuring:.1f} | {models:.1f} | {gigabytes:.1f} |"


if __name__ == "__main__":
    main()
