"""Whether a model learns genre at all: its mAP against that of models trained on labels permuted over films.

A fixed reference is unfair. Leaving a film out makes its own genres rarer in what is learnt, so that a model without
any information lies below chance (Austin, Pe'er and Korem 2025); and a predictor that knows how frequent genres are,
and hears nothing, beats uniform guesses film by film. Permuted labels that go through the same procedure share both.

Austin GI, Pe'er I, Korem T (2025). Distributional bias compromises leave-one-out cross-validation. Science Advances
11(48): eadx6976. https://doi.org/10.1126/sciadv.adx6976
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from filmlens.genre.bags import Bags, as_bags, as_labels
from filmlens.genre.baselines import InstanceVoting, SimpleMI
from filmlens.genre.crossval import LEAVE_ONE_FILM_OUT, cross_validate
from filmlens.genre.estimator import BagEstimator
from filmlens.stats.enough import enough
from filmlens.stats.metrics import average_precision
from filmlens.stats.permutation import film_permutations

#: Label columns that are learnt side by side: a few hundred stay small in memory.
_COLUMNS = 240


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
    fewer than ten films nothing is permuted, and there is no draw.

    Simple MI and instance voting learn each genre on its own, so that many permutations are columns of one
    cross-validation. A network learns its genres together: one cross-validation each.
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
