"""The encoder: what is written comes back, at the same place, and the same input gives the same bytes."""

import av
import numpy as np
import pytest

from filmlens.media.write import AUDIO_CODECS, FILM_CODECS, write_audio, write_film

RATE = 44_100


def sweep(seconds=2.0, rate=RATE, channels=1):
    t = np.arange(int(seconds * rate)) / rate
    both = [0.4 * np.sin(2 * np.pi * (200 + 300 * c) * t * (1 + 0.4 * t)) for c in range(channels)]
    return np.squeeze(np.array(both, np.float32))


def decode(path):
    """Samples (channels, n) as floats, and the rate."""
    with av.open(str(path)) as box:
        parts = []
        for frame in box.decode(audio=0):
            samples, count = frame.to_ndarray(), frame.layout.nb_channels
            samples = samples if frame.format.is_planar else samples.reshape(-1, count).T
            parts.append(samples / 32768 if samples.dtype == np.int16 else samples)
        return np.concatenate(parts, axis=1), frame.sample_rate


def decode_pictures(path):
    with av.open(str(path)) as box:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in box.decode(video=0)]


def stripes(count, height=36, width=64, gray=False):
    """Pictures whose grey says which one it is."""
    for k in range(count):
        picture = np.full((height, width), 40 + 4 * k, np.uint8)
        yield picture if gray else np.repeat(picture[..., None], 3, axis=-1)


@pytest.mark.parametrize("ending", AUDIO_CODECS)
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_comes_back(tmp_path, ending, channels):
    path, sent = tmp_path / f"a{ending}", sweep(channels=channels)
    write_audio(path, sent, RATE)
    heard, rate = decode(path)
    assert rate == (48_000 if ending == ".opus" else RATE)
    assert len(heard) == channels
    assert heard.shape[1] / rate == pytest.approx(2.0, abs=0.04)  # codecs fill their last frame
    delay = 256 if "ac3" in ending else 0  # a bare AC-3 stream cannot say that its first samples are priming
    for c in range(channels):
        expected = sent if channels == 1 else sent[c]
        got = heard[c, delay:]
        if rate != RATE:
            expected = np.interp(np.arange(2 * rate) / rate, np.arange(len(expected)) / RATE, expected)
        n = min(len(got), len(expected)) - 2000
        error = got[2000:n] - expected[2000:n]
        assert np.sqrt((error**2).mean()) < (2e-5 if ending in (".flac", ".wav") else 0.04)


