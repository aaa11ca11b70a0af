"""``filmlens share``: what was measured, as a data set that anyone may read, without the films and the music.

The zip is itself a corpus: FilmLens runs on it from the genre models on. Everything in it stands twice, as Parquet
per film (what FilmLens reads) and as CSV for all films together (what everything reads). Only numbers, names and
labels go in: no sound, no picture, no fingerprint of a track, no path of this machine, nobody's name or notes.
"""

import io
import json
import re
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import compute, csv

from filmlens import __version__, artefacts, paper
from filmlens.artefacts import cache_folder, digest, ledger_of, read_sealed, write_sealed
from filmlens.corpus import COLUMNS, USAGES, Corpus, CorpusError, Film, archive
from filmlens.features import FEATURES
from filmlens.features.vggish.weights import RANDOM
from filmlens.stages import STAGES
from filmlens.stages.staleness import Survey
from filmlens.study import dictionary, kept
from filmlens.study.cues import cues_table, descriptors_of
from filmlens.text import defused, markdown, restored, utf8

_VERIFIED = ("verified", *(f"verified-{usage}" for usage in sorted(USAGES)))
_SEGMENTS = ("segments", *(f"{sheet}-segments" for sheet in _VERIFIED))
_MUSIC = tuple(name for row in FEATURES for name in (row, f"{row}-cues"))
#: Tables that are measurements or labels; anything else under ``derived/`` stays at home.
TABLES = ("cues", "windows", "annotated", *_VERIFIED, *_SEGMENTS, *_MUSIC, "visual")
_LABELS = ("start", "end", "track", "track_start", "usage")
#: Of verdicts: what was judged, not who did, when, nor remarks.
_VERDICTS = (
    *("track", "start", "end", "verdict", "new_track", "new_start", "new_end", "name", "usage"),
    *("origin", "diegesis", "function", "number", "segue", "heard"),
)
_NAMED = 5  # films with the same reason
_THREADS = 2
_ROWS = 20_000  # of the table of cues, at a time
_TOGETHER = 16  # films, of another table
NO_LICENCE = "none stated: ask whoever gave you this before you pass it on"


class SharingError(ValueError):
    """Nothing that could be shared; says what to run first."""


@dataclass
class Shared:
    """What went into a zip: rows by table, files left out with the reason, and whether it was so already (`again`)."""

    path: Path
    films: int
    rows: Counter = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)
    again: bool = False

    def __str__(self) -> str:
        size = self.path.stat().st_size / 1e6
        words = [f"{self.path}: {size:.1f} MB, {self.films} films"]
        words += ["  nothing changed since it was written, so it stays as it is"] * self.again
        words += [f"  {name}: {n} rows" for name, n in self.rows.items()]
        alike: dict[tuple[str, str], list[str]] = {}
        for name, why in self.left_out.items():
            table, _, film = name.rpartition("/")
            alike.setdefault((table, why), []).append(film)
        for (table, why), films in alike.items():
            more = f" and {len(films) - _NAMED} more" if len(films) > _NAMED else ""
            words.append(f"  left out: {table}: {why}: {', '.join(films[:_NAMED])}{more}")
        return "\n".join(words)


def share(corpus: Corpus, out: str | Path, *, licence: str = "") -> Shared:
    """Write everything measured so far into one zip; the same tables give the same bytes.

    A zip that was written from the same files and is as it was left stays; the user's cache remembers it. `licence`,
    such as "CC BY 4.0", stands in the README; by default it is that of a corpus that was shared before, whose credit is
    passed on. `SharingError` when no cue sheet was made yet, or `out` is no zip.
    """
    out = utf8(Path(out))
    if out.suffix != ".zip":
        raise SharingError(f"{out}: the data set is a zip; write --out {out.with_suffix('.zip').name}")
    result, given, survey = Shared(out, len(corpus)), _given(corpus), Survey(corpus)
    licence = licence or given["licence"] or NO_LICENCE
    made_of = [kept.state_of(corpus), licence, given["credit"], _labels(corpus), _failures(corpus).to_csv()]
    made_of.append(kept.identity(corpus.folder / "planted.json"))
    seen: dict[str, str] = {}
    tables = _tables(corpus, seen, survey)
    made_of += [seen, {name: [path.stem for path in paths] for name, paths in tables.items()}]
    memory, made_of = ledger_of(out.resolve(), cache_folder() / "shared"), digest(json.dumps(made_of).encode())
    before: dict = {}
    with suppress(artefacts.ArtefactError):
        before = read_sealed(memory)
    if before.get("made_of") == made_of and before.get("zip") == list(kept.identity(out)):
        result.rows, result.left_out, result.again = Counter(before["rows"]), before["left_out"], True
        return result
    with ThreadPoolExecutor(_THREADS) as pool:  # reading and hashing need no lock of Python's
        paths = [path for found in tables.values() for path in found]
        damaged = {path for path, why in zip(paths, pool.map(artefacts.damage, paths), strict=True) if why}
    tables = _tables(corpus, result.left_out, survey, damaged)
    if not tables.get("cues") and not tables.get("annotated"):
        raise SharingError(f"{corpus.derived}: no cue was found or read yet; run `filmlens stamp {corpus.folder}`")

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as box:
            _write(box, corpus, tables, licence, given["credit"], result)

    artefacts.write_atomically(out, write)
    record = {"rows": dict(result.rows), "left_out": result.left_out, "zip": list(kept.identity(out))}
    with suppress(artefacts.WriteError):  # a cache that may not be written: the zip is written again next time
        write_sealed(memory, record | {"made_of": made_of})
    return result


