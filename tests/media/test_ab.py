"""A/B excerpts: bytes, alignment, equal loudness; loudness itself; stills, peaks, tiles."""

import io

import av
import numpy as np
import pytest
from conftest import RATE, melody
from scipy.signal import correlate

from filmlens.audition import peaks, spectrogram
from filmlens.corpus import Corpus
from filmlens.media.ab import Place, ab_excerpt, excerpt, loudness, track_sound
from filmlens.media.pictures import thumbnail
from filmlens.media.sound import blocks, read_audio
from filmlens.media.write import write_audio, write_film


def decoded(data):
    """Channels of an excerpt by presentation time, as a browser plays them."""
    with av.open(io.BytesIO(data)) as box:
        parts = [(f.pts * f.time_base, f.to_ndarray()) for f in box.decode(audio=0)]
    first = parts[0][0]
    sound = np.concatenate([p if p.shape[0] == 4 else p.reshape(-1, 4).T for _, p in parts], axis=1)
    return sound[:, max(0, round(float(-first) * 48_000)) :]


def lag(a, b, rate=48_000):
    """Seconds that b is late against a."""
    n = min(len(a), len(b))
    a, b = a[:n] - a[:n].mean(), b[:n] - b[:n].mean()
    return (n - 1 - int(np.argmax(correlate(a, b, method="fft")))) / rate


@pytest.mark.parametrize("speed", [1.0, 1.0417])
def test_film_and_track_are_heard_at_the_same_moment_and_loudness(tmp_path, speed):
    tune = melody(7, 30)
    write_audio(tmp_path / "theme.flac", tune, RATE)
    place = np.arange(int(28 / speed * RATE)) * speed
    heard = np.interp(place, np.arange(len(tune)), tune).astype(np.float32)
    film = 0.003 * np.random.default_rng(0).standard_normal(40 * RATE).astype(np.float32)
    begin = 5 * RATE
    film[begin : begin + len(heard)] += 0.1 * heard  # 20 dB under the album
    write_film(tmp_path / "film.mkv", None, np.stack([film, film]), rate=RATE)
    cue = Place(tmp_path / "theme.flac", 8.0, 3.0 * speed, speed)
    data, factors = ab_excerpt(tmp_path / "film.mkv", cue, 8.0, 24.0)
    assert data[:4] == b"\x1a\x45\xdf\xa3"
    sound = decoded(data)
    assert len(sound) == 4 and abs(sound.shape[1] / 48_000 - 16) < 0.05
    assert abs(lag(sound[0], sound[2])) < 0.030
    assert abs(loudness(sound[:2]) - loudness(sound[2:])) < 1.0
    assert factors[0] / factors[1] == pytest.approx(10, rel=0.1)
    later, again = ab_excerpt(tmp_path / "film.mkv", cue, 20.0, 24.0, factors=factors)
    assert again == factors and abs(lag(*decoded(later)[[0, 2]])) < 0.030


def test_the_track_does_not_leak_into_the_film(tmp_path):
    write_audio(tmp_path / "loud.flac", 0.3 * np.sin(np.arange(10 * RATE) * 0.1), RATE)
    write_film(tmp_path / "quiet.mkv", None, np.zeros(10 * RATE), rate=RATE)
    sound = decoded(ab_excerpt(tmp_path / "quiet.mkv", Place(tmp_path / "loud.flac", 0, 0), 1, 6, factors=(1, 1))[0])
    leak, level = np.sqrt((sound[:2] ** 2).mean()), np.sqrt((sound[2:] ** 2).mean())
    assert 20 * np.log10(level / max(leak, 1e-9)) > 60


def test_sound_outside_the_track_is_silence_in_its_place(tmp_path):
    tune = melody(3, 4)
    write_audio(tmp_path / "t.flac", tune, RATE)
    sound = track_sound(Place(tmp_path / "t.flac", 10.0, 0.0), 8.0, 16.0, RATE, mono=True)
    assert len(sound) == 8 * RATE and not sound[: 2 * RATE].any() and not sound[6 * RATE + 10 :].any()
    assert np.allclose(sound[2 * RATE : 6 * RATE], tune, atol=1e-3)
    assert not track_sound(Place(tmp_path / "t.flac", 10.0, 0.0), 0.0, 5.0, RATE).any()


