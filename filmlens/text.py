r"""Text of other people: one door by which it comes in, and one function for each way by which it leaves.

Titles, genres, names of files and tracks are anybody's. None of them may become code, a formula or a command where it
is shown, so every room that lets text out takes the function of its way from here:

=====================  ==============================================
HTML, SVG, a widget    `html`
Markdown               `markdown`
a cell of a CSV        `defused`, `cell`; read back by `restored`, `from_cell`
a terminal, a log      `say`, `terminal`; what an error says, `reason`
a label in a figure    `figure`; `filmlens.look` switches TeX off
LaTeX                  `latex`
WebVTT                 `webvtt`
XML                    `xml`, and the escapes of who writes it
a cell of a workbook   `xml`, typed as text
lines with tabs        `clean`
=====================  ==============================================

A text file of a user's is read by `read_text`. What is in it passes `clean` first; names of files and folders are
looked up by `find_path`.
"""

import html as _html
import os
import re
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pandas as pd

#: Control characters (terminals obey those of 128 to 159, too) and separators of lines.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: What turns the direction of all text that follows; letters of right-to-left scripts need none of them.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Bytes of a file name that are not UTF-8, as Python keeps them, and halves of characters.
_BYTE, _HALF = re.compile("[\udc80-\udcff]"), re.compile("[\ud800-\udfff]")
#: What a spreadsheet takes for a formula (full-width signs as well), behind any apostrophes that say it is text.
_FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20].")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$"}
_LATEX |= {c: f"\\{c}" for c in "&%$#_{}"}


class TextError(ValueError):
    """A file that is not text; names it, the line and the remedy."""


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; `TextError` when there is none.

    >>> read_text("no such file")
    Traceback (most recent call last):
    filmlens.text.TextError: no such file: cannot be read (No such file or directory)
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror or error})") from None
    at, what = data.find(b"\0"), ""
    if at < 0:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            at, what = error.start, f"byte {data[error.start]:#04x} "
    line = data[:at].count(b"\n") + 1
    raise TextError(f"{path} row {line}: {what}is not UTF-8 text; save the file as UTF-8 (in Excel: CSV UTF-8)")


def clean(text: object) -> str:
    r"""Text as it may come in: no control character, no turned direction; bytes that are not UTF-8 are Windows-1252.

    >>> clean("Caf\udce9\x1b[2J\r\nNo. 2 \u202egpj")
    'Café [2J No. 2 gpj'
    """
    text = _BYTE.sub(lambda m: bytes([ord(m.group()) - 0xDC00]).decode("cp1252", "replace"), str(text))
    return _HALF.sub("\ufffd", _TURNING.sub("", _CONTROL.sub(" ", text)))


def find_path(folder: Path, name: str) -> Path:
    """A file or folder by the name that a table gives it, as the disk writes it.

    A Mac's disk has accents apart that a table has composed; the bytes of an old disc are not UTF-8.
    """
    path = folder / name
    found = Path(path.anchor)
    for part in path.relative_to(path.anchor).parts:
        if not os.path.exists(found / part):  # which knows no error: a part may be too long for any disk
            with suppress(OSError):  # no folder, or none that may be looked into
                wanted = unicodedata.normalize("NFC", part)
                names = (p.name for p in sorted(found.iterdir()))
                part = next((n for n in names if unicodedata.normalize("NFC", clean(n)) == wanted), part)
        found /= part
    return found if os.path.exists(found) else path


def utf8(path: Path) -> Path:
    """A folder that is written to, or that files name; its name must be one that they can hold.

    Raises `ValueError` when bytes of the name are not UTF-8.
    """
    if _HALF.search(str(path)):
        raise ValueError(f"{path}: the name of this folder is not UTF-8; rename it, or take another one")
    return path


def html(text: object) -> str:
    """Text in HTML or SVG, between tags or as a quoted attribute.

    >>> html('<b>"Psycho"</b>')
    '&lt;b&gt;&quot;Psycho&quot;&lt;/b&gt;'
    """
    return _html.escape(clean(text), quote=True)


