"""The paper's claims as a table that the data fill in: holds, contradicted or undecided.

The claims are the rows of `claims.csv`; the functions here give each one its evidence: differences that it says are
above 0. A claim about two models is a *paired* difference over the same films; two intervals are never compared by
eye. A claim about several comparisons at once ("in every genre") holds only when every interval lies on its side, is
contradicted when one lies on the other side after Bonferroni, and shows the comparison that decides. "Similar" means
that the whole interval lies within the margin. A model is judged by the mean of its single starts, never by the best;
the intervals of importance hold the variance over starts, those of the SD over runs and of pictures are conditional on
the ensemble that was trained.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import paper
from filmlens.findings.importance import ImportanceRuns
from filmlens.findings.units import clip_units, film_units, mean_of_known, weighted_gap
from filmlens.findings.verdicts import COLUMNS, Claim, Pair, Score, Scorer, gap, judged, mean_ap, scorer
from filmlens.stats.bootstrap import film_weights
from filmlens.stats.enough import FEW, enough
from filmlens.stats.metrics import f1, precision, recall

Configuration = tuple[str, str, str]
Evidence = dict[str, list[Pair]]
_MEASURES = ("brightness", "contrast")
#: Chen et al. 2012, as the paper finds them again under the actual labels: measure, genre, sign.
_CHEN = (
    ("brightness", "Comedy", 1),
    ("brightness", "Romance", 1),
    ("brightness", "Horror", -1),
    ("contrast", "Sci-Fi", 1),
)


def claims_table(
    labels: pd.DataFrame,
    *,
    predictions: Mapping[Configuration, np.ndarray] | None = None,
    levels: Mapping[Configuration, np.ndarray] | None = None,
    baselines: Mapping[str, np.ndarray] | None = None,
    importance: ImportanceRuns | None = None,
    pictures: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    stamper: pd.DataFrame | None = None,
    unit: str = "clips",
    start_sd: float = 0.0,
    n_boot: int = 2000,
    seed: int = 0,
    synthetic: bool = False,
) -> pd.DataFrame:
    """Every claim of the paper with our estimate, its interval over films and the verdict.

    Columns: claim, paper, estimate, low, high (of the level that the verdict rests on, all claims together 95 %),
    detectable (the smallest difference that 80 % of such corpora would have shown), films (of the smaller side),
    verdict, and in words what the estimate is. Without the data that a claim needs the verdict is ``not tested (no
    weights)`` and the like, with fewer than ten films ``too few films``; of a `synthetic` corpus it says so. ValueError
    if an array does not have the shape of `labels` (films x genres, those that were predicted).

    `predictions` are held-out probabilities (cut at 0.5 for F1) or bool under one cross-validation, (films, genres) or
    (starts, films, genres). Their keys are features (``mir``, ``vggish`` or others), level (``cue`` or ``frame``) and
    model: a pooling (``max``, ``average 64``) or a base classifier (``simple MI svm``, ``voting knn``). `levels` are
    like them, cue and frame level under the same folds, when those differ. `baselines` are named ``random guess``,
    ``zero rule`` and ``always positive``; of (draws, films, genres) the draws are averaged.

    `importance` comes from :func:`~filmlens.findings.group_importance`; `pictures`, clips and predicted labels, are as
    given to :func:`~filmlens.findings.cross_modal`; `stamper` has precision and recall in a row per annotated film.
    `unit` ("clips" or "films") is what medians of pictures are taken over; films are resampled either way. `start_sd`
    is the standard deviation of a score over starts, for networks of one start: (1, films, genres).
    """
    truth = labels.to_numpy(bool)
    weights = film_weights(np.random.default_rng(seed), len(truth), n_boot)
    evidence = _of_models(predictions or {}, levels, baselines or {}, scorer(truth, weights, start_sd), seed)
    words = {"unit": unit}
    if importance is not None:
        evidence |= _of_importance(importance)
        words |= {"measure": importance.measure, "scheme": importance.scheme}
    if pictures is not None:
        evidence |= _of_pictures(labels, *pictures, unit, weights)
    if stamper is not None and len(stamper):
        evidence |= {"stamper": _of_the_stamper(stamper, n_boot, seed)}
    claims = []
    for row in pd.read_csv(Path(__file__).with_suffix(".csv"), keep_default_na=False).itertuples():
        pairs = evidence.get(row.evidence, [])
        what = row.estimate_is.format(**words) if pairs else ""
        margin = float(row.margin) if row.margin else None
        claims.append(Claim(row.claim, row.paper, pairs, what, row.without_it, margin, bool(row.biased)))
    table = pd.DataFrame(judged(claims), columns=COLUMNS)
    if synthetic:
        tested = ~table["verdict"].str.startswith(("not tested", FEW))
        table.loc[tested, "verdict"] += " (synthetic corpus)"
    return table


def robustness_table(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Claims under several conditions, one below the other: results of :func:`claims_table` by condition.

    Columns: condition, those of the tables, and ``holds in``: the share of conditions that tested the claim in which it
    holds.
    """
    table = pd.concat([t.assign(condition=name) for name, t in tables.items()], ignore_index=True)
    tested = ~table["verdict"].str.startswith(("not tested", FEW))
    holds = table["verdict"].str.startswith("holds").where(tested).astype(float)
    table["holds in"] = holds.groupby(table["claim"]).transform("mean")
    return table[["condition", *COLUMNS, "holds in"]]


