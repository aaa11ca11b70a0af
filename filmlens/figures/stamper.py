"""Figures of the Score Stamper (paper: Fig 1; notebook 01): windows and cues, timelines, coverage, accuracy."""

import re
import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from filmlens import text
from filmlens.figures.parts import bars, name_rows
from filmlens.look import TRACK_COLORS, track_colors

_QUIET, _SILENCE = "#8C8C8C", "#D55E00"
_WINDOW_S = 5.0


def plot_windows(
    windows: pd.DataFrame,
    cues: pd.DataFrame,
    *,
    start: float,
    end: float,
    annotations: pd.DataFrame | None = None,
    sound: np.ndarray | None = None,
) -> Figure:
    """Fig 1 at a real moment: the film's sound, what each window predicts, the cues that follow, the annotation.

    `windows` are those of `CueSheet.windows`; `cues` and `annotations` have track, start, end. `start` and `end` are
    the moment shown, seconds on the film's clock; `sound` is the film's from there on, mono at 11,025 Hz.
    """
    shown = windows[(windows["time"] + _WINDOW_S > start) & (windows["time"] < end)]
    parts = [("cues", cues)] + ([("annotation", annotations)] if annotations is not None else [])
    inside = [(name, t[(t["start"] < end) & (t["end"] > start)]) for name, t in parts]
    colors = track_colors([*inside[-1][1]["track"], *inside[0][1]["track"], *shown.loc[shown["counted"], "track"]])

    heights = [1.0] * (sound is not None) + [1.0] + [0.45] * len(inside)
    size = (10, 0.8 * sum(heights) + 0.9)
    fig, axes = plt.subplots(len(heights), 1, figsize=size, sharex=True, height_ratios=heights)
    panels = iter(axes)
    if sound is not None:
        _envelope(next(panels), sound, start)
    _window_boxes(next(panels), shown, colors)
    for name, table in inside:
        ax = next(panels)
        bars(ax, 0, table, height=0.8, color=table["track"].map(colors), edgecolor="white")
        ax.set_ylim(-0.5, 0.5)
        _label_row(ax, name)
    axes[-1].set_xlim(start, end)
    _film_axis(axes[-1], steps=[1, 2, 5, 10])
    handles = [plt.Rectangle((0, 0), 1, 1, color=c) for c in colors.values()]
    handles.append(plt.Rectangle((0, 0), 1, 1, facecolor="white", edgecolor=_QUIET, hatch="////"))
    names = [*map(text.figure, colors), "prediction that does not count"]
    axes[0].set_title("From window predictions to cues")
    fig.legend(handles, names, loc="upper left", bbox_to_anchor=(0.1, 0.0), ncols=3)
    inch = 1 / fig.get_figheight()
    fig.subplots_adjust(left=0.11, right=0.98, hspace=0.12, top=1 - 0.3 * inch, bottom=0.5 * inch)
    return fig


