"""Figures of the genre models show the numbers they are given."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from filmlens.figures import genre as figures
from filmlens.genre import POOLINGS, BagClassifier
from filmlens.look import genre_colors


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def texts(ax):
    return " ".join(t.get_text() for t in ax.texts)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_model_shows_its_real_shapes(pooling):
    rng = np.random.default_rng(0)
    model = BagClassifier(pooling, hidden=11, epochs=1).fit(
        [rng.normal(size=(2, 7)) for _ in range(4)], np.eye(4)[:, :3]
    )
    ax = figures.plot_model(model, genres=["Action", "Drama", "Horror"])
    shown = texts(ax)
    for layer in ("dense1", "dense2", "dense3", "output"):
        _, fan_in, fan_out = getattr(model.network_, layer).weight.shape
        assert f"{fan_in} × {fan_out}" in shown
    assert "7 × 11" in shown and POOLINGS[pooling].formula in shown and "Horror" in shown


def test_an_embedding_model_pools_before_the_output():
    rng = np.random.default_rng(0)
    films, Y = [rng.normal(size=(2, 7)) for _ in range(4)], np.eye(4)[:, :2]
    order = {}
    for space in ("decision", "embedding"):
        ax = figures.plot_model(BagClassifier("max", hidden=5, epochs=1, space=space).fit(films, Y))
        place = {t.get_text().split("\n")[0]: t.get_position()[0] for t in ax.texts}
        order[space] = place["output"] < place["pooling over"]
    assert order == {"decision": True, "embedding": False}


def test_scores_stand_where_they_belong():
    row = {
        f"{m}{e}": v
        for m in ("precision", "recall", "f1", "map")
        for e, v in (("", 0.5), ("_low", 0.4), ("_high", 0.7))
    }
    table = pd.DataFrame(
        [
            row | {"model": "Average", "features": f, "training_f1": 0.9, "f1": x}
            for f, x in (("MIR", 0.6), ("VGGish", 0.62))
        ]
    )
    fig = figures.plot_scores(table)
    assert [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes] == ["Precision", "Recall", "F1", "mAP"]
    drawn = [line.get_xdata().tolist() for line in fig.axes[2].lines]
    assert [0.4, 0.7] in drawn and [0.6] in drawn and [0.62] in drawn and drawn.count([0.9]) == 2
    assert [t.get_text() for t in fig.axes[3].get_legend().get_texts()] == ["MIR", "VGGish", "training films"]


def test_precision_recall_in_the_genres_colours():
    curves = pd.DataFrame(
        {
            "genre": ["Horror"] * 3 + ["Action"],
            "films": [2, 2, 2, 7],
            "recall": [0.0, 0.5, 1.0, 1.0],
            "precision": [0.0, 0.5, 0.4, 0.9],
        }
    )
    ax = figures.plot_precision_recall(curves)
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines) == ["Action (n = 7)", "Horror (n = 2)"]
    assert lines["Horror (n = 2)"].get_color() == genre_colors(["Horror"])["Horror"]
    assert lines["Horror (n = 2)"].get_xdata().tolist() == [0, 0.5, 1.0] and ax.get_xlabel() == "recall"


def test_films_without_a_precision_stand_on_the_margin():
    table = pd.DataFrame(
        {
            "film_id": ["a", "b"],
            "cues": [4, 8],
            "precision": [0.5, np.nan],
            "recall": [0.75, 0.0],
            "tp": 0,
            "fp": 0,
            "fn": 0,
        }
    )
    ax = figures.plot_films(table, names=["a"])
    inside, outside = (c.get_offsets() for c in ax.collections if isinstance(c, PathCollection))
    assert inside.tolist() == [[0.75, 0.5]] and outside[0, 0] == 0 and outside[0, 1] < 0
    assert "Films (n = 2)" in (ax.get_title(), ax.get_title(loc="left"))
    assert "no label predicted" in texts(ax) and "a" in texts(ax).split()


def test_attention_shows_every_cue_of_the_genres_asked_for():
    instances = pd.DataFrame(
        {
            "film_id": "Psycho",
            "cue": [0, 1, 2],
            "Horror": [0.9, 0.2, 0.6],
            "Drama": [0.1, 0.1, 0.1],
            "attention Horror": [0.6, 0.1, 0.3],
            "attention Drama": [0.3, 0.3, 0.4],
        }
    )
    ax = figures.plot_attention(instances, genres=["Horror"])
    dots = [c for c in ax.collections if isinstance(c, PathCollection)]
    filled, hollow = (c.get_offsets()[:, 0].tolist() for c in dots)
    assert filled == [0, 2] and hollow == [1]
    sizes = dots[0].get_sizes()
    assert sizes[0] > sizes[1] > dots[1].get_sizes()[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Horror"] and "Psycho" in ax.get_title(loc="left")
