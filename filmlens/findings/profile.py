"""Direction of each descriptor by genre, and example cues in which it can be heard.

Importance has no sign. Here each film is the median of its cues, and each genre's films are set against all others:
difference of medians, Cliff's delta with a bootstrap over films, Mann-Whitney's p with the false discovery rate of
Benjamini and Hochberg over every genre and descriptor.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from filmlens import names
from filmlens.findings.units import Units
from filmlens.stats.bootstrap import film_weights, interval
from filmlens.stats.enough import detectable, enough, few

_NOT_FEATURES = {"film_id", "cue", "track", "start", "end", "time"}


def genre_profile(
    cue_features: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    descriptors: Sequence[str] | None = None,
    alpha: float = 0.05,
    n_boot: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """How each genre's films differ from the others in every descriptor.

    `cue_features` has film_id, cue and a column per descriptor, one row per cue (such as ``mir-cues``), NaN left out;
    all of them are `descriptors` by default. `labels` are films x genres, bool; `alpha` is the false discovery rate.

    Columns: genre, descriptor, n, n_others (films), difference (of medians, in the descriptor's unit), effect,
    effect_low, effect_high (Cliff's delta, 95 % bootstrap over films), detectable (the smallest delta that would have
    been found with 80 % power after the correction), p, p_corrected, significant, correction, note: ``n = 0`` where a
    genre has no film, or every film, and ``too few films``, without p and interval, with fewer than ten on a side.
    """
    if descriptors is None:
        descriptors = [c for c in cue_features.select_dtypes("number") if c not in _NOT_FEATURES]
    labels = labels.loc[labels.index.isin(set(cue_features["film_id"]))].astype(bool)
    medians = cue_features.groupby("film_id")[descriptors].median().reindex(labels.index)
    weights = film_weights(np.random.default_rng(seed), len(labels), n_boot)
    rows = []
    for descriptor in descriptors:
        values = medians[descriptor].to_numpy(float)
        kept = np.flatnonzero(np.isfinite(values))
        units = Units(values[kept], kept, len(labels))
        for genre in labels.columns:
            here = labels[genre].to_numpy()[kept]
            own, others = units.values[here], units.values[~here]
            row = {"genre": genre, "descriptor": descriptor, "n": len(own), "n_others": len(others)}
            rows.append(row)
            if here.all() or not here.any():
                row["note"] = f"n = 0: no film {'to compare with' if here.any() else 'of the genre'}"
                continue
            row["difference"] = np.median(own) - np.median(others)
            row["effect"] = units.rank_biserial(here, ~here)
            row["note"] = "" if enough(len(own), len(others)) else few(len(own), len(others))
            if not row["note"]:
                row["effect_low"], row["effect_high"] = interval(units.bootstrap(here, ~here, weights))
                row["p"] = float(stats.mannwhitneyu(own, others).pvalue)
    numbers = ["difference", "effect", "effect_low", "effect_high", "p"]
    table = pd.DataFrame(rows, columns=["genre", "descriptor", "n", "n_others", *numbers, "note"])
    tested = table["p"].notna()
    table["p_corrected"] = np.nan
    if tested.any():
        table.loc[tested, "p_corrected"] = stats.false_discovery_control(table.loc[tested, "p"])
    table["significant"] = table["p_corrected"] < alpha
    # the level that one more cell would have had to reach, and the spread of delta when there is no difference
    level = alpha * (int(table["significant"].sum()) + 1) / max(int(tested.sum()), 1)
    null = ((table["n"] + table["n_others"] + 1) / (3 * table["n"] * table["n_others"]).where(tested)) ** 0.5
    table["detectable"] = null.map(lambda deviation: detectable(deviation, alpha=min(level, alpha)))
    table["correction"] = f"Benjamini-Hochberg over {int(tested.sum())}"
    order = {name: i for i, name in enumerate([*labels.columns, *descriptors])}
    return table.sort_values(["genre", "descriptor"], key=lambda s: s.map(order), kind="stable", ignore_index=True)


def example_cues(
    cue_features: pd.DataFrame,
    labels: pd.DataFrame,
    profile: pd.DataFrame,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Cues of a genre's films in which a profile's cell is heard, cues that contradict it, and one drawn at random.

    `profile` holds rows of :func:`genre_profile`. The random cue is there so that nobody hears the best alone. Columns:
    genre, descriptor, kind (typical, contrary, random), rank (1 first), film_id, cue, value. Typical cues lie furthest
    the way of the effect, contrary ones the other way: up to three of each, from different films.
    """
    rows, rng = [], np.random.default_rng(seed)
    for cell in profile[profile["effect"].notna()].itertuples():
        films = labels.index[labels[cell.genre].to_numpy(bool)]
        cues = cue_features.loc[cue_features["film_id"].isin(films), ["film_id", "cue", cell.descriptor]]
        cues = cues.rename(columns={cell.descriptor: "value"}).dropna().sort_values("value", kind="stable")
        # Along the effect, strongest first; a film heard as typical does not also speak for the contrary.
        cues = cues if cell.effect < 0 else cues.iloc[::-1]
        typical = cues.drop_duplicates("film_id").head(3)
        contrary = cues[~cues["film_id"].isin(typical["film_id"])].iloc[::-1].drop_duplicates("film_id").head(3)
        rest = cues[~cues["film_id"].isin([*typical["film_id"], *contrary["film_id"]])]
        rest = rest if len(rest) else cues.drop([*typical.index, *contrary.index])
        drawn = rest.iloc[rng.integers(len(rest), size=1)] if len(rest) else rest
        for kind, found in (("typical", typical), ("contrary", contrary), ("random", drawn)):
            for rank, cue in enumerate(found.itertuples(), start=1):
                rows.append([cell.genre, cell.descriptor, kind, rank, cue.film_id, cue.cue, cue.value])
    return pd.DataFrame(rows, columns=["genre", "descriptor", "kind", "rank", "film_id", "cue", "value"])


def told_descriptors(cue_features: pd.DataFrame) -> list[str]:
    """The columns whose lower and higher values have a name for readers."""
    return [c for c in cue_features.columns if (found := names.look_up(c)) and found.lower]
