"""Figures of notebooks 04, 05 and 07: importance (Fig 3), pictures (Table 5), profiles, timelines, claims.

Each takes a table of :mod:`filmlens.findings`, computes nothing, saves nothing and returns a Figure.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from filmlens import names
from filmlens.figures.parts import broken, film_time, name_rows
from filmlens.look import genre_colors
from filmlens.stats.enough import LEAST

_INK, _SOFT, _FILMS = "#222222", "#777777", "#0072B2"
_VERDICTS = {"holds": ("o", "#0072B2"), "undecided": ("D", "#999999"), "contradicted": ("X", "#D55E00")}


def plot_importance(data: pd.DataFrame) -> Figure:
    """Fig 3: what is lost per genre and feature group, with its three intervals (named in the legend).

    `data` holds rows of one measure from :func:`~filmlens.findings.group_importance`.
    """
    films = dict(zip(data["genre"], data["films"], strict=True))
    few = set(data.loc[data["note"] != "", "genre"])
    genres = list(dict.fromkeys(data["genre"]))
    genres = ["Overall"] * ("Overall" in genres) + [g for g in genres if g != "Overall"]
    groups = list(dict.fromkeys(data["group"]))
    colors = genre_colors([g for g in genres if g != "Overall"]) | {"Overall": "#8C8C8C"}
    columns = min(4, len(genres) + 1)
    rows = -(-(len(genres) + 1) // columns)
    size = (10, rows * (0.27 * len(groups) + 0.7) + 0.5)
    figure, axes = plt.subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    panels = axes.ravel()
    for ax, genre in zip(panels, genres, strict=False):
        part = data[data["genre"] == genre]
        style = {"color": colors[genre], "alpha": 0.55, "errorbar": None}
        sns.barplot(part, y="group", x="importance", order=groups, ax=ax, **style)
        for y, row in enumerate(part.set_index("group").loc[groups].itertuples()):
            ax.plot([row.run_low, row.run_high], [y - 0.12] * 2, color=_INK, lw=0.9, marker="|", ms=5)
            ax.plot([row.mean_low, row.mean_high], [y - 0.12] * 2, color=_INK, lw=3.4, solid_capstyle="butt")
            ax.plot([row.film_low, row.film_high], [y + 0.22] * 2, color=_FILMS, lw=1.2, marker="d", ms=3)
        ax.axvline(0, color=_INK, lw=0.8)
        ax.set(title=f"{genre} (n = {films[genre]}{', too few' if genre in few else ''})", xlabel="", ylabel="")
        ax.grid(axis="y", visible=False)
    # a drop below a hundredth is nothing to look at closely
    low, high = panels[0].get_xlim()
    panels[0].set_xlim(min(low, -0.01), max(high, 0.01))
    for ax in panels[len(genres) :]:
        ax.set_axis_off()
    for ax in panels[max(0, len(genres) - columns) : len(genres)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel(f"drop of {data['measure'].iloc[0]}")
    handles = [
        Patch(color="#8C8C8C", alpha=0.55, label="mean drop over runs"),
        Line2D([], [], color=_INK, lw=3.4, label="95 % CI of that mean"),
        Line2D([], [], color=_INK, lw=0.9, marker="|", label="2.5–97.5 % of the runs"),
        Line2D([], [], color=_FILMS, lw=1.2, marker="d", ms=3, label="95 % bootstrap over films"),
    ]
    panels[-1].legend(handles=handles, loc="center", title="permuted feature group", handlelength=2.4)
    figure.tight_layout()
    return figure


def plot_medians(data: pd.DataFrame, *, unit: str = "films") -> Figure:
    """Table 5 as a picture: medians from Actual to Predicted to False positives, and what the labels alone expect.

    `data` is from :func:`~filmlens.findings.cross_modal`, of which the `unit` "films" or "clips" is drawn.
    """
    data = data[data["unit"] == unit]
    sources, genres, measures = (list(dict.fromkeys(data[c])) for c in ("source", "genre", "measure"))
    short = {"False positives": "False\npositives", "False positives vs true negatives": "… vs true\nnegatives"}
    colors = genre_colors(genres)
    size = (1.65 * len(genres) + 0.9, 2.3 * len(measures) + 0.8)
    figure, axes = plt.subplots(len(measures), len(genres), figsize=size, sharex=True, sharey="row", squeeze=False)
    for i, measure in enumerate(measures):
        for j, genre in enumerate(genres):
            ax = axes[i, j]
            part = data[(data["measure"] == measure) & (data["genre"] == genre)].set_index("source").loc[sources]
            x = np.arange(len(sources))
            ax.axhline(0, color=_INK, lw=0.8)
            bold, tested = part["significant"].to_numpy(bool), part["p"].notna()
            size, color = np.where(tested, 42, 12), np.where(bold, colors[genre], "white")
            ax.scatter(x, part["difference"], s=size, color=color, ec=colors[genre], zorder=3)
            ax.scatter(x, part["expected"], s=150, marker="_", color=_INK, zorder=4)
            for k, row in enumerate(part.itertuples()):
                # hollow and small: numbers only
                if np.isnan(row.difference) or np.isnan(row.p):
                    ax.annotate(f"n = {row.n_films}", (k, 0), ha="center", va="bottom", fontsize=7, color=_SOFT)
            ax.set_xticks(x, [short.get(s, s) for s in sources], rotation=90, fontsize=8)
            ax.set(xlim=(-0.5, len(sources) - 0.5), title=genre if i == 0 else "")
            ax.grid(axis="x", visible=False)
        axes[i, 0].set_ylabel(f"{measure}\ndifference of medians × 10")
    handles = [
        Line2D([], [], color=_SOFT, marker="o", lw=0, label="significant (Bonferroni)"),
        Line2D([], [], color=_SOFT, marker="o", mfc="white", lw=0, label="not shown to differ"),
        Line2D([], [], color=_SOFT, marker="o", mfc="white", ms=3, lw=0, label="n films: too few to test"),
        Line2D([], [], color=_INK, marker="_", ms=11, mew=1.5, lw=0, label="expected given the actual labels"),
    ]
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    figure.legend(handles=handles, loc="lower center", ncols=4, title=None)
    return figure


def plot_planted(data: pd.DataFrame, *, ax: plt.Axes | None = None) -> Figure:
    """What was planted against what permutation found: genre, group, importance, film_low and planted (bool)."""
    ax = ax or plt.subplots(figsize=(8, 3.6))[1]
    found, low, planted = (_grid(data, "genre", "group", c) for c in ("importance", "film_low", "planted"))
    limit = max(float(np.nanmax(np.abs(found.to_numpy(float)))), 1e-6)
    bar = {"label": "drop of AP above chance"}
    sns.heatmap(found.astype(float), cmap="PuOr_r", vmin=-limit, vmax=limit, linewidths=1, cbar_kws=bar, ax=ax)
    for i, j in np.argwhere(planted.to_numpy(bool)):
        ax.add_patch(Rectangle((j + 0.06, i + 0.06), 0.88, 0.88, fill=False, ec=_INK, lw=2.2))
    for i, j in np.argwhere(low.to_numpy(float) > 0):
        ax.plot(j + 0.5, i + 0.5, "o", color="white", mec=_INK, ms=7)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(axis="x", rotation=30, length=0)
    ax.tick_params(axis="y", rotation=0, length=0)
    handles = [
        Patch(fc="none", ec=_INK, lw=2.2, label="planted"),
        Line2D([], [], marker="o", color="white", mec=_INK, ms=7, lw=0, label="found: bootstrap over films above 0"),
    ]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    ax.figure.tight_layout()
    return ax.figure


def plot_genre_timeline(
    data: pd.DataFrame,
    *,
    own: Sequence[str] = (),
    visual: pd.DataFrame | None = None,
    frames: Sequence[tuple[float, np.ndarray]] = (),
) -> Figure:
    """One film of :func:`~filmlens.findings.genre_timeline`: what each cue sounds like along it, over its pictures.

    `own` are the film's own genres; the others' cues of probability 0.5 or more are outlined. `visual` has time (s),
    brightness, contrast; `frames` are pictures, (h, w) or (h, w, 3) in [0, 1], placed in a strip at their times.
    """
    genres = list(dict.fromkeys(data["genre"]))
    colors = genre_colors(genres)
    heights = [0.9] * bool(len(frames)) + [1.1] * (visual is not None) + [0.42 * len(genres) + 0.2]
    size = (10, sum(heights) + 1)
    figure, axes = plt.subplots(len(heights), 1, figsize=size, sharex=True, squeeze=False, height_ratios=heights)
    panels = list(axes[:, 0])
    end = max(float(data["end"].max()), float(visual["time"].max()) if visual is not None else 0)
    if len(frames):
        ax = panels.pop(0)
        width = end / len(frames)
        for time, image in frames:
            left = min(max(time - width / 2, 0), end - width)
            ax.imshow(image, extent=(left, left + width, 0, 1), aspect="auto", cmap="gray", vmin=0, vmax=1)
        ax.set(ylim=(0, 1), yticks=[])
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
    if visual is not None:
        ax = panels.pop(0)
        visual = visual.sort_values("time")
        for measure, color, dash in (("brightness", "#B8860B", "-"), ("contrast", "#555555", "--")):
            times, values = broken(visual["time"], visual[measure])
            ax.plot(times, values, color=color, lw=1.2, ls=dash, label=measure)
        ax.set(ylim=(0, 1), ylabel="0–1")
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    ax = panels.pop(0)
    full = max(float(data["attention"].max()), 1e-12)
    for row in data.itertuples():
        y, height = genres.index(row.genre), 0.15 + 0.7 * row.attention / full
        foreign = len(own) and row.genre not in own and row.probability >= 0.5
        box = ((row.start, y - height / 2), row.end - row.start, height)
        ax.add_patch(Rectangle(*box, fc=colors[row.genre], ec="none", alpha=min(max(row.probability, 0), 1)))
        ax.add_patch(Rectangle(*box, fill=False, ec=_INK if foreign else "#CCCCCC", lw=1.6 if foreign else 0.5))
    ax.set_xlim(0, 1.004 * end)
    film_time(ax)
    name_rows(ax, genres)
    for tick in ax.get_yticklabels():
        tick.set_fontweight("bold" if tick.get_text() in own else "normal")
    ax.grid(axis="y", visible=False)
    handles = [
        Patch(fc=_SOFT, alpha=1, label="probability 1"),
        Patch(fc=_SOFT, alpha=0.25, label="probability .25"),
        Patch(fc="none", ec=_INK, lw=1.6, label="≥ .5, not the\nfilm's genre"),
        Line2D([], [], lw=0, label="height: attention"),
        Line2D([], [], lw=0, label="bold: film's genres"),
    ]
    ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1.4)
    figure.tight_layout()
    return figure


def plot_profile(data: pd.DataFrame, *, top: int = 30) -> Figure:
    """Signed heat map of Cliff's delta (:func:`~filmlens.findings.genre_profile`) of the `top` largest effects."""
    columns = {g: f"{g}\nn = {n}" for g, n in data.groupby("genre", sort=False)["n"].max().items()}
    tested = data.assign(effect=data["effect"].where(data["p"].notna()))
    effect = _grid(tested, "descriptor", "genre", "effect").astype(float)
    shown = effect.abs().max(axis=1).sort_values(ascending=False, kind="stable").index[:top]
    effect, marks = effect.loc[shown], _grid(data, "descriptor", "genre", "significant").loc[shown]
    figure, ax = plt.subplots(figsize=(7.2, 0.27 * len(shown) + 1.5))
    bar = {"label": "Cliff's delta: genre lower  ←  0  →  genre higher", "shrink": 0.6}
    drawn = effect.rename(names.reader_name).rename(columns=columns)
    sns.heatmap(drawn, cmap="PuOr_r", vmin=-1, vmax=1, linewidths=0.7, cbar_kws=bar, ax=ax, yticklabels=True)
    for i, j in np.argwhere(effect.isna().to_numpy()):
        ax.text(j + 0.5, i + 0.5, "few", ha="center", va="center", fontsize=7, color=_SOFT)
    for i, j in np.argwhere((effect.notna() & marks.astype(bool)).to_numpy()):
        ax.plot(j + 0.5, i + 0.5, "o", color="white", mec=_INK, ms=5)
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    mark = Line2D([], [], marker="o", color="white", mec=_INK, ms=5, lw=0)
    note = f"significant, {data['correction'].iloc[0]}; few: under {LEAST} films on a side"
    ax.legend([mark], [note], loc="lower left", bbox_to_anchor=(0, 1), title=None)
    figure.tight_layout()
    return figure


