"""Pictures of the corpus (notebook 00): how the films divide and overlap by genre."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from filmlens import look
from filmlens.figures.parts import name_rows


def plot_genres(labels: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Films per genre, of films x genres, split into those with this genre only and those with others beside it."""
    ax = ax or plt.subplots(figsize=(8, 3.2), layout="constrained")[1]
    genres = list(labels.columns)
    alone = labels[labels.sum(axis=1) == 1].sum().reindex(genres)
    several = labels.sum().reindex(genres) - alone
    colors = [look.genre_colors(genres)[g] for g in genres]
    ax.bar(genres, alone, color=colors, label="this genre only")
    ax.bar(genres, several, bottom=alone, color=colors, alpha=0.45, label="with other genres")
    for i, total in enumerate(alone + several):
        ax.annotate(f"{total:.0f}", (i, total), ha="center", va="bottom", xytext=(0, 2), textcoords="offset points")
    ax.set(ylabel="films", title="Films by genre: solid, this genre only; pale, with others")
    ax.grid(axis="x", visible=False)
    ax.margins(y=0.12)
    return ax


def plot_overlap(labels: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """How many films carry each pair of genres, of films x genres; the diagonal counts the genre's films."""
    ax = ax or plt.subplots(figsize=(5, 4.2), layout="constrained")[1]
    genres, counts = list(labels.columns), labels.astype(int).T @ labels.astype(int)
    grid = counts.to_numpy()
    ax.imshow(grid, cmap="Greys", vmin=0, vmax=max(1, grid.max()) * 1.4)
    for (i, j), count in np.ndenumerate(grid):
        ax.text(j, i, count, ha="center", va="center", color="black" if count < grid.max() * 0.8 else "white")
    ax.set_xticks(range(len(genres)), genres, rotation=30, ha="right")
    name_rows(ax, genres, edge=0.5)
    ax.grid(visible=False)
    ax.set_title("Films that carry both genres")
    return ax
