"""``filmlens check``: every problem of a corpus at once, each with file, row and remedy."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from filmlens import corpus as corpus_
from filmlens.corpus import CorpusError, Film, archive, find_folder, read_films
from filmlens.corpus.films import SOUND_ENDINGS, annotation_files, files_in, one_name
from filmlens.corpus.filmtable import KNOWN
from filmlens.media import container, pictures, sound
from filmlens.media.apart import Died, apart
from filmlens.media.container import MediaError, Medium
from filmlens.media.structure import structure
from filmlens.media.watch import watched
from filmlens.text import clean

_SHORT_S = 0.1  # a sound that ends so much before its stated end lacks it
_LIMIT_S = 3600.0
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


class _Checked(NamedTuple):
    problems: list[str]
    summary: str


class Checked(_Checked):
    """The result of `check`: problems as text, and the sums of what was found.

    Attributes
    ----------
    notes : tuple of str
        What is good to know, and no problem.
    """

    notes: tuple[str, ...] = ()


class Looked(NamedTuple):
    """What a look into one media file found."""

    seconds: float
    problems: list[str]
    streams: list[str]


def check(folder: str | Path) -> Checked:
    """Look at every row and file of a corpus; nothing is written.

    Returns
    -------
    Checked
        Problems, each with file and row, and a summary of films, hours, tracks, genres and annotations; notes: which
        of several sounds is read, and which files of a soundtrack folder are not.

    Raises
    ------
    CorpusError
        When there is no table of films to check.
    """
    folder = find_folder(folder)
    table, films, faults, not_owned, told, questions = read_films(folder)
    if (folder / archive.MARK).is_file():
        genres = {g for film in films for g in film.genres}
        return Checked([f"{table}: {f}" for f in faults], f"{len(films)} films, {len(genres)} genres, no media: shared")
    problems, notes = [f"{table}: {fault}" for fault in (*faults, *questions)], [told] * bool(told)
    if not_owned:
        notes.append(f"{table}: {_counted(len(not_owned), 'film')} without a path: not owned, and left out")
    problems += [f"{table} row 1: {text}" for text in _strange_columns(films)]
    problems += _nobodys_annotations(folder, films)
    seconds, tracks, cues = 0.0, 0, 0
    for film in films:
        where = f"{table} row {film.row}"
        if not film.genres:
            problems.append(f"{where}: {film.id} has no genre; write one or more, separated by |")
        for column in ("picture_start", "credits_start"):
            try:
                film.seconds(column)
            except ValueError as error:
                problems.append(f"{where}: {column} {error}")
        looked = _look(film.sound, True)
        problems += [f"{where}: {fault}" for fault in looked.problems]
        notes += [f"{where}: {film.id}: {text}" for text in looked.streams]
        names, faults, more = _read_tracks(film)
        problems += faults
        notes += more
        count, faults = _read_annotation(film, names, looked.seconds)
        problems += faults
        seconds, tracks, cues = seconds + looked.seconds, tracks + len(names), cues + count
    genres = {g for film in films for g in film.genres}
    hours = f"{seconds / 3600:.2f} hours"
    counts = [(len(films), "film"), (tracks, "track"), (len(genres), "genre"), (cues, "annotated cue")]
    summary = ", ".join([_counted(*counts[0]), hours, *(_counted(*count) for count in counts[1:])])
    checked = Checked([clean(problem) for problem in problems], summary)
    checked.notes = tuple(clean(note) for note in notes)
    return checked


def _counted(number: int, thing: str) -> str:
    """A number with its noun."""
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


def _look(path: Path | Medium, film: bool) -> Looked:
    """A look into a file, in a process of its own: a decoder that crashes is a problem of that file."""
    try:
        return apart(look_into, path, film, limit=_LIMIT_S)
    except Died as error:
        return Looked(0.0, [str(error)], [])
    except Exception as error:  # whatever a damaged file brings about, the others are looked at
        return Looked(0.0, [f"{path}: cannot be read ({type(error).__name__}: {error}); is it complete?"], [])


def look_into(path: Path | Medium, film: bool) -> Looked:
    """Length of a film or track, and what is wrong with it: its first second and its last are decoded.

    Parameters
    ----------
    path : path
    film : bool
        Whether its pictures and its further sounds matter, too.
    """
    try:
        info = container.probe(path)
        if not info.has_sound:
            what = "the film has no sound; no music can be found in it" if film else "has no sound"
            return Looked(0.0, [f"{path}: {what}"], [])
        problems = _decodes(path)
        streams, read = container.sound_streams(path)
        told = [f"{stream}{', which is read' if stream.number == read else ''}" for stream in streams]
        if film and info.has_pictures:
            with watched():
                if next(pictures.sample_luma(path, spans=[(0, 2)]), None) is None:
                    problems.append(f"{path}: its pictures cannot be decoded; is it complete?")
        return Looked(info.duration, problems, told if film and len(streams) > 1 else [])
    except MediaError as error:
        return Looked(0.0, [str(error)], [])


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
    says = structure(Path(path))
    lacks = stated - (stated - 3 + len(last) / rate) if stated > 3 else 0.0
    if lacks > _SHORT_S or says.cut:
        more = f" {lacks:.1f} s" if lacks > _SHORT_S else ""
        return [f"{path}: says it is longer than it is, its sound ends{more} before; it looks truncated, copy it again"]
    if says.unread:
        return [f"{path}: several files follow each other in this one and only the first is read; part them"]
    if says.overlong and not says.wrapped:
        return [f"{path}: holds more sound than its header says, and all of it is read; write it anew"]
    return []


def _read_tracks(film: Film) -> tuple[set[str], list[str], list[str]]:
    """Names of tracks, what is wrong with them, and which files are passed over."""
    try:
        tracks = film.tracks()
    except CorpusError as error:
        return set(), [str(error)], []
    where, faults, aside = film.where, [], []
    for name, path in tracks.items():
        faults += [f"{where}: track of {film.id}: {fault}" for fault in _look(path, False).problems]
        if not _is_text(path.name):
            faults.append(f"{where}: the name of track {name!r} of {film.id} is no UTF-8 text; rename the file")
    for folder in filter(None, (film.soundtrack, film.library)):
        for path in sorted(folder.joinpath(*parts) for parts in files_in(folder)):
            if path.suffix.lower() in SOUND_ENDINGS:
                continue
            if path.suffix.lower() in _NO_SOUND or _look(path, False).problems:
                aside.append(path.name)
            else:
                faults.append(f"{where}: {path} can be read as sound but its ending is unknown; rename it")
    return set(tracks), faults, [f"{where}: {film.id}: no tracks: {', '.join(sorted(aside))}"] if aside else []


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