def _failures(corpus: Corpus) -> pd.DataFrame:
    return artefacts.read_failures(corpus.derived / "failures.csv")


def _given(corpus: Corpus) -> dict[str, str]:
    """Licence and credit that a corpus came with; empty texts where it did not."""
    mark = corpus.folder / archive.MARK
    said = json.loads(mark.read_text(encoding="utf-8")) if mark.is_file() else {}
    said = said if isinstance(said, dict) else {}
    found = {key: str(said.get(key) or "") for key in ("licence", "credit")}
    return found | ({"licence": ""} if found["licence"] == NO_LICENCE else {})


def _write(
    box: zipfile.ZipFile,
    corpus: Corpus,
    tables: dict[str, list[Path]],
    licence: str,
    credit: str,
    result: Shared,
) -> None:
    def text(name: str, content: str) -> None:
        box.writestr(archive.entry(name), content)

    films = corpus.films.assign(genres=["|".join(f.genres) for f in corpus], film="", soundtrack="")
    films = films.drop(columns=["library"], errors="ignore")  # a folder of this machine
    text("films.csv", _csv_text(films))
    for name, content in _labels(corpus):
        text(name, content)
    words, done = [], []
    for name, paths in tables.items():
        for path in paths:
            # a Parquet file is compressed already
            box.writestr(archive.entry(f"derived/{name}/{path.name}"), _parquet(path, corpus), zipfile.ZIP_STORED)
        parts = _ahead(_read_together, (paths[at : at + _TOGETHER] for at in range(0, len(paths), _TOGETHER)))
        rows, first = _csv(box, f"csv/{name}.csv", parts)
        result.rows[name] = rows
        words.append(dictionary.describe(first, name))
        done.append(_record(name, paths, rows))
    cues = cues_table(corpus, features=descriptors_of(corpus))
    if len(cues):
        parts = (cues.iloc[at : at + _ROWS] for at in range(0, len(cues), _ROWS))
        _csv(box, "cues.csv", _ahead(lambda part: [pa.Table.from_pandas(part, preserve_index=False)], parts))
        buffer = io.BytesIO()
        cues.to_parquet(buffer, index=False)
        box.writestr(archive.entry("cues.parquet"), buffer.getvalue(), zipfile.ZIP_STORED)
        words.insert(0, dictionary.describe(cues).assign(table="cues.csv"))
        result.rows["cues.csv"] = len(cues)
    text("columns.csv", _csv_text(pd.concat(words)))
    failures = _failures(corpus)
    rows = zip(failures["film_id"], failures["error"], strict=True)
    failures["error"] = [_without_paths(error, corpus, film_id) for film_id, error in rows]
    text("derived/failures.csv", _csv_text(failures))
    if corpus.synthetic:
        text("planted.json", (corpus.folder / "planted.json").read_text(encoding="utf-8"))
    about = {"filmlens": __version__, "films": len(corpus), "synthetic": corpus.synthetic, "licence": licence}
    about |= {"credit": credit} if credit else {}
    text("provenance.json", _json(about | {"tables": done, "left_out": result.left_out, "paper": paper.CITATION}))
    text("README.md", _readme(corpus, licence, credit, result, len(failures)))
    text(archive.MARK, _json(about))


def _tables(
    corpus: Corpus, left_out: dict[str, str], survey: Survey, damaged: Collection[Path] = ()
) -> dict[str, list[Path]]:
    """Folder name -> the films' files that agree with each other and with the media that are there."""
    folders = {p.name: p for p in corpus.derived.glob("*") if p.is_dir() and p.name.partition("@")[0] in TABLES}
    order = sorted(folders, key=lambda n: (TABLES.index(n.partition("@")[0]), n))
    found: dict[str, list[Path]] = {name: [] for name in order}
    for film in corpus:
        hashes: set[str] = set()
        for name in order:
            path = folders[name] / f"{film.id}.parquet"
            if not survey.is_there(path):
                continue
            provenance = survey.provenance(path)
            why = _stale(film, provenance, hashes, name, survey)
            why = why or ("damaged; run it again" if path in damaged else "")
            if why:
                left_out[f"{name}/{film.id}"] = why
            else:
                hashes.add(provenance["table"])
                found[name].append(path)
    return {name: paths for name, paths in found.items() if paths}


