"""Roughness against Sethares' sum over pairs, and what musicians would say."""

import numpy as np
import pytest

from filmlens.features.mir import frame_features
from filmlens.features.mir.framing import hamming
from filmlens.features.mir.peaks import contrast_peaks
from filmlens.features.mir.spectral import roughness

RATE = 44100


def spectrum(signal):
    return np.abs(np.fft.rfft(signal[:2205] * hamming(2205), 4096))


def literal_roughness(m, low, high):
    scaled = (m - low) / (high - low)
    found = np.empty(m.size, np.int64)
    peaks = found[: contrast_peaks(scaled, 0.01, 0.0, False, found)]
    total = 0.0
    for a in peaks:
        for b in peaks:
            if b > a:
                fa, fb = a * RATE / 4096, b * RATE / 4096
                q = 0.24 * (fb - fa) / (0.0207 * fa + 18.96)
                total += m[a] * m[b] * (np.exp(-3.51 * q) - np.exp(-5.75 * q))
    return total


@pytest.mark.parametrize("seed", range(3))
def test_roughness_is_that_of_a_literal_loop(seed):
    rng = np.random.default_rng(seed)
    t = np.arange(2205) / RATE
    rows = [spectrum(sum(np.sin(2 * np.pi * f * t) for f in rng.uniform(100, 8000, n))) for n in (2, 5, 40)]
    rows.append(spectrum(rng.standard_normal(2205)))
    m = np.array(rows)
    out = roughness(m, m.min(), m.max())
    np.testing.assert_allclose(out, [literal_roughness(row, m.min(), m.max()) for row in m], rtol=1e-12)


def test_silence_and_single_partials_are_smooth():
    assert roughness(np.zeros((2, 2049)), 0.0, 0.0).tolist() == [0.0, 0.0]
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    assert frame_features(tone, RATE)["roughness"][1].max() == 0


def dyad(interval):
    t = np.arange(RATE) / RATE
    notes = [sum(np.sin(2 * np.pi * k * f * t) / k for k in range(1, 7)) for f in (440, 440 * interval)]
    return 0.1 * np.sum(notes, axis=0)


def test_a_minor_second_is_rougher_than_a_fifth():
    second = frame_features(dyad(16 / 15), RATE)["roughness"][1].mean()
    fifth = frame_features(dyad(3 / 2), RATE)["roughness"][1].mean()
    assert second > 2 * fifth > 0
