"""What VGGish hears: the published check values, a literal version, counts of frames and examples."""

import numpy as np
import pytest

from filmlens.features.vggish import examples


def tone(seconds=3.0, rate=16_000):
    return np.sin(2 * np.pi * 1000 * np.arange(0, seconds, 1 / rate))


def literal(sound):
    """Frame by frame, bin by bin, band by band."""
    if len(sound) < 15_600:
        sound = np.concatenate([sound, np.zeros(15_600 - len(sound))])
    mel = [1127 * np.log(1 + k * 16_000 / 512 / 700) for k in range(257)]
    low, high = (1127 * np.log(1 + f / 700) for f in (125, 7500))
    edges = [low + (high - low) * i / 65 for i in range(66)]
    window = [0.5 - 0.5 * np.cos(2 * np.pi * n / 400) for n in range(400)]
    rows = []
    for i in range(1 + (len(sound) - 400) // 160):
        frame = np.zeros(512)
        for n in range(400):
            frame[n] = sound[160 * i + n] * window[n]
        magnitude = np.abs(np.fft.fft(frame))[:257]
        row = []
        for band in range(64):
            a, b, c = edges[band : band + 3]
            total = 0.0
            for k in range(1, 257):
                weight = max(0.0, min((mel[k] - a) / (b - a), (c - mel[k]) / (c - b)))
                total += weight * magnitude[k]
            row.append(np.log(total + 0.01))
        rows.append(row)
    count = len(rows) // 96
    return np.array(rows[: 96 * count]).reshape(count, 96, 64)


def test_the_check_values_of_a_tone():
    heard = examples(tone())
    assert heard.shape == (3, 96, 64)
    assert heard[0, 0, :3] == pytest.approx([-4.48313, -4.27083, -4.17064], abs=1e-4)
    assert heard[0, 0, -3:] == pytest.approx([-4.60069, -4.60099, -4.60116], abs=1e-4)


@pytest.mark.parametrize("seed, count, level", [(0, 15_600, 1.0), (1, 9_000, 0.01)])
def test_it_equals_a_literal_version(seed, count, level):
    sound = level * np.random.default_rng(seed).uniform(-1, 1, count)
    assert np.abs(examples(sound) - literal(sound)).max() < 1e-5


@pytest.mark.parametrize("seconds, count", [(0.1, 1), (0.975, 1), (3, 3), (10, 10), (600, 624)])
def test_how_many_examples_a_sound_has(seconds, count):
    samples = round(seconds * 16_000)
    frames = 1 + (max(samples, 15_600) - 400) // 160
    assert count == frames // 96
    sound = np.random.default_rng(0).uniform(-1, 1, samples)
    heard = examples(sound)
    assert heard.shape == (count, 96, 64) and heard.dtype == np.float32 and np.isfinite(heard).all()
    # in blocks or at once: the last example is that of the sound from its start on
    assert heard[-1] == pytest.approx(examples(sound[(count - 1) * 96 * 160 :])[0], abs=1e-6)


def test_channels_are_averaged_and_other_rates_resampled():
    left, right = np.random.default_rng(1).uniform(-1, 1, (2, 32_000))
    assert np.array_equal(examples(np.array([left, right])), examples((left + right) / 2))
    t = np.arange(0, 3, 1 / 44_100)
    other = examples(np.sin(2 * np.pi * 1000 * t), 44_100)
    loud = examples(tone()) > -3
    assert np.abs(other - examples(tone()))[loud].max() < 0.02


@pytest.mark.parametrize("sound", [np.zeros(0), np.array([0.1, np.nan] * 9000), np.full(16_000, np.inf)])
def test_no_sound_is_refused(sound):
    with pytest.raises(ValueError, match=r"no samples|NaN or infinity"):
        examples(sound)


def test_silence_is_the_floor():
    assert np.allclose(examples(np.zeros(16_000)), np.log(0.01))
