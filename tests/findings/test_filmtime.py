"""Along film time: a literal loop over seconds, films without music, bad input, and the figure."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from filmlens.figures.filmtime import plot_film_time
from filmlens.findings import along_film_time

NAMES = {"Horror": "p_horror", "Comedy": "p_comedy"}


def films_of(rng, films=12):
    rows = []
    for k in range(films):
        for _ in range(k % 5):  # every fifth film is without music
            start = int(rng.integers(0, 90))
            rows.append((f"f{k}", float(start), float(start + rng.integers(1, 40)), *rng.random(2)))
    cues = pd.DataFrame(rows, columns=["film_id", "start", "end", *NAMES.values()])
    cues.loc[::7, "p_horror"] = np.nan
    ids = [f"f{k}" for k in range(films)]
    spans = pd.DataFrame({"begin": 0.0, "end": rng.integers(60, 140, films).astype(float)}, index=ids)
    labels = pd.DataFrame({"Horror": rng.random(films) < 0.4, "Comedy": rng.random(films) < 0.6}, index=ids)
    return cues, spans, labels


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_literal_loop_over_hundredths_of_a_second(seed):
    cues, spans, labels = films_of(np.random.default_rng(seed))
    spans["begin"] = np.where(np.arange(len(spans)) % 2, 5.0, 0.0)
    table = along_film_time(cues, spans, NAMES, labels, parts=5, n_boot=10)
    for (quantity, which), rows in table.groupby(["quantity", "films"], sort=False):
        for row in rows.itertuples():
            values = []
            for film_id, span in spans.iterrows():
                carries = quantity != "coverage" and labels.loc[film_id, quantity]
                if quantity != "coverage" and carries != (which == "films with the genre"):
                    continue
                edge = span["begin"] + (span["end"] - span["begin"]) * np.array([row.part, row.part + 1]) / 5
                times = np.arange(edge[0] + 0.005, edge[1], 0.01)
                own = cues[cues["film_id"] == film_id]
                covered, total, seconds = np.zeros(len(times), bool), 0.0, 0
                for cue in own.itertuples():
                    inside = (times >= cue.start) & (times < cue.end)
                    covered |= inside
                    heard = getattr(cue, NAMES.get(quantity, "p_horror"))
                    if np.isfinite(heard):
                        total, seconds = total + heard * inside.sum(), seconds + inside.sum()
                if quantity == "coverage":
                    values.append(covered.mean())
                elif seconds:
                    values.append(total / seconds)
            assert row.n == len(values)
            assert row.value == pytest.approx(np.mean(values), abs=2e-3) if values else np.isnan(row.value)


def test_films_without_music_count_as_none_and_intervals_hold_the_mean():
    cues, spans, labels = films_of(np.random.default_rng(1))
    table = along_film_time(cues, spans, NAMES, labels)
    coverage = table[table["quantity"] == "coverage"]
    assert (coverage["n"] == len(spans)).all()
    covered = along_film_time(cues, spans.loc[sorted(set(cues["film_id"]))], NAMES, labels)
    assert (coverage["value"].to_numpy() <= covered[covered["quantity"] == "coverage"]["value"].to_numpy()).all()
    there = table.dropna()
    assert ((there["low"] <= there["value"] + 1e-9) & (there["value"] <= there["high"] + 1e-9)).all()
    assert table.loc[table["n"] < 2, ["low", "high"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(table, along_film_time(cues, spans, NAMES, labels))


def test_bad_input_is_refused():
    cues, spans, labels = films_of(np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least one part"):
        along_film_time(cues, spans, NAMES, labels, parts=0)
    with pytest.raises(ValueError, match="end after it begins"):
        along_film_time(cues, spans.assign(end=0.0), NAMES, labels)


def test_the_figure_has_every_genre_and_names_its_intervals():
    cues, spans, labels = films_of(np.random.default_rng(2))
    cues["p_comedy"] = np.nan  # no model heard it
    figure = plot_film_time(along_film_time(cues, spans, NAMES, labels))
    text = " | ".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))
    for word in ("Horror (", "Comedy (0 films)", "95 % bootstrap over films", "(12 films)", "place in the film"):
        assert word in text
    assert all(ax.get_xlim() == (0, 1) for ax in figure.axes)
    assert plot_film_time(along_film_time(cues, spans, {}, labels)).axes
    plt.close("all")
