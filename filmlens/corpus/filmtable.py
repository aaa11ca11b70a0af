"""films.csv as people write it: which file it is, what its columns, years and genres mean, and which rows are wrong."""

import datetime
import difflib
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd

from filmlens import look, text
from filmlens.corpus import labels
from filmlens.corpus.sheets import CorpusError, Sheet, read_sheet

COLUMNS = ("film_id", "title", "year", "genres", "film", "soundtrack")
#: Every column that means something; any other is the user's own.
KNOWN = (
    *(*COLUMNS, "library", "franchise", "composer", "imdb_id", "picture_start", "credits_start"),
    *("language", "audio_stream", "confidence"),
)
#: Names that the table may have, in the order of preference; Windows hides the last ending.
NAMES = (
    *("films.csv", "films.xlsx", "films.ods", "films.xls", "films.tsv", "films.txt", "films.csv.txt", "films.csv.csv"),
    # of these the reader says how to save them
    *("films.numbers", "films.gsheet", "films.fods", "films.html", "films.rtf", "films.pdf"),
)
#: Columns that name files and folders.
PATHS = ("film", "soundtrack", "library")
_SPREADSHEETS_ERROR = re.compile(r"#(NAME\?|REF!|N/A|VALUE!|DIV/0!|NUM!|NULL!)|#{3,}")
_LONGEST_NAME = 255  # bytes of one folder or file, on any disk
_FIRST_DAY = datetime.date(1899, 12, 30)  # of spreadsheets


@dataclass
class FilmTable:
    """The rows of films.csv; `lines` are row to cells by column: text, but `year` (int or None) and `genres` (tuple).

    `faults` are (row, text); the rows of some are not among `lines`. `understood` is what a plain table would not need;
    `questions`, (row, text), what looks like a slip of the pen.
    """

    path: Path
    head_row: int = 1
    lines: dict[int, dict] = field(default_factory=dict)
    faults: list[tuple[int, str]] = field(default_factory=list)
    understood: list[str] = field(default_factory=list)
    questions: list[tuple[int, str]] = field(default_factory=list)


def find_table(folder: Path, names: Iterable[str] = NAMES) -> Path:
    """The table of films of a corpus; without one, CorpusError names what lies there instead."""
    there = {p.name.casefold(): p for p in sorted(folder.iterdir(), reverse=True) if p.is_file()}
    for name in names:
        if name in there:
            return there[name]
    hint = f"a corpus is a folder with a films.csv of {', '.join(COLUMNS)}; `filmlens new` makes one"
    for name, path in there.items():
        if name.endswith((".csv", ".xlsx", ".ods", ".xls")) and not name.startswith("~"):
            hint = f"is {path.name!r} the one? Name it films{path.suffix.lower()}"
    raise CorpusError(f"{folder / 'films.csv'}: no such file; {hint}")


def read_table(path: Path) -> FilmTable:
    """Understand a table of films; CorpusError for no text or workbook, or a column that is missing."""
    sheet = read_sheet(path, lambda cells: len({*map(_normal, cells)} & {*COLUMNS}) >= 3)
    table = FilmTable(path, sheet.head_row, understood=list(sheet.understood))
    places = _columns(path, sheet, table)
    for row, cells in _rows(sheet, places, table).items():
        line = {name: cells[at].strip() if at < len(cells) else "" for name, at in places.items()}
        if fault := _shift(line):
            table.faults.append((row, fault))
            continue
        line["given_id"] = line["film_id"]
        line |= {name: text.from_cell(value).strip() for name, value in line.items() if name != "given_id"}
        for name, value in line.items():
            if _SPREADSHEETS_ERROR.fullmatch(value):
                table.faults.append((row, f"{name} shows {value}, a spreadsheet's error; type it after an apostrophe"))
        table.lines[row] = line | {"year": _year(line["year"], row, table)}
        for name in PATHS:
            given = line.get(name, "")
            if any(len(part.encode(errors="replace")) > _LONGEST_NAME for part in Path(given).parts):
                table.faults.append((row, f"{name} {given[:40]!r}... is too long for the name of a file; correct it"))
                table.lines[row][name] = ""
    _genres(table)
    if others := [p.name for p in sorted(path.parent.iterdir()) if p.name.casefold() in NAMES and p != path]:
        table.understood.append(f"{', '.join(others)} beside it {'are' if len(others) > 1 else 'is'} not read")
    table.faults.sort()
    return table


