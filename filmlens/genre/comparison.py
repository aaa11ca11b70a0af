"""What a score is worth: against another model, as the best of many, against chance (conventions: `scores`).

Chance is the mAP of models trained on labels permuted over films, because a fixed reference is unfair. Leaving a film
out makes its own genres rarer in what is learnt, so that a model without any information lies below chance (Austin,
Pe'er and Korem 2025); and a predictor that knows how frequent genres are, and hears nothing, beats uniform guesses film
by film. Permuted labels that go through the same procedure share both.

Austin GI, Pe'er I, Korem T (2025). Distributional bias compromises leave-one-out cross-validation. Science Advances
11(48): eadx6976. https://doi.org/10.1126/sciadv.adx6976
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from filmlens.genre.bags import Bags, as_bags, as_labels
from filmlens.genre.baselines import InstanceVoting, SimpleMI
from filmlens.genre.crossval import LEAVE_ONE_FILM_OUT, cross_validate
from filmlens.genre.estimator import BagEstimator
from filmlens.genre.results import CrossValidation
from filmlens.stats.bootstrap import has_positives, interval, resamples
from filmlens.stats.enough import detectable, enough, few, power_of_similar
from filmlens.stats.metrics import METRICS, average_precision, macro
from filmlens.stats.permutation import film_permutations

#: Two models are similar when the whole interval of their difference lies within this.
SIMILAR = 0.05
#: Share of the difference between films drawn and films left out that is luck of choosing.
_LUCK = 0.632
#: Label columns that are learnt side by side: a few hundred stay small in memory.
_COLUMNS = 240


def paired_difference(
    a: CrossValidation, b: CrossValidation, *, metric: str = "f1", replicates: int = 1000
) -> dict[str, object]:
    """How much better `a` is than `b`; ValueError where they were not made on the same films, genres and labels.

    Gives `metric`, `difference`, `low`, `high` (95 % bootstrap over films), `similar` (the whole interval within
    +-.05), `verdict` ("higher", "lower", "similar", "undecided" or "too few films"), `detectable` (the smallest
    difference that would have been found with 80 % power), `power_of_similar` (how often "similar" would come out were
    there no difference at all), `films`, `skipped`.
    """
    if metric not in METRICS:
        raise ValueError(f"metric {metric!r} is unknown; one of {', '.join(METRICS)}")
    keep = shared_films([a, b])
    Y = a.labels[keep]
    weights, skipped = resamples(Y, replicates, np.random.default_rng(0))
    each = [scored(cv, keep, weights, i)[metric] for i, cv in enumerate((a, b))]
    films, low, high, deviation = int(keep.sum()), np.nan, np.nan, np.nan
    if enough(films):
        (low, high), deviation = interval(each[0] - each[1]), float(np.std(each[0] - each[1]))
    similar = bool(-SIMILAR <= low and high <= SIMILAR)
    verdict = "higher" if low > 0 else "lower" if high < 0 else "similar" if similar else "undecided"
    verdict = verdict if enough(films) else few(films)
    return {
        "metric": metric,
        "difference": point_estimate(a, keep, metric) - point_estimate(b, keep, metric),
        "low": low,
        "high": high,
        "similar": similar,
        "verdict": verdict,
        "detectable": detectable(deviation),
        "power_of_similar": power_of_similar(deviation, SIMILAR),
        "films": films,
        "skipped": skipped,
    }


def selection_corrected(
    cvs: Mapping[str, CrossValidation], *, replicates: int = 1000, seed: int = 0
) -> dict[str, object]:
    """The score of the best of several models, corrected for selection bias.

    In each bootstrap sample of films the best configuration is chosen on the films drawn. What it scores there above
    what it scores on the films left out, beyond what the best of all films does, is luck of choosing: of one model
    nothing. Films left out err the other way than films drawn, so that .632 of it is taken off, as in Efron's .632
    bootstrap; taking off all of it overshoots (benchmarks/statistics.md). Nothing is trained again.

    Gives `best` (name), `plain` (its macro-F1 on all films), `corrected`, `low`, `high` (95 % bootstrap over films of
    the best, less the same luck), `chosen` (Series: share of samples in which each name was the best), `skipped`.
    """
    if not cvs:
        raise ValueError("nothing to choose from")
    names, models = list(cvs), list(cvs.values())
    keep = shared_films(models)
    Y = models[0].labels[keep]
    weights, skipped = resamples(Y, replicates, np.random.default_rng(seed))
    outside = (weights == 0).astype(float)
    usable = has_positives(Y, outside)
    weights, outside = weights[usable], outside[usable]
    skipped += int((~usable).sum())
    plain = [point_estimate(cv, keep, "f1") for cv in models]
    drawn, left = (
        np.array([scored(cv, keep, each, seed + i)["f1"] for i, cv in enumerate(models)]) for each in (weights, outside)
    )
    choice, best = drawn.argmax(0), int(np.argmax(plain))
    optimism = drawn - left
    luck = optimism[choice, np.arange(len(choice))] - optimism[best]
    luck = _LUCK * float(luck.mean()) if len(luck) else np.nan
    low, high = interval(drawn[best] - luck) if enough(len(Y)) else (np.nan, np.nan)
    return {
        "best": names[best],
        "plain": plain[best],
        "corrected": plain[best] - luck,
        "low": low,
        "high": high,
        "chosen": pd.Series(np.bincount(choice, minlength=len(names)) / max(len(choice), 1), index=names),
        "skipped": skipped,
    }


def shared_films(cvs: list[CrossValidation]) -> np.ndarray:
    """Films that take part in all cross-validations."""
    films = [(cv.film_ids, cv.genres, cv.labels.tolist()) for cv in cvs]
    if any(other != films[0] for other in films):
        raise ValueError("models are compared on the same films, genres and labels only")
    keep = np.all([cv.fold >= 0 for cv in cvs], axis=0)
    if not keep.any():
        raise ValueError("the models have no film in common")
    return keep


def guess(probability: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of a random guess, (draws, n, K) each."""
    shape = (draws, *probability.shape)
    return rng.random(shape) < probability, rng.random(shape)


