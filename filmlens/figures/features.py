"""Pictures of what is measured (notebook 02): one cue looked at closely, distributions by genre, a film's light."""

from __future__ import annotations

from collections.abc import Sequence

import librosa
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from filmlens import look

look.use_style()


def plot_cue(
    samples: np.ndarray,
    rate: float,
    frames: dict[str, tuple[np.ndarray, np.ndarray]],
    *,
    landmarks: tuple[np.ndarray, np.ndarray] | None = None,
    title: str = "",
) -> Figure:
    """One cue: waveform, spectrogram (with the stamper's landmarks), chroma, tempo and key clarity along its time.

    Parameters
    ----------
    samples : ndarray, shape (n,)
    rate : float
    frames : dict
        From `filmlens.features.mir.frame_features`.
    landmarks : (times, hertz), optional
        Peaks of the fingerprint, drawn over the spectrogram.
    title : str
    """
    from librosa import display

    fig, axes = plt.subplots(
        4, 1, figsize=(10, 8.6), sharex=True, height_ratios=[0.6, 1.5, 1.1, 0.9], layout="constrained"
    )
    display.waveshow(samples, sr=rate, ax=axes[0], color="#4D4D4D", axis="s")
    axes[0].set(ylabel="amplitude", xlabel="")
    axes[0].set_title(title)
    spectrum = np.abs(librosa.stft(np.ascontiguousarray(samples, np.float32), n_fft=2048, hop_length=512))
    level = librosa.amplitude_to_db(spectrum, ref=max(float(spectrum.max()), 1e-9))
    image = display.specshow(level, sr=rate, hop_length=512, x_axis="s", y_axis="log", ax=axes[1], cmap="Greys")
    axes[1].set(ylim=(60, min(10_000, rate / 2)), xlabel="", ylabel="frequency [Hz]")
    fig.colorbar(image, ax=axes[1], label="dB", format="%+.0f", pad=0.01)
    if landmarks is not None:
        axes[1].plot(*landmarks, ".", ms=2.5, color=look.TRACK_COLORS[5], alpha=0.7, label="landmarks of the stamper")
        axes[1].legend(loc="upper right", frameon=True)
    times, chroma = frames["chroma"]
    step = max(1, len(times) // 1200)
    image = axes[2].pcolormesh(times[::step], np.arange(12), chroma[::step].T, cmap="Blues", shading="nearest")
    axes[2].set_yticks(range(12), "C C♯ D D♯ E F F♯ G G♯ A A♯ B".split())
    axes[2].set_ylabel("chroma")
    axes[2].grid(visible=False)
    fig.colorbar(image, ax=axes[2], label="share of the maximum", pad=0.01)
    times, tempo = frames["tempo"]
    axes[3].plot(times, tempo[:, 0], "o-", ms=3, color=look.TRACK_COLORS[0])
    axes[3].set(ylabel="tempo [BPM]", ylim=(30, 210), xlabel="time in the cue [s]", xlim=(0, len(samples) / rate))
    return fig


def plot_distributions(table: pd.DataFrame, labels: pd.DataFrame, columns: Sequence[str]) -> Figure:
    """Values of some columns over the cues of each genre: box from quartile to quartile, line at the median.

    Parameters
    ----------
    table : DataFrame
        film_id and the columns, one row per cue.
    labels : DataFrame of bool
        Films x genres; a cue counts under each genre of its film.
    columns : sequence of str
    """
    import seaborn as sns

    genres = list(labels.columns)
    colors = look.genre_colors(genres)
    width = min(3, len(columns))
    fig, axes = plt.subplots(
        -(-len(columns) // width),
        width,
        figsize=(3.4 * width, 2.5 * -(-len(columns) // width)),
        squeeze=False,
        layout="constrained",
    )
    rows = [table[table["film_id"].map(labels[g]).fillna(False).astype(bool)].assign(genre=g) for g in genres]
    long = pd.concat(rows, ignore_index=True)
    for ax in axes.ravel()[len(columns) :]:
        ax.set_axis_off()
    for ax, column in zip(axes.ravel(), columns, strict=False):
        sns.boxplot(
            long, x=column, y="genre", order=genres, hue="genre", hue_order=genres, palette=colors, ax=ax,
            fliersize=2, linewidth=0.8, saturation=0.85, legend=False,
        )  # fmt: skip
        ax.set(ylabel="")
    fig.suptitle("Cues by genre of their film", x=0.01, ha="left", fontweight="bold")
    return fig


def plot_pictures(visual: pd.DataFrame, cues: pd.DataFrame, *, title: str = "") -> Figure:
    """Brightness and contrast of one film along its time, with the cues under them.

    Parameters
    ----------
    visual : DataFrame
        time [s], brightness, contrast; gaps where nothing was decoded.
    cues : DataFrame
        track, start, end [s].
    """
    fig, ax = plt.subplots(figsize=(10, 3), layout="constrained")
    for name, color in (("brightness", look.TRACK_COLORS[1]), ("contrast", look.TRACK_COLORS[0])):
        gaps = visual["time"].diff() > 1.5
        whole = visual["time"].where(~gaps), visual[name].where(~gaps)
        ax.plot(*whole, "o-", ms=2.5, lw=1.4, color=color, label=name)
    for i, cue in enumerate(cues.itertuples(index=False)):
        ax.axvspan(cue.start, cue.end, ymax=0.05, color="#8C8C8C", lw=0, label="cues" if i == 0 else None)
    ax.set(ylim=(-0.05, 1.02), xlabel="time in the film [min:s]", ylabel="share of full scale")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02d}"))
    ax.set_title(title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig
