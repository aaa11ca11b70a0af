"""Many verdicts at once: cues accepted unheard, at a risk estimated from their kind, and lists of cues taken in."""

import difflib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv  # the quantile of Beta; scipy.stats takes a second to load

from filmlens.audition.session import Session
from filmlens.corpus import CorpusError, parse_cues, read_cues
from filmlens.verdicts.measures import heard_cues

_BEYOND_S = 1.0  # of a label behind the film's end; lengths are rounded
_AGREES_S = 0.02  # an edge nearer than this was not moved


def certainty(cues: pd.DataFrame) -> np.ndarray:
    """Probability of each cue, the score where there is none."""
    known = cues.reindex(columns=["probability", "score"]).astype(float)
    return known["probability"].fillna(known["score"]).to_numpy()


def estimate(sessions: Iterable[Session], least: float) -> dict[str, Any]:
    """What would be accepted, and how often cues like it were right when they were heard.

    A heard cue is right when cues of its track that were heard cover at least half of it. Gives cues (ids by film_id),
    count, heard, right, precision, low, high (95 %, Jeffreys), text. Raises `ValueError` when nothing above the
    threshold was heard, or nothing is left to accept.
    """
    open_: dict[str, list[str]] = {}
    heard = right = 0
    for session in sessions:
        cues = session.cues
        surest = heard_cues(cues)
        surest = surest[certainty(surest) >= least]
        unjudged = (cues["basis"] == "stamped") & (cues["verdict"] == "") & (certainty(cues) >= least)
        ids = cues.loc[unjudged, "id"].tolist()
        if ids:
            open_[session.film.id] = ids
        heard, right = heard + len(surest), right + int(surest["hit"].sum())
    count = sum(map(len, open_.values()))
    if not count:
        raise ValueError(f"no cue with at least {least:g} is left to judge")
    if not heard:
        raise ValueError(f"no cue with at least {least:g} was heard yet, so that its precision is unknown; judge some")
    low, high = betaincinv(right + 0.5, heard - right + 0.5, [0.025, 0.975])
    text = (
        f"{count} cue{'s' * (count != 1)} of {len(open_)} film{'s' * (len(open_) != 1)} with at least {least:g} "
        f"are not judged. Of {heard} such that were heard {right} were right: precision {right / heard:.2f} "
        f"(95 % interval {low:.2f} to {high:.2f})"
    )
    found = {"heard": heard, "right": right, "precision": right / heard, "low": float(low), "high": float(high)}
    return {"cues": open_, "count": count, "text": text} | found


def accept(sessions: dict[str, Session], found: dict[str, Any], least: float) -> str:
    """Accept what `estimate` found, as one step; every row says so in its note."""
    note = (
        f"accepted unheard: at least {least:g}, precision {found['precision']:.2f} "
        f"({found['low']:.2f} to {found['high']:.2f}) of {found['heard']} heard"
    )
    for film_id, cues in found["cues"].items():
        sessions[film_id].accept_unheard(cues, note)
    text = f"{found['count']} cues accepted unheard"
    next(iter(sessions.values())).steps.join(len(found["cues"]), text)
    return text


def read_labels(path: str | Path, session: Session) -> tuple[dict[str, int], list[str]]:
    """Write the labels of a file, of any kind that `read_cues` reads, into the film's verdicts: one step of undo there.

    A label over a stamped cue corrects it, another one is a new cue. Gives numbers of labels (accepted: label as
    stamped; corrected; added; unchanged: already so), and the lines that are no labels, with why; they were left out.
    Raises `CorpusError` when the file cannot be understood, or a label lies outside the film or names a track that is
    none; nothing is written then.
    """
    return _taken(partial(read_cues, path), session, str(path))


def parse_labels(data: bytes, session: Session, *, name: str) -> tuple[dict[str, int], list[str]]:
    """As `read_labels`, from the bytes of a file; `name` is for messages."""
    return _taken(partial(parse_cues, data, name=name), session, name)


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


def _taken(read: Callable[..., pd.DataFrame], session: Session, name: str) -> tuple[dict[str, int], list[str]]:
    problems: list[str] = []
    labels = read(problems=problems)
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
