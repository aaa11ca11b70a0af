"""Cutting a signal into frames, and what is refused."""

import numpy as np
import pytest

from filmlens.features.mir import framing


@pytest.mark.parametrize(("length", "hop"), [(2205.0, 1102.5), (2205.0, 220.5), (4410.0, 551.25), (8268.75, 826.875)])
@pytest.mark.parametrize("total", [2204, 2205, 8268, 44100, 100_001])
def test_frames_start_at_the_floor_of_a_fractional_hop(total, length, hop):
    literal, i = [], 0
    while int(np.floor(i * hop)) + int(np.floor(length)) <= total and i * hop + np.floor(length) <= total:
        literal.append(int(np.floor(i * hop)))
        i += 1
    assert framing.frame_starts(total, length, hop).tolist() == literal


def test_a_signal_shorter_than_a_frame_has_none():
    assert framing.frame_starts(100, 2205.0, 1102.5).size == 0
    assert framing.frame_starts(0, 2205.0, 220.5).size == 0


@pytest.mark.parametrize("cached", [4096, 5 * 4096, 2**20])
def test_spectra_do_not_depend_on_the_size_of_the_blocks(monkeypatch, cached):
    monkeypatch.setattr(framing, "_CACHED_SAMPLES", cached)
    signal = np.random.default_rng(0).standard_normal(9000)
    starts = framing.frame_starts(signal.size, 2205.0, 220.5)
    window = framing.hamming(2205)
    rows = []
    for block, parts in framing.spectra(signal, starts, window, 4096, multiple=5):
        assert block.stop == starts.size or (block.stop - block.start) % 5 == 0
        rows.append(parts.copy())
    literal = [np.fft.rfft(signal[s : s + 2205] * window, 4096) for s in starts]
    np.testing.assert_allclose(np.concatenate(rows).view(complex), literal, rtol=0, atol=1e-11)


def test_the_hamming_window_is_symmetric():
    np.testing.assert_allclose(framing.hamming(2205), np.hamming(2205), atol=1e-15)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 100])
def test_span_is_least_and_greatest(size):
    values = np.random.default_rng(size).standard_normal(size)
    assert framing.span(values) == (values.min(), values.max())


def test_channels_are_averaged_and_whole_numbers_taken_as_they_are():
    left, right = np.arange(4.0), np.arange(4.0)[::-1]
    np.testing.assert_array_equal(framing.prepare(np.stack([left, right]), 44100), np.full(4, 1.5))
    assert framing.prepare(np.array([1, -2], dtype=np.int16), 44100).tolist() == [1.0, -2.0]


@pytest.mark.parametrize("rate", [8000, 96000])
def test_other_rates_are_resampled(rate):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    resampled = framing.prepare(tone, rate)
    wanted = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    assert resampled.shape == (44100,)
    np.testing.assert_allclose(resampled[2000:-2000], wanted[2000:-2000], atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.array([0.0, np.nan, 0.0]), 44100, r"sample 1 .* is NaN or infinite"),
        (np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -np.inf]]), 44100, r"sample 2 .* is NaN or infinite"),
        (np.zeros((2, 2, 2)), 44100, r"shape \(n,\) or \(channels, n\)"),
        (np.zeros(10), 0, "sampling rate must be positive"),
        (np.zeros(10), float("nan"), "sampling rate must be positive"),
    ],
)
def test_damaged_input_is_refused(samples, rate, message):
    with pytest.raises(ValueError, match=message):
        framing.prepare(samples, rate)


def test_a_cascade_of_filters_continues_over_pieces_and_forgets_in_silence():
    scipy_signal = pytest.importorskip("scipy.signal")
    sections = scipy_signal.butter(4, [70, 1000], "bandpass", fs=44100, output="sos")
    signal = np.concatenate([np.random.default_rng(0).standard_normal(5000), np.zeros(400_000)])
    state, out = np.zeros((4, 2)), np.empty_like(signal)
    framing.filtered(signal[:3000], sections, state, out[:3000])
    framing.filtered(signal[3000:], sections, state, out[3000:])
    np.testing.assert_allclose(out, scipy_signal.sosfilt(sections, signal), atol=1e-12)
    assert not state.any()
