"""Tables as people save them: text of any common coding and mark between cells, and workbooks; the one reader.

A text is UTF-8, UTF-16, Windows-1252 or Mac Roman; a workbook is Excel's or LibreOffice's, whatever its ending. Cells
come out as text, with the rows that an editor or spreadsheet shows.
"""

import csv
import datetime
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LARGEST = 16 << 20  # bytes of a table; of a workbook unpacked four times as many
_MARKS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
#: What else people take for a table, by its first bytes, and the way out.
_OTHERS = {
    b"<": "is a web page or XML; save it as Excel workbook (.xlsx) or CSV UTF-8",
    b"{\\rtf": "is formatted text (RTF); save it as plain text, or as CSV UTF-8 from a spreadsheet",
    b"{": 'is only a link to a table in the cloud; open it there and download it as "CSV" or "Microsoft Excel"',
    b"%PDF": "is a PDF; save the table as Excel workbook (.xlsx) or CSV UTF-8",
}
_SAVE = "save it as Excel workbook (.xlsx) or CSV UTF-8"
#: Bytes that are letters on an old Mac and mostly signs in Windows; and those that Windows does not know.
_MAC_LETTERS = re.compile(rb"[\x80-\x84\x86-\x90\x98-\x9f]")
_NO_WINDOWS = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


class CorpusError(ValueError):
    """films.csv or an annotation file that cannot be understood; names file, row and remedy."""


@dataclass(frozen=True)
class Sheet:
    """Cells of a table, by row in the file, below the columns' names in `head_row`; rows without text are left out.

    `understood` is what a plain CSV would not need.
    """

    head: list[str]
    head_row: int
    rows: dict[int, list[str]]
    understood: list[str]


def read_sheet(path: Path, is_head: Callable[[list[str]], bool]) -> Sheet:
    """The cells of a table; CorpusError for a file that cannot be opened or is none.

    `is_head` says whether a row holds the names of the columns; it may stand below a title, or in a further sheet.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror or error})") from None
    if size > LARGEST:
        raise CorpusError(f"{path}: has {size >> 20} MB, too much for a table; is it the right file?")
    if data.startswith((_ZIP, _OLE)):
        return _workbook(path, data, is_head)
    for mark, what in _OTHERS.items():
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(mark):
            raise CorpusError(f"{path}: {what}")
    text, coding = decode(path, data)
    text = text.lstrip("\ufeff")
    mark, skipped = _mark(text, is_head)
    rows = {row: cells for row, cells in _rows(path, text, mark) if row > skipped}
    understood = [coding] * (coding != "") + [f"{_MARKS.get(mark, mark)} between cells"] * (mark != ",")
    return _headed(path, rows, is_head, understood)


def decode(path: Path | str, data: bytes) -> tuple[str, str]:
    """Text of a file, and which coding it is in; empty for UTF-8. In none of the codings, CorpusError names the row."""
    zeros = [data[at:200:2].count(0) for at in (0, 1)]
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if marked or max(zeros) > 0.4 * len(data[:200:2]) > 0:
        try:
            coding = "utf-16" if marked else "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
            return data.decode(coding), "coding UTF-16"
        except UnicodeDecodeError:
            raise CorpusError(f"{path}: is UTF-16 text that breaks off; save it again, as CSV UTF-8") from None
    if b"\0" in data:
        raise CorpusError(f"{path} row {_row(data, data.index(0))}: holds bytes that are no text; {_SAVE}")
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        row = _row(data, error.start)
    letters = len(_MAC_LETTERS.findall(data))
    if letters > len(re.findall(rb"[\xc0-\xff]", data)):
        return data.decode("mac_roman"), "coding Mac Roman"
    text = data.decode("cp1252", "replace")
    # three such letters together stand in no word of a language that is written in this coding
    if _NO_WINDOWS.search(data) or re.search(r"[^\W\d_a-zA-Z]{3}", text):
        raise CorpusError(f"{path} row {row}: is text in a coding that cannot be told; save it as CSV UTF-8")
    return text, "coding Windows-1252"


def _row(data: bytes, at: int) -> int:
    return data[:at].count(b"\n") + 1


def _mark(text: str, is_head: Callable[[list[str]], bool]) -> tuple[str, int]:
    """What stands between cells, and how many rows at the beginning only say so (Excel's ``sep=;``)."""
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    if lines and re.fullmatch(r"\"?sep=.\"?", lines[0].strip(), re.I):
        return lines[0].strip().strip('"')[-1], 1
    for line in lines:
        for mark in _MARKS:
            if is_head(next(csv.reader([line], delimiter=mark), [])):
                return mark, 0
    return max(_MARKS, key=(lines or [""])[0].count), 0


def _rows(path: Path, text: str, mark: str):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
    row = 1
    try:
        for cells in reader:
            if any("\n" in cell.strip() and cell.count(mark) > 2 for cell in cells):
                raise CorpusError(f"{path} row {row}: a quotation mark is opened and not closed; close or double it")
            yield row, cells
            row = reader.line_num + 1
    except csv.Error:
        raise CorpusError(f"{path} row {row}: a cell has more than {csv.field_size_limit()} characters") from None


def _workbook(path: Path, data: bytes, is_head: Callable[[list[str]], bool]) -> Sheet:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    kind = "an Excel workbook"
    if data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as box:
                names, unpacked = box.namelist(), sum(entry.file_size for entry in box.infolist())
        except (zipfile.BadZipFile, ValueError):
            raise CorpusError(f"{path}: is a damaged workbook; save it again") from None
        if any(name.startswith("Index") and name.endswith((".iwa", ".zip")) for name in names):
            raise CorpusError(f"{path}: is Numbers' own format; there, File > Export To > Excel or CSV")
        if unpacked > 4 * LARGEST:
            raise CorpusError(f"{path}: unpacks to {unpacked >> 20} MB, too much for a table; is it the right file?")
        kind = "an OpenDocument sheet" if "content.xml" in names else kind
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            tables = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except PasswordError:
        raise CorpusError(f"{path}: is protected by a password; save it without one") from None
    except (CalamineError, OSError, ValueError):
        raise CorpusError(f"{path}: is no workbook that can be read; {_SAVE}") from None
    cells = {name: {r: [_cell(c) for c in row] for r, row in enumerate(t, 1)} for name, t in tables.items()}
    name = next((n for n, rows in cells.items() if any(map(is_head, rows.values()))), None)
    understood = [kind] + [f"sheet {name!r}"] * (name is not None and len(cells) > 1)
    return _headed(path, cells[name] if name is not None else next(iter(cells.values()), {}), is_head, understood)


def _cell(value: object) -> str:
    """A cell of a workbook as its reader sees it: 2014, not 2014.0; a date as such."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return str(value)


def _headed(path: Path, rows: dict[int, list[str]], is_head, understood: list[str]) -> Sheet:
    filled = {row: cells for row, cells in rows.items() if "".join(cells).strip()}
    if not filled:
        raise CorpusError(f"{path}: is empty; write one row per film under the names of the columns")
    at = next((row for row, cells in filled.items() if is_head(cells)), next(iter(filled)))
    if any(row < at for row in filled):
        understood.append(f"rows above row {at} passed over")
    body = {row: cells for row, cells in filled.items() if row > at}
    if empty := sum(at < row < max(body, default=0) for row in rows if row not in filled):
        understood.append(f"{empty} empty row{'s' * (empty > 1)} passed over")
    return Sheet(filled[at], at, body, understood)
