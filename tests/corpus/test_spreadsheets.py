"""films.csv as Excel, LibreOffice, Numbers and Google save it: what is read, what is refused and with which words."""

import csv
import datetime
import io
import re
import zipfile
from xml.sax.saxutils import escape

import openpyxl
import pandas as pd
import pytest

from filmlens.corpus import Corpus, CorpusError, read_films
from filmlens.corpus.imdb import Found, write_films

HEAD = ["film_id", "title", "year", "genres", "film", "soundtrack"]
ONE = ["one", "Amélie", "2001", "Comedy|Romance", "films/one.mkv", "soundtracks/one"]
TWO = ["two", "The Good, the Bad and the Ugly", "1966", "Western", "films/two.mkv", "soundtracks/two"]
ROWS = [HEAD, ONE, TWO]


def text(rows, mark=",", end="\r\n"):
    out = io.StringIO()
    csv.writer(out, delimiter=mark, lineterminator=end).writerows(rows)
    return out.getvalue()


def with_(rows, row, column, value):
    rows = [list(r) for r in rows]
    rows[row][column] = value
    return rows


def xlsx(rows, *, before=(), title="Sheet1"):
    book = openpyxl.Workbook()
    book.active.title = title
    for name, lines in before:
        sheet = book.create_sheet(name, 0)
        for line in lines:
            sheet.append(line)
    for line in rows:
        book[title].append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(rows):
    def cell(value):
        kind = f'"float" office:value="{value}"' if isinstance(value, float) else '"string"'
        words = f"<text:p>{escape(str(value))}</text:p>"
        return (
            f"<table:table-cell office:value-type={kind}>{words}</table:table-cell>" if value else "<table:table-cell/>"
        )

    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    spaces = " ".join(f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces} office:version="1.3"><office:body>'
        f'<office:spreadsheet><table:table table:name="Films">{lines}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as box:
        box.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        box.writestr("content.xml", content)
        box.writestr("META-INF/manifest.xml", "<manifest/>")
    return out.getvalue()


def zipped(**entries):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, data in entries.items():
            box.writestr(name, data)
    return out.getvalue()


NUMBERS = [[ONE[0], ONE[1], 2001, ONE[3], *ONE[4:]], [TWO[0], TWO[1], 1966.0, TWO[3], *TWO[4:]]]
SPACED = ["Film ID", "Title ", "YEAR", "Genre", "Film", "Sound Track"]
WIDE = [[*r, "", ""] for r in ROWS]
GAPS = [HEAD, [""] * 6, ONE, [""] * 6, TWO, [""] * 6]

#: How it was saved: (name, bytes, what is said of it); all of these are read as the same two films.
READ = {
    "plain": ("films.csv", text(ROWS, end="\n").encode(), ""),
    "Excel, CSV UTF-8": ("films.csv", text(ROWS).encode("utf-8-sig"), ""),
    "Excel, CSV of Germany": ("films.csv", text(ROWS, ";").encode("cp1252"), "coding Windows-1252; semicolons"),
    "Excel, CSV of a Mac": ("films.csv", text(ROWS, ";", "\r").encode("mac_roman"), "coding Mac Roman; semicolons"),
    "Excel, Unicode text": ("films.txt", text(ROWS, "\t").encode("utf-16"), "coding UTF-16; tabs"),
    "Excel, sep= line": ("films.csv", b"sep=;\r\n" + text(ROWS, ";").encode(), "semicolons"),
    "UTF-16 big-endian without mark": ("films.csv", text(ROWS).encode("utf-16-be"), "coding UTF-16"),
    "Google, TSV": ("films.tsv", text(ROWS, "\t").encode(), "tabs between cells"),
    "Google, CSV of Sheets": ("films.csv", text(GAPS).encode(), "2 empty rows passed over"),
    "LibreOffice, empty columns": ("films.csv", text(WIDE, ";").encode(), "semicolons"),
    "Windows hid an ending": ("films.csv.csv", text(ROWS).encode(), ""),
    "capitals and spaces": ("films.csv", text([SPACED, ONE, TWO]).encode(), "column 'Film ID' is film_id"),
    "a hard space": ("films.csv", text([["film_id\xa0", *HEAD[1:]], ONE, TWO]).encode(), ""),
    "years with a point": ("films.csv", text(with_(with_(ROWS, 1, 2, "2001.0"), 2, 2, "1966.0")).encode(), "2001.0"),
    "years with a comma": ("films.csv", text(with_(ROWS, 1, 2, "2001,0"), ";").encode(), "year '2001,0' is 2001"),
    "years in brackets": ("films.csv", text(with_(ROWS, 1, 2, "(2001)")).encode(), "year '(2001)' is 2001"),
    "genres with commas": ("films.csv", text(with_(ROWS, 1, 3, "Comedy, Romance")).encode(), "'Comedy, Romance'"),
    "genres with slashes": ("films.csv", text(with_(ROWS, 1, 3, "Romance / Comedy")).encode(), "Comedy|Romance"),
    "genres with semicolons": ("films.csv", text(with_(ROWS, 1, 3, "Comedy; Romance")).encode(), "Comedy|Romance"),
    "genres in small letters": ("films.csv", text(with_(ROWS, 1, 3, "comedy|romance")).encode(), "Comedy|Romance"),
    "a title above": ("films.csv", text([["My films"], *ROWS]).encode(), "rows above row 2 passed over"),
    "Excel workbook": ("films.xlsx", xlsx([HEAD, *NUMBERS]), "an Excel workbook"),
    "Excel workbook, called csv": ("films.csv", xlsx([HEAD, *NUMBERS]), "an Excel workbook"),
    "Excel workbook, years as text": ("films.xlsx", xlsx(with_(ROWS, 1, 2, "2001.0")), "year '2001.0' is 2001"),
    "Excel workbook, gaps": ("films.xlsx", xlsx([SPACED, [], ONE, [], TWO]), "2 empty rows"),
    "Excel, second sheet": ("films.xlsx", xlsx(ROWS, before=[("Notes", [["seen"]])], title="Films"), "sheet 'Films'"),
    "Numbers as Excel": (
        "films.xlsx",
        xlsx([["Table 1"], *ROWS], before=[("Export Summary", [["This document was exported from Numbers."]])]),
        "rows above row 2",
    ),
    "LibreOffice sheet": ("films.ods", ods([HEAD, [*ONE[:2], 2001.0, *ONE[3:]], TWO]), "an OpenDocument sheet"),
    "LibreOffice sheet, gaps": ("films.ods", ods([SPACED, [""] * 6, ONE, TWO]), "1 empty row passed over"),
    "columns in another order": ("films.csv", text([r[::-1] for r in ROWS]).encode(), ""),
}

