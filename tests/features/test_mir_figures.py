"""Pictures of features: they show what they are given, for ordinary and strange input, without warnings."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from filmlens import look
from filmlens.features.mir import frame_features
from filmlens.figures.features import plot_cue, plot_distributions, plot_librosa, plot_pictures

RATE = 44100
mpl.use("Agg")


@pytest.fixture(autouse=True)
def _drawn_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
    plt.close("all")


def tone(seconds):
    return 0.2 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)


def test_a_cue_shares_one_time_axis_over_four_panels():
    samples = tone(6)
    frames = frame_features(samples, RATE)
    fig = plot_cue(samples, RATE, frames, landmarks=([1.0, 2.0], [440.0, 880.0]), title="A tone")
    panels = [ax for ax in fig.axes if ax.get_title(loc="left")]
    titles = [ax.get_title(loc="left").split(" ")[0] for ax in panels]
    assert titles == ["Waveform", "Spectrogram", "Chroma", "Tempo"]
    assert all(ax.get_xlim() == (0, 6) for ax in panels)
    offsets = panels[1].collections[-1].get_offsets()
    np.testing.assert_array_equal(offsets, [[1, 440], [2, 880]])
    np.testing.assert_array_equal(panels[3].lines[0].get_xdata(), frames["tempo"][0])
    fig.canvas.draw()
    assert panels[3].get_xticklabels()[0].get_text() == "0"


@pytest.mark.parametrize("samples", [tone(0.5), tone(0.1), np.zeros(4 * RATE)], ids=["short", "shorter", "silence"])
def test_strange_cues_can_be_drawn(samples):
    plot_cue(samples, RATE, frame_features(samples, RATE))


def test_distributions_count_a_film_in_each_of_its_genres():
    labels = pd.DataFrame({"Horror": [True, True], "Comedy": [False, True]}, index=["a", "b"])
    table = pd.DataFrame({"film_id": list("aab"), "rms_mean": [1.0, 2.0, 9.0], "mode_mean": [0.1, np.nan, 0.3]})
    fig = plot_distributions(table, labels, ["rms_mean", "mode_mean"], titles={"rms_mean": "RMS"}, across=3)
    shown = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title(loc="left") for ax in shown] == ["RMS", "mode"]
    assert [label.get_text() for label in shown[0].get_yticklabels()] == ["Comedy (1)", "Horror (3)"]
    faces = [mpl.colors.to_hex(patch.get_facecolor()).upper() for patch in shown[0].patches]
    assert faces == [look.genre_colors(["Comedy", "Horror"])[g].upper() for g in ("Comedy", "Horror")]
    medians = [line for line in shown[0].lines if line.get_linewidth() == 1.6]
    assert [line.get_xdata()[0] for line in medians] == [9.0, 2.0]


def test_a_genre_without_cues_keeps_its_row():
    labels = pd.DataFrame({"Horror": [True], "Comedy": [False]}, index=["a"])
    fig = plot_distributions(pd.DataFrame({"film_id": ["a"], "rms_mean": [1.0]}), labels, ["rms_mean"], across=1)
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == ["Comedy (0)", "Horror (1)"]


def test_pictures_break_where_nothing_was_sampled_and_cues_keep_their_colours():
    visual = pd.DataFrame(
        {"time": [0.0, 1.0, 2.0, 10.0, 11.0], "brightness": 0.5, "contrast": [0.1, 0.2, 0.3, 0.4, 0.5]}
    )
    cues = pd.DataFrame({"track": ["b$", "a", "b$"], "start": [0, 2, 9], "end": [1, 3, 11]})
    fig = plot_pictures(visual, cues, title="a $film")
    line = fig.axes[1].lines[0].get_ydata()
    np.testing.assert_array_equal(line, [0.1, 0.2, 0.3, np.nan, 0.4, 0.5])
    bars = fig.axes[2].patches
    assert [bar.get_width() for bar in bars] == [1, 1, 2]
    assert bars[0].get_facecolor() == bars[2].get_facecolor() != bars[1].get_facecolor()


def test_pictures_of_a_film_without_cues():
    fig = plot_pictures(
        pd.DataFrame({"time": [0.0, 1.0], "brightness": 0.5, "contrast": 0.5}),
        pd.DataFrame(columns=["track", "start", "end"]),
    )
    assert not fig.axes[2].patches


def test_librosa_distance_names_both_sides_and_those_without_a_peer():
    table = pd.DataFrame(
        {
            "descriptor": ["rms", "mode", "tempo"],
            "librosa function": ["feature.rms", "", "feature.tempo"],
            "r": [0.5, np.nan, np.nan],
        }
    )
    ax = plot_librosa(table)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["rms  (feature.rms)", "mode", "tempo  (feature.tempo)"]
    assert [t.get_text() for t in ax.texts] == ["0.50", "librosa has none", "constant here"]