def plain(table: FilmTable) -> pd.DataFrame:
    """The rows as text, in the columns of a plain films.csv; written with `filmlens.text.defused`."""
    lines = table.lines.values()
    rows = [line | {"year": str(line["year"] or ""), "genres": "|".join(line["genres"])} for line in lines]
    return pd.DataFrame(rows, columns=[c for c in rows[0] if c != "given_id"] if rows else COLUMNS)


def _normal(name: str) -> str:
    """A column's name without capitals and spaces."""
    return re.sub(r"[\W_]+", "_", text.clean(name).casefold()).strip("_")


def column(given: str) -> str:
    """The column that a name in the header means; a name of the user's own as it stands.

    >>> column("Film ID"), column("Seen on")
    ('film_id', 'Seen on')
    """
    given = text.from_cell(given).strip()
    return _normal(given) if _normal(given) in KNOWN else given


def _columns(path: Path, sheet: Sheet, table: FilmTable) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, given in enumerate(sheet.head):
        given, name = text.from_cell(given).strip(), column(given)
        if name in places:
            table.faults.append((sheet.head_row, f"two columns are named {name}; rename one"))
        elif name:
            places[name] = at
            table.understood += [f"column {given!r} is {name}"] * (given != name)
    for missing in [c for c in COLUMNS if c not in places]:
        others = {_normal(name): name for name in places if name not in KNOWN}
        if near := difflib.get_close_matches(missing, others, 1, 0.85):
            places[missing] = places.pop(others[near[0]])
            table.understood.append(f"column {others[near[0]]!r} is {missing}")
    if missing := [c for c in COLUMNS if c not in places]:
        raise CorpusError(
            f"{path} row {sheet.head_row}: the header lacks {', '.join(missing)}; it must name {', '.join(COLUMNS)}"
        )
    return places


def _rows(sheet: Sheet, places: dict[str, int], table: FilmTable) -> dict[int, list[str]]:
    """Rows whose cells stand under columns; the others become faults, each with its own row."""
    width, named = max(places.values()) + 1, {at for at, name in enumerate(sheet.head) if name.strip()}
    filled = {row: {at for at, cell in enumerate(cells) if cell.strip()} for row, cells in sheet.rows.items()}
    common = Counter(at for places_ in filled.values() for at in places_ - named)
    nameless = {at for at, rows in common.items() if rows > max(1, len(sheet.rows) / 2)}
    for at in sorted(nameless):
        table.faults.append((sheet.head_row, f"column {at + 1} has cells but no name; name or remove it"))
    whole = {}
    for row, cells in sheet.rows.items():
        odd = sorted(filled[row] - named - nameless)
        if not odd:
            whole[row] = cells
        elif odd[-1] >= width:
            more = f"{odd[-1] + 1} cells under {width} columns"
            table.faults.append((row, f"{more}; {_where_the_comma_is(cells, places, odd[-1] + 1 - width)}"))
        else:
            table.faults.append((row, f"{cells[odd[0]]!r} stands under no column; move or remove it"))
    return whole


def _where_the_comma_is(cells: list[str], places: dict[str, int], more: int) -> str:
    """Which cell an unquoted comma has parted."""
    title, year, genres = (places[name] for name in ("title", "year", "genres"))
    for name, at in (("title", title), ("genres", genres)):
        joined = [*cells[:at], ", ".join(c.strip() for c in cells[at : at + more + 1]), *cells[at + more + 1 :]]
        if year < len(joined) and _is_year(joined[year]) and (name == "title" or _is_year(cells[year])):
            way = ", or write the genres with |" if name == "genres" else ""
            return f'put its {name} in quotation marks, "{text.clean(joined[at])}"{way}'
    return "put a cell that holds the separator in quotation marks"


def _is_year(cell: str) -> bool:
    return bool(re.fullmatch(r"(18|19|20)\d\d([.,]0+)?", cell.strip()))


