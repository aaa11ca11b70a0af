"""Pitch content that no transposition changes: how the chroma's energy lies on the circle of fifths, whole tones ...

Absolute chroma makes a key the mark of a genre as soon as a few of its films share one. The magnitudes of the discrete
Fourier transform of the twelve pitch classes stay the same in every key (Quinn 2006, 2007; Amiot 2016; Yust 2016).
"""

import numpy as np
import pandas as pd

from filmlens.names import QUALITIES

COLUMNS = tuple(f"keyfree_{k}" for k in QUALITIES)
_CHROMA = [f"chroma_{k:02d}_mean" for k in range(12)]


def rows(mir: pd.DataFrame) -> tuple[pd.DataFrame, dict]:
    """Magnitudes F1 to F6 of the chroma of rows of MIR features over its sum F0, 0 to 1; no notes.

    `mir` has the means of the chroma; film_id, cue and time stay. NaN where there is no chroma.
    """
    magnitudes = np.abs(np.fft.rfft(mir[_CHROMA].to_numpy(float), axis=1))
    shares = magnitudes[:, 1:] / np.where(magnitudes[:, :1] > 0, magnitudes[:, :1], np.nan)
    table = pd.DataFrame(shares, columns=list(COLUMNS), index=mir.index)
    return pd.concat([mir[[c for c in ("film_id", "cue", "time") if c in mir]], table], axis=1), {}