def plot_timeline(
    cues: pd.DataFrame,
    duration: float,
    annotations: pd.DataFrame | None = None,
    *,
    soundtrack: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Cues of a film of `duration` seconds along its time, one row per track, annotated cues as outlines.

    Both tables have track, start, end [s]. `soundtrack` names all tracks, so that each has its colour of the audition.
    """
    both = pd.concat([cues, annotations])
    tracks = list(both.sort_values(["start", "track"])["track"].unique())
    if ax is None:
        _, ax = plt.subplots(figsize=(10, 0.28 * max(2, len(tracks)) + 1.1))
    row = {track: i for i, track in enumerate(tracks)}
    colors = track_colors([*soundtrack, *tracks])
    bars(ax, cues["track"].map(row), cues, height=0.55, color=cues["track"].map(colors))
    if annotations is not None:
        bars(ax, annotations["track"].map(row), annotations, height=0.85, fc="none", ec="#222222", lw=0.9)
        handles = [plt.Rectangle((0, 0), 1, 1, facecolor=TRACK_COLORS[0]), plt.Rectangle((0, 0), 1, 1, fill=False)]
        ax.legend(handles, ["cue found", "cue annotated"], loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    name_rows(ax, [text.figure(t) for t in tracks])
    ax.set(xlim=(0, duration), title="Cues")
    _film_axis(ax)
    return ax


def plot_timelines(
    cues: pd.DataFrame, placement: pd.DataFrame, annotations: Mapping[str, pd.DataFrame] | None = None
) -> Figure:
    """Cues of all films, a row each, the darker the more evidence per second; annotated cues as outlines.

    `cues` has film_id, start, end [s] and score (missing of cues that no engine found); `placement` is from
    :func:`~filmlens.findings.placement.placement`, in the order to show, with a column `title`, for the longest stretch
    without music and the share with music. `annotations` has start and end by film_id.
    """
    row = {film_id: i for i, film_id in enumerate(placement["film_id"])}
    longest = placement["seconds"].max() if len(placement) else 1.0
    fig, ax = plt.subplots(figsize=(10, 0.24 * max(3, len(row)) + 1.2))
    for y, film in enumerate(placement.itertuples(index=False)):
        ax.barh(y, film.seconds, height=0.62, color="#F0F0F0")
        if film.silence > 0:
            ax.plot([film.silence_start, film.silence_start + film.silence], [y, y], color=_SILENCE, lw=1.6)
        ax.text(1.01, y, f"{film.covered:.0%}", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
    rate = (cues["score"] / (cues["end"] - cues["start"])).to_numpy(float)
    top = np.nanmax(rate) if np.isfinite(rate).any() else 1.0
    depth = np.where(np.isfinite(rate), 0.25 + 0.75 * rate / max(top, 1e-9), 1.0)
    for cue, alpha in zip(cues.itertuples(index=False), depth, strict=True):
        style = {"left": cue.start, "height": 0.62, "color": TRACK_COLORS[0], "alpha": float(np.clip(alpha, 0, 1))}
        ax.barh(row[cue.film_id], cue.end - cue.start, **style)
    for film_id, table in (annotations or {}).items():
        bars(ax, row[film_id], table, height=0.84, fc="none", ec="#222222", lw=0.8)
    name_rows(ax, [text.figure(name, 36) for name in placement["title"]])
    ax.set(xlim=(0, longest), title="Cues of every film")
    ax.grid(axis="y", visible=False)
    _film_axis(ax, more="; right: share of the film with music")
    handles = [plt.Rectangle((0, 0), 1, 1, facecolor=TRACK_COLORS[0]), plt.Line2D([], [], color=_SILENCE, lw=1.6)]
    handles += [plt.Rectangle((0, 0), 1, 1, fill=False)] if annotations else []
    labels = ["cue found", "longest stretch without music", "cue annotated"][: len(handles)]
    ax.legend(handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return fig


def plot_recall(table: pd.DataFrame) -> Figure:
    """Recall by place in the film (:func:`~filmlens.findings.placement.recall_by_place`), with its intervals."""
    fig, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
    width = table["end"] - table["begin"]
    ax.bar(table["begin"], table["recall"], width, align="edge", color=TRACK_COLORS[0], edgecolor="white")
    middle = (table["begin"] + table["end"]) / 2
    ax.vlines(middle, table["low"], table["high"], color="#222222", lw=1.4)
    for x, row in zip(middle, table.itertuples(index=False), strict=True):
        style = {"ha": "center", "fontsize": 8, "color": "white" if row.recall > 0.15 else "black"}
        ax.annotate(f"{row.seconds:.0f} s", (x, 0), (0, 3), textcoords="offset points", **style)
    ax.set(ylim=(0, 1), xlim=(0, 1), ylabel="recall", title="How much of the annotated music was found, and where")
    ax.set_xlabel("place in the film (0 first second, 1 last); in the bars: annotated music")
    ax.grid(axis="x", visible=False)
    return fig


def plot_album_order(use: pd.DataFrame) -> Figure:
    """Every used track by its place on the album and in its film (:func:`~filmlens.findings.placement.track_use`)."""
    last = use.groupby("film_id")[["album", "film"]].transform("max")
    heard = use["film"].notna()
    fig, ax = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
    ax.plot([0, 1], [0, 1], color=_QUIET, lw=1, ls=":", label="album order kept")
    place = (use["album"] / last["album"])[heard], (use["film"] / last["film"])[heard]
    size = 18 * use.loc[heard, "uses"]
    ax.scatter(*place, s=size, color=TRACK_COLORS[0], alpha=0.45, lw=0, label="a track, larger: used again")
    ax.set(xlim=(0, 1.05), ylim=(0, 1.05), xlabel="place on the album (1 last)", ylabel="place in the film (1 last)")
    films = use.loc[heard, "film_id"].nunique()
    ax.set_title(f"Tracks in album order and in film order (n = {films} films)")
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=2)
    return fig


def plot_accuracy(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Precision and recall of each `engine` beside the paper's; whiskers are one SD over films, where `precision_sd`
    and `recall_sd` are known. A row whose engine begins with "paper" is drawn hollow: its films are others.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 0.75 * len(table) + 1.3))
    rows = ((-0.15, "precision", TRACK_COLORS[0], "o", 7), (0.15, "recall", TRACK_COLORS[1], "s", -15))
    for offset, measure, color, marker, above in rows:
        sd = table.get(f"{measure}_sd", pd.Series(np.nan, index=table.index))
        for y, (engine, value, spread) in enumerate(zip(table["engine"], table[measure], sd, strict=True)):
            face = "white" if str(engine).startswith("paper") else color
            style = {"fmt": marker, "ms": 8, "color": color, "capsize": 3, "markerfacecolor": face}
            error = None if pd.isna(spread) else spread
            ax.errorbar(value, y + offset, xerr=error, label=measure if y == len(table) - 1 else None, **style)
            style = {"textcoords": "offset points", "ha": "center", "fontsize": 9}
            ax.annotate(f"{value:.2f}", (value, y + offset), (0, above), **style)
    name_rows(ax, table["engine"])
    ax.set(xlim=(0, 1.03), title="Accuracy of the stamping")
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("share of seconds (precision of the predicted, recall of the annotated)")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return ax


def _window_boxes(ax: Axes, windows: pd.DataFrame, colors: dict[str, str]) -> None:
    """Windows as boxes; overlapping ones take turns in as many rows as they need not to overlap."""
    times = windows["time"].to_numpy()
    rows = max(1, round(_WINDOW_S / np.min(np.diff(times)))) if len(times) > 1 else 1
    for window in windows.itertuples(index=False):
        y = round(window.time / _WINDOW_S * rows) % rows
        style = {"facecolor": "white", "edgecolor": "#C8C8C8"}
        if window.counted:
            style = {"facecolor": colors[window.track], "edgecolor": "white"}
        elif isinstance(window.track, str):
            style = {"facecolor": "white", "edgecolor": colors.get(window.track, _QUIET), "hatch": "////"}
        ax.add_patch(plt.Rectangle((window.time + 0.1, y + 0.08), _WINDOW_S - 0.2, 0.84, linewidth=1, **style))
        if rows == 1 and len(times) <= 16 and isinstance(window.track, str):
            name = textwrap.fill(re.sub(r"[_\W]+", " ", window.track), 10, max_lines=4, placeholder="…")
            ink = "white" if window.counted and _dark(colors[window.track]) else "#222222"
            box = None if window.counted else {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            ax.text(window.time + 2.5, 0.5, name, ha="center", va="center", fontsize=7, color=ink, bbox=box)
    ax.set_ylim(rows, 0)
    _label_row(ax, "windows", y=rows / 2)


def _envelope(ax: Axes, sound: np.ndarray, start: float) -> None:
    rate, hop = 11_025, 220
    chunks = sound[: len(sound) // hop * hop].reshape(-1, hop)
    time = start + (np.arange(len(chunks)) + 0.5) * hop / rate
    ax.fill_between(time, chunks.min(axis=1), chunks.max(axis=1), color="#4D4D4D", linewidth=0)
    _label_row(ax, "film", y=0)


def _label_row(ax: Axes, name: str, y: float = 0) -> None:
    ax.set_yticks([y], [name])
    ax.tick_params(length=0)
    ax.grid(axis="y", visible=False)
    ax.spines[["left", "bottom"]].set_visible(False)


def _dark(color: str) -> bool:
    return float(np.dot(to_rgb(color), (0.30, 0.59, 0.11))) < 0.5


def _film_axis(ax: Axes, *, steps: Sequence[float] = (1, 1.5, 3, 6, 10), more: str = "") -> None:
    ax.xaxis.set_major_locator(MaxNLocator(steps=steps, nbins=10))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{round(s) // 60}:{round(s) % 60:02d}"))
    ax.set_xlabel(f"time in the film [min:s]{more}")
