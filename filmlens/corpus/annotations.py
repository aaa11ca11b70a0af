"""True cues as people write them down: the one reader of cue tables, for annotations, imports and the widget."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


class CorpusError(ValueError):
    """films.csv or an annotation file that cannot be understood; names file, row and remedy."""


def read_cues(path: Path) -> pd.DataFrame:
    """True cues from a CSV (start,end,track[,track_start][,usage]) or an Audacity label file (.txt).

    Times are seconds or timecode (1:02:03.5). Rows keep their line in the file as the index.

    Raises
    ------
    CorpusError
        Names file and row.
    """
    try:
        if path.suffix.lower() == ".txt":
            names = ["start", "end", "track"]
            table = pd.read_csv(path, sep="\t", header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            table = table.iloc[:, :3].set_axis(names[: min(3, table.shape[1])], axis=1)
            table.index += 1
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
            table.index += 2
    except pd.errors.EmptyDataError:
        table = pd.DataFrame(columns=["start", "end", "track"])
    except (ValueError, pd.errors.ParserError) as error:
        raise CorpusError(f"{path}: cannot be read as text in columns ({error})") from error
    missing = [c for c in ("start", "end", "track") if c not in table.columns]
    if missing:
        raise CorpusError(f"{path} row 1: the header lacks {', '.join(missing)}; it must name start,end,track")
    for column in {"start", "end", "track_start"} & set(table.columns):
        values = []
        for row, text in table[column].items():
            try:
                values.append(parse_time(text) if text.strip() or column != "track_start" else float("nan"))
            except ValueError as error:
                raise CorpusError(f"{path} row {row}: {column} {error}") from None
        table[column] = pd.array(values, dtype="float64")
    backwards = table.index[table["end"] <= table["start"]]
    if len(backwards):
        raise CorpusError(f"{path} row {backwards[0]}: the cue ends before it starts; exchange start and end")
    return table.sort_values("start", kind="stable")


def parse_time(text: str) -> float:
    """Seconds from seconds or timecode.

    >>> parse_time("1:02:03.5"), parse_time("61.25")
    (3723.5, 61.25)
    """
    try:
        parts = [float(p) for p in str(text).strip().split(":")]
        if len(parts) > 3 or min(parts) < 0 or any(p != p or p == float("inf") for p in parts):
            raise ValueError
    except ValueError:
        raise ValueError(f"{text!r} is no time; write seconds or h:mm:ss") from None
    return sum(p * 60**i for i, p in enumerate(reversed(parts)))
