"""The file of verdicts of one film: one row per judged cue, changed one row at a time under a lock.

Columns
-------
track, start, end
    The cue as it was stamped; a cue is found again by its track and overlap, never by a row number.
verdict
    accept, corrected (heard, with another track or other edges), reject, or empty (only a remark so far); added (a
    cue that was not stamped); music or no music (the answer for a span that was drawn to measure recall); complete
    (all music of the film is marked); left out (a cue that an annotator added, and that was decided to be none).
new_track, new_start, new_end
    What replaces track, start and end; empty where nothing does.
name
    What music is called that is on no track; the cue then has none, whatever stands in the columns before.
origin, diegesis, function, number, segue, in_on, out_on, hits
    What the cue is: see `filmlens.verdicts.fields`. Empty says nothing.
heard
    "no" for a cue that was accepted with many others, unheard; empty otherwise.
who, when, note
    The judge, the time (UTC) and a remark.

Times are seconds or timecode. Further columns of the user's are kept as they stand. The column ``usage`` of earlier
versions is read as origin or diegesis, and written so with the next verdict.
"""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pandas as pd

from filmlens.artefacts import TextError, read_text, write_atomically
from filmlens.corpus import CorpusError, parse_time
from filmlens.text import defused, reason, restored
from filmlens.verdicts.fields import DIEGESES, FIELDS, ORIGINS, migrated, refuse_strange

COLUMNS = (
    *("track", "start", "end", "verdict", "new_track", "new_start", "new_end", "name"),
    *FIELDS,
    *("heard", "who", "when", "note"),
)
#: Verdicts on cues, on drawn spans, and on the film.
ON_STAMPED = ("accept", "corrected", "reject")
ADDED = "added"
ON_SPANS = ("music", "no music")
COMPLETE = "complete"
LEFT_OUT = "left out"
KINDS = (*ON_STAMPED, ADDED, *ON_SPANS, COMPLETE, LEFT_OUT)

_TIMES = ("start", "end", "new_start", "new_end")
#: Times closer than this are the same: files keep milliseconds.
SAME_S = 0.0021
_PATIENCE_S = 10.0


def read(path: Path) -> pd.DataFrame:
    """Verdicts of a film, times as floats (NaN where empty), everything else as text; empty without a file.

    Of rows on the same cue, such as two people's files that were joined, the latest counts. Raises `CorpusError`, which
    names file, row and remedy.
    """
    return _read(path)[1].copy()


def put(
    path: Path, *changes: tuple[Callable[[pd.DataFrame], int] | None, Mapping[str, Any] | None]
) -> tuple[bytes, bytes]:
    """Replace, add or remove rows, one after the other; gives the file before and after, empty where there was none.

    All other rows are left as they are on disk. A change is (place, row). Given the table as `read` gives it now, place
    is the position of the row to replace, or -1 to add one; None adds one without looking, after all others, which of
    many rows is quicker. row is columns and values; those not named keep what the replaced row had. None removes the
    row, and older ones on the same cue with it, which would count again otherwise.
    """
    with locked(path):
        before = path.read_bytes() if path.is_file() else b""
        text, *counting = _read(path)
        unchanged = text
        for place, row in changes:
            if place is not None:
                text = _changed(text, counting if text is unchanged else _counting(text, path), place, row)
        added = [{k: _text(v) for k, v in row.items()} for place, row in changes if place is None]
        if added:
            text = pd.concat([text, pd.DataFrame(added)], ignore_index=True).fillna("")
        if text is unchanged:
            return before, before
        write_atomically(path, lambda part: defused(text).to_csv(part, index=False, lineterminator="\n"))
        return before, path.read_bytes()


def _changed(text: pd.DataFrame, counting: Sequence, place: Callable, row: Mapping[str, Any] | None) -> pd.DataFrame:
    """The file's text after one change; `counting` is what `_counting` gives of the text."""
    table, latest, key = counting
    at = place(table)
    at = int(latest[at]) if at >= 0 else -1
    if row is None:
        return text[~(key == key.iloc[at]).all(axis=1)] if at >= 0 else text
    after = {k: _text(v) for k, v in row.items()}
    if at < 0:
        return pd.concat([text, pd.DataFrame([after])], ignore_index=True).fillna("")
    text = text.copy()
    for column, value in after.items():
        text.iloc[at, text.columns.get_loc(column)] = value
    return text


def restore(path: Path, reverse: Callable[[bytes], bytes | None]) -> None:
    """Let `reverse` make the file what it was: given what the file holds, it gives what it shall hold, or None."""
    with locked(path):
        before = reverse(path.read_bytes() if path.is_file() else b"")
        if before is None:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, lambda part: part.write_bytes(before))