def plot_claims(data: pd.DataFrame) -> Figure:
    """Which claims stand: intervals of :func:`~filmlens.findings.claims_table`, of scores above, of pictures below."""
    pictures = data["estimate is"].str.contains("medians").to_numpy(bool)
    parts = [(part, name) for part, name in ((data[~pictures], "score"), (data[pictures], "median × 10")) if len(part)]
    heights = [len(part) + 1 for part, _ in parts]
    size = (10, 0.36 * sum(heights) + 1.3)
    figure, axes = plt.subplots(len(parts), 1, figsize=size, height_ratios=heights, squeeze=False)
    for ax, (part, unit) in zip(axes[:, 0], parts, strict=True):
        starts = " and starts" if unit == "score" else ""  # pictures are conditional on the ensemble
        for y, row in enumerate(part.itertuples()):
            marker, color = _VERDICTS.get(row.verdict.split()[0].rstrip(":"), (None, _SOFT))
            if marker and pd.notna(row.estimate):
                ax.plot([row.low, row.high], [y, y], color=color, lw=2)
                ax.plot(row.estimate, y, marker, color=color, ms=8)
                text = f"{row.estimate:+.3f} [{row.low:+.3f}, {row.high:+.3f}]".replace("-", "−")
            else:
                text = row.verdict
            ax.text(1.01, y, text, va="center", fontsize=9, color=_SOFT, transform=ax.get_yaxis_transform())
        ax.axvline(0, color=_INK, lw=0.8)
        name_rows(ax, part["claim"], edge=0.5)
        ax.set_xlabel(f"difference ({unit}); interval over {_films(part)}{starts}")
    handles = [Line2D([], [], marker=m, color=c, lw=0, ms=8, label=w) for w, (m, c) in _VERDICTS.items()]
    note = "synthetic corpus" if data["verdict"].str.contains("synthetic").any() else None
    axes[0, 0].legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles), title=note)
    figure.tight_layout()
    return figure


