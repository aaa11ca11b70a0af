"""Damaged media: none crashes or hangs a run, each is named with a reason, the good films stay as they are."""

import random
import shutil
import struct
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from conftest import RATE, melody

from filmlens import stages
from filmlens.artefacts import PART, read_failures
from filmlens.corpus import Corpus
from filmlens.media.write import write_audio, write_film
from filmlens.study import Study

KINDS = ("truncated", "bits", "burst", "ending", "empty", "duration", "noise", "time")
ENDINGS = ("mp4", "mkv", "mov", "avi", "flac", "wav", "ogg", "mp3")
quiet = {"say": lambda line: None}


@pytest.fixture(scope="session")
def healthy(tmp_path_factory):
    """One film of 12 s with a cue in each container, and its soundtrack."""
    folder = tmp_path_factory.mktemp("healthy")
    tune = melody(77, 8)
    (folder / "soundtrack").mkdir()
    write_audio(folder / "soundtrack" / "Theme.flac", tune, RATE)
    sound = 0.01 * np.random.default_rng(1).standard_normal(12 * RATE).astype(np.float32)
    sound[2 * RATE : 10 * RATE] += tune
    for ending in ENDINGS:
        path = folder / f"film.{ending}"
        if ending in ("mp4", "mkv", "mov", "avi"):
            pictures = (np.full((36, 64), 40 + i % 90, np.uint8) for i in range(12 * 4))
            write_film(path, pictures, sound, fps=4, rate=RATE)
        else:
            write_audio(path, sound, RATE)
    return folder


