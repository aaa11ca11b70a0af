"""What films and albums lie in folders, by tag, file and folder; which album is a film's, and how sure that is."""

import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from filmlens.corpus.listing import FILM_ENDINGS, SOUND_ENDINGS, files_in
from filmlens.corpus.naming import DISC, PLAIN, Name, album_names, alike, film_names
from filmlens.media.apart import apart
from filmlens.media.opening import open_media
from filmlens.text import clean

#: What lies beside a film and is none.
_BESIDE = re.compile(
    r"extras?|featurettes?|trailers?|samples?|bonus|behind the scenes|deleted scenes|interviews?|shorts", re.I
)
_BESIDE_FILE = re.compile(
    r"(?:^|[ ._-])(?:sample|trailer|teaser|featurette|making[ ._-]of)(?:[ ._-]|$)|-(?:sample|trailer)$", re.I
)
_PART = re.compile(r"[ ._-]*[\[(]?\b(?:cd|disc|disk|pt|part(?=[ ._-]*\d[\])]?$))[ ._-]*(\d)[\])]?$", re.I)
_DISC_FOLDERS = ("VIDEO_TS", "STREAM", "BDMV")
_TRACKS = 40  # whose tags are read, of one album
_LIMIT_S = 60.0
_SAME, _NEAR, _LEAST = 0.99, 0.9, 0.7  # of two titles: one, a slip of the pen, worth a proposal
_CLOSE = 0.1  # a second album or film so near leaves a choice


@dataclass
class FoundFilm:
    """A film file with its names by title tag, and by file and folder; `doubt` is what about it needs a look."""

    path: Path
    tagged: list[Name] = field(default_factory=list)
    named: list[Name] = field(default_factory=list)
    doubt: str = ""


@dataclass
class Album:
    """A folder of tracks with its names by their tags, and by folder; `more` are folders of further discs of it."""

    path: Path
    tagged: list[Name] = field(default_factory=list)
    named: list[Name] = field(default_factory=list)
    more: list[Path] = field(default_factory=list)
    doubt: str = ""


def find_films(folder: Path) -> list[FoundFilm]:
    """Every film in a folder and those in it; a film in several files once, trailers and extras not at all."""
    films: dict[tuple, FoundFilm] = {}
    for parts in sorted(files_in(folder)):
        stem, ending = os.path.splitext(parts[-1])
        beside = any(map(_BESIDE.fullmatch, parts[:-1])) or _BESIDE_FILE.search(clean(stem))
        if beside or ending.lower() not in FILM_ENDINGS:
            continue
        path = folder.joinpath(*parts)
        disc = len(parts) > 1 and parts[-2].upper() in _DISC_FOLDERS
        if disc and ending.lower() == ".vob" and not re.fullmatch(r"VTS_\d\d_[1-9]", stem, re.I):
            continue
        above = [clean(p) for p in parts[:-1] if p.upper() not in _DISC_FOLDERS and not DISC.fullmatch(p)]
        whole = _PART.sub("", clean(stem))
        key = tuple(above) if disc else (*above, whole.casefold() if whole != stem else clean(parts[-1]))
        if key in films:
            films[key].doubt = "it lies in several files, of which this is the first; join them"
            continue
        names = [] if disc else film_names(whole + ending)
        said = film_names(above[-1]) if above else []
        if not names or not names[0].year:
            # a file without a year in a folder of one: the folder tells more, unless it holds a collection
            names = said + names if said and (said[0].year or disc or not names) else names + said
        films[key] = FoundFilm(path, tagged=_film_tag(path), named=names)
    return list(films.values())


def find_albums(folder: Path) -> list[Album]:
    """Every album in a folder and those in it; folders of one disc each belong to the album above them."""
    files: dict[tuple[str, ...], list[str]] = {}
    for parts in sorted(files_in(folder)):
        if os.path.splitext(parts[-1])[1].lower() in SOUND_ENDINGS - FILM_ENDINGS:
            above = parts[:-1]
            while above and DISC.fullmatch(above[-1]) and len(above) > 1:
                above = above[:-1]
            files.setdefault(above, []).append("/".join(parts[len(above) :]))
    albums: dict[tuple, Album] = {}
    for above, tracks in files.items():
        path = folder.joinpath(*above)
        words = [clean(p) for p in above]
        telling = next((w for w in reversed(words) if not PLAIN.fullmatch(w.strip())), clean(folder.name))
        tagged, several = _album_tag([path / t for t in tracks[:_TRACKS]])
        doubt = "the tags of its tracks name several albums" if several else ""
        album = Album(path, tagged, album_names(telling), doubt=doubt)
        disc = re.fullmatch(r"(.*?\w.*?)[\s(\[_.-]*\b(?:cd|disc|disk)[ ._-]*\d{1,2}\b[)\]]?(.*)", telling, re.I)
        key = (*words[:-1], disc[1].casefold(), disc[2].casefold()) if disc else (*above, "")
        if albums.setdefault(key, album) is not album:
            albums[key].more.append(path)
    return list(albums.values())


def _film_tag(path: Path) -> list[Name]:
    """What a film's title tag says; a tag may be the name of a release, or nothing."""
    try:
        tags = apart(title_tags, path, limit=_LIMIT_S)
    except (OSError, ValueError):
        return []
    title, date = (clean(tags.get(name, "")).strip() for name in ("title", "date"))
    if not title or re.fullmatch(r"(?i)(?:title|track|film|movie|video|untitled|dvd.*)[\s_]*\d*", title):
        return []
    found = film_names(title)
    year = re.match(r"(?:19|20)\d\d", date)
    return [Name(n.title, n.year or (int(year[0]) if year else None)) for n in found]


