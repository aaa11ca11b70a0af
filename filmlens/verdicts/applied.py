"""Verdicts applied to a stamped cue sheet: what each cue is after judging, and the sheet of verified cues."""

import numpy as np
import pandas as pd

from filmlens.verdicts import segments
from filmlens.verdicts.fields import FIELDS, usage
from filmlens.verdicts.table import ADDED, SAME_S, find

#: Verdicts whose cue is heard to be there.
TRUE = ("accept", "corrected", ADDED)
_CUE = ["track", "start", "end", "track_start", "speed", "score"]
_SAID = ["verdict", "name", *FIELDS, "heard", "who", "when", "note"]


def judged(stamped: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The cues of one film as they stand after judging, by start.

    `stamped` is what the stamper found (track, start, end, track_start, speed, score, and where it has them `segments`,
    see `filmlens.verdicts.segments`), `table` the verdicts, as `filmlens.verdicts.read` gives them.

    Columns: track ("" for music that is on none; name then says what it is), start, end (corrected), track_start (moved
    with the start, negative where the cue was made to begin before its track does; NaN under another track, or where
    nothing was stamped), speed, score, probability (NaN of an engine that gives none), verdict ("" when not judged),
    name, the fields of `filmlens.verdicts.fields`, heard, who, when, note, usage (score, song or diegetic, as the
    fields say); stamped_track, stamped_start, stamped_end: the cue that the verdict is about; basis: "stamped",
    "added", or "kept" for a cue that was judged and has not been stamped since; row: position of the verdict in
    `table`, -1 without one; segments: those of the stamper, cut to the edges, none where track_start is NaN.
    """
    stamped = stamped.reset_index(drop=True)
    found, said, rows = find(stamped, table), table.to_dict("records"), []
    for cue, at in zip(stamped.to_dict("records"), found, strict=True):
        rows.append(_row("stamped", cue, said[at] if at >= 0 else None) | {"row": at})
    for at in sorted(set(np.flatnonzero(table["verdict"].isin(TRUE))) - set(found)):
        verdict = said[at]
        cue = {"track": verdict["track"], "start": verdict["start"], "end": verdict["end"], "score": np.nan}
        same = stamped[stamped["track"] == (verdict["new_track"] or verdict["track"])]
        overlap = np.minimum(same["end"], verdict["end"]) - np.maximum(same["start"], verdict["start"])
        if (overlap > 0).any():
            near = same.loc[overlap.idxmax()]
            cue |= {"track_start": near["track_start"], "segments": segments.of(near)}
        rows.append(_row(ADDED if verdict["verdict"] == ADDED else "kept", cue, verdict) | {"row": at})
    more = ["probability", *_SAID, "usage", "stamped_track", "stamped_start", "stamped_end", "basis", "row", "segments"]
    judged = pd.DataFrame(rows, columns=_CUE + more)
    numbers = ["start", "end", "track_start", "speed", "score", "probability", "stamped_start", "stamped_end"]
    judged = judged.astype(dict.fromkeys(numbers, float) | {"row": int})
    return judged.sort_values(["start", "end", "track"], kind="stable").reset_index(drop=True)


def verified(stamped: pd.DataFrame, table: pd.DataFrame, *, usage: str = "", trackless: bool = False) -> pd.DataFrame:
    """The cues that someone has heard: accepted, corrected or added, where and what they were corrected to.

    `stamped` and `table` are as in `judged`. A `usage` ("score", "song" or "diegetic") leaves only its cues; a cue
    whose usage is not stated counts as score. With `trackless`, music that is on no track is among them: it counts
    where music is counted, and has nothing to measure. Columns: track, start, end, track_start (0 or more), speed,
    score, usage, segments.
    """
    cues = judged(stamped, table)
    cues["track_start"] = cues["track_start"].clip(lower=0.0)
    cues["segments"] = [[(a, b, max(0.0, place), speed) for a, b, place, speed in of] for of in cues["segments"]]
    cues["usage"] = cues["usage"].replace("", "score")
    kept = cues["verdict"].isin(TRUE) & (cues["usage"].isin([usage]) if usage else True)
    kept &= trackless | (cues["track"] != "")
    return cues.loc[kept, [*_CUE, "usage", "segments"]].reset_index(drop=True)


def _row(basis: str, cue: dict, verdict: dict | None) -> dict:
    row = {"basis": basis, "track_start": np.nan, "speed": 1.0, "score": np.nan} | cue
    row |= {f"stamped_{c}": row[c] for c in ("track", "start", "end")} | {"segments": segments.of(row)}
    if verdict is None:
        return row | dict.fromkeys([*_SAID, "usage"], "")
    if verdict["verdict"] in TRUE:
        start, end = (_corrected(row[c], verdict[c], verdict[f"new_{c}"]) for c in ("start", "end"))
        track = "" if verdict["name"] else verdict["new_track"] or verdict["track"]
        known = segments.cut(row["segments"], start, end) if track == row["track"] else []
        *_, row["track_start"], row["speed"] = known[0] if known else (np.nan, 1.0)
        row |= {"track": track, "start": start, "end": end, "segments": known}
    return row | {c: verdict[c] for c in _SAID} | {"usage": usage(verdict)}


def _corrected(stamped: float, judged: float, new: float) -> float:
    """Where an edge is: what it was corrected to, else what was judged, which a later stamping may have moved."""
    if np.isfinite(new):
        return float(new)
    return float(stamped if abs(stamped - judged) < SAME_S else judged)
