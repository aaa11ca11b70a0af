"""Sound and pictures of a synthetic film: planted levels are the levels."""

import numpy as np
import pytest

from filmlens.demo.pictures import moving_pictures
from filmlens.demo.plan import Cue, Pictures
from filmlens.demo.sound import babble, mix, room

RATE = 22_050


def test_mix_has_the_planted_levels():
    music = {"a": np.random.default_rng(1).normal(0, 0.1, (2, 12 * RATE)).astype(np.float32)}
    cues = [Cue("a", 2.0, 10.0, 3.0, -4.0, 0.5, 1.0), Cue("a", 12.0, 20.0, 0.5, 9.0, 0.2, 0.4)]
    film = [
        mix(24, RATE, some, music, noise_level=15, rng=np.random.default_rng(0)).astype(float) for some in (cues, [])
    ]
    before = slice(0, 2 * RATE)
    gain = (film[0][:, before] * film[1][:, before]).sum() / (film[1][:, before] ** 2).sum()
    rest = gain * film[1]
    assert film[0][:, before] == pytest.approx(rest[:, before], abs=1e-5)
    for cue in cues:
        part = slice(round(cue.start * RATE), round(cue.end * RATE))
        heard = film[0][:, part] - rest[:, part]
        assert 10 * np.log10((heard**2).mean() / (rest[:, part] ** 2).mean()) == pytest.approx(cue.level, abs=0.05)
        begin = round(cue.track_start * RATE)
        played = music["a"][:, begin : begin + heard.shape[1]]
        middle = slice(2 * RATE, 4 * RATE)
        assert np.corrcoef(heard[0, middle], played[0, middle])[0, 1] > 0.999
        assert np.abs(heard[:, :20]).max() < 0.05 * np.abs(heard).max()  # faded in
    assert np.abs(film[0]).max() == pytest.approx(0.9, abs=1e-3)


def test_babble_is_speech_like():
    voice = babble(30, 16_000, np.random.default_rng(2))
    assert voice.shape == (30 * 16_000,) and np.isfinite(voice).all()
    power = np.abs(np.fft.rfft(voice)) ** 2
    frequency = np.fft.rfftfreq(len(voice), 1 / 16_000)

    def share(low, high):
        return power[(frequency >= low) & (frequency < high)].sum() / power.sum()

    assert share(80, 1000) > 0.6 and share(1000, 4000) > 0.02  # a voice with formants
    level = np.sqrt((voice.reshape(-1, 160) ** 2).mean(axis=1))
    spoken = level > 0.1 * level.max()
    assert 0.4 < spoken.mean() < 0.95  # pauses
    envelope = np.abs(np.fft.rfft(level - level.mean())) ** 2
    rhythm = np.fft.rfftfreq(len(level), 0.01)
    assert envelope[(rhythm > 2) & (rhythm < 9)].sum() > envelope[(rhythm > 12) & (rhythm < 30)].sum()


def test_room_has_unit_power_and_is_low():
    noise = room(5, RATE, np.random.default_rng(0))
    assert (noise**2).mean() == pytest.approx(1, abs=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    assert power[: len(power) // 20].sum() > 0.8 * power.sum()


@pytest.mark.parametrize(("brightness", "contrast", "bar"), [(0.28, 0.36, 0), (0.42, 0.55, 12), (0.55, 0.75, 0)])
def test_pictures_have_the_planted_brightness_and_contrast(brightness, contrast, bar):
    look = Pictures(brightness=brightness, contrast=contrast, width=160, height=90, bar=bar, hue=0.1)
    seen = list(moving_pictures(look, 40, 6, np.random.default_rng(4)))
    assert len(seen) == 240
    assert {(picture.shape, picture.dtype) for picture in seen} == {((90, 160, 3), np.dtype(np.uint8))}
    luma = np.array([picture @ (0.299, 0.587, 0.114) for picture in seen[::6]]) / 255
    inside = luma[:, bar : 90 - bar]
    assert np.median(inside.mean(axis=(1, 2))) == pytest.approx(brightness, abs=0.06)
    assert np.median(inside.max(axis=(1, 2)) - inside.min(axis=(1, 2))) == pytest.approx(contrast, abs=0.08)
    if bar:
        assert luma[:, :bar].max() == luma[:, -bar:].max() == 0


def test_pictures_move_and_cut():
    look = Pictures(brightness=0.45, contrast=0.6, width=160, height=90, bar=0, hue=0.5)
    seen = np.array(list(moving_pictures(look, 30, 6, np.random.default_rng(1))), float)
    change = np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2, 3))
    cuts = change > 15
    assert 3 <= cuts.sum() <= 15
    assert 0.2 < np.median(change[~cuts]) < 10
