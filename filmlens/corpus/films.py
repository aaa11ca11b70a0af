"""What the user has: a folder with films.csv, media files and, where they exist, annotated cues.

``films.csv`` has the columns film_id, title, year, genres (``Action|Sci-Fi``), film (a media file; pure sound is
allowed) and soundtrack (a folder of tracks); library may name a folder of other music, language and audio_stream say
which of a film's sounds is its own; any further column is kept. Paths are relative to the corpus folder or absolute.
Nothing in the folder is ever written but ``derived/``, ``verdicts/``, ``exports/`` and figures.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from filmlens import look, paper, text
from filmlens.corpus import archive, filmtable
from filmlens.corpus.annotations import parse_time, read_cues
from filmlens.corpus.filmtable import COLUMNS
from filmlens.corpus.listing import Listing, list_names
from filmlens.corpus.sheets import CorpusError
from filmlens.media.opening import Medium

#: Endings of files of true cues, the first of several counts.
ANNOTATIONS = (".csv", ".txt", ".eaf", ".textgrid", ".svl", ".vtt", ".otio", ".jams")
USAGES = {"score", "song", "diegetic"}
#: Columns whose films can be held out together: films of one franchise or composer resemble each other.
GROUPS = ("franchise", "composer")
#: Films whose soundtracks hold the same recording, see `doubles.music_groups`.
SHARED_MUSIC = "shared-music"
_FILM_ID = re.compile(r"(?!\.)[^/\\]+")
_LONGEST_ID = 200  # bytes; names of files have 255


@dataclass(frozen=True)
class Film:
    """One row of films.csv; genres are in the house order.

    `film` is the media file, `soundtrack` the folder of tracks, `library` one of other music, `annotation` the file of
    true cues, `derived` where the corpus keeps what is computed; `more` has every further column as text. For messages:
    `row` and `table`, and paths as `written` there.
    """

    id: str
    title: str
    year: int | None
    genres: tuple[str, ...]
    film: Path
    soundtrack: Path | None
    annotation: Path | None
    row: int
    folder: Path
    more: Mapping[str, str] = field(default_factory=dict)
    library: Path | None = None
    derived: Path | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    table: str = "films.csv"

    @property
    def where(self) -> str:
        """The film's row, for messages."""
        return f"{self.folder / self.table} row {self.row}"

    @property
    def sound(self) -> Medium:
        """The film with which of its sounds is its own: what is read wherever its sound is heard or measured."""
        number = self.more.get("audio_stream", "").strip()
        return Medium(self.film, self.more.get("language", "").strip(), int(number) if number.isdigit() else None)

    @property
    def verdicts(self) -> Path:
        """Where what was judged of the film's cues is kept."""
        return self.folder / "verdicts" / f"{self.id}.csv"

    def tracks(self) -> dict[str, Path]:
        """Sound files by track name: the path without its ending in the soundtrack, or else in the library."""
        return {name: Path(path) for name, path in self.sound_files().items()}

    def sound_files(self, listed: Callable[[Path], Listing] = list_names) -> dict[str, str]:
        """As `tracks`, with paths as text: of half a million tracks that is quicker by seconds."""
        if self.library is None:
            return self._sound_files(self.soundtrack, "soundtrack", listed)
        found = self._sound_files(self.soundtrack, "soundtrack", listed) if self.soundtrack is not None else {}
        more = self._sound_files(self.library, "library", listed)
        return found | {name: path for name, path in more.items() if name not in found}

    def _sound_files(self, folder: Path | None, kind: str, listed: Callable[[Path], Listing]) -> dict[str, str]:
        if folder is None and (self.folder / archive.MARK).is_file():
            raise CorpusError(f"{self.id}: the music is not part of a shared corpus, only what was measured")
        if folder is None:
            raise CorpusError(f"{self.where}: no {kind} is named for {self.id}; fill the column {kind} with its folder")
        its = f"{self.where}: the {kind}"
        if os.path.isfile(folder):
            raise CorpusError(f"{its} {folder} of {self.id} is a file; name the folder of its tracks")
        if not os.path.isdir(folder):
            hint = filmtable.path_hint(self.written.get(kind, ""))
            raise CorpusError(f"{its} folder {folder} of {self.id} is missing{hint and '; ' + hint}")
        try:
            files = listed(folder)
        except OSError as error:
            raise CorpusError(
                f"{self.where}: {error.filename} in the {kind} folder of {self.id} cannot be listed "
                f"({error.strerror}); make it readable"
            ) from None
        places, twice = files.named
        if twice:
            called = [text.clean(os.path.basename(path)) for path in files.paths]
            clashes = ", ".join(f"{name!r} ({called[places[name]]}, {called[other]})" for name, other in twice)
            raise CorpusError(f"{self.where}: two sound files of {self.id} are named {clashes}; rename or remove one")
        if not places:
            raise CorpusError(f"{its} folder {folder} holds no sound file")
        return {name: files.path(place) for name, place in places.items()}

    def annotations(self) -> pd.DataFrame | None:
        """The true cues: start, end, track (and track_start, usage when given), by start; None without a file."""
        return None if self.annotation is None else read_cues(self.annotation)

    def seconds(self, column: str) -> float | None:
        """A further column as seconds, such as ``picture_start``; None when it is absent or empty."""
        given = self.more.get(column, "").strip()
        return parse_time(given) if given else None

    def _repr_html_(self) -> str:
        year = f" ({self.year})" if self.year else ""
        about = f"{self.id}: {', '.join(self.genres) or 'no genre'}; film {self.film.name}"
        return f"<p><b>{text.html(self.title)}</b>{year}<br>{text.html(about)}</p>"


