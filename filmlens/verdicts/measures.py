"""Precision and recall from judging (paper: .94 precision, .47 recall, against three annotated films).

Precision needs only the cues that were judged. Recall needs to know what was missed: from films marked complete, or
from spans drawn at random where nothing was stamped, each answered with "music of the soundtrack plays here" or not.
Judged cues alone say nothing of recall, and none is given from them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from filmlens.stamper import evaluation, intervals
from filmlens.verdicts.applied import TRUE, judged, verified
from filmlens.verdicts.table import COMPLETE, ON_SPANS, ON_STAMPED, read

#: Length of a drawn span [s].
SPAN_S = 5.0
_DRAWS = 20_000


def precision(stamped: pd.DataFrame, table: pd.DataFrame) -> dict[str, float]:
    """Precision over the judged cues of one film (or of several, summed by the caller).

    An accepted cue is right in full, a corrected one where it lies under what it was corrected to, a rejected or
    relabelled one nowhere. Cues that were accepted unheard, with many others, say nothing.

    Returns
    -------
    dict
        precision (time-weighted; NaN when nothing was judged), seconds_right, seconds_judged, cues_judged,
        cues_right (right for at least half their length), cues.

    >>> from filmlens.verdicts.table import COLUMNS
    >>> stamped = pd.DataFrame({"track": ["A", "B"], "start": [0.0, 20.0], "end": [10.0, 50.0]})
    >>> table = pd.DataFrame({"track": ["A", "B"], "start": [0.0, 20.0], "end": [10.0, 50.0]})
    >>> table = table.assign(verdict=["accept", "reject"], new_start=np.nan, new_end=np.nan)
    >>> precision(stamped, table.reindex(columns=COLUMNS, fill_value=""))["precision"]
    0.25
    """
    cues = judged(stamped, table)
    cues = cues[(cues["basis"] == "stamped") & cues["verdict"].isin(ON_STAMPED) & (cues["heard"] != "no")]
    whole = (cues["stamped_end"] - cues["stamped_start"]).to_numpy(float)
    inside = np.minimum(cues["end"], cues["stamped_end"]) - np.maximum(cues["start"], cues["stamped_start"])
    true = cues["verdict"].isin(TRUE) & (cues["track"] == cues["stamped_track"])
    right = np.where(true, np.maximum(inside, 0.0), 0.0)
    return {
        "precision": float(right.sum() / whole.sum()) if len(cues) else float("nan"),
        "seconds_right": float(right.sum()),
        "seconds_judged": float(whole.sum()),
        "cues_judged": len(cues),
        "cues_right": int((right >= evaluation.HIT_SHARE * whole).sum()),
        "cues": len(stamped),
    }


def sample_spans(
    stamped: pd.DataFrame, duration: float, n: int = 20, *, seconds: float = SPAN_S, seed: int = 0
) -> np.ndarray:
    """Random spans of a film outside all cues, to be listened to.

    Parameters
    ----------
    stamped : DataFrame
        start, end.
    duration : float
        Seconds of the film.
    n : int
        Spans; fewer where there is less room. They do not overlap.
    seconds : float
        Length of each. Gaps shorter than this cannot be drawn.
    seed : int

    Returns
    -------
    ndarray, shape (m, 2)
        In the order of drawing, so that any first few are a random sample too.

    >>> spans = sample_spans(pd.DataFrame({"start": [10.0], "end": [80.0]}), 100.0, 2)
    >>> bool(((spans[:, 1] <= 10) | (spans[:, 0] >= 80)).all())
    True
    """
    rng, drawn = np.random.default_rng(seed), np.zeros((0, 2))
    free = _outside(stamped, duration)
    while len(drawn) < n:
        room = free[:, 1] - free[:, 0] - seconds
        free, room = free[room >= 0], room[room >= 0]
        if not len(free):
            break
        # a start is drawn uniformly from all places where a span fits
        place = rng.random() * max(room.sum(), 1e-9)
        gap = min(int(np.searchsorted(np.cumsum(room), place)), len(free) - 1)
        start = free[gap, 0] + min(room[gap], max(0.0, place - (np.cumsum(room)[gap] - room[gap])))
        start = float(np.floor(start * 100) / 100) if np.floor(start * 100) / 100 >= free[gap, 0] else start
        drawn = np.concatenate([drawn, [[start, start + seconds]]])
        free = intervals.difference(free, drawn[-1:])
    return drawn


def spot_recall(stamped: pd.DataFrame, table: pd.DataFrame, duration: float) -> dict[str, float]:
    """What the answered spans of one film say: counts for `recall_from_spans`.

    Spans that a later stamping covers are left out: they are no longer outside.

    Returns
    -------
    dict
        answered, music (spans), seconds_outside, seconds_found (stamped, each second once), precision of the judged
        cues (1 where none was judged).
    """
    free = _outside(stamped, duration)
    spans = table[table["verdict"].isin(ON_SPANS)]
    outside = [
        intervals.length(intervals.intersection(free, [[s, e]])) >= 0.5 * (e - s)
        for s, e in zip(spans["start"], spans["end"], strict=True)
    ]
    spans = spans[np.array(outside, bool)] if len(spans) else spans
    share = precision(stamped, table)["precision"]
    return {
        "answered": len(spans),
        "music": int((spans["verdict"] == "music").sum()),
        "seconds_outside": intervals.length(free),
        "seconds_found": duration - intervals.length(free),
        "precision": 1.0 if np.isnan(share) else share,
    }


def recall_from_spans(films: list[dict[str, float]], *, level: float = 0.95, seed: int = 0) -> dict[str, float]:
    """Recall, with an interval, of films whose spans were answered.

    The share of the spans with music is the share of the seconds outside the cues that were missed; what was found is
    what was stamped times the precision of the judged cues. Recall = found / (found + missed).

    Parameters
    ----------
    films : list of dict
        As `spot_recall` gives them; films without an answer are passed over.
    level : float
        Of the interval. D: equal-tailed, of the Beta posterior under Jeffreys' prior, drawn film by film; it covers
        the drawing of the spans, and takes the precision as it is.
    seed : int

    Returns
    -------
    dict
        recall, low, high (NaN without an answer), answered, music, films.

    >>> film = {"answered": 20, "music": 0, "seconds_outside": 600.0, "seconds_found": 600.0, "precision": 1.0}
    >>> result = recall_from_spans([film])
    >>> result["recall"], result["low"] > 0.85, result["high"] == 1.0
    (1.0, True, True)
    """
    films = [f for f in films if f["answered"]]
    answered, music = sum(f["answered"] for f in films), sum(f["music"] for f in films)
    counts = {"answered": answered, "music": music, "films": len(films)}
    if not films:
        return {"recall": float("nan"), "low": float("nan"), "high": float("nan")} | counts
    found = sum(f["seconds_found"] * f["precision"] for f in films)
    missed = sum(f["seconds_outside"] * f["music"] / f["answered"] for f in films)
    if not found + missed:
        return {"recall": float("nan"), "low": float("nan"), "high": float("nan")} | counts
    tail = (1 - level) / 2
    if len(films) == 1:
        most, least = (_missed(films[0], q) for q in (1 - tail, tail))
    else:
        rng = np.random.default_rng(seed)
        grid = (np.arange(_DRAWS) + 0.5) / _DRAWS
        most, least = np.quantile(sum(_missed(f, rng.permutation(grid)) for f in films), [1 - tail, tail])
    low, high = found / (found + most), found / (found + least)
    # with no span of music (or only music) the estimate lies at the edge, and the interval reaches it
    high = 1.0 if not music else high
    low = min(low, found / (found + missed))
    return {"recall": found / (found + missed), "low": float(low), "high": float(high)} | counts


def _missed(film: dict[str, float], quantile) -> np.ndarray | float:
    """Quantiles of the seconds of music missed outside a film's cues."""
    music, answered = film["music"], film["answered"]
    return film["seconds_outside"] * stats.beta.ppf(quantile, music + 0.5, answered - music + 0.5)


