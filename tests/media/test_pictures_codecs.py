"""Films whose frames carry their number: every sampled frame is the right one, whatever the codec and the clock.

Also depth, range and high dynamic range; key frames alone; what is no film.
"""

import math
from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.frame import PictureType

from filmlens.features.visual import picture_features
from filmlens.media.container import MediaError, probe
from filmlens.media.monitor import watched
from filmlens.media.pictures import coding, film_strip, key_pictures, sample_luma
from filmlens.media.write import write_film

SIZE = 64
CODECS = {
    "h264": ("mp4", "libx264", {"bf": "3", "g": "48", "x264-params": "b-pyramid=normal:b-adapt=0:log-level=none"}),
    "h264 open": ("mkv", "libx264", {"bf": "2", "g": "30", "x264-params": "open-gop=1:b-adapt=0:log-level=none"}),
    "hevc": ("mp4", "libx265", {"x265-params": "bframes=4:b-adapt=0:keyint=48:log-level=none", "preset": "ultrafast"}),
    "vp9": ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "60", "auto-alt-ref": "1"}),
    "av1": ("mkv", "libsvtav1", {"preset": "12", "g": "60"}),
    "mpeg2": ("ts", "mpeg2video", {"bf": "2", "g": "12"}),
    "mpeg4": ("avi", "mpeg4", {"g": "12", "bf": "0"}),
    "ts": ("ts", "libx264", {"bf": "3", "g": "40", "x264-params": "log-level=none"}),
}


def numbered(i):
    """A picture that carries its number in ten bands, black or white."""
    picture = np.zeros((SIZE, 80), np.uint8)
    for k in range(10):
        picture[:, 8 * k : 8 * k + 8] = 255 * (i >> k & 1)
    return picture


def number(luma):
    return sum(1 << k for k in range(10) if luma[:, 8 * k + 2 : 8 * k + 6].mean() > 0.5)


def write(path, codec, options, times, *, base=Fraction(1, 24000), form="yuv420p", keys=()):
    """A film whose frame i stands at times[i] (in units of base); key frames where asked for, too."""
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = 80, SIZE, form
        stream.codec_context.thread_count, stream.codec_context.time_base = 1, base
        for i, pts in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.repeat(numbered(i)[..., None], 3, 2), "rgb24").reformat(format=form)
            frame.pts, frame.time_base = int(pts), base
            frame.pict_type = PictureType.I if i in keys else PictureType.NONE
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


def shown(times):
    """The frame that stands at second k: the last one not after it."""
    clock = (np.asarray(times) - times[0]) / 24000
    return {k: int(np.flatnonzero(clock <= k + 1e-6)[-1]) for k in range(math.ceil(clock[-1] + 1e-9))}


def seen(path, **how):
    return {int(t): number(p) for t, p in sample_luma(path, **how)}


def check(path, times, spans=((3.4, 6.0), (9.2, 11.5), (5.5, 7.1))):
    expected = shown(times)
    got, inside = seen(path), seen(path, spans=spans)
    for found in (got, inside):
        found.pop(len(expected), None)  # how long the last frame stands is the container's guess
    assert got == expected
    assert inside == {k: n for k, n in expected.items() if any(a <= k <= b for a, b in spans)}


@pytest.mark.parametrize("name", CODECS)
def test_every_sampled_frame_is_the_right_one(tmp_path, name):
    ending, codec, options = CODECS[name]
    rate = 24 if ending in ("ts", "avi") else 24000 / 1001
    times = [round(i * 24000 / rate) for i in range(300)]
    path = tmp_path / f"film.{ending}"
    if ending == "avi":
        write_film(path, (numbered(i) for i in range(300)), None, fps=24, codec=codec, options=options)
    elif codec == "mpeg2video":  # knows no other clock than that of its frames
        write(path, codec, options, range(300), base=Fraction(1, 24))
    else:
        write(path, codec, options, times)
    check(path, times)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_a_variable_frame_rate(tmp_path, codec, ending):
    steps = np.random.default_rng(3).choice([400, 1001, 1001, 3000, 24000], 250, p=[0.3, 0.3, 0.3, 0.08, 0.02])
    times = np.concatenate([[0], np.cumsum(steps)[:-1]])
    write(tmp_path / f"film.{ending}", *CODECS[codec][1:], times)
    check(tmp_path / f"film.{ending}", times)


