"""A look into every media file of a corpus: what it holds, and all that is wrong with it.

What was found stays in the user's cache as long as a file has the same size and time: the next look lists folders.
"""

import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av

from filmlens import artefacts
from filmlens.corpus.films import Film
from filmlens.corpus.listing import NO_SOUND, Files, list_files
from filmlens.media import container, opening, pictures, sound
from filmlens.media.apart import AT_ONCE, apart
from filmlens.media.monitor import watched
from filmlens.media.opening import MediaError, Source
from filmlens.media.structure import structure
from filmlens.text import reason

_VERSION = 4  # of `look_into`: raised when it finds something else in the same file
_SHORT_S = 0.1  # a sound that ends so much before its stated end lacks it
_LIMIT_S = 3600.0


class Looked(NamedTuple):
    """What a look into one media file found."""

    info: container.MediaInfo | None
    problems: list[str]
    streams: list[str]


class Track(NamedTuple):
    """What is told of a track that can be read: seconds, and how it is stored (container and codec)."""

    seconds: float
    stored: str

    @classmethod
    def of(cls, info: container.MediaInfo) -> "Track":
        """What there is to tell of what a file holds."""
        return cls(info.duration, f"{info.container}: {info.sound_codec}")


@dataclass
class Music:
    """A folder of music and what a look into its files found, or why (`error`) it could not be listed.

    Of each file `seconds` (None of no sound) and how it is `stored`; `problems` by place.
    """

    files: Files
    seconds: list[float | None]
    stored: list[str]
    problems: dict[int, list[str]]
    error: OSError | None = None

    def listed(self) -> Files:
        """The files; raises what kept the folder from being listed."""
        if self.error:
            raise self.error
        return self.files

    def tracks(self) -> dict[str, Track | None]:
        """Tracks by name; None for one that cannot be read."""
        every = [None if s is None else Track(s, stored) for s, stored in zip(self.seconds, self.stored, strict=True)]
        return {name: every[place] for name, place in self.files.named[0].items()}

    def odd(self) -> list[int]:
        """Places of files that there is something to say of: a problem, no name of a track, no text as name."""
        every = set(range(len(self.files.paths)))
        try:
            "".join(self.files.paths).encode()
        except UnicodeEncodeError:
            return sorted(every)
        return sorted(every.difference(self.files.named[0].values()) | self.problems.keys())


def look_at_films(films: Iterable[Film]) -> dict[str, Looked]:
    """What the films' files hold, by film id."""

    def one(film: Film) -> Looked:
        seen = artefacts.look(film.film)
        with artefacts.Ledger(_place(f"{film.film} {film.sound.choice}")) as known:
            if found := known.get(film.film, lambda: None, seen=seen):
                return Looked(container.MediaInfo(*found[0]), *found[1:])
            looked = _look(film.sound, True)
            # of what could not be opened nothing stays: tomorrow it may be, without a change
            last = [list(vars(looked.info).values()), looked.problems, looked.streams] if looked.info else None
            known.get(film.film, lambda: last, seen=seen)
            return looked

    films = list(films)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((film.id for film in films), pool.map(one, films), strict=True))


def look_at_folders(folders: Iterable[Path]) -> dict[Path, Music]:
    """Every file of folders of music; several names of one file (hard links) are looked at once."""
    found, waiting = {}, deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for folder in dict.fromkeys(folders):
            found[folder], looks = _known(folder, pool)
            waiting.append((found[folder], folder, looks))
            if len(waiting) > AT_ONCE:  # what was found of a folder is kept while the next are looked at
                _finish(*waiting.popleft())
        for music, folder, looks in waiting:
            _finish(music, folder, looks)
    return found


def _known(folder: Path, pool: Executor) -> tuple[Music, list[tuple[list[int], Future]]]:
    """What is known of a folder, and looks on their way: the places of the names of a file, with what it will hold."""
    try:
        files = list_files(folder)
    except OSError as error:
        return Music(Files(os.path.join(folder, ""), [], [], [], []), [], [], {}, error), []
    music = _remembered(files, _place(folder))
    names: dict[tuple, list[int]] = {}
    for place, seconds in enumerate(music.seconds):
        if seconds is None and not is_beside(files.paths[place]):
            ending = os.path.splitext(files.paths[place])[1]
            names.setdefault((files.same[place], files.sizes[place], files.times[place], ending), []).append(place)
    return music, [(group, pool.submit(_look, Path(files.path(group[0])), False)) for group in names.values()]


