"""``failures.csv``: what failed and why, film by film and stage by stage."""

import csv
import io
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from filmlens.artefacts.writing import write_atomically
from filmlens.text import TextError, cell, clean, from_cell, read_text

#: How the failure of a film begins that was measured although its media are damaged.
PART = "used in part: "
_COLUMNS = ("film_id", "stage", "error")


def record_failures(path: Path, tried: Mapping[str, Iterable[str]], errors: Mapping[str, Mapping[str, str]]) -> None:
    """Update ``failures.csv``: drop the rows of everything that was tried, then add what failed.

    `tried` is stage to films, `errors` stage to film to error.
    """
    rows, whole = _rows(path)
    gone = {(film, stage) for stage, films in tried.items() for film in films}
    lines = [r for r in rows if r[:2] not in gone]
    lines += [(film, stage, clean(text)) for stage, films in errors.items() for film, text in films.items()]
    if whole and sorted(lines) == sorted(rows):
        return
    table = pd.DataFrame(lines, columns=list(_COLUMNS)).map(cell)
    write_atomically(path, lambda part: table.to_csv(part, index=False, lineterminator="\n"))


def read_failures(path: Path) -> pd.DataFrame:
    """What failed and why: columns film_id, stage, error.

    Rows of a damaged file are passed over with a warning: the next run tries those films again and writes it anew.
    """
    return pd.DataFrame(_rows(path)[0], columns=list(_COLUMNS), dtype=str)


def _rows(path: Path) -> tuple[list[tuple[str, ...]], bool]:
    """Rows that can be understood, and whether those are all."""
    if not path.is_file():
        return [], True
    try:
        first, *lines = list(csv.reader(io.StringIO(read_text(path), newline=""))) or [[]]
        wrong = next((n for n, line in enumerate(lines, start=2) if line and len(line) != len(_COLUMNS)), 0)
        wrong = 1 if tuple(first) != _COLUMNS else wrong
        fault = f"{path} row {wrong}: is not {','.join(_COLUMNS)}" if wrong else ""
        rows = [tuple(map(from_cell, line)) for line in lines if len(line) == len(_COLUMNS)] if wrong != 1 else []
    except (TextError, csv.Error) as error:
        fault, rows = str(error) if str(path) in str(error) else f"{path}: {error}", []
    if fault:
        warnings.warn(f"{fault}; passed over, the next run writes it anew", stacklevel=3)
    return rows, not fault
