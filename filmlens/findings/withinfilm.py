"""Within a film: where its music sounds most like a genre that the film does not have, does its picture look like it?

The better test of the question behind Table 5: films differ in much that no label says, here every film is its own
measure. In films without the genre, the cues' out-of-fold probability is set against the picture under them: Spearman's
rank correlation with the cue's place in the film held constant, since music and picture may both change towards the end
of every film. Neighbouring cues resemble each other, so that a film is one observation: where nothing ties picture to
music, its correlation could as well have had the other sign. Shifting the cues along the film in a circle, as is often
done, is no such test: p of at most .05 in 7 to 10 of 100 corpora of slowly changing films, and in all where films have
a common arc (benchmarks/statistics.md).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import detectable, enough, few
from filmlens.stats.permutation import permutation_p

#: Cues that a film must have for its correlation to count.
LEAST_CUES = 8


def within_films(
    cues: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    measures: Sequence[str] = ("brightness", "contrast"),
    n_permutations: int = 9999,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of each genre's probability with the picture along the cues of films without the genre.

    `cues` has film_id, start (s, NaN where film time is not known), a column per genre (the cue's out-of-fold
    probability) and the measures; `labels` are films x genres, bool. Columns: genre, measure, films, cues, left_out
    (films without the genre that have too few cues with a place, a probability and a picture, or in which one of them
    only ever changes with the place), correlation (mean over films), low, high (95 % bootstrap over films), p
    (two-sided; films' signs flipped), p_corrected, detectable (80 % power at .05 after Bonferroni's correction over the
    genres), note.
    """
    rng = np.random.default_rng(seed)
    placed = cues[np.isfinite(cues["start"].to_numpy(float))].sort_values("start", kind="stable")
    by_film = dict(list(placed.groupby("film_id")))
    rows = []
    for genre in labels.columns:
        without = [f for f in labels.index[~labels[genre].to_numpy(bool)] if f in set(cues["film_id"])]
        for measure in measures:
            own = [by_film[film][[genre, measure]].dropna().to_numpy(float) for film in without if film in by_film]
            each = [(_correlation(*heard.T), len(heard)) for heard in own if len(heard) >= LEAST_CUES]
            each = [(r, count) for r, count in each if np.isfinite(r)]
            found, films = np.array([r for r, _ in each]), len(each)
            row = {"genre": genre, "measure": measure, "films": films, "cues": sum(count for _, count in each)}
            row |= {"left_out": len(without) - films, "correlation": found.mean() if films else np.nan}
            row["note"] = "" if enough(films) else few(films)
            if enough(films):
                row["low"], row["high"] = interval(film_weights(rng, films, n_boot) @ found / films)
                draws = rng.choice([-1.0, 1.0], size=(n_permutations, films)) @ found / films
                row["p"] = permutation_p(draws, row["correlation"])
                row["detectable"] = detectable(draws.std(), alpha=0.05 / labels.shape[1])
            rows.append(row)
    order = ["genre", "measure", "films", "cues", "left_out", "correlation", "low", "high"]
    table = pd.DataFrame(rows, columns=[*order, "p", "p_corrected", "detectable", "note"])
    table["p_corrected"] = (table["p"].astype(float) * labels.shape[1]).clip(upper=1)
    return table


def _correlation(probability: np.ndarray, picture: np.ndarray) -> float:
    """Spearman's partial correlation of cues in film order, given their place; NaN where only the place is left."""
    place = np.arange(len(picture)) - (len(picture) - 1) / 2
    centred = [ranks - ranks.mean() for ranks in (rankdata(probability), rankdata(picture))]
    one, other = (ranks - (ranks @ place) / (place @ place) * place for ranks in centred)
    norm = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / norm) if norm > 1e-9 else np.nan
