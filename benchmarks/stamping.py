"""Score Stamper: precision, recall, edges, speed and memory of every engine on films whose cues are known.

    OMP_NUM_THREADS=1 python benchmarks/stamping.py FOLDER [--seeds 11,12,13,14] [--library 15,100,1000] [--hours 2,3]

FOLDER holds ``tracks/`` and ``films/<seed>/<damage>.wav`` with ``truth_<damage>.json`` (a soundtrack and its cues with
their loudness), as a generator of such films writes them, or is a corpus with annotations. Speed is seconds of sound
per CPU second of one thread, decoding included; memory the most that a process held, each engine in one of its own.
Tracks are parted by the parity of the MD5 of their name: even ones were looked at when the engine was tuned, odd ones
and the seeds 11 and above were not. A `dejavu` package joins when it can be imported. The tables are printed and
written to stamping.md beside this file.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import filmlike
import literal_dejavu
import numpy as np
import pandas as pd
import soundfile

from filmlens.corpus import Corpus
from filmlens.media.sound import read_audio
from filmlens.stamper import dejavu, evaluation, index_tracks, join_indexes, stamp
from filmlens.stamper.index import TrackIndex, assemble
from filmlens.stamper.landmarks import FRAMES_S, HIGHEST, LOWEST
from filmlens.stamper.semitones import POOLED

HERE = Path(__file__).resolve().parent
DAMAGES = "clean pal atempo drift wow room mp3_64 aac_64 ac3_64 mono 48k".split()
WORDS = {
    "clean": "none", "pal": "PAL, pitch raised", "atempo": "PAL, pitch kept", "drift": "drift of 0.1 %",
    "wow": "wow", "room": "room reverb", "mp3_64": "MP3, 64 kb/s", "aac_64": "AAC, 64 kb/s", "ac3_64": "AC-3, 64 kb/s",
    "mono": "mono", "48k": "film at 48 kHz",
}  # fmt: skip
RULES = {"Dejavu, nearby windows": "nearby", "Dejavu, 14 votes": "votes"}


def films(folder: Path, seeds: list[str], damages: list[str]) -> Iterator[tuple[str, str, Path, dict, pd.DataFrame]]:
    """Film, damage, sound file, tracks by name, true cues."""
    if (folder / "films.csv").is_file():
        for film in Corpus.open(folder):
            truth = film.annotations()
            if truth is not None and len(truth):
                yield film.id, "clean", film.film, film.tracks(), truth
        return
    for seed in seeds:
        for damage in damages:
            written = folder / "films" / seed / f"truth_{damage}.json"
            if written.is_file():
                truth = json.loads(written.read_text())
                tracks = {name: folder / "tracks" / f"{name}.wav" for name in truth["soundtrack"]}
                yield seed, damage, written.with_name(f"{damage}.wav"), tracks, pd.DataFrame(truth["cues"])


def measure(engine: str, folder: Path, seeds: list[str], damages: list[str]) -> list[dict]:
    """One engine on all films: what was found, against the truth; CPU seconds of query and index; memory."""
    rows, index, known = [], None, None
    for film, damage, sound, tracks, truth in films(folder, seeds, damages):
        indexing = 0.0
        if tracks != known:
            first = dict([next(iter(tracks.items()))])
            stamp((read_audio(sound, 44_100, end=20, mono=False), 44_100), first, engine=engine)  # compiled, cached
            begun = time.process_time()
            index, known = index_tracks(tracks, engine=engine), tracks
            indexing = time.process_time() - begun
        begun = time.process_time()
        sheet = stamp(sound, index)
        seconds = time.process_time() - begun
        row = {"film": film, "damage": damage, "length": sheet.duration, "query": seconds, "speed": sheet.speed}
        row |= {"index": indexing, "music": float(index.seconds.sum()) if indexing else 0.0}
        row["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if engine == "filmlens":
            rows.append({"engine": "FilmLens"} | row | compared(truth, sheet.table))
        else:
            found = {name: literal_dejavu.cues(sheet.windows, rule) for name, rule in RULES.items()}
            rows += [{"engine": name} | row | compared(truth, cues) for name, cues in found.items()]
        print(f"{engine} {film} {damage}", file=sys.stderr)
    return rows


def compared(truth: pd.DataFrame, found: pd.DataFrame) -> dict:
    """Seconds right, predicted and true, of all tracks and of the even and odd ones; by loudness; edges."""
    row: dict = {}
    for part, which in {"": lambda t: True, "even ": lambda t: not _odd(t), "odd ": _odd}.items():
        a, b = (t[t["track"].map(which).astype(bool)] for t in (truth, found))
        values = evaluation.evaluate(a, b)
        row |= {f"{part}{k}": values[k] for k in ("seconds_right", "seconds_predicted", "seconds_true")}
    if "snr_db" in truth:
        levels = evaluation.recall_by(truth, found, "snr_db")
        row["levels"] = {f"{int(r.snr_db):+d}": [r.found, r.seconds] for r in levels.itertuples()}
    edges = evaluation.edge_errors(truth, found)
    return row | {"starts": edges["start_error"].abs().tolist(), "ends": edges["end_error"].abs().tolist()}


def _odd(track: str) -> bool:
    return bool(int(hashlib.md5(track.encode()).hexdigest(), 16) % 2)


def literal(folder: Path, seeds: list[str], fingerprint: Callable, seconds: float = 120.0) -> tuple[float, float]:
    """Speed of a step-by-step Dejavu and of the package's on the same two minutes against the same three tracks."""
    _, _, sound, tracks, _ = next(films(folder, seeds, ["clean"]))
    film = read_audio(sound, 44_100, end=seconds, mono=False)
    few = {n: read_audio(p, 44_100, end=60, mono=False) for n, p in list(tracks.items())[:3]}
    index = index_tracks({n: (s, 44_100) for n, s in few.items()}, engine="dejavu")
    stored = literal_dejavu.index(few, fingerprint)
    dejavu.match_windows((film[:, : 20 * 44_100], 44_100), index)
    begun = time.process_time()
    ours, _ = dejavu.match_windows((film, 44_100), index)
    middle = time.process_time()
    theirs = literal_dejavu.match_windows(film, stored, fingerprint)
    ended = time.process_time()
    same = (ours["aligned"].to_numpy() == theirs["aligned"].to_numpy()).mean()
    print(f"windows with the same count of aligned pairs: {same:.0%}", file=sys.stderr)
    return seconds / (ended - middle), seconds / (middle - begun)


