"""From bootstrap draws of a paired difference to a verdict on a claim.

Two things make a difference uncertain, and both are in its interval, added as variances: which films were drawn (the
bootstrap) and from which weights a network started (the variance over starts, by their number). A page of claims is one
family: every interval is as wide as all claims together need (Bonferroni), so that a page without any truth in it has a
false verdict in at most 5 % of corpora. Verdicts come from the interval alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

from filmlens.stats.bootstrap import deviation, interval
from filmlens.stats.enough import detectable, enough, few, power_of_similar
from filmlens.stats.metrics import average_precision, f1

COLUMNS = ["claim", "paper", "estimate", "low", "high", "detectable", "films", "verdict", "estimate is"]


class Score(NamedTuple):
    """A score, in every bootstrap sample of films, its variance from the starts it is a mean of, and how many films."""

    value: float
    draws: np.ndarray
    start_variance: float
    films: int


class Pair(NamedTuple):
    """A difference that a claim says is above 0: its draws, the films on each side, its variance from the starts."""

    name: str
    estimate: float
    draws: np.ndarray
    films: tuple[int, ...]
    start_variance: float = 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation from films and starts."""
        return float(np.hypot(deviation(self.draws), np.sqrt(self.start_variance)))

    def limits(self, alpha: float) -> tuple[float, float]:
        """Interval of level 1 - alpha: the film bootstrap's 95 %, stretched, with the starts' variance."""
        low, high = interval(self.draws)
        z = stats.norm.isf(alpha / 2)
        sides = np.maximum([self.estimate - low, high - self.estimate], 0) * z / stats.norm.isf(0.025)
        down, up = np.hypot(sides, z * np.sqrt(self.start_variance))
        return float(self.estimate - down), float(self.estimate + up)


Scorer = Callable[..., Score]


def scorer(truth: np.ndarray, weights: np.ndarray, start_sd: float = 0.0) -> Scorer:
    """Macro score of predictions, in full and in every bootstrap sample; of several starts (or draws) the mean.

    Of one start, (1, films, genres), the spread over starts is `start_sd`; (films, genres) has no starts.
    """

    def score(values: np.ndarray, measure: Callable = f1) -> Score:
        values = np.asarray(values)
        if values.shape[-2:] != truth.shape:
            raise ValueError(f"predictions of shape {values.shape} for labels of shape {truth.shape}")
        many = values.reshape(-1, *truth.shape)
        if measure is mean_ap:
            each = np.array([mean_ap(truth, v, np.vstack([np.ones(len(truth)), weights])) for v in many])
            plain, draws = each[:, 0], each[:, 1:].mean(axis=0)
        else:
            hits = many if many.dtype == bool else many >= 0.5
            plain = measure(truth, hits)[:, -1]
            draws = np.mean([measure(truth, h, weights)[:, -1] for h in hits], axis=0)
        variance = plain.var(ddof=1) / len(plain) if len(plain) > 1 else start_sd**2 * (values.ndim == 3)
        return Score(float(plain.mean()), draws, float(variance), len(truth))

    return score


def mean_ap(truth: np.ndarray, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """mAP in every sample; (draws,)."""
    return np.nanmean(average_precision(truth, values.astype(float), weights)[:, truth.any(axis=0)], axis=1)


def gap(name: str, one: Score, other: Score) -> Pair:
    """The paired difference of two scores over the same films, under a name."""
    variance = one.start_variance + other.start_variance
    return Pair(name, one.value - other.value, one.draws - other.draws, (one.films,), variance)


class Claim(NamedTuple):
    """A claim of the paper before it is judged: that all of its pairs lie above 0, or one within a margin of it.

    One whose pairs lie below 0 when there is nothing to find (`biased`) is never contradicted by that.
    """

    claim: str
    paper: str
    pairs: list[Pair]
    what: str
    why: str
    margin: float | None = None
    biased: bool = False


def judged(claims: list[Claim]) -> list[tuple]:
    """Rows of the table of claims (`COLUMNS`), all of them together at 95 %."""
    family = max(1, sum(bool(c.pairs) for c in claims))
    return [_row(c, 0.05 / family) for c in claims]


def _row(claim: Claim, alpha: float) -> tuple:
    """One row, its interval of level 1 - alpha."""
    head, pairs = (claim.claim, claim.paper), claim.pairs
    if not pairs:
        return *head, *[np.nan] * 5, f"not tested ({claim.why})", ""
    tested = [p for p in pairs if enough(*p.films)]
    if not tested:
        least = min(pairs, key=lambda p: min(p.films))
        return *head, least.estimate, *[np.nan] * 3, min(least.films), few(*least.films), f"{claim.what}: {least.name}"
    if claim.margin is not None:
        pair, margin = tested[0], claim.margin
        low, high = pair.limits(alpha)
        within, outside = -margin < low and high < margin, low > margin or high < -margin
        verdict = "holds" if within else "contradicted" if outside else "undecided"
        power = power_of_similar(pair.deviation, margin, level=1 - alpha)
        words = f"{claim.what}, {pair.name}; similar within ±{margin:g}, "
        words += f"which equal models would show with power {power:.2f}"
        least = detectable(pair.deviation, alpha=alpha)
        return *head, pair.estimate, low, high, least, min(pair.films), verdict, words
    lows = [p.limits(alpha)[0] for p in tested]
    # one difference of many on the other side must be there after a correction for their number
    highs = [p.limits(alpha / len(tested))[1] for p in tested]
    decides, verdict, share = int(np.argmin(lows)), "undecided", alpha
    if min(highs) < 0 and not claim.biased:
        decides, verdict, share = int(np.argmin(highs)), "contradicted", alpha / len(tested)
    elif min(lows) > 0 and len(tested) == len(pairs):
        verdict = "holds"
    pair = tested[decides]
    words = f"{claim.what}: {pair.name}"
    words += f" (decides among {len(tested)})" if len(tested) > 1 else ""
    words += f" ({len(pairs) - len(tested)} more with too few films)" if len(tested) < len(pairs) else ""
    least = detectable(pair.deviation, alpha=share)
    return *head, pair.estimate, *pair.limits(share), least, min(pair.films), verdict, words
