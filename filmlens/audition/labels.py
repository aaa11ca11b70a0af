"""Audacity labels taken in as verdicts: a label that lies over a stamped cue corrects it, another one is a new cue."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from filmlens.audition.session import Session
from filmlens.stamper import CueSheet

_AGREES_S = 0.02  # an edge nearer than this was not moved


def read_labels(path: str | Path, session: Session) -> dict[str, int]:
    """Write the labels of a file into the film's verdicts.

    Parameters
    ----------
    path : path
        Start, end and track between tabs.
    session : Session
        Of the film. Every label can be undone there.

    Returns
    -------
    dict
        accepted (label as stamped), corrected, added, unchanged (already so): numbers of labels.

    Raises
    ------
    ValueError
        The file cannot be understood; nothing is written then.
    """
    return _take(CueSheet.read_audacity(path).table, session)


def parse_labels(text: str, session: Session, *, name: str = "labels") -> dict[str, int]:
    """As `read_labels`, from the text of a file; `name` is for messages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.txt"
        path.write_text(text, encoding="utf-8")
        try:
            table = CueSheet.read_audacity(path).table
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from None
    return _take(table, session)


def _take(labels: pd.DataFrame, session: Session) -> dict[str, int]:
    counts = dict.fromkeys(("accepted", "corrected", "added", "unchanged"), 0)
    used: set[str] = set()
    for label in labels.to_dict("records"):
        cues = session.cues
        cues = cues[~cues["id"].isin(used)]
        same = [cues["track"] == label["track"], cues["stamped_track"] == label["track"]]
        overlap = cues["end"].clip(upper=label["end"]) - cues["start"].clip(lower=label["start"])
        near = cues[
            (same[0] | same[1])
            & (overlap >= 0.5 * (cues["end"] - cues["start"]).clip(upper=label["end"] - label["start"]))
        ]
        if near.empty:
            used.add(session.add(label["track"], label["start"], label["end"]))
            counts["added"] += 1
            continue
        cue = near.loc[overlap[near.index].idxmax()]
        used.add(cue["id"])
        moved = [e for e in ("start", "end") if abs(cue[e] - label[e]) > _AGREES_S]
        if not moved and cue["verdict"] in ("accept", "corrected", "added"):
            counts["unchanged"] += 1
            continue
        # outwards first, so that a cue never ends before it starts on the way
        for edge in sorted(moved, key=lambda e: (label[e] > cue[e]) != (e == "end")):
            session.move(cue["id"], edge, label[edge])
        if not moved:
            session.judge(cue["id"], "accept")
        counts["corrected" if moved else "accepted"] += 1
    return counts