def find(cues: pd.DataFrame, table: pd.DataFrame, *, share: float = 0.5) -> np.ndarray:
    """Which row of `table`, as `read` gives it, is about which cue, one to one: its position, -1 for a cue not judged.

    The same track, start and end first; then, so that a verdict outlives a new stamping, the same track and the longest
    overlap. D: `share` is the least overlap, as a share of the shorter of the two.

    >>> cues = pd.DataFrame({"track": ["A", "A"], "start": [0.0, 20.0], "end": [10.0, 30.0]})
    >>> verdicts = pd.DataFrame({"track": ["A"], "start": [21.0], "end": [33.0], "verdict": ["reject"]})
    >>> find(cues, verdicts).tolist()
    [-1, 0]
    """
    found = np.full(len(cues), -1)
    rows = np.flatnonzero(table["verdict"].isin(["", *ON_STAMPED]).to_numpy(bool))
    if not len(rows) or not len(cues):
        return found
    start, end = cues["start"].to_numpy(float)[:, None], cues["end"].to_numpy(float)[:, None]
    from_, to = table["start"].to_numpy(float)[rows], table["end"].to_numpy(float)[rows]
    same = cues["track"].to_numpy(object)[:, None] == table["track"].to_numpy(object)[rows]
    exact = same & (abs(start - from_) < SAME_S) & (abs(end - to) < SAME_S)
    overlap = np.minimum(end, to) - np.maximum(start, from_)
    long = same & (overlap > 0) & (overlap >= share * np.minimum(end - start, to - from_))
    worth = np.where(exact, np.inf, np.where(long, overlap, 0.0))
    pairs = np.argwhere(worth > 0)
    for cue, row in pairs[np.argsort(-worth[worth > 0], kind="stable")]:
        if worth[cue, row] > 0:
            found[cue] = rows[row]
            worth[cue], worth[:, row] = 0.0, 0.0
    return found


def same_row(row: Mapping[str, Any]) -> Callable[[pd.DataFrame], int]:
    """A `place` for `put`: the row of the same kind, track, start and end."""

    start, end = (parse_time(str(row[c])) for c in ("start", "end"))

    def place(table: pd.DataFrame) -> int:
        near = (abs(table["start"] - start) < SAME_S) & (abs(table["end"] - end) < SAME_S)
        kind = table["verdict"].map(_kind) == _kind(str(row["verdict"]))
        hits = np.flatnonzero(near & kind & (table["track"] == str(row["track"])))
        return int(hits[-1]) if len(hits) else -1

    return place


def when() -> str:
    """Now (UTC), as a verdict states it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the film's lock, against other notebooks; `OSError` where one cannot write, or someone held it for 10 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(path.with_name(f".{path.name}.lock"), timeout=_PATIENCE_S, poll_interval=0.01):
            yield
    except filelock.Timeout:
        raise OSError(f"{path}: another program has held its lock for {_PATIENCE_S:.0f} s; close it") from None


def _counting(text: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """The rows that count (of several on the same cue the latest), their positions, and what each row is about."""
    table = _typed(text, path)
    key = pd.DataFrame({"kind": table["verdict"].map(_kind), "track": table["track"]})
    key = key.join(table[["start", "end"]].round(2))
    order = table["when"].str.replace("Z", "+00:00").argsort(kind="stable")
    latest = np.flatnonzero(~key.iloc[order].duplicated(keep="last").sort_index())
    return table.iloc[latest].reset_index(drop=True), latest, key


def _kind(verdict: str) -> str:
    """What a verdict is about; one cue, span or film has one row of its kind."""
    return "cue" if verdict in ("", *ON_STAMPED) else "span" if verdict in ON_SPANS else verdict


def _read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, pd.DataFrame]:
    """The file as text, every column of `COLUMNS` present; and of it what `_counting` gives. None is to be changed."""
    try:
        return _parsed(path, read_text(path) if path.is_file() else "")
    except TextError as error:
        raise CorpusError(str(error)) from None


@lru_cache(maxsize=8)
def _parsed(path: Path, text: str) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray, pd.DataFrame]:
    """What a file's text says, remembered: a verdict finds the file as the one before left it."""
    try:
        table = restored(pd.read_csv(io.StringIO(text or ",".join(COLUMNS)), dtype=str, keep_default_na=False))
    except (ValueError, pd.errors.ParserError) as error:
        raise CorpusError(f"{path}: cannot be read as comma-separated text ({reason(error)})") from error
    lacking = [c for c in ("track", "start", "end", "verdict") if c not in table.columns]
    if lacking:
        raise CorpusError(f"{path} row 1: the header lacks {', '.join(lacking)}; it must name {','.join(COLUMNS)}")
    table = migrated(table, path)
    table = table.assign(**{column: "" for column in COLUMNS if column not in table})
    table = table[[*COLUMNS, *(c for c in table.columns if c not in COLUMNS)]]
    return table, *_counting(table, path)


def _typed(text: pd.DataFrame, path: Path) -> pd.DataFrame:
    table = text.copy()
    for column in _TIMES:
        values = []
        for row, cell in enumerate(text[column], start=2):
            try:
                values.append(parse_time(cell) if cell.strip() or not column.startswith("new_") else float("nan"))
            except ValueError as error:
                raise CorpusError(f"{path} row {row}: {column} {error}") from None
        table[column] = np.array(values, float)
    table["verdict"] = table["verdict"].str.strip()
    for column, known in (("verdict", KINDS), ("origin", ORIGINS), ("diegesis", DIEGESES)):
        refuse_strange(table, path, column, known)
    return table


def _text(value: Any) -> str:
    """A value as the file keeps it: times to a millisecond, nothing for what is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.3f}" if isinstance(value, (float, np.floating)) else str(value)