def damage(data: bytes, kind: str, ending: str, rng: random.Random) -> tuple[bytes, str]:
    """Bytes of a damaged file, and its ending."""
    whole = bytearray(data)
    if kind == "truncated":
        del whole[rng.randrange(1, len(whole) * 9 // 10) :]
    elif kind == "bits":
        for _ in range(max(20, len(whole) // 2000)):
            whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
    elif kind == "burst":
        start = rng.randrange(len(whole) * 3 // 4)
        whole[start : start + len(whole) // 5] = rng.randbytes(len(whole) // 5)
    elif kind == "ending":
        ending = rng.choice([e for e in ENDINGS if e != ending])
        del whole[: rng.randrange(1, 4000)]
    elif kind == "empty":
        whole.clear()
    elif kind == "duration":
        for name in (b"mvhd", b"mdhd", b"tkhd", b"data", b"RIFF", b"avih", b"\x44\x89"):
            place = whole.find(name)
            if place >= 0:
                size = {b"mvhd": (20, 4), b"mdhd": (20, 4), b"tkhd": (24, 4), b"\x44\x89": (3, 8)}.get(name, (4, 4))
                whole[place + size[0] : place + sum(size)] = (b"\x7f" + b"\xff" * 7)[: size[1]]
    elif kind == "noise":
        whole[:] = rng.randbytes(rng.randrange(1, 20_000))
    elif kind == "time":
        place = max(whole.find(b"stts"), whole.find(b"\x1f\x43\xb6\x75"), 64)
        whole[place + 12 : place + 16] = struct.pack(">I", rng.randrange(2**31, 2**32))
    return bytes(whole), ending


def corpus_of(healthy: Path, folder: Path, count: int, seed: int) -> list[str]:
    """A corpus with `count` damaged films between two good ones; the damaged films' ids."""
    rng, rows, ids = random.Random(seed), [], []
    (folder / "films").mkdir(parents=True)
    shutil.copytree(healthy / "soundtrack", folder / "soundtrack")
    for number in range(count):
        kind, ending = KINDS[number % len(KINDS)], ENDINGS[(number // len(KINDS) + number) % len(ENDINGS)]
        data, shown = damage((healthy / f"film.{ending}").read_bytes(), kind, ending, rng)
        ids.append(f"{kind}-{number}")
        (folder / "films" / f"{ids[-1]}.{shown}").write_bytes(data)
        rows.append((ids[-1], f"films/{ids[-1]}.{shown}"))
    for name, ending in (("good-first", "mp4"), ("good-last", "mkv")):
        shutil.copy(healthy / f"film.{ending}", folder / "films" / f"{name}.{ending}")
        rows.insert(0 if name == "good-first" else len(rows), (name, f"films/{name}.{ending}"))
    lines = [f"{i},{i},2015,Horror,{path},soundtrack" for i, path in rows]
    (folder / "films.csv").write_text("\n".join(["film_id,title,year,genres,film,soundtrack", *lines, ""]))
    return ids


def sound_is_whole(path: Path, like: Path) -> bool:
    """Whether a decoder that knows nothing of ours meets no error and as much sound as in the healthy film.

    Such damage cannot be told from another film: a flipped bit of a picture, or of a sample.
    """
    counts = []
    for file in (path, like):
        try:
            with av.open(str(file)) as box:
                counts.append(sum(frame.samples for frame in box.decode(audio=0)))
        except (av.FFmpegError, IndexError, UnicodeDecodeError, ValueError):
            return False
    return counts[0] >= 0.98 * counts[1] - 2 * RATE


def check(healthy, folder, damaged, stage):
    corpus = Corpus.open(folder)
    alone = folder.parent / "alone"
    stages.run(Corpus.open(folder, derived=alone), stage, films=["good-first", "good-last"], **quiet)
    outcomes = stages.run(corpus, stage, jobs=2, limit=60, **quiet)
    stages.run(corpus, "visual", jobs=2, limit=60, **quiet)
    assert outcomes[0].computed + len(outcomes[0].failed) == len(damaged) + 2
    failures = read_failures(corpus.derived / "failures.csv").set_index("film_id")["error"]
    assert not {"good-first", "good-last"} & set(failures.index)
    silent = [film_id for film_id in damaged if film_id not in failures.index]
    like = healthy / "film.mp4"
    unnamed = [corpus[f].film.name for f in silent if not sound_is_whole(corpus[f].film, like)]
    assert not unnamed, "damaged, and not named"
    for film_id, error in failures.items():
        assert len(error) > 15 and "\n" not in error and "Traceback" not in error, f"{film_id}: {error}"
        assert error.startswith(PART) or corpus[film_id].film.name in error or "time limit" in error, error
    for name in dict.fromkeys(("cues", stage)):
        ours = stages.read(corpus, name)
        theirs = stages.read(Corpus.open(folder, derived=alone), name)
        good = ours[ours["film_id"].str.startswith("good")].reset_index(drop=True)
        assert len(good) > 0
        pd.testing.assert_frame_equal(good, theirs)
    assert not list(corpus.derived.rglob(".*"))
    return silent


def test_twenty_damaged_films(healthy, tmp_path):
    damaged = corpus_of(healthy, tmp_path / "corpus", 20, seed=0)
    silent = check(healthy, tmp_path / "corpus", damaged, "cues")
    assert len(silent) <= 5, silent


@pytest.mark.slow
def test_two_hundred_damaged_films(healthy, tmp_path):
    damaged = corpus_of(healthy, tmp_path / "corpus", 200, seed=1)
    silent = check(healthy, tmp_path / "corpus", damaged, "mir")
    assert len(silent) <= 60, silent


def test_a_truncated_film_is_used_in_part_and_says_so(healthy, tmp_path):
    data = (healthy / "film.mkv").read_bytes()
    corpus_of(healthy, tmp_path / "corpus", 0, seed=0)
    (tmp_path / "corpus" / "films" / "good-last.mkv").write_bytes(data[: len(data) * 2 // 3])
    corpus = Corpus.open(tmp_path / "corpus")
    [outcome] = stages.run(corpus, "cues", **quiet)
    assert outcome.computed == 2 and list(outcome.damaged) == ["good-last"] and not outcome.failed
    failures = read_failures(corpus.derived / "failures.csv")
    assert failures["film_id"].tolist() == ["good-last"]
    told = f"{PART}{corpus['good-last'].film}: its sound should last 12.02 s and ends at"
    assert failures["error"][0].startswith(told)
    assert set(stages.read(corpus, "cues")["film_id"]) == {"good-first", "good-last"}
    study = Study.open(tmp_path / "corpus")
    assert len(study.failures) == 1 and study.failed("cues") == set(), "it has a table"
    [again] = stages.run(corpus, "cues", **quiet)
    assert again.kept == 2 and list(again.damaged) == ["good-last"], "a kept table keeps saying so"
    assert len(read_failures(corpus.derived / "failures.csv")) == 1


def test_what_a_film_left_before_it_was_damaged_is_not_shown(two_films, tmp_path):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "mir-cues", **quiet)
    film = two_films / "films" / "one.mp4"
    shutil.copy2(film, tmp_path / "one.mp4")
    film.write_bytes(b"damaged")
    outcomes = stages.run(corpus, "mir-cues", **quiet)
    assert [(o.computed, o.kept, len(o.failed)) for o in outcomes] == [(0, 1, 1), (0, 1, 0), (0, 1, 0)]
    for name in ("cues", "windows", "mir", "mir-cues"):
        assert set(stages.read(corpus, name)["film_id"]) <= {"two"}, name
    shutil.copy2(tmp_path / "one.mp4", film)
    outcomes = stages.run(corpus, "mir-cues", **quiet)
    assert [(o.computed, o.kept, len(o.failed)) for o in outcomes] == [(0, 2, 0)] * 3, "back again, nothing is lost"
    assert set(stages.read(corpus, "mir-cues")["film_id"]) == {"one", "two"}