def _of_models(
    predictions: Mapping[Configuration, np.ndarray],
    levels: Mapping[Configuration, np.ndarray] | None,
    baselines: Mapping[str, np.ndarray],
    score: Scorer,
    seed: int,
) -> Evidence:
    """Table 4: which features, which level, which pooling, above which floor."""
    cue = {k: v for k, v in predictions.items() if k[1] == "cue"}

    @cache
    def scored(key: Configuration | str, measure: Callable = f1) -> Score:
        return score(baselines[key] if isinstance(key, str) else cue[key], measure)

    def less(name: str, one, other, measure: Callable = f1) -> Pair:
        return gap(name, scored(one, measure), scored(other, measure))

    def models(features: str, start: str | tuple[str, ...] = "") -> list[Configuration]:
        return [k for k in cue if k[0] == features and _plain(k[2]).startswith(start)]

    def best(features: str, start: str = "") -> Configuration | None:
        return max(models(features, start), key=lambda k: scored(k).value, default=None)

    def above(*names: str) -> list[Pair]:
        return [less(f"{k[0]} {k[2]} minus {b}", k, b) for b in baselines if _plain(b) in names for k in cue]

    mir, vggish = best("mir"), best("vggish")
    each = [less("", k, ("mir", *k[1:])) for k in models("vggish") if ("mir", *k[1:]) in cue]
    mean = []
    if each:
        variance = sum(p.start_variance for p in each) / len(each) ** 2
        draws = np.mean([p.draws for p in each], axis=0)
        mean = [Pair("mean over models", float(np.mean([p.estimate for p in each])), draws, each[0].films, variance)]
    poolings = [k for k in cue if not _plain(k[2]).startswith(("simple", "voting"))]
    low = [k for k in poolings if _plain(k[2]).startswith(("max", "linear softmax"))]
    svm = [k for k in models("vggish", "simple") if "svm" in _plain(k[2])][:1]
    winner = [k for k in models("vggish") if _plain(k[2]) == "single attention 128"]
    chance = []
    if cue:
        ranks = np.random.default_rng(seed).random((50, *np.shape(next(iter(cue.values())))[-2:]))
        guess = score(ranks, mean_ap)._replace(start_variance=0.0)
        chance = [gap(f"{k[0]} {k[2]}", scored(k, mean_ap), guess) for k in cue]
    both = levels or predictions
    frame = {k: (k[0], "frame", k[2]) for k in both if k[1] == "cue"}
    return {
        "top": [less(f"VGGish {vggish[2]} minus MIR {mir[2]}", vggish, mir)] if mir and vggish else [],
        "features": mean,
        "attention": [less(f"minus {k[0]} {k[2]}", w, k) for w in winner for k in cue if k != w],
        "levels": [gap(f"{k[0]} {k[2]}", score(both[k]), score(both[f])) for k, f in frame.items() if f in both],
        "simple": [
            less(f"{measure.__name__}, {one[2]} minus {other[2]}", one, other, measure)
            for start in ("simple", "voting")
            if (one := best("vggish", start)) and (other := best("mir", start))
            for measure in (precision, recall, f1)
        ],
        "poolings": [
            less(f"{high[0]} {high[2]} minus {k[2]}", high, k)
            for k in low
            for high in poolings
            if high[0] == k[0] and high not in low
        ],
        "svm": [less(f"minus {k[0]} {k[2]}", s, k, precision) for s in svm for k in cue if k != s],
        "baselines": above("random guess", "zero rule"),
        "always": above(*[b for b in map(_plain, baselines) if b.startswith("always")]),
        "chance": chance,
    }


def _plain(model: str) -> str:
    return model.replace("_", " ").lower()


