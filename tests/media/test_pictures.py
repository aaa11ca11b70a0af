"""Pictures at whole seconds: every sampled frame is the right one."""

import math

import av
import numpy as np
import pytest

from filmlens.media.container import MediaError
from filmlens.media.pictures import key_pictures, luma, sample_luma
from filmlens.media.write import write_audio, write_film

SIZE = 64


def numbered(i):
    """A picture that carries its number in eight squares, black or white."""
    bits = [(i >> k) & 1 for k in range(8)]
    picture = np.zeros((SIZE, SIZE), np.uint8)
    for k, bit in enumerate(bits):
        picture[(k // 4) * 32 : (k // 4) * 32 + 32, (k % 4) * 16 : (k % 4) * 16 + 16] = 235 * bit
    return picture


def number(picture):
    return sum(
        1 << k
        for k in range(8)
        if picture[(k // 4) * 32 + 4 : (k // 4) * 32 + 28, (k % 4) * 16 + 4 : (k % 4) * 16 + 12].mean() > 0.5
    )


@pytest.mark.parametrize("ending, fps", [("mp4", 12), ("mkv", 24000 / 1001), ("webm", 12), ("avi", 12), ("mov", 25)])
def test_the_sampled_frame_is_the_last_one_not_after_the_second(tmp_path, ending, fps):
    path = tmp_path / f"film.{ending}"
    count = min(250, int(9 * fps))
    write_film(path, (numbered(i) for i in range(count)), None, fps=fps)
    got = [(t, number(picture)) for t, picture in sample_luma(path)]
    expected = [(float(k), math.floor(k * fps + 1e-6)) for k in range(math.ceil(count / fps))]
    assert got == expected
    inside = [(t, number(p)) for t, p in sample_luma(path, spans=[(2.3, 4.0), (6.9, 8.2), (3.5, 5)])]
    assert inside == [e for e in expected if e[0] in (3, 4, 5, 7, 8)]


def test_a_start_time_that_is_not_zero(tmp_path):
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as box:
        video = box.add_stream("libx264", rate=10, options={"bf": "2"})
        video.width = video.height = SIZE
        video.pix_fmt = "yuv420p"
        for i in range(60):
            frame = av.VideoFrame.from_ndarray(np.repeat(numbered(i)[..., None], 3, 2), "rgb24")
            frame.pts = i + 37
            box.mux(video.encode(frame))
        box.mux(video.encode(None))
    assert [(t, number(p)) for t, p in sample_luma(path)] == [(float(k), 10 * k) for k in range(6)]


@pytest.mark.parametrize("full", [False, True])
def test_luma_is_brought_to_unit_range(full):
    frame = av.VideoFrame(16, 16, "yuvj420p" if full else "yuv420p")
    black, white = (0, 255) if full else (16, 235)
    plane = np.full((16, frame.planes[0].line_size), black, np.uint8)
    plane[:, 8:16] = white
    frame.planes[0].update(plane.tobytes())
    got = luma(frame)
    assert got.shape == (16, 16) and got[:, :8].max() == 0 and got[:, 8:].min() == 1


def test_key_pictures_are_spread(tmp_path):
    path = tmp_path / "film.mp4"
    write_film(path, (numbered(i) for i in range(120)), None, options={"g": "12"})
    times = [t for t, _ in key_pictures(path, 5)]
    assert len(times) == 5 and times == sorted(set(times))


def test_sound_without_pictures_says_so(tmp_path):
    path = tmp_path / "sound.m4a"
    write_audio(path, np.zeros(4410, np.float32), 44_100)
    with pytest.raises(MediaError, match="no moving picture"):
        list(sample_luma(path))


def test_a_truncated_film_gives_what_is_there(tmp_path):
    path, cut = tmp_path / "film.mkv", tmp_path / "cut.mkv"
    write_film(path, (np.random.default_rng(i).integers(0, 255, (64, 64), np.uint8) for i in range(96)), None)
    data = path.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    times = [t for t, _ in sample_luma(cut)]
    assert times == [float(k) for k in range(len(times))] and 2 <= len(times) <= 6