@pytest.mark.parametrize("codec, ending", [("h264", "mkv"), ("hevc", "mkv"), ("vp9", "webm"), ("h264", "ts")])
def test_a_start_time_that_is_not_zero(tmp_path, codec, ending):
    times = [91_000 + 1000 * i for i in range(300)]
    write(tmp_path / f"film.{ending}", *CODECS[codec][1:], times)
    check(tmp_path / f"film.{ending}", times)


@pytest.mark.parametrize("name", ["h264", "hevc", "vp9", "av1"])
def test_key_frames_stand_at_their_own_times(tmp_path, name):
    ending, codec, options = CODECS[name]
    path = tmp_path / f"film.{ending}"
    write(path, codec, options, [1000 * i for i in range(300)])
    with av.open(str(path)) as box:
        keys = [float(p.pts * p.time_base) for p in box.demux(video=0) if p.is_keyframe and p.pts is not None]
    assert 5 <= len(keys) <= 12
    got = [(t, number(p)) for t, p in sample_luma(path, sampling="keyframes")]
    assert [t for t, _ in got] == pytest.approx(keys, abs=2e-3) and [n for _, n in got] == [round(24 * t) for t in keys]
    inside = [
        (t, number(p)) for t, p in sample_luma(path, spans=[(keys[1] + 0.3, keys[3] + 0.1)], sampling="keyframes")
    ]
    assert [n for _, n in inside] == [round(24 * t) for t in keys[1:4]], "the key frame before the span opens it"
    assert inside[0][0] == pytest.approx(keys[1] + 0.3)
    short = list(sample_luma(path, spans=[(keys[2] + 0.2, keys[2] + 0.4)], sampling="keyframes"))
    assert len(short) == 1, "no span is empty"
    assert [t for t, _ in key_pictures(path, 100)] == pytest.approx(keys, abs=2e-3)


def test_key_frames_that_follow_each_other_closely_are_all_found(tmp_path):
    """The file's index knows when they are decoded, not when they are shown."""
    keys, options = [0, 30, 31, 33, 90, 92], {"bf": "3", "g": "250", "forced-idr": "1", "preset": "medium"}
    options["x264-params"] = "b-pyramid=normal:b-adapt=0:keyint_min=1:scenecut=0:log-level=none"
    write(tmp_path / "film.mp4", "libx264", options, [1000 * i for i in range(120)], keys=keys)
    got = [(round(24 * t), number(p)) for t, p in sample_luma(tmp_path / "film.mp4", sampling="keyframes")]
    assert got == [(k, k) for k in keys]


def flat(path, codec, form, values, *, color_range=1, transfer=0, options=None):
    """One second for each coded luma value, in a frame of that value."""
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=4, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, form
        context = stream.codec_context
        context.color_range, context.thread_count = color_range, 1
        if transfer:
            context.color_trc = transfer
        for i in range(4 * len(values)):
            frame = av.VideoFrame(64, 48, form)
            wide = "10" in form
            for k, plane in enumerate(frame.planes):
                value = values[i // 4] if k == 0 else (512 if wide else 128)
                count = plane.buffer_size // (2 if wide else 1)
                plane.update(np.full(count, value, np.uint16 if wide else np.uint8).tobytes())
            frame.pts, frame.time_base, frame.color_range = i, Fraction(1, 4), color_range
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


QUIET = {"libx265": {"x265-params": "log-level=none:lossless=1"}, "libx264": {"crf": "1"}, "ffv1": {}}


@pytest.mark.parametrize(
    "codec, form, color_range, values",
    [
        ("libx264", "yuv420p", 1, [16, 90, 235]),
        ("libx264", "yuv420p", 2, [0, 90, 255]),
        ("libx265", "yuv420p10le", 1, [64, 400, 940]),
        ("libx265", "yuv420p10le", 2, [0, 400, 1023]),
        ("ffv1", "yuv422p10le", 1, [64, 500, 940]),
    ],
)
def test_depth_and_range(tmp_path, codec, form, color_range, values):
    path = tmp_path / "film.mkv"
    flat(path, codec, form, values, color_range=color_range, options=QUIET[codec])
    wide = "10" in form
    black, white = ((0, 1023) if wide else (0, 255)) if color_range == 2 else ((64, 940) if wide else (16, 235))
    table = picture_features(path)
    assert table["brightness"].tolist() == pytest.approx([(v - black) / (white - black) for v in values], abs=0.004)
    assert coding(path) == {
        "bits": 10 if wide else 8,
        "range": "full" if color_range == 2 else "limited",
        "transfer": "SDR",
    }


@pytest.mark.parametrize("transfer, name", [(16, "PQ"), (18, "HLG"), (1, "SDR")])
def test_high_dynamic_range_is_recognised(tmp_path, transfer, name):
    options = {"x265-params": f"log-level=none:transfer={transfer}:colorprim=9:colormatrix=9"}
    flat(tmp_path / "film.mkv", "libx265", "yuv420p10le", [300], transfer=transfer, options=options)
    assert coding(tmp_path / "film.mkv") == {"bits": 10, "range": "limited", "transfer": name}


def test_a_letterbox_in_a_film_is_cut_exactly(tmp_path):
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(32):
        picture = np.zeros((96, 160), np.uint8)
        picture[14:82] = rng.integers(60, 200, (68, 160))
        pictures.append(picture)
    write_film(tmp_path / "film.mp4", pictures, None, fps=8, options={"crf": "1"})
    inner = [p[14:82].mean() / 255 for p in pictures[::8]]
    assert picture_features(tmp_path / "film.mp4")["brightness"].tolist() == pytest.approx(inner, abs=0.01)


def test_a_truncated_film_gives_what_is_there_and_says_so(tmp_path):
    path, cut = tmp_path / "film.mkv", tmp_path / "cut.mkv"
    write(path, *CODECS["h264"][1:], [1000 * i for i in range(300)])
    data = path.read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10] + bytes(200))
    with watched() as damage:
        got = seen(cut)
    expected = shown([1000 * i for i in range(300)])
    assert 4 <= len(got) < len(expected) and all(got[k] == expected[k] for k in list(got)[:-1])
    assert list(got) == list(range(len(got))) and damage and "cut.mkv" in damage[0]


