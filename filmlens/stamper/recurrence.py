"""Unidentified music that returns, in the same film or another: spans of films matched against each other.

Each stretch is looked for in all others by the engine's votes. Music of one set of samples or one beat meets its like
everywhere, so that two stretches are the same music only where each leads all the rest in the other; what returns
several times leads them together. Stretches that share at least half of the shorter one are one piece of music, and so
are those that a third one joins.
"""

import numpy as np
import pandas as pd

from filmlens.stamper import landmarks, lines, votes
from filmlens.stamper.index import TrackIndex, assemble
from filmlens.stamper.landmarks import FRAMES_S
from filmlens.stamper.semitones import NONE
from filmlens.stamper.streams import Source
from filmlens.stamper.votes import HOP_S, TICKS, WINDOW_S

_KEPT = 32  # candidates of a window
_MOST = 8  # stretches that may lead together
_NEAR = 3.0  # frames from a line
_VOTED_Z, _NO_RIVAL_Z = 4.2, 5.0  # of a window on a line; what chance reaches in any window
# Two stretches are the same music: votes of a window, their log over the best rival's, seconds, share of the shorter.
_LEAST_Z, _LEAD, _LEAST_S, _SHARE = 8.0, 0.5, 10.0, 0.5

Heard = tuple[np.ndarray, np.ndarray, np.ndarray, float]  # time, freq, height, seconds


def peaks(film: Source, spans: pd.DataFrame) -> pd.DataFrame:
    """Landmarks inside spans (start, end [s]) of a film.

    Columns: start (of the span) [s], time [frames since], freq, height: see `landmarks.landmarks`.
    """
    columns = ["start", "time", "freq", "height"]
    if not len(spans):
        return pd.DataFrame(columns=columns, dtype=np.float32)
    time, freq, height, *_ = landmarks.landmarks(film)
    parts = []
    for start, end in zip(spans["start"], spans["end"], strict=True):
        part = slice(*np.searchsorted(time, [start * FRAMES_S, end * FRAMES_S]))
        since = (time[part] - start * FRAMES_S).astype(np.float32)
        parts.append(pd.DataFrame({"start": start, "time": since, "freq": freq[part], "height": height[part]}))
    return pd.concat(parts, ignore_index=True)[columns]


def groups(spans: pd.DataFrame, peaks: pd.DataFrame) -> np.ndarray:
    """Index of the piece of music of each span, where it returns in this film or another.

    Parameters
    ----------
    spans : DataFrame
        film_id, start, end [s].
    peaks : DataFrame
        film_id and the columns of `peaks`.

    Returns
    -------
    ndarray of int64, shape (spans,)
        1 for the piece that lasts longest in all, 2, ...; 0 where nothing returns.
    """
    heard = _heard(spans, peaks)
    there = [i for i, (time, *_) in enumerate(heard) if len(time)]
    seconds = (spans["end"] - spans["start"]).to_numpy(float)
    piece = np.arange(len(spans))
    if len(there) > 1:
        field = votes.lay_out(_index([heard[i] for i in there]))
        found = [_leading(heard[i], n, field) for n, i in enumerate(there)]
        for n, i in enumerate(there):
            for m, (met, z) in found[n].items():
                back, back_z = found[m].get(n, (0.0, 0.0))
                shared = max(met, back)
                enough = shared >= max(_LEAST_S, _SHARE * min(seconds[i], seconds[there[m]]))
                if back and enough and min(z, back_z) >= _LEAST_Z:
                    piece[piece == piece[there[m]]] = piece[i]
    return _by_length(piece, seconds)


def _heard(spans: pd.DataFrame, peaks: pd.DataFrame) -> list[Heard]:
    """Landmarks of each span, as the engine takes them of a film; no film is shorter than a window."""
    found = {key: part for key, part in peaks.groupby(["film_id", "start"], sort=False)}
    rows = []
    for film_id, start, end in zip(spans["film_id"], spans["start"], spans["end"], strict=True):
        part = found.get((film_id, start), peaks.iloc[:0])
        columns = (part[c].to_numpy(np.float32) for c in ("time", "freq", "height"))
        rows.append((*columns, max(float(end - start), WINDOW_S)))
    return rows


def _index(heard: list[Heard]) -> TrackIndex:
    """Spans as tracks."""
    prints = [(time, np.column_stack([freq, height]), seconds, NONE) for time, freq, height, seconds in heard]
    return assemble("filmlens", [str(n) for n in range(len(heard))], prints)


def _leading(heard: Heard, own: int, field: votes.Field) -> dict[int, tuple[float, float]]:
    """The spans that lead all the rest in a span: seconds on a line, and votes [sd] of a window there."""
    time, freq, height, duration = heard
    ticks = np.rint(time.astype(np.float64) * TICKS).astype(np.int64)
    starts = np.rint(np.arange(int((duration - WINDOW_S) / HOP_S) + 1) * (HOP_S * FRAMES_S)).astype(np.int64)
    trust = landmarks.trust(height)
    place, z, count = votes.candidates(ticks, votes.cells_of(freq), trust, starts, field, kept=_KEPT)
    reference = field.reference_of(place)
    z[field.owner[reference] == own] = -1.0
    on_line = _on_lines(starts, place, z, reference, count, field)
    order = sorted(on_line, key=lambda n: -on_line[n].sum())
    leading, rest = 0, z.copy()
    for many, n in enumerate(order[:_MOST], start=1):
        rest[(reference == n) | (z < 0)] = 0.0
        rival = np.maximum(rest.max(axis=1), _NO_RIVAL_Z)
        voted = [on_line[k] > _VOTED_Z for k in order[:many]]
        leads = [np.log(on_line[k][v].sum() / rival[v].sum()) for k, v in zip(order, voted, strict=False)]
        leading = many if min(leads) >= _LEAD else leading
    rows = {n: on_line[n][on_line[n] > _VOTED_Z] for n in order[:leading]}
    return {n: (WINDOW_S + HOP_S * (len(z) - 1), float(z.mean())) for n, z in rows.items()}


def _on_lines(starts, place, z, reference, count, field: votes.Field) -> dict[int, np.ndarray]:
    """Votes of every window on the best line of each span."""
    steps = int(starts[-1] / FRAMES_S / lines.STEP_S) + 1
    found, best = lines.link(starts, place, z, count, field, steps=steps), {}
    middle = (starts + WINDOW_S * FRAMES_S / 2) * TICKS
    for line, own in enumerate(found.reference):
        nodes = slice(found.ptr[line], found.ptr[line + 1])
        offset = np.interp(middle, found.node_tick[nodes], found.node_offset[nodes]) / TICKS
        near = (reference == own) & (np.abs(place - (starts + offset)[:, None]) <= _NEAR)
        on = np.where(near, z, 0.0).max(axis=1)
        if not field.decoy[own] and (on > _VOTED_Z).any() and on.sum() > best.get(own, np.zeros(1)).sum():
            best[int(own)] = on
    return best


def _by_length(piece: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Pieces that come more than once, numbered by all their seconds."""
    names, count = np.unique(piece, return_counts=True)
    total = {name: seconds[piece == name].sum() for name in names[count > 1]}
    number = {name: n for n, name in enumerate(sorted(total, key=lambda name: -total[name]), start=1)}
    return np.array([number.get(name, 0) for name in piece], np.int64)
