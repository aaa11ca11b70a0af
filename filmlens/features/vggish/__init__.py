"""VGGish embeddings of sound: what it hears, the network, its weights, and rows of features (Ma et al. 2021).

The network and its weights need torch, which is imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module

from filmlens.features.vggish import weights
from filmlens.features.vggish.frontend import RATE, examples
from filmlens.features.vggish.rows import COLUMNS, compared, cue_frames

_LATER = {"VGGish": "network", "embed_examples": "network", "postprocess": "network", "load": "weights"}

__all__ = [
    "COLUMNS",
    "RATE",
    "VGGish",
    "compared",
    "cue_frames",
    "embed_examples",
    "examples",
    "load",
    "postprocess",
    "weights",
]


def __getattr__(name: str):
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
