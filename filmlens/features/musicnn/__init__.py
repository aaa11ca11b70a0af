"""Tags and learned embeddings of music by the network musicnn: what it hears, its network, its weights, its rows.

The network and its weights need torch, which is imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module

from filmlens.features.musicnn import weights
from filmlens.features.musicnn.frontend import RATE, patches
from filmlens.features.musicnn.labels import LABELS
from filmlens.features.musicnn.weights import load

_LATER = {"Musicnn": "network", "infer": "network", "infer_along": "network"}

__all__ = ["LABELS", "RATE", "Musicnn", "infer", "infer_along", "load", "patches", "weights"]


def __getattr__(name: str):
    if name in _LATER:
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
