"""What a corpus holds, and all that is wrong with it at once, each problem with file, row and remedy."""

import difflib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from filmlens.artefacts import Ledger, cache_folder, ledger_of
from filmlens.corpus import USAGES, Corpus, CorpusError, Film, annotators, archive, filmtable, find_folder, read_films
from filmlens.corpus.doubles import same_films, shared_tracks
from filmlens.corpus.films import annotation_files, genre_table, one_name
from filmlens.corpus.filmtable import KNOWN
from filmlens.corpus.listing import SOUND_ENDINGS
from filmlens.corpus.looks import Looked, Music, Track, is_beside, look_at_films, look_at_folders
from filmlens.media.apart import apart
from filmlens.media.container import MediaInfo, probe
from filmlens.media.opening import Source
from filmlens.text import clean

_LIMIT_S = 3600.0
_SHOWN = 5  # names in one line


@dataclass
class FilmFacts:
    """What is there of one film, None where it cannot be read; `cues` are annotated, `missing` says what it lacks."""

    film: Film
    info: MediaInfo | None = None
    tracks: dict[str, Track | None] = field(default_factory=dict)
    cues: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return self.info.duration if self.info else 0.0

    @property
    def music_seconds(self) -> float:
        """Length of all tracks together."""
        return sum(track.seconds for track in self.tracks.values() if track)


@dataclass
class Facts:
    """What is there of a corpus; `not_owned` are rows without a path, `shared` ids of films to what they share."""

    films: list[FilmFacts]
    not_owned: int = 0
    shared: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    synthetic: bool = False

    def labels(self) -> pd.DataFrame:
        """Films x genres, True where a film carries the genre."""
        return genre_table(f.film for f in self.films)


@dataclass
class Checked:
    """The result of `check`: problems, notes that are none, and counts of genres, annotated cues and shared music."""

    problems: list[str]
    summary: str
    notes: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=lambda: Facts([]))
    counts: list[str] = field(default_factory=list)


def gather(corpus: Corpus) -> Facts:
    """Facts of an open corpus, from the headers of its files; what cannot be read is missing."""
    films = []
    for film in corpus:
        facts = FilmFacts(film)
        if not corpus.shared:
            [facts.info] = _headers(f"{film.film} {film.sound.choice}", [film.sound])
            with suppress(CorpusError):  # told by `check`
                tracks = film.tracks()
                infos = _headers(film.soundtrack, tracks.values())
                facts.tracks = {name: info and Track.of(info) for name, info in zip(tracks, infos, strict=True)}
        with suppress(CorpusError):
            table = film.annotations()
            facts.cues = 0 if table is None else len(table)
        facts.missing = missing(facts, shared=corpus.shared)
        films.append(facts)
    return Facts(films, shared={} if corpus.shared else shared_tracks(corpus), synthetic=corpus.synthetic)


def _headers(place: object, files: Iterable[Source]) -> list[MediaInfo | None]:
    """What the headers of files say, kept in the user's cache as long as they are the same."""
    with Ledger(ledger_of(Path(str(place)), cache_folder() / "headers")) as known:
        found = [known.get(Path(file), partial(_header, file)) for file in files]
    return [info and MediaInfo(**info) for info in found]


def _header(file: Source) -> dict | None:
    try:
        return asdict(apart(probe, file, limit=_LIMIT_S))
    except (OSError, ValueError):
        return None


def missing(facts: FilmFacts, *, shared: bool = False) -> list[str]:
    """What a film lacks, in words."""
    lacks = ["genre"] * (not facts.film.genres) + ["year"] * (facts.film.year is None)
    if shared:
        return lacks
    lacks += ["film file"] * (facts.info is None) + ["soundtrack"] * (not facts.tracks)
    if facts.info is not None:
        lacks += ["sound"] * (not facts.info.has_sound) + ["pictures"] * (not facts.info.has_pictures)
    unread = sum(track is None for track in facts.tracks.values())
    return lacks + [f"{unread} of {len(facts.tracks)} tracks cannot be read"] * bool(unread)


