"""Blind listening: whether people hear in a cue the genre that a model hears, without knowing film, title or model.

Each clip that stands out of its film as another genre's music is paired with a control: a cue of the same film that the
model does not take for that genre. If transplantation is more than a model's whim, raters name the genre for the first
more often than for the second. Clips whose music a rater knows are left out of that rater's answers. Intervals are
bootstraps over films and raters; with fewer than ten films there are none, and nothing is claimed.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from filmlens.stats.agreement import alpha
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import enough, few

TRANSPLANTED, CONTROL = "transplanted", "control"
COLUMNS = ["measure", "value", "low", "high", "clips", "films", "raters", "note"]


def agreement(
    key: pd.DataFrame, answers: pd.DataFrame, genres: Sequence[str], *, n_boot: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """What raters heard, beside each other and beside the model.

    `key` has clip, pair, kind ("transplanted" or "control"), genre (the pair's), film_id, and ``p <genre>``: the
    model's probability of each of the `genres` in question. `answers` has who, clip, genres (those named, with ``|``
    between them), known (bool).

    Columns: measure, value, low, high (95 % bootstrap over films and raters; NaN below ten films), clips, films,
    raters, note. Measures: the share of raters who name the genre for transplanted cues and for controls, and the
    difference over pairs; alpha among raters; alpha of each rater with the model, mean over raters.
    """
    heard = answers[~answers["known"].astype(bool)].merge(key, on="clip")
    who, films = list(dict.fromkeys(heard["who"])), list(dict.fromkeys(key["film_id"]))
    clips = key.set_index("clip")
    # (raters, clips, genres): whether a rater named a genre for a clip, NaN without an answer
    named = np.full((len(who), len(clips), len(genres)), np.nan)
    for row in heard.itertuples(index=False):
        given = set(row.genres.split("|")) if row.genres else set()
        named[who.index(row.who), clips.index.get_loc(row.clip)] = [g in given for g in genres]
    model = (key[[f"p {g}" for g in genres]].to_numpy(float) >= 0.5).astype(float)
    of_film = np.array([films.index(f) for f in key["film_id"]])
    asked = np.array([list(genres).index(g) for g in key["genre"]])
    right = named[:, np.arange(len(key)), asked]
    first, second = _pairs(key)

    def share(which: np.ndarray, other: np.ndarray | None = None) -> Callable:
        of = right[:, which] if other is None else right[:, which] - right[:, other]
        return lambda raters, count: _mean(of[raters], count[of_film[which]])

    def among(raters: np.ndarray, count: np.ndarray) -> float:
        # a rater who is drawn twice agrees with himself: only different raters are compared
        different = np.unique(raters)
        return alpha(named[different].reshape(len(different), -1), np.repeat(count[of_film], len(genres)))

    def with_model(raters: np.ndarray, count: np.ndarray) -> float:
        weight = np.repeat(count[of_film], len(genres))
        values = [alpha(np.stack([named[r].ravel(), model.ravel()]), weight) for r in raters]
        return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan

    measures = {
        "named, transplanted": share(first),
        "named, control": share(second),
        "named, transplanted minus control": share(first, second),
        "alpha among raters": among,
        "alpha of a rater and the model": with_model,
    }
    answered = np.isfinite(named[:, :, 0]).any(axis=0)
    count = len(set(of_film[answered]))
    rows = []
    for name, measure in measures.items():
        value = measure(np.arange(len(who)), np.ones(len(films))) if len(who) else np.nan
        low = high = np.nan
        if enough(count) and np.isfinite(value):
            rng = np.random.default_rng(seed)
            counts = film_weights(rng, len(films), n_boot)
            low, high = interval(np.array([measure(rng.integers(len(who), size=len(who)), c) for c in counts]))
        note = few(count) if not enough(count) else "one rater: nothing is said of others" if len(who) == 1 else ""
        rows.append((name, value, low, high, int(answered.sum()), count, len(who), note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _pairs(key: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the transplanted cues and of their controls, pair by pair."""
    at = pd.Series(np.arange(len(key)), index=pd.MultiIndex.from_frame(key[["pair", "kind"]]))
    pairs = [p for p in dict.fromkeys(key["pair"]) if {(p, TRANSPLANTED), (p, CONTROL)} <= set(at.index)]
    return tuple(np.array([at[p, kind] for p in pairs], int) for kind in (TRANSPLANTED, CONTROL))


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean over raters and clips of those that have a value; (raters, clips) and a weight per clip."""
    weight = np.isfinite(values) * weights
    return float((np.nan_to_num(values) * weight).sum() / weight.sum()) if weight.sum() else np.nan
