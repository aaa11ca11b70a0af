"""What is on disk is what was computed: flipped bits, foreign files, changed inputs.

    OMP_NUM_THREADS=1 python benchmarks/artefacts.py [--flips 500]

A small synthetic corpus is computed through every kind of artefact. Bits are flipped and files exchanged, and each time
the reader of that file is asked: it must refuse, or give the numbers that were written. Then inputs are changed in
forty ways, and what is stale is compared with what must be.
"""

import argparse
import os
import random
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from filmlens import artefacts, stages, stamper
from filmlens.audition import peaks
from filmlens.corpus import Corpus
from filmlens.media.write import write_audio, write_film
from filmlens.stages import staleness, table
from filmlens.stages.staleness import Survey
from filmlens.study.cues import cues_table

MODEL = {"model": "average", "hidden": 8, "epochs": 3, "learning_rate": 1e-3}
BY_COMPOSER = {"model": "zero_rule", "scheme": "composer"}
ASKED = (
    ("annotated", {}),
    ("verified", {}),
    ("mir-cues", {}),
    ("mir-cues", {"cues": "annotated"}),
    ("visual", {}),
    ("importance", MODEL | {"n_repeats": 2}),
    ("cross-modal", MODEL),
    ("genre", BY_COMPOSER),
)
FILMS = ("film 0", "film 1", "film 2", "film 3")
RATE = 44_100
HERE = Path(__file__).resolve().parent
HEADING = "## Artefacts: what is on disk is what was computed"
quiet = {"say": lambda line: None}
warnings.filterwarnings("ignore", message="no model was fitted|older than the cues")


def small_corpus(folder: Path) -> Corpus:
    """Four films of 16 s with composers, annotations, verdicts and everything computed once."""
    (folder / "films").mkdir(parents=True)
    (folder / "annotations").mkdir()
    (folder / "verdicts").mkdir()
    rows = []
    for number, film_id in enumerate(FILMS):
        rng = np.random.default_rng(number)
        music = folder / "soundtracks" / film_id
        music.mkdir(parents=True)
        tunes = [melody(rng, 12) for _ in range(2)]
        for name, tune in zip(("Theme", "Finale"), tunes, strict=True):
            write_audio(music / f"{name}.flac", tune, RATE)
        sound = 0.01 * rng.standard_normal(16 * RATE).astype(np.float32)
        sound[2 * RATE : 13 * RATE] += tunes[0][: 11 * RATE]
        pictures = (np.full((36, 64), 60 + 30 * number + i % 12, np.uint8) for i in range(16 * 4))
        write_film(folder / "films" / f"{film_id}.mp4", pictures, sound, fps=4, rate=RATE)
        (folder / "annotations" / f"{film_id}.csv").write_text("start,end,track,track_start\n2,13,Theme,0\n")
        genres = ("Action|Sci-Fi", "Horror", "Action", "Horror|Sci-Fi")[number]
        media = f"films/{film_id}.mp4", f"soundtracks/{film_id}"
        rows.append((film_id, f"Film {number}", 2000, genres, *media, "AABB"[number], "xyzz"[number]))
    columns = ["film_id", "title", "year", "genres", "film", "soundtrack", "composer", "franchise"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "films.csv", index=False)
    (folder / "verdicts" / f"{FILMS[0]}.csv").write_text("track,start,end,verdict\nNo such,1,2,added\n")
    corpus = Corpus.open(folder)
    bring_up(corpus)
    return corpus


