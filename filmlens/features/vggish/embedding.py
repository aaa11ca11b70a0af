"""The embedding of examples by a file of weights, as a function that a stage calls for cue after cue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.features.vggish import weights
from filmlens.features.vggish.frontend import RATE
from filmlens.features.vggish.network import embed_examples, postprocess
from filmlens.features.vggish.rows import cue_frames


def embedder(
    path: str | Path, *, relu: bool = False, pca: bool = False
) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """A function of examples (n, 96, 64) that gives embeddings (n, 128), and the origin of its weights in words.

    A process reads a file once, as long as it stays the same. WeightsError when the weights or the PCA cannot be read.
    """
    path = Path(path)
    stat = path.stat()
    net, origin = _network(path, stat.st_size, stat.st_mtime_ns, relu)
    rotation = weights.pca() if pca else None

    def embed(examples: np.ndarray) -> np.ndarray:
        values = embed_examples(net, examples)
        return postprocess(values, *rotation) if rotation else values

    return embed, origin


def rows(sounds: Iterable[np.ndarray], *, relu: bool, pca: bool) -> tuple[list[pd.DataFrame], dict[str, str]]:
    """The rows of all cues of a film, for the stage ``vggish``; notes: the file of weights and their origin.

    Raises WeightsError when there are no weights, or no parameters of the PCA.
    """
    path = weights.need()
    embed, origin = embedder(path, relu=relu, pca=pca)
    return cue_frames(list(sounds), RATE, embed), {"weights": path.name, "origin": origin}


@lru_cache(maxsize=1)
def _network(path: Path, size: int, mtime: int, relu: bool):
    net = weights.load(path, relu=relu)
    return net, weights.origin(path, net)
