"""Cues that carry their segments: a list of (start, end, track_start, speed) in their column `segments`.

So that a cue keeps them whatever is judged of it. Of a cue that carries none, the cue itself is the one segment; a cue
whose place in its track is unknown has none.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from filmlens.stamper.cues import SEGMENT_COLUMNS

Segment = tuple[float, float, float, float]
_PLACE = list(SEGMENT_COLUMNS[2:])


def carrying(cues: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """The numbered cues of a film with their segments, as ``derived/segments`` holds them, in a column."""
    of_cue = {cue: list(part.itertuples(index=False, name=None)) for cue, part in segments.groupby("cue")[_PLACE]}
    return cues.assign(segments=[of_cue.get(cue, []) for cue in cues["cue"]])


def of(cue: Mapping[str, Any]) -> list[Segment]:
    """The segments of a cue, in order."""
    if not np.isfinite(cue.get("track_start", np.nan)):
        return []
    carried = cue.get("segments")
    # who annotates a film need not say at what speed: the album's
    return carried if isinstance(carried, list) and carried else [tuple(float(cue.get(c, 1.0)) for c in _PLACE)]


def cut(segments: list[Segment], start: float, end: float) -> list[Segment]:
    """Segments cut to a cue's edges; the first and the last reach to them.

    >>> cut([(5.0, 9.0, 40.0, 1.0), (9.5, 15.0, 10.0, 2.0)], 10.0, 16.0)
    [(10.0, 16.0, 11.0, 2.0)]
    >>> cut([(5.0, 9.0, 40.0, 1.0), (9.5, 15.0, 10.0, 2.0)], 4.0, 12.0)
    [(4.0, 9.0, 39.0, 1.0), (9.5, 12.0, 10.0, 2.0)]
    """
    if not segments:
        return []
    kept = [s for s in segments if s[0] < end and s[1] > start]
    # edges that hold no segment are in a pause, or beyond all: the one before goes on
    kept = kept or [s for s in segments if s[0] <= start][-1:] or segments[:1]
    begin, stop, place, speed = kept[0]
    kept[0] = (start, stop, place + (start - begin) * speed, speed)
    begin, _, place, speed = kept[-1]
    return [*kept[:-1], (begin, end, place, speed)]


def table(cues: pd.DataFrame) -> pd.DataFrame:
    """The segments that numbered cues carry as a table, at least one for each cue: `SEGMENT_COLUMNS`."""
    rows = [
        (cue["cue"], number, *segment)
        for cue in cues.to_dict("records")
        for number, segment in enumerate(of(cue) or [(cue["start"], cue["end"], np.nan, cue.get("speed", 1.0))])
    ]
    numbers = dict.fromkeys(SEGMENT_COLUMNS[:2], "int64") | dict.fromkeys(_PLACE, float)
    return pd.DataFrame(rows, columns=list(SEGMENT_COLUMNS)).astype(numbers)
