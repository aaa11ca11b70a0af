"""Level and spectrum of short frames: literal loops, limits, invariances."""

import numpy as np
import pytest

from filmlens.features.mir import frame_features, spectral
from filmlens.features.mir.framing import hamming

RATE = 44100


@pytest.fixture(scope="module")
def noise():
    return 0.1 * np.random.default_rng(1).standard_normal(RATE)


def literal_shape(frame):
    m = np.abs(np.fft.rfft(frame * hamming(2205), 4096))
    f = np.arange(2049) * RATE / 4096
    p = m / (m.sum() + 1e-12)
    entropy = -sum(q * np.log(q + 1e-12) for q in p) / np.log(2049)
    raised = m + m.min()
    raised = raised / raised.sum()
    centroid = sum(f * raised)
    spread = np.sqrt(sum((f - centroid) ** 2 * raised))
    skewness = sum((f - centroid) ** 3 * raised) / spread**3
    kurtosis = sum((f - centroid) ** 4 * raised) / spread**4
    return [np.sqrt(sum(m**2)), centroid, spread, skewness, kurtosis, entropy, sum(m[f > 1500]) / sum(m)]


def test_moments_entropy_and_brightness_are_those_of_a_literal_loop(noise):
    frame = noise[:2205] + np.sin(np.arange(2205) / 9)
    out = np.empty((1, 7))
    spectral.shape(np.abs(np.fft.rfft(frame * hamming(2205), 4096))[None], RATE / 4096, out)
    np.testing.assert_allclose(out[0], literal_shape(frame), rtol=1e-11)


def test_rms_and_crossings_are_those_of_a_literal_loop(noise):
    out = spectral.levels(noise)
    for i in (0, 1, 7):
        frame = noise[int(i * 1102.5) :][:2205]
        crossings = sum(frame[n] * frame[n - 1] < 0 for n in range(1, 2205))
        assert out["rms"][1][i, 0] == pytest.approx(np.sqrt((frame**2).mean()), rel=1e-14)
        assert out["zerocross"][1][i, 0] == pytest.approx(crossings / 2205 * RATE / 2, rel=1e-14)


def test_gates_follow_the_loudest_frame():
    table = np.ones((3, 7))
    table[:, 0] = [100.0, 0.9, 0.4]
    table[0, 5], table[1, 5] = 0.94, 0.96
    out = spectral.gated(table)
    assert np.isnan(out["spread"]).tolist() == [False, True, True]
    assert np.isnan(out["brightness"]).tolist() == [False, False, True]
    assert np.isnan(out["centroid"]).tolist() == [False, True, True]


def literal_mfcc(m):
    edges = [133.3333 + 66.66666666 * k for k in range(13)]
    for _ in range(29):
        edges.append(edges[-1] * 1.0711703)
    bands = []
    for low, centre, high in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        total = 0.0
        for k in range(2049):
            f = k * RATE / 4096
            if low < f < high:
                side = (f - low) / (centre - low) if f <= centre else (high - f) / (high - centre)
                total += side * 2 / (high - low) * m[k]
        bands.append(np.log10(total + 2e-16))
    out = [sum(b * np.cos(r * (2 * n + 1) * np.pi / 80) for n, b in enumerate(bands)) for r in range(14)]
    return np.array(out) / np.sqrt(20) / np.where(np.arange(14), 1, np.sqrt(2))


def test_mfcc_are_those_of_a_literal_loop(noise):
    m = np.abs(np.fft.rfft(noise[:2205] * hamming(2205), 4096))
    np.testing.assert_allclose(spectral.mfcc(m[None])[0], literal_mfcc(m), rtol=0, atol=1e-11)


def test_only_rank_0_of_mfcc_knows_the_gain(noise):
    soft, loud = frame_features(noise, RATE), frame_features(8 * noise, RATE)
    difference = loud["mfcc"][1] - soft["mfcc"][1]
    np.testing.assert_allclose(difference[:, 0], np.log10(8) * 40 / np.sqrt(40), rtol=1e-9)
    np.testing.assert_allclose(difference[:, 1:], 0, atol=1e-9)
    for name in ("dmfcc", "ddmfcc", "spread", "skewness", "kurtosis", "brightness", "crest", "flatness", "zerocross"):
        np.testing.assert_allclose(loud[name][1], soft[name][1], rtol=1e-6, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(loud["rms"][1], 8 * soft["rms"][1], rtol=1e-12)


def test_deltas_lose_two_frames_at_either_edge():
    rng = np.random.default_rng(0)
    c = rng.standard_normal((9, 3))
    literal = [sum(j * (c[t + j] - c[t - j]) for j in (1, 2)) / 10 for t in range(2, 7)]
    np.testing.assert_allclose(spectral.delta(c), literal, atol=1e-15)
    assert spectral.delta(c[:4]).shape == (0, 3)


def literal_crest_flatness(frame):
    power = [abs(sum(frame * np.exp(-2j * np.pi * k * np.arange(1323) / 1323))) ** 2 for k in range(662)]
    mean = sum(power) / 662
    return max(power) / mean, np.exp(sum(np.log(p) for p in power) / 662) / mean


def test_crest_and_flatness_are_those_of_a_literal_loop(noise):
    out = spectral.crest_flatness(noise)
    assert out["crest"][1].shape == ((44100 - 1323) // 441 + 1, 1)
    for i in (0, 5):
        crest, flatness = literal_crest_flatness(noise[441 * i :][:1323])
        assert out["crest"][1][i, 0] == pytest.approx(crest, rel=1e-10)
        assert out["flatness"][1][i, 0] == pytest.approx(flatness, rel=1e-10)


def test_crest_and_flatness_at_their_limits(noise):
    impulse = np.zeros(RATE)
    impulse[20_000] = 0.5
    out = spectral.crest_flatness(impulse)
    held = [i for i, start in enumerate(range(0, RATE - 1322, 441)) if start <= 20_000 < start + 1323]
    assert np.flatnonzero(~np.isnan(out["crest"][1])).tolist() == held
    np.testing.assert_allclose(out["crest"][1][held], 1, rtol=1e-9)
    np.testing.assert_allclose(out["flatness"][1][held], 1, rtol=1e-9)
    tone = np.cos(2 * np.pi * 20 * np.arange(RATE) / 1323)  # a whole number of periods per frame
    out = spectral.crest_flatness(tone)
    np.testing.assert_allclose(out["crest"][1], 662, rtol=1e-6)
    assert out["flatness"][1].max() < 1e-15
    white = spectral.crest_flatness(noise)
    assert 0.5 < white["flatness"][1].mean() < 0.62  # exp(-Euler's constant) = .561
    assert 3 < white["crest"][1].mean() < 12
