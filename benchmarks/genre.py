"""CPU seconds of one leave-one-film-out training: a lean loop over folds, stacked folds, and the matrix products alone.

    python benchmarks/genre.py [--films 110] [--epochs 10] [--repeat 3] [--sweep]

All three train the same architecture on batches of 16 films in one thread, on random films of 20 to 60 cues (frame
level: 600 to 1,800 seconds of music, 10 folds). One stack of folds and a few epochs are timed (best of `--repeat`) and
scaled to all folds and 200 epochs, in one process and one run, so that the ratios hold where the seconds do not. The
table is printed and written to genre.md beside this file.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from filmlens.genre import POOLINGS, BagClassifier, Bags, cross_validate
from filmlens.genre.bags import moments
from filmlens.genre.crossval import LEAVE_ONE_FILM_OUT, assign_folds, stack_size
from filmlens.genre.pooling import average
from filmlens.genre.prediction import one_thread
from filmlens.genre.training import loss_weights, train

GENRES = 6
BATCH = 16
EPOCHS = 200


def random_films(films: int, features: int, low: int, high: int, seed: int = 0) -> tuple[Bags, np.ndarray]:
    """Random bags of `low` to `high` instances, and labels that a few features carry."""
    rng = np.random.default_rng(seed)
    labels = rng.random((films, GENRES)) < 0.4
    effect = 0.3 * rng.normal(size=(GENRES, features))
    arrays = [rng.normal(size=(rng.integers(low, high + 1), features)) + y @ effect for y in labels]
    return Bags.from_arrays(arrays), labels


def lean_fold(bags: Bags, labels: np.ndarray, member: np.ndarray, hidden: int, epochs: int, fused: bool) -> None:
    """One fold alone, average pooling, as a careful user of torch would write it; Adam as it comes, or fused."""
    torch.manual_seed(0)
    mean, scale = moments(bags, member[None])
    x = torch.as_tensor((bags.instances - mean[0]) / scale[0], dtype=torch.float32)
    y = torch.as_tensor(labels)
    weight = torch.as_tensor(loss_weights(labels, member[None], "balanced")[0], dtype=torch.float32)
    layers = [torch.nn.Linear(a, b) for a, b in ((x.shape[1], hidden), (hidden, hidden), (hidden, hidden))]
    net = torch.nn.Sequential(
        *[m for layer in layers for m in (layer, torch.nn.ReLU())], torch.nn.Linear(hidden, GENRES)
    )
    adam = torch.optim.Adam(net.parameters(), lr=5e-5, fused=fused)
    rows = [torch.arange(a, b) for a, b in zip(bags.offsets[:-1], bags.offsets[1:], strict=True)]
    sizes = torch.as_tensor(bags.sizes)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        order = rng.permutation(np.flatnonzero(member))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            p = torch.sigmoid(net(x[torch.cat([rows[i] for i in batch])])).clamp(1e-7, 1 - 1e-7)
            film = average(p[None], sizes[batch][None])[0].clamp(1e-7, 1 - 1e-7)
            loss = -(weight[batch] * torch.log(torch.where(y[batch], film, 1 - film))).sum() / len(batch)
            adam.zero_grad()
            loss.backward()
            adam.step()


def products(bags: Bags, folds: int, hidden: int, epochs: int) -> None:
    """The matrix products of forward and backward passes, stacked, and nothing else."""
    films = len(bags)
    features = bags.instances.shape[1]
    batches = [np.arange(s, min(s + BATCH, films)) for s in range(0, films, BATCH)]
    w1, w2, w3, w4 = (
        torch.randn(folds, a, b) for a, b in ((features, hidden), (hidden, hidden), (hidden, hidden), (hidden, GENRES))
    )
    buffers = {}
    for batch in batches:
        n = int(bags.sizes[batch].sum())
        x = torch.randn(n, features).expand(folds, -1, -1)
        buffers[n] = (x, torch.randn(folds, n, hidden), torch.randn(folds, n, GENRES))
    outs = [torch.empty_like(w) for w in (w1, w2, w3, w4)]
    for _ in range(epochs):
        for batch in batches:
            x, h, p = buffers[int(bags.sizes[batch].sum())]
            ht = h.transpose(1, 2)
            torch.bmm(x, w1)
            torch.bmm(h, w2)
            torch.bmm(h, w3)
            torch.bmm(h, w4)
            torch.bmm(p, w4.transpose(1, 2))
            torch.bmm(h, w3.transpose(1, 2))
            torch.bmm(h, w2.transpose(1, 2))
            torch.bmm(ht, p, out=outs[3])
            torch.bmm(ht, h, out=outs[2])
            torch.bmm(ht, h, out=outs[1])
            torch.bmm(x.transpose(1, 2), h, out=outs[0])


def seconds(work: Callable[[int], object], epochs: int, repeat: int) -> float:
    """CPU seconds of 200 epochs in one thread, from runs of one epoch and of `epochs` more; best of `repeat` each."""
    best = np.full(2, np.inf)
    with one_thread():
        for _ in range(repeat):
            for i, n in enumerate((1, 1 + epochs)):
                start = time.process_time()
                work(n)
                best[i] = min(best[i], time.process_time() - start)
    return float(best[0] + (best[1] - best[0]) * (EPOCHS - 1) / epochs)


def compare(bags: Bags, labels: np.ndarray, members: np.ndarray, hidden: int, epochs: int, repeat: int) -> dict:
    """CPU seconds of all folds and 200 epochs of each way, from one fold or one stack."""
    model = BagClassifier(hidden=hidden)
    stack = members[: stack_size(bags, model)]
    share = len(members) / len(stack)

    def stacked(n: int) -> None:
        train(bags, labels, stack, **model.training() | {"epochs": n})

    def loop(fused: bool) -> float:
        return seconds(lambda n: lean_fold(bags, labels, members[0], hidden, n, fused), epochs, repeat) * len(members)

    stacked(1)
    return {
        "stack": len(stack),
        "loop": loop(False),
        "fused": loop(True),
        "stacked": seconds(stacked, epochs, repeat) * share,
        "products": seconds(lambda n: products(bags, len(stack), hidden, n), epochs, repeat) * share,
    }


def sweep(bags: dict[int, Bags], labels: np.ndarray, epochs: int) -> tuple[float, float]:
    """CPU hours of 2 feature sets x 6 poolings x H 64 and 128, from two stacks of each; and of one whole configuration.

    Returns
    -------
    estimate, ratio : float
        Hours of the sweep, and one configuration (D 140, average, H 64) run whole over its own estimate.
    """
    films = len(labels)
    members = ~np.eye(films, dtype=bool)
    total, one = 0.0, 0.0
    for features, each in bags.items():
        for pooling in POOLINGS:
            for hidden in (64, 128):
                model = BagClassifier(pooling, hidden=hidden, epochs=epochs)
                size = stack_size(each, model)
                stacks = [members[:size], members[size : 2 * size]]
                start = time.process_time()
                for stack in stacks:
                    with one_thread():
                        train(each, labels, stack, **model.training())
                spent = (time.process_time() - start) * films / (2 * size) * EPOCHS / epochs
                total += spent
                if (features, pooling, hidden) == (140, "average", 64):
                    one = spent
    start = time.process_time()
    cross_validate(BagClassifier(epochs=epochs), bags[140], labels)
    whole = (time.process_time() - start) * EPOCHS / epochs
    return total / 3600, whole / one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=110)
    parser.add_argument("--epochs", type=int, default=10, help="timed, beside a first one, and scaled to 200")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sweep", action="store_true", help="also estimate the sweep of 24 configurations (minutes)")
    given = parser.parse_args()
    lines = [
        "# Genre models: CPU seconds of cross-validation\n",
        "`python benchmarks/genre.py" + "".join(f" {a}" for a in sys.argv[1:]) + "`\n",
        f"{given.films} films, batches of 16, 200 epochs, average pooling, one thread, best of {given.repeat}, scaled "
        f"from one stack and few epochs; {platform.machine()}, torch {torch.__version__}, {os.cpu_count()} cores.\n",
        "loop: one fold at a time in plain torch with Adam as it comes, fused: the same with fused Adam, stacked: this "
        "package, products: the stacked matrix products of forward and backward passes and nothing else.\n",
        "| level | folds | D | H | stack | loop (s) | fused (s) | stacked (s) | products (s) | loop / stacked "
        "| fused / stacked | stacked / products |",
        "|---" * 12 + "|",
    ]
    bags = {}
    for level, features, low, high in (("cue", 128, 20, 60), ("cue", 140, 20, 60), ("frame", 140, 600, 1800)):
        films, labels = random_films(given.films, features, low, high)
        scheme = LEAVE_ONE_FILM_OUT if level == "cue" else 10
        fold = assign_folds(scheme, given.films)
        members = fold[None] != np.arange(fold.max() + 1)[:, None]
        epochs = given.epochs if level == "cue" else max(given.epochs // 2, 1)
        if level == "cue":
            bags[features] = films
        for hidden in (64, 128) if level == "cue" else (64,):
            r = compare(films, labels, members, hidden, epochs, given.repeat)
            cells = [level, len(members), features, hidden, r["stack"]]
            cells += [f"{r[name]:.0f}" for name in ("loop", "fused", "stacked", "products")]
            cells += [
                f"{r[a] / r[b]:.2f}" for a, b in (("loop", "stacked"), ("fused", "stacked"), ("stacked", "products"))
            ]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
            print(lines[-1], flush=True)
    if given.sweep:
        hours, ratio = sweep(bags, random_films(given.films, 140, 20, 60)[1], given.epochs)
        lines.append(
            f"\nThe sweep of 2 feature sets (D 128, 140) x 6 poolings x H 64, 128, leave one film out: {hours:.1f} CPU "
            f"hours, estimated from two stacks of each; one configuration run whole took {ratio:.2f} of its estimate."
        )
    text = "\n".join(lines) + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
