"""``filmlens check``: every problem of a corpus at once, each with file, row and remedy."""

from __future__ import annotations

import difflib
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import av

from filmlens import corpus as corpus_
from filmlens.artefacts import Ledger, cache_folder, ledger_of
from filmlens.corpus import CorpusError, Film, annotators, archive, filmtable, find_folder, read_films
from filmlens.corpus.doubles import same_films, shared_tracks
from filmlens.corpus.facts import Facts, FilmFacts, missing
from filmlens.corpus.films import SOUND_ENDINGS, annotation_files, files_in, one_name, track_name
from filmlens.corpus.filmtable import KNOWN
from filmlens.media import container, pictures, sound
from filmlens.media.apart import Died, apart
from filmlens.media.container import MediaError, Medium
from filmlens.media.structure import structure
from filmlens.media.watch import watched
from filmlens.text import clean, reason

_VERSION = 1  # of `look_into`: raised when it finds something else in the same file
_SHORT_S = 0.1  # a sound that ends so much before its stated end lacks it
_LIMIT_S = 3600.0
_SHOWN = 5  # names in one line
#: Endings of what lies beside the tracks of an album and need not be tried.
_NO_SOUND = {
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".pdf", ".txt", ".log", ".md", ".nfo", ".cue"),
    *(
        ".m3u",
        ".m3u8",
        ".pls",
        ".xspf",
        ".url",
        ".ini",
        ".db",
        ".htm",
        ".html",
        ".xml",
        ".json",
        ".csv",
        ".sfv",
        ".md5",
    ),
}


@dataclass
class Checked:
    """The result of `check`.

    Attributes
    ----------
    problems : list of str
        Each with file, row and remedy.
    summary : str
        The sums of what was found.
    notes : list of str
        What is good to know, and no problem.
    facts : Facts
        What was found, film by film.
    counts : list of str
        Genres with their films, where cues are annotated, and which films share music.
    """

    problems: list[str]
    summary: str
    notes: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=lambda: Facts([]))
    counts: list[str] = field(default_factory=list)


class Looked(NamedTuple):
    """What a look into one media file found."""

    info: container.MediaInfo | None
    problems: list[str]
    streams: list[str]


def check(folder: str | Path) -> Checked:
    """Look at every row and file of a corpus; nothing is written there.

    Returns
    -------
    Checked
        Problems, each with file and row; notes say what was understood of the table, which of several sounds is read,
        and which files of a soundtrack folder are not.

    Raises
    ------
    CorpusError
        When there is no table of films to check.
    """
    folder = find_folder(folder)
    table, films, faults, not_owned, told, questions = read_films(folder)
    problems = [f"{table} {fault}" for fault in (*faults, *questions)]
    facts = Facts([FilmFacts(film) for film in films], len(not_owned), synthetic=(folder / "planted.json").is_file())
    if (folder / archive.MARK).is_file():
        counts = f"{counted(len(films), 'film')}, {counted(len(facts.labels().columns), 'genre')}"
        return Checked(problems, f"{counts}, no media: shared", facts=facts)
    notes = [told] * bool(told)
    if not_owned:
        notes.append(f"{table}: {counted(len(not_owned), 'film')} without a path: not owned, and left out")
    notes += _doubtful_rows(films)
    problems += [f"{table} row 1: {text}" for text in _strange_columns(films)]
    problems += _nobodys_annotations(folder, films)
    problems += annotators.strange(folder, [film.id for film in films])
    paths = {}
    for film in facts.films:
        faults, more, paths[film.film.id] = _check_film(film, f"{table} row {film.film.row}")
        problems += faults
        notes += more
    lengths = {film.film.id: film.seconds for film in facts.films}
    for one, other in same_films([f.film for f in facts.films if f.info], lengths):
        problems.append(
            f"{table} row {other.row}: {other.id} is the same film as {one.id} in row {one.row}; remove one"
        )
    facts.shared = shared_tracks(films, paths)
    problems, notes, counts = ([clean(line) for line in lines] for lines in (problems, notes, _counts(facts)))
    return Checked(problems, _summary(facts), notes, facts, counts)


