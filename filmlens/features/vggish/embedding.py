"""The embedding of examples by a file of weights, as a function that a stage calls for cue after cue."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from filmlens.features.vggish import weights
from filmlens.features.vggish.network import embed_examples, postprocess


def embedder(
    path: str | Path, *, relu: bool = False, pca: bool = False, device: str = "auto"
) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """A function of examples (n, 96, 64) that gives embeddings (n, 128), and the origin of its weights in words.

    A process reads a file once, as long as it stays the same.

    Raises
    ------
    WeightsError
        When the weights or the PCA cannot be read.
    """
    path = Path(path)
    stat = path.stat()
    net, origin = _network(path, stat.st_size, stat.st_mtime_ns, relu)
    rotation = weights.pca() if pca else None

    def embed(examples: np.ndarray) -> np.ndarray:
        values = embed_examples(net, examples, device=device)
        return postprocess(values, *rotation) if rotation else values

    return embed, origin


@lru_cache(maxsize=1)
def _network(path: Path, size: int, mtime: int, relu: bool):
    net = weights.load(path, relu=relu)
    return net, weights.origin(path, net)