#: What is refused: the same, and the words that name the row and the remedy.
REFUSED = {
    "a comma in a title": (
        "films.csv",
        text(ROWS).replace('"', "").encode(),
        r'^row 3: 7 cells under 6 columns; put its title in quotation marks, "The Good, the Bad and the Ugly"$',
    ),
    "a comma in genres": (
        "films.csv",
        text(with_(ROWS, 1, 3, "Comedy, Romance")).replace('"Comedy, Romance"', "Comedy, Romance").encode(),
        r'^row 2: 7 cells under 6 columns; put its genres in quotation marks, "Comedy, Romance", or write .* with \|$',
    ),
    "a row too far left": ("films.csv", text([HEAD, ONE[:1] + ONE[2:], TWO]).encode(), r"^row 2: .* too far left"),
    "a row too far right": (
        "films.xlsx",
        xlsx([[*HEAD, "notes"], ["", *ONE], [*TWO, "seen"]]),
        r"^row 2: .* too far right",
    ),
    "a quotation mark that stays open": (
        "films.csv",
        (text([HEAD, ONE]) + 'x,"Open,1990,Drama,f,s\r\n' + text([TWO])).encode(),
        r"films\.csv row 3: a quotation mark is opened and not closed",
    ),
    "a year shown as a date": (
        "films.xlsx",
        xlsx(with_(ROWS, 1, 2, datetime.date(1905, 6, 23))),
        r"^row 2: year '1905-06-23' is not a year of four digits; is 2001 meant\? Write the year alone$",
    ),
    "a date of release": ("films.csv", text(with_(ROWS, 2, 2, "23.12.1966")).encode(), r"^row 3: .* is 1966 meant"),
    "a formula's error": ("films.csv", text(with_(ROWS, 1, 1, "#NAME?")).encode(), r"^row 2: title shows #NAME\?"),
    "Numbers' own format": (
        "films.numbers",
        zipped(**{"Index/Document.iwa": "x"}),
        r"is Numbers' own format; there, File > Export To",
    ),
    "a link to Google": ("films.gsheet", b'{"url": "https://docs.google.com/"}', r"only a link .* download it as"),
    "Excel with a password": ("films.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), r"no workbook that can be read; save it"),
    "a web page": ("films.csv", b"<html><table>", r"is a web page or XML; save it as Excel workbook"),
    "a text in Cyrillic coding": (
        "films.csv",
        text(with_(ROWS, 2, 1, "Сталкер")).replace("é", "e").encode("cp1251"),
        r"row 3: is text in a coding that cannot be told; save it as CSV UTF-8",
    ),
    "a bomb": ("films.xlsx", zipped(**{"xl/a.xml": bytes(80 << 20)}), r"unpacks to 80 MB, too much for a table"),
    "an empty file": ("films.csv", b"\r\n,,,\r\n", r"is empty; write one row per film"),
    "no header": ("films.csv", text(ROWS[1:]).encode(), r"row 1: the header lacks film_id, title"),
    "two columns of a name": ("films.csv", text([[*HEAD, "Title"], [*ONE, "x"]]).encode(), r"^row 1: two columns"),
}


def said_of(folder, name, data):
    (folder / name).write_bytes(data)
    try:
        found = read_films(folder)
    except CorpusError as error:
        return None, [str(error)]
    return found, found.faults


def test_the_table_of_outcomes_has_forty_rows():
    assert len(READ) + len(REFUSED) >= 40


@pytest.mark.parametrize("saved", READ)
def test_what_is_read(tmp_path, saved):
    name, data, words = READ[saved]
    found, faults = said_of(tmp_path, name, data)
    assert faults == [] and found.questions == [] and found.not_owned == []
    assert [(f.id, f.title, f.year, f.genres) for f in found.films] == [
        ("one", ONE[1], 2001, ("Comedy", "Romance")),
        ("two", TWO[1], 1966, ("Western",)),
    ]
    assert [str(f.film.relative_to(tmp_path)) for f in found.films] == ["films/one.mkv", "films/two.mkv"]
    assert all(word in found.understood for word in words.split("; ")) and "\n" not in found.understood
    assert saved not in ("plain", "Excel, CSV UTF-8", "columns in another order") or found.understood == ""


@pytest.mark.parametrize("saved", REFUSED)
def test_what_is_refused_names_row_and_remedy_and_blames_no_other_row(tmp_path, saved):
    name, data, words = REFUSED[saved]
    _, faults = said_of(tmp_path, name, data)
    assert len(faults) == 1 and re.search(words, faults[0]), faults


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("body", [ROWS, GAPS, WIDE, [SPACED, ONE, TWO], with_(ROWS, 1, 2, "2001.0")])
def test_pairs_of_what_programs_do(tmp_path, coding, mark, body):
    found, faults = said_of(tmp_path, "films.csv", text(body, mark).encode(coding))
    assert faults == []
    assert [(f.title, f.year) for f in found.films] == [(ONE[1], 2001), (TWO[1], 1966)]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "cp1252"])