def _stale(film: Film, provenance: dict, hashes: set[str], name: str, survey: Survey) -> str:
    """Why a table would mislead beside the others; empty when it does not."""
    recipe = provenance.get("recipe", {})
    stage = STAGES.get(recipe.get("stage", ""))
    stated = provenance.get("name"), recipe.get("subject")
    if stage is None or "table" not in provenance or stated != (name.partition("@")[0], film.id):
        return "not a table that this version of FilmLens made"
    if str(provenance.get("notes", {}).get("origin", "")).startswith(RANDOM):
        return RANDOM
    if recipe.get("version") != stage.version:
        return f"made by an older {stage.name}; run it again"
    if not artefacts.stands_on(provenance, hashes):
        return "made from other cues than those here; run it again"
    changed = [kind for kind, was in (recipe.get("media") or {}).items() if not _unchanged(film, kind, was, survey)]
    return f"the {' and the '.join(changed)} changed since; run it again" if changed else ""


def _unchanged(film: Film, kind: str, was: Any, survey: Survey) -> bool:
    """Whether a film's files are those that were measured; files out of reach are believed to be."""
    if survey.corpus.shared or kind not in ("film", "soundtrack", "annotation", "verdicts"):
        return True
    try:
        now = survey.media(film, survey.files(film, (kind,)), {kind: was})[kind]
    except CorpusError:
        return True
    return now == was or (kind == "film" and now["size"] < 0)


def _labels(corpus: Corpus) -> list[tuple[str, str]]:
    """Names and texts of annotations and verdicts, without who made them, when, and their notes."""
    found = []
    for film in corpus:
        truth = film.annotations()
        if truth is not None:
            found.append((f"annotations/{film.id}.csv", _csv_text(truth[[c for c in _LABELS if c in truth]])))
        if film.verdicts.is_file():
            text = io.StringIO(artefacts.read_text(film.verdicts))
            verdicts = restored(pd.read_csv(text, dtype=str, keep_default_na=False))
            found.append((f"verdicts/{film.id}.csv", _csv_text(verdicts[[c for c in _VERDICTS if c in verdicts]])))
    return found


def _parquet(path: Path, corpus: Corpus) -> bytes:
    """A table as it is, but for the paths of this machine in its provenance."""
    provenance = artefacts.read_provenance(path)
    carried = {k: v for k, v in provenance.items() if k != "recipe"}  # a recipe is hashes and track names
    free = json.loads(_without_paths(json.dumps(carried), corpus, path.stem))
    if free == carried and not artefacts.damage(path):
        return path.read_bytes()
    return artefacts.parquet_bytes(artefacts.read_table(path), free | {"recipe": provenance["recipe"]})


def _read_together(paths: Iterable[Path]) -> list[pa.Table]:
    """Tables, those beside each other that have the same columns as one: a column is worked on once for many films."""
    tables = map(artefacts.read_arrow, paths)
    return [pa.concat_tables(alike).combine_chunks() for _, alike in groupby(tables, lambda table: table.schema)]


def _ahead(function: Callable[[Any], list[pa.Table]], items: Iterable) -> Iterator[tuple[pa.Table, bytes]]:
    """Tables and their rows as CSV, made in threads (Arrow needs no lock of Python's), a few before they are asked."""

    def made(item: Any) -> list[tuple[pa.Table, bytes]]:
        return [(table, _csv_rows(table)) for table in function(item)]

    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque = deque()
        for item in items:
            waiting.append(pool.submit(made, item))
            if len(waiting) > 2 * _THREADS:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _csv(box: zipfile.ZipFile, name: str, parts: Iterable[tuple[pa.Table, bytes]]) -> tuple[int, pd.DataFrame]:
    """Write tables under each other; number of rows, and an example of the table."""
    rows, example = 0, None
    with box.open(archive.entry(name), "w", force_zip64=True) as raw:
        for table, text in parts:
            if example is None:
                example = table
                raw.write(_csv_text(table.slice(0, 0).to_pandas()).encode())
            elif table.column_names != example.column_names:
                whole = table.to_pandas().reindex(columns=example.column_names)
                text = _csv_rows(pa.Table.from_pandas(whole, preserve_index=False))
            example = table if not len(example) and len(table) else example
            raw.write(text)
            rows += len(table)
    return rows, example.to_pandas()


