"""Precision and recall from judging (paper: .94 precision, .47 recall, against three annotated films).

Precision needs only the cues that were judged. Recall needs to know what was missed: from films marked complete, or
from spans drawn at random where nothing was stamped, each answered with "music of the soundtrack plays here" or not.
Where a detector heard unidentified music, half of the spans are drawn from it, because most of what was missed is
there, and each half counts by its own seconds. Judged cues alone say nothing of recall, and none is given from them.
"""

import numpy as np
import pandas as pd
from scipy.special import betaincinv  # the quantile of Beta; scipy.stats takes a second to load

from filmlens.stamper import evaluation, intervals
from filmlens.verdicts.applied import TRUE, judged, verified
from filmlens.verdicts.table import COMPLETE, ON_SPANS, ON_STAMPED, read

#: Length of a drawn span [s].
SPAN_S = 5.0
_DRAWS = 20_000


def precision(stamped: pd.DataFrame, table: pd.DataFrame, *, cues: pd.DataFrame | None = None) -> dict[str, float]:
    """Precision over the judged cues of one film (or of several, summed by the caller).

    A cue is right in the seconds in which its track was heard: an accepted one in full, a corrected one where it lies
    under what it was corrected to, a rejected or relabelled one nowhere, unless another cue of that track covers it: a
    cue that was split or merged with its neighbour is right as to its seconds. Cues that were accepted unheard, with
    many others, say nothing. Who has the judged `cues` at hand saves their making.

    Gives precision (time-weighted; NaN when nothing was judged), seconds_right, seconds_judged, cues_judged, cues_right
    (right for at least half their length), cues.
    """
    cues = heard_cues(judged(stamped, table) if cues is None else cues)
    whole, right = cues["seconds"].to_numpy(float), cues["right"].to_numpy(float)
    return {
        "precision": float(right.sum() / whole.sum()) if len(cues) else float("nan"),
        "seconds_right": float(right.sum()),
        "seconds_judged": float(whole.sum()),
        "cues_judged": len(cues),
        "cues_right": int(cues["hit"].sum()),
        "cues": len(stamped),
    }


def heard_cues(cues: pd.DataFrame) -> pd.DataFrame:
    """The stamped cues that someone heard and judged, and for how long each was right.

    `cues` are of one film, as `filmlens.verdicts.judged` gives them. Gives those rows, with seconds (as stamped), right
    (seconds of them under a heard cue of the same track) and hit (right for at least half its length).
    """
    cues = cues[cues["heard"] != "no"]
    kept = cues[(cues["basis"] == "stamped") & cues["verdict"].isin(ON_STAMPED)]
    true = cues[cues["verdict"].isin(TRUE) & (cues["track"] != "")]
    right, spans = np.zeros(len(kept)), kept[["stamped_start", "stamped_end"]].to_numpy(float)
    tracks, places_of = kept["stamped_track"].to_numpy(object), true[["start", "end"]].to_numpy(float)
    for track, rows in true.groupby("track").indices.items():
        here, places = tracks == track, intervals.union(places_of[rows])
        under = np.minimum.outer(spans[here, 1], places[:, 1]) - np.maximum.outer(spans[here, 0], places[:, 0])
        right[here] = under.clip(min=0.0).sum(axis=1)
    kept = kept.assign(seconds=kept["stamped_end"] - kept["stamped_start"], right=right)
    return kept.assign(hit=kept["right"] >= evaluation.HIT_SHARE * kept["seconds"])