class Corpus:
    """The films of a folder, in the order of films.csv; a film by its id is ``corpus["psycho"]``."""

    def __init__(self, folder: Path, films: list[Film], derived: Path, table: Path, understood: str):
        self.folder, self.derived, self.table = folder, derived, table
        self.understood = understood  # what was understood of the table that a plain one would not need
        self._films = {film.id: replace(film, derived=derived) for film in films}
        self.genres = look.genre_order(g for film in films for g in film.genres)

    @classmethod
    def open(
        cls, folder: str | Path, *, derived: str | Path | None = None, library: str | Path | None = None
    ) -> "Corpus":
        """Read films.csv of a folder (see `find_folder`); CorpusError has every fault at once, with row and remedy.

        Computed tables go to `derived`, by default $FILMLENS_DERIVED or ``folder/derived``. `library` is a folder of
        any music in which every film's cues are looked for too, by default that of the column ``library``.
        """
        folder = find_folder(folder)
        table = read_films(folder)
        films = table.films
        if table.faults:
            raise CorpusError("\n".join(f"{table.path} {fault}" for fault in table.faults))
        if not films:
            raise CorpusError(
                f"{table.path}: none of its {len(table.not_owned)} films has a file; fill the column film"
            )
        if library is not None:
            if not Path(library).expanduser().is_dir():
                raise CorpusError(f"{library}: no such folder of further music (--library)")
            films = [replace(film, library=Path(library).expanduser().resolve()) for film in films]
        derived = derived or os.environ.get("FILMLENS_DERIVED")
        computed = text.utf8(Path(derived).resolve()) if derived else folder / "derived"
        return cls(folder, films, computed, table.path, table.understood)

    def __len__(self) -> int:
        return len(self._films)

    def __iter__(self) -> Iterator[Film]:
        return iter(self._films.values())

    def __getitem__(self, film_id: str) -> Film:
        if film_id not in self._films:
            raise KeyError(f"no film {film_id!r} in {self.table}; it has {', '.join(self._films)}")
        return self._films[film_id]

    @property
    def ids(self) -> list[str]:
        """Film ids in the order of films.csv."""
        return list(self._films)

    @property
    def synthetic(self) -> bool:
        """Whether this is a corpus that ``filmlens demo`` made; everything shown from it says so."""
        return (self.folder / "planted.json").is_file()

    @property
    def shared(self) -> bool:
        """Whether this came from ``filmlens share``: what was measured is there, the films and music are not."""
        return (self.folder / archive.MARK).is_file()

    @property
    def films(self) -> pd.DataFrame:
        """One row per film: films.csv as it stands, genres as tuples."""
        rows = [
            {"film_id": f.id, "title": f.title, "year": f.year, "genres": f.genres, "film": str(f.film)}
            | {"soundtrack": str(f.soundtrack or "")}
            | dict(f.more)
            for f in self
        ]
        return pd.DataFrame(rows, columns=list(dict.fromkeys([*COLUMNS, *(k for r in rows for k in r)])))

    def labels(self) -> pd.DataFrame:
        """Films x genres, True where the film carries the genre; index film_id."""
        return genre_table(self)

    def table1(self) -> pd.DataFrame:
        """Table 1: how the films divide by genre, beside what the study's 110 do; `source` says who states that."""
        labels = self.labels()
        several = labels.sum(axis=1)
        counts = {f"films tagged {g}": int(labels[g].sum()) for g in self.genres}
        counts |= {"films with one genre": int((several == 1).sum())}
        counts |= {"films with several genres": int((several > 1).sum()), "films": len(self)}
        table = pd.DataFrame({"set": [n.removeprefix("films tagged ") for n in counts], "films": counts.values()})
        table["share"] = table["films"] / max(1, len(self))
        table["paper"] = [paper.number(name) for name in counts]
        table["paper share"] = table["paper"] / paper.number("films")
        kinds = ["second-hand" if paper.second_hand(name) else "text" for name in counts]
        return table.assign(source=[k if np.isfinite(n) else "" for k, n in zip(kinds, table["paper"], strict=True)])

    def among_the_studys(self) -> pd.DataFrame:
        """S1: the study's films, and which of them are here (`here`: the film_id, by IMDb id, else title and year)."""
        ours = {film.more.get("imdb_id", ""): film.id for film in self}
        named = {(film.title.casefold(), film.year): film.id for film in self}
        table = paper.films().copy()
        keys = zip(table["imdb_id"], table["title"].str.casefold(), table["year"], strict=True)
        table["here"] = [ours.get(imdb) or named.get((title, year), "") for imdb, title, year in keys]
        return table[["title", "year", "genres", "cues", "imdb_id", "here"]]

    def s1(self) -> pd.DataFrame:
        """S1: the films with their tags."""
        rows = [(f.id, f.title, f.year, ", ".join(f.genres)) for f in self]
        return pd.DataFrame(rows, columns=["film_id", "title", "year", "genres"]).astype({"year": "Int64"})

    def groups(self) -> pd.DataFrame:
        """Franchise and composer of every film as text; empty where it is not given."""
        index = pd.Index(self.ids, name="film_id")
        return pd.DataFrame({name: [film.more.get(name, "") for film in self] for name in GROUPS}, index=index)

    def __repr__(self) -> str:
        return f"Corpus({str(self.folder)!r}: {len(self)} films, {', '.join(self.genres) or 'no genre'})"

    def _repr_html_(self) -> str:
        kind = "synthetic corpus" if self.synthetic else "corpus"
        return look.page_part(look.html_table(self.s1(), caption=f"{len(self)} films of the {kind} {self.folder.name}"))


