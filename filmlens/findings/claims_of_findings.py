"""The paper's claims about feature importance (Fig 3), pictures (Table 5) and the Score Stamper.

The intervals of importance hold the variance over starts; those of the SD over runs and of pictures are conditional on
the ensemble that was trained.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from filmlens import paper
from filmlens.findings.importance import ImportanceRuns
from filmlens.findings.units import clip_units, film_units, mean_of_known, weighted_gap
from filmlens.findings.verdicts import Claim, Pair
from filmlens.stats.bootstrap import film_weights
from filmlens.stats.enough import enough

_OURS = "not in the paper"
MEASURES = ("brightness", "contrast")
#: Chen et al. 2012, as the paper finds them again under the actual labels: genre, measure, sign.
_CHEN = (
    ("Comedy", "brightness", 1),
    ("Romance", "brightness", 1),
    ("Horror", "brightness", -1),
    ("Sci-Fi", "contrast", 1),
)


def importance_claims(runs: ImportanceRuns | None) -> list[Claim]:
    """Claims about which feature groups matter, on the measure that is interpreted."""
    first, then, tone, rest, only, spread = [], [], [], [], [], []
    what = sd_of = ""
    if runs is not None:
        drops, films = runs.drops[runs.measure], runs.positives
        mean, what = drops.runs.mean(axis=1), f"drop of {runs.measure}, scheme {runs.scheme}"
        place = {g.lower().replace("ddmfcc", "dd").replace("mfcc (", "mfcc"): i for i, g in enumerate(runs.groups)}
        at = {genre: k for k, genre in enumerate(runs.genres)}
        mfcc, overall = place.get("mfcc"), len(runs.genres)

        def of(g: int, k: int, other: int | None = None) -> Pair:
            name = f"{([*runs.genres, 'Overall'])[k]}, {runs.groups[g]}"
            sides = (int(runs.scored),) if k == overall else (int(films[k]), int(runs.scored - films[k]))
            variance = runs.start_variance(k, g, other)
            if other is None:
                return Pair(name, mean[g, k], drops.films[g, :, k], sides, variance)
            ahead = drops.films[g, :, k] - drops.films[other, :, k]
            return Pair(f"{name} minus {runs.groups[other]}", mean[g, k] - mean[other, k], ahead, sides, variance)

        if mfcc is not None:
            first = [of(mfcc, k, g) for k in range(overall) for g in range(len(runs.groups)) if g != mfcc]
        second = [place[g] for g in ("tone", "pitch", "dmfcc") if g in place]
        others = [g for g in range(len(runs.groups)) if g not in (*second, mfcc)]
        then = [of(g, overall, o) for g in second for o in others]
        if "tone" in place:
            tone = [of(place["tone"], at["Horror"])] if "Horror" in at else []
            rest = [of(place["tone"], at[genre]) for genre in ("Romance", "Sci-Fi") if genre in at]
        lead = [place[g] for g in ("mfcc", "dmfcc") if g in place]
        if len(lead) == 2:
            rest_of = [o for o in range(len(runs.groups)) if o not in lead]
            only = [of(g, at[genre], o) for genre in ("Comedy", "Drama") if genre in at for g in lead for o in rest_of]
        rare = [k for g, k in at.items() if g in ("Horror", "Romance")]
        others = [k for k in range(overall) if k not in rare]
        plain = runs.drops["F1"]
        if len(rare) == 2 and others and plain.runs.shape[1] > 1:
            sd_of = f"SD of the drop of F1 over runs, mean of groups, scheme {runs.scheme}"
            sd, boot = plain.runs.std(axis=1, ddof=1).mean(axis=0), runs.spread.mean(axis=0)
            value = sd[rare].min() - sd[others].max()
            draws = boot[:, rare].min(axis=1) - boot[:, others].max(axis=1)
            spread = [Pair("lesser of the two minus largest other", value, draws, (int(films.min()),))]
    why = "no feature importance"
    return [
        Claim("MFCC first in every genre", "highest in every genre", first, what, why),
        Claim("Tone, Pitch and dMFCC next overall", "next overall", then, what, why),
        Claim("Tone matters for Horror", "relied heavily on Tone", tone, what, why),
        Claim("Tone matters for Romance and Sci-Fi", "also for these", rest, what, why),
        Claim("MFCC and dMFCC alone for Comedy and Drama", "only these degrade", only, what, why),
        Claim("run variance largest for Horror and Romance", "greater variance", spread, sd_of, why),
    ]


def picture_claims(labels: pd.DataFrame, pictures, unit: str, weights: np.ndarray) -> list[Claim]:
    """Claims about brightness and contrast under actual, predicted and wrongly predicted genres."""
    chen, nearer, reversed_, beyond, half, most = [], [], [], [], [], []
    if pictures is not None:
        clips, predicted = pictures
        clips = clips[clips["film_id"].isin(labels.index)]
        full = np.vstack([np.ones(len(labels)), weights])
        (actual, pred, false, clean), films, cells = _gaps(clips, labels, predicted.loc[labels.index], unit, full)
        chen = [
            Pair(f"{g}, {m}", s * actual[i, 0], s * actual[i, 1:], tuple(films[0, i]))
            for g, m, s in _CHEN
            for i, cell in enumerate(cells)
            if cell == (m, g)
        ]
        turned = -np.sign(actual) * false
        both = np.minimum(films[0], films[1])
        nearer = _cell_mean(np.abs(actual) - np.abs(pred), both, "|Actual| minus |Predicted|")
        reversed_ = _cell_mean(turned, films[2], "False positives against Actual's sign")
        name = "False positives vs true negatives against Actual's sign"
        beyond = _cell_mean(-np.sign(actual) * clean, films[3], name)
        share = np.where(np.isfinite(turned), turned > 0, np.nan) - 0.5
        of = [np.array([m == measure for m, _ in cells]) for measure in MEASURES]
        half, most = (_cell_mean(share[cell], films[2][cell], "share minus one half") for cell in of)
    why = "no picture measures"
    what = f"difference of medians × 10, {unit}, mean of genres and measures"
    return [
        Claim(
            "Actual labels follow Chen et al.",
            "Comedy, Romance bright; Horror dark; Sci-Fi of high contrast",
            chen,
            f"difference of medians × 10, {unit}, in the stated direction",
            why,
        ),
        Claim("Predicted nearer the median than Actual", "tend to the global median", nearer, what, why),
        Claim("False positives reversed", "half of brightness, most of contrast opposite", reversed_, what, why),
        Claim("False positives reversed in half of brightness", "half", half, "share of genres", why, 0.25),
        Claim("False positives reversed in most of contrast", "a majority", most, "share of genres", why),
        Claim("False positives reversed beyond the arithmetic", _OURS, beyond, what, why),
    ]


def stamper_claim(stamper: pd.DataFrame | None, n_boot: int, seed: int) -> Claim:
    """Precision and recall of the Score Stamper, at least the paper's."""
    pairs = []
    if stamper is not None and len(stamper):
        weights = film_weights(np.random.default_rng(seed), len(stamper), n_boot) / len(stamper)
        for name in ("precision", "recall"):
            ours = stamper[name].to_numpy(float)
            stated = paper.number(f"stamper {name}")
            draws = weights @ ours - stated
            pairs.append(Pair(f"{name} minus {stated:.2f}", ours.mean() - stated, draws, (len(ours),)))
    return Claim(
        "the Score Stamper's precision and recall",
        ".94 and .47",
        pairs,
        "time-weighted, mean of films",
        "no annotations",
    )


