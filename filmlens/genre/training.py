"""Training many folds at once (paper, "Genre prediction model training procedure").

Cross-validation trains one network per fold on almost the same films. Here the folds of a stack see the same
batches, one shared permutation of the films per epoch, with each fold's held-out films masked from its loss (and
from its batch statistics). What a fold learns is exactly what it would learn alone from the same initial weights
and batches: its loss is its own, its Adam moments are its own, and a batch without any of its training films is no
step for it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam

from filmlens.genre.bags import Bags, moments
from filmlens.genre.network import Network
from filmlens.genre.prediction import one_thread, prepare

# Elements per turn of torch's vector loops (two AVX-512 registers of float32); what is left over rounds differently.
_LANES = 32


def loss_weights(labels: np.ndarray, members: np.ndarray, class_weight: str | None) -> np.ndarray:
    """Weight of every film and genre in every fold's loss, shape (n_folds, n_films, n_genres).

    Balanced: w+ = N / 2N+ and w- = N / 2N- per genre over the fold's N training films. Zero for held-out films and
    for genres that all or none of a fold's training films carry; the remaining genres are averaged.
    """
    if class_weight not in ("balanced", None):
        raise ValueError(f'class_weight {class_weight!r} is unknown; "balanced" or None')
    inside = members[:, :, None]
    total = members.sum(1)[:, None]
    positive = members.astype(float) @ labels
    learnt = (positive > 0) & (positive < total)
    if class_weight == "balanced":
        up = total / (2 * np.maximum(positive, 1))
        down = total / (2 * np.maximum(total - positive, 1))
    else:
        up = down = np.ones_like(positive)
    weights = np.where(labels[None], up[:, None], down[:, None]) * inside * learnt[:, None]
    return weights / np.maximum(learnt.sum(1), 1)[:, None, None]


def constants(labels: np.ndarray, members: np.ndarray) -> np.ndarray:
    """0 or 1 where none or all of a fold's training films carry a genre, NaN elsewhere; (n_folds, n_genres)."""
    share = members.astype(float) @ labels / np.maximum(members.sum(1), 1)[:, None]
    return np.where((share == 0) | (share == 1), share, np.nan)


def train(
    bags: Bags,
    labels: np.ndarray,
    members: np.ndarray,
    *,
    architecture: Mapping[str, Any],
    epochs: int,
    learning_rate: float,
    batch_size: int,
    class_weight: str | None = "balanced",
    standardize: bool = True,
    seed: int = 0,
    device: str = "auto",
    dtype: torch.dtype = torch.float32,
) -> Network:
    """One network per fold, trained together; in evaluation mode.

    `members` (n_folds, n_films) of bool are the training films of each fold; those without instances are passed over.
    `architecture` is `network.ARCHITECTURE` by name; other settings are those of `BagClassifier`. `device` "auto" takes
    CUDA when there is one; `dtype` is float64 to check equalities.
    """
    members = members & (bags.sizes > 0)
    if not members.any(1).all():
        raise ValueError("a fold has no training film with instances")
    network = Network(
        folds=len(members),
        inputs=bags.instances.shape[1],
        genres=labels.shape[1],
        seed=seed,
        **architecture,
    )
    if standardize:
        # all folds read one matrix, centred once; what is left of a fold's own scaling goes into its first layer
        network.centre, network.spread = (a[0] for a in moments(bags, np.ones((1, len(bags)), dtype=bool)))
        mean, scale = moments(bags, members)
        network.mean[:, 0] = torch.as_tensor((mean - network.centre) / network.spread)
        network.scale[:, 0] = torch.as_tensor(scale / network.spread)
    network.constant[:, 0] = torch.as_tensor(constants(labels, members))
    fastest = "cuda" if torch.cuda.is_available() else "cpu"
    network.to(fastest if device == "auto" else device, dtype)
    with one_thread():
        _descend(network, bags, labels, members, epochs, learning_rate, batch_size, class_weight, seed)
    return network.eval()