def _check_film(facts: FilmFacts, where: str) -> tuple[list[str], list[str], dict[str, Path]]:
    """Fill in what is there of one film; problems, notes and the paths of its tracks."""
    film, problems = facts.film, []
    if not film.genres:
        problems.append(f"{where}: {film.id} has no genre; write one or more, separated by |")
    for column in ("picture_start", "credits_start"):
        try:
            film.seconds(column)
        except ValueError as error:
            problems.append(f"{where}: {column} {error}")
    with _ledger(f"{film.film} {film.sound.choice}") as known:
        looked = _look(film.sound, True, known)
    facts.info = looked.info
    hint = filmtable.path_hint(film.written.get("film", "")) if not os.path.exists(film.film) else ""
    problems += [f"{where}: {fault}{hint and f' ({hint})'}" for fault in looked.problems]
    notes = [f"{where}: {film.id}: {text}" for text in looked.streams]
    paths, faults, more = _read_tracks(facts)
    count, wrong = _read_annotation(film, set(paths), facts.seconds)
    facts.cues = count
    facts.missing = missing(facts)
    return [*problems, *faults, *wrong], notes + more, paths


def _summary(facts: Facts) -> str:
    tracks, cues = sum(len(f.tracks) for f in facts.films), sum(f.cues for f in facts.films)
    counts = [(tracks, "track"), (len(facts.labels().columns), "genre"), (cues, "annotated cue")]
    length = f"{sum(f.seconds for f in facts.films) / 3600:.2f} hours"
    return ", ".join([counted(len(facts.films), "film"), length, *(counted(*count) for count in counts)])


def _counts(facts: Facts) -> list[str]:
    """Genres with their films, annotated cues, shared music."""
    films = [f"{genre} {number}" for genre, number in facts.labels().sum().items()]
    cues = [f"{f.film.id} {f.cues}" for f in facts.films if f.cues]
    more = f" and {len(cues) - _SHOWN} more films" if len(cues) > _SHOWN else ""
    told = [f"films by genre: {', '.join(films)}"] if films else []
    told += [f"annotated cues by film: {', '.join(cues[:_SHOWN])}{more}"] if cues else []
    for ids, names in facts.shared.items():
        shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        told.append(f"{', '.join(ids)} share {counted(len(names), 'soundtrack file')}: {shown}")
    return told


def _doubtful_rows(films: list[Film]) -> list[str]:
    """Rows that `filmlens new` marked and nobody has looked at."""
    doubtful = [f for f in films if f.more.get("confidence", "").startswith("doubtful")]
    return [f"{film.where}: {film.id}: {film.more['confidence']}" for film in doubtful]