def test_a_guilty_row_is_named_in_every_coding(tmp_path, coding, mark):
    body = text(ROWS, mark) + mark.join(["x", "Open", "the Door", "1990", "Drama", "f", "s"]) + "\r\n"
    found, faults = said_of(tmp_path, "films.csv", body.encode(coding))
    assert len(faults) == 1 and faults[0].startswith("row 4: 7 cells under 6 columns; put its title in")
    assert [f.id for f in found.films] == ["one", "two"]


def test_slips_of_the_pen_in_genres_are_asked_about(tmp_path):
    rows = [[f"f{i}", f"F{i}", "1990", genre, f"f{i}.mkv", "s"] for i, genre in enumerate(["Horror", "Horor", "Heist"])]
    found, faults = said_of(tmp_path, "films.csv", text([HEAD, *rows]).encode())
    assert faults == [] and found.questions == ["row 3: genre 'Horor': did you mean Horror?"]
    assert found.films[1].genres == ("Horor",), "it is not changed"


def test_films_without_a_path_are_not_owned(tmp_path):
    found, faults = said_of(tmp_path, "films.csv", text(with_(ROWS, 1, 4, "")).encode())
    assert faults == [] and found.not_owned == ["one"] and [f.id for f in found.films] == ["two"]
    assert Corpus.open(tmp_path).ids == ["two"]
    (tmp_path / "films.csv").write_text(text([HEAD, with_([ONE], 0, 4, "")[0]]))
    with pytest.raises(CorpusError, match="none of its 1 films has a file; fill the column film"):
        Corpus.open(tmp_path)


def test_paths_of_other_computers(tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "one.mkv").write_bytes(b"x")
    rows = with_(with_(ROWS, 1, 4, "films\\one.mkv"), 2, 5, "C:\\Music\\two")
    found, faults = said_of(tmp_path, "films.csv", text(rows).encode())
    assert faults == [] and found.films[0].film == tmp_path / "films" / "one.mkv"
    with pytest.raises(CorpusError, match="it is a path of a Windows computer"):
        found.films[1].tracks()
    with pytest.raises(CorpusError, match=r"soundtrack folder .* is missing$"):
        found.films[0].tracks()


def test_names_too_long_for_the_disk_are_faults_among_others(tmp_path):
    rows = [HEAD, ["x" * 300, *ONE[1:]], [*TWO[:4], "y" * 300 + ".mkv", "s"], ["three", "T", "MMXV", "Drama", "f", "s"]]
    _, faults = said_of(tmp_path, "films.csv", text(rows).encode())
    assert [f[:6] for f in faults] == ["row 2:", "row 3:", "row 4:"]
    assert "more than 200 bytes" in faults[0] and "too long for the name of a file" in faults[1]


def test_a_workbook_becomes_a_plain_table_with_genres(tmp_path):
    (tmp_path / "films.xlsx").write_bytes(xlsx([HEAD, *NUMBERS]))
    corpus = Corpus.open(tmp_path)
    found = Found(pd.DataFrame({"film_id": ["one", "two"], "genres": ["Drama", ""]}), [])
    written = write_films(corpus, found, tmp_path / "new.csv").read_text(encoding="utf-8").splitlines()
    assert written[1] == "one,Amélie,2001,Drama,films/one.mkv,soundtracks/one"
    assert written[2].startswith('two,"The Good, the Bad and the Ugly",1966,Western')