def package() -> Callable | None:
    """Fingerprint of an installed dejavu package; None without one that can be imported."""
    try:
        from dejavu.logic.fingerprint import fingerprint
    except (ImportError, SyntaxError):
        return None
    return lambda samples: [(h[:20], int(t)) for h, t in fingerprint(samples.astype(np.int16), Fs=44_100)]


def package_row(folder: Path, seeds: list[str], fingerprint: Callable) -> list[dict]:
    """The installed package on the undamaged films, with the rule of nearby windows."""
    rows = []
    for film, damage, sound, tracks, truth in films(folder, seeds, ["clean"]):
        begun = time.process_time()
        stored = literal_dejavu.index({n: read_audio(p, 44_100, mono=False) for n, p in tracks.items()}, fingerprint)
        middle = time.process_time()
        samples = read_audio(sound, 44_100, mono=False)
        found = literal_dejavu.cues(literal_dejavu.match_windows(samples, stored, fingerprint), "nearby")
        row = {"engine": "dejavu package", "film": film, "damage": damage, "length": samples.shape[1] / 44_100}
        row |= {"query": time.process_time() - middle, "index": middle - begun, "music": np.nan, "speed": 1.0}
        rows.append(row | compared(truth, found) | {"memory": np.nan})
    return rows


def enlarged(tracks: dict, count: int) -> TrackIndex:
    """A library of `count` tracks: the soundtrack, then pieces of it moved in pitch and mostly played backwards."""
    index, rng = index_tracks(tracks), np.random.default_rng(0)
    parts = []
    for i in range(count - len(index)):
        track = int(rng.integers(len(index)))
        time_, peak = index.track(track)
        length = float(rng.uniform(0.5, 1) * index.seconds[track])
        begin = rng.uniform(0, index.seconds[track] - length)
        higher = int(rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5]))
        freq = peak[:, 0] * 2 ** (higher / 12)
        inside = (time_ >= begin * FRAMES_S) & (time_ < (begin + length) * FRAMES_S)
        inside &= (np.abs(freq) >= LOWEST) & (np.abs(freq) < HIGHEST)
        place, code = time_[inside] - begin * FRAMES_S, np.column_stack([freq, peak[:, 1]])[inside]
        levels = index.level(track)[int(begin * FRAMES_S / POOLED) :][: int(length * FRAMES_S / POOLED)]
        levels = np.roll(levels, higher, axis=1)
        if rng.random() < 0.7:
            place, code, levels = (length * FRAMES_S - place)[::-1], code[::-1], levels[::-1]
        fingerprint = place.astype(np.float32), code.astype(np.float32), length, levels
        parts.append(assemble("filmlens", [f"more {i}"], [fingerprint]))
    return join_indexes(index, *parts)