def title_tags(path: Path) -> dict[str, str]:
    """Tags of a media file, in small letters."""
    with open_media(path) as box:
        return {key.lower(): value for key, value in box.metadata.items()}


def _album_tag(tracks: list[Path]) -> tuple[list[Name], bool]:
    """What the album tags of the tracks say, with every year that they name; whether they name several albums."""
    import mutagen

    albums, years = Counter(), Counter()
    for path in tracks:
        with suppress(Exception):  # whatever a damaged tag brings about, it says nothing
            tags = mutagen.File(path, easy=True) or {}
            albums.update(clean(a).strip() for a in tags.get("album") or [])
            for name in ("originaldate", "date", "year"):
                years.update(int(y[:4]) for y in map(str, tags.get(name) or []) if re.match(r"(?:19|20)\d\d", y))
    albums.pop("", None)
    if not albums:
        return [], False
    spoken = {DISC.sub("", a).casefold().strip(" -([,:") for a in albums}
    found = [n for a, _ in albums.most_common(1 if len(spoken) == 1 else 3) for n in album_names(a)]
    dates = [y for y, _ in years.most_common(3)] or [None]
    return list(dict.fromkeys(Name(n.title, n.year or y) for n in found for y in dates)), len(spoken) > 1


class Match(NamedTuple):
    """An album for a film, the film's title and year; `confidence` is certain, likely, or doubtful with the reason."""

    album: Album | None
    title: str
    year: int | None
    confidence: str


def match(films: list[FoundFilm], albums: list[Album]) -> list[Match]:
    """An album for every film where one is near; each serves one film, and further editions of it, which is a doubt.

    A match is certain when titles are one and years at most one apart, no other comes near, and tags and names agree. A
    remake or an album without a year never is: its title alone may be another film's.
    """
    values = np.array([[_value(film, album) for album in albums] for film in films]).reshape(len(films), len(albums))
    chosen = dict(zip(*linear_sum_assignment(-values), strict=True)) if albums and films else {}
    found = []
    for i, film in enumerate(films):
        title, year = _called(film)
        j = chosen.get(i)
        if (j is None or values[i, j] < _LEAST) and albums and values[i].max() >= _SAME:
            j = int(values[i].argmax())  # another edition of a film that has it
        near = j is not None and values[i, j] >= _LEAST
        sure = _confidence(film, albums, values, i, j) if near else ""
        found.append(Match(albums[j] if near else None, title, year, sure))
    return found


def _confidence(film: FoundFilm, albums: list[Album], values: np.ndarray, i: int, j: int) -> str:
    title, years = _best(film, albums[j])
    rivals = [albums[k] for k in range(len(albums)) if k != j and values[i, k] > values[i, j] - _CLOSE]
    others = [k for k in range(len(values)) if k != i and values[k, j] > values[i, j] - _CLOSE]
    doubts = [found.doubt for found in (film, albums[j]) if found.doubt]
    for of, found in (("album's", albums[j]), ("film's", film)):
        if max((alike(a.title, b.title) for a, b in product(found.tagged, found.named)), default=1.0) < _LEAST:
            doubts.append(f"the {of} tag and name differ")
            break
    if title < _NEAR:
        doubts.append("the titles differ")
    if others:
        doubts.append("another film is as near to this album")
    if rivals and not all(_one_film(albums[j], rival) for rival in rivals):
        doubts.append(f"the album {rivals[0].path.name!r} is as near")
    if years is not None and abs(years) > 1:
        doubts.append(f"the album is {abs(years)} years {'younger' if years > 0 else 'older'} than the film")
    if doubts:
        return f"doubtful: {'; '.join(doubts)}"
    if rivals:
        return f"likely: {rivals[0].path.name!r} is another album of it"
    if title < _SAME:
        return "likely: the titles differ a little"
    return "certain" if years is not None else "likely: no year to compare"


def _value(film: FoundFilm, album: Album) -> float:
    title, gap = _best(film, album)
    return title + (0.0 if gap is None else 0.1 if gap == 0 else 0.08 if abs(gap) == 1 else -0.1 if gap > 0 else -0.3)


def _best(film: FoundFilm | Album, album: Album) -> tuple[float, int | None]:
    """How alike the nearest pair of titles is, and its years between; of several as near, that of the nearest years."""
    best, years = (0.0, 0.0), None
    for one, other in product(film.tagged + film.named, album.tagged + album.named):
        gap = other.year - one.year if one.year and other.year else None
        near = alike(one.title, other.title), -1.0 if gap is None else 1 / (1 + abs(gap))
        if near > best:
            best, years = near, gap
    return best[0], years


def _one_film(one: Album, other: Album) -> bool:
    """Whether two albums are of one film, as far as their names say."""
    title, years = _best(one, other)
    return title >= _SAME and (years is None or abs(years) <= 1)


def _called(film: FoundFilm) -> Name:
    """What a film is called: by its tag where its name agrees, which has accents and signs that file names lack."""
    for tag in film.tagged:
        if not film.named or any(alike(tag.title, n.title) >= _NEAR for n in film.named):
            return Name(tag.title, next((n.year for n in film.named if n.year), tag.year))
    first = (film.named or film.tagged or [Name(film.path.stem)])[0]
    return Name(first.title, first.year or next((t.year for t in film.tagged if t.year), None))
