"""Parts that several figures share: lines that break where nothing was measured, and the axis of a film's time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

_GAP_S = 1.5  # rows come once a second
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def film_time(ax: Axes) -> None:
    """Name the x axis, in seconds of a film, by minutes and seconds; call it when the limits are set."""
    low, high = ax.get_xlim()
    step = next((s for s in _TICKS_S if (high - low) / s <= 12), _TICKS_S[-1])
    ax.xaxis.set_major_locator(MultipleLocator(step))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}"))
    ax.set_xlabel("time in the film [min:s]")


def broken(times: np.ndarray, *values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Times in s and values along them with NaN put in where rows are missing, so that a drawn line breaks there.

    >>> broken(np.array([0.0, 1, 5]), np.array([7.0, 8, 9]))[1].tolist()
    [7.0, 8.0, nan, 9.0]
    """
    gaps = np.flatnonzero(np.diff(times) > _GAP_S) + 1
    return tuple(np.insert(np.asarray(a, float), gaps, np.nan) for a in (times, *values))