def library(folder: Path, seed: str, count: int) -> dict:
    """One film against a library of `count` tracks."""
    _, _, sound, tracks, truth = next(films(folder, [seed], ["clean"]))
    index = enlarged(tracks, count)
    stamp((read_audio(sound, 44_100, end=20, mono=False), 44_100), index)
    begun = time.process_time()
    sheet = stamp(sound, index)
    row = {"film": seed, "tracks": len(index), "hours": float(index.seconds.sum()) / 3600}
    row |= {"query": time.process_time() - begun} | compared(truth, sheet.table)
    return row | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def long_film(folder: Path, seeds: list[str], hours: float) -> dict:
    """A film of so many hours, the seeds' films one after another, in a file of its own."""
    sounds = [(sound, tracks) for _, _, sound, tracks, _ in films(folder, seeds, ["clean"])]
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "long.wav"
        with soundfile.SoundFile(path, "w", 44_100, 2, "PCM_16") as out:
            i = 0
            while out.frames < hours * 3600 * 44_100:
                with soundfile.SoundFile(sounds[i % len(sounds)][0]) as part:
                    for block in part.blocks(1 << 20, dtype="int16"):
                        out.write(block)
                i += 1
        index = index_tracks(sounds[0][1])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        begun = time.process_time()
        sheet = stamp(path, index)
        spent = time.process_time() - begun
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"hours": sheet.duration / 3600, "before": before, "memory": after, "speed": sheet.duration / spent}


def pooled(rows: list[dict], part: str = "") -> tuple[float, float]:
    """Precision and recall over films, by their seconds."""
    right, predicted, true = (sum(r[f"{part}seconds_{k}"] for r in rows) for k in ("right", "predicted", "true"))
    return right / predicted if predicted else np.nan, right / true if true else np.nan


def by_level(rows: list[dict]) -> str:
    levels: dict[str, np.ndarray] = {}
    for row in rows:
        for level, seconds in row.get("levels", {}).items():
            levels[level] = levels.get(level, np.zeros(2)) + seconds
    names = sorted(levels, key=int, reverse=True)
    return " ".join(f"{levels[n][0] / levels[n][1]:.2f}" for n in names) or "-"


def table(header: str, rows: list[list]) -> str:
    lines = [f"| {header} |", "|" + " --- |" * len(header.split("|"))]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)]).replace("nan", "-")


def line(label: str, rows: list[dict]) -> list[str]:
    precision, recall = pooled(rows)
    edges = [float(np.median([e for r in rows for e in r[k]] or [np.nan])) for k in ("starts", "ends")]
    return [label, f"{precision:.3f}", f"{recall:.3f}", by_level(rows), f"{edges[0]:.2f} / {edges[1]:.2f}"]


def speed(rows: list[dict]) -> list[str]:
    query = sum(r["length"] for r in rows) / sum(r["query"] for r in rows)
    spent = sum(r["index"] for r in rows if r["music"] == r["music"])
    index = sum(r["music"] for r in rows if r["music"] == r["music"]) / spent if spent else np.nan
    memory = max(r["memory"] for r in rows)
    return [f"{query:.0f} x", f"{index:.0f} x", f"{memory:.0f} MB"]


def report(command: str, results: dict) -> str:
    """All tables as Markdown."""
    rows = pd.DataFrame(results["films"]).to_dict("records")
    pick = lambda engine, damage: [r for r in rows if (r["engine"], r["damage"]) == (engine, damage)]  # noqa: E731
    engines = list(dict.fromkeys(r["engine"] for r in rows))
    damages = list(dict.fromkeys(r["damage"] for r in rows))
    clean = pick(engines[0], "clean")
    true, names = sum(r["seconds_true"] for r in clean), sorted({str(r["film"]) for r in clean})
    head = "P | R | R by level (dB, loud to soft) | median edge error, start / end [s]"
    text = ["# Score Stamper", f"`{command}`"]
    text.append(
        f"{len(names)} films ({', '.join(names)}), {true:.0f} s of cues; precision and recall by seconds, pooled over "
        "films. The films hold the very recordings of their soundtracks; real ones use other takes and music that is "
        "on no album."
    )
    text += ["## Undamaged", table(f"engine | {head} | query, x realtime | indexing, x realtime | memory", [
        line(e, pick(e, "clean")) + speed(pick(e, "clean")) for e in engines if pick(e, "clean")
    ])]  # fmt: skip
    for engine in engines:
        if len({r["damage"] for r in rows if r["engine"] == engine}) > 1:
            lines = [line(WORDS.get(d, d), pick(engine, d)) for d in damages if pick(engine, d)]
            text += [f"## Damaged: {engine}", table(f"damage | {head}", lines)]
    parts = []
    for part in ("even ", "odd "):
        for damage in damages if any("levels" in r for r in clean) else ():
            got = pick(engines[0], damage)
            parts.append([part.strip(), WORDS.get(damage, damage), *(f"{v:.3f}" for v in pooled(got, part))])
    if parts:
        title = f"## Tracks that were looked at (even) and not (odd): {engines[0]}"
        text += [title, table("tracks | damage | P | R", parts)]
    if results.get("literal"):
        theirs, ours = results["literal"]
        text += [
            "## Dejavu's algorithm, step by step",
            f"Query of two minutes against three tracks in one run: step by step {theirs:.0f} x realtime, "
            f'`engine="dejavu"` {ours:.0f} x: {ours / theirs:.1f} times as fast.',
        ]
    if results.get("library"):
        base = results["library"][0]["query"]
        lines = []
        for count in dict.fromkeys(r["tracks"] for r in results["library"]):
            got = [r for r in results["library"] if r["tracks"] == count]
            first = [r for r in results["library"] if r["tracks"] == results["library"][0]["tracks"]]
            base = sum(r["query"] for r in first)
            times = sum(r["query"] for r in got) / base
            precision, recall = pooled(got)
            lines.append([count, f"{got[0]['hours']:.1f}", f"{precision:.3f}", f"{recall:.3f}", f"{times:.1f}",
                          f"{max(r['memory'] for r in got):.0f} MB"])  # fmt: skip
        text += [
            "## A library beside the soundtrack",
            table("tracks | hours | P | R | CPU time, in that of the first row | memory", lines),
        ]
    if results.get("long"):
        lines = [
            [f"{r['hours']:.2f}", f"{r['memory']:.0f} MB", f"{r['before']:.0f} MB", f"{r['speed']:.0f} x"]
            for r in results["long"]
        ]
        text += ["## Long films", table("hours | memory | of which before the film | query, x realtime", lines)]
    return "\n\n".join(text) + "\n"


