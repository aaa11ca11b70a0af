"""The paper's claims about genre models (Table 4): which features, which level, which pooling, above which floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from filmlens.findings.verdicts import Claim, Pair, Score, Scorer, gap, mean_ap
from filmlens.stats.metrics import f1, precision, recall

Configuration = tuple[str, str, str]
_BELOW = ("max", "linear softmax")
_OURS = "not in the paper"
_TOP = "single attention 128"
#: Macro-F1 within which two models are similar.
_SIMILAR = 0.05


def model_claims(
    predictions: Mapping[Configuration, np.ndarray],
    levels: Mapping[Configuration, np.ndarray] | None,
    baselines: Mapping[str, np.ndarray],
    score: Scorer,
    films: int,
    seed: int,
) -> list[Claim]:
    """Every claim about models; arguments as in `claims_table`."""
    cue = {k: v for k, v in predictions.items() if k[1] == "cue"}

    @cache
    def scored(key: Configuration | str, measure: Callable = f1) -> Score:
        return score(baselines[key] if isinstance(key, str) else cue[key], measure)

    def less(name: str, one, other, measure: Callable = f1) -> Pair:
        return gap(name, scored(one, measure), scored(other, measure), films)

    def best(features: str, start: str = "") -> Configuration | None:
        found = [k for k in cue if k[0] == features and _named(k[2]).startswith(start)]
        return max(found, key=lambda k: scored(k).value, default=None)

    top = [best("mir"), best("vggish")]
    same = [less(f"VGGish {top[1][2]} minus MIR {top[0][2]}", top[1], top[0])] if None not in top else []
    both = [k for k in cue if k[0] == "vggish" and ("mir", *k[1:]) in cue]
    each = [less("", k, ("mir", *k[1:])) for k in both]
    mean = []
    if each:
        variance = sum(p.start_variance for p in each) / len(each) ** 2
        draws = np.mean([p.draws for p in each], axis=0)
        mean = [Pair("mean over models", float(np.mean([p.estimate for p in each])), draws, (films,), variance)]
    simple = []
    for start in ("simple", "voting"):
        one, other = best("vggish", start), best("mir", start)
        if one and other:
            for measure in (precision, recall, f1):
                simple.append(less(f"{measure.__name__}, {one[2]} minus {other[2]}", one, other, measure))
    poolings = [k for k in cue if not _named(k[2]).startswith(("simple", "voting"))]
    low = [k for k in poolings if _named(k[2]).startswith(_BELOW)]
    below = [
        less(f"{high[0]} {high[2]} minus {k[2]}", high, k)
        for k in low
        for high in poolings
        if high[0] == k[0] and high not in low
    ]
    svm = [k for k in cue if k[0] == "vggish" and _named(k[2]).startswith("simple") and "svm" in _named(k[2])][:1]
    precise = [less(f"minus {k[0]} {k[2]}", s, k, precision) for s in svm for k in cue if k != s]
    winner = [k for k in cue if k[0] == "vggish" and _named(k[2]) == _TOP]
    wins = [less(f"minus {k[0]} {k[2]}", w, k) for w in winner for k in cue if k != w]
    paper = [name for name in baselines if _named(name) in ("random guess", "zero rule")]
    always = [name for name in baselines if _named(name).startswith("always")]

    def above(names: list[str]) -> list[Pair]:
        return [less(f"{k[0]} {k[2]} minus {name}", k, name) for name in names for k in cue]

    chance = []
    if cue:
        shape = np.shape(next(iter(cue.values())))[-2:]
        ranks = np.random.default_rng(seed).random((50, *shape))
        guess = score(ranks, mean_ap)._replace(start_variance=0.0)
        chance = [gap(f"{k[0]} {k[2]}", scored(k, mean_ap), guess, films) for k in cue]
    no_weights = "no weights"
    return [
        Claim(
            "MIR and VGGish similar at the top",
            "best macro-F1 .61 (MIR), .65 (VGGish)",
            same,
            "macro-F1",
            no_weights,
            _SIMILAR,
        ),
        Claim("VGGish above MIR generally", "generally outperform", mean, "macro-F1, VGGish minus MIR", no_weights),
        Claim("single attention 128 on VGGish is the best", "best-performing", wins, "macro-F1", no_weights),
        Claim(
            "cue level above frame level for each model",
            "cue level outperforms in all models",
            _level_pairs(levels or predictions, score, films),
            "macro-F1, cue minus frame level",
            "no model at both levels",
        ),
        Claim(
            "simple MI and voting better on VGGish",
            "better in precision, recall and F1",
            simple,
            "VGGish minus MIR, best base classifier of each",
            no_weights,
        ),
        Claim(
            "max and linear softmax below the others", "perform worse", below, "macro-F1", "no max or linear softmax"
        ),
        Claim(
            "simple MI with SVM on VGGish has the highest precision",
            "highest of all models",
            precise,
            "macro-precision",
            no_weights,
        ),
        Claim("every model above both baselines", "all outperform both", above(paper), "macro-F1", "no baselines"),
        Claim("every model above always-positive", _OURS, above(always), "macro-F1", "no always-positive baseline"),
        Claim(
            "every model's mAP above chance",
            "all significantly above",
            chance,
            "mAP minus that of random ranks (who hears nothing lies below, which contradicts nothing)",
            "no models",
            biased=True,
        ),
    ]


def _named(model: str) -> str:
    return model.replace("_", " ").lower()


def _level_pairs(predictions: Mapping, score: Scorer, films: int) -> list[Pair]:
    keys = [k for k in predictions if k[1] == "cue" and (k[0], "frame", k[2]) in predictions]
    return [gap(f"{k[0]} {k[2]}", score(predictions[k]), score(predictions[k[0], "frame", k[2]]), films) for k in keys]
