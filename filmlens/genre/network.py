"""The network of Fig 2, as a stack of folds: dense, dense, dense, pooling, genres (after Kong et al. 2019).

One `Network` holds the weights of many folds side by side: every parameter has a leading dimension of folds, and
a forward pass is a handful of batched matrix products instead of one small product per fold. A single model is a
stack of one. Standardisation belongs to the fold and is folded into the first layer, so that all folds read the
same instances.

The paper names neither normalisation nor dropout: none is the default, both are options. Weights start uniform in
+-sqrt(6 / fan_in), biases at zero, the same numbers in every fold.
"""

import numpy as np
import torch
from torch import Tensor, nn

from filmlens.genre.pooling import (
    CLAMP,
    EMBEDDABLE,
    POOLINGS,
    attention_pool,
    segment_sum,
)
from filmlens.genre.rectified import RectifiedDense

#: Of a model's parameters those that shape its network.
ARCHITECTURE = ("hidden", "pooling", "space", "weighing", "dropout", "batch_norm")
_LARGEST = 15.0  # exponent of an attention: a film's sum stays a number, and above CLAMP


class Dense(nn.Module):
    """A dense layer per fold: (folds, N, inputs) -> (folds, N, outputs)."""

    def __init__(self, folds: int, inputs: int, outputs: int, generator: torch.Generator, bias: bool = True) -> None:
        super().__init__()
        weight = torch.rand(inputs, outputs, generator=generator, dtype=torch.float64)
        weight = (2 * weight - 1) * np.sqrt(6 / max(inputs, 1))
        self.weight = nn.Parameter(weight.expand(folds, inputs, outputs).clone())
        bias_ = torch.zeros(folds, 1, outputs, dtype=torch.float64)
        self.bias = nn.Parameter(bias_) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight) if self.bias is None else torch.baddbmm(self.bias, x, self.weight)


class BatchNorm(nn.Module):
    """Batch normalisation per fold, its statistics over the instances of that fold's training films only."""

    def __init__(self, folds: int, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(folds, 1, width, dtype=torch.float64))
        self.shift = nn.Parameter(torch.zeros(folds, 1, width, dtype=torch.float64))
        self.register_buffer("running_mean", torch.zeros(folds, 1, width, dtype=torch.float64))
        self.register_buffer("running_var", torch.ones(folds, 1, width, dtype=torch.float64))

    def forward(self, z: Tensor, member: Tensor | None) -> Tensor:
        """`member` (folds, N, 1) marks the instances to count; None: every one."""
        if not self.training:
            mean, var = self.running_mean, self.running_var
        else:
            weight = torch.ones_like(z[..., :1]) if member is None else member
            count = weight.sum(1, keepdim=True)
            some = count.clamp(min=1)
            mean = (z * weight).sum(1, keepdim=True) / some
            var = (weight * (z - mean).square()).sum(1, keepdim=True) / some
            with torch.no_grad():
                # a fold whose films are all held out of this batch learns nothing from it
                rate = 0.1 * (count > 0)
                unbiased = var * some / (some - 1).clamp(min=1)
                self.running_mean += rate * (mean - self.running_mean)
                self.running_var += rate * (unbiased - self.running_var)
        return (z - mean) * torch.rsqrt(var + 1e-5) * self.gain + self.shift


