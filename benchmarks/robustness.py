"""Damaged media through every command, and spans of every container beside the whole file.

    OMP_NUM_THREADS=1 python benchmarks/robustness.py [--films 500] [--seconds 12] [--seed 0] [--jobs 2]

Containers: films and tracks of every kind are read as a whole and in spans from many places; each span is compared
with the whole, sample for sample and picture for picture. Damage: films are made whose pictures carry their number and
whose sound no two places share, and each is damaged in one of ten ways. `check`, `stamp` and `features` run over all of
them as commands. Then each is read beside the film that it was: where sound or pictures lie elsewhere by more than
0.05 s, somebody has to have said that something is wrong. The tables are printed and written to robustness.md beside
this file.
"""

import argparse
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "media"))
from films import FPS, KINDS, chirp, film, number

from filmlens.media.apart import Died, apart, apart_stream
from filmlens.media.monitor import watched
from filmlens.media.opening import MediaError
from filmlens.media.pictures import sample_luma
from filmlens.media.sound import native_rate, read_audio
from filmlens.media.write import AUDIO_CODECS, write_audio

RATE = 8_000  # at which shifts are looked for
SHIFT_S = 0.05
LIMIT_S = 120.0
_WINDOW_S, _REACH_S = 1.0, 4.0
_SURE = 0.7  # correlation from which a window is found again
_STEP = 2 / 32768

#: Containers of films for the damage; KINDS has more codecs.
FILMS = ("mp4", "mkv", "mov", "webm", "avi", "ts", "mpg", "vob", "flv", "ogg")
SOUNDS = ("wav", "flac", "mp3", "m4a", "opus", "ac3")


