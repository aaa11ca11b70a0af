"""Sound placed by presentation time, for every ending that is promised."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from filmlens.media.ab import excerpt
from filmlens.media.container import MediaError, duration, probe
from filmlens.media.sound import blocks, read_audio
from filmlens.media.write import write_audio, write_film

RATE = 44_100
DTS = Path(__file__).parent / "fixtures" / "sine_1khz_1s.dts"


def clicks(seconds=6, at=(1.0, 2.5, 4.25), rate=RATE):
    """Short decaying tones at known places: survive every codec, and have a sharp onset."""
    sound = 0.001 * np.random.default_rng(1).standard_normal(int(seconds * rate)).astype(np.float32)
    t = np.arange(int(0.05 * rate)) / rate
    for place in at:
        i = round(place * rate)
        sound[i : i + len(t)] += 0.8 * np.sin(2 * np.pi * 880 * t) * np.exp(-t / 0.02)
    return sound


def lag(heard, sent):
    """Samples by which `heard` is late, from the peak of the cross-correlation."""
    n = min(len(heard), len(sent))
    spectrum = np.fft.rfft(heard[:n], 2 * n) * np.conj(np.fft.rfft(sent[:n], 2 * n))
    peak = int(np.argmax(np.fft.irfft(spectrum)))
    return peak if peak < n else peak - 2 * n


@pytest.mark.parametrize("ending", ["flac", "wav", "mp3", "m4a", "ogg", "opus", "ac3", "eac3"])
def test_every_sound_ending_is_placed_to_the_millisecond(tmp_path, ending):
    rate = 48_000 if ending == "opus" else RATE
    sent, path = clicks(rate=rate), tmp_path / f"sound.{ending}"
    write_audio(path, np.stack([sent, sent]), rate)
    heard = read_audio(path, rate)
    # raw AC-3 carries no note of its encoder's 256 samples of delay
    late = 256 if ending in ("ac3", "eac3") else 0
    assert abs(lag(heard, sent) - late) <= 1
    assert abs(duration(path) - 6) < 0.06
    part = read_audio(path, rate, start=2.0, end=4.5)
    assert abs(lag(part, sent[2 * rate : round(4.5 * rate)]) - late) <= 1
    assert len(part) == round(2.5 * rate)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "webm", "avi"])
def test_every_film_ending_keeps_sound_and_picture_on_one_clock(tmp_path, ending):
    sent, path = clicks(), tmp_path / f"film.{ending}"
    write_film(path, (np.full((32, 48), 40 + 2 * i, np.uint8) for i in range(72)), sent, rate=RATE)
    info = probe(path)
    assert info.has_sound and info.has_pictures and abs(info.duration - 6) < 0.2
    heard = read_audio(path, RATE)
    assert abs(lag(heard, sent)) <= 0.012 * RATE  # AC-3 in AVI: 256 samples; milliseconds in Matroska
    part = read_audio(path, RATE, start=2.0, end=4.5)
    assert abs(lag(part, heard[2 * RATE : round(4.5 * RATE)])) <= 0.001 * RATE  # Matroska's clock ticks in milliseconds


def test_dts_is_decoded():
    sound = read_audio(DTS, 48_000)
    assert abs(len(sound) / 48_000 - 1) < 0.05
    spectrum = np.abs(np.fft.rfft(sound[4800:43200]))
    assert abs(np.argmax(spectrum) * 48_000 / 38_400 - 1000) < 2


def test_blocks_end_to_end_equal_the_whole(tmp_path):
    path = tmp_path / "sound.flac"
    write_audio(path, clicks(5.3), RATE)
    for rate in (RATE, 11_025):
        whole = read_audio(path, rate)
        parts = list(blocks(path, rate, seconds=0.7))
        assert np.array_equal(np.concatenate([samples for _, samples in parts]), whole)
        assert [round(t, 6) for t, _ in parts] == [round(round(0.7 * rate) / rate * i, 6) for i in range(len(parts))]


@pytest.mark.parametrize("ending", ["flac", "wav", "mp3", "m4a", "ogg"])
def test_a_part_is_the_same_samples_wherever_it_begins(tmp_path, ending):
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, 30 * RATE).astype(np.float32)
    path = tmp_path / f"noise.{ending}"
    write_audio(path, noise, RATE)
    whole = read_audio(path, RATE)
    for start in (0.4, 3.333, 17.0171, 28.9):
        part, first = read_audio(path, RATE, start=start, end=start + 1), round(start * RATE)
        assert np.allclose(part, whole[first : first + len(part)], atol=1e-6) and len(part) == RATE


def test_mono_is_the_mean_of_the_channels(tmp_path):
    channels = np.random.default_rng(0).uniform(-0.5, 0.5, (6, RATE)).astype(np.float32)
    path = tmp_path / "surround.flac"
    write_audio(path, channels, RATE)
    stored = read_audio(path, RATE, mono=False)
    assert stored.shape == (6, RATE)
    assert np.abs(stored - channels).max() < 1e-4
    assert np.allclose(read_audio(path, RATE), stored.mean(axis=0), atol=1e-7)


def test_a_late_start_of_the_sound_is_silence_on_the_films_clock(tmp_path):
    path = tmp_path / "late.mkv"
    sent = clicks(3, at=(0.5,))
    with av.open(str(path), "w") as box:
        video = box.add_stream("libx264", rate=10, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = box.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8), "rgb24")
            frame.pts = i
            box.mux(video.encode(frame))
        box.mux(video.encode(None))
        for at in range(0, len(sent), 4410):
            part = (sent[None, at : at + 4410] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(part, "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 2 * RATE + at, Fraction(1, RATE)
            box.mux(audio.encode(frame))
        box.mux(audio.encode(None))
    heard = read_audio(path, RATE)
    assert np.abs(heard[: int(1.99 * RATE)]).max() == 0
    assert abs(np.argmax(np.abs(heard) > 0.3) / RATE - 2.5) < 0.005


def test_an_excerpt_is_ogg_opus_of_its_length(tmp_path):
    path = tmp_path / "sound.flac"
    write_audio(path, clicks(), RATE)
    data = excerpt(path, 2.0, 4.0)
    assert data[:4] == b"OggS" and b"OpusHead" in data[:64]
    (tmp_path / "x.opus").write_bytes(data)
    heard = read_audio(tmp_path / "x.opus", 48_000)
    assert abs(len(heard) / 48_000 - 2) < 0.03
    assert abs(np.argmax(np.abs(heard) > 0.3) / 48_000 - 0.5) < 0.005
    with pytest.raises(ValueError, match="no sound between"):
        excerpt(path, 60, 61)
    with pytest.raises(ValueError, match="empty"):
        excerpt(path, 3, 3)


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "folder"])
def test_bad_files_are_named(tmp_path, kind):
    path = tmp_path / "film.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is no film\n" * 100)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(MediaError, match=r"film\.mp4"):
        read_audio(path, RATE)


def test_a_film_without_sound_says_so(tmp_path):
    path = tmp_path / "silent.mp4"
    write_film(path, (np.zeros((32, 32), np.uint8) for _ in range(12)), None)
    with pytest.raises(MediaError, match="no sound"):
        read_audio(path, RATE)


def test_a_truncated_film_gives_what_is_there(tmp_path):
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    write_film(whole, (np.random.default_rng(i).integers(0, 255, (64, 64), np.uint8) for i in range(72)), clicks())
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    heard, sent = read_audio(cut, RATE), read_audio(whole, RATE)
    assert 1.5 * RATE < len(heard) < 5 * RATE
    n = len(heard) - RATE // 2
    assert np.allclose(heard[:n], sent[:n], atol=1e-6)


def test_a_truncated_mp4_without_its_index_is_an_error(tmp_path):
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    write_film(whole, None, clicks())
    cut.write_bytes(whole.read_bytes()[:-2000])
    try:
        assert len(read_audio(cut, RATE))
    except MediaError as error:
        assert "cut.mp4" in str(error)
