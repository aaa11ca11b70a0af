"""Cue tables taken in as verdicts: a label that lies over a stamped cue corrects it, another one is a new cue."""

from __future__ import annotations

import difflib
from pathlib import Path

import pandas as pd

from filmlens.audition.session import Session
from filmlens.corpus import CorpusError, parse_cues, read_cues

_BEYOND_S = 1.0  # behind the film's end; lengths are rounded
_AGREES_S = 0.02  # an edge nearer than this was not moved


def read_labels(path: str | Path, session: Session) -> tuple[dict[str, int], list[str]]:
    """Write the labels of a file, of any kind that `read_cues` reads, into the film's verdicts: one step of undo there.

    Gives numbers of labels (accepted: label as stamped; corrected; added; unchanged: already so), and the lines that
    are no labels, with why; they were left out. Raises `CorpusError` when the file cannot be understood, or a label
    lies outside the film or names a track that is none; nothing is written then.
    """
    problems: list[str] = []
    return _take(read_cues(path, problems=problems), session, str(path), problems)


def parse_labels(data: bytes, session: Session, *, name: str = "labels") -> tuple[dict[str, int], list[str]]:
    """As `read_labels`, from the bytes of a file; `name` is for messages."""
    problems: list[str] = []
    return _take(parse_cues(data, name=name, problems=problems), session, name, problems)


def _refuse_strange(labels: pd.DataFrame, session: Session, name: str) -> None:
    """Labels outside the film, or of a track that it does not have, belong to another cut or are a slip of the pen."""
    try:
        tracks = {*session.film.tracks(), *session.cues["track"], *session.cues["name"]}
    except CorpusError:
        tracks = set()  # a corpus without its music
    faults = []
    for row, label in labels.iterrows():
        if label["end"] > session.duration + _BEYOND_S:
            faults.append(
                f"{name} row {row}: the label ends at {label['end']:.1f} s, outside the film of "
                f"{session.duration:.1f} s; are these labels of another cut?"
            )
        if tracks and label["track"] not in tracks:
            near = difflib.get_close_matches(label["track"], sorted(tracks), 1)
            hint = f"; is {near[0]!r} meant?" if near else "; name one"
            faults.append(f"{name} row {row}: track {label['track']!r} is no file of the soundtrack{hint}")
    if faults:
        raise CorpusError("\n".join(faults))


def _take(labels: pd.DataFrame, session: Session, name: str, problems: list[str]) -> tuple[dict[str, int], list[str]]:
    _refuse_strange(labels, session, name)
    before = len(session.steps)
    counts = dict.fromkeys(("accepted", "corrected", "added", "unchanged"), 0)
    used: set[str] = set()
    free = {*session.cues["name"]} - {*session.cues["track"], ""}  # music that is on no track
    for label in labels.to_dict("records"):
        cues = session.cues
        cues = cues[~cues["id"].isin(used)]
        same = [(cues["track"] + cues["name"]) == label["track"], cues["stamped_track"] == label["track"]]
        overlap = cues["end"].clip(upper=label["end"]) - cues["start"].clip(lower=label["start"])
        near = cues[
            (same[0] | same[1])
            & (overlap >= 0.5 * (cues["end"] - cues["start"]).clip(upper=label["end"] - label["start"]))
        ]
        if near.empty:
            track, name_ = ("", label["track"]) if label["track"] in free else (label["track"], "")
            used.add(session.add(track, label["start"], label["end"], name=name_))
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
    session.steps.join(len(session.steps) - before, f"labels of {name}")
    return counts, problems
