"""Pitch content in any key: transposition changes nothing, scales have the qualities they are named for."""

import numpy as np
import pandas as pd
import pytest

from filmlens.features import FEATURES
from filmlens.features.keyfree import COLUMNS, rows
from filmlens.names import QUALITIES

SCALES = {
    "chromatic": [0, 1, 2],
    "hexatonic": [0, 1, 4, 5, 8, 9],
    "octatonic": [0, 1, 3, 4, 6, 7, 9, 10],
    "diatonic": [0, 2, 4, 5, 7, 9, 11],
    "whole-tone": [0, 2, 4, 6, 8, 10],
}


def table(chroma):
    names = [f"chroma_{k:02d}_mean" for k in range(12)]
    return pd.DataFrame(np.atleast_2d(chroma), columns=names).assign(cue=0, time=0.5, rms_mean=1.0)


def test_transposition_changes_nothing():
    chroma = np.random.default_rng(0).random(12)
    found = rows(table([np.roll(chroma, k) for k in range(12)]))[0]
    assert list(found) == ["cue", "time", *COLUMNS]
    np.testing.assert_allclose(found[list(COLUMNS)], found[list(COLUMNS)].iloc[[0] * 12])


def test_it_is_the_fourier_transform_term_by_term():
    chroma = np.random.default_rng(1).random(12)
    found = rows(table(chroma))[0].iloc[0]
    for k in range(1, 7):
        term = sum(chroma[p] * np.exp(-2j * np.pi * k * p / 12) for p in range(12))
        assert found[f"keyfree_{k}"] == pytest.approx(abs(term) / chroma.sum())


@pytest.mark.parametrize("quality", SCALES)
def test_a_scale_is_most_of_what_it_is_named_for(quality):
    scale = np.isin(np.arange(12), SCALES[quality]).astype(float)
    found = rows(table(scale))[0][list(COLUMNS)].iloc[0]
    assert QUALITIES[int(found.idxmax().removeprefix("keyfree_"))] == quality


def test_silence_has_none_and_flat_chroma_no_quality():
    found = rows(table([np.zeros(12), np.full(12, np.nan), np.ones(12)]))[0][list(COLUMNS)]
    assert found.iloc[:2].isna().all(axis=None) and found.iloc[2].abs().max() < 1e-12


def test_the_row_names_it():
    row = FEATURES["keyfree"]
    assert row.available() and row.ours and row.column_names() == COLUMNS
