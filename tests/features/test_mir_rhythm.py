"""Pulse clarity and tempo: their envelopes against plain filters, and pulses of known rate."""

import numpy as np
import pytest
import scipy.signal

from filmlens.features.mir import rhythm

RATE = 44100


def clicks(bpm, seconds=8.0, jitter=0.0):
    rng = np.random.default_rng(0)
    burst = rng.standard_normal(1000) * np.exp(-np.arange(1000) / 300)
    out = np.zeros(int(seconds * RATE) + 1000)
    for beat in np.arange(0, seconds, 60 / bpm):
        at = int((beat + jitter * rng.uniform(0, 1)) * RATE)
        out[at : at + 1000] += 0.3 * burst[: out.size - at]
    return out[: int(seconds * RATE)]


def test_the_power_envelope_is_the_sum_over_the_bins_of_a_spectrum():
    signal = np.random.default_rng(0).standard_normal(12_000)
    padded = np.concatenate([np.zeros(3969), signal, np.zeros(4410)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(4410) / 4409)
    frames = [padded[int(i * 441) :][:4410] * window for i in range((12_000 - 441) // 441 + 1)]
    literal = (np.abs(np.fft.rfft(frames, 8192, axis=1)) ** 2).sum(axis=1)
    np.testing.assert_allclose(rhythm.power_envelope(signal), literal, rtol=1e-12)


def test_the_onset_envelope_is_that_of_plain_filters():
    """Gammatones of eight lfilter sections, filtfilt with three mirrored samples, every sixteenth sample."""
    signal = 0.1 * np.random.default_rng(0).standard_normal(9_001)
    zeros, poles, gain = rhythm.gammatones()
    smooth = np.exp(-1 / (0.02 * RATE))
    total = 0.0
    for band in range(10):
        y = signal * gain[band]
        for section in range(4):
            y = scipy.signal.lfilter([1, zeros[section, band]], [1, *poles[:, band]], y)
        y = scipy.signal.filtfilt([1 - smooth], [1, -smooth], np.abs(y), padlen=3)
        total = total + np.diff(np.maximum(y, 0)[::16])
    np.testing.assert_allclose(rhythm.onset_envelope(signal), total / np.abs(total).max(), atol=1e-11)


def test_gammatones_pass_their_centres_and_little_else():
    zeros, poles, gain = rhythm.gammatones()
    z = np.exp(1j * np.pi * np.arange(1 << 15) / (1 << 15))
    for band in range(10):
        sections = [(z**2 + zero * z) / (z**2 + poles[0, band] * z + poles[1, band]) for zero in zeros[:, band]]
        response = gain[band] * np.abs(np.prod(sections, axis=0))
        assert response.max() == pytest.approx(1, abs=0.02)
        assert (response > 0.5).mean() < 0.2


def test_repetition_is_a_plain_autocorrelation():
    envelope = np.random.default_rng(0).standard_normal(700)
    starts, size, first, curves = rhythm.repetition(envelope, 100.0, 5.0, 0.5)
    assert (starts.tolist(), size, first, curves.shape) == ([0, 50, 100, 150, 200], 500, 30, (5, 121))
    frame = envelope[50:550] - envelope[50:550].mean()
    for column, lag in ((0, 30), (57, 87), (120, 150)):
        expected = (frame[lag:] * frame[: 500 - lag]).sum() / (frame**2).sum()
        expected *= max(1 - 0.25 * np.log2(lag / 100 / 0.5) ** 2, 0)
        assert curves[1, column] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bpm", [50, 61, 72, 84, 96, 100, 113, 120, 127, 140, 155, 166, 180])
def test_tempo_of_click_tracks_is_within_one_percent(bpm):
    _, values = rhythm.tempo(clicks(bpm))
    np.testing.assert_allclose(values, bpm, rtol=0.01)


def test_tempo_and_pulse_clarity_do_not_know_the_gain():
    signal = clicks(93)
    np.testing.assert_allclose(rhythm.tempo(7 * signal)[1], rhythm.tempo(signal)[1], rtol=1e-9)
    np.testing.assert_allclose(rhythm.pulse_clarity(7 * signal)[1], rhythm.pulse_clarity(signal)[1], rtol=1e-9)


def test_a_steady_pulse_is_clearer_than_a_loose_one_and_than_noise():
    steady = rhythm.pulse_clarity(clicks(120))[1].mean()
    loose = rhythm.pulse_clarity(clicks(120, jitter=0.3))[1].mean()
    noise = rhythm.pulse_clarity(np.random.default_rng(0).standard_normal(8 * RATE))[1].mean()
    assert steady > 0.8 > loose > noise


def test_silence_has_no_tempo_and_no_pulse():
    assert np.isnan(rhythm.tempo(np.zeros(5 * RATE))[1]).all()
    assert (rhythm.pulse_clarity(np.zeros(6 * RATE))[1] == 0).all()


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (3, 0), (15, 0), (16, 0), (13_000, 0), (30_000, 1)])
def test_signals_without_two_periods_in_range_have_no_frame(samples, frames):
    signal = np.random.default_rng(0).standard_normal(samples)
    assert len(rhythm.tempo(signal)[1]) == len(rhythm.pulse_clarity(signal)[1]) == frames


def test_a_cue_shorter_than_the_frames_is_one_frame():
    signal = clicks(150, seconds=2.0)
    times, values = rhythm.tempo(signal)
    assert values.shape == (1, 1) and values[0, 0] == pytest.approx(150, rel=0.01)
    assert times[0] == pytest.approx(1.0, abs=0.001)
    assert rhythm.pulse_clarity(signal)[1].shape == (1, 1)


def test_digital_silence_after_sound_leaves_no_denormal_numbers():
    signal = np.concatenate([clicks(120, seconds=2.0), np.zeros(30 * RATE)])
    envelope = np.abs(rhythm.onset_envelope(signal))
    assert not ((envelope > 0) & (envelope < 1e-300)).any() and envelope[-1] == 0


def test_unknown_windows_are_refused():
    with pytest.raises(ValueError, match="hann must be"):
        rhythm.power_envelope(np.zeros(5000), hann="hamming")
