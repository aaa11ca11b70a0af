"""Parts that several figures share: lines that break where nothing was measured."""

from __future__ import annotations

import numpy as np

_GAP_S = 1.5  # rows come once a second


def broken(times: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Times in s and values along them with NaN put in where rows are missing, so that a drawn line breaks there.

    >>> broken(np.array([0.0, 1, 5]), np.array([7.0, 8, 9]))[1].tolist()
    [7.0, 8.0, nan, 9.0]
    """
    gaps = np.flatnonzero(np.diff(times) > _GAP_S) + 1
    return tuple(np.insert(np.asarray(a, float), gaps, np.nan) for a in (times, *values))