@pytest.mark.parametrize("ending", [e for e in AUDIO_CODECS if e != ".mp3"])
def test_six_channels_keep_their_order(tmp_path, ending):
    t = np.arange(RATE) / RATE
    tones = [300, 500, 700, 60, 1100, 1300]  # the fourth channel carries low frequencies only
    write_audio(tmp_path / f"a{ending}", np.float32([0.3 * np.sin(2 * np.pi * f * t) for f in tones]), RATE)
    heard, rate = decode(tmp_path / f"a{ending}")
    middle = heard[:, rate // 4 : 3 * rate // 4]
    found = np.abs(np.fft.rfft(middle)).argmax(axis=1) * rate / middle.shape[1]
    assert found == pytest.approx(tones, abs=3)


def test_rate_is_changed_only_where_the_encoder_must(tmp_path):
    for ending, expected in ((".flac", 22_050), (".m4a", 22_050), (".ac3", 32_000), (".opus", 48_000)):
        write_audio(tmp_path / f"a{ending}", sweep(rate=22_050), 22_050)
        heard, rate = decode(tmp_path / f"a{ending}")
        assert rate == expected
        assert heard.shape[1] / rate == pytest.approx(2.0, abs=0.05)


def test_loud_samples_are_clipped_not_wrapped(tmp_path):
    write_audio(tmp_path / "a.wav", np.float32([0, 1.5, -1.5, 1.0, -1.0] * 100), 8000)
    heard, _ = decode(tmp_path / "a.wav")
    assert heard[0, :5] == pytest.approx([0, 1, -1, 1, -1], abs=1e-4)


# the clock of the others begins where it likes: tests/media/test_clock.py
FROM_ZERO = [e for e in FILM_CODECS if e not in (".ts", ".m2ts", ".mpg", ".vob", ".flv")]


@pytest.mark.parametrize("ending", FROM_ZERO)
def test_film_comes_back(tmp_path, ending):
    path, sent = tmp_path / f"film{ending}", sweep(3.0, channels=2)
    write_film(path, stripes(30), sent, fps=10, rate=RATE)
    pictures = decode_pictures(path)
    assert [time for time, _ in pictures] == pytest.approx(np.arange(30) / 10, abs=0.002)
    levels = [picture.mean() for _, picture in pictures]
    assert levels == pytest.approx([40 + 4 * k for k in range(30)], abs=3)
    heard, rate = decode(path)
    assert heard.shape[1] / rate == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("ending", FROM_ZERO)
def test_packets_lie_in_time_order(tmp_path, ending):
    write_film(tmp_path / f"film{ending}", stripes(50), sweep(10.0), fps=5, rate=RATE)
    latest, apart = {}, 0.0
    with av.open(str(tmp_path / f"film{ending}")) as box:
        for packet in box.demux():
            if packet.dts is not None:
                latest[packet.stream.index] = float(packet.dts * packet.time_base)
                apart = max(apart, max(latest.values()) - min(latest.values()) if len(latest) == 2 else 0.0)
    assert apart < 1.0


def test_pictures_are_taken_as_they_are_needed(tmp_path):
    """A long film streams: when the last picture is asked for, most of the file is written."""
    path, sizes = tmp_path / "film.mkv", []

    def noisy():
        rng = np.random.default_rng(0)
        for _ in range(200):
            sizes.append(path.stat().st_size if path.exists() else 0)
            yield rng.integers(0, 255, (90, 160), dtype=np.uint8)

    write_film(path, noisy(), sweep(20.0), fps=10, rate=RATE)
    assert sizes[-1] > 0.5 * path.stat().st_size


def test_gray_and_colour_pictures_have_the_same_luma(tmp_path):
    for gray in (True, False):
        write_film(tmp_path / f"{gray}.mp4", stripes(5, gray=gray), None, fps=5)
    with av.open(str(tmp_path / "True.mp4")) as a, av.open(str(tmp_path / "False.mp4")) as b:
        lumas = [[f.to_ndarray()[:36].mean() for f in box.decode(video=0)] for box in (a, b)]
    assert lumas[0] == pytest.approx(lumas[1], abs=1)
    assert lumas[0] == pytest.approx([16 + (40 + 4 * k) * 219 / 255 for k in range(5)], abs=1.5)


def test_sound_and_pictures_may_differ_in_length_or_miss(tmp_path):
    write_film(tmp_path / "long.mp4", stripes(10), sweep(4.0), fps=5)
    assert decode(tmp_path / "long.mp4")[0].shape[1] / RATE == pytest.approx(4.0, abs=0.05)
    write_film(tmp_path / "short.mp4", stripes(20), sweep(1.0), fps=5)
    assert decode(tmp_path / "short.mp4")[0].shape[1] / RATE == pytest.approx(1.0, abs=0.05)
    assert len(decode_pictures(tmp_path / "short.mp4")) == 20
    write_film(tmp_path / "sound.mkv", None, sweep(1.0))
    write_film(tmp_path / "silent.mkv", stripes(5), None)
    for name, kinds in (("sound", ["audio"]), ("silent", ["video"])):
        with av.open(str(tmp_path / f"{name}.mkv")) as box:
            assert [stream.type for stream in box.streams] == kinds


@pytest.mark.parametrize("ending", [*AUDIO_CODECS, *FILM_CODECS])
def test_same_input_same_bytes(tmp_path, ending):
    """B-frames included: x264's macroblock tree made them differ now and then."""
    rng = np.random.default_rng(3)
    field = rng.integers(0, 255, (130, 190), dtype=np.uint8).repeat(2, 0).repeat(2, 1)
    written = []
    for run in range(3):
        path = tmp_path / f"{run}{ending}"
        if ending in FILM_CODECS:
            write_film(path, (field[k : k + 180, 2 * k : 2 * k + 320] for k in range(30)), sweep(), fps=15)
        else:
            write_audio(path, sweep(), RATE)
        written.append(path.read_bytes())
    assert written[0] == written[1] == written[2]


@pytest.mark.parametrize(
    ("name", "samples", "says"),
    [
        ("a.xyz", sweep(), "cannot write .xyz"),
        ("a", sweep(), "without ending"),
        ("a.wav", np.zeros(0, np.float32), "empty"),
        ("a.wav", np.float32([0, np.nan]), "NaN"),
        ("a.wav", np.zeros((1000, 2), np.float32), "channels first"),
        ("a.wav", np.zeros(1000, np.int16), "floats"),
        ("a.mp3", np.zeros((6, 1000), np.float32), "one or two channels"),
    ],
)
def test_malformed_sound_is_refused(tmp_path, name, samples, says):
    with pytest.raises(ValueError, match=says):
        write_audio(tmp_path / name, samples, RATE)


def test_malformed_films_are_refused(tmp_path):
    with pytest.raises(ValueError, match="pictures or sound"):
        write_film(tmp_path / "a.mp4", None, None)
    with pytest.raises(ValueError, match="even"):
        write_film(tmp_path / "a.mp4", stripes(2, height=35), None)
    with pytest.raises(ValueError, match="no picture"):
        write_film(tmp_path / "a.mp4", iter(()), sweep())
    with pytest.raises(ValueError, match="picture 1 is"):
        write_film(tmp_path / "a.mp4", [np.zeros((36, 64), np.uint8), np.zeros((38, 64), np.uint8)], None)
    with pytest.raises(ValueError, match=r"cannot write \.txt"):
        write_film(tmp_path / "a.txt", stripes(2), None)