def check(folder: str | Path) -> Checked:
    """Look at every row and file of a corpus; nothing is written there. CorpusError without a table of films."""
    folder = find_folder(folder)
    table, films, faults, not_owned, understood, questions = read_films(folder)
    problems = [f"{table} {fault}" for fault in (*faults, *questions)]
    facts = Facts([FilmFacts(film) for film in films], len(not_owned), synthetic=(folder / "planted.json").is_file())
    if (folder / archive.MARK).is_file():
        counts = f"{counted(len(films), 'film')}, {counted(len(facts.labels().columns), 'genre')}"
        return Checked(problems, f"{counts}, no media: shared", facts=facts)
    notes = [understood] * bool(understood)
    if not_owned:
        notes.append(f"{table}: {counted(len(not_owned), 'film')} without a path: not owned, and left out")
    doubtful = [f for f in films if f.more.get("confidence", "").startswith("doubtful")]  # marked by `filmlens new`
    notes += [f"{film.where}: {film.id}: {film.more['confidence']}" for film in doubtful]
    problems += [f"{table} row 1: {text}" for text in _strange_columns(films)]
    ids = {one_name(film.id): film.id for film in films}
    nobodys = [path for path in annotation_files(folder) if one_name(path.stem) not in ids]
    problems += [f"{path}: {annotators.stray(path, ids.values())}" for path in nobodys]
    problems += annotators.strange(folder, [film.id for film in films])
    looks = look_at_films(films)
    # films may have one soundtrack, or one library, together
    folders = look_at_folders(folder for film in films for folder in (film.soundtrack, film.library) if folder)
    for film in facts.films:
        _check_film(film, looks[film.film.id], folders, problems, notes)
    lengths = {film.film.id: film.seconds for film in facts.films}
    for one, other in same_films([f.film for f in facts.films if f.info], lengths):
        problems.append(f"{other.where}: {other.id} is the same film as {one.id} in row {one.row}; remove one")
    facts.shared = shared_tracks(films, lambda folder: folders[folder].listed())
    problems, notes, counts = ([clean(line) for line in lines] for lines in (problems, notes, _counts(facts)))
    return Checked(problems, _summary(facts), notes, facts, counts)


def _strange_columns(films: list[Film]) -> list[str]:
    """Columns without a name, or so like a known one that a slip of the pen is likely."""
    found = []
    for column in films[0].more if films else []:
        near = difflib.get_close_matches(column.lower(), KNOWN, 1, 0.8)
        if not column.strip() or column.startswith("Unnamed:"):
            found.append("a column has no name; name or remove it")
        elif column not in KNOWN and near:
            found.append(f"column {column!r} is of no known kind; is {near[0]!r} meant?")
    return found


def _check_film(
    facts: FilmFacts, looked: Looked, folders: Mapping[Path, Music], problems: list[str], notes: list[str]
) -> None:
    """Fill in what is there of one film, and tell its problems and notes."""
    film, where = facts.film, facts.film.where
    if not film.genres:
        problems.append(f"{where}: {film.id} has no genre; write one or more, separated by |")
    for column in ("picture_start", "credits_start"):
        try:
            film.seconds(column)
        except ValueError as error:
            problems.append(f"{where}: {column} {error}")
    facts.info = looked.info
    hint = filmtable.path_hint(film.written.get("film", "")) if not os.path.exists(film.film) else ""
    problems += [f"{where}: {fault}{hint and f' ({hint})'}" for fault in looked.problems]
    notes += [f"{where}: {film.id}: {text}" for text in looked.streams]
    if aside := _read_tracks(facts, folders, problems):
        notes.append(f"{where}: {film.id}: no tracks: {', '.join(sorted(aside))}")
    _read_annotation(facts, problems)
    facts.missing = missing(facts)


