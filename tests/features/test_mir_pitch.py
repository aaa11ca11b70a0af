"""Fundamentals and inharmonicity."""

import numpy as np
import pytest

from filmlens.features.mir import frame_features, pitch
from filmlens.features.mir.framing import hamming

RATE = 44100


def note(f0, partials=20, stretch=0.0, seconds=0.4, rolloff=1.0):
    t = np.arange(int(seconds * RATE)) / RATE
    frequencies = [k * f0 * np.sqrt(1 + stretch * k * k) for k in range(1, partials + 1)]
    return 0.1 * sum(
        np.sin(2 * np.pi * f * t + k) / (k + 1) ** rolloff for k, f in enumerate(frequencies) if f < 21_000
    )


def literal_inharmonicity(frame, f0):
    m = np.abs(np.fft.rfft(frame * hamming(4410), 8192))
    away = 0.0
    for k in range(4097):
        ratio = k * RATE / 8192 / f0
        away += 2 * abs(ratio - round(ratio)) * m[k]
    return away / sum(m)


@pytest.mark.parametrize("f0", [97.3, 440.0, 1234.5])
def test_inharmonicity_with_a_given_fundamental_is_that_of_a_literal_loop(f0):
    signal = note(f0) + 0.01 * np.random.default_rng(0).standard_normal(int(0.4 * RATE))
    times, values = pitch.inharmonicity(signal, f0=f0)
    assert values.shape == (len(times), 1) == (25, 1)
    for i in (0, 7, 24):
        frame = signal[int(i * 551.25) :][:4410]
        assert values[i, 0] == pytest.approx(literal_inharmonicity(frame, f0), rel=1e-12)


@pytest.mark.parametrize("f0", [80, 87.3, 110, 196, 261.63, 440, 659.26, 905, 1000, 1280, 1567.98, 1900, 1999, 2000])
@pytest.mark.parametrize(("partials", "rolloff"), [(20, 1.0), (6, 0.5)])
def test_fundamentals_of_single_notes_are_within_one_percent(f0, partials, rolloff):
    _, found = pitch.fundamentals(note(f0, partials, rolloff=rolloff))
    assert np.isnan(found).mean() < 0.2
    np.testing.assert_allclose(found[~np.isnan(found)], f0, rtol=0.01)


@pytest.mark.parametrize("f0", [100, 130.8, 220, 440, 1000, 2000])
@pytest.mark.parametrize(("partials", "rolloff"), [(20, 1.0), (10, 0.0), (10, 2.0), (4, 1.0), (1, 1.0)])
def test_integer_partials_are_hardly_inharmonic(f0, partials, rolloff):
    _, values = pitch.inharmonicity(note(f0, partials, rolloff=rolloff))
    assert np.median(values) <= 0.15


@pytest.mark.parametrize("f0", [110, 220, 440, 880])
def test_inharmonicity_rises_with_the_stretch_of_the_partials(f0):
    rising = [np.nanmedian(pitch.inharmonicity(note(f0, 10, stretch))[1]) for stretch in (0, 5e-4, 1e-3, 2e-3, 4e-3)]
    assert (np.diff(rising) > 0).all()


@pytest.mark.parametrize("colour", [0, 1, 2])
def test_behind_the_voicing_gate_noise_has_no_fundamental(colour):
    white = np.fft.rfft(np.random.default_rng(colour).standard_normal(3 * RATE))
    white[1:] /= np.arange(1, white.size) ** (colour / 2)
    signal = np.fft.irfft(white)
    signal *= 0.1 / signal.std()
    assert np.isnan(pitch.fundamentals(signal, voicing=0.08)[1]).all()
    assert np.isnan(frame_features(signal, RATE, voicing=0.08)["inharmonicity"][1]).all()


def test_without_the_voicing_gate_mirpitch_finds_pitches_in_noise():
    signal = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    assert np.isfinite(pitch.fundamentals(signal)[1]).mean() > 0.5
    _, gated = pitch.fundamentals(note(220), voicing=0.08)
    _, literal = pitch.fundamentals(note(220))
    np.testing.assert_array_equal(gated, literal)


@pytest.mark.parametrize("signal", [np.zeros(RATE), np.full(RATE, 0.3)], ids=["silence", "constant"])
def test_silence_has_no_fundamental(signal):
    assert np.isnan(pitch.inharmonicity(signal)[1]).all()


def test_inharmonicity_does_not_know_the_gain():
    signal = note(330) + note(415)
    np.testing.assert_allclose(pitch.inharmonicity(9 * signal)[1], pitch.inharmonicity(signal)[1], rtol=1e-9)


def test_long_cues_are_measured_in_sections(monkeypatch):
    signal = np.concatenate([note(200), note(300), 0.1 * np.random.default_rng(0).standard_normal(9000)])
    whole = pitch.fundamentals(signal)[1]
    monkeypatch.setattr(pitch, "_SECTION", 7)
    np.testing.assert_allclose(pitch.fundamentals(signal)[1], whole, rtol=1e-12)


def test_cues_shorter_than_a_frame_have_none():
    times, values = pitch.inharmonicity(np.ones(4409))
    assert times.shape == (0,) and values.shape == (0, 1)
