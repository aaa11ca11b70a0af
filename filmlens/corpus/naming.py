"""Titles in names of files, folders and tags: what a film or an album is called, and how alike two titles are.

Films' names are read by guessit. Albums' lose what every soundtrack is called; all between dashes is tried.
"""

import re
from functools import cache
from typing import NamedTuple

from anyascii import anyascii
from rapidfuzz import fuzz

from filmlens.text import clean

_ARTICLES = {
    *("the", "a", "an", "le", "la", "les", "l", "un", "une", "il", "lo", "gli", "i", "der", "die", "das", "el", "los"),
    *("las", "o", "os", "de", "het", "en", "ett", "den"),
}
_ROMAN = {r: str(n) for n, r in enumerate("ii iii iv v vi vii viii ix x xi xii".split(), 2)}
_WORDS = "two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()
_NUMBERS = _ROMAN | {w: str(n) for n, w in enumerate(_WORDS, 2)} | {"part": "", "vol": "", "volume": "", "chapter": ""}
_YEAR = re.compile(r"(?<!\d)(19[0-9]{2}|20[0-3][0-9])(?!\d)")
#: Words that say what kind of record it is, and nothing of the film.
_KIND = (
    r"(?:ost|o\.s\.t\.?|soundtracks?|(?:motion picture|film|movie|original) (?:music|scores?)|original scores?"
    r"|music (?:from|to|for|inspired by|by|composed)|bande[ -]?(?:originale|son)|b\.?o\.?f\.?|colonna sonora"
    r"|banda sonora|trilha sonora|film ?musik|sound ?track|musique originale|muzyka k|muzyka iz|saundtrek)"
)
_BEFORE = r"(?:(?:the|complete|expanded|original|motion|picture|film|movie|official|full|recording|isolated|und)[ :]*)*"
_TAIL = re.compile(rf"[\s:,;_/–—-]*\b{_BEFORE}\b{_KIND}(?!\w).*$", re.I)
_HEAD = re.compile(
    rf"^\s*{_BEFORE}{_KIND}[\s:,–—-]*(?:and inspired by )?(?:(?:from|to|of|for|du|de|del|dal|zum|k|iz)\b\s*)?"
    r"(?:(?:the|original|motion|picture|film|movie|series|fil'?ma|fil'?mu|kinofil'?ma)\b[\s:–—-]*)*",
    re.I,
)
_FORMAT = re.compile(
    r"\b(?:flac|mp3|m4a|aac|alac|ape|wav|320|256|v0|v2|kbps|lossless|web|vinyl|24 ?bit|16 ?bit|24-\d+|16-44|hi-?res"
    r"|\d?cds?|disc|disk|remaster(?:ed)?|re-?issue|deluxe|expanded|complete|limited|special|collector'?s?|edition"
    r"|anniversary|bonus|\d+(?:th|st|nd|rd)|sessions?|recording|score|scores|soundtracks?|ost|original|motion|picture"
    r"|music|from|the|film|movie|by|and|inspired|composed|promo|bootleg|varese|la-la land|intrada|japan|lp)\b",
    re.I,
)
_KEPT = re.compile(
    r"[\s:,(-]*(?:\b(?:the )?(?:deluxe|expanded|complete|remastered|special|limited|collector'?s)(?: edition| version)?"
    r"|\b(?:cd|disc|disk)[ ._]*\d+\)?)\s*$",
    re.I,
)
_EDITION = re.compile(
    r"\b(?:cut|edition|version|despeciali[sz]ed|remaster(?:ed)?|restored|theatrical|extended|chrome)\b", re.I
)
#: What stands at the end of a name and says how it is stored.
_STORED = re.compile(
    r"[\s,_-]+(?:flac|mp3|m4a|aac|alac|320|256|192|v0|v2|kbps|lossless|web|vinyl|24 ?bit|16 ?bit|hi-?res)\s*$", re.I
)
#: A folder that is one disc of an album, or that says only what it holds.
DISC = re.compile(r"(?:cd|disc|disk|dvd|vol(?:ume)?|side)[ ._-]*(?:\d{1,2}|[ab])\b.*", re.I)
PLAIN = re.compile(rf"(?:{_KIND}|score|music|audio|flac|mp3|songs|musik|tracks|album)", re.I)


class Name(NamedTuple):
    """A title with its year, as one name or tag gives them."""

    title: str
    year: int | None = None


def film_names(name: str) -> list[Name]:
    """What a film may be called, by the name of its file or folder, or by its title tag; the likeliest first.

    >>> film_names("Kill.Bill.Vol.1.2003.mkv"), film_names("Matrix, The (1999).mkv")
    ([Name(title='Kill Bill Vol. 1', year=2003)], [Name(title='The Matrix', year=1999)])
    """
    from guessit import guessit
    from guessit.api import GuessitException

    try:
        found = guessit(clean(name), {"type": "movie"})
    except GuessitException:
        return []
    title = str(found.get("title", "")).strip()
    for word, mark in (("part", "Part"), ("volume", "Vol.")):
        if isinstance(found.get(word), int):
            title += f" {mark} {found[word]}"
    year = found.get("year")
    also = found.get("alternative_title") or []
    also = [str(a) for a in (also if isinstance(also, list) else [also]) if not _EDITION.search(str(a))]
    names = [Name(f"{title} {a}", year) for a in also[:1]] + [Name(title, year)]
    names += [Name(inside.strip(), year) for inside in re.findall(r"\(([^()\d]{6,})\)", name)]
    return [n for n in dict.fromkeys(names) if n.title.strip()]


