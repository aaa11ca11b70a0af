"""Reading text files. Errors name the file, the line and the remedy."""

from __future__ import annotations

from pathlib import Path


class TextError(ValueError):
    """A file that is not text; names it, the line and the remedy."""


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; `TextError` when there is none.

    >>> read_text("no such file")
    Traceback (most recent call last):
    filmlens.artefacts.texts.TextError: no such file: cannot be read (No such file or directory)
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