def markdown(text: object) -> str:
    r"""Text in a line of Markdown: no markup, no HTML, no mathematics.

    >>> markdown("a_b <i> $x$ | [y](z)")
    'a\\_b &lt;i&gt; \\$x\\$ \\| \\[y\\](z)'
    """
    text = re.sub(r"([\\`*_\[\]|$~#!])", r"\\\1", clean(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cell(value: object) -> str:
    """A cell of a CSV that no spreadsheet runs as a formula; `from_cell` gives the text back.

    >>> cell("=1+1"), cell("Theme"), cell("-a"), cell("'=1")
    ("'=1+1", 'Theme', "'-a", "''=1")
    """
    text = clean(value)
    return f"'{text}" if _FORMULA.match(text) else text


def from_cell(text: str) -> str:
    """The text of a cell that `cell` wrote, or anyone; an apostrophe before a formula says that it is none.

    >>> from_cell("'=1+1"), from_cell("''=1"), from_cell("'Round Midnight")
    ('=1+1', "'=1", "'Round Midnight")
    """
    text = clean(text)
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def defused(table: pd.DataFrame) -> pd.DataFrame:
    """A table as its CSV is written: texts that are no numbers, and names of columns, as `cell` gives them."""
    return _mapped(table, lambda text: text if _NUMBER.fullmatch(text) else cell(text))


def restored(table: pd.DataFrame) -> pd.DataFrame:
    """A table as it was read from a CSV, with the texts that `defused` was given."""
    return _mapped(table, from_cell)


def _mapped(table: pd.DataFrame, change) -> pd.DataFrame:
    table = table.rename(columns=lambda c: change(c) if isinstance(c, str) else c)
    for at, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            texts = table.iloc[:, at].tolist()
            known = {v: change(v) for v in {v for v in texts if isinstance(v, str)}}  # most cells of a column are alike
            if all(text == changed for text, changed in known.items()):
                continue
            values = [known[v] if isinstance(v, str) else v for v in texts]
            table.isetitem(at, pd.Series(values, index=table.index))
    return table


def terminal(text: object) -> str:
    r"""Lines for a terminal or a log: what it would obey, or what would turn its lines, is shown as an escape.

    >>> terminal("a\x1b[31mb\n" + "c\u202e")
    'a\\x1b[31mb\nc\\u202e'
    """
    shown = _BYTE.sub(lambda m: f"\\x{ord(m.group()) - 0xDC00:02x}", str(text))
    return "".join(
        c if c in "\t\n" or not (_CONTROL.match(c) or _TURNING.match(c) or _HALF.match(c)) else ascii(c)[1:-1]
        for c in shown
    )


def say(text: object = "", *, file: TextIO | None = None) -> None:
    """Print lines to a terminal as `terminal` gives them, in the characters that it has."""
    file = file or sys.stdout
    coding = getattr(file, "encoding", None) or "utf-8"
    print(terminal(text).encode(coding, "backslashreplace").decode(coding), file=file, flush=True)


def reason(error: BaseException) -> str:
    """Why something failed, in words for people: no number of the system, no name of a codec, no term of a parser.

    >>> reason(FileNotFoundError(2, "No such file or directory", "a.csv")), reason(KeyError("start"))
    ('a.csv: no such file or directory', "lacks 'start'")
    >>> reason(ValueError("Error tokenizing data. C error: Expected 3 fields in line 7, saw 5"))
    'row 7 has 5 cells under 3 columns'
    """
    said = next(iter(" ".join(line.split()) for line in str(error).splitlines() if line.strip()), "")
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror[:1].lower()}{error.strerror[1:]}"
    if isinstance(error, UnicodeError):
        return "is no UTF-8 text"
    if isinstance(error, KeyError):
        return f"lacks {said}"
    if cells := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", said):
        return f"row {cells[2]} has {cells[3]} cells under {cells[1]} columns"
    if "tokenizing" in said:
        return "a quotation mark is opened and not closed, or it is no table"
    if re.search(r"[Uu]npickl|pickle|weights_only", said):
        return "it holds Python objects, which are not opened, or something else"
    return said or "it is damaged"


def figure(text: object, most: int = 28) -> str:
    """A name as a label in a figure, not too long.

    >>> figure("Money $ 1"), figure("x" * 40, 5)
    ('Money $ 1', 'xxxx…')
    """
    text = clean(text)
    return text if len(text) <= most else text[: most - 1] + "…"


def latex(text: object) -> str:
    r"""Text in LaTeX.

    >>> latex(r"50 % of \$x_1")
    '50 \\% of \\textbackslash{}\\$x\\_1'
    """
    return "".join(_LATEX.get(c, c) for c in clean(text))


def webvtt(text: object) -> str:
    """Text of a cue in WebVTT.

    >>> webvtt("<i>a</i> --> b")
    '&lt;i&gt;a&lt;/i&gt; --&gt; b'
    """
    return _html.escape(clean(text), quote=False).strip()


def xml(text: object) -> str:
    r"""Text of characters that XML has; whoever writes it escapes its marks.

    >>> xml("a\x00\uffff <b>")
    'a \ufffd <b>'
    """
    return re.sub("[\ufffe\uffff]", "\ufffd", clean(text))