def alone(keep: Path | None, *arguments: str) -> object:
    """Run a part of this file in a process of its own, for its memory, and read its JSON; or the one that is kept."""
    kept = keep / f"{arguments[-1].replace('=', ' ').replace(':', ' ')}.json" if keep else None
    if kept and kept.is_file():
        return json.loads(kept.read_text())
    done = subprocess.run([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(done.stdout.splitlines()[-1])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="11,12,13,14")
    parser.add_argument("--damages", default=",".join(DAMAGES), help="of FilmLens's engine")
    parser.add_argument("--dejavu-damages", default="clean,pal,48k")
    parser.add_argument("--library", default="", help="counts of tracks, such as 15,100,1000")
    parser.add_argument("--library-seeds", default="11,12")
    parser.add_argument("--hours", default="", help="lengths of long films, such as 2,3")
    parser.add_argument("--out", type=Path, default=HERE / "stamping.md")
    parser.add_argument("--keep", type=Path, help="folder of finished parts: a run that was stopped goes on")
    parser.add_argument("--part", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    seeds = args.seeds.split(",")
    if args.part:
        kind, _, value = args.part.partition("=")
        if kind == "engine":
            damages = args.damages if value == "filmlens" else args.dejavu_damages
            result: object = measure(value, args.folder, seeds, damages.split(","))
        elif kind == "library":
            seed, _, count = value.partition(":")
            result = library(args.folder, seed, int(count))
        else:
            result = long_film(args.folder, seeds, float(value))
        print(json.dumps(result))
        return
    common = [str(args.folder), "--seeds", args.seeds, "--damages", args.damages]
    common += ["--dejavu-damages", args.dejavu_damages]
    results: dict = {"films": []}
    for name in ("filmlens", "dejavu"):
        results["films"] += alone(args.keep, *common, "--part", f"engine={name}")
    installed = package()
    if installed:
        results["films"] += package_row(args.folder, seeds, installed)
    counts = [c for c in args.library.split(",") if c]
    results["library"] = [
        alone(args.keep, *common, "--part", f"library={seed}:{c}")
        for c in counts
        for seed in args.library_seeds.split(",")
    ]
    results["long"] = [alone(args.keep, *common, "--part", f"long={h}") for h in args.hours.split(",") if h]
    # last: a process starts with the peak memory of the one that started it
    results["literal"] = literal(args.folder, seeds, literal_dejavu.fingerprint)
    folder = args.folder.name or "FOLDER"
    words, given = [], iter(sys.argv[1:])
    for word in given:
        if word in ("--keep", "--out"):
            next(given)
        else:
            words.append(folder if word == str(args.folder) else word)
    text = report(f"OMP_NUM_THREADS=1 python benchmarks/stamping.py {' '.join(words)}", results)
    other = args.out.read_text(encoding="utf-8").partition(filmlike.HEADING)[1:] if args.out.is_file() else ()
    args.out.write_text("\n\n".join(part for part in (text.rstrip(), "".join(other).rstrip()) if part) + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