@pytest.mark.parametrize("ending, codec", [("png", "png"), ("jpg", "mjpeg")])
def test_a_still_image_is_no_film(tmp_path, ending, codec):
    path = tmp_path / f"poster.{ending}"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as box:
        stream = box.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = 80, SIZE, "rgb24" if codec == "png" else "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.repeat(numbered(5)[..., None], 3, 2), "rgb24")
        box.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
        box.mux(stream.encode(None))
    with pytest.raises(MediaError, match=rf"poster\.{ending}"):
        probe(path)
    with pytest.raises(MediaError, match="no moving picture"):
        list(sample_luma(path))


def test_cover_art_is_no_moving_picture(tmp_path):
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as box:
        sound = box.add_stream("aac", rate=44_100, layout="mono")
        cover = box.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 80, SIZE, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.repeat(numbered(5)[..., None], 3, 2), "rgb24")
        box.mux(cover.encode(picture.reformat(format="yuvj420p")))
        for at in range(0, 44_100, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44_100, at
            box.mux(sound.encode(frame))
        box.mux(sound.encode(None))
    assert not probe(path).has_pictures and probe(path).has_sound
    with pytest.raises(MediaError, match="no moving picture"):
        list(sample_luma(path))


@pytest.mark.parametrize("sampling", ["exact", "keyframes"])
def test_spans_without_length_or_beyond_the_film_give_nothing(tmp_path, sampling):
    path = tmp_path / "film.mp4"
    write(path, *CODECS["h264"][1:], [1000 * i for i in range(72)])
    assert list(sample_luma(path, spans=[(1.0, 1.0), (2.0, 1.0)], sampling=sampling)) == []
    beyond = picture_features(path, spans=[(50.0, 60.0)], sampling="exact")
    assert beyond.empty and next(iter(beyond)) == "time"
    with pytest.raises(ValueError, match="sampling='some' is unknown"):
        list(sample_luma(path, sampling="some"))


def test_a_films_strip_has_its_colours_in_order(tmp_path):
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [200, 200, 30]], np.uint8)
    pictures = (np.broadcast_to(colours[i // 8], (48, 64, 3)).copy() for i in range(32))
    write_film(tmp_path / "film.mp4", pictures, None, fps=8, options={"crf": "4"})
    times, strip = film_strip(tmp_path / "film.mp4", columns=16, height=6)
    assert strip.shape == (6, 16, 3) and times.tolist() == [i / 4 for i in range(16)]
    assert np.abs(strip.astype(int) - colours[np.arange(16) // 4]).max() < 25
