"""AVI keeps no times: pictures with B-frames, packed or left out, stand where they are shown, from any place on."""

import av
import pytest
from films import FPS, number, numbered, seen

from filmlens.features.visual import picture_features
from filmlens.media.monitor import watched
from filmlens.media.pictures import thumbnail

SPANS = ((0, 2), (0.4, 3.2), (1.96, 2.05), (3.7, 4.4), (5.9, 8.1), (8.6, 9.9))
COUNT = 10 * FPS


def packets_of(codec, options):
    """Encoded packets in the order of decoding."""
    context = av.codec.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt, context.framerate = 80, 64, "yuv420p", FPS
    context.time_base, context.thread_count, context.options = 1 / context.framerate, 1, options
    packets = []
    for i in range(COUNT):
        frame = av.VideoFrame.from_ndarray(numbered(i), "gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = i, context.time_base
        packets += context.encode(frame)
    return packets + context.encode(None)


def write(path, codec, options, change=lambda chunks: chunks):
    """An AVI of the packets as chunks (bytes or None for a place without picture, whether a key frame)."""
    packets = packets_of(codec, options)
    chunks = change([(bytes(p), p.is_keyframe) for p in packets])
    with av.open(str(path), "w") as box:
        stream = box.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 80, 64, "yuv420p"
        if codec == "mpeg4":
            stream.codec_context.codec_tag = "XVID"
        box.start_encoding()
        for at, (data, key) in enumerate(chunks):
            if data is None:
                continue
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, stream.time_base, key
            packet.pts = packet.dts = round(at / FPS / stream.time_base)
            box.mux(packet)


def packed(chunks):
    """Each B-frame in the packet of the picture before it, and an empty picture in its place (DivX, XviD)."""
    out, at = [], 0
    while at < len(chunks):
        data, key = chunks[at]
        following = [d for d, _ in chunks[at + 1 : at + 2] if coding_type(d) == 2]
        if coding_type(data) != 2 and following:
            mark = b"\x00\x00\x01\xb2DivX503b1393p" if not out else b""
            start = data.find(b"\x00\x00\x01\xb6")
            out += [(data[:start] + mark + data[start:] + following[0], key), (b"\x00\x00\x01\xb6\x51\x80", False)]
            at += 2
        else:
            out.append((data, key))
            at += 1
    return out


def coding_type(data):
    """0 I, 1 P, 2 B of an MPEG-4 picture."""
    return data[data.find(b"\x00\x00\x01\xb6") + 4] >> 6


def holes(chunks):
    """Pictures that were dropped while recording: the one before is shown on."""
    return [(None if at % 40 in (31, 32, 33) else data, key) for at, (data, key) in enumerate(chunks)]


H264 = {"g": "50", "bf": "3", "x264-params": "b-adapt=0:b-pyramid=normal:log-level=none"}
OPEN = {"g": "50", "bf": "2", "x264-params": "open-gop=1:b-adapt=0:log-level=none"}
XVID = {"g": "48", "bf": "1", "qmin": "3", "qmax": "3"}


@pytest.mark.parametrize(
    "codec, options, change",
    [
        ("libx264", H264, lambda c: c),
        ("libx264", OPEN, lambda c: c),
        ("mpeg4", XVID | {"bf": "2"}, lambda c: c),
        ("mpeg4", XVID, packed),
    ],
    ids=["h264", "h264 open", "xvid", "xvid packed"],
)
def test_pictures_that_are_not_shown_in_the_order_of_decoding(tmp_path, codec, options, change):
    path = tmp_path / "film.avi"
    write(path, codec, options, change)
    with watched() as damage:
        whole = seen(path)
    assert whole == {float(k): FPS * k for k in range(10)} and not damage
    for a, b in SPANS:
        assert seen(path, spans=[(a, b)]) == {t: n for t, n in whole.items() if a <= t <= b}, (a, b)
    fine = {round(k / 5, 3): 5 * k for k in range(50)}
    assert seen(path, rate=5) == fine
    assert seen(path, rate=5, spans=[(3.5, 6.5)]) == {t: n for t, n in fine.items() if 3.5 <= t <= 6.5}
    assert thumbnail(path, 7.3)[:2] == b"\xff\xd8"


def test_dropped_pictures_leave_the_others_in_their_places(tmp_path):
    """Without prediction from the dropped ones, so that what is shown can be read."""
    path = tmp_path / "film.avi"
    write(path, "ffv1", {"g": "1"}, holes)
    whole = seen(path, rate=25)
    there = [i for i in range(COUNT) if i % 40 not in (31, 32, 33)]
    assert whole == {round(i / 25, 3): max(k for k in there if k <= i) for i in range(COUNT)}
    for a, b in SPANS:
        assert seen(path, rate=25, spans=[(a, b)]) == {t: n for t, n in whole.items() if a <= t <= b}
    table = picture_features(path)
    assert len(table) == 10


def test_the_helper_packs_as_encoders_do():
    packets = packets_of("mpeg4", XVID)
    chunks = packed([(bytes(p), p.is_keyframe) for p in packets])
    assert len(chunks) == len(packets) and sum(len(d) == 6 for d, _ in chunks) > 50
    assert number(numbered(700) / 255) == 700
