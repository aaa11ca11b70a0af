"""The cue sheet of a film, as those who clear rights and composers' assistants know it: as CSV, and as a workbook.

What FilmLens cannot know of rights is there to be filled in. Music that a detector found on no track is listed between
the cues as unidentified, and is not counted in their total.
"""

import datetime
import io
import zipfile
from typing import Any

import pandas as pd

from filmlens import __version__
from filmlens import text as text_
from filmlens.audition.cuefiles import csv_text, zipped
from filmlens.audition.timecode import clock, frames_of
from filmlens.corpus import Film
from filmlens.stamper import intervals

#: Columns that are left to be filled in.
RIGHTS = ("Composer", "Publisher", "Society", "Share", "Recording", "Label")
#: Columns of the CSV; what is said of a cue stands as it was stated (see `filmlens.verdicts.fields`).
SHEET_COLUMNS = (
    *("Cue", "Number", "Title", "Usage", "Origin", "Diegesis", "Function", "In", "Out", "Duration"),
    *RIGHTS,
)
#: Columns of the workbook.
BOOK_COLUMNS = (
    *("Cue", "Number", "Segue to", "Title", "Usage", "Origin", "Diegesis", "Function", "In", "Out", "Duration"),
    *("In (s)", "Out (s)", "In on", "Out on", "Hits", "Verdict", "Note"),
    *RIGHTS,
)
_FIELDS = {
    **{"Number": "number", "Segue to": "segue", "Origin": "origin", "Diegesis": "diegesis", "Function": "function"},
    **{"In on": "in_on", "Out on": "out_on", "Hits": "hits", "Verdict": "verdict", "Note": "note"},
}
_WIDTHS = {"Title": 40, "Diegesis": 18, "Function": 18, "Hits": 24, "Note": 30}


def cue_sheet(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """An industry cue sheet as CSV: a header, then a row per cue; times as HH:MM:SS."""
    lines: list = [*_about(film, cues, duration), (), SHEET_COLUMNS]
    for row in _rows(cues):
        start, end = round(row["start"]), round(row["end"])
        row |= {"In": clock(start), "Out": clock(end), "Duration": clock(end - start)}
        lines.append([row.get(column, "") for column in SHEET_COLUMNS])
    return csv_text(lines)


def workbook(film: Film, cues: pd.DataFrame, duration: float) -> bytes:
    """A cue sheet as workbook (.xlsx), with the film's time code.

    In, out and duration count the film's frames at its own rate, from the time code of its first frame where the file
    carries one; at 29.97 and 59.94 frames a second in drop-frame code, unless the file's own is none. The exact seconds
    stand beside them.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.writer.excel import ExcelWriter

    frames = frames_of(film)
    book = Workbook()
    book.properties.creator = "FilmLens"
    book.properties.created = book.properties.modified = datetime.datetime(1970, 1, 1)
    sheet = book.active
    sheet.title = "Cue sheet"
    about = [*_about(film, cues, duration), ("Time code", str(frames)), ("First frame", frames.code(0.0))]
    for row, (name, value) in enumerate(about, start=1):
        _put(sheet.cell(row, 1), name).font = Font(bold=True)
        _put(sheet.cell(row, 2), value)
    head = len(about) + 2
    for column, name in enumerate(BOOK_COLUMNS, start=1):
        _put(sheet.cell(head, column), name).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(name, 14)
    for at, row in enumerate(_rows(cues), start=head + 1):
        start, end = row["start"], row["end"]
        row |= {"In": frames.code(start), "Out": frames.code(end), "Duration": frames.length(start, end)}
        row |= {"In (s)": round(start, 3), "Out (s)": round(end, 3)}
        for column, name in enumerate(BOOK_COLUMNS, start=1):
            _put(sheet.cell(at, column), row.get(name, ""))
    sheet.freeze_panes = sheet.cell(head + 1, 1)
    sheet.auto_filter.ref = f"A{head}:{get_column_letter(len(BOOK_COLUMNS))}{max(head + 1, sheet.max_row)}"
    out = io.BytesIO()
    ExcelWriter(book, zipfile.ZipFile(out, "w")).save()
    with zipfile.ZipFile(out) as box:
        return zipped({name: box.read(name) for name in box.namelist()})


def _put(cell, value: Any):
    """Fill a cell: numbers as numbers, everything else as text that no program takes for a formula."""
    if isinstance(value, (int, float)):
        cell.value = value
    elif value:
        cell.value = text_.xml(value)
        cell.data_type = "s"
        cell.quotePrefix = text_.cell(value) != text_.clean(value)  # also after it was edited
    return cell


def _about(film: Film, cues: pd.DataFrame, duration: float) -> list[tuple[str, str]]:
    nobodys, places = _unidentified(cues), cues[["start", "end"]].to_numpy(float)
    about = [("Production title", film.title or film.id), ("Year", str(film.year or "")), ("Length", clock(duration))]
    about.append(("Total music", clock(intervals.length(places[~nobodys]))))
    if nobodys.any():
        about.append(("Unidentified", clock(intervals.length(places[nobodys]))))
    return [*about, ("Prepared with", f"FilmLens {__version__}")]


def _rows(cues: pd.DataFrame) -> list[dict[str, Any]]:
    """What is said of each cue, by the names of columns, with its start and end in seconds."""
    rows = []
    for number, (cue, nobodys) in enumerate(zip(cues.to_dict("records"), _unidentified(cues), strict=True), start=1):
        row: dict[str, Any] = {"Cue": number, "Title": cue["track"], "start": cue["start"], "end": cue["end"]}
        row["Usage"] = _said(cue, "usage") or ("" if nobodys else "score")
        rows.append(row | {name: _said(cue, field) for name, field in _FIELDS.items()})
    return rows


def _said(cue: dict[str, Any], field: str) -> str:
    """What is stated; a table may lack the column, or the cue a value."""
    value = cue.get(field)
    return value if isinstance(value, str) else ""


def _unidentified(cues: pd.DataFrame) -> pd.Series:
    return cues["unidentified"].eq(True) if "unidentified" in cues else pd.Series(False, cues.index)
