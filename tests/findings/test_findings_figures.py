"""Figures of the findings: every interval is named, every genre there, cells without a number stated."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from simulated_films import GENRES

from filmlens.figures import findings as figures
from filmlens.findings import genre_timeline

GROUPS = ["MFCC", "Tone", "Pitch"]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def importance():
    rows = []
    for genre in [*GENRES, "Overall"]:
        for i, group in enumerate(GROUPS):
            rows.append([genre, group, 0.1 * i, 0.1 * i - 0.01, 0.1 * i + 0.01, -0.1, 0.3, -0.2, 0.4])
    names = "genre group importance mean_low mean_high run_low run_high film_low film_high".split()
    return pd.DataFrame(rows, columns=names).assign(measure="F1", films=12, note="")


def cross():
    rows = []
    for measure in ("brightness", "contrast"):
        for source in ("Actual", "Predicted", "False positives", "False positives vs true negatives"):
            for genre in GENRES:
                number = np.nan if (source, genre) == ("False positives", "Drama") else 0.5
                expected = 0.2 if source == "Predicted" else 0.0
                tested = number if genre != "Horror" else np.nan
                rows.append([measure, source, genre, "films", number, expected, source == "Actual", tested, 7])
    return pd.DataFrame(rows, columns="measure source genre unit difference expected significant p n_films".split())


def words(figure):
    return " | ".join(t.get_text() for t in figure.findobj(matplotlib.text.Text) if t.get_text())


def test_importance_names_its_three_intervals():
    figure = figures.plot_importance(importance())
    text = words(figure)
    for name in ("95 % CI of that mean", "2.5–97.5 % of the runs", "95 % bootstrap over films", *GENRES, *GROUPS):
        assert name in text
    panels = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert [ax.get_title(loc="left") for ax in panels] == [f"{g} (n = 12)" for g in ["Overall", *GENRES]]
    assert len(panels[1].patches) == 3
    lines = [list(line.get_xdata()) for line in panels[1].lines]
    for pair in ([-0.1, 0.3], [-0.2, 0.4], [0.09, 0.11]):
        assert any(np.allclose(line, pair) for line in lines)


def test_nothing_lost_is_not_magnified():
    data = importance()
    numbers = data.columns[2:9]
    data[numbers] = data[numbers] * 1e-17
    data.loc[data["genre"] == "Horror", ["note", *numbers[1:]]] = ["too few films", *[np.nan] * 6]
    figure = figures.plot_importance(data)
    low, high = figure.axes[0].get_xlim()
    assert low <= -0.01 and high >= 0.01
    assert "Horror (n = 12, too few)" in words(figure)


def test_medians_state_empty_cells_and_what_is_expected():
    figure = figures.plot_medians(cross())
    text = words(figure)
    assert text.count("n = 7") == 2 * (1 + 4)  # no number, or no test
    assert "expected given the actual labels" in text
    assert len(figure.axes) == 12


def test_planted_marks_what_was_planted_and_found():
    data = importance().query("genre != 'Overall'").assign(planted=lambda d: d["group"] == "Tone")
    data.loc[data["group"] == "Pitch", "film_low"] = 0.05
    ax = figures.plot_planted(data).axes[0]
    assert sum(p.get_facecolor()[3] == 0 for p in ax.patches) == 6
    assert sum(line.get_marker() == "o" for line in ax.lines) == 6


def test_timeline_outlines_foreign_cues():
    cues = pd.DataFrame({"film_id": "a", "cue": [0, 1], "track": "t", "start": [60.0, 300.0], "end": [90.0, 360.0]})
    timeline = genre_timeline(cues, [[0.9, 0.1, 0.1, 0.1, 0.1, 0.1], [0.9, 0.1, 0.1, 0.1, 0.8, 0.1]])
    visual = pd.DataFrame({"time": range(400), "brightness": 0.4, "contrast": 0.8})
    frames = [(t, np.full((4, 6), 0.5)) for t in (50, 200, 350)]
    figure = figures.plot_genre_timeline(timeline, own=["Action"], visual=visual, frames=frames)
    strip, lines, bars = figure.axes
    assert len(strip.images) == 3
    assert len(lines.lines) == 2
    assert len(bars.patches) == 2 * 12
    outlined = [p for p in bars.patches if p.get_linewidth() > 1]
    assert [(p.get_x(), p.get_width()) for p in outlined] == [(300.0, 60.0)]
    assert [tick.get_text() for tick in bars.get_xticklabels()][1:4] == ["0:00", "1:00", "2:00"]
    assert len(figures.plot_genre_timeline(timeline).axes) == 1


def test_profile_shows_the_strongest_descriptors():
    rng = np.random.default_rng(0)
    names = [f"descriptor {i}" for i in range(50)]
    data = pd.DataFrame([(g, d) for g in GENRES for d in names], columns=["genre", "descriptor"])
    data["effect"] = rng.uniform(-0.5, 0.5, len(data))
    data.loc[7, "effect"] = -0.9
    data.loc[8, "effect"] = np.nan
    data["p"], data["n"] = data["effect"], 12
    data.loc[data["genre"] == "Romance", "p"] = np.nan
    data["significant"] = data["effect"].abs() > 0.45
    data["correction"] = "Benjamini-Hochberg over 299"
    figure = figures.plot_profile(data, top=10)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels[0] == "descriptor 7"
    assert len(labels) == 10
    assert "Benjamini-Hochberg over 299" in words(figure)
    assert words(figure).count("few") >= 10 and "Action\nn = 12" in words(figure)
    assert figures.plot_profile(data.assign(p=np.nan)).axes


def test_claims_of_one_unit_share_an_axis():
    columns = ["claim", "paper", "estimate", "low", "high", "detectable", "films", "verdict", "estimate is"]
    rows = [
        ["one", "", 0.1, 0.05, 0.2, 0.1, 36, "holds (synthetic corpus)", "macro-F1"],
        ["two", "", -0.1, -0.3, -0.05, 0.1, 36, "contradicted (synthetic corpus)", "macro-F1"],
        ["three", "", np.nan, np.nan, np.nan, np.nan, np.nan, "not tested (no weights)", ""],
        ["four", "", 3.0, -1.0, 6.0, 3.0, 12, "undecided (synthetic corpus)", "difference of medians × 10, films"],
        ["six", "", np.nan, np.nan, np.nan, np.nan, 6, "undecided (synthetic corpus)", "precision and recall"],
        ["five", "", 1.0, np.nan, np.nan, np.nan, 4, "too few films: 4, at least 10 needed", "macro-F1"],
    ]
    figure = figures.plot_claims(pd.DataFrame(rows, columns=columns))
    text = words(figure)
    for told in ("+0.100 [+0.050, +0.200]", "not tested (no weights)", "too few films: 4", "synthetic corpus"):
        assert told in text
    assert "films (n = 4 to 36) and starts" in text and "over films (n = 12) |" in text
    assert "nan" not in text and text.count("undecided (synthetic corpus)") == 1
    scores, pictures = figure.axes
    assert [t.get_text() for t in scores.get_yticklabels()] == ["one", "two", "three", "six", "five"]
    assert [t.get_text() for t in pictures.get_yticklabels()] == ["four"]
    assert list(pictures.lines[0].get_xdata()) == [-1.0, 6.0]
