"""Chroma from the tonic: any key gives the same, and noise gives what the names say of it."""

import numpy as np
import pandas as pd
import pytest

from filmlens.features import FEATURES
from filmlens.features.mir.tonal import C_MAJOR, C_MINOR
from filmlens.features.tonic import COLUMNS, rotated, rows
from filmlens.names import ON_NOISE


@pytest.mark.parametrize("profile", [C_MAJOR, C_MINOR])
def test_every_key_gives_its_profile_from_the_tonic(profile):
    keys = rotated(np.array([np.roll(profile, k) for k in range(12)]))
    np.testing.assert_allclose(keys, np.tile(np.array(profile) / sum(profile), (12, 1)))


def test_a_cue_has_one_key_whatever_its_seconds_lean_to():
    chroma = np.vstack([np.roll(C_MAJOR, 4), np.roll(C_MAJOR, 4) + 0.01, np.roll(C_MAJOR, 11) * 0.3])
    names = [f"chroma_{k:02d}_mean" for k in range(12)]
    table = pd.DataFrame(chroma, columns=names, index=[5, 3, 9]).assign(cue=[0, 0, 1], time=[0.5, 1.5, 7.5], rms_mean=1)
    found, _ = rows(table)
    assert list(found) == ["cue", "time", *COLUMNS] and list(found.index) == [5, 3, 9]
    assert (found.iloc[0][list(COLUMNS)] == found.iloc[1][list(COLUMNS)]).all()
    for row, mean in ((0, chroma[:2].mean(axis=0)), (2, chroma[2])):
        tonic = 4 if row == 0 else 11
        for k in range(12):
            assert found.iloc[row][f"tonic_{k:02d}"] == pytest.approx(mean[(k + tonic) % 12] / mean.sum())


def test_noise_has_a_tonic_and_the_names_say_how_much():
    found = rotated(np.random.default_rng(0).random((100_000, 12)))
    np.testing.assert_allclose(found.mean(axis=0), ON_NOISE, atol=0.001)
    assert found.sum(axis=1) == pytest.approx(1)


def test_without_chroma_there_is_no_key():
    assert np.isnan(rotated(np.array([np.zeros(12), np.ones(12), np.full(12, np.nan)]))).all()


def test_the_row_names_it():
    assert FEATURES["tonic"].available() and FEATURES["tonic"].column_names() == COLUMNS