def _remembered(files: Files, kept: Path) -> Music:
    """What was found of files that are as they were."""
    try:
        last = artefacts.read_sealed(kept)
    except artefacts.ArtefactError:
        last = {"paths": [], "sizes": [], "times": [], "seconds": [], "stored": [], "problems": {}}
    if last["paths"] == files.paths and last["sizes"] == files.sizes and last["times"] == files.times:
        return Music(files, last["seconds"], last["stored"], {int(at): said for at, said in last["problems"].items()})
    music = Music(files, [None] * len(files.paths), [""] * len(files.paths), {})
    before = {path: place for place, path in enumerate(last["paths"])}
    for place, path in enumerate(files.paths):
        was = before.get(path)
        if was is not None and (last["sizes"][was], last["times"][was]) == (files.sizes[place], files.times[place]):
            music.seconds[place], music.stored[place] = last["seconds"][was], last["stored"][was]
            if str(was) in last["problems"]:
                music.problems[place] = last["problems"][str(was)]
    return music


def _finish(music: Music, folder: Path, looks: list[tuple[list[int], Future]]) -> None:
    """Wait for looks, and keep what they found; of what could not be opened nothing: tomorrow it may be."""
    files, times, unread, news = music.files, list(music.files.times), set(), False
    for places, first in looks:
        for place in places:
            again = first.result().problems and place != places[0]  # a problem names its file
            path = Path(files.path(place))
            looked = _look(path, False) if again else first.result()
            if looked.problems:
                music.problems[place] = looked.problems
            if looked.info is None:
                unread.add(place)
                continue
            news = True
            music.seconds[place], music.stored[place] = Track.of(looked.info)
            if artefacts.look(path) != (files.sizes[place], files.times[place]):  # it is being copied
                times[place] = -1
    if news:
        problems = {place: texts for place, texts in music.problems.items() if place not in unread}
        last = {"paths": files.paths, "sizes": files.sizes, "times": times, "seconds": music.seconds}
        with suppress(artefacts.WriteError):  # a place that may not be written: the next look opens the files again
            artefacts.write_sealed(_place(folder), last | {"stored": music.stored, "problems": problems})


def is_beside(path: str) -> bool:
    """Whether a file's ending says that it is no sound."""
    return os.path.splitext(path)[1].lower() in NO_SOUND


def _place(thing: object) -> Path:
    """Where what was found of a folder's files, or of a film, is kept: the corpus is not written to."""
    return artefacts.ledger_of(Path(str(thing)), artefacts.cache_folder() / "looks" / f"{_VERSION}-{av.__version__}")


def _look(path: Source, film: bool) -> Looked:
    """A look into a file, in a process of its own: a decoder that crashes is a problem of that file."""
    try:
        return apart(look_into, path, film, limit=_LIMIT_S)
    except MediaError as error:
        return Looked(None, [str(error)], [])
    except Exception as error:  # whatever a damaged file brings about, the others are looked at
        return Looked(None, [f"{path}: cannot be read ({reason(error)}); is it complete?"], [])


def look_into(path: Source, film: bool) -> Looked:
    """What a film (its pictures, too) or track holds, and all that is wrong: first seconds and last are decoded."""
    info, problems, named = container.probe(path), [], []
    if not info.has_sound:
        what = "the film has no sound; no music can be found in it" if film else "has no sound"
        problems.append(f"{path}: {what}")
    else:
        problems += _decodes(path)
        streams, read = opening.sound_streams(path)
        named = [f"{stream}{', which is read' if stream.number == read else ''}" for stream in streams]
    if film and info.has_pictures:
        with watched():
            if next(pictures.sample_luma(path, spans=[(0, 2)]), None) is None:
                problems.append(f"{path}: its pictures cannot be decoded; is it complete?")
    return Looked(info, problems, named if film and len(named) > 1 else [])


def _decodes(path: Source) -> list[str]:
    """What is wrong with the beginning and the end of a sound; packets in between are counted when it is read."""
    with opening.open_media(path) as box:
        stated = container.stated_end(opening.sound_stream(box, path)) if opening.timed(box) else 0.0
    with watched():
        first = sound.read_audio(path, start=0, end=3.0)
        last, rate = first, sound.native_rate(path)
        if stated > 3:  # in other files the length is the one that was met
            last = sound.read_audio(path, start=stated - 3, end=stated)
    if not len(first):
        return [f"{path}: its sound cannot be decoded; is it complete?"]
    says = structure(path)
    overlong = says.overlong and not says.wrapped
    lacks = stated - (stated - 3 + len(last) / rate) if stated > 3 else 0.0
    more = f" {lacks:.1f} s" if lacks > _SHORT_S else ""
    cut = f"says it is longer than it is, its sound ends{more} before; it looks truncated, copy it again"
    faults = {
        cut: more or says.cut,
        "several files follow each other in this one and only the first is read; part them": says.unread,
        "pages are missing inside, and what follows them may be early; copy it again": says.gap,
        "holds more sound than its header says, and all of it is read; write it anew": overlong,
    }
    return [f"{path}: {fault}" for fault, there in faults.items() if there]