def genre_table(films: Iterable[Film]) -> pd.DataFrame:
    """Films x genres, True where a film carries the genre; index film_id."""
    films = list(films)
    table = {g: [g in f.genres for f in films] for g in look.genre_order(g for f in films for g in f.genres)}
    return pd.DataFrame(table, index=pd.Index([f.id for f in films], name="film_id"), dtype=bool)


def find_folder(folder: str | Path) -> Path:
    """A folder as given, or from the folder that holds the package; a zip is unpacked beside itself."""
    folder = Path(folder).expanduser()
    here = [folder, Path(__file__).resolve().parents[2] / folder]
    found = next((p.resolve() for p in here if p.is_dir() or (p.suffix == ".zip" and p.is_file())), None)
    if found is None:
        if file := next((p for p in here if p.exists()), None):
            raise CorpusError(f"{folder}: is a file; name the folder of the corpus, such as {file.resolve().parent}")
        places = ", ".join(dict.fromkeys(str(p.parent.resolve()) for p in here))
        raise CorpusError(f"{folder}: no such folder; looked for it in {places}")
    text.utf8(found)
    return archive.unpack_beside(found) if found.is_file() and found.suffix == ".zip" else found


class Films(NamedTuple):
    """Films that have a file, and ids of rows that name none (`not_owned`); faults and questions begin with the row."""

    path: Path
    films: list[Film]
    faults: list[str]
    not_owned: list[str]
    understood: str
    questions: list[str]


