"""``filmlens check``: every problem of a corpus at once, each with file, row and remedy."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filmlens.corpus import USAGES, CorpusError, Film, annotators, archive, filmtable, find_folder, read_films
from filmlens.corpus.doubles import same_films, shared_tracks
from filmlens.corpus.facts import Facts, FilmFacts, missing
from filmlens.corpus.films import annotation_files, one_name
from filmlens.corpus.filmtable import KNOWN
from filmlens.corpus.listing import SOUND_ENDINGS
from filmlens.corpus.looks import Looked, Music, is_beside, look_at_films, look_at_folders
from filmlens.text import clean

_SHOWN = 5  # names in one line


@dataclass
class Checked:
    """The result of `check`; `problems` have file, row and remedy, `notes` are good to know and no problem.

    `counts` tell genres with their films, where cues are annotated, and which films share music.
    """

    problems: list[str]
    summary: str
    notes: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=lambda: Facts([]))
    counts: list[str] = field(default_factory=list)


def check(folder: str | Path) -> Checked:
    """Look at every row and file of a corpus; nothing is written there. CorpusError without a table of films."""
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
        faults, more = _check_film(film, looks[film.film.id], folders)
        problems += faults
        notes += more
    lengths = {film.film.id: film.seconds for film in facts.films}
    for one, other in same_films([f.film for f in facts.films if f.info], lengths):
        problems.append(f"{other.where}: {other.id} is the same film as {one.id} in row {one.row}; remove one")
    facts.shared = shared_tracks(films, lambda folder: folders[folder].listed())
    problems, notes, counts = ([clean(line) for line in lines] for lines in (problems, notes, _counts(facts)))
    return Checked(problems, _summary(facts), notes, facts, counts)


def _check_film(facts: FilmFacts, looked: Looked, folders: Mapping[Path, Music]) -> tuple[list[str], list[str]]:
    """Fill in what is there of one film; problems and notes."""
    film, where, problems = facts.film, facts.film.where, []
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
    notes = [f"{where}: {film.id}: {text}" for text in looked.streams]
    faults, more = _read_tracks(facts, folders)
    facts.cues, wrong = _read_annotation(film, facts.tracks.keys(), facts.seconds)
    facts.missing = missing(facts)
    return [*problems, *faults, *wrong], notes + more


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


def counted(number: int, thing: str) -> str:
    """A number with its noun.

    >>> counted(1, "film"), counted(0, "film")
    ('1 film', '0 films')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


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


def _read_tracks(facts: FilmFacts, folders: Mapping[Path, Music]) -> tuple[list[str], list[str]]:
    """Tracks by name, what is wrong with them, and which files are passed over; every file is looked at."""
    film, where, faults, aside = facts.film, facts.film.where, [], []
    try:
        film.sound_files(lambda folder: folders[folder].listed())
    except CorpusError as error:
        faults.append(str(error))
    for folder in filter(None, (film.soundtrack, film.library)):
        music = folders[folder]
        facts.tracks |= {n: track for n, track in music.tracks().items() if n not in facts.tracks}
        for place in music.odd():
            path, problems = music.files.path(place), music.problems.get(place, [])
            if os.path.splitext(path)[1].lower() in SOUND_ENDINGS:
                faults += [f"{where}: track of {film.id}: {fault}" for fault in problems]
                if os.path.basename(path).encode(errors="ignore").decode() != os.path.basename(path):
                    name = music.files.name(place)
                    faults.append(f"{where}: the name of track {name!r} of {film.id} is no UTF-8 text; rename the file")
            elif is_beside(path) or problems:
                aside.append(os.path.basename(path))
            else:
                faults.append(f"{where}: {path} can be read as sound but its ending is unknown; rename it")
    return faults, [f"{where}: {film.id}: no tracks: {', '.join(sorted(aside))}"] if aside else []


def _read_annotation(film: Film, tracks: Collection[str], length: float) -> tuple[int, list[str]]:
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
        if str(cue.get("usage") or "score") not in USAGES:
            faults.append(f"{where}: usage {cue['usage']!r} is none of {', '.join(sorted(USAGES))}")
    return len(table), faults
