"""Pictures of what is measured (notebook 02): one cue looked at closely, descriptors by genre, a film's light."""

from collections.abc import Mapping, Sequence

import librosa
import librosa.display
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from filmlens import look, text
from filmlens.features.vggish.frontend import BANDS, RATE, SECONDS, mel_matrix
from filmlens.figures.parts import bars, broken, film_time, name_rows
from filmlens.names import reader_name

_INK = "#404040"


def plot_cue(
    samples: np.ndarray,
    rate: float,
    frames: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    landmarks: tuple[np.ndarray, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """One cue from its waveform to its tempo, on a common time axis.

    `samples` (n,) at `rate` Hz; `frames` are from `filmlens.features.mir.frame_features`; `landmarks` are the times (s)
    and frequencies (Hz) of points by which the cue was recognised, drawn over the spectrogram.
    """
    fig, axes = plt.subplots(4, 1, figsize=(10, 9), sharex=True, layout="constrained", height_ratios=[1, 2.6, 1.8, 1.3])
    wave, spectrogram, chroma, tempo = axes
    samples = np.asarray(samples, dtype=float)
    librosa.display.waveshow(samples, sr=rate, ax=wave, color="#0072B2", axis=None)
    wave.set(ylabel="amplitude", title="Waveform")

    levels = librosa.amplitude_to_db(np.abs(librosa.stft(samples)), ref=np.max)
    moments = librosa.times_like(levels, sr=rate)
    image = librosa.display.specshow(
        levels, sr=rate, x_coords=moments, x_axis=None, y_axis="log", cmap="magma", ax=spectrogram, rasterized=True
    )
    fig.colorbar(image, ax=spectrogram, format="%+.0f dB", pad=0.01)
    spectrogram.set(title="Spectrogram", ylabel="frequency [Hz]", ylim=(40, rate / 2))
    spectrogram.grid(visible=False)
    if landmarks is not None:
        spectrogram.set_title("Spectrogram with landmarks")
        spectrogram.scatter(*landmarks, s=5, facecolor="white", edgecolor="black", linewidth=0.3)

    times, values = frames["chroma"]
    if np.isfinite(values).any() and len(times) > 1:
        style = {"cmap": "magma", "vmin": 0, "vmax": 1, "rasterized": True}
        image = librosa.display.specshow(values.T, x_coords=times, x_axis=None, y_axis="chroma", ax=chroma, **style)
        fig.colorbar(image, ax=chroma, label="relative strength", pad=0.01)
    chroma.set(title="Chroma", ylabel="pitch class")
    chroma.grid(visible=False)

    times, values = frames["tempo"]
    tempo.plot(times, values[:, 0], "o-", color=_INK, markersize=4, linewidth=1)
    tempo.set(ylim=(40, 200), ylabel="tempo [BPM]", title="Tempo of 3 s frames; a gap: nothing repeats")
    tempo.set(xlim=(0, len(samples) / rate), xlabel="time in the cue [s]")
    # librosa's displays leave the shared axis without labels
    tempo.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    tempo.xaxis.set_major_formatter(ScalarFormatter())
    if title:
        fig.suptitle(title)
    return fig


def plot_librosa(distance: pd.DataFrame, *, title: str = "") -> Axes:
    """How closely librosa's nearest functions follow the descriptors (`mir.librosa_peer.librosa_distance`)."""
    table = distance.sort_values("r", ascending=False, na_position="last", kind="stable")
    names = [f"{key}  ({name})" if name else key for key, name in table[["descriptor", "librosa function"]].to_numpy()]
    _, ax = plt.subplots(figsize=(10, 1.2 + 0.26 * len(table)), layout="constrained")
    at = np.arange(len(table))
    known = table["r"].notna().to_numpy()
    values = table["r"].to_numpy(float)
    ax.hlines(at[known], 0, values[known], color="#0072B2", linewidth=2)
    ax.plot(values[known], at[known], "o", color="#0072B2")
    style = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "size": 9}
    for i in at[known]:
        ax.annotate(f"{values[i]:.2f}", (values[i], i), **style)
    for i in at[~known]:
        reason = "constant here" if table["librosa function"].iloc[i] else "librosa has none"
        ax.annotate(reason, (0, i), color="#606060", **style)
    name_rows(ax, names)
    ax.set_xlim(min(0.0, np.nanmin(values, initial=0) - 0.05), 1.1)
    ax.set_xlabel("correlation with librosa's nearest function over time, r")
    ax.grid(axis="y", visible=False)
    ax.set_title(f"Descriptors against librosa's defaults{': ' + title if title else ''}")
    return ax


def plot_distributions(
    table: pd.DataFrame,
    labels: pd.DataFrame,
    columns: Sequence[str],
    *,
    titles: Mapping[str, str] | None = None,
    across: int = 3,
) -> Figure:
    """How descriptors of cues are distributed in the genres of their films: a panel per column, `across` in a row.

    `table` has film_id and `columns` in a row per cue; `labels` are films x genres, bool. Boxes show the quartiles,
    whiskers the 5th and 95th percentile. `titles` are words for the panels, by default the reader's names.
    """
    genres = look.genre_order(labels.columns)
    colors = look.genre_colors(genres)
    member = {genre: table["film_id"].isin(labels.index[labels[genre]]) for genre in genres}
    rows = -(-len(columns) // across)
    size = (10, 0.7 + rows * (0.7 + 0.27 * len(genres)))
    fig, axes = plt.subplots(rows, across, figsize=size, sharey=True, squeeze=False, layout="constrained")
    names = [f"{genre} ({int(member[genre].sum())})" for genre in genres]
    for ax, column in zip(axes.flat, columns, strict=False):
        groups = [table.loc[member[genre], column].dropna().to_numpy() for genre in genres]
        median = {"color": "black", "linewidth": 1.6}
        style = {"orientation": "horizontal", "whis": (5, 95), "showfliers": False, "widths": 0.65}
        boxes = ax.boxplot(groups, patch_artist=True, medianprops=median, **style)
        for patch, genre in zip(boxes["boxes"], genres, strict=True):
            patch.set(facecolor=colors[genre], alpha=0.75, edgecolor=_INK)
        ax.set_title((titles or {}).get(column, reader_name(column)))
        ax.set_yticks(range(1, len(genres) + 1), names)
        ax.grid(axis="y", visible=False)
        ax.xaxis.set_major_locator(MaxNLocator(5))
    for ax in axes.flat[len(columns) :]:
        ax.set_visible(False)
    if len(columns):
        axes[0, 0].invert_yaxis()
    fig.supylabel("genre (cues)", fontsize=10)
    return fig


def plot_examples(examples: np.ndarray, *, title: str = "") -> Figure:
    """What VGGish heard of a cue: its first twelve log-mel examples (n, 96, 64), one after another."""
    shown = np.asarray(examples)[:12]
    fig, ax = plt.subplots(figsize=(10, 3.2), layout="constrained")
    style = {"origin": "lower", "aspect": "auto", "cmap": "magma", "rasterized": True}
    image = ax.imshow(shown.reshape(-1, BANDS).T, extent=(0, len(shown) * SECONDS, 0, BANDS), **style)
    fig.colorbar(image, ax=ax, label="ln(magnitude + 0.01)", pad=0.01)
    for i in range(1, len(shown)):
        ax.axvline(i * SECONDS, color="white", linewidth=0.9)
    peaks = np.argmax(mel_matrix(), axis=0) * RATE / (2 * (len(mel_matrix()) - 1))
    bands = np.linspace(0, BANDS - 1, 7).round().astype(int)
    ax.set_yticks(bands + 0.5, [f"{peaks[b]:.0f}" for b in bands])
    ax.set(ylabel="mel band [Hz]", xlabel="time in the cue [s]")
    ax.grid(visible=False)
    ax.set_title(title or f"{len(shown)} of {len(examples)} examples of {SECONDS} s")
    return fig


def plot_pictures(
    visual: pd.DataFrame,
    cues: pd.DataFrame,
    *,
    strip: tuple[np.ndarray, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """Brightness and contrast along a film, and the cues that play under them.

    `visual` has time (s), brightness and contrast of one film; lines break where no picture was sampled. `cues` has its
    track, start, end (s). `strip` are times and colours from `filmlens.media.pictures.film_strip`, drawn above.
    """
    tracks = list(dict.fromkeys(cues.sort_values("start")["track"].astype(str)))
    colors = look.track_colors(tracks)
    above = strip is not None and len(strip[0]) > 0
    size, heights = (10, 4.6 + 0.6 * above + 0.2 * len(tracks)), [0.7] * above + [2, 2, 0.5 + 0.2 * max(1, len(tracks))]
    fig, axes = plt.subplots(len(heights), 1, figsize=size, sharex=True, layout="constrained", height_ratios=heights)
    if above:
        _draw_strip(axes[0], *strip, end=max(strip[0][-1] + 1, visual["time"].max(), cues["end"].max()))
        axes = axes[1:]
    visual = visual.sort_values("time")
    for ax, measure, color in zip(axes, ("brightness", "contrast"), ("#E69F00", "#0072B2"), strict=False):
        times, values = broken(visual["time"], visual[measure])
        ax.plot(times, values, ".-", color=color, linewidth=1.2, markersize=2.5)
        ax.set(ylim=(0, 1), ylabel=f"{measure} [0–1]", title=measure.capitalize())
        ax.margins(x=0.01)
        for cue in cues.itertuples(index=False):
            ax.axvspan(cue.start, cue.end, color=colors[str(cue.track)], alpha=0.15, linewidth=0)
    below = axes[-1]
    names = cues["track"].astype(str)
    bars(below, names.map(tracks.index), cues, height=0.7, color=names.map(colors))
    name_rows(below, [text.figure(track) for track in tracks])
    below.set(ylim=(max(len(tracks), 1) - 0.4, -0.6), title="Cues by track")
    below.grid(axis="y", visible=False)
    below.margins(x=0.01)
    film_time(below)
    if title:
        fig.suptitle(title)
    return fig


def _draw_strip(ax, times: np.ndarray, colours: np.ndarray, *, end: float) -> None:
    """Columns of colour, each from its time to the next one's."""
    grid = np.linspace(0, end, 1000, endpoint=False)
    shown = np.clip(np.searchsorted(times, grid, side="right") - 1, 0, None)
    ax.imshow(colours[:, shown], aspect="auto", extent=(0, end, 0, 1), interpolation="nearest", rasterized=True)
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.set_title("Pictures, each squeezed to a column")


def plot_tags(table: pd.DataFrame) -> Figure:
    """In how many cues each tag is among the five highest; `table` has film_id, cue and a column for each tag."""
    tags = table.drop(columns=["film_id", "cue"])
    among = (tags.rank(axis=1, ascending=False) <= 5).sum().sort_values(ascending=False)
    among = among[among > 0]
    fig, ax = plt.subplots(figsize=(8, 0.8 + 0.2 * len(among)), layout="constrained")
    ax.barh([reader_name(name) for name in among.index], among, color=_INK, height=0.6)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"cues of {len(table)} that are tagged so among their 5 highest")
    return fig