def _of_importance(runs: ImportanceRuns) -> Evidence:
    """Fig 3: which feature groups matter, on the measure that is interpreted."""
    drops, overall = runs.drops[runs.measure], len(runs.genres)
    mean = drops.runs.mean(axis=1)
    place = {g.lower().replace("ddmfcc", "dd").replace("mfcc (", "mfcc"): i for i, g in enumerate(runs.groups)}

    def groups(*names: str) -> list[int]:
        return [place[name] for name in names if name in place]

    def genres(*names: str) -> list[int]:
        return [runs.genres.index(name) for name in names if name in runs.genres]

    def others(*some: int) -> list[int]:
        return [g for g in range(len(runs.groups)) if g not in some]

    def of(g: int, k: int, other: int | None = None) -> Pair:
        name, value, draws = f"{[*runs.genres, 'Overall'][k]}, {runs.groups[g]}", mean[g, k], drops.films[g, :, k]
        if other is not None:
            name += f" minus {runs.groups[other]}"
            value, draws = value - mean[other, k], draws - drops.films[other, :, k]
        return Pair(name, value, draws, runs.sides[k], runs.start_variance(k, g, other))

    first, tone, lead = groups("mfcc"), groups("tone"), groups("mfcc", "dmfcc")
    second = groups("tone", "pitch", "dmfcc")
    alone = [of(g, k, o) for k in genres("Comedy", "Drama") for g in lead for o in others(*lead)]
    rare, plain, spread = genres("Horror", "Romance"), runs.drops["F1"].runs, []
    common = [k for k in range(overall) if k not in rare]
    if len(rare) == 2 and common and plain.shape[1] > 1:
        sd, boot = plain.std(axis=1, ddof=1).mean(axis=0), runs.spread.mean(axis=0)
        value = sd[rare].min() - sd[common].max()
        draws = boot[:, rare].min(axis=1) - boot[:, common].max(axis=1)
        spread = [Pair("lesser of the two minus largest other", value, draws, (int(runs.positives.min()),))]
    return {
        "mfcc": [of(g, k, o) for g in first for k in range(overall) for o in others(g)],
        "next": [of(g, overall, o) for g in second for o in others(*first, *second)],
        "tone": [of(g, k) for g in tone for k in genres("Horror")],
        "tone too": [of(g, k) for g in tone for k in genres("Romance", "Sci-Fi")],
        "alone": alone if len(lead) == 2 else [],
        "spread": spread,
    }


def _of_pictures(
    labels: pd.DataFrame, clips: pd.DataFrame, predicted: pd.DataFrame, unit: str, weights: np.ndarray
) -> Evidence:
    """Table 5: brightness and contrast under actual, predicted and wrongly predicted genres."""
    clips = clips[clips["film_id"].isin(labels.index)]
    full = np.vstack([np.ones(len(labels)), weights])
    (actual, pred, false, clean), films, cells = _gaps(clips, labels, predicted.loc[labels.index], unit, full)
    turned, reached = -np.sign(actual) * false, -np.sign(actual) * clean
    turned_share = np.where(np.isfinite(turned), turned > 0, np.nan) - 0.5
    half, most = (
        _cell_mean(turned_share[of], films[2][of], "share minus one half")
        for of in np.split(np.arange(len(cells)), len(_MEASURES))
    )
    nearer, both = np.abs(actual) - np.abs(pred), np.minimum(films[0], films[1])
    return {
        "chen": [
            Pair(f"{genre}, {measure}", sign * actual[i, 0], sign * actual[i, 1:], tuple(films[0, i]))
            for measure, genre, sign in _CHEN
            for i, cell in enumerate(cells)
            if cell == (measure, genre)
        ],
        "nearer": _cell_mean(nearer, both, "|Actual| minus |Predicted|"),
        "reversed": _cell_mean(turned, films[2], "False positives against Actual's sign"),
        "half": half,
        "most": most,
        "beyond": _cell_mean(reached, films[3], "False positives vs true negatives against Actual's sign"),
    }


def _gaps(clips, labels, predicted, unit: str, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, list]:
    """Differences x 10 by source, cell and draw; films on both sides by source and cell; the cells."""
    gather = clip_units if unit == "clips" else film_units
    gaps, films, cells = [], [], []
    for measure in _MEASURES:
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


def _of_the_stamper(stamper: pd.DataFrame, n_boot: int, seed: int) -> list[Pair]:
    """Precision and recall of the Score Stamper, at least the paper's."""
    pairs = []
    weights = film_weights(np.random.default_rng(seed), len(stamper), n_boot) / len(stamper)
    for name in ("precision", "recall"):
        ours, stated = stamper[name].to_numpy(float), paper.number(f"stamper {name}")
        pairs.append(Pair(f"{name} minus {stated:.2f}", ours.mean() - stated, weights @ ours - stated, (len(ours),)))
    return pairs