def album_names(name: str) -> list[Name]:
    """What film an album may belong to, by its folder or its album tag; the likeliest first.

    >>> album_names("Hans Zimmer - Inception (Original Motion Picture Soundtrack) [2010] [FLAC]")[0]
    Name(title='Inception', year=2010)
    >>> album_names("Music From The Motion Picture Pulp Fiction")[0], album_names("1979 - Alien OST CD1")[0]
    (Name(title='Pulp Fiction', year=None), Name(title='Alien', year=1979))
    """
    name = clean(name)
    years = [int(y) for y in _YEAR.findall(name)]
    bare = re.sub(r"[\[({]([^\[\](){}]*)[\])}]", lambda m: "" if _says_nothing(m[1]) else f" ({m[1]}) ", name)
    bare = bare.replace("_", " ") if " " not in bare.strip() else bare
    bare = bare.replace(".", " ") if re.fullmatch(r"\S+\.\S+", bare.strip()) else bare
    undressed = re.sub(rf"^\s*{_YEAR.pattern}\s*[-–—._]+\s*|\s*[-–—._]+\s*{_YEAR.pattern}\s*$", "", bare)
    titles = [title for form in dict.fromkeys([undressed, bare]) for title in _parts(form)]
    titles += [re.sub(r"\([^()]*\)", "", t).strip() for t in titles]
    titles += [_bare_title(p) for p in re.findall(r"\(([^()]+)\)", bare)]
    # a year at the end may be part of the title (Blade Runner 2049) or the album's own
    dated = [Name(t, years[-1] if years else None) for t in titles]
    cut = [re.sub(rf"\s*{_YEAR.pattern}\s*$", "", t) for t in titles]
    undated = [Name(c, years[-1]) for c, t in zip(cut, titles, strict=True) if c != t]
    return [n for n in dict.fromkeys([*undated, *dated]) if plain(n.title)]


def _parts(name: str) -> list[str]:
    """What stands between dashes, the last first, and all of it."""
    parts = [p for p in re.split(r"\s+[-–—|]+\s+|\s*[–—]\s*", name) if p.strip()] or [name]
    joined = [" ".join(parts[at:]) for at in range(len(parts))] + [" ".join(parts[:at]) for at in range(1, len(parts))]
    return [_bare_title(p) for p in dict.fromkeys([*reversed(parts), *joined])]


def _says_nothing(inside: str) -> bool:
    """Whether what stands in brackets tells nothing of the title."""
    words = re.findall(r"[\w'-]+", _YEAR.sub("", inside))
    rest = re.findall(r"[^\W\d]{2,}", _FORMAT.sub("", _YEAR.sub("", inside)))
    return not words or len(rest) <= len(words) / 2 or bool(re.search(_KIND, anyascii(inside), re.I))


def _bare_title(part: str) -> str:
    """A title without the words that every soundtrack has; as it stands where nothing else would be left."""
    part = part.strip(" -–—_.,:")
    latin = anyascii(part)
    cut = _TAIL.sub("", latin)
    if not plain(cut):
        cut = _HEAD.sub("", latin)
    while (shorter := _STORED.sub("", _KEPT.sub("", cut))) != cut:
        cut = shorter
    if cut == latin:
        return part
    return cut.strip(" -–—_.,:'\"") or part


@cache
def plain(title: str) -> str:
    """A title by which two are compared: Latin letters, no article, numbers as figures.

    >>> plain("The Godfather, Part II"), plain("Godfather 2, The"), plain("Сталкер"), plain("Amélie")
    ('godfather 2', 'godfather 2', 'stalker', 'amelie')
    """
    latin = anyascii(title).casefold().replace("&", " and ").replace("'", "").replace("`", "")
    words = re.findall(r"[a-z0-9]+", latin)
    words = [w for w in (_NUMBERS.get(w, w) if at else w for at, w in enumerate(words)) if w]
    if len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    elif len(words) > 1 and words[-1] in _ARTICLES and re.search(r",\s*\w+['’]?\s*$", title):
        words = words[:-1]
    return " ".join(words)


def alike(one: str, other: str) -> float:
    """How alike two titles are: 1 for the same, at least .9 for a slip of the pen, at most .85 where a subtitle lacks.

    Another number (Alien 3, Alien) makes another film.

    >>> alike("Spider-Man", "Spiderman"), alike("Alien", "Alien 3") < 0.6, alike("Rocky II", "Rocky 2")
    (1.0, True, 1.0)
    """
    a, b = plain(one), plain(other)
    if not a or not b:
        return 0.0
    if a.replace(" ", "") == b.replace(" ", ""):
        return 1.0
    first, second = set(a.split()), set(b.split())
    close = fuzz.ratio(a, b) / 100
    if {w for w in first if w.isdigit()} != {w for w in second if w.isdigit()}:
        return min(close, 0.5)
    shorter, longer = sorted((a.split(), b.split()), key=len)
    if longer[: len(shorter)] == shorter or longer[-len(shorter) :] == shorter:
        return 0.85 if len(shorter) > 1 or len(shorter[0]) > 7 else 0.75
    short = min(len(a), len(b))
    return close if short > 5 or close < 0.9 else 0.8  # of short titles (Alien, Aliens) one letter makes another
