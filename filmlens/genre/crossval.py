"""Cross-validation by film: out-of-fold probabilities, and the fitted folds that the findings need (Table 4).

Folds leave out one film, one group or a share of the films (paper, model training). Networks are trained in stacks of
folds (see `training`), in threads when `jobs` > 1; the other models fold by fold, in processes with one thread each.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, product
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone

from filmlens.genre.bags import Bags, as_bags, as_labels
from filmlens.genre.baselines import Floor, InstanceVoting, RandomGuess
from filmlens.genre.estimator import BagClassifier, BagEstimator
from filmlens.genre.prediction import predict_all, predict_held_out
from filmlens.genre.results import CrossValidation, stored_path
from filmlens.genre.training import train
from filmlens.stats.metrics import best_thresholds, macro_f1

LEAVE_ONE_FILM_OUT = "leave-one-film-out"
#: The same, and for each genre one film of the other label is left out too, so that what is learnt has the genre as
#: often whichever film is held out (Austin, Pe'er and Korem 2025; `comparison`).
REBALANCED = "rebalanced"

#: Films of the other label left out in turn when classes are rebalanced.
_DRAWS = 5


def cross_validate(
    model: BagEstimator,
    bags: Bags | Sequence[np.ndarray],
    Y,
    *,
    scheme: str | int = LEAVE_ONE_FILM_OUT,
    groups: Sequence | None = None,
    seeds: int = 1,
    jobs: int = 1,
    folder: str | Path | None = None,
    inside: bool = True,
) -> CrossValidation:
    """Out-of-fold predictions of every film by an unfitted model, which stays untouched.

    Films with empty bags are left out and listed. `scheme` and `groups` are those of `assign_folds`; "rebalanced" is
    for simple MI and instance voting, whose genres are learnt apart. `seeds` repeats with `random_state` + 1, ...: the
    starts of a network. `jobs` are threads (networks) or processes (other models), one core each. In `folder` results
    are stored under a name made from model, data and folds; one already there is read, so that a stopped sweep resumes.
    Without `inside` no fold predicts the films it learnt from: `training_f1s` and `thresholds` are NaN.

    ValueError on fewer than two folds, lengths that differ, labels other than 0 and 1.
    >>> rng = np.random.default_rng(0)
    >>> Y = rng.random((10, 2)) < 0.5
    >>> films = [rng.normal(size=(3, 4)) + y.sum() for y in Y]
    >>> cross_validate(BagClassifier(epochs=2), films, Y)
    CrossValidation(Average, leave-one-film-out: 10 films, 2 genres, 10 folds, 1 seeds)
    """
    bags = as_bags(bags)
    labels, genres = as_labels(Y, bags)
    fold = assign_folds(scheme, len(bags), groups=groups, usable=bags.sizes > 0)
    if seeds < 1 or jobs < 1:
        raise ValueError("seeds and jobs must be at least 1")
    parameters = {
        k: v if isinstance(v, (str, int, float, type(None))) else repr(v) for k, v in model.get_params().items()
    }
    record = {
        "model": type(model).__name__,
        "parameters": parameters,
        "scheme": str(scheme),
        "film_ids": bags.film_ids,
        "genres": genres,
        "columns": bags.columns,
    }
    path = None
    if folder is not None:
        path = stored_path(folder, record | {"seeds": seeds}, bags.instances, bags.offsets, labels, fold)
        with suppress(FileNotFoundError):
            return CrossValidation.load(path)
    started = time.perf_counter()
    if scheme == REBALANCED and not hasattr(model, "base"):
        raise ValueError(
            'scheme "rebalanced" is for simple MI and instance voting: a network learns its genres together'
        )
    if isinstance(model, BagClassifier):
        result, judged = _networks(model, bags, labels, fold, seeds, jobs, inside)
    else:
        # voting knows the cues it learnt from: it fits them whatever they say, and to ask takes ten times the model
        inside = inside and not isinstance(model, (InstanceVoting, RandomGuess))
        result, judged = _others(model, bags, labels, fold, seeds, jobs, _DRAWS if scheme == REBALANCED else 0, inside)
    result = CrossValidation(
        **record,
        labels=labels,
        fold=fold,
        offsets=bags.offsets,
        cues=bags.cues,
        training_f1s=np.array([f1 for f1, _ in judged]),
        thresholds=np.array([t for _, t in judged]),
        draws=getattr(model, "draws", 0),
        seconds=time.perf_counter() - started,
        **result,
    )
    if path is not None:
        result.save(path)
    return result


def assign_folds(
    scheme: str | int, films: int, *, groups: Sequence | None = None, usable: np.ndarray | None = None
) -> np.ndarray:
    """The fold that holds out each film, (films,): 0, 1, ... without gaps, -1 for films that take no part.

    `scheme` is "leave-one-film-out", "rebalanced", "grouped" (one group, such as a franchise or a composer, is held out
    at a time), or the number of folds of whole films, or of whole groups when `groups` are given. A number of folds
    depends on the number of films alone, so that cue and frame level meet the same folds. `groups` has an entry per
    film; a film without one (None, NaN, "") is a group of its own. `usable` (bool) marks the films that take part.
    ValueError on an unknown scheme, groups that are missing or of another length, fewer than two folds.

    >>> assign_folds("grouped", 4, groups=["Alien", "Alien", None, "Rocky"])
    array([0, 0, 1, 2])
    >>> np.bincount(assign_folds(3, 7)).tolist()
    [3, 2, 2]
    """
    usable = np.ones(films, dtype=bool) if usable is None else np.asarray(usable, dtype=bool)
    if groups is not None and len(groups) != films:
        raise ValueError(f"{len(groups)} groups for {films} films")
    own = np.arange(films)
    if groups is not None:
        names = [f"film {i}" if pd.isna(g) or g == "" else f"group {g}" for i, g in enumerate(groups)]
        own = pd.factorize(np.array(names, dtype=object))[0]
    if scheme in (LEAVE_ONE_FILM_OUT, REBALANCED):
        fold = np.arange(films)
    elif scheme == "grouped":
        if groups is None:
            raise ValueError('scheme "grouped" needs groups, one per film')
        fold = own
    elif isinstance(scheme, (int, np.integer)) and not isinstance(scheme, bool):
        fold = _deal(own, int(scheme))
    else:
        raise ValueError(f'scheme {scheme!r} is unknown; "{LEAVE_ONE_FILM_OUT}", "grouped" or a number of folds')
    fold = np.where(usable, fold, -1)
    held = np.unique(fold[usable])
    if len(held) < 2:
        raise ValueError(f"cross-validation needs at least two folds of films with instances; there are {len(held)}")
    return np.where(usable, np.searchsorted(held, fold), -1)


def _deal(groups: np.ndarray, folds: int) -> np.ndarray:
    """Whole groups, in random order and the largest first, each to the fold that has fewest films."""
    sizes = np.bincount(groups)
    if not 2 <= folds <= len(sizes):
        raise ValueError(f"{folds} folds of {len(sizes)} films or groups cannot be made")
    order = np.random.default_rng(0).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, place = np.zeros(folds, dtype=int), np.empty(len(sizes), dtype=int)
    for group in order:
        place[group] = load.argmin()
        load[place[group]] += sizes[group]
    return place[groups]


def stack_size(bags: Bags, model: BagClassifier) -> int:
    """Folds to train together: as many as one fold's hidden layer lets stay in a core's cache, more or less.

    That is 5 to 22, because fewer do not pay for what they share; less where even five would fill the memory.
    """
    films = bags.sizes[bags.sizes > 0]
    cells = films.mean() * min(model.batch_size, len(films)) * model.hidden
    return int(max(min(np.clip((1 << 20) // cells, 5, 22), (1 << 24) // cells), 1))


def _networks(model: BagClassifier, bags: Bags, labels, fold, seeds: int, jobs: int, inside: bool) -> tuple:
    settings = model.training()
    folds = fold.max() + 1
    members = (fold[None] != np.arange(folds)[:, None]) & (fold >= 0)
    # not a function of `jobs`, so that the numbers are not either
    stacks = np.array_split(np.arange(folds), -(-folds // stack_size(bags, model)))
    probabilities = np.full((seeds, *labels.shape), np.nan)
    alone, attention = np.full((2, seeds, len(bags.instances), labels.shape[1]), np.nan)

    def work(task: tuple[int, np.ndarray]) -> tuple[list, dict]:
        seed, stack = task
        network = train(bags, labels, members[stack], **settings | {"seed": settings["seed"] + seed})
        held = np.isin(fold, stack)
        rows = np.repeat(held, bags.sizes)
        films, single, weight = predict_held_out(network, bags, np.where(held, fold - stack[0], -1))
        probabilities[seed, held] = films[held]
        alone[seed, rows], attention[seed, rows] = single[rows], weight[rows]
        judged = []
        if seed == 0:
            learnt = predict_all(network, bags) if inside else [None] * len(stack)
            each = zip(members[stack], learnt, strict=True)
            judged = [_judge(labels[m], None if p is None else p[m]) for m, p in each]
        return judged, network.arrays()

    with ThreadPoolExecutor(jobs) as pool:
        judged, arrays = zip(*pool.map(work, product(range(seeds), stacks)), strict=True)
    shared = ("centre", "spread")
    result = {
        "probabilities": probabilities,
        "instance_probability": alone.mean(axis=0),
        "attention": attention.mean(axis=0),
        "folds": {n: arrays[0][n] if n in shared else np.concatenate([a[n] for a in arrays]) for n in arrays[0]},
    }
    return result, list(chain.from_iterable(judged))


def _others(model: BagEstimator, bags, labels, fold, seeds: int, jobs: int, rebalanced: int, inside: bool) -> tuple:
    folds = fold.max() + 1
    jobs = 1 if isinstance(model, Floor) else jobs
    share = -(-seeds * folds // jobs)  # of the tasks, so that each process is sent the bags once
    with parallel_config("loky", inner_max_num_threads=1):
        done = Parallel(n_jobs=jobs, batch_size=share, pre_dispatch="all")(
            delayed(_fit_fold)(model, bags, labels, fold, seed, f, rebalanced, inside)
            for seed, f in product(range(seeds), range(folds))
        )
    probabilities = np.full((seeds, *labels.shape), np.nan)
    for (seed, f), (found, _) in zip(product(range(seeds), range(folds)), done, strict=True):
        probabilities[seed, fold == f] = found
    result = {"probabilities": probabilities, "instance_probability": None, "attention": None, "folds": {}}
    return result, [judged for _, judged in done[:folds]]


def _fit_fold(model: BagEstimator, bags, labels, fold, seed: int, f: int, rebalanced: int, inside: bool) -> tuple:
    """Held-out probabilities, and of the first seed the judgement of the training films."""
    fresh = clone(model)
    if seed:
        fresh.set_params(random_state=(model.random_state or 0) + seed)
    member, held = np.flatnonzero((fold != f) & (fold >= 0)), np.flatnonzero(fold == f)
    learnt = bags.take(member)
    fresh.fit(learnt, labels[member])
    judged = None if seed else _judge(labels[member], fresh.predict_proba(learnt) if inside else None)
    if rebalanced:
        return _without_one_more(fresh, bags, labels, member, held, rebalanced), judged
    return fresh.predict_proba(bags.take(held)), judged


def _without_one_more(model: BagEstimator, bags: Bags, labels: np.ndarray, member, held, draws: int) -> np.ndarray:
    """Probabilities of one held-out film, each genre learnt without a film of the other label; mean over draws."""
    rng, found = np.random.default_rng(held), np.zeros((1, labels.shape[1]))
    for k in range(labels.shape[1]):
        other = member[labels[member, k] != labels[held[0], k]]
        for gone in rng.choice(other, draws) if len(other) else [-1] * draws:
            kept = member[member != gone]
            learnt = clone(model).fit(bags.take(kept), labels[kept][:, [k]])
            found[0, k] += learnt.predict_proba(bags.take(held))[0, 0] / draws
    return found


def _judge(labels: np.ndarray, probability: np.ndarray | None) -> tuple[float, np.ndarray]:
    """Macro-F1 on the training films, and the thresholds that would have been best there; NaN if none were asked."""
    if probability is None:
        return np.nan, np.full(labels.shape[1], np.nan)
    return macro_f1(labels, probability >= 0.5), best_thresholds(labels, probability)
