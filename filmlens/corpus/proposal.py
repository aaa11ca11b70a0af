"""``filmlens new``: a films.csv from what people have, or from the study's list; what the user wrote stays as it is."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from anyascii import anyascii

from filmlens import paper
from filmlens.artefacts import write_atomically, writing
from filmlens.corpus import filmtable
from filmlens.corpus.films import good_id, one_name
from filmlens.corpus.naming import alike
from filmlens.corpus.scan import FoundFilm, Match, find_albums, find_films, match
from filmlens.corpus.sheets import CorpusError, decode
from filmlens.text import clean, defused, utf8

_COLUMNS = [*filmtable.COLUMNS, "library", "imdb_id", "confidence"]
_WINDOWS = {"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(10))}
_ID = 60  # characters


@dataclass
class Proposed:
    """What was found (`films`, `albums`: counts) and written: `rows` that are new or whose empty paths were filled.

    `path` is another table where the own took no rows; `unmatched` are albums of no film.
    """

    path: Path
    films: int
    albums: int
    rows: list[dict[str, str]]
    unmatched: list[str]

    def lines(self) -> list[str]:
        """For people: what was found, and what needs a look."""
        kinds = [row["confidence"].partition(":")[0] for row in self.rows if row["film"]]
        counts = [f"{kinds.count(k)} {k}" for k in ("certain", "likely", "doubtful") if kinds.count(k)]
        counts += [f"{kinds.count('')} without a soundtrack"] * ("" in kinds)
        wanted = sum(not row["film"] for row in self.rows)
        lines = [f"{self.films} film{'s' * (self.films != 1)} and {self.albums} album{'s' * (self.albums != 1)} found"]
        lines += [f"{self.path}: {len(kinds)} new: {', '.join(counts)}" if kinds else f"{self.path}: no new film"]
        if wanted:
            lines.append(f"{wanted} films of the study without a path: not owned, and left out until one is filled in")
        doubtful = [row for row in self.rows if row["confidence"].startswith("doubtful")]
        lines += [f"look at {row['film_id']}: {row['confidence']}" for row in doubtful]
        lines += [f"albums of no film: {', '.join(self.unmatched)}"] if self.unmatched else []
        return lines


def propose(folder: Path, films: Path | None, soundtracks: Path | None, *, study: bool = False) -> Proposed:
    """Make a corpus, or add to one what is new in its folders.

    `films` and `soundtracks` are folders to look in, by default those inside the corpus. With `study` the study's 110
    films are listed, with empty paths where they are not found. CorpusError for no folder to look in, or a table that
    cannot be read.
    """
    films = _there(films, folder / "films")
    soundtracks = _there(soundtracks, folder / "soundtracks")
    if folder.is_file():
        raise CorpusError(f"{folder}: is a file; name a folder for the corpus")
    if films is None and not study:
        raise CorpusError(f"{folder}: say where the films are: --films FOLDER, and --soundtracks FOLDER")
    utf8(folder.resolve())
    found, albums = find_films(films) if films else [], find_albums(soundtracks) if soundtracks else []
    if films and not found and not study:
        raise CorpusError(f"{films}: holds no film; films end in .mkv, .mp4, .avi ...")
    try:
        table = filmtable.read_table(filmtable.find_table(folder)) if folder.is_dir() else None
    except CorpusError as error:
        if "no such file" not in str(error):
            raise
        table = None
    old = filmtable.plain(table) if table else pd.DataFrame(columns=_COLUMNS, dtype=str)
    have = {filmtable.locate(folder, p).resolve() for p in old["film"] if p}
    used = {filmtable.locate(folder, p).resolve() for c in ("soundtrack", "library") for p in old.get(c, ()) if p}
    fresh = [f for f in found if f.path.resolve() not in have]
    free = [a for a in albums if not {p.resolve() for p in (a.path, *a.more)} & used]
    matches = match(fresh, free)
    taken = [m.album for m in matches if m.album]
    unmatched = [clean(a.path.relative_to(soundtracks)) for a in free if a not in taken] if soundtracks else []
    rows = _rows(folder, fresh, matches, old, study)
    path = folder / "films.csv" if table is None else table.path
    result = Proposed(path, len(found), len(albums), rows, unmatched)
    if rows:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        result.path = _write(path, rows, table)
    return result


def _there(given: Path | None, usual: Path) -> Path | None:
    if given is None:
        return usual if usual.is_dir() else None
    given = given.expanduser()
    if not given.is_dir():
        raise CorpusError(f"{given}: no such folder")
    return given.resolve()


def _rows(folder: Path, films: list[FoundFilm], matches: list[Match], old: pd.DataFrame, study: bool) -> list[dict]:
    """A row for every new film; of the study's, title, genres and IMDb id are known."""
    known, wanted = paper.films().to_dict("records"), old[old["film"] == ""].to_dict("records")
    ids = {one_name(i): paths for i, paths in zip(old["film_id"], old["film"], strict=True)}
    rows = []
    for film, found in zip(films, matches, strict=True):
        row = dict.fromkeys(_COLUMNS, "") | {"title": clean(found.title), "year": str(found.year or "")}
        if listed := _listed(found, known):
            row |= {c: str(listed[c]) for c in ("film_id", "title", "year", "genres", "imdb_id")}
        if here := _listed(found, wanted):  # in the table without a path: it is filled in
            row["film_id"] = here["film_id"]
        row |= {"film": _written(folder, film.path), "confidence": found.confidence}
        if found.album:
            row["soundtrack"] = _written(folder, found.album.path)
            row["library"] = _written(folder, found.album.more[0]) if found.album.more else ""
        elif film.doubt:
            row["confidence"] = f"doubtful: {film.doubt}"
        if not here or ids[one_name(row["film_id"])]:
            row["film_id"] = _new_id(row["film_id"] or found.title, found.year, ids)
        ids[one_name(row["film_id"])] = row["film"]
        rows.append(row)
    for film in known if study else ():
        if one_name(film["film_id"]) not in ids:
            rows.append(dict.fromkeys(_COLUMNS, "") | {c: str(film[c]) for c in _COLUMNS if c in film})
    return rows


