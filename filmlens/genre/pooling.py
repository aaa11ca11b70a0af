"""The poolings of Table 3: from the instances of a film to the film.

Instance i of a film B has, for genre k, the probability p_ik = sigmoid(W_k h_i + b_k) of the last hidden layer h_i.
Each function below pools ragged bags by operations on segments, without padding, for a whole stack of folds:
values are (folds, N, K), `lengths` (folds, films) are the numbers of consecutive rows that belong to each film, and
the result is (folds, films, K). Every film has at least one instance.

`space="embedding"` applies the first four to the H values of the last hidden layer, before the output layer.
"""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

#: Probabilities and attentions stay this far from 0 and 1.
CLAMP = 1e-7


def segment_sum(values: Tensor, lengths: Tensor) -> Tensor:
    """Sums over the rows of each film: (folds, N, K) -> (folds, films, K)."""
    return torch.segment_reduce(values, "sum", lengths=lengths, axis=1, unsafe=True)


def max_pool(values: Tensor, lengths: Tensor) -> Tensor:
    """max_i p_ik: the standard multiple-instance assumption."""
    return torch.segment_reduce(values, "max", lengths=lengths, axis=1, unsafe=True)


def average(values: Tensor, lengths: Tensor) -> Tensor:
    """mean_i p_ik."""
    return segment_sum(values, lengths) / lengths.clamp(min=1)[..., None]


def linear_softmax(values: Tensor, lengths: Tensor) -> Tensor:
    """sum_i p_ik^2 / sum_i p_ik (Wang, Li and Metze 2018)."""
    # the clamp only acts in embedding space, where rectified values may all be zero
    return segment_sum(values * values, lengths) / segment_sum(values, lengths).clamp(min=CLAMP)


def attention_pool(values: Tensor, attention: Tensor, lengths: Tensor) -> Tensor:
    """sum_i a_ik p_ik / sum_i a_ik (Kong et al. 2019), with a_i = sigmoid(V h_i + c)."""
    return segment_sum(attention * values, lengths) / segment_sum(attention, lengths).clamp(min=CLAMP)


class Pooling(NamedTuple):
    """A pooling of Table 3: its title, its formula in plain text and where it comes from.

    `pool` takes values and lengths, as above; None where `Network` makes weights of its own for it. `embeddable`
    poolings may also pool the embedding instead of the decisions.
    """

    title: str
    formula: str
    source: str
    pool: Callable[[Tensor, Tensor], Tensor] | None = None
    embeddable: bool = False


#: The six poolings by their code name, in the order of the paper's discussion.
POOLINGS: dict[str, Pooling] = {
    "max": Pooling("Max", "max_i p_ik", "standard MI assumption; Wang et al. 2018", max_pool, embeddable=True),
    "average": Pooling("Average", "(1/|B|) Σ_i p_ik", "Wang et al. 2018", average, embeddable=True),
    "linear_softmax": Pooling(
        "Linear softmax", "Σ_i p_ik² / Σ_i p_ik", "Wang et al. 2018", linear_softmax, embeddable=True
    ),
    "single_attention": Pooling(
        "Single attention",
        "Σ_i a_ik p_ik / Σ_i a_ik,  a_i = σ(V h_i + c)",
        "Kong et al. 2019; Ilse et al. 2018",
        embeddable=True,
    ),
    "multi_attention": Pooling(
        "Multi-attention", "σ(W_o [att(layer 2); att(layer 3)] + b_o),  att = single attention", "Kong et al. 2019"
    ),
    "feature_attention": Pooling(
        "Feature-level attention",
        "σ(W_o ReLU(z) + b_o),  z = Σ_i q_i u_i / Σ_i q_i,  u_i = U h_i + b,  q_i = σ(Q h_i + c)",
        "Kong et al. 2019; Gururani et al. 2019",
    ),
}

EMBEDDABLE = tuple(code for code, pooling in POOLINGS.items() if pooling.embeddable)


def table3() -> pd.DataFrame:
    """Table 3: title, formula, code name and source of the poolings.

    >>> table3()["code"].tolist()[:3]
    ['max', 'average', 'linear_softmax']
    """
    rows = [(p.title, p.formula, code, p.source) for code, p in POOLINGS.items()]
    return pd.DataFrame(rows, columns=["pooling", "formula", "code", "source"])
