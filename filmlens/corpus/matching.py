"""Which album is a film's: by title and year, with how sure that is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from filmlens.corpus.naming import Name, alike
from filmlens.corpus.scan import Album, FoundFilm

_SAME, _NEAR, _LEAST = 0.99, 0.9, 0.7  # of two titles: one, a slip of the pen, worth a proposal
_CLOSE = 0.1  # a second album or film so near leaves a choice


class Match(NamedTuple):
    """An album for a film, and the film's title and year as its tag or name gives them.

    `confidence` is certain, likely, or doubtful with the reason; empty without an album.
    """

    album: Album | None
    title: str
    year: int | None
    confidence: str


class _Score(NamedTuple):
    value: float
    title: float
    years: int | None
    told: str


def match(films: list[FoundFilm], albums: list[Album]) -> list[Match]:
    """An album for every film where one is near; each serves one film, and further editions of it, which is a doubt.

    A match is certain when titles are one and years at most one apart, no other album or film comes near, and tags and
    names of files agree. A remake or an album without a year is never certain: its title alone may be another film's.
    """
    table = [[_score(film, album) for album in albums] for film in films]
    values = np.array([[s.value for s in row] for row in table]).reshape(len(films), len(albums))
    chosen = dict(zip(*linear_sum_assignment(-values), strict=True)) if albums and films else {}
    found = []
    for i, film in enumerate(films):
        title, year = _called(film)
        j = chosen.get(i)
        if (j is None or values[i, j] < _LEAST) and albums and values[i].max() >= _SAME:
            j = int(values[i].argmax())  # another edition of a film that has it
        near = j is not None and values[i, j] >= _LEAST
        sure = _confidence(film, albums, table, values, i, j) if near else ""
        found.append(Match(albums[j] if near else None, title, year, sure))
    return found


def _confidence(film: FoundFilm, albums: list[Album], table, values: np.ndarray, i: int, j: int) -> str:
    score = table[i][j]
    rivals = [albums[k] for k in range(len(albums)) if k != j and values[i, k] > values[i, j] - _CLOSE]
    others = [k for k in range(len(values)) if k != i and values[k, j] > values[i, j] - _CLOSE]
    doubts = [d for d in (film.doubt, albums[j].doubt, score.told) if d]
    if score.title < _NEAR:
        doubts.append("the titles differ")
    if others:
        doubts.append("another film is as near to this album")
    if rivals and not all(_one_film(albums[j], rival) for rival in rivals):
        doubts.append(f"the album {rivals[0].path.name!r} is as near")
    if score.years is not None and abs(score.years) > 1:
        than = "younger" if score.years > 0 else "older"
        doubts.append(f"the album is {abs(score.years)} years {than} than the film")
    if doubts:
        return f"doubtful: {'; '.join(doubts)}"
    if rivals:
        return f"likely: {rivals[0].path.name!r} is another album of it"
    if score.title < _SAME:
        return "likely: the titles differ a little"
    return "certain" if score.years is not None else "likely: no year to compare"


def _score(film: FoundFilm, album: Album) -> _Score:
    """How near an album is to a film."""
    best = _best(film.tagged + film.named, album.tagged + album.named)
    told = ""
    for of, mine, named in (("film's", film.tagged, film.named), ("album's", album.tagged, album.named)):
        if mine and named and max(alike(a.title, b.title) for a in mine for b in named) < _LEAST:
            told = f"the {of} tag and name differ"
    gap = best.years
    bonus = 0.0 if gap is None else 0.1 if gap == 0 else 0.08 if abs(gap) == 1 else -0.1 if gap > 0 else -0.3
    return _Score(best.title + bonus, best.title, gap, told)


def _best(films: list[Name], albums: list[Name]) -> _Score:
    """The nearest pair of titles; of several as near, that whose years are nearest."""
    best = _Score(0.0, 0.0, None, "")
    for one in films:
        for other in albums:
            gap = other.year - one.year if one.year and other.year else None
            near = -1.0 if gap is None else 1 / (1 + abs(gap))
            best = max(best, _Score(near, alike(one.title, other.title), gap, ""), key=lambda s: (s.title, s.value))
    return best


def _one_film(one: Album, other: Album) -> bool:
    """Whether two albums are of one film, as far as their names say."""
    best = _best(one.tagged + one.named, other.tagged + other.named)
    return best.title >= _SAME and (best.years is None or abs(best.years) <= 1)


def _called(film: FoundFilm) -> Name:
    """What a film is called: by its tag where its name agrees, which has accents and signs that file names lack."""
    for tag in film.tagged:
        if not film.named or any(alike(tag.title, n.title) >= _NEAR for n in film.named):
            return Name(tag.title, next((n.year for n in film.named if n.year), tag.year))
    first = (film.named or film.tagged or [Name(film.path.stem)])[0]
    return Name(first.title, first.year or next((t.year for t in film.tagged if t.year), None))