def plot_robustness(claims: pd.DataFrame, headlines: pd.DataFrame) -> Figure:
    """Which claims stand when one choice at a time is made otherwise, under the headline numbers.

    `claims` is from :func:`~filmlens.findings.robustness_table`; `headlines` has condition, measure, films, value, low,
    high.
    """
    conditions, measures = list(dict.fromkeys(claims["condition"])), list(dict.fromkeys(headlines["measure"]))
    names = list(dict.fromkeys(claims["claim"]))
    heights = [1.3] * len(measures) + [0.3 * len(names)]
    figure, axes = plt.subplots(len(heights), 1, sharex=True, height_ratios=heights, layout="constrained")
    figure.set_size_inches(10, sum(heights) + 2.6)
    for ax, measure in zip(axes, measures, strict=False):
        rows = headlines[headlines["measure"] == measure]
        x = [conditions.index(c) for c in rows["condition"]]
        ax.vlines(x, rows["low"], rows["high"], color=_SOFT, lw=2)
        ax.plot(x, rows["value"], "o", color=_INK, ms=6)
        ax.axhline(rows["value"].iloc[0], color=_SOFT, lw=0.8, ls=":")
        ax.set_title(f"{measure} (95 % bootstrap over {_films(rows)}; dotted: {conditions[0]})", loc="left", fontsize=9)
    grid = axes[-1]
    for row in claims.itertuples():
        marker, color = _VERDICTS.get(row.verdict.split()[0].rstrip(":"), ("_", "#CCCCCC"))
        grid.plot(conditions.index(row.condition), names.index(row.claim), marker, color=color, ms=8)
    name_rows(grid, names, edge=0.5)
    grid.set_xticks(range(len(conditions)), conditions, rotation=40, ha="right")
    grid.set_xlim(-0.6, len(conditions) - 0.4)
    handles = [Line2D([], [], marker=m, color=c, lw=0, ms=8, label=w) for w, (m, c) in _VERDICTS.items()]
    handles.append(Line2D([], [], marker="_", color="#CCCCCC", lw=0, ms=8, label="not tested"))
    note = " (synthetic corpus)" if claims["verdict"].str.contains("synthetic").any() else ""
    # in the empty corner beside the headline numbers
    axes[0].legend(handles=handles, loc="upper right", bbox_to_anchor=(-0.12, 1), title=f"Claims of the paper{note}")
    return figure


def _films(rows: pd.DataFrame) -> str:
    """How many films the rows are about, in words."""
    known = rows["films"].dropna().astype(int)
    least, most = known.min(), known.max()
    return f"films (n = {least})" if least == most else f"films (n = {least} to {most})" if len(known) else "films"


def _grid(data: pd.DataFrame, rows: str, columns: str, value: str) -> pd.DataFrame:
    """One value of a long table as a grid, in the table's own order."""
    index, header = (list(dict.fromkeys(data[c])) for c in (rows, columns))
    cells = data.set_index([rows, columns])[value].reindex(pd.MultiIndex.from_product([index, header]))
    return pd.DataFrame(cells.to_numpy().reshape(len(index), len(header)), index=index, columns=header)
