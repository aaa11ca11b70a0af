"""A look into every media file of a corpus: what it holds, and all that is wrong with it.

Files are opened in processes of their own, a few at once. What was found stays in the user's cache as long as a file
has the size and time of change that it had, so that the next look only lists folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import av

from filmlens.artefacts import Ledger, cache_folder, ledger_of, look
from filmlens.corpus.films import Film, files_in, track_name
from filmlens.media import container, pictures, sound
from filmlens.media.apart import AT_ONCE, Died, apart
from filmlens.media.container import MediaError, Medium
from filmlens.media.structure import structure
from filmlens.media.watch import watched
from filmlens.text import reason

_VERSION = 2  # of `look_into`: raised when it finds something else in the same file
_SHORT_S = 0.1  # a sound that ends so much before its stated end lacks it
_LIMIT_S = 3600.0
#: Endings of what lies beside the tracks of an album and need not be tried.
_NO_SOUND = {
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".pdf", ".txt", ".log", ".md", ".nfo", ".cue"),
    *(".m3u", ".m3u8", ".pls", ".xspf", ".url", ".ini", ".db", ".htm", ".html", ".xml", ".json", ".csv", ".sfv"),
    ".md5",
}


class Looked(NamedTuple):
    """What a look into one media file found."""

    info: container.MediaInfo | None
    problems: list[str]
    streams: list[str]


class File(NamedTuple):
    """A file as its folder lists it.

    Attributes
    ----------
    path : str
    seen : tuple of int
        Size and time of change, as `filmlens.artefacts.look` gives them.
    same : tuple of int
        Device and number there: equal for names of one file.
    """

    path: str
    seen: tuple[int, int]
    same: tuple[int, int]

    @classmethod
    def of(cls, path: str | Path) -> File:
        """Size -1 when there is none."""
        try:
            stat = os.stat(path)
        except OSError:
            return cls(str(path), look(path), (0, 0))
        return cls(str(path), (stat.st_size, stat.st_mtime_ns), (stat.st_dev, stat.st_ino))


class Track(NamedTuple):
    """A file of a folder of music with its name as a track; `looked` is None where its ending says it is no sound."""

    file: File
    name: str
    looked: Looked | None


def look_at_films(films: Iterable[Film]) -> dict[str, Looked]:
    """What the films' files hold, by film id."""

    def one(film: Film) -> Looked:
        file = File.of(film.film)
        with _ledger(f"{film.film} {film.sound.choice}") as known:
            return _told(known, file) or _kept(known, file, _look(film.sound, True))

    films = list(films)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((film.id for film in films), pool.map(one, films), strict=True))


def look_at_folder(folder: Path | None) -> list[Track]:
    """Every file of a folder of music; none of one that is missing, which is told elsewhere.

    Several names of one file (hard links) are looked at once.
    """
    files = _listed(folder)
    with _ledger(folder) as known:
        looks = {file: _told(known, file) for file, _ in files if not _is_beside(file)}
        names: dict[tuple, list[File]] = {}
        for file in (file for file, said in looks.items() if said is None):
            names.setdefault((file.same, file.seen, os.path.splitext(file.path)[1]), []).append(file)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            first = pool.map(lambda group: _look(Path(group[0].path), False), names.values())
            for group, found in zip(names.values(), first, strict=True):
                for file in group:  # a problem names its file
                    again = found.problems and file is not group[0]
                    looks[file] = _kept(known, file, _look(Path(file.path), False) if again else found)
    return [Track(file, name, looks.get(file)) for file, name in files]


def _listed(folder: Path | None) -> list[tuple[File, str]]:
    if folder is None or not os.path.isdir(folder):
        return []
    within = os.path.join(folder, "")
    with suppress(OSError):
        paths = ("/".join(parts) for parts in sorted(files_in(folder)))
        return [(File.of(within + path), track_name(path)) for path in paths]
    return []


def _is_beside(file: File) -> bool:
    return os.path.splitext(file.path)[1].lower() in _NO_SOUND


def _ledger(place: object) -> Ledger:
    """What was found of a folder's files, or of a film, kept in the user's cache: the corpus is not written to."""
    return Ledger(ledger_of(Path(str(place)), cache_folder() / "looks" / f"{_VERSION}-{av.__version__}"))


def _told(known: Ledger, file: File) -> Looked | None:
    """What was found when the file was as it is."""
    found = known.get(file.path, lambda: None, seen=file.seen)
    return found and Looked(container.MediaInfo(*found[0]), *found[1:])


def _kept(known: Ledger, file: File, looked: Looked) -> Looked:
    """A look that was just taken; of what could not be opened none stays: tomorrow it may be, without a change."""
    info = looked.info
    told = [list(vars(info).values()), looked.problems, looked.streams] if info else None
    known.get(file.path, lambda: told, seen=file.seen)
    return looked


def _look(path: Path | Medium, film: bool) -> Looked:
    """A look into a file, in a process of its own: a decoder that crashes is a problem of that file."""
    try:
        return apart(look_into, path, film, limit=_LIMIT_S)
    except Died as error:
        return Looked(None, [str(error)], [])
    except Exception as error:  # whatever a damaged file brings about, the others are looked at
        return Looked(None, [f"{path}: cannot be read ({reason(error)}); is it complete?"], [])


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
