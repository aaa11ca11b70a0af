"""Films through fitted folds: all films through all folds, or each film through the fold that held it out.

The second is what out-of-fold scores, held-out cues and permutation importance rest on; it goes through all folds side
by side in one pass, because importance asks for it thousands of times.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from filmlens.genre.bags import Bags
from filmlens.genre.network import Network


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread, and tiny numbers taken as zero, while the block runs.

    Moments of nodes that have died decay into denormal numbers, which are a hundred times slower on CPUs.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def prepare(network: Network, bags: Bags) -> tuple[Tensor, Tensor]:
    """Instances as the network reads them, (N, D + missing), and the numbers of the features with missing values."""
    x = (bags.instances - network.centre) / network.spread
    gaps = np.isnan(x)
    columns = np.flatnonzero(gaps.any(0))
    x = np.concatenate([np.where(gaps, 0.0, x), gaps[:, columns]], 1) if len(columns) else x
    weight = network.dense1.weight
    return torch.as_tensor(x, dtype=weight.dtype, device=weight.device), torch.as_tensor(columns, device=weight.device)


#: Instances, times folds, that are predicted at once.
_ROWS = 1 << 16


@torch.inference_mode()
def predict_all(network: Network, bags: Bags) -> np.ndarray:
    """Probabilities of every film in every fold, shape (n_folds, n_films, n_genres); NaN for empty bags."""
    out = np.full((network.folds, len(bags), network.genres), np.nan)
    films = np.flatnonzero(bags.sizes > 0)
    limit = max(_ROWS // network.folds, 1)
    parts = np.split(films, np.flatnonzero(np.diff(np.cumsum(bags.sizes[films]) // limit)) + 1) if len(films) else []
    with one_thread():
        for part in parts:
            some = bags.take(part)
            x, missing = prepare(network, some)
            sizes = torch.as_tensor(some.sizes, device=x.device).expand(network.folds, -1).contiguous()
            p = network(x.expand(network.folds, -1, -1), sizes, missing)
            out[:, part] = network.settle(p).cpu().numpy()
    return out


@torch.inference_mode()
def predict_held_out(
    network: Network, bags: Bags, fold: np.ndarray, *, instances: bool = True, cells: int = 1 << 25
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Films through the fold that held them out, all in one pass over folds side by side.

    `fold` (n_films,) is -1 for a film without one; `cells` bounds the largest intermediate array. Gives probabilities
    (n_films, n_genres), NaN for empty bags; and of `instances`, (N, n_genres) or None, the probability of the film were
    it made of this instance alone, and `BagClassifier.attention`.
    """
    probability = np.full((len(bags), network.genres), np.nan)
    alone, attention = (np.full((len(bags.instances), network.genres), np.nan) for _ in range(2))
    films = np.flatnonzero((bags.sizes > 0) & (np.asarray(fold) >= 0))
    by_fold = [films[fold[films] == f] for f in range(network.folds)]
    load = np.array([bags.sizes[f].sum() for f in by_fold])
    widest = max(network.inputs, network.hidden)
    order = np.arange(network.folds)
    if (whole := len(order) * load.max(initial=0) * widest) > cells:
        order = np.argsort(load, kind="stable")
    with one_thread():
        x, missing = prepare(network, bags)
        while len(order) and load[order].any():
            # when not all folds fit, those of similar load go side by side, so that little is padded
            take = len(order) if whole <= cells else max(1, cells // int(load[order[-1]] * widest))
            part, order = order[-take:], order[:-take]
            rows = [bags.rows(by_fold[f]) for f in part]
            sizes = [bags.sizes[by_fold[f]] for f in part]
            index, lengths = (
                pad_sequence([torch.from_numpy(one) for one in each], batch_first=True).to(x.device)
                for each in (rows, sizes)
            )
            stack = network if len(part) == network.folds else network.select(part)
            h2, h3 = stack.embed(x[index], missing)
            p = stack.settle(stack.pool(h2, h3, lengths)).cpu().numpy()
            for i, f in enumerate(part):
                probability[by_fold[f]] = p[i, : len(by_fold[f])]
            if not instances:
                continue
            single = torch.ones(h3.shape[:2], dtype=torch.long, device=x.device)
            each = stack.settle(stack.pool(h2, h3, single)).cpu().numpy()
            weight = stack.attention_of(h2, h3, lengths).cpu().numpy()
            for i, row in enumerate(rows):
                alone[row], attention[row] = each[i, : len(row)], weight[i, : len(row)]
    return (probability, alone, attention) if instances else (probability, None, None)