def _gaps(clips, labels, predicted, unit: str, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, list]:
    """Differences x 10 by source, cell and draw; films on both sides by source and cell; the cells."""
    gather = clip_units if unit == "clips" else film_units
    gaps, films, cells = [], [], []
    for measure in MEASURES:
        units, _ = gather(clips, labels.index, measure)
        for genre in labels.columns:
            truth, own = (t[genre].to_numpy(bool)[units.film] for t in (labels, predicted))
            sides = ((truth, ~truth), (own, ~own), (own & ~truth, ~own | truth), (own & ~truth, ~own & ~truth))
            gaps.append([10 * weighted_gap(units, here, there, weights) for here, there in sides])
            films.append([[len(np.unique(units.film[side])) for side in both] for both in sides])
            cells.append((measure, genre))
    return np.moveaxis(np.array(gaps), 0, 1), np.moveaxis(np.array(films), 0, 1), cells


def _cell_mean(values: np.ndarray, films: np.ndarray, name: str) -> list[Pair]:
    """Mean over the cells with films enough on both sides, as a pair; the first draw is the full sample."""
    known = np.isfinite(values[:, 0])
    kept = known & [enough(*sides) for sides in films]
    if not known.any():
        return []
    size = (int(films[kept].min()),) if kept.any() else (int(films[known].min(axis=1).max()),)
    cells = values[kept] if kept.any() else values[known]
    mean = mean_of_known(cells)
    return [Pair(f"{name} ({len(cells)} cells)", float(mean[0]), mean[1:], size)]
