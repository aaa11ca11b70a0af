"""The stage ``vggish``: rows of all cues of a film by the file of weights that is found."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens.features.vggish import weights
from filmlens.features.vggish.frontend import RATE
from filmlens.features.vggish.network import embed_examples, postprocess
from filmlens.features.vggish.rows import cue_frames


def rows(sounds: Iterable[np.ndarray], *, relu: bool, pca: bool) -> tuple[list[pd.DataFrame], dict[str, str]]:
    """The rows of all cues of a film; notes: the file of weights and their origin in words.

    Raises WeightsError when the weights or the PCA are missing or cannot be read.
    """
    path = weights.need()
    stat = path.stat()
    net, origin = _network(path, stat.st_size, stat.st_mtime_ns, relu)
    rotation = weights.pca() if pca else None

    def embed(examples: np.ndarray) -> np.ndarray:
        values = embed_examples(net, examples)
        return postprocess(values, *rotation) if rotation else values

    return cue_frames(list(sounds), RATE, embed), {"weights": path.name, "origin": origin}


@lru_cache(maxsize=1)
def _network(path: Path, size: int, mtime: int, relu: bool):
    """A process reads a file once, as long as it stays the same."""
    net = weights.load(path, relu=relu)
    return net, weights.origin(path, net)