def read_films(folder: Path) -> Films:
    """Films of ``films.csv`` and every fault of the table; CorpusError when there is no table to read."""
    shared = (folder / archive.MARK).is_file()  # names no media, and is not believed if it does
    table = filmtable.read_table(filmtable.find_table(folder, names=("films.csv",) if shared else filmtable.NAMES))
    films, faults, seen, not_owned, annotated = [], list(table.faults), {}, [], {}
    for file in sorted(annotation_files(folder), key=lambda f: ANNOTATIONS.index(f.suffix.lower())):
        for name in (file.stem, one_name(file.stem)):
            annotated.setdefault(name, file)
    for row, line in table.lines.items():
        film_id = line["film_id"]
        there, before = seen.setdefault(one_name(film_id), (film_id, row))
        if wrong := _wrong_id(line["given_id"]):
            faults.append((row, wrong))
        elif before != row:
            how = "" if there == film_id else f", written {there!r}: the disk may take them for one"
            faults.append((row, f"film_id {film_id!r} stands in row {before} already{how}; make it unique"))
        if not re.fullmatch(r"\d*", line.get("audio_stream", "")):
            faults.append((row, f"audio_stream {line['audio_stream']!r} is no number; check lists them, from 0"))
        if not line["film"] and not shared:
            not_owned.append(film_id)
            continue
        named = {c: filmtable.locate(folder, line[c]) for c in filmtable.PATHS if line.get(c) and not shared}
        films.append(
            Film(
                id=film_id,
                title=line["title"],
                year=line["year"],
                genres=line["genres"],
                film=named.get("film", folder / "not shared" / "film"),
                soundtrack=named.get("soundtrack"),
                annotation=annotated.get(film_id, annotated.get(one_name(film_id))),
                row=row,
                folder=folder,
                more={k: v for k, v in line.items() if k not in (*COLUMNS, "given_id")},
                library=named.get("library"),
                written={c: line[c] for c in filmtable.PATHS if line.get(c)},
                table=table.path.name,
            )
        )
    if not table.lines and not faults:
        faults.append((table.head_row + 1, "no film; write one row per film"))
    questions, faults = ([f"row {row}: {said}" for row, said in rows] for rows in (table.questions, sorted(faults)))
    return Films(table.path, films, faults, not_owned, filmtable.understood(table), questions)


def _wrong_id(given: str) -> str:
    """What is wrong with a film_id; empty for a good one."""
    if not given:
        return "film_id is empty; write a short plain name"
    if good_id(given):
        return ""
    if len(given.encode(errors="replace")) > _LONGEST_ID:
        return f"film_id {given[:40]!r}... has more than {_LONGEST_ID} bytes: it names files; shorten it"
    return f"film_id {given[:60]!r} must be a plain name without / \\ or a leading dot: it names files"


def good_id(name: str) -> bool:
    """Whether a text may be a film_id, which names files.

    >>> good_id("it_chapter_two"), good_id("../it"), good_id(".it"), good_id("")
    (True, False, False, False)
    """
    return bool(_FILM_ID.fullmatch(name)) and text.clean(name) == name and len(name.encode()) <= _LONGEST_ID


def annotation_files(folder: Path) -> list[Path]:
    """The files of true cues in a corpus, whether they belong to a film or not."""
    files = sorted((folder / "annotations").glob("*"))
    return [f for f in files if f.suffix.lower() in ANNOTATIONS and not f.name.startswith(".")]


def one_name(name: str) -> str:
    """A name normalised as file systems compare it: accents composed (macOS decomposes them), case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