def _csv_rows(table: pa.Table) -> bytes:
    """The rows that `_csv_text` writes, in a quarter of the time: six significant digits, texts defused."""
    sink = pa.BufferOutputStream()
    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    csv.write_csv(pa.table([_cells(c) for c in table.columns], names=table.column_names), sink, options)
    return sink.getvalue().to_pybytes()


def _cells(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    kind = column.type
    if pa.types.is_floating(kind):
        return pa.array(_six_digits(column.to_numpy().astype(float)), from_pandas=True)
    if pa.types.is_boolean(kind):
        return compute.if_else(column, "True", "False")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        coded = column.combine_chunks().dictionary_encode()
        words = defused(pd.DataFrame({"": coded.dictionary.to_pylist()}, dtype=object))[""]
        return pa.array(words, pa.string()).take(coded.indices)
    return column


def _six_digits(values: np.ndarray) -> np.ndarray:
    """The numbers nearest to six significant digits; a whole number by a power of ten is written with no more."""
    with np.errstate(all="ignore"):
        size = np.floor(np.log10(np.abs(values)))
        power = 5 - np.nan_to_num(size, posinf=0, neginf=0).astype(int)
        ten = 10.0 ** np.abs(power)
        rounded = np.where(power >= 0, np.rint(values * ten) / ten, np.rint(values / ten) * ten)
    return np.where(np.isfinite(rounded), rounded, values)


def _csv_text(table: pd.DataFrame) -> str:
    """Comma-separated text, numbers with six significant digits."""
    return defused(table).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _record(name: str, paths: list[Path], rows: int) -> dict:
    made = [artefacts.read_provenance(p) for p in paths]
    return {
        "table": name,
        "films": len(paths),
        "rows": rows,
        "stage": made[0]["recipe"]["stage"],
        "parameters": made[0]["recipe"]["parameters"],
        "made_by": sorted({str(m.get("filmlens")) for m in made}),
        "core_minutes": round(sum(m.get("seconds", 0) for m in made) / 60, 2),
    }


def _without_paths(text: str, corpus: Corpus, film_id: str) -> str:
    """Text about a film without folders of this machine; the file names stay."""
    films = [corpus[film_id]] if film_id in corpus.ids else []
    folders = {str(p) for f in films for p in (f.film.parent, f.soundtrack, f.library) if p} | {str(corpus.derived)}
    for folder in sorted({str(corpus.folder), *folders}, key=len, reverse=True):
        text = text.replace(folder + "/", "").replace(folder, "")
    return re.sub(r"(?<![\w:/.])(?:/[\w .@+-]+)+/(?=[\w])|[A-Za-z]:\\\\(?:[^\\\\:\"]+\\\\)+", "", text)


def _json(content: dict) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _readme(corpus: Corpus, licence: str, credit: str, result: Shared, failures: int) -> str:
    synthetic = (
        "\n**The corpus is synthetic**: made by `filmlens demo`; its numbers say nothing about cinema.\n"
        if corpus.synthetic
        else ""
    )
    own = [c for c in corpus.films.columns if c not in (*COLUMNS, "library")]
    rows = "\n".join(f"| {markdown(name)} | {n} |" for name, n in result.rows.items())
    return f"""# Music and genre in {len(corpus)} films: what was measured
{synthetic}
Made by FilmLens {__version__}, an implementation of {paper.CITATION}

## What is in it

- `cues.csv`, `cues.parquet`: one row per cue with everything about it; begin here.
- `csv/`: each table for all films together, six significant digits.
- `derived/`: the same per film as Parquet, in full.
- `films.csv`: the films and their genres{f", and {', '.join(map(markdown, own))}" if own else ""}.
- `annotations/`, `verdicts/`: true and judged cues, where someone made them.
- `columns.csv`: every column of every table with its unit and meaning.
- `provenance.json`: versions, parameters, films and rows, and what was left out ({len(result.left_out)} files).
- `derived/failures.csv`: what could not be measured, and why ({failures}).

Times are seconds on the film's own clock. A name behind an @ is a variant, such as `cues@engine=dejavu`.

| table | rows |
|---|---:|
{rows}

## How to read it

    import pandas as pd
    cues = pd.read_parquet("cues.parquet")

    cues <- read.csv("cues.csv")

    filmlens run features.zip --out out        (notebooks 00, 03 to 05 and 07; the others need the films)

## What is not in it, and what you may do with it

No sound, no picture and no fingerprint of either: music and film cannot be rebuilt from these measurements. Titles and
track names are facts about published works. Rights in the films and the music stay with their owners; this data set
gives none.

Licence of the tables: {markdown(licence)}
{f"{chr(10)}Credit: {markdown(credit)}{chr(10)}" if credit else ""}"""