def _read_tracks(facts: FilmFacts, folders: Mapping[Path, Music], problems: list[str]) -> list[str]:
    """Tracks by name, and what is wrong with them; every file is looked at. The names of those passed over."""
    film, where, aside = facts.film, facts.film.where, []
    try:
        film.sound_files(lambda folder: folders[folder].listed())
    except CorpusError as error:
        problems.append(str(error))
    for folder in filter(None, (film.soundtrack, film.library)):
        music = folders[folder]
        facts.tracks |= {name: track for name, track in music.tracks().items() if name not in facts.tracks}
        for place in music.odd():
            path, faults = music.files.path(place), music.problems.get(place, [])
            if os.path.splitext(path)[1].lower() in SOUND_ENDINGS:
                problems += [f"{where}: track of {film.id}: {fault}" for fault in faults]
                if os.path.basename(path).encode(errors="ignore").decode() != os.path.basename(path):
                    name = f"track {music.files.name(place)!r} of {film.id}"
                    problems.append(f"{where}: the name of {name} is no UTF-8 text; rename the file")
            elif is_beside(path) or faults:
                aside.append(os.path.basename(path))
            else:
                problems.append(f"{where}: {path} can be read as sound but its ending is unknown; rename it")
    return aside


def _read_annotation(facts: FilmFacts, problems: list[str]) -> None:
    film, length = facts.film, facts.seconds
    try:
        table = film.annotations()
    except CorpusError as error:
        problems.append(str(error))
        return
    facts.cues = 0 if table is None else len(table)
    for row, cue in table.iterrows() if facts.cues else ():
        where = f"{film.annotation} row {row}"
        if length and cue["end"] > length + 1:
            problems.append(f"{where}: the cue ends at {cue['end']:.1f} s, outside the film of {length:.1f} s")
        if facts.tracks and cue["track"] not in facts.tracks:
            near = difflib.get_close_matches(str(cue["track"]), facts.tracks, 1)
            hint = f"; is {near[0]!r} meant?" if near else ""
            problems.append(f"{where}: track {cue['track']!r} is no file of the soundtrack{hint}")
        if str(cue.get("usage") or "score") not in USAGES:
            problems.append(f"{where}: usage {cue['usage']!r} is none of {', '.join(sorted(USAGES))}")


def _summary(facts: Facts) -> str:
    tracks, cues = sum(len(f.tracks) for f in facts.films), sum(f.cues for f in facts.films)
    counts = [(tracks, "track"), (len(facts.labels().columns), "genre"), (cues, "annotated cue")]
    length = f"{sum(f.seconds for f in facts.films) / 3600:.2f} hours"
    return ", ".join([counted(len(facts.films), "film"), length, *(counted(*count) for count in counts)])


def _counts(facts: Facts) -> list[str]:
    films = [f"{genre} {number}" for genre, number in facts.labels().sum().items()]
    cues = [f"{f.film.id} {f.cues}" for f in facts.films if f.cues]
    more = f" and {len(cues) - _SHOWN} more films" if len(cues) > _SHOWN else ""
    lines = [f"films by genre: {', '.join(films)}"] if films else []
    lines += [f"annotated cues by film: {', '.join(cues[:_SHOWN])}{more}"] if cues else []
    for ids, names in facts.shared.items():
        shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        lines.append(f"{', '.join(ids)} share {counted(len(names), 'soundtrack file')}: {shown}")
    return lines


def counted(number: int, thing: str) -> str:
    """A number with its noun.

    >>> counted(1, "film"), counted(0, "film")
    ('1 film', '0 films')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def hours(seconds: float) -> str:
    """A length for reading.

    >>> hours(80), hours(3240), hours(5400)
    ('1.3 min', '54 min', '1.5 h')
    """
    if seconds < 3600:
        return f"{seconds / 60:.2g} min"
    return f"{seconds / 3600:.2g} h" if seconds < 36_000 else f"{seconds / 3600:.0f} h"
