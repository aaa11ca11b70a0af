"""What the network hears: patches, where they start, sounds that are short, loud, broken or of another rate."""

import numpy as np
import pytest

from filmlens.features.musicnn import frontend, network, rows, weights, words
from filmlens.features.musicnn.frontend import FRAMES, RATE, frame_count, spectrogram, starts

RNG = np.random.default_rng(0)


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def test_frames_as_librosa_makes_them():
    import librosa

    sound = noise(20)
    mel = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=512, hop_length=256, n_mels=96, center=True, pad_mode="constant"
    )
    expected = np.log10(10_000 * mel.T.astype(np.float16).astype(np.float32) + 1)
    assert spectrogram(sound) == pytest.approx(expected, abs=1e-3)


def test_part_of_a_spectrogram_is_the_same_as_of_the_whole():
    sound = noise(40)
    whole = spectrogram(sound)
    assert len(whole) == frame_count(sound) > 2 * 1024
    for first, last in ((0, 1), (0, 200), (1000, 1100), (len(whole) - 3, len(whole))):
        assert np.array_equal(spectrogram(sound, first, last), whole[first:last])


def test_patches_lie_side_by_side_or_follow_a_hop():
    sound = noise(9.5)
    frames = spectrogram(sound)
    side = frontend.patches(sound)
    assert side.shape == (3, FRAMES, 96) and side.dtype == np.float32
    assert all(np.array_equal(patch, frames[187 * k : 187 * k + 187]) for k, patch in enumerate(side))
    for hop in (0.3, 1.0, 2.5):
        places = [at for k in range(1000) if (at := int(np.floor(62.5 * hop * k + 0.5))) + 187 <= len(frames)]
        assert starts(len(frames), hop).tolist() == places
        assert np.array_equal(frontend.patches(sound, hop=hop), np.stack([frames[at : at + 187] for at in places]))


@pytest.mark.parametrize(("samples", "expected"), [(186 * 256 - 1, 0), (186 * 256, 1), (100, 0)])
def test_only_whole_patches(samples, expected):
    assert len(frontend.patches(noise(4)[:samples])) == expected


def test_another_rate_and_channels():
    tone = np.sin(2 * np.pi * 440 * np.arange(44_100 * 4) / 44_100)
    here = np.sin(2 * np.pi * 440 * np.arange(RATE * 4) / RATE)
    both = frontend.patches(np.stack([tone, np.zeros_like(tone)]), 44_100)
    # the edges of a resampled tone ring
    assert both[0, 10:150, 15:40] == pytest.approx(frontend.patches(here / 2)[0, 10:150, 15:40], abs=0.02)


def test_sound_far_above_full_scale_stays_finite():
    assert np.isfinite(frontend.patches(1000 * noise(4))).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_broken_samples_are_refused(bad):
    sound = noise(4)
    sound[5000] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        frontend.patches(sound)
    with pytest.raises(ValueError, match="no samples"):
        frontend.patches(sound[:0])
    with pytest.raises(ValueError, match="more than 0 s"):
        frontend.patches(noise(4), hop=0)


@pytest.mark.parametrize("seconds", [3.0, 3.4, 7.6, 130.2])
def test_rows_hear_the_three_seconds_around_them_inside_the_cue(musicnn_weights, monkeypatch, seconds):
    """Row by row: from the frame that the second's middle falls on, 93 back, moved into the cue."""
    monkeypatch.setenv(weights.VARIABLE, str(musicnn_weights))
    sound = noise(seconds)
    tables, notes = rows.rows([sound])
    [table] = tables
    frames, net = spectrogram(sound), weights.load()
    assert table["time"].tolist() == [k + 0.5 for k in range(int(seconds + 0.5))]
    for k in (0, 1, len(table) // 2, len(table) - 1):
        start = min(max(int(np.floor(62.5 * (k + 0.5) + 0.5)) - 93, 0), len(frames) - 187)
        tags, penultimate = network.infer(net, frames[None, start : start + 187])
        assert table.loc[k, list(rows.COLUMNS)].to_numpy(float) == pytest.approx(penultimate[0], abs=1e-3)
        assert rows.tags(table)[0].loc[k, list(rows.TAG_COLUMNS)].to_numpy(float) == pytest.approx(tags[0], abs=1e-4)
    assert notes == {"weights": musicnn_weights.name, "origin": "other weights than musicnn 0.1.0"}


def test_a_cue_under_three_seconds_has_no_row(musicnn_weights, monkeypatch):
    monkeypatch.setenv(weights.VARIABLE, str(musicnn_weights))
    short, long = rows.rows([noise(2.9), noise(3.1)])[0]
    assert len(short) == 0 and len(long) == 3 and list(short) == list(long) == ["time", *rows.COLUMNS]
    assert len(rows.tags(short)[0]) == 0


def test_the_two_networks_differ(musicnn_weights, monkeypatch):
    monkeypatch.setenv(weights.VARIABLE, str(musicnn_weights))
    [one], [other] = rows.rows([noise(4)])[0], rows.msd_rows([noise(4)])[0]
    assert list(one) == list(other) and not np.allclose(one[list(rows.COLUMNS)], other[list(rows.COLUMNS)])


def test_names_of_tags_are_columns():
    assert len(set(rows.TAG_COLUMNS)) == 50 and {"tag_strings", "tag_no_vocals"} < set(rows.TAG_COLUMNS)
    assert [len(labels) for labels in words.LABELS.values()] == [50, 50]
