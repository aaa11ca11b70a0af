"""Cues of another genre's music, and the timeline they stand on."""

import numpy as np
import pandas as pd
import pytest

from filmlens.findings import genre_timeline, transplanted_cues

GENRES = ["Action", "Horror", "Romance"]


def corpus(seed=0, films=20, cues=12):
    """Cues that sound like their film, three that sound like another genre, one film taken for Romance throughout."""
    rng = np.random.default_rng(seed)
    names = np.repeat([f"film {i:02d}" for i in range(films)], cues)
    table = pd.DataFrame({"film_id": names, "cue": np.tile(np.arange(cues), films)})
    table["track"] = "track " + table["cue"].astype(str)
    table["start"] = 60.0 * table["cue"]
    table["end"] = table["start"] + 40
    labels = pd.DataFrame(rng.random((films, 3)) < 0.4, np.unique(names), GENRES)
    probability = np.clip(0.2 + 0.5 * labels.loc[names].to_numpy() + 0.08 * rng.normal(size=(len(names), 3)), 0, 1)
    planted = []
    for film in labels.index[~labels["Romance"] & ~labels["Horror"]][:3]:
        planted.append((film, 4, "Romance"))
        probability[(table["film_id"] == film) & (table["cue"] == 4), 2] = 0.85
    mistaken = labels.index[~labels["Romance"]][-1]
    probability[names == mistaken, 2] = 0.9
    return table, probability, labels, planted, mistaken


def test_planted_cues_come_first():
    cues, probability, labels, planted, mistaken = corpus()
    found = transplanted_cues(cues, probability, labels)
    assert list(found.columns) == ["film_id", "cue", "track", "start", "end", "genre", "probability", "excess"]
    assert set(planted) == set(found.loc[:2, ["film_id", "cue", "genre"]].itertuples(index=False, name=None))
    assert found["excess"].is_monotonic_decreasing
    assert mistaken not in set(found.loc[:10, "film_id"])
    assert not any(labels.loc[row.film_id, row.genre] for row in found.itertuples())
    assert not found.duplicated(["film_id", "cue"]).any()


def test_excess_is_a_literal_difference():
    cues, probability, labels, *_ = corpus(1, films=5, cues=4)
    table = transplanted_cues(cues, pd.DataFrame(probability, columns=GENRES), labels, per_cue=False, steady=0.5)
    assert len(table) == (~labels.to_numpy()).sum() * 4
    for row in table.itertuples():
        k = GENRES.index(row.genre)
        absent = ~labels.loc[cues["film_id"], row.genre].to_numpy()
        others = (cues["film_id"] == row.film_id) & (cues["cue"] != row.cue)
        reference = (probability[others, k].sum() + 0.5 * probability[absent, k].mean()) / (others.sum() + 0.5)
        assert row.excess == pytest.approx(row.probability - reference)


def test_one_cue_and_missing_rows():
    cues, probability, labels, *_ = corpus(2, films=4, cues=3)
    probability[5] = np.nan
    found = transplanted_cues(cues, probability, labels)
    assert not ((found["film_id"] == cues["film_id"][5]) & (found["cue"] == cues["cue"][5])).any()
    assert np.isfinite(found["excess"]).all()
    alone = transplanted_cues(cues.iloc[:1], probability[:1], labels)
    assert (alone["excess"] == 0).all()


def test_errors():
    cues, probability, labels, *_ = corpus(3, films=3)
    with pytest.raises(ValueError, match="36 cues for values of shape"):
        transplanted_cues(cues, probability[1:], labels)
    with pytest.raises(ValueError, match="film 02"):
        transplanted_cues(cues, probability, labels.iloc[:2])


def test_timeline_is_in_the_order_of_the_film():
    cues, probability, *_ = corpus(4, films=2, cues=5)
    attention = np.random.default_rng(0).random(probability.shape)
    shuffled = np.random.default_rng(1).permutation(len(cues))
    table = genre_timeline(cues.iloc[shuffled], probability[shuffled], attention=attention[shuffled], genres=GENRES)
    assert table["genre"].tolist() == GENRES * 10
    first = table[table["film_id"] == "film 00"]
    assert first["start"].is_monotonic_increasing
    assert first["probability"].to_numpy().reshape(5, 3) == pytest.approx(probability[:5])
    assert first["share"].to_numpy().reshape(5, 3) == pytest.approx(attention[:5] / attention[:5].sum(axis=0))