def sample_spans(
    stamped: pd.DataFrame,
    duration: float,
    n: int = 20,
    *,
    music: pd.DataFrame | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Random spans (m, 2) of a film outside all cues, to be listened to.

    They do not overlap, are fewer than `n` where there is less room, and stand in the order of drawing, so that any
    first few are a random sample too. `duration` is the seconds of the film; `stamped` and `music`, which is
    unidentified music, have start and end. Every other span is drawn from those whose middle lies in `music`.
    """
    rng, drawn = np.random.default_rng(seed), np.zeros((0, 2))
    heard = None if music is None else music[["start", "end"]].to_numpy(float) - SPAN_S / 2
    free = _outside(stamped, duration)
    while len(drawn) < n:
        room = free[free[:, 1] - free[:, 0] >= SPAN_S] - [0.0, SPAN_S]  # places where a span may begin
        if not len(room):
            break
        if heard is not None:
            kinds = intervals.intersection(room, heard), intervals.difference(room, heard)
            room = next((k for k in (kinds[len(drawn) % 2], *kinds) if len(k)), room)
        width = room[:, 1] - room[:, 0]
        place = rng.random() * max(width.sum(), 1e-9)
        gap = min(int(np.searchsorted(np.cumsum(width), place)), len(room) - 1)
        start = room[gap, 0] + min(width[gap], max(0.0, place - (np.cumsum(width)[gap] - width[gap])))
        start = float(np.floor(start * 100) / 100) if np.floor(start * 100) / 100 >= room[gap, 0] else start
        drawn = np.concatenate([drawn, [[start, start + SPAN_S]]])
        free = intervals.difference(free, drawn[-1:])
    return drawn


def spot_recall(
    stamped: pd.DataFrame,
    table: pd.DataFrame,
    duration: float,
    music: pd.DataFrame | None = None,
    share: float | None = None,
) -> list[dict[str, float]]:
    """What the answered spans of one film say, for `recall_from_spans`: of its unidentified music, and of the rest.

    Spans that a later stamping covers are left out: they are no longer outside. Until spans of both kinds were
    answered, the film is one kind. `share` is the precision of the judged cues, where it is at hand.

    Gives answered, music (spans), seconds_outside, seconds_found (stamped, each second once; only in the first), and
    precision of the judged cues (1 where none was judged).
    """
    free = _outside(stamped, duration)
    heard = np.zeros((0, 2)) if music is None else intervals.intersection(free, music[["start", "end"]].to_numpy(float))
    spans = table[table["verdict"].isin(ON_SPANS)]
    places = spans[["start", "end"]].to_numpy(float)
    outside = np.array(
        [intervals.length(intervals.intersection(free, [p])) >= 0.5 * (p[1] - p[0]) for p in places], bool
    )
    middle = places.mean(axis=1)[:, None]
    inside = ((heard[:, 0] <= middle) & (middle < heard[:, 1])).any(axis=1) & outside
    share = precision(stamped, table)["precision"] if share is None else share
    kinds = [(inside, heard), (outside & ~inside, intervals.difference(free, heard))]
    kinds = [(mask, part) for mask, part in kinds if len(part)]
    if not all(mask.any() for mask, _ in kinds):
        kinds = [(outside, free)]
    return [
        {
            "answered": int(mask.sum()),
            "music": int((spans.loc[mask, "verdict"] == "music").sum()),
            "seconds_outside": intervals.length(part),
            "seconds_found": (duration - intervals.length(free)) * (k == 0),
            "precision": 1.0 if np.isnan(share) else share,
        }
        for k, (mask, part) in enumerate(kinds or [(outside, free)])
    ]


def recall_from_spans(films: list[dict[str, float]]) -> dict[str, float]:
    """Recall, with an interval, of films, or kinds of their seconds, whose spans were answered.

    The share of the spans with music is the share of the seconds outside the cues that were missed; what was found is
    what was stamped times the precision of the judged cues. Recall = found / (found + missed). `films` are as
    `spot_recall` gives them, of one film or of many; those without an answer are passed over.

    Gives recall, low, high (NaN without an answer), answered, music, films (that many entries). D: the interval is the
    equal-tailed 95 % of the Beta posterior under Jeffreys' prior, drawn film by film; it covers the drawing of the
    spans, and takes the precision as it is.

    >>> film = {"answered": 20, "music": 0, "seconds_outside": 600.0, "seconds_found": 600.0, "precision": 1.0}
    >>> result = recall_from_spans([film])
    >>> result["recall"], result["low"] > 0.85, result["high"] == 1.0
    (1.0, True, True)
    """
    films = [f for f in films if f["answered"]]
    answered, music = sum(f["answered"] for f in films), sum(f["music"] for f in films)
    counts = {"answered": answered, "music": music, "films": len(films)}
    found = sum(f["seconds_found"] * f["precision"] for f in films)
    missed = sum(f["seconds_outside"] * f["music"] / f["answered"] for f in films)
    if not found + missed:
        return {"recall": float("nan"), "low": float("nan"), "high": float("nan")} | counts
    tail = 0.025
    if len(films) == 1:
        most, least = (_missed(films[0], q) for q in (1 - tail, tail))
    else:
        rng = np.random.default_rng(0)
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
    return film["seconds_outside"] * betaincinv(music + 0.5, answered - music + 0.5, quantile)


def judged_accuracy(corpus, cues: pd.DataFrame, length, music: pd.DataFrame | None = None) -> pd.DataFrame:
    """Precision over judged cues, and recall where it can be known, film by film; empty when nothing was judged.

    `cues` are the stamped ones of all films, and `music` their unidentified music, both with film_id; `length` gives
    the seconds of a film by its film_id. A row per film with a verdict: film_id, cues, judged, precision (over judged
    cues, time-weighted), recall, recall_low, recall_high, recall_from ("complete", "spans" or ""); then the row "all
    films" (precision pooled over seconds, recall over the films of the better kind of knowledge).
    """
    rows, spans, whole = [], [], {}
    right = seconds = 0.0
    for film in corpus:
        table = read(film.verdicts)
        if table.empty:
            continue
        stamped = cues[cues["film_id"] == film.id].reset_index(drop=True)
        heard = None if music is None else music[music["film_id"] == film.id]
        found, spot = precision(stamped, table), spot_recall(stamped, table, length(film.id), heard)
        right, seconds = right + found["seconds_right"], seconds + found["seconds_judged"]
        recall = recall_from_spans(spot)
        estimate = (recall["recall"], recall["low"], recall["high"], "spans" if recall["answered"] else "")
        if (table["verdict"] == COMPLETE).any():
            whole[film.id] = evaluation.evaluate(verified(stamped, table, trackless=True), stamped)
            estimate = (whole[film.id]["recall"], np.nan, np.nan, "complete")
        elif recall["answered"]:
            spans += spot
        rows.append((film.id, found["cues"], found["cues_judged"], found["precision"], *estimate))
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
