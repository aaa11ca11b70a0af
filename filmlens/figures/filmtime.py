"""Figure of notebook 05: music coverage and genre probability along the films' own time."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from filmlens.findings.timeline import ALL, COVERAGE, WITH, WITHOUT
from filmlens.look import genre_colors, use_style

use_style()

_LEAST = 3
_MUSIC, _OTHERS = "#0072B2", "#8C8C8C"


def plot_film_time(data: pd.DataFrame) -> Figure:
    """Coverage above, one panel per genre below: films with it in its colour, films without it grey.

    `data` is from :func:`~filmlens.findings.along_film_time`; parts of which fewer than three films have a value stay
    open.
    """
    genres = [q for q in dict.fromkeys(data["quantity"]) if q != COVERAGE]
    columns = min(3, max(1, len(genres)))
    rows = -(-len(genres) // columns)
    figure = plt.figure(figsize=(10, 3.0 + 2.2 * rows))
    grid = figure.add_gridspec(1 + rows, columns)
    top = figure.add_subplot(grid[0, :])
    coverage = data[data["quantity"] == COVERAGE]
    _draw(top, coverage, _MUSIC, ALL)
    top.set(title=f"Music of the soundtrack ({_films(coverage)} films)", ylabel="share of the time")
    top.yaxis.set_major_formatter(PercentFormatter(1))
    colors, first = genre_colors(genres), None
    for i, genre in enumerate(genres):
        first = ax = figure.add_subplot(grid[1 + i // columns, i % columns], sharey=first)
        for which, color in ((WITHOUT, _OTHERS), (WITH, colors[genre])):
            _draw(ax, data[(data["quantity"] == genre) & (data["films"] == which)], color, which)
        count = _films(data[(data["quantity"] == genre) & (data["films"] == WITH)])
        ax.set(title=f"{genre} ({count} {'film' if count == 1 else 'films'})", ylim=(0, 1))
        if i % columns == 0:
            ax.set_ylabel("probability of the genre")
        ax.tick_params(labelleft=i % columns == 0)
    plt.setp(figure.axes, xlim=(0, 1))
    plt.setp(figure.axes[-columns:], xlabel="place in the film (0 first second, 1 last)")
    handles, names = figure.axes[-1].get_legend_handles_labels()
    names = ["in their colour: films with the genre" if n == WITH else n for n in names]
    labels = [f"{n}, 95 % bootstrap over films" for n in names[::-1]]
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.legend(handles[::-1], labels, loc="lower center", ncols=2)
    return figure


def _draw(ax, part: pd.DataFrame, color: str, label: str) -> None:
    """Steps, because a value stands for a whole part of the film; the band of a missing interval stays open."""
    part = part.assign(**part[["value", "low", "high"]].where(part["n"] >= _LEAST))
    edges = np.append(part["begin"].to_numpy(), part["end"].to_numpy()[-1:])
    ax.stairs(part["value"], edges, color=color, lw=1.8, label=label, baseline=None)
    band = part.dropna(subset=["low", "high"])
    height, width = band["high"] - band["low"], band["end"] - band["begin"]
    style = {"align": "edge", "color": color, "alpha": 0.2, "lw": 0, "aa": False}
    ax.bar(band["begin"], height, width, band["low"], **style)


def _films(part: pd.DataFrame) -> int:
    return int(part["n"].max()) if len(part) else 0