def _listed(found: Match, films: list[dict]) -> dict | None:
    """The film of this title and year in a list."""
    year = found.year or -9
    near = [f for f in films if abs(int(f["year"] or -99) - year) <= 1 and alike(f["title"], found.title) == 1]
    return near[0] if len(near) == 1 else None


def _written(folder: Path, path: Path) -> str:
    """A path as the table has it: relative where it lies in the corpus."""
    path, home = path.resolve(), folder.resolve()
    return clean((path.relative_to(home) if path.is_relative_to(home) else path).as_posix())


def _new_id(title: str, year: int | None, ids: dict[str, str]) -> str:
    """A short plain name that no other film has."""
    bare = re.sub(r"[^a-z0-9]+", "_", anyascii(title).lower().replace("'", ""))[:_ID].strip("_") or "film"
    bare = f"film_{bare}" if bare.lower() in _WINDOWS or not good_id(bare) else bare
    names = [bare, *([f"{bare}_{year}"] if year else []), *(f"{bare}_{n}" for n in range(2, 10_000))]
    return next(name for name in names if one_name(name) not in ids)


def _write(path: Path, rows: list[dict[str, str]], table: filmtable.FilmTable | None) -> Path:
    """Write a new table, or add to the one that is there; where that is no plain CSV, into a file beside it."""
    new = pd.DataFrame(rows, columns=_COLUMNS)
    if table is None:
        return _write_csv(path, new)
    data = path.read_bytes()
    plain_text = not data.startswith((b"PK", b"\xd0\xcf")) and decode(path, data)[1] == ""
    lines = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""))) if plain_text else []
    names = [filmtable.column(h) for h in lines[table.head_row - 1]] if len(lines) >= table.head_row else []
    end = "\r\n" if b"\r\n" in data else "\n"
    body = data if data.endswith(b"\n") else data + end.encode()
    if "film_id" not in names or _csv(lines, end).encode() != body:
        beside = path.with_name("films-new.csv")
        if beside.exists():
            raise CorpusError(f"{beside}: exists; put its rows into {path.name} and remove it, then try again")
        return _write_csv(beside, new)
    known = {one_name(row[names.index("film_id")]): row for row in lines[table.head_row :] if len(row) == len(names)}
    for row in defused(new).to_dict("records"):
        if (there := known.get(one_name(row["film_id"]))) is None:
            lines.append([row.get(name, "") for name in names])
            continue
        for at, name in enumerate(names):  # a row without a path: only what is empty is filled
            there[at] = there[at] or row.get(name, "")
    write_atomically(path, lambda part: part.write_bytes(_csv(lines, end).encode()))
    return path


def _csv(lines: list[list[str]], end: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(lines)
    return out.getvalue()


def _write_csv(path: Path, table: pd.DataFrame) -> Path:
    table = table.loc[:, [c for c in table if c in (*filmtable.COLUMNS, "confidence") or table[c].any()]]
    write_atomically(path, lambda part: defused(table).to_csv(part, index=False, lineterminator="\n"))
    return path
