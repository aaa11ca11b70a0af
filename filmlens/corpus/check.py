"""``filmlens check``: every problem of a corpus at once, each with file, row and remedy."""

from __future__ import annotations

import difflib
import warnings
from pathlib import Path
from typing import NamedTuple

from filmlens import corpus as corpus_
from filmlens.corpus import CorpusError, Film, archive, find_folder, read_films
from filmlens.media import container, pictures, sound
from filmlens.media.container import MediaError
from filmlens.text import clean

KNOWN = (*corpus_.COLUMNS, "library", "franchise", "composer", "imdb_id", "picture_start", "credits_start")


class Checked(NamedTuple):
    """The result of `check`: problems as text, and the sums of what was found."""

    problems: list[str]
    summary: str


def check(folder: str | Path) -> Checked:
    """Look at every row and file of a corpus; nothing is written.

    Returns
    -------
    Checked
        Problems, each with file and row, and a summary of films, hours, tracks, genres and annotations.

    Raises
    ------
    CorpusError
        When there is no table of films to check.
    """
    folder = find_folder(folder)
    table = folder / "films.csv"
    films, faults = read_films(folder)
    if (folder / archive.MARK).is_file():
        genres = {g for film in films for g in film.genres}
        return Checked([f"{table}: {f}" for f in faults], f"{len(films)} films, {len(genres)} genres, no media: shared")
    problems = [f"{table}: {fault}" for fault in faults]
    problems += [f"{table} row 1: {text}" for text in _strange_columns(films)]
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
        length = 0.0
        try:
            length = _read_film(film)
        except MediaError as error:
            problems.append(f"{where}: {error}")
        names, faults = _read_tracks(film)
        problems += faults
        count, faults = _read_annotation(film, names, length)
        problems += faults
        seconds, tracks, cues = seconds + length, tracks + len(names), cues + count
    genres = {g for film in films for g in film.genres}
    summary = (
        f"{len(films)} films, {seconds / 3600:.2f} hours, {tracks} tracks, {len(genres)} genres, {cues} annotated cues"
    )
    return Checked([clean(problem) for problem in problems], summary)


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


def _read_film(film: Film) -> float:
    """Length of a film whose first second and last two can be decoded; `MediaError` otherwise."""
    info = container.probe(film.film)
    if not info.has_sound:
        raise MediaError(f"{film.film}: the film has no sound; no music can be found in it")
    _decodes(film.film, info.duration)
    if info.has_pictures:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if next(pictures.sample_luma(film.film, spans=[(0, 1)]), None) is None:
                raise MediaError(f"{film.film}: its pictures cannot be decoded; is it complete?")
    return info.duration


def _decodes(path: Path, length: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = sound.read_audio(path, start=0, end=min(1.0, length))
        with container.open_media(path) as box:
            claimed = container.timed(box)  # in other files the length is the one that was met, and a seek is slow
        last = sound.read_audio(path, start=max(0.0, length - 3), end=length) if claimed else first
    if not len(first):
        raise MediaError(f"{path}: its sound cannot be decoded; is it complete?")
    if not len(last):
        raise MediaError(f"{path}: says it is {length:.0f} s long but ends before; it looks truncated, copy it again")


def _read_tracks(film: Film) -> tuple[set[str], list[str]]:
    try:
        tracks = film.tracks()
    except CorpusError as error:
        return set(), [str(error)]
    faults = []
    for path in tracks.values():
        try:
            _decodes(path, container.duration(path))
        except MediaError as error:
            faults.append(f"films.csv row {film.row}: track of {film.id}: {error}")
    return set(tracks), faults


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