def counted(number: int, thing: str) -> str:
    """A number with its noun.

    >>> counted(1, "film"), counted(0, "film")
    ('1 film', '0 films')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _nobodys_annotations(folder: Path, films: list[Film]) -> list[str]:
    ids = {one_name(film.id): film.id for film in films}
    found = []
    for path in annotation_files(folder):
        if one_name(path.stem) not in ids:
            near = difflib.get_close_matches(path.stem, ids.values(), 1)
            hint = f"; is {near[0]!r} meant?" if near else "; rename or remove it"
            found.append(f"{path}: belongs to no film of films.csv{hint}")
    return found


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


def _look(path: Path | Medium, film: bool, known: Ledger) -> Looked:
    """A look into a file, in a process of its own: a decoder that crashes is a problem of that file."""

    looked = Looked(None, [], [])

    def find() -> list | None:
        nonlocal looked
        looked = apart(look_into, path, film, limit=_LIMIT_S)
        # what could not be opened may be tomorrow, without a change of the file
        return [asdict(looked.info), looked.problems, looked.streams] if looked.info else None

    try:
        found = known.get(Path(path), find)
        return Looked(container.MediaInfo(**found[0]), *found[1:]) if found else looked
    except Died as error:
        return Looked(None, [str(error)], [])
    except Exception as error:  # whatever a damaged file brings about, the others are looked at
        return Looked(None, [f"{path}: cannot be read ({reason(error)}); is it complete?"], [])


def _ledger(place: object) -> Ledger:
    """What was found of a folder's files, or of a film, kept in the user's cache: the corpus is not written to."""
    return Ledger(ledger_of(Path(str(place)), cache_folder() / "looks" / f"{_VERSION}-{av.__version__}"))


def look_into(path: Path | Medium, film: bool) -> Looked:
    """What a film or track holds, and all that is wrong with it: its first seconds and its last are decoded.

    Parameters
    ----------
    path : path
    film : bool
        Whether its pictures and its further sounds matter, too.
    """
    try:
        info, problems, told = container.probe(path), [], []
        if not info.has_sound:
            what = "the film has no sound; no music can be found in it" if film else "has no sound"
            problems.append(f"{path}: {what}")
        else:
            problems += _decodes(path)
            streams, read = container.sound_streams(path)
            told = [f"{stream}{', which is read' if stream.number == read else ''}" for stream in streams]
        if film and info.has_pictures:
            with watched():
                if next(pictures.sample_luma(path, spans=[(0, 2)]), None) is None:
                    problems.append(f"{path}: its pictures cannot be decoded; is it complete?")
        return Looked(info, problems, told if film and len(told) > 1 else [])
    except MediaError as error:
        return Looked(None, [str(error)], [])


def _decodes(path: Path | Medium) -> list[str]:
    """What is wrong with the beginning and the end of a sound; packets in between are counted when it is read."""
    with container.open_media(path) as box:
        stream = container.sound_stream(box, path)
        stated = container.stated_end(box, stream) if container.timed(box) else 0.0
    with watched():
        first = sound.read_audio(path, start=0, end=3.0)
        last, rate = first, sound.native_rate(path)
        if stated > 3:  # in other files the length is the one that was met
            last = sound.read_audio(path, start=stated - 3, end=stated)
    if not len(first):
        return [f"{path}: its sound cannot be decoded; is it complete?"]
    says, faults = structure(Path(path)), []
    lacks = stated - (stated - 3 + len(last) / rate) if stated > 3 else 0.0
    if lacks > _SHORT_S or says.cut:
        more = f" {lacks:.1f} s" if lacks > _SHORT_S else ""
        faults.append(
            f"{path}: says it is longer than it is, its sound ends{more} before; it looks truncated, copy it again"
        )
    if says.unread:
        faults.append(f"{path}: several files follow each other in this one and only the first is read; part them")
    if says.overlong and not says.wrapped:
        faults.append(f"{path}: holds more sound than its header says, and all of it is read; write it anew")
    return faults


def _read_tracks(facts: FilmFacts) -> tuple[dict[str, Path], list[str], list[str]]:
    """Tracks by name, what is wrong with them, and which files are passed over; every file is looked at."""
    film, where, faults, aside = facts.film, facts.film.where, [], []
    paths: dict[str, Path] = {}
    try:
        film.tracks()
    except CorpusError as error:
        faults.append(str(error))
    for folder in filter(None, (film.soundtrack, film.library)):
        with _ledger(folder) as ledger:
            looks = [(path, name, _look_at_track(path, ledger)) for path, name in _files(folder)]
        for path, name, looked in looks:
            if path.suffix.lower() in SOUND_ENDINGS:
                faults += [f"{where}: track of {film.id}: {fault}" for fault in looked.problems]
                paths.setdefault(name, path)
                facts.tracks.setdefault(name, looked.info)
                if not _is_text(path.name):
                    faults.append(f"{where}: the name of track {name!r} of {film.id} is no UTF-8 text; rename the file")
            elif looked is None or looked.problems:
                aside.append(path.name)
            else:
                faults.append(f"{where}: {path} can be read as sound but its ending is unknown; rename it")
    return paths, faults, [f"{where}: {film.id}: no tracks: {', '.join(sorted(aside))}"] if aside else []


def _look_at_track(path: Path, known: Ledger) -> Looked | None:
    """A look into a file of a soundtrack; None where its ending says that it is no sound."""
    return None if path.suffix.lower() in _NO_SOUND else _look(path, False, known)


def _files(folder: Path | None) -> list[tuple[Path, str]]:
    """Files of a folder of music with their names as tracks; none of one that is missing, which is told elsewhere."""
    if folder is None or not os.path.isdir(folder):
        return []
    with suppress(OSError):
        return [(folder.joinpath(*parts), track_name("/".join(parts))) for parts in sorted(files_in(folder))]
    return []


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _read_annotation(film: Film, tracks: set[str], length: float) -> tuple[int, list[str]]:
    try:
        table = film.annotations()
    except CorpusError as error:
        return 0, [str(error)]
    if table is None:
        return 0, []
    faults = []
    for row, cue in table.iterrows():
        where = f"{film.annotation} row {row}"
        if length and cue["end"] > length + 1:
            faults.append(f"{where}: the cue ends at {cue['end']:.1f} s, outside the film of {length:.1f} s")
        if tracks and cue["track"] not in tracks:
            near = difflib.get_close_matches(str(cue["track"]), tracks, 1)
            hint = f"; is {near[0]!r} meant?" if near else ""
            faults.append(f"{where}: track {cue['track']!r} is no file of the soundtrack{hint}")
        if str(cue.get("usage") or "score") not in corpus_.USAGES:
            faults.append(f"{where}: usage {cue['usage']!r} is none of {', '.join(sorted(corpus_.USAGES))}")
    return len(table), faults