def judged_accuracy(corpus, cues: pd.DataFrame, length) -> pd.DataFrame:
    """Precision over judged cues, and recall where it can be known, film by film.

    Parameters
    ----------
    corpus : Corpus
    cues : DataFrame
        The stamped cues of all films, with film_id.
    length : callable
        Seconds of a film by its film_id.

    Returns
    -------
    DataFrame
        One row per film with a verdict: film_id, cues, judged, precision (over judged cues, time-weighted), recall,
        recall_low, recall_high, recall_from ("complete", "spans" or ""); then the row "all films" (precision pooled
        over seconds, recall over the films of the better kind of knowledge). Empty when nothing was judged.
    """
    rows, spans, whole = [], [], {}
    right = seconds = 0.0
    for film in corpus:
        table = read(film.verdicts)
        if table.empty:
            continue
        stamped = cues[cues["film_id"] == film.id].reset_index(drop=True)
        found, spot = precision(stamped, table), spot_recall(stamped, table, length(film.id))
        right, seconds = right + found["seconds_right"], seconds + found["seconds_judged"]
        estimate = {"recall": float("nan"), "low": float("nan"), "high": float("nan")}
        source = ""
        if (table["verdict"] == COMPLETE).any():
            whole[film.id] = evaluation.evaluate(verified(stamped, table, trackless=True), stamped)
            estimate["recall"], source = whole[film.id]["recall"], "complete"
        elif spot["answered"]:
            spans.append(spot)
            estimate, source = recall_from_spans([spot]), "spans"
        about = (film.id, found["cues"], found["cues_judged"], found["precision"])
        rows.append((*about, estimate["recall"], estimate["low"], estimate["high"], source))
    columns = ["film_id", "cues", "judged", "precision", "recall", "recall_low", "recall_high", "recall_from"]
    if not rows:
        return pd.DataFrame(columns=columns)
    pooled = recall_from_spans(spans)
    total = (pooled["recall"], pooled["low"], pooled["high"], "spans" if spans else "")
    if whole:
        true = sum(w["seconds_true"] for w in whole.values())
        total = (sum(w["seconds_right"] for w in whole.values()) / true if true else np.nan, np.nan, np.nan, "complete")
    share = right / seconds if seconds else float("nan")
    rows.append(("all films", sum(r[1] for r in rows), sum(r[2] for r in rows), share, *total))
    return pd.DataFrame(rows, columns=columns)


def _outside(stamped: pd.DataFrame, duration: float) -> np.ndarray:
    """Seconds of the film in which nothing was stamped."""
    return intervals.difference([[0.0, duration]], stamped[["start", "end"]].to_numpy(float))
