"""Cross-validation by film: out-of-fold probabilities, and the fitted folds that the findings need (Table 4).

Networks are trained in stacks of folds (see `training`), in threads when `jobs` > 1; the other models fold by fold,
in processes with one thread each.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone

from filmlens.genre.bags import Bags, as_bags, as_labels
from filmlens.genre.baselines import Floor, InstanceVoting, RandomGuess
from filmlens.genre.estimator import BagClassifier, BagEstimator
from filmlens.genre.folds import LEAVE_ONE_FILM_OUT, REBALANCED, assign_folds
from filmlens.genre.prediction import predict_all, predict_held_out
from filmlens.genre.results import CrossValidation
from filmlens.genre.storage import stored_path
from filmlens.genre.training import train
from filmlens.stats.metrics import best_thresholds, macro_f1

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

    `bags` are `Bags` or (n_i, D) arrays, `Y` is (n_films, n_genres); films with empty bags are left out and listed.
    `scheme` and `groups` are those of `folds.assign_folds`; "rebalanced" is for simple MI and instance voting, whose
    genres are learnt apart. `seeds` repeats with `random_state`, `random_state` + 1, ...: the starts of a network.
    `jobs` are threads (networks) or processes (other models), one core each. In `folder` results are stored under a
    name made from model, data and folds; one already there is read, so that a stopped sweep resumes. Without `inside`
    no fold predicts the films it learnt from: `training_f1s` and `thresholds` are NaN.

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

    def work(task: tuple[int, np.ndarray]) -> tuple:
        seed, stack = task
        network = train(bags, labels, members[stack], **settings | {"seed": settings["seed"] + seed})
        inner = np.full(len(fold), -1)
        held = np.isin(fold, stack)
        inner[held] = np.searchsorted(stack, fold[held])
        out = predict_held_out(network, bags, inner)
        if seed:
            return seed, held, out, None, network.arrays()
        learnt = predict_all(network, bags) if inside else [None] * len(stack)
        judged = [_judge(labels[m], None if p is None else p[m]) for m, p in zip(members[stack], learnt, strict=True)]
        return seed, held, out, judged, network.arrays()

    tasks = [(seed, stack) for seed in range(seeds) for stack in stacks]
    with ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(work, tasks))
    shape = (len(bags.instances), labels.shape[1])
    probabilities = np.full((seeds, *labels.shape), np.nan)
    alone, attention = np.full((seeds, *shape), np.nan), np.full((seeds, *shape), np.nan)
    for seed, held, out, *_ in done:
        probabilities[seed, held] = out[0][held]
        rows = np.repeat(held, bags.sizes)
        alone[seed, rows], attention[seed, rows] = out[1][rows], out[2][rows]
    judged = [j for *_, each, _ in done[: len(stacks)] for j in each]
    arrays = [a for *_, a in done]
    shared = ("centre", "spread")
    result = {
        "probabilities": probabilities,
        "instance_probability": alone.mean(axis=0),
        "attention": attention.mean(axis=0),
        "folds": {n: arrays[0][n] if n in shared else np.concatenate([a[n] for a in arrays]) for n in arrays[0]},
    }
    return result, judged


def _others(model: BagEstimator, bags, labels, fold, seeds: int, jobs: int, rebalanced: int, inside: bool) -> tuple:
    tasks = [(seed, f) for seed in range(seeds) for f in range(fold.max() + 1)]
    jobs = 1 if isinstance(model, Floor) else jobs
    with parallel_config("loky", inner_max_num_threads=1):
        parts = Parallel(n_jobs=jobs)(
            delayed(_fit_folds)(model, bags, labels, fold, tasks[i::jobs], rebalanced, inside) for i in range(jobs)
        )
    done = {task: result for part in parts for task, result in part.items()}
    probabilities = np.full((seeds, *labels.shape), np.nan)
    for (seed, f), (out, _) in done.items():
        probabilities[seed, fold == f] = out
    result = {"probabilities": probabilities, "instance_probability": None, "attention": None, "folds": {}}
    return result, [done[0, f][1] for f in range(fold.max() + 1)]


def _fit_folds(model: BagEstimator, bags, labels, fold, tasks: list, rebalanced: int, inside: bool) -> dict:
    """Held-out probabilities and training judgement of each (seed, fold)."""
    done = {}
    for seed, f in tasks:
        fresh = clone(model)
        if seed:
            fresh.set_params(random_state=(model.random_state or 0) + seed)
        member = np.flatnonzero((fold != f) & (fold >= 0))
        learnt = bags.take(member)
        fresh.fit(learnt, labels[member])
        judged = None
        if seed == 0:
            judged = _judge(labels[member], fresh.predict_proba(learnt) if inside else None)
        held = np.flatnonzero(fold == f)
        if rebalanced:
            found = _without_one_more(fresh, bags, labels, member, held, rebalanced)
        else:
            found = fresh.predict_proba(bags.take(held))
        done[seed, f] = found, judged
    return done


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