def test_an_excerpt_without_a_cue_keeps_the_film_as_it_is(two_films):
    film = Corpus.open(two_films)["one"].film
    data, factors = ab_excerpt(film, None, 6.0, 10.0)
    sound = decoded(data)
    assert factors == (1.0, 1.0) and not np.abs(sound[2:]).max() > 1e-3
    true = read_audio(film, 48_000, start=6.0, end=10.0)
    assert abs(loudness(sound[0]) - loudness(true)) < 0.5
    with pytest.raises(ValueError, match="empty"):
        ab_excerpt(film, None, 5.0, 5.0)
    assert excerpt(film, 6.0, 7.0)[:4] == b"OggS"


def test_loudness_of_the_standards_signals():
    """BS.1770: 997 Hz at 0 dBFS is -3.01; EBU Tech 3341, cases 1 to 4."""
    t = np.arange(20 * 48_000) / 48_000
    tone = lambda db, seconds=20: 10 ** (db / 20) * np.sin(2 * np.pi * 1000 * t[: int(seconds * 48_000)])  # noqa: E731
    both = lambda mono: np.stack([mono, mono])  # noqa: E731
    assert loudness(np.sin(2 * np.pi * 997 * t)) == pytest.approx(-3.01, abs=0.02)
    assert loudness(both(tone(-23))) == pytest.approx(-23, abs=0.1)
    assert loudness(both(tone(-33))) == pytest.approx(-33, abs=0.1)
    gated = np.concatenate([tone(-36, 10), tone(-23, 20), tone(-36, 10)])
    assert loudness(both(gated)) == pytest.approx(-23, abs=0.1)
    deep = np.concatenate([tone(-72, 10), tone(-36, 10), tone(-23, 20), tone(-36, 10), tone(-72, 10)])
    assert loudness(both(deep)) == pytest.approx(-23, abs=0.1)
    assert loudness(np.zeros(48_000)) == -np.inf


def test_a_still_is_the_picture_of_its_time(tmp_path):
    pictures = [np.full((48, 64, 3), 10 * k, np.uint8) for k in range(24)]
    write_film(tmp_path / "f.mp4", iter(pictures), np.zeros(2 * RATE), fps=12, rate=RATE)
    for time in (0.0, 0.51, 1.2, 1.99):
        data = thumbnail(tmp_path / "f.mp4", time, width=64)
        assert data[:3] == b"\xff\xd8\xff"
        with av.open(io.BytesIO(data), format="image2pipe") as box:
            grey = next(box.decode(video=0)).to_ndarray(format="rgb24").mean()
        assert abs(grey - 10 * int(time * 12 + 1e-6)) < 5


def test_peaks_grow_to_what_the_film_holds_and_are_kept(two_films):
    corpus = Corpus.open(two_films)
    film = corpus["one"]
    assert peaks.stored(corpus, film) is None
    whole = np.concatenate(list(peaks.grow(corpus, film)))
    sound = np.concatenate([b for _, b in blocks(film.film)])
    assert abs(len(whole) - 40 * peaks.RATE) <= 2
    for k in (0, 101, 399, 700):
        part = sound[k * RATE // peaks.RATE : (k + 1) * RATE // peaks.RATE]
        assert whole[k].tolist() == pytest.approx([part.min() * 127, part.max() * 127], abs=1.01)
    assert (peaks.stored(corpus, film) == whole).all()
    film.film.write_bytes(film.film.read_bytes() + b"0")
    assert peaks.stored(corpus, film) is None, "another file, another waveform"
    levels = peaks.pyramid(whole)
    assert levels[2][:, 1].max() == whole[:, 1].max() and len(levels[1]) == -(-len(whole) // 4)
    shown, rate = peaks.view(levels, 10.0, 20.0, 40)
    assert rate == 5.0 and len(shown) == 50


def test_a_tile_shows_time_from_left_to_right():
    rate, seconds = spectrogram.RATE, spectrogram.SECONDS + 2 * spectrogram.MARGIN
    t = np.arange(int(seconds * rate)) / rate
    tile = spectrogram.tile(np.where(t < seconds / 2, 0.0, 0.5 * np.sin(2 * np.pi * 880 * t)))
    assert tile.shape == (spectrogram.ROWS, spectrogram.COLUMNS) and tile.dtype == np.uint8
    assert not tile[:, : spectrogram.COLUMNS // 2 - 4].any()
    row = int(tile[:, -20:].mean(axis=1).argmax())
    assert abs(np.log2(spectrogram.frequencies()[row] / 880)) < 0.1
