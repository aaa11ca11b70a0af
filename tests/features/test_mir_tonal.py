"""Chroma, key strengths, clarity and mode."""

import numpy as np
import pytest

from filmlens.features.mir import tonal
from filmlens.features.mir.framing import hamming
from filmlens.features.mir.tonal import C_MAJOR, C_MINOR, PROFILES

RATE = 44100


def tone(*frequencies, seconds=0.5):
    t = np.arange(int(seconds * RATE)) / RATE
    return 0.1 * sum(np.sin(2 * np.pi * f * t) for f in frequencies)


def literal_chroma(frame):
    scaled = (frame - frame.min()) / (frame.max() - frame.min())
    m = np.abs(np.fft.rfft(scaled * hamming(8820), 16384))
    f = np.arange(8193) * RATE / 16384
    lowest = min(k for k in range(8193) if f[k] >= 100)
    highest = f[lowest] * 2 ** np.floor(np.log2(max(q for q in f if q <= 6400) / f[lowest]))
    bins = [k for k in range(lowest, 8193) if f[k] <= highest]
    numbers = [round(12 * np.log2(f[k] / 261.6256)) for k in bins]
    chroma = np.zeros(12)
    for number in range(min(numbers), max(numbers) + 1):
        centre, below, above = (261.6256 * 2 ** (n / 12) for n in (number, number - 1, number + 1))
        inside = [m[k] for k in bins if centre - 0.5 * (centre - below) < f[k] < centre + 0.5 * (above - centre)]
        chroma[number % 12] += np.mean(inside) * (0.5 if number in (min(numbers), max(numbers)) else 1)
    return chroma / (chroma.max() + 1e-6)


def test_chroma_is_that_of_a_literal_loop():
    signal = tone(220, 554) + 0.02 * np.random.default_rng(0).standard_normal(RATE // 2)
    times, values = tonal.chroma(signal)
    assert values.shape == (len(times), 12) == (31, 12)
    np.testing.assert_allclose(values[3], literal_chroma(signal[3 * 441 : 3 * 441 + 8820]), rtol=1e-10)


@pytest.mark.parametrize("semitone", range(12))
def test_the_largest_chroma_is_the_notes(semitone):
    _, values = tonal.chroma(tone(523.2511 * 2 ** (semitone / 12)))
    assert (values.argmax(axis=1) == semitone).all()


def test_chroma_does_not_know_the_gain():
    signal = tone(300, 451)
    np.testing.assert_allclose(tonal.chroma(5 * signal)[1], tonal.chroma(signal)[1], atol=1e-12)


@pytest.mark.parametrize("shift", [1, 5, 11])
def test_rotating_a_chroma_rotates_the_key_strengths(shift):
    chroma = np.random.default_rng(shift).random((4, 12))
    strengths = tonal.key_strengths(chroma).reshape(4, 2, 12)
    rotated = tonal.key_strengths(np.roll(chroma, shift, axis=1)).reshape(4, 2, 12)
    np.testing.assert_allclose(rotated, np.roll(strengths, shift, axis=2), atol=1e-14)


def test_key_strengths_are_correlations():
    chroma = np.random.default_rng(0).random((2, 12))
    strengths = tonal.key_strengths(chroma)
    for row in range(2):
        for key in range(24):
            assert strengths[row, key] == pytest.approx(np.corrcoef(chroma[row], PROFILES[key])[0, 1], abs=1e-14)


def test_mode_is_positive_on_the_major_profile_and_negative_on_the_minor():
    clarity, mode = tonal.key_clarity_mode(tonal.key_strengths(np.array([C_MAJOR, C_MINOR])))
    np.testing.assert_allclose(clarity, 1, atol=1e-12)
    assert mode[0] > 0.1 > -0.1 > mode[1]


def test_major_and_minor_triads():
    major = tonal.tonality(tone(261.63, 329.63, 392.0, 523.25, seconds=1.5))
    minor = tonal.tonality(tone(261.63, 311.13, 392.0, 523.25, seconds=1.5))
    assert (major["mode"][1] > 0).all() and (minor["mode"][1] < 0).all()


def test_flat_chroma_and_silence_have_no_key():
    assert np.isnan(tonal.key_strengths(np.ones((1, 12)))).all()
    out = tonal.tonality(np.zeros(2 * RATE))
    assert all(np.isnan(values).all() for _, values in out.values())


def test_a_cue_shorter_than_a_key_frame_is_one_frame():
    times, values = tonal.tonality(tone(261.63, 329.63, 392.0))["mode"]
    assert values.shape == (1, 1) and values[0, 0] > 0
    assert times[0] == pytest.approx(0.25, abs=1e-4)
    assert tonal.tonality(np.zeros(8000))["mode"][1].shape == (0, 1)
