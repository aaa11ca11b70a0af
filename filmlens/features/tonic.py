"""Chroma from the tonic: each cue's pitch classes rotated to its best key, so that C major and E major are alike.

Rotation aligns even noise: the key is chosen by the very chroma that is rotated, so that chroma without any key shows a
tonic and a fifth as well. `names.ON_NOISE` is what such chroma gives, and stands beside each column in the dictionary.
`keyfree` needs no key and has no such value.
"""

import numpy as np
import pandas as pd

from filmlens.features.mir.tonal import key_strengths

COLUMNS = tuple(f"tonic_{k:02d}" for k in range(12))
_CHROMA = [f"chroma_{k:02d}_mean" for k in range(12)]


def rotated(chroma: np.ndarray) -> np.ndarray:
    """Chroma (n, 12) from C as shares of 1 from the tonic of the best of 24 keys (Gomez 2006); NaN where it is flat."""
    total = chroma.sum(axis=1, keepdims=True)
    strengths = key_strengths(chroma)
    known = np.isfinite(strengths).all(axis=1) & (total[:, 0] > 0)
    tonic = np.where(known, np.where(known[:, None], strengths, 0).argmax(axis=1) % 12, 0)
    shares = np.take_along_axis(chroma, (np.arange(12) + tonic[:, None]) % 12, axis=1) / np.where(total > 0, total, 1)
    return np.where(known[:, None], shares, np.nan)


def rows(mir: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Chroma of rows of MIR features, rotated cue by cue: one key for each cue, that of its mean chroma; no notes.

    `mir` has cue and the means of the chroma; film_id, cue and time stay. NaN where there is no chroma.
    """
    means = mir.groupby("cue", sort=False)[_CHROMA].mean()
    found = pd.DataFrame(rotated(means.to_numpy(float)), index=means.index, columns=list(COLUMNS))
    table = found.loc[mir["cue"]].set_index(mir.index)
    return pd.concat([mir[[c for c in ("film_id", "cue", "time") if c in mir]], table], axis=1), {}