def truncated(data: bytearray, rng: random.Random) -> None:
    """The end is missing."""
    del data[rng.randrange(len(data) // 10, len(data)) :]


def few_bits(data: bytearray, rng: random.Random) -> None:
    """One to twenty bits are wrong."""
    for _ in range(rng.randrange(1, 20)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def many_bits(data: bytearray, rng: random.Random) -> None:
    """500 bits are wrong."""
    for _ in range(500):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def head_bits(data: bytearray, rng: random.Random) -> None:
    """Some bits of the first 2 kB or the last 20 kB, where headers and indexes lie, are wrong."""
    for _ in range(rng.randrange(1, 8)):
        place = rng.randrange(min(2000, len(data)))
        data[place if rng.random() < 0.5 else -1 - place * 10 % len(data)] ^= 1 << rng.randrange(8)


def burst(data: bytearray, rng: random.Random) -> None:
    """A stretch is noise."""
    start, length = rng.randrange(len(data) * 9 // 10), rng.randrange(100, len(data) // 5)
    data[start : start + length] = rng.randbytes(min(length, len(data) - start))


def zeros(data: bytearray, rng: random.Random) -> None:
    """A stretch is zero: a sector that could not be read, a download with a hole."""
    start, length = rng.randrange(len(data) * 9 // 10), rng.randrange(512, len(data) // 5)
    data[start : start + length] = bytes(min(length, len(data) - start))


def cut_out(data: bytearray, rng: random.Random) -> None:
    """A stretch is missing, and what follows has moved up."""
    start = rng.randrange(len(data) * 9 // 10)
    del data[start : start + rng.randrange(100, len(data) // 5)]


def put_in(data: bytearray, rng: random.Random) -> None:
    """A stretch stands there twice."""
    start, length = rng.randrange(len(data) * 8 // 10), rng.randrange(100, len(data) // 5)
    data[start:start] = data[start : start + length]


def without_head(data: bytearray, rng: random.Random) -> None:
    """The first bytes are missing."""
    del data[: rng.randrange(1, 20_000)]


def joined(data: bytearray, rng: random.Random) -> None:
    """The file stands there twice."""
    data += bytes(data)


DAMAGES = (truncated, few_bits, many_bits, head_bits, burst, zeros, cut_out, put_in, without_head, joined)


def spans_beside_the_whole(folder: Path, seconds: float) -> list[str]:
    """Rows of the first table: every container, spans that differ from the whole."""
    rows, rng = [], random.Random(0)
    for ending, codec, audio_codec, rate in KINDS:
        path = folder / f"{codec or 'own'}-{audio_codec or 'own'}.{ending}"
        film(path, seconds, rate=rate, codec=codec, audio_codec=audio_codec)
        rows.append(_compared(path, f".{ending} {codec or ''} {audio_codec or ''}".rstrip(), seconds, rng, True))
    for ending in AUDIO_CODECS:
        path = folder / f"track{ending}"
        write_audio(path, chirp(seconds, 48_000), 48_000)
        rows.append(_compared(path, ending, seconds, rng, False))
    return rows


def _compared(path: Path, name: str, seconds: float, rng: random.Random, pictures: bool) -> str:
    rate, whole = native_rate(path), read_audio(path)
    starts = [rng.uniform(0, seconds - 1.1) for _ in range(20)]
    differ = 0
    for start in starts:
        part, first = read_audio(path, start=start, end=start + 1), round(start * rate)
        expected = whole[first : first + len(part)]
        differ += len(part) < rate - 1 or len(expected) != len(part) or np.abs(part - expected).max() > _STEP
    missed = of = 0
    if pictures:
        seen = {t: number(p) for t, p in sample_luma(path, rate=5)}
        for start in starts:
            got = {t: number(p) for t, p in sample_luma(path, rate=5, spans=[(start, start + 2)])}
            missed += got != {t: n for t, n in seen.items() if start <= t <= start + 2}
        of = len(starts)
    return f"| {name} | {differ} of {len(starts)} | {f'{missed} of {of}' if pictures else ''} |"


def corpus_of_damage(folder: Path, count: int, seconds: float, seed: int) -> dict[str, tuple[str, str]]:
    """A corpus of `count` damaged films; film id -> how it was damaged, and the name of the healthy film."""
    rng, made, rows = random.Random(seed), {}, []
    for name in ("films", "healthy", "soundtrack"):
        (folder / name).mkdir(parents=True)
    tune = chirp(seconds, 44_100, 5, 400.0)[: round(44_100 * (seconds - 2))]
    write_audio(folder / "soundtrack" / "Theme.flac", tune, 44_100)
    for ending in FILMS:
        film(folder / "healthy" / f"film.{ending}", seconds, rate=48_000)
    for ending in SOUNDS:
        write_audio(folder / "healthy" / f"sound.{ending}", chirp(seconds, 48_000), 48_000)
    healthy = sorted((folder / "healthy").iterdir())
    for at in range(count):
        source, damage = healthy[at % len(healthy)], DAMAGES[at // len(healthy) % len(DAMAGES)]
        data = bytearray(source.read_bytes())
        damage(data, rng)
        film_id = f"{at:03d}-{damage.__name__}"
        (folder / "films" / f"{film_id}{source.suffix}").write_bytes(data)
        made[film_id] = (damage.__name__, source.name)
        rows.append(f"{film_id},{film_id},2015,Horror,films/{film_id}{source.suffix},soundtrack")
    (folder / "films.csv").write_text("\n".join(["film_id,title,year,genres,film,soundtrack", *rows, ""]))
    return made


def commands(folder: Path, count: int, jobs: int) -> list[str]:
    """Rows of the second table: each command over all films."""
    rows = []
    steps = {
        "check": ["check", str(folder)],
        "stamp": ["stamp", str(folder), "--jobs", str(jobs)],
        "features": ["features", str(folder), "--which", "mir,visual", "--whole-film", "--jobs", str(jobs)],
    }
    for name, arguments in steps.items():
        begun = time.monotonic()
        command = [sys.executable, "-m", "filmlens.cli", *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=count * 60, errors="replace")
            text, code, hung = done.stdout + done.stderr, done.returncode, 0
        except subprocess.TimeoutExpired:
            text, code, hung = "", "none", 1
        crashed = int(code not in (0, 1) or "Traceback" in text)
        (folder / f"{name}.log").write_text(text)
        took = time.monotonic() - begun
        rows.append(f"| {name} | {code} | {crashed} | {hung} | {text.count('died (')} | {took:.0f} |")
        print(rows[-1], flush=True)
    return rows


def shifts(folder: Path, made: dict[str, tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Rows of the third table, and the films whose sound or pictures have moved without a word."""
    counts = {damage.__name__: Counter() for damage in DAMAGES}
    like, untold = {}, []
    checked = (folder / "check.log").read_text()
    for film_id, (damage, source) in made.items():
        path = next((folder / "films").glob(f"{film_id}.*"))
        if source not in like:
            like[source] = _read(folder / "healthy" / source)[0]
        read, told = _read(path)
        count = counts[damage]
        count["films"] += 1
        if read is None:
            count["refused"] += 1
            continue
        told = told or film_id + path.suffix in checked
        moved = max(_moved_sound(read[0], like[source][0]), _moved_pictures(read[1], like[source][1]))
        count["read"] += 1
        count["told"] += bool(told)
        count["moved"] += moved > SHIFT_S
        if moved > SHIFT_S and not told:
            count["untold"] += 1
            untold.append(f"{path.name}: {moved:.2f} s")
    names = ("films", "refused", "read", "told", "moved", "untold")
    rows = [f"| {n.replace('_', ' ')} | " + " | ".join(str(c[k]) for k in names) + " |" for n, c in counts.items()]
    total = sum(counts.values(), Counter())
    return [*rows, "| all | " + " | ".join(str(total[k]) for k in names) + " |"], untold


def _read(path: Path) -> tuple[tuple[np.ndarray, dict[float, int]] | None, list[str]]:
    """Sound and numbers of pictures of a film, and what was told of it; None where it is refused."""
    with watched() as told:
        try:
            sound = apart(read_audio, path, RATE, limit=LIMIT_S)
        except (Died, MediaError) as error:
            return None, [str(error)]
        try:
            pictures = {t: number(p) for t, p in apart_stream(sample_luma, path) if p.shape == (64, 80)}
        except MediaError:
            pictures = {}
    return (sound, pictures), list(told)


def _moved_sound(heard: np.ndarray, sent: np.ndarray) -> float:
    """The largest distance in s of a stretch of sound from its place; what is not found again counts as lost."""
    size, reach, most = round(_WINDOW_S * RATE), round(_REACH_S * RATE), 0.0
    for at in range(0, min(len(heard), len(sent)) - size, size // 2):
        window = heard[at : at + size]
        begin = max(0, at - reach)
        around = sent[begin : at + size + reach]
        if np.linalg.norm(window) < 0.05 * np.sqrt(size):
            continue
        n = 1 << (len(around) + size).bit_length()
        product = np.fft.irfft(np.fft.rfft(around, n) * np.conj(np.fft.rfft(window, n)), n)[: len(around) - size + 1]
        energy = np.concatenate([[0.0], np.cumsum(around.astype(float) ** 2)])
        norm = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1e-9)) * np.linalg.norm(window)
        likeness = product / norm
        best = int(np.argmax(likeness))
        if likeness[best] > _SURE and likeness[best] > likeness[at - begin] + 0.1 if at - begin < len(likeness) else 0:
            most = max(most, abs(begin + best - at) / RATE)
    return most


def _moved_pictures(seen: dict[float, int], sent: dict[float, int]) -> float:
    """The distance in s of pictures from their place, where three that follow each other agree on it."""
    off = [(t, (n - sent[t]) / FPS) for t, n in sorted(seen.items()) if t in sent]
    same = [abs(a) for (_, a), (_, b), (_, c) in zip(off, off[1:], off[2:], strict=False) if a == b == c]
    return max(same, default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder to keep the films and the commands' output in")
    chosen = parser.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        compared = spans_beside_the_whole(folder, 20)
        print("\n".join(compared), flush=True)
        made = corpus_of_damage(folder / "corpus", chosen.films, chosen.seconds, chosen.seed)
        ran = commands(folder / "corpus", chosen.films, chosen.jobs)
        moved, untold = shifts(folder / "corpus", made)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder)
    text = [
        "# Robustness\n",
        "## Media: every second of a file is accounted for\n",
        f"`python benchmarks/robustness.py --films {chosen.films} --seconds {chosen.seconds:g} --seed {chosen.seed}`, "
        f"{platform.machine()}, {os.cpu_count()} cores. Made by the program.\n",
        "### Spans beside the whole file\n",
        "20 spans of each container: how many differ from the whole (sound by more than two steps of 16 bit).\n",
        "| container, codecs | sound | pictures |\n|---|---|---|",
        *compared,
        f"\n### {chosen.films} damaged films through every command\n",
        "A film whose reader died is one film's failure, named by the command.\n",
        "| command | exit code | crashes | hangs | films whose reader died | s |\n|---|---|---|---|---|---|",
        *ran,
        "\n### Sound and pictures that lie elsewhere\n",
        f"Moved: by more than {SHIFT_S} s. Untold: and no command or reader said that anything is wrong.\n",
        "| damage | films | refused | read | told of | moved | untold |\n|---|---|---|---|---|---|---|",
        *moved,
        *([""] if untold else []),
        *(f"- {line}" for line in untold),
    ]
    report = "\n".join(text) + "\n"
    path = Path(__file__).with_suffix(".md")
    _, *artefacts = path.read_text(encoding="utf-8").partition("\n## Artefacts")  # that part is artefacts.py's
    path.write_text(report + "".join(artefacts), encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main()
