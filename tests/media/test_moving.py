"""The moving picture of a stretch: at every moment it shows what the film shows, on the film's one clock."""

import io

import av
import numpy as np
import pytest
from films import FPS, chirp, film, number, numbered, seen

from filmlens.media.opening import MediaError
from filmlens.media.pictures import LINES, luma, moving
from filmlens.media.write import write_audio, write_film

WHITE = 512


def shown(data):
    """(time, number) of every picture of a clip; -1 is black."""
    with av.open(io.BytesIO(data)) as box:
        assert (box.format.name, [s.codec_context.name for s in box.streams]) == ("matroska,webm", ["vp8"])
        pictures = [(f.time, luma(f)) for f in box.decode(video=0)]
    return [(t, counted(number(p))) for t, p in pictures]


def counted(number):
    """The last band is white in every picture of these films, so that the first is not black."""
    return number - WHITE if number >= WHITE else -1


def agrees(path, start, end):
    """Halfway between the film's pictures the clip shows what the film shows; gives the numbers."""
    times = np.arange(np.ceil(start * FPS) + 1, end * FPS - 1) / FPS + 0.5 / FPS
    film_ = {t: counted(n) for t, n in seen(path, rate=2 * FPS, spans=[(start, end)]).items()}
    clip = shown(moving(path, start, end))
    assert clip[0][0] == 0 and clip[-1][0] > end - start - 0.3
    steps = np.diff([t for t, _ in clip])
    assert steps.min() > 0 and steps.max() < 0.21, "a player takes a longer gap for one that is missing"
    for time in times:
        [there] = [n for t, n in film_.items() if abs(t - time) < 1e-3] or [-1]
        here = [n for t, n in clip if t <= time - start][-1]
        assert here == there, (path.name, time)
    return clip


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi", "flv"])
def test_a_clip_shows_what_the_film_shows(tmp_path, ending):
    path = tmp_path / f"film.{ending}"
    film(path, 8.0, rate=48_000 if ending == "avi" else 44_100, first=WHITE)
    clip = agrees(path, 2.3, 6.7)
    assert all(abs(n - FPS * (2.3 + t)) <= 2 for t, n in clip)
    agrees(path, 0.0, 2.0)


@pytest.mark.parametrize("ending", ["ts", "vob"])
def test_a_clip_over_a_clock_that_begins_anew(tmp_path, ending):
    data = b""
    for part in range(2):
        film(tmp_path / f"{part}.{ending}", 6, rate=48_000, first=WHITE + 150 * part)
        data += (tmp_path / f"{part}.{ending}").read_bytes()
    path = tmp_path / f"joined.{ending}"
    path.write_bytes(data)
    clip = agrees(path, 4.0, 8.5)
    assert all(abs(n - FPS * (4.0 + t)) <= 3 for t, n in clip) and clip[-1][1] > 200
    agrees(path, 9.0, 11.5)


def test_before_a_picture_that_starts_late_the_clip_is_black(tmp_path):
    path, plain = tmp_path / "late.mkv", tmp_path / "plain.mp4"
    film(plain, 6.0, first=WHITE)
    with av.open(str(plain)) as source, av.open(str(path), "w") as box:
        streams = {s.index: box.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "video":
                packet.pts, packet.dts = (round(v + 2.48 / packet.time_base) for v in (packet.pts, packet.dts))
            packet.stream = streams[packet.stream_index]
            box.mux(packet)
    clip = agrees(path, 1.0, 5.0)
    assert {n for t, n in clip if t < 1.45} == {-1} and min(n for t, n in clip if t > 1.5) == 0
    assert set(dict(shown(moving(path, 0.0, 2.0))).values()) == {-1}


def test_a_picture_that_stands_and_one_that_ends_early_stand_on(tmp_path):
    path = tmp_path / "slides.mkv"
    write_film(path, (numbered(WHITE + n) for n in range(3)), chirp(20, 44_100), fps=1 / 4, rate=44_100)
    clip = shown(moving(path, 2.0, 18.0))
    assert [n for t, n in clip if t < 1.9] == [0] * 10 and clip[-1] == (15.8, 2)
    assert {round(t, 1): n for t, n in clip}[6.2] == 2


def test_many_pictures_are_halved_and_large_ones_scaled_with_square_pixels(tmp_path):
    path = tmp_path / "large.mp4"
    write_film(path, (np.full((480, 640), 2 * i, np.uint8) for i in range(60)), None, fps=50)
    with av.open(io.BytesIO(moving(path, 0.1, 1.1))) as box:
        times = [f.time for f in box.decode(video=0)]
        stream = box.streams.video[0]
        assert (stream.width, stream.height) == (320, LINES) and 24 <= len(times) <= 27


def test_what_has_no_picture_says_so(tmp_path):
    write_audio(tmp_path / "sound.flac", chirp(2, 44_100), 44_100)
    with pytest.raises(MediaError, match=r"sound\.flac: has no moving picture"):
        moving(tmp_path / "sound.flac", 0.0, 1.0)
    with pytest.raises(MediaError, match="no such file"):
        moving(tmp_path / "none.mp4", 0.0, 1.0)
    with pytest.raises(ValueError, match="empty"):
        moving(tmp_path / "sound.flac", 1.0, 1.0)
