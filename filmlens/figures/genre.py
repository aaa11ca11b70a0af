"""Figures of the genre models: Fig 2 (the network), Table 4 as dots, S2, S3, and the cues that carried a genre."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from filmlens.figures.parts import name_rows
from filmlens.genre.estimator import BagClassifier
from filmlens.genre.network import Network
from filmlens.genre.pooling import POOLINGS
from filmlens.look import TRACK_COLORS, genre_colors, genre_order
from filmlens.stats.metrics import METRICS

_METRIC_TITLES = {"precision": "Precision", "recall": "Recall", "f1": "F1", "map": "mAP"}
_INK, _SOFT = "#333333", "#8C8C8C"


def plot_model(model: BagClassifier | Network, *, genres: Sequence[str] = (), ax: Axes | None = None) -> Axes:
    """Fig 2, drawn from a fitted model: its layers with the shapes of their live weights.

    `genres` are names at the output; those the classifier learnt otherwise.
    """
    network = model if isinstance(model, Network) else model.network_
    names = list(genres) or list(getattr(model, "genres_", ())) or [f"genre {k}" for k in range(network.genres)]
    pooling = POOLINGS[network.pooling]
    ax = plt.subplots(figsize=(11.5, 4.6))[1] if ax is None else ax
    ax.set_axis_off()
    ax.set(xlim=(-1, 126), ylim=(-2, 48))
    blue, orange, green, grey = "#0072B2", "#D55E00", "#009E73", "#666666"
    middle = 26

    def shape(layer: str) -> str:
        _, fan_in, fan_out = getattr(network, layer).weight.shape
        return f"{fan_in} × {fan_out}"

    extras = ["batch norm"] * network.batch_norm + ["ReLU"] + [f"dropout {network.dropout:g}"] * bool(network.dropout)
    _box(ax, 0, middle, f"film\nn instances\nn × {network.inputs}", grey)
    for layer, x in enumerate((18, 36, 54), start=1):
        _box(ax, x, middle, "\n".join([f"dense {layer}", shape(f"dense{layer}"), *extras]), blue)
        _arrow(ax, (x - 5, middle), (x, middle))
    output = f"output\n{shape('output')}\nsigmoid"
    if network.pooling == "multi_attention":
        for layer, y in ((2, 38), (3, 15)):
            text = f"attention over\ninstances, layer {layer}\ndecision {shape(f'decision{layer}')}\n"
            _box(ax, 73, y, text + f"attention {shape(f'attention{layer}')}", orange, width=17)
            _arrow(ax, (90, y), (96, middle + (y - middle) * 0.3))
        _arrow(ax, (42.5, middle + 9), (73, 38), "angle,angleA=90,angleB=180,rad=6")
        _arrow(ax, (67, middle), (73, 18))
        _box(ax, 96, middle, output, green)
    else:
        lines = ["pooling over", "instances", pooling.title.lower()]
        lines += [f"{part} {shape(part)}" for part in ("feature", "attention") if hasattr(network, part)]
        pool = ("\n".join(lines), orange, 21)
        # in decision space the output layer comes first and its probabilities are pooled
        decides = network.space == "decision" and network.pooling != "feature_attention"
        x = 72
        for text, color, width in [(output, green, 13), pool] if decides else [pool, (output, green, 13)]:
            _arrow(ax, (x - 5, middle), (x, middle))
            _box(ax, x, middle, text, color, width=width)
            x += width + 5
    _arrow(ax, (109 if network.pooling == "multi_attention" else 111, middle), (115, middle))
    colors = genre_colors(names)
    heights = np.linspace(38, 14, len(names)) if len(names) > 1 else [middle]
    for name, y in zip(names, heights, strict=True):
        ax.text(116, y, name, va="center", fontsize=9, color=colors[name], fontweight="bold")
    ax.text(0, 2, f"pooling: {pooling.formula}" if network.space == "decision" else "pooled: the last layer's nodes")
    count = sum(p[0].numel() for p in network.parameters())
    note = f"{count:,} weights; a genre is predicted where its probability is at least .5"
    ax.text(0, -2, note, fontsize=8, color=_SOFT)
    ax.set_title(f"The network: {pooling.title.lower()}, {network.hidden} nodes")
    return ax


def _box(ax: Axes, x: float, y: float, text: str, color: str, *, width: float = 13) -> None:
    """A layer with its left edge at x, centred on y."""
    style = "round,pad=0,rounding_size=1.5"
    ax.add_patch(FancyBboxPatch((x, y - 9), width, 18, boxstyle=style, fc=color + "22", ec=color, lw=1.4))
    ax.text(x + width / 2, y, text, ha="center", va="center", fontsize=9, color=_INK, linespacing=1.45)


def _arrow(ax: Axes, start: tuple[float, float], stop: tuple[float, float], bend: str = "arc3") -> None:
    style = {"arrowstyle": "-|>", "color": _SOFT, "lw": 1.2, "connectionstyle": bend, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", stop, start, arrowprops=style)


def plot_scores(table: pd.DataFrame) -> Figure:
    """Table 4 as dots with 95 % bootstrap intervals over films; hollow diamonds are F1 on training films.

    `table` holds rows of `scores.summary` in order, with `model` (or `label`) and, for the colours, `features`.
    """
    labels = table["label"] if "label" in table else table["model"]
    groups = table["features"] if "features" in table else pd.Series("", index=table.index)
    order = list(dict.fromkeys(labels))
    kinds = list(dict.fromkeys(groups))
    colors = dict(zip(kinds, TRACK_COLORS, strict=False))
    size = (2.6 * len(METRICS) + 1.6, 1.6 + 0.3 * len(order))
    fig, axes = plt.subplots(1, len(METRICS), figsize=size, sharey=True, squeeze=False)
    offsets = dict(zip(kinds, np.linspace(-0.2, 0.2, len(kinds)) if len(kinds) > 1 else [0.0], strict=True))
    position = {label: i for i, label in enumerate(order)}
    for ax, metric in zip(axes[0], METRICS, strict=True):
        for (_, row), label, group in zip(table.iterrows(), labels, groups, strict=True):
            y = position[label] + offsets[group]
            ax.plot([row[f"{metric}_low"], row[f"{metric}_high"]], [y, y], color=colors[group], lw=1.6, alpha=0.75)
            ax.plot(row[metric], y, "o", color=colors[group], ms=5)
            if metric == "f1" and pd.notna(row.get("training_f1")):
                ax.plot(row["training_f1"], y, "D", mfc="none", mec=colors[group], ms=4.5, mew=1)
        ax.set(title=_METRIC_TITLES[metric], xlim=(-0.02, 1.02))
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    name_rows(axes[0, 0], order, edge=0.5)
    films = f" (n = {table['films'].max()})" if "films" in table else ""
    fig.supxlabel(f"macro average over genres; lines: 95 % bootstrap interval over films{films}", fontsize=9)
    handles = [Line2D([], [], color=colors[k], marker="o", ms=5, label=k) for k in kinds if k]
    if "training_f1" in table:
        handles.append(Line2D([], [], color=_INK, marker="D", mfc="none", lw=0, ms=4.5, label="training films"))
    if handles:
        axes[0, -1].legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1))
    fig.tight_layout()
    return fig


def plot_precision_recall(curves: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """S2: precision against recall of `scores.curves`, one line per genre."""
    ax = plt.subplots(figsize=(6, 4.2))[1] if ax is None else ax
    names = genre_order(curves["genre"].unique())
    colors = genre_colors(names)
    for name in names:
        # average precision is the area under these steps: each recall counts with its first precision
        part = curves[(curves["genre"] == name) & (curves["recall"] > 0)].drop_duplicates("recall")
        recall, precision = np.append(0, part["recall"]), np.append(part["precision"].iloc[0], part["precision"])
        label = f"{name} (n = {part['films'].iloc[0]})"
        ax.step(recall, precision, where="pre", color=colors[name], lw=1.8, label=label)
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title=title or "Precision and recall")
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    return ax


def plot_films(
    table: pd.DataFrame,
    *,
    names: Sequence[str] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """S3: every film by precision and recall of its cues' labels (`scores.per_film_cue_scores`), some with `names`.

    A film none of whose cues got a label has no precision and stands hollow on the lower margin; one without labels has
    no recall and stands on the left margin.
    """
    ax, color = plt.subplots(figsize=(5.6, 5))[1] if ax is None else ax, TRACK_COLORS[0]
    margin = -0.09
    size = 14 + 90 * table["cues"] / max(table["cues"].max(), 1)
    x, y = table["recall"].fillna(margin), table["precision"].fillna(margin)
    undefined = table["precision"].isna() | table["recall"].isna()
    for mask, face in ((~undefined, color), (undefined, "none")):
        ax.scatter(x[mask], y[mask], s=size[mask], facecolor=face, edgecolor=color, alpha=0.65, lw=1.2, clip_on=False)
    for _, row in table[table["film_id"].isin(list(names))].iterrows():
        at = np.nan_to_num([row["recall"], row["precision"]], nan=margin)
        ax.annotate(row["film_id"], at, xytext=(6, 4), textcoords="offset points", fontsize=8, color=_INK)
    if table["precision"].isna().any():
        ax.axhline(margin / 2, color=_SOFT, lw=0.8, ls=":")
        ax.text(1.05, margin, "no label predicted:\nprecision undefined", fontsize=8, color=_SOFT, va="center")
    if table["recall"].isna().any():
        ax.axvline(margin / 2, color=_SOFT, lw=0.8, ls=":")
        text = "no actual label: recall undefined"
        ax.text(margin / 2 + 0.012, 1.03, text, fontsize=8, color=_SOFT, rotation=90, va="top")
    ticks = np.linspace(0, 1, 6)
    ax.set(xlim=(margin * 1.4, 1.04), ylim=(margin * 1.4, 1.04), xticks=ticks, yticks=ticks)
    ax.set(xlabel="recall over the film's cues", ylabel="precision over the film's cues")
    ax.set_title(f"{title or 'Films'} (n = {len(table)})")
    most = max(int(table["cues"].max()), 1) if len(table) else 1
    shown = (max(round(0.2 * most), 1), most)
    sizes = [np.sqrt(14 + 90 * n / most) for n in shown]
    handles = [Line2D([], [], marker="o", lw=0, color=color, alpha=0.65, ms=size) for size in sizes]
    ax.legend(handles, [f"{n} cue{'s' * (n != 1)}" for n in shown], loc="upper left", bbox_to_anchor=(1.02, 1))
    return ax


def plot_attention(
    instances: pd.DataFrame, *, genres: Sequence[str] | None = None, title: str = "", ax: Axes | None = None
) -> Axes:
    """The cues that carried a film's genres: a dot's area is the cue's weight, filled where it has the label.

    `instances` are rows of one film from `CrossValidation.instances`: cue, `<genre>` and `attention <genre>`; `genres`
    are those to show, such as the film's own.
    """
    prefix = "attention "
    found = [c.removeprefix(prefix) for c in instances.columns if c.startswith(prefix)]
    names = list(genres) if genres is not None else found
    colors = genre_colors(names)
    cues = instances["cue"].to_numpy() if "cue" in instances else np.arange(len(instances))
    # frame level has many rows per cue: their weights add up, their probabilities are averaged
    weight = instances[[prefix + g for g in names]].groupby(cues).sum()
    share = instances[names].groupby(cues).mean()
    width = float(np.clip(2.5 + 0.32 * len(weight), 5, 14))
    ax = plt.subplots(figsize=(width, 1.6 + 0.55 * len(names)))[1] if ax is None else ax
    largest = max(float(weight.to_numpy().max(initial=0)), 1e-12)
    for y, name in enumerate(names):
        sizes = 12 + 330 * weight[prefix + name] / largest
        positive = share[name].to_numpy() >= 0.5
        style = {"edgecolor": colors[name], "lw": 1.2, "alpha": 0.85}
        for mask, face in ((positive, colors[name]), (~positive, "white")):
            at = np.flatnonzero(mask)
            ax.scatter(at, np.full(len(at), y), s=sizes[mask], facecolor=face, **style)
    step = max(1, -(-len(weight) // 30))
    ticks = np.arange(0, len(weight), step)
    name_rows(ax, names)
    ax.set(xlim=(-0.8, len(weight) - 0.2), xlabel="cue")
    ax.set_xticks(ticks, weight.index[ticks])
    of = f" of {instances['film_id'].iloc[0]}" if "film_id" in instances and len(instances) else ""
    ax.set_title(title or f"Cues that carried the genres{of}")
    handles = [
        Line2D([], [], marker="o", lw=0, color=_INK, ms=8, label="cue probability ≥ .5"),
        Line2D([], [], marker="o", lw=0, mfc="white", mec=_INK, ms=8, label="below .5"),
    ]
    ax.legend(handles=handles, title="area: weight in the film", loc="upper left", bbox_to_anchor=(1.01, 1))
    return ax