def _descend(network, bags, labels, members, epochs, learning_rate, batch_size, class_weight, seed) -> None:
    """Adam over shared batches of films."""
    weight = network.dense1.weight
    place = {"dtype": weight.dtype, "device": weight.device}
    x, missing = prepare(network, bags)
    weights = torch.as_tensor(loss_weights(labels, members, class_weight), **place)
    target = torch.as_tensor(labels, device=weight.device)
    films = np.flatnonzero(bags.sizes > 0)
    # Rows and films are filled up so that (rows, genres) of a fold is a whole number of vector registers: a fold is
    # then rounded alike in every stack, and its weights are the same to the last bit.
    whole = _LANES // np.gcd(_LANES, labels.shape[1])
    parameters, flat = _flatten(network)
    gradient, first, second = (torch.zeros_like(flat) for _ in range(3))
    # Adam takes one row per fold, because each fold counts its own steps
    steps = flat.new_zeros(len(flat), dtype=torch.float32)
    folds = list(zip(flat, gradient, first, second, steps, strict=True))
    spare = flat[:, sum(p[0].numel() for p in parameters) :].clone()
    rng = np.random.default_rng(seed)
    network.train()
    network.noise = torch.Generator(weight.device).manual_seed(seed)
    for _ in range(epochs):
        order = rng.permutation(films)
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            row = bags.rows(batch)
            fill = -len(row) % whole
            inside = members[:, batch]
            member = None
            if network.batch_norm:
                member = np.pad(np.repeat(inside, bags.sizes[batch], axis=1), ((0, 0), (0, fill)))
                member = torch.as_tensor(member, **place)[..., None]
            share = inside / np.maximum(inside.sum(1), 1)[:, None]
            extra = -len(batch) % whole
            batch, share = np.pad(batch, (0, extra)), np.pad(share, ((0, 0), (0, extra)))
            lengths = bags.sizes[batch]
            lengths[len(lengths) - extra :] = 0
            row, at, lengths = (
                torch.as_tensor(a, device=weight.device) for a in (np.pad(row, (0, fill)), batch, lengths)
            )
            lengths = lengths.expand(len(members), -1).contiguous()
            p = network(x[row].expand(len(members), -1, -1), lengths, missing, member)
            likelihood = torch.log(torch.where(target[at], p, 1 - p))
            loss = -(weights[:, at] * torch.as_tensor(share, **place)[..., None] * likelihood).sum()
            gradients = torch.autograd.grad(loss, parameters)
            torch.cat([*(g.flatten(1) for g in gradients), spare], 1, out=gradient)
            _step([fold for fold, moved in zip(folds, inside.any(1), strict=True) if moved], learning_rate)
    network.noise = None


def _flatten(network: Network) -> tuple[list[torch.nn.Parameter], Tensor]:
    """Parameters as views of one matrix (folds, P), so that an optimiser's step is a few operations.

    Its width is a whole number of vector registers, as in `_descend`.
    """
    parameters = list(network.parameters())
    used = sum(p[0].numel() for p in parameters)
    flat = parameters[0].new_zeros(network.folds, -(-used // _LANES) * _LANES)
    start = 0
    for p in parameters:
        stop = start + p[0].numel()
        flat[:, start:stop] = p.detach().flatten(1)
        p.data = flat[:, start:stop].view(p.shape)
        start = stop
    return parameters, flat


@torch.no_grad()
def _step(folds: list[tuple[Tensor, ...]], learning_rate: float) -> None:
    """One step of Adam for some folds: their weights, gradients, two moments and counts of steps."""
    if not folds:
        return
    weights, gradients, first, second, steps = map(list, zip(*folds, strict=True))
    adam(
        *(weights, gradients, first, second, [], steps),
        **{"foreach": False, "fused": True, "amsgrad": False, "maximize": False, "weight_decay": 0.0},
        **{"lr": learning_rate, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    )