class Network(nn.Module):
    """A stack of `folds` networks with one architecture: D inputs, H hidden nodes, K genres.

    The other parameters are those of `BagClassifier`; `seed` is of the initial weights. `noise`, the generator of
    dropout, is set while training.
    """

    def __init__(
        self,
        *,
        folds: int,
        inputs: int,
        hidden: int,
        genres: int,
        pooling: str,
        space: str = "decision",
        weighing: str = "sigmoid",
        dropout: float = 0.0,
        batch_norm: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_architecture(pooling, space, weighing)
        generator = torch.Generator().manual_seed(seed)

        def dense(fan_in: int, fan_out: int, bias: bool = True) -> Dense:
            return Dense(folds, fan_in, fan_out, generator, bias)

        self.pooling, self.space, self.weighing = pooling, space, weighing
        self.dropout, self.batch_norm = dropout, batch_norm
        self.folds, self.inputs, self.hidden, self.genres = folds, inputs, hidden, genres
        # batch normalisation takes a layer's bias out again: its gradient would be rounding noise, which Adam magnifies
        self.dense1, self.dense2, self.dense3 = (dense(n, hidden, not batch_norm) for n in (inputs, hidden, hidden))
        if batch_norm:
            self.norm1, self.norm2, self.norm3 = (BatchNorm(folds, hidden) for _ in range(3))
        if pooling == "multi_attention":
            self.decision2, self.attention2 = dense(hidden, genres), dense(hidden, genres)
            self.decision3, self.attention3 = dense(hidden, genres), dense(hidden, genres)
            self.output = dense(2 * genres, genres)
        elif pooling == "feature_attention":
            self.feature, self.attention = dense(hidden, hidden), dense(hidden, hidden)
            self.output = dense(hidden, genres)
        else:
            self.output = dense(hidden, genres)
            if pooling == "single_attention":
                self.attention = dense(hidden, genres if space == "decision" else hidden)
        # features are read as (x - centre) / spread, the same for all folds, and standardised by each fold from there
        self.centre, self.spread = np.zeros(inputs), np.ones(inputs)
        for name, value in (("mean", 0.0), ("scale", 1.0)):
            self.register_buffer(name, torch.full((folds, 1, inputs), value, dtype=torch.float64))
        # a genre that all or none of a fold's training films carry is predicted constant, NaN elsewhere
        self.register_buffer("constant", torch.full((folds, 1, genres), torch.nan, dtype=torch.float64))
        self.noise: torch.Generator | None = None

    @property
    def architecture(self) -> dict:
        """What `Network` needs to be built again, but for the number of folds."""
        return {name: getattr(self, name) for name in ("inputs", "genres", *ARCHITECTURE)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything learnt, by name, one row per fold (`centre` and `spread`: one for all folds)."""
        learnt = {name: tensor.detach().cpu().numpy() for name, tensor in self.state_dict().items()}
        return learnt | {"centre": self.centre, "spread": self.spread}

    @classmethod
    def from_arrays(cls, architecture: dict, arrays: dict[str, np.ndarray]) -> "Network":
        """A stack from `architecture` and `arrays`, in evaluation mode, on the CPU."""
        tensors = {name: torch.tensor(value) for name, value in arrays.items() if name not in ("centre", "spread")}
        network = cls(folds=len(tensors["mean"]), **architecture).to(tensors["mean"].dtype)
        network.load_state_dict(tensors)
        network.centre, network.spread = np.asarray(arrays["centre"]), np.asarray(arrays["spread"])
        return network.eval()

    def select(self, folds: np.ndarray) -> "Network":
        """Some of the folds as a stack of their own."""
        arrays = {n: a if n in ("centre", "spread") else a[folds] for n, a in self.arrays().items()}
        return Network.from_arrays(self.architecture, arrays).to(self.dense1.weight.device)

    def first_layer(self, missing: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (folds, D + missing, H) and bias (folds, 1, H) of the first layer with standardisation folded in.

        The input they fit is [x with 0 for NaN, one indicator column per feature in `missing`]: standardised
        values are (x - mean) / scale and 0, the mean, where x is missing.
        """
        weight = self.dense1.weight / self.scale.transpose(1, 2)
        bias = torch.bmm(self.mean, weight)
        bias = -bias if self.dense1.bias is None else self.dense1.bias - bias
        if len(missing):
            weight = torch.cat([weight, (self.mean.transpose(1, 2) * weight)[:, missing]], 1)
        return weight, bias

    def embed(self, x: Tensor, missing: Tensor, member: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The second and third hidden layers, (folds, N, H) each, of `x` (folds, N, D + missing)."""
        h1 = self._hidden(x, *self.first_layer(missing), 1, member)
        h2 = self._hidden(h1, self.dense2.weight, self.dense2.bias, 2, member)
        return h2, self._hidden(h2, self.dense3.weight, self.dense3.bias, 3, member)

    def _hidden(self, x: Tensor, weight: Tensor, bias: Tensor | None, layer: int, member: Tensor | None) -> Tensor:
        if self.batch_norm:
            z = torch.bmm(x, weight) if bias is None else torch.baddbmm(bias, x, weight)
            h = torch.relu_(getattr(self, f"norm{layer}")(z, member))
        else:
            h = RectifiedDense.apply(bias, x, weight)
        if self.training and self.dropout:
            keep = torch.empty_like(h).bernoulli_(1 - self.dropout, generator=self.noise)
            h = h * keep / (1 - self.dropout)
        return h

    def pool(self, h2: Tensor, h3: Tensor, lengths: Tensor) -> Tensor:
        """Probabilities (folds, films, K) of films whose instances follow each other in `lengths` (folds, films)."""
        if self.pooling == "multi_attention":
            layers = (h2, self.decision2, self.attention2), (h3, self.decision3, self.attention3)
            halves = [
                attention_pool(_sigmoid(decide(h)), self._weights(attend(h)), lengths) for h, decide, attend in layers
            ]
            return _sigmoid(self.output(torch.cat(halves, 2)))
        if self.pooling == "feature_attention":
            z = attention_pool(self.feature(h3), self._weights(self.attention(h3)), lengths)
            return _sigmoid(self.output(torch.relu(z)))
        values = _sigmoid(self.output(h3)) if self.space == "decision" else h3
        if self.pooling == "single_attention":
            pooled = attention_pool(values, self._weights(self.attention(h3)), lengths)
        else:
            pooled = POOLINGS[self.pooling].pool(values, lengths)
        return pooled.clamp(CLAMP, 1 - CLAMP) if self.space == "decision" else _sigmoid(self.output(pooled))

    def _weights(self, z: Tensor) -> Tensor:
        """Attention from the attending layer's output; what all instances of a film share drops out in pooling."""
        return _sigmoid(z) if self.weighing == "sigmoid" else torch.exp(z.clamp(-_LARGEST, _LARGEST))

    def forward(self, x: Tensor, lengths: Tensor, missing: Tensor, member: Tensor | None = None) -> Tensor:
        """Probabilities of films, before constant genres are set; see `embed` and `pool`."""
        return self.pool(*self.embed(x, missing, member), lengths)

    def settle(self, probability: Tensor) -> Tensor:
        """Probabilities with the fold's constant genres put in."""
        return torch.where(torch.isnan(self.constant), probability, self.constant)

    def attention_of(self, h2: Tensor, h3: Tensor, lengths: Tensor) -> Tensor:
        """What each instance weighs for each genre, (folds, N, K): see `BagClassifier.attention`."""
        if self.pooling == "multi_attention":
            second, third = self._shares(self.attention2(h2), lengths), self._shares(self.attention3(h3), lengths)
            return (second + third) / 2
        if not hasattr(self, "attention"):
            return self.settle(self.pool(h2, h3, torch.ones(h3.shape[:2], dtype=torch.long, device=h3.device)))
        shares = self._shares(self.attention(h3), lengths)
        if self.pooling == "single_attention" and self.space == "decision":
            return shares
        importance = self.output.weight.abs()
        return torch.bmm(shares, importance / importance.sum(1, keepdim=True).clamp(min=CLAMP))

    def _shares(self, z: Tensor, lengths: Tensor) -> Tensor:
        """`_weights` as shares that sum to one over the instances of a film."""
        attention = self._weights(z)
        rows = torch.arange(attention.shape[1], device=attention.device).expand(len(lengths), -1).contiguous()
        # rows behind the last film are padding that the caller cuts off
        film = torch.searchsorted(lengths.cumsum(1), rows, right=True).clamp(max=lengths.shape[1] - 1)
        total = segment_sum(attention, lengths)
        return attention / total.gather(1, film[..., None].expand_as(attention)).clamp(min=CLAMP)


def _sigmoid(z: Tensor) -> Tensor:
    return torch.sigmoid(z).clamp(CLAMP, 1 - CLAMP)


def check_architecture(pooling: str, space: str, weighing: str = "sigmoid") -> None:
    """Raise ValueError for a pooling, a space or a weighing that does not exist."""
    if weighing not in ("sigmoid", "softmax"):
        raise ValueError(f'weighing {weighing!r} is unknown; "sigmoid" or "softmax"')
    if pooling not in POOLINGS:
        raise ValueError(f"pooling {pooling!r} is unknown; one of {', '.join(POOLINGS)}")
    if space not in ("decision", "embedding"):
        raise ValueError(f'space {space!r} is unknown; "decision" or "embedding"')
    if space == "embedding" and pooling not in EMBEDDABLE:
        raise ValueError(f'space="embedding" is defined for {", ".join(EMBEDDABLE)}, not for {pooling}')
