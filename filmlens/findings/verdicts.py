"""From bootstrap draws of a paired difference to a verdict on a claim."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from filmlens.stats.bootstrap import interval
from filmlens.stats.metrics import f1

Pair = tuple[str, float, np.ndarray]
Scorer = Callable[..., tuple[float, np.ndarray]]


def scorer(truth: np.ndarray, weights: np.ndarray) -> Scorer:
    """Macro score of predictions, in full and in every bootstrap sample."""

    def score(values: np.ndarray, measure: Callable = f1) -> tuple[float, np.ndarray]:
        values = np.asarray(values)
        hits = values if values.dtype == bool else values >= 0.5
        if hits.shape[-2:] != truth.shape:
            raise ValueError(f"predictions of shape {values.shape} for labels of shape {truth.shape}")
        many = hits.reshape(-1, *truth.shape)
        plain = measure(truth, many)[:, -1].mean()
        return float(plain), np.mean([measure(truth, h, weights)[:, -1] for h in many], axis=0)

    return score


def gap(name: str, one: tuple[float, np.ndarray], other: tuple[float, np.ndarray]) -> Pair:
    """The paired difference of two scores, under a name."""
    return name, one[0] - other[0], one[1] - other[1]


def untested(claim: str, paper: str, why: str) -> tuple:
    """The row of a claim that there are no data for."""
    return claim, paper, np.nan, np.nan, np.nan, f"not tested ({why})", ""


def every(claim: str, paper: str, pairs: list[Pair], what: str, why: str) -> tuple:
    """A claim that every pair's difference is above 0."""
    if not pairs:
        return untested(claim, paper, why)
    simultaneous = 1 - 0.05 / len(pairs)
    lows, highs = np.array([interval(draws) for _, _, draws in pairs]).T
    upper = np.array([interval(draws, simultaneous)[1] for _, _, draws in pairs])
    decides, verdict = int(np.argmin(lows)), "undecided"
    if (lows > 0).all():
        verdict = "holds"
    elif (upper < 0).any():
        decides, verdict = int(np.argmin(upper)), "contradicted"
    name, estimate, _ = pairs[decides]
    words = f"{what}: {name}" + (f" (decides among {len(pairs)})" if len(pairs) > 1 else "")
    return claim, paper, estimate, lows[decides], highs[decides], verdict, words


def similar(pair: Pair | None, margin: float) -> tuple:
    """The claim that the best of both features lie within `margin` of each other."""
    claim, paper = "MIR and VGGish similar at the top", "best macro-F1 .61 (MIR), .65 (VGGish)"
    if pair is None:
        return untested(claim, paper, "no weights")
    low, high = interval(pair[2])
    within, outside = -margin < low and high < margin, low > margin or high < -margin
    verdict = "holds" if within else "contradicted" if outside else "undecided"
    return claim, paper, pair[1], low, high, verdict, f"macro-F1, {pair[0]}; similar within ±{margin:g}"