def _shift(line: dict[str, str]) -> str:
    """Whether the cells of a row stand beside their columns; empty when they do not."""
    if _is_year(line["year"]):
        return ""
    if re.fullmatch(r"[^\d]+", line["year"]) and _is_year(line["title"]):
        return f"its cells stand one column too far left ({line['year']!r} under year); a cell is missing before"
    if _is_year(line["genres"]):
        return f"its cells stand one column too far right ({line['genres']!r} under genres); remove the cell before"
    return ""


def _year(given: str, row: int, table: FilmTable) -> int | None:
    if not given or re.fullmatch(r"\d{4}", given):
        return int(given) if given else None
    if re.fullmatch(r"\(\d{4}\)|\d{4}[.,]0+", given):
        year = given.strip("()")[:4]
        table.understood.append(f"year {given!r} is {year}")
        return int(year)
    meant = _year_meant(given)
    hint = f"; is {meant} meant? Write the year alone" if meant else "; correct or empty it"
    table.faults.append((row, f"year {given[:40]!r} is not a year of four digits{hint}"))
    return None


def _year_meant(given: str) -> str:
    """A year behind a date; a year that a spreadsheet was told to show as a date is one of 1905."""
    try:
        serial = (datetime.date.fromisoformat(given[:10]) - _FIRST_DAY).days
    except ValueError:
        serial = 0
    if 1880 <= serial <= 2100:
        return str(serial)
    found = re.findall(r"(?<!\d)((?:18|19|20)\d\d)(?!\d)", given)
    return found[0] if len(found) == 1 else ""


def _genres(table: FilmTable) -> None:
    written = {row: labels.parted(line["genres"]) for row, line in table.lines.items()}
    spelt = labels.spellings(label for cell in written.values() for label in cell)
    for row, line in table.lines.items():
        meant = tuple(look.genre_order(spelt[label] for label in written[row]))
        if [g.strip() for g in line["genres"].split("|") if g.strip()] != [spelt[label] for label in written[row]]:
            table.understood.append(f"genres {line['genres']!r} are {'|'.join(meant)}")
        line["genres"] = meant
    slips = labels.doubtful(Counter(g for line in table.lines.values() for g in line["genres"]))
    for row, line in table.lines.items():
        odd = [label for label in line["genres"] if label in slips]
        table.questions += [(row, f"genre {label!r}: did you mean {slips[label]}?") for label in odd]


def understood(table: FilmTable) -> str:
    """One line that says how the table was interpreted; empty for a plain table."""
    said, kinds = dict.fromkeys(table.understood), {}
    for what in said:
        kinds.setdefault(what.partition(" ")[0] if " are " in what or " is " in what else what, []).append(what)
    lines = [what for kind in kinds.values() for what in kind[:3]][:8]
    more = len(said) - len(lines)
    return f"{table.path}: understood: {'; '.join(lines)}{f'; and {more} more' if more else ''}" if lines else ""


def locate(folder: Path, given: str) -> Path:
    """A path of the table on this disk: also one with backslashes, in quotation marks or as ``file://``."""
    bare = given.strip("\"'")
    forms = [given, bare, os.path.expanduser(bare), bare.replace("\\", "/")]
    forms += [unquote(urlsplit(bare).path)] if bare.lower().startswith("file://") else []
    paths = [text.find_path(folder, form) for form in dict.fromkeys(forms)]
    return next((path for path in paths if os.path.exists(path)), paths[0])


def path_hint(given: str) -> str:
    """Why a path may be missing here; empty when nothing about it is foreign."""
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]|\\\\", given):
        return "it is a path of a Windows computer; write it as it is on this one"
    if "\\" in given and os.name != "nt":
        return "it has backslashes; write / between folders"
    home = re.match(r"/(Users|home|Volumes|media|mnt|run/media)/[^/]+", given)
    if home and not os.path.isdir(home[0]):
        what = "the disk may not be connected, or it" if home[1] not in ("Users", "home") else "it"
        return f"{home[0]} is not on this computer: {what} is a path of another one"
    if given.lower().startswith(("http://", "https://")):
        return "it is an address; copy the file to this computer and write its path"
    return ""
