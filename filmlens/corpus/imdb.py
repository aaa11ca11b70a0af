"""``filmlens genres``: genre labels by imdb_id from the public file ``title.basics.tsv.gz`` (datasets.imdbws.com).

Its ten million rows are read one by one. Nothing is downloaded: the file's terms are the user's to accept.
"""

import difflib
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from filmlens import look
from filmlens.artefacts import write_atomically
from filmlens.corpus import Corpus, filmtable
from filmlens.text import defused, reason

_NEEDED = ("tconst", "primaryTitle", "originalTitle", "startYear", "genres")
_NONE = r"\N"
_SOURCE = "it is to be had from datasets.imdbws.com"


class ImdbError(ValueError):
    """A file or an id that cannot be used; names it and the remedy."""


@dataclass(frozen=True)
class Found:
    """Labels of a corpus; genres of `films` are joined by ``|``.

    Its columns are film_id, imdb_id, title, year and before (films.csv), imdb_title, imdb_year, imdb (all of IMDb's)
    and genres (those asked for).
    """

    films: pd.DataFrame
    problems: list[str]


def imdb_id(text: str) -> str:
    """The identifier in any way that people note it, as IMDb writes it; empty for nothing, ImdbError for anything else.

    >>> imdb_id("https://www.imdb.com/title/tt0054215/?ref_=x"), imdb_id("54215"), imdb_id("tt10872600"), imdb_id(" ")
    ('tt0054215', 'tt0054215', 'tt10872600', '')
    """
    if not (text := text.strip()):
        return ""
    found = re.search(r"\btt(\d{1,10})\b", text) or re.fullmatch(r"(\d{1,10})(?:\.0)?", text)
    if not found:
        raise ImdbError(f"{text!r} is no IMDb identifier; write it as tt0054215")
    return f"tt{int(found.group(1)):07d}"


def labels(corpus: Corpus, file: str | Path, *, genres: Iterable[str] = look.GENRES) -> Found:
    """Look up the films of a corpus by its column ``imdb_id``; `genres` are the labels to keep, in IMDb's words.

    ImdbError for no such column, another file or a damaged one, or a label that IMDb does not use.
    """
    if not any("imdb_id" in film.more for film in corpus):
        raise ImdbError(f"{corpus.table} row 1: there is no column imdb_id; add it, such as tt0054215")
    ids, problems = {}, []
    for film in corpus:
        wrong = " has no imdb_id; look it up on imdb.com"
        try:
            ids[film.id] = imdb_id(film.more.get("imdb_id", ""))
        except ImdbError as error:
            ids[film.id], wrong = "", f": imdb_id {error}"
        if not ids[film.id]:
            problems.append(f"{film.where}: {film.id}{wrong}")
    rows, sets = _look_up(Path(file), set(ids.values()))
    known = {g for text in sets for g in text.split(",")}
    kept = list(dict.fromkeys(g.strip() for g in genres if g.strip()))
    if strange := [g for g in kept if g not in known]:
        near = [n for g in strange for n in difflib.get_close_matches(g, known - {_NONE}, 1)]
        words = f"; is {', '.join(near)} meant?" if near else f"; it uses {', '.join(sorted(known - {_NONE}))}"
        raise ImdbError(f"{file}: no title has the genre {', '.join(strange)}{words}")
    table = []
    for film in corpus:
        row = rows.get(ids[film.id], {})
        theirs = [g for g in row.get("genres", "").split(",") if g and g != _NONE]
        table.append(
            {"film_id": film.id, "imdb_id": ids[film.id], "title": film.title, "year": film.year}
            | {"imdb_title": row.get("primaryTitle", ""), "imdb_year": row.get("startYear", "").replace(_NONE, "")}
            | {"before": "|".join(film.genres), "imdb": "|".join(theirs)}
            | {"genres": "|".join(look.genre_order(g for g in theirs if g in kept))}
        )
        problems += _doubts(film, ids[film.id], row, table[-1])
    return Found(pd.DataFrame(table).astype({"year": "Int64"}), problems)


def write_films(corpus: Corpus, found: Found, out: str | Path) -> Path:
    """Write a films.csv with the genres found; a film without any keeps what it had. ImdbError when the file exists."""
    out = Path(out)
    if out.exists():
        raise ImdbError(f"{out}: exists; name a new file, compare it with films.csv and put it in its place yourself")
    table = filmtable.plain(filmtable.read_table(corpus.table))
    new = dict(zip(found.films["film_id"], found.films["genres"], strict=True))
    table["genres"] = [new.get(f) or old for f, old in zip(table["film_id"], table["genres"], strict=True)]
    write_atomically(out, lambda part: defused(table).to_csv(part, index=False, lineterminator="\n"))
    return out


def _doubts(film, identifier: str, row: dict, line: dict) -> Iterator[str]:
    where = f"{film.where}: {film.id}"
    if not row:
        if identifier:
            yield f"{where}: {identifier} is not in the file; compare it on imdb.com, or get a newer file"
        return
    if not line["genres"]:
        yield f"{where}: none of the labels asked for; IMDb has {line['imdb'] or 'no genre'}"
    years = [int(y) for y in (film.year, line["imdb_year"]) if str(y or "").isdigit()]
    titles = [_plain(row[c]) for c in ("primaryTitle", "originalTitle")]
    alike = max(difflib.SequenceMatcher(None, _plain(film.title), t).ratio() for t in titles)
    other_year = len(years) == 2 and abs(years[0] - years[1]) > 1
    if alike < 0.5 or other_year:
        year = f" ({line['imdb_year']})" if line["imdb_year"] else ""
        yield f"{where}: {identifier} is {row['primaryTitle']!r}{year} there; is the identifier right?"


def _plain(title: str) -> str:
    return "".join(c for c in title.casefold() if c.isalnum())


def _look_up(path: Path, wanted: set[str]) -> tuple[dict[str, dict[str, str]], set[str]]:
    """Of the file's ten million rows those asked for, and every set of genres that stands in it."""
    rows: dict[str, dict[str, str]] = {}
    sets: set[str] = set()
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt", encoding="utf-8") if packed else open(path, encoding="utf-8") as file:
            names = file.readline(10_000).rstrip("\n").split("\t")  # tabs alone part the columns: there is no quoting
            if missing := set(_NEEDED) - set(names):
                raise ImdbError(f"{path}: is not title.basics.tsv.gz, it lacks {', '.join(sorted(missing))}; {_SOURCE}")
            key, place = names.index("tconst"), names.index("genres")
            for number, line in enumerate(file, start=2):
                cells = line.rstrip("\n").split("\t")
                if len(cells) != len(names):
                    raise ImdbError(f"{path} row {number}: {len(cells)} columns, not {len(names)}; get the file again")
                sets.add(cells[place])
                if cells[key] in wanted:
                    rows[cells[key]] = dict(zip(names, cells, strict=True))
    except FileNotFoundError:
        raise ImdbError(f"{path}: no such file; {_SOURCE}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ImdbError(f"{path}: cannot be read to its end ({reason(error)}); get it again") from error
    return rows, sets
