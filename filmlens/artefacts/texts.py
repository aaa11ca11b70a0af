"""Reading text files. Errors name the file, the line and the remedy."""

from __future__ import annotations

from pathlib import Path


class TextError(ValueError):
    """A file that is not text; names it, the line and the remedy."""


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises `TextError` when it cannot be opened, or holds bytes that are no UTF-8 text.

    >>> read_text("no such file")
    Traceback (most recent call last):
    filmlens.artefacts.texts.TextError: no such file: cannot be read (No such file or directory)
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror or error})") from None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise TextError(f"{path} row {line}: is not UTF-8 text; save the file as UTF-8 (in Excel: CSV UTF-8)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = data[: error.start].count(b"\n") + 1, data[error.start]
        raise TextError(
            f"{path} row {line}: byte {byte:#04x} is not UTF-8 text; save the file as UTF-8 (in Excel: CSV UTF-8)"
        ) from None
