"""Placement of a film's music: first and last music, silences, use of each track, entries, and what is missed.

What the stamper finds is a lower bound of a film's music, and it does not miss at random: recall by place in the film
stands beside every placement. Counts describe the films themselves and need no minimum of films; intervals do.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from filmlens.stamper import intervals
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough

#: Seconds between an entry of music and a cut within which they count as together.
NEAR = 1.0


def placement(cues: pd.DataFrame, lengths: Mapping[str, float]) -> pd.DataFrame:
    """First and last music, share without music and longest silence of each film.

    `cues` has film_id, start, end (s); `lengths` the seconds of every film that was stamped, those without a cue too.
    Columns: film_id, seconds, cues, covered (share of the film with music), first and last (begin of the first and end
    of the last music, s; NaN without a cue), silence_start, silence (the longest stretch without music, s).

    >>> cues = pd.DataFrame({"film_id": "a", "start": [10.0, 50.0], "end": [30.0, 60.0]})
    >>> placement(cues, {"a": 100.0}).values.tolist()
    [['a', 100.0, 2, 0.3, 10.0, 60.0, 60.0, 40.0]]
    """
    rows = []
    for film_id, seconds in lengths.items():
        own = cues[cues["film_id"] == film_id]
        music = intervals.intersection(own[["start", "end"]], [[0, seconds]])
        silences = intervals.difference([[0, seconds]], music)
        longest = silences[np.argmax(silences[:, 1] - silences[:, 0])] if len(silences) else (np.nan, np.nan)
        first, last = (music[0, 0], music[-1, 1]) if len(music) else (np.nan, np.nan)
        covered = intervals.length(music) / seconds if seconds else np.nan
        rows.append((film_id, seconds, len(own), covered, first, last, longest[0], longest[1] - longest[0]))
    columns = ["film_id", "seconds", "cues", "covered", "first", "last", "silence_start", "silence"]
    return pd.DataFrame(rows, columns=columns)


def track_use(cues: pd.DataFrame, tracks: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """How often and how long each track of a soundtrack plays, and its place on the album and in the film.

    `cues` has film_id, track, start, end; `tracks` names each film's tracks in the album's order. Columns: film_id,
    track, album (place there, from 1), uses, seconds, film (place in the order of first hearing, from 1; NaN unused).

    >>> cues = pd.DataFrame({"film_id": "a", "track": ["y", "x", "y"], "start": [0.0, 9.0, 20.0]})
    >>> track_use(cues.assign(end=cues["start"] + 5), {"a": ["x", "y", "z"]}).drop(columns="film_id").values.tolist()
    [['x', 1, 1, 5.0, 2.0], ['y', 2, 2, 10.0, 1.0], ['z', 3, 0, 0.0, nan]]
    """
    rows = []
    for film_id, names in tracks.items():
        own = cues[cues["film_id"] == film_id].sort_values("start", kind="stable")
        heard = {name: place for place, name in enumerate(dict.fromkeys(own["track"]), start=1)}
        for album, name in enumerate(names, start=1):
            part = own[own["track"] == name]
            seconds = intervals.length(part[["start", "end"]])
            rows.append((film_id, name, album, len(part), seconds, heard.get(name, np.nan)))
    return pd.DataFrame(rows, columns=["film_id", "track", "album", "uses", "seconds", "film"])


def album_order(use: pd.DataFrame) -> pd.DataFrame:
    """Tracks, those used and reused, and the order of each film, of :func:`track_use`.

    Columns: film_id, tracks, used, reused (more than once), order: Kendall's tau of the places on the album and in the
    film, 1 where the film keeps the album's order; NaN with fewer than three tracks used.
    """
    rows = []
    for film_id, part in use.groupby("film_id", sort=False):
        heard = part.dropna(subset="film")
        order = kendalltau(heard["album"], heard["film"]).statistic if len(heard) >= 3 else np.nan
        rows.append((film_id, len(part), len(heard), int((part["uses"] > 1).sum()), float(order)))
    return pd.DataFrame(rows, columns=["film_id", "tracks", "used", "reused", "order"])


def entries(
    cues: pd.DataFrame,
    lengths: Mapping[str, float],
    cuts: Mapping[str, np.ndarray],
    speech: Mapping[str, np.ndarray],
    *,
    near: float = NEAR,
) -> pd.DataFrame:
    """How many entries of music lie at a cut, or while someone speaks, and how many would by chance.

    `cues` has film_id, start, end. By film_id, `lengths` gives seconds, `cuts` (cuts,) and `speech` (n, 2) seconds,
    where they are known; `near` is the most seconds between entry and cut. Columns: film_id, of ("cuts" or "speech"),
    entries, share (of the entries that lie there), chance (share of the film's time that lies there).

    >>> cues = pd.DataFrame({"film_id": "a", "start": [10.0, 50.0], "end": [20.0, 60.0]})
    >>> entries(cues, {"a": 100.0}, {"a": np.array([10.5, 80.0])}, {}).values.tolist()
    [['a', 'cuts', 2, 0.5, 0.04]]
    """
    around = {f: np.column_stack([np.asarray(t) - near, np.asarray(t) + near]) for f, t in cuts.items()}
    rows = []
    for kind, spans in (("cuts", around), ("speech", speech)):
        for film_id in (f for f in lengths if f in spans):
            own = cues[cues["film_id"] == film_id]
            music = intervals.union(own[["start", "end"]])
            inside = intervals.intersection(spans[film_id], [[0, lengths[film_id]]])
            hit = ((music[:, :1] >= inside[:, 0]) & (music[:, :1] <= inside[:, 1])).any(axis=1)
            share = float(hit.mean()) if len(hit) else np.nan
            rows.append((film_id, kind, len(hit), share, intervals.length(inside) / lengths[film_id]))
    return pd.DataFrame(rows, columns=["film_id", "of", "entries", "share", "chance"])


def recall_by_place(
    cues: pd.DataFrame,
    annotations: Mapping[str, pd.DataFrame],
    lengths: Mapping[str, float],
    *,
    parts: int = 10,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of the annotated music that was found with the right track, by place in the film.

    `cues` has film_id, track, start, end, as found; `annotations` (track, start, end) and `lengths` (seconds, divided
    in equal `parts`) are by film_id. Columns: part, begin, end (0-1), recall (found over annotated seconds, all films
    together), low, high (95 % bootstrap over films; NaN below ten), films (with annotated music there), seconds.
    """
    found, true = np.zeros((2, len(annotations), parts))
    for i, (film_id, truth) in enumerate(annotations.items()):
        own = cues[cues["film_id"] == film_id]
        edges = np.linspace(0, lengths[film_id], parts + 1)
        for track, marked in truth.groupby("track"):
            music = intervals.union(marked[["start", "end"]])
            right = intervals.intersection(music, own.loc[own["track"] == track, ["start", "end"]])
            for k, span in enumerate(pairwise(edges)):
                true[i, k] += intervals.length(intervals.intersection(music, [span]))
                found[i, k] += intervals.length(intervals.intersection(right, [span]))
    films, rows = (true > 0).sum(axis=0), []
    weights = film_weights(np.random.default_rng(seed), len(true), n_boot) if len(true) else np.zeros((0, 0))
    for k in range(parts):
        whole = true[:, k].sum()
        low = high = np.nan
        if enough(films[k]):
            seconds = weights @ true[:, k]
            ratio = np.divide(weights @ found[:, k], seconds, out=np.full(n_boot, np.nan), where=seconds > 0)
            low, high = interval(ratio)
        recall = found[:, k].sum() / whole if whole else np.nan
        rows.append((k, k / parts, (k + 1) / parts, recall, low, high, int(films[k]), whole))
    return pd.DataFrame(rows, columns=["part", "begin", "end", "recall", "low", "high", "films", "seconds"])