def scored(cv: CrossValidation, keep: np.ndarray, weights: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """`METRICS` of each resample of the kept films by its weights; a random guess is drawn anew for each."""
    drawn = cv.prediction[keep], cv.score[keep]
    if cv.draws:
        drawn = guess(cv.probability[keep], len(weights), np.random.default_rng([seed, 1]))
    return macro(cv.labels[keep], *drawn, weights)


def point_estimate(cv: CrossValidation, keep: np.ndarray, metric: str) -> float:
    return float(scored(cv, keep, np.ones((max(cv.draws, 1), keep.sum())), 0)[metric].mean())


def retrained_chance(
    model: BagEstimator,
    bags: Bags | Sequence[np.ndarray],
    Y,
    *,
    scheme: str | int = LEAVE_ONE_FILM_OUT,
    groups: Sequence | None = None,
    permutations: int = 99,
    seed: int = 0,
    jobs: int = 1,
) -> np.ndarray:
    """mAP of the model trained again on label rows permuted over films; (permutations,).

    Parameters as in `cross_validate`; films that are held out together exchange labels among themselves only. With
    fewer than ten films there is no draw. Simple MI and instance voting learn each genre on its own, so that many
    permutations are columns of one cross-validation; a network takes one each.
    """
    bags = as_bags(bags)
    labels, _ = as_labels(Y, bags)
    usable = bags.sizes > 0
    blocks = np.zeros(len(bags), dtype=int)
    if groups is not None:
        names = [str(g) if g is not None and g == g else "" for g in groups]
        blocks = np.unique(names, return_inverse=True)[1]
    if not enough(int(usable.sum())):
        return np.empty(0)
    strata = [usable & (blocks == b) for b in np.unique(blocks)]
    order = film_permutations(np.random.default_rng(seed), strata, permutations)
    together = max(1, _COLUMNS // labels.shape[1]) if isinstance(model, (SimpleMI, InstanceVoting)) else 1
    found = []
    for start in range(0, permutations, together):
        part = order[start : start + together]
        wide = np.concatenate([labels[o] for o in part], axis=1)
        cv = cross_validate(model, bags, wide, scheme=scheme, groups=groups, jobs=jobs, inside=False)
        keep = cv.fold >= 0
        ap = average_precision(wide[keep], cv.score[keep], np.ones((1, keep.sum())))[0]
        found.append(np.nanmean(ap.reshape(len(part), labels.shape[1]), axis=1))
    return np.concatenate(found)


def p_above(draws: np.ndarray, observed: float) -> float:
    """One-sided p of `observed` among chance draws, (b + 1) / (n + 1); NaN without a draw.

    >>> p_above(np.arange(99.0), 98.5), p_above(np.arange(99.0), -1.0)
    (0.01, 1.0)
    """
    if not len(draws):
        return float("nan")
    return float((np.sum(draws >= observed - 1e-12) + 1) / (len(draws) + 1))
