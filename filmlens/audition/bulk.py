"""Accepting many cues at once, unheard: what that risks is estimated from cues of their kind that were heard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv  # the quantile of Beta; scipy.stats takes a second to load

from filmlens.audition.session import Session
from filmlens.verdicts.measures import heard_cues


def certainty(cues: pd.DataFrame) -> np.ndarray:
    """Probability of each cue, the score where there is none."""
    score = cues["score"].to_numpy(float)
    known = cues["probability"].to_numpy(float) if "probability" in cues else np.full(len(cues), np.nan)
    return np.where(np.isfinite(known), known, score)


def estimate(sessions: Iterable[Session], least: float) -> dict[str, Any]:
    """What would be accepted, and how often cues like it were right when they were heard.

    A heard cue is right when cues of its track that were heard cover at least half of it. Gives cues (ids by film_id),
    count, heard, right, precision, low, high (95 %, Jeffreys), text. Raises `ValueError` when nothing above the
    threshold was heard, or nothing is left to accept.
    """
    open_: dict[str, list[str]] = {}
    heard = right = 0
    for session in sessions:
        told = heard_cues(session.cues)
        told = told[certainty(told) >= least]
        cues = session.cues
        cues = cues[(cues["basis"] == "stamped") & (certainty(cues) >= least)]
        ids = cues.loc[cues["verdict"] == "", "id"].tolist()
        if ids:
            open_[session.film.id] = ids
        heard, right = heard + len(told), right + int(told["hit"].sum())
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
