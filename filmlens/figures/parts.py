"""Parts that all figures share: the house style, rows by name, bars of cues, broken lines, a film's time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from filmlens.look import use_style

use_style()

_GAP_S = 1.5  # rows come once a second
_TICKS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


def name_rows(ax: Axes, names: Sequence[str], *, edge: float = 0.6) -> None:
    """A row of the y axis for each name, the first on top."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 1 + edge, -edge)


def bars(ax: Axes, y, cues: pd.DataFrame, **style) -> None:
    """Cues as bars from start to end [s], at `y`."""
    ax.barh(y, cues["end"] - cues["start"], left=cues["start"], **style)


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