def melody(rng: np.random.Generator, seconds: int) -> np.ndarray:
    """A tune of random notes of a quarter second."""
    t = np.arange(RATE // 4) / RATE
    notes = 220 * 2 ** (rng.integers(0, 24, seconds * 4) / 12)
    tones = [sum(np.sin(2 * np.pi * f * k * t) / k for k in (1, 2, 3)) * np.exp(-3 * t) for f in notes]
    return (0.3 * np.concatenate(tones)).astype(np.float32)


def bring_up(corpus: Corpus) -> list[stages.Outcome]:
    """Compute what is stale of everything asked for."""
    outcomes = []
    for stage, parameters in ASKED:
        outcomes += stages.run(corpus, stage, **parameters, **quiet)
    return outcomes


def stale(corpus: Corpus, *, every_byte: bool = False) -> set[tuple[str, str]]:
    """What would be computed, as pairs of folder (or model) and film."""
    asked = [(stage, stages.complete(stage, p)) for stage, p in ASKED]
    plans = stages.plans_of(corpus, asked, Survey(corpus, every_byte=every_byte))
    found = set()
    for plan in plans:
        place = plan.step.place
        for subject in [*(t.subject for t in plan.tasks), *plan.failed]:
            name = place.folder.name + ("@composer" if "composer" in place.file else "")
            found.add((name, "" if place.whole else subject))
    return found


# What is read of a file, as numbers that can be compared ------------------------------------------------------------


def readers(corpus: Corpus) -> dict[Path, Callable[[], Any]]:
    """Every artefact of the corpus with what the software reads of it; None where it is refused."""
    found: dict[Path, Callable[[], Any]] = {}
    for stage, parameters in (*ASKED, ("cues", {}), ("windows", {}), ("mir", {}), ("mir", {"cues": "annotated"})):
        known = stages.accepted_by(stages.owner(stage), parameters)
        where = stages.place(corpus, stage, **known)
        if where.file.endswith(".npz"):
            for ending in (".npz", ".json", ".provenance.json"):
                found[where.path("").with_suffix(ending)] = lambda s=stage, k=known: folds_of(corpus, s, k)
        else:
            for film in [""] if where.whole else corpus.ids:
                found[where.path(film)] = lambda w=where, f=film: table_of(w, f)
    where = stages.place(corpus, "genre", **MODEL)
    for ending in (".npz", ".json", ".provenance.json"):
        found[where.path("").with_suffix(ending)] = lambda: folds_of(corpus, "genre", MODEL)
    first = corpus[corpus.ids[0]]
    found[corpus.derived / "peaks" / f"{first.id}.parquet"] = lambda: peaks.stored(corpus, first)
    cues_table(corpus)
    for path in (corpus.derived / "gathered").glob("*.parquet"):
        found[path] = lambda: artefacts.table_hash(cues_table(corpus))
    for path in sorted((corpus.derived / "tracks").glob("*.npz")):
        found[path] = lambda: index_of(corpus)
    return found


def table_of(where, film: str) -> Any:
    path = where.path(film)
    told = artefacts.read_provenance(path)
    if not where.holds(film, told) or artefacts.damage(path):
        return None
    return artefacts.table_hash(artefacts.read_table(path)), told.get("notes")


def folds_of(corpus: Corpus, stage: str, known: dict) -> Any:
    fitted = stages.folds(corpus, stage, **known)
    return fitted.film_ids, fitted.genres, str(fitted.parameters), fitted.probability.tobytes(), fitted.fold.tobytes()


def index_of(corpus: Corpus) -> Any:
    """Kept fingerprints of all tracks; one that is refused is made anew, so the numbers must be those of before."""
    parts = []
    for film in corpus:
        index = stamper.index_tracks(film.tracks(), keep=corpus.derived / "tracks")
        arrays = index.time, index.code, index.seconds, index.levels
        parts.append((index.names, *(array.tobytes() for array in arrays)))
    return parts


def silently_other(read: Callable[[], Any], before: Any) -> bool:
    """Whether other numbers came back and nobody said anything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read()
        except ValueError:
            return False
    if found is None or (isinstance(found, np.ndarray) and np.array_equal(found, before)):
        return False
    return isinstance(found, np.ndarray) or found != before


def flips(corpus: Corpus, count: int, seed: int = 0) -> pd.DataFrame:
    """Flip one bit of one artefact after the other; per kind: flips, used silently; then all heal in one run."""
    rng, known = random.Random(seed), readers(corpus)
    before = {path: read() for path, read in known.items()}
    kinds: dict[str, list[Path]] = {}
    for path in known:
        kinds.setdefault(kind_of(path), []).append(path)
    rows = {kind: [0, 0] for kind in kinds}
    for number in range(count):
        kind = list(kinds)[number % len(kinds)]
        path = rng.choice(kinds[kind])
        if kind == "gathered":  # anew, where files that it stands on were written since
            known[path]()
        data = path.read_bytes()
        place = rng.randrange(len(data) * 3 // 4, len(data)) if number % 3 == 0 else rng.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        rows[kind][0] += 1
        rows[kind][1] += silently_other(known[path], before[path])
        path.write_bytes(data)
    for paths in kinds.values():  # one file of each kind is damaged, and the next run heals them all
        changed = bytearray(paths[0].read_bytes())
        changed[len(changed) // 2] ^= 4
        paths[0].write_bytes(changed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bring_up(corpus)
        first = corpus[corpus.ids[0]]
        if peaks.stored(corpus, first) is None:  # as when its page is opened
            list(peaks.grow(corpus, first))
    hold = {kind: not silently_other(known[paths[0]], before[paths[0]]) for kind, paths in kinds.items()}
    rest = stale(corpus)
    assert not rest, rest
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["flipped bits", "used silently"])
    return table.assign(**{"healed by the next run": ["yes" if hold[k] else "NO" for k in table.index]})


def kind_of(path: Path) -> str:
    kind = f"{path.parent.name} {'provenance' if '.provenance' in path.name else path.suffix[1:]}"
    return kind.removesuffix(" parquet")


# Files of something else ----------------------------------------------------------------------------------------------


def strangers(corpus: Corpus) -> pd.DataFrame:
    """Put every kind of wrong file in the place of every kind of artefact; used silently, per wrong kind."""
    known = readers(corpus)
    before = {path: read() for path, read in known.items()}
    rows: dict[str, list[int]] = {}
    whole = {p: p.read_bytes() for p in known}
    for path, read in known.items():
        same = [p for p in known if p.suffixes == path.suffixes and p != path]
        if kind_of(path) == "gathered":  # anew, as files that it stands on were written since
            read()
            whole[path] = path.read_bytes()
        for name, data in wrong_files(path, same, whole).items():
            path.write_bytes(data)
            rows.setdefault(name, [0, 0])[0] += 1
            rows[name][1] += silently_other(read, before[path])
            path.write_bytes(whole[path])
    for path in known:  # tracks that were refused were written anew
        path.write_bytes(whole[path])
    return pd.DataFrame.from_dict(rows, orient="index", columns=["files", "used silently"])


def wrong_files(path: Path, same: list[Path], whole: dict[Path, bytes]) -> dict[str, bytes]:
    """Bytes that do not belong at a path, by what is wrong with them."""
    found = {"empty": b"", "cut in half": whole[path][: len(whole[path]) // 2], "text": b"[1, 2]\n"}
    found["zeroed middle"] = whole[path][:200] + bytes(len(whole[path]) - 400) + whole[path][-200:]
    twins = [p for p in same if p.parent == path.parent and whole[p] != whole[path]]
    cousins = [p for p in same if p.parent != path.parent and p.name == path.name]
    if twins:
        found["of another film, seed or track"] = whole[twins[0]]
    if cousins:
        found["of another stage or variant"] = whole[cousins[0]]
    if path.suffix == ".parquet":
        table, told = artefacts.read_table(path), artefacts.read_provenance(path)
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "part.parquet"
            moved = table.assign(**{c: table[c] + 1 for c in table.select_dtypes(float).columns[:3]})
            moved.to_parquet(part)
            found["foreign Parquet"] = part.read_bytes()
            if "known" in told:  # gathered: its recipe is what was asked of which files
                other = {"known": told["known"] | {"given": told["known"]["given"] | {"cues": "annotated"}}}
            else:
                other = {"name": told["name"] + " of another"}
            artefacts.write_table(part, moved, told | other)
            found["another table of the same recipe"] = part.read_bytes()
    return found


def versions(corpus: Corpus) -> pd.DataFrame:
    """Artefacts of an older and a newer version of their stage, and of none: all are computed again."""
    rows = {}
    for name, step in (("older", -1), ("newer", 1)):
        paths = [p for p in corpus.derived.rglob("*.parquet") if p.parent.name not in ("peaks", "windows", "gathered")]
        whole, expected = {p: p.read_bytes() for p in paths}, set()
        for path in paths:
            told = artefacts.read_provenance(path)
            told["recipe"] = told["recipe"] | {"version": told["recipe"]["version"] + step}
            artefacts.write_table(path, artefacts.read_table(path), told)
            corpus_wide = path.stem not in corpus.ids
            expected.add((path.parent.name, "" if corpus_wide else path.stem))
        kept = expected - stale(corpus)
        rows[f"{name} version of the stage"] = [len(paths), len(kept)]
        for path, data in whole.items():
            path.write_bytes(data)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["files", "used silently"])


# Inputs changed in forty ways ---------------------------------------------------------------------------------------


def changes(folder: Path) -> Iterator[tuple[str, Callable[[Path], Any], set[tuple[str, str]]]]:
    """What is changed, how, and what must be computed again: nothing else may be."""
    one, two = FILMS[0], FILMS[1]
    genre = {("genre", ""), ("importance", ""), ("cross-modal", "")}
    composer = {("genre@composer", "")}
    models = genre | composer
    on_cues = {(s, one) for s in ("cues", "verified", "mir", "mir-cues", "visual")} | models
    on_notes = {(s, one) for s in ("annotated", "mir@cues=annotated", "mir-cues@cues=annotated")}
    sound = on_cues | {(s, one) for s in ("mir@cues=annotated", "mir-cues@cues=annotated")}
    every = {(s, f) for s in ("cues", "verified", "mir", "mir-cues", "visual") for f in FILMS} | models
    noted = {(s, f) for s in ("mir@cues=annotated", "mir-cues@cues=annotated") for f in FILMS}
    film = next((folder / "films").glob("*0*"))
    other = next((folder / "films").glob("*1*"))
    music = next(p for p in sorted((folder / "soundtracks").iterdir()) if p.is_dir())
    track = sorted(music.rglob("*.*"))[0]
    notes, csv = next((folder / "annotations").glob("*0*")), folder / "films.csv"
    verdict = folder / "verdicts" / f"{one}.csv"

    def cell(film_id: str, column: str, change: Callable[[str], str]) -> Callable[[], None]:
        def apply() -> None:
            films = pd.read_csv(csv, dtype=str, keep_default_na=False)
            at = films["film_id"] == film_id
            films.loc[at, column] = [change(text) for text in films.loc[at, column]]
            films.to_csv(csv, index=False)

        return apply

    def rows(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[], None]:
        return lambda: change(pd.read_csv(csv, dtype=str, keep_default_na=False)).to_csv(csv, index=False)

    def renamed(path: Path, column: str) -> None:
        path.rename(path.with_name(f"moved {path.name}"))
        cell(one, column, lambda text: text.replace(path.name, f"moved {path.name}"))()

    yield "film touched", lambda: os.utime(film), set()
    yield "film: a byte in the middle", lambda: poke(film, 0.5), sound
    yield "film: its last byte", lambda: poke(film, 1.0), sound
    yield "film longer by a byte", lambda: film.write_bytes(film.read_bytes() + b"0"), sound
    yield "film replaced by another", lambda: shutil.copy(other, film), sound
    yield "film missing", lambda: film.unlink(), sound
    yield "film: a byte, size and time kept (quick look)", lambda: poke(film, 0.4, kept=True), set()
    yield "film: a byte, size and time kept (--verify)", lambda: poke(film, 0.4, kept=True), sound
    yield "film renamed, in films.csv too", lambda: renamed(film, "film"), set()
    yield "film copied without its time", lambda: film.write_bytes(film.read_bytes()), set()
    yield "track touched", lambda: os.utime(track), set()
    yield "track: a byte", lambda: poke(track, 0.5), sound - {("visual", one)} | {("visual", one)}
    yield "track added", lambda: shutil.copy(track, track.with_name(f"new{track.suffix}")), sound
    yield "track removed", lambda: track.unlink(), sound
    yield "track renamed", lambda: track.rename(track.with_name(f"new{track.suffix}")), sound
    yield "picture of the cover beside the tracks", lambda: (music / "cover.jpg").write_bytes(b"jpg"), set()
    yield "hidden file beside the tracks", lambda: (music / f"._a{track.suffix}").write_bytes(b"x"), set()
    yield "soundtrack folder renamed, in films.csv too", lambda: renamed(music, "soundtrack"), set()
    yield "library added", lambda: with_library(folder, track, one), sound
    yield "annotation: an end moved", lambda: edit_last_number(notes), on_notes
    yield "annotation touched", lambda: os.utime(notes), set()
    yield "annotation removed", lambda: notes.unlink(), on_notes
    yield "verdict changed", lambda: verdict.write_text(verdict.read_text().replace("1,2", "1,3")), {("verified", one)}
    yield "verdicts touched", lambda: os.utime(verdict), set()
    yield "verdicts of another film", lambda: shutil.copy(verdict, verdict.with_name(f"{two}.csv")), {("verified", two)}
    yield "title edited", cell(one, "title", lambda text: text + "!"), set()
    yield "year edited", cell(one, "year", lambda text: "1999"), set()
    yield "genre edited", cell(one, "genres", lambda text: "Horror" if text != "Horror" else "Drama"), models
    yield "genres written in another order", cell(one, "genres", lambda t: "|".join(t.split("|")[::-1])), set()
    yield "composer edited", cell(one, "composer", lambda text: "B"), composer
    yield "franchise edited", cell(one, "franchise", lambda text: "z"), set()
    yield "column added", rows(lambda films: films.assign(remark="seen")), set()
    yield "films in another order", rows(lambda films: films.iloc[::-1]), models
    yield "film left out", rows(lambda films: films.iloc[:-1]), models
    yield "library: numpy 2.x to 2.y", lambda: {"numpy": "9.9"}, every | noted
    yield "library: torch", lambda: {"torch": "9.9"}, models
    yield "library: PyAV", lambda: {"av": "99.0"}, every | noted
    yield "all libraries, with --keep-across-versions", lambda: {"numpy": "9.9", "torch": "9.9", "keep": "1"}, set()
    yield (
        "stage visual of a new version",
        lambda: {"visual": 99},
        {("visual", f) for f in FILMS} | {("cross-modal", "")},
    )
    yield "table beside the cues deleted", lambda: next((folder / "derived/windows").glob("*0*")).unlink(), on_cues


def poke(path: Path, where: float, *, kept: bool = False) -> None:
    """Change one byte of a file; its time of change may be kept."""
    data, stat = bytearray(path.read_bytes()), path.stat()
    data[min(len(data) - 1, int(where * len(data)))] ^= 1
    path.write_bytes(data)
    if kept:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def with_library(folder: Path, track: Path, film_id: str) -> None:
    (folder / "library").mkdir()
    shutil.copy(track, folder / "library" / f"song{track.suffix}")
    films = pd.read_csv(folder / "films.csv", dtype=str, keep_default_na=False)
    films["library"] = ["library" if f == film_id else "" for f in films["film_id"]]
    films.to_csv(folder / "films.csv", index=False)


def edit_last_number(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[-1].split(",")
    cells[1] = f"{float(cells[1]) - 0.25}"
    path.write_text("\n".join([*lines[:-1], ",".join(cells)]) + "\n", encoding="utf-8")


@contextmanager
def other_versions(told: Any) -> Iterator[None]:
    """As if libraries, or a stage, were of another version."""
    told = told if isinstance(told, dict) else {}
    found = staleness.installed
    rows = {n: r for n, r in table.STAGES.items() if n in told}
    with mock.patch.object(staleness, "installed", lambda name: told.get(name) or found(name)):
        changed = {n: type(r)(**{**vars(r), "version": told[n]}) for n, r in rows.items()}
        environment = {staleness.KEEP_VERSIONS: "1"} if "keep" in told else {}
        with mock.patch.dict(table.STAGES, changed), mock.patch.dict(os.environ, environment):
            yield


def forty_ways(corpus: Corpus, say: Callable[[str], None] = print) -> pd.DataFrame:
    """Change one input after the other in a copy of the corpus; what is stale beside what must be."""
    rows = []
    for number in range(len(list(changes(corpus.folder)))):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "corpus"
            shutil.copytree(corpus.folder, folder)  # keeps the times of change
            name, change, expected = list(changes(folder))[number]
            with other_versions(change()):
                found = stale(Corpus.open(folder), every_byte="--verify" in name)
            if found != expected:
                say(f"{name}: too many {sorted(found - expected)}, too few {sorted(expected - found)}")
            rows.append((name, len(expected), len(found - expected), len(expected - found)))
    return pd.DataFrame(rows, columns=["changed", "must be computed", "too many", "too few"])


# All together --------------------------------------------------------------------------------------------------------


def cost_of_verification(corpus: Corpus) -> pd.Series:
    """Seconds of a cold run of the whole small corpus, and of hashing in it."""
    spent = {"hashing": 0.0}

    def timed(function):
        def wrapped(*given, **named):
            began = time.process_time()
            try:
                return function(*given, **named)
            finally:
                spent["hashing"] += time.process_time() - began

        return wrapped

    from filmlens.artefacts import seals
    from filmlens.stages import work

    shutil.rmtree(corpus.derived)
    began = time.process_time()
    with (
        mock.patch.object(work, "read_through", timed(work.read_through)),
        mock.patch.object(seals, "digest", timed(seals.digest)),
    ):
        bring_up(corpus)
    return pd.Series(spent | {"run": time.process_time() - began})


def section(flipped: int) -> str:
    """Everything, as the part of robustness.md under its own heading."""
    with tempfile.TemporaryDirectory() as place:
        corpus = small_corpus(Path(place) / "small")
        cost = cost_of_verification(corpus)
        for _ in peaks.grow(corpus, corpus[corpus.ids[0]]):
            pass
        bits = flips(corpus, flipped)
        wrong = pd.concat([strangers(corpus), versions(corpus)])
        ways = forty_ways(corpus)
        exact = (ways[["too many", "too few"]].sum(axis=1) == 0).sum()
        share = f"{100 * cost['hashing'] / cost['run']:.2f} %"
        parts = [
            HEADING,
            f"`python benchmarks/artefacts.py --flips {flipped}`",
            f"{bits['flipped bits'].sum()} flipped bits, one at a time: {bits['used silently'].sum()} used silently.",
            markdown(bits.rename_axis("artefact").reset_index()),
            f"{wrong['files'].sum()} files of something else: {wrong['used silently'].sum()} used silently.",
            markdown(wrong.rename_axis("in the place of an artefact").reset_index()),
            f"Inputs changed in {len(ways)} ways, one at a time: {exact} make stale exactly what must be.",
            markdown(ways),
            f"Reading every byte of media and tables for their hashes takes {share} of a cold run "
            f"({cost['hashing']:.2f} of {cost['run']:.1f} s of processor).",
        ]
        return "\n\n".join(parts) + "\n"


def markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def rewrite(heading: str, text: str) -> None:
    """Put a text in the place of the part of robustness.md under its heading, or at the end."""
    path = Path(__file__).with_name("robustness.md")
    before, _, after = path.read_text(encoding="utf-8").partition(heading)
    _, more, rest = after.partition("\n## ")
    path.write_text(f"{before.rstrip()}\n\n{text.rstrip()}\n" + (f"\n## {rest}" if more else ""), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=500)
    told = section(parser.parse_args().flips)
    print(told)
    rewrite(HEADING, told)
