"""Pictures of a film as luma, sampled at whole seconds of the film's clock; small ones in colour for a page.

The sampled picture at k s is the last one with presentation time <= k (method, section 4), its luma the Y plane's.
"""

import io
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import count, takewhile

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from filmlens.media.container import duration, probe
from filmlens.media.frames import Shown, frames_from, keys_within, spread_keys
from filmlens.media.opening import MediaError, Source, need_pictures, open_media

_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, _JPEG
_TRANSFERS = {16: "PQ", 18: "HLG"}  # AVCOL_TRC_SMPTE2084, _ARIB_STD_B67
_STRIP_EXACT_S = 600.0
#: Lines of the moving picture for a page.
LINES = 240
_SHORTEST_MS = 32  # films of 48, 50 and 60 pictures a second are shown at half of them
_LONGEST_MS = 200  # a picture that stands is repeated, so that a player knows that nothing is missing
_KEY = 25  # pictures from one key frame to the next, so that a jump costs little
_OPTIONS = {"deadline": "realtime", "cpu-used": "8", "auto-alt-ref": "0", "lag-in-frames": "0", "threads": "1"}
_BIT_RATE = 450_000
_COLOR = {
    "format": "yuv420p",
    "dst_colorspace": Colorspace.ITU601,  # what players take a small VP8 film for
    "dst_color_range": ColorRange.MPEG,
    "interpolation": Interpolation.AREA,
}


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Luma of a decoded frame, float32 (height, width) in [0, 1], from the Y plane as coded, never through RGB.

    Range and depth are the stream's; formats without a Y plane are converted to full-range grey first.
    """
    kind, full = frame.format, _is_full(frame.format.name, frame.color_range)
    planar_y = kind.name.startswith(("yuv", "gray", "nv12", "nv21", "p010", "p012", "p016"))
    if not planar_y or kind.is_big_endian:
        frame, full = frame.reformat(format="gray", dst_color_range="JPEG"), True
        kind = frame.format
    depth = kind.components[0].bits
    plane = frame.planes[0]
    stored = np.frombuffer(plane, np.uint8 if depth == 8 else np.uint16)
    stored = stored.reshape(plane.height, -1)[:, : frame.width]
    if kind.name.startswith("p01"):
        stored = stored >> (16 - depth)  # stored in the high bits
    return cv2.LUT(stored, _levels(8, full)) if depth == 8 else _levels(depth, full)[stored]


@lru_cache
def _levels(depth: int, full: bool) -> np.ndarray:
    """Luma in [0, 1] of every coded value."""
    black, white = (0, 2**depth - 1) if full else (16 << (depth - 8), 235 << (depth - 8))
    return np.clip((np.arange(2**depth, dtype=np.float32) - black) / (white - black), 0, 1)


def _is_full(name: str, color_range: int) -> bool:
    """Whether 0 is black: said by the stream, or by a format that is of full range unless the stream says otherwise."""
    return color_range == _FULL or (color_range != _LIMITED and name.startswith(("yuvj", "gray")))


def coding(path: Source) -> dict[str, str | int]:
    """How the luma of a film is coded, from its header: bits, range ("limited" or "full") and transfer.

    Luma of "PQ" or "HLG" (high dynamic range) is not comparable with that of other films ("SDR").
    """
    with open_media(path) as box:
        context = need_pictures(box, path).codec_context
        kind = context.format
        return {
            "bits": kind.components[0].bits if kind else 8,
            "range": "full" if kind and _is_full(kind.name, context.color_range) else "limited",
            "transfer": _TRANSFERS.get(int(context.color_trc), "SDR"),
        }


def sample_luma(
    path: Source,
    *,
    spans: Sequence[tuple[float, float]] | None = None,
    rate: float = 1.0,
    sampling: str = "exact",
) -> Iterator[tuple[float, np.ndarray]]:
    """Pictures at k / rate seconds, or key frames: their time, and luma as float32 (height, width) in [0, 1].

    `spans` are (start, end) in seconds on the film's clock, the whole film by default: only the pictures inside are
    decoded (from the key frame before). `rate` is in pictures per second, with "exact" `sampling`. "keyframes" gives
    key frames at their own times; the one before a span stands at the span's start, so that no span is empty.
    `MediaError` when there is no moving picture or nothing that can be decoded; `ValueError` for an unknown `sampling`.
    """
    for time, frame in _frames(path, spans, rate, sampling):
        yield time, luma(frame)


def key_pictures(path: Source, count: int) -> Iterator[tuple[float, np.ndarray]]:
    """At most `count` key frames spread over the film, as (time, luma); quick, for finding a letterbox."""
    for time, frame in spread_keys(path, count):
        yield time, luma(frame)


def thumbnails(path: Source) -> list[tuple[float, np.ndarray]]:
    """Fourteen key frames spread over a film, (seconds, luma under 240 high), for above a timeline; none of a sound."""
    if not probe(path).has_pictures:
        return []
    steps = [(time, image, max(1, len(image) // 120)) for time, image in key_pictures(path, 14)]
    return [(time, image[::step, ::step]) for time, image, step in steps]


def thumbnail(path: Source, time: float, *, width: int = 320) -> bytes:
    """JPEG of the picture that stands at `time` (s on the film's clock), `width` pixels wide, its pixels made square.

    `MediaError` when there is no such file, no moving picture, or none at or before that time.
    """
    with open_media(path) as box:
        stream, last = need_pictures(box, path), None
        for shown, frame in frames_from(stream, path, max(0.0, time), None):
            if last is not None and shown > time + 1e-6:
                break
            last = last if frame is None else frame
        if last is None:
            raise MediaError(f"{path}: has no picture at {time:.1f} s")
        shape = float(stream.sample_aspect_ratio or 1) or 1.0
        height = max(2, round(width * last.height / (last.width * shape)))
        small = last.reformat(width=width - width % 2, height=height - height % 2, format="bgr24").to_ndarray()
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])
    return coded.tobytes()


def film_strip(path: Source, *, columns: int = 240, height: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A film in one strip: each picture squeezed to a column of its colours ("film barcode"), at most `columns` in all.

    Films of more than ten minutes give key frames, whose places the encoder chose. Gives from when on each column holds
    (n,), in s, and the strip as RGB: uint8 of shape (height, n, 3).
    """
    length = duration(path)
    if length > _STRIP_EXACT_S:
        frames = spread_keys(path, columns)
    else:
        frames = _frames(path, None, columns / max(length, 1.0), "exact")
    times, strip = [], []
    for time, frame in frames:
        small = frame.reformat(width=8, height=height, format="rgb24", interpolation="AREA").to_ndarray()
        times.append(time)
        strip.append(small.mean(axis=1).round().astype(np.uint8))
    return np.array(times), np.stack(strip, axis=1) if strip else np.zeros((height, 0, 3), np.uint8)


def _frames(
    path: Source, spans: Sequence[tuple[float, float]] | None, rate: float, sampling: str
) -> Iterator[tuple[float, av.VideoFrame]]:
    if sampling not in ("exact", "keyframes"):
        raise ValueError(f"sampling={sampling!r} is unknown; choose exact or keyframes")
    with open_media(path) as box:
        stream = need_pictures(box, path)
        for start, end in merge_spans(spans) if spans is not None else [(0.0, math.inf)]:
            if sampling == "keyframes":
                yield from keys_within(stream, path, start, end)
            else:
                yield from _sampled(stream, path, start, end, rate)


def merge_spans(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order, overlapping ones joined, so that nothing is decoded or yielded twice."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted((max(0.0, a), b) for a, b in spans if b > a):
        if merged and start <= merged[-1][1]:
            start, before = merged.pop()
            end = max(before, end)
        merged.append((start, end))
    return merged


def _sampled(
    stream: av.VideoStream, path: Source, start: float, end: float, rate: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    ticks = takewhile(lambda tick: tick <= end, (k / rate for k in count(math.ceil(start * rate - 1e-9))))
    tick, last, until, base = next(ticks, None), None, 0.0, stream.time_base
    for time, frame in frames_from(stream, path, start, rate):
        while tick is not None and time > tick + 1e-6:
            if last is not None:
                yield tick, last
            tick = next(ticks, None)
        if tick is None:
            return
        last = last if frame is None else frame
        # not by a Fraction: that takes as long as a small picture's decoding
        length = frame.duration * base.numerator / base.denominator if frame is not None and frame.duration else 0.0
        until = max(until, time + (length or until - time))
    # The last picture stands until it ends.
    while last is not None and tick is not None and tick < until:
        yield tick, last
        tick = next(ticks, None)


def moving(path: Source, start: float, end: float) -> bytes:
    """The picture from `start` to `end` as a WebM of `LINES` lines; before the film's first picture it is black.

    Both are seconds on the film's clock; times in the file count from `start`. `MediaError` when there is no moving
    picture or nothing that can be decoded; `ValueError` when the span is empty.
    """
    if not end > start:
        raise ValueError(f"{path}: a stretch from {start} to {end} s is empty")
    out = io.BytesIO()
    with open_media(path) as box:
        source = need_pictures(box, path)
        width, height = _size(source)
        with av.open(out, "w", format="webm", options={"fflags": "+bitexact"}) as film:
            stream = film.add_stream("libvpx", options=_OPTIONS)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            stream.bit_rate, stream.gop_size = _BIT_RATE, _KEY
            for ms, frame in _shown(frames_from(source, path, max(0.0, start), None), start, end):
                small = _black(width, height) if frame is None else frame.reformat(width, height, **_COLOR)
                small.pts, small.time_base, small.pict_type = ms, Fraction(1, 1000), 0
                film.mux(stream.encode(small))
            film.mux(stream.encode(None))
    return out.getvalue()


def _size(stream: av.VideoStream) -> tuple[int, int]:
    """Width and height, even, with pixels made square; a small film is not enlarged."""
    shape = float(stream.sample_aspect_ratio or 1) or 1.0
    high = min(LINES, stream.height - stream.height % 2)
    wide = stream.width * shape * high / stream.height
    return max(2, 2 * round(wide / 2)), max(2, high)


def _shown(frames: Shown, start: float, end: float) -> Iterator[tuple[int, av.VideoFrame | None]]:
    """Milliseconds from `start`, rising from 0, and the frame that stands there; None before the first one."""
    last, at, length = None, -_LONGEST_MS, round(1000 * (end - start))  # what stands, and when it was last given
    for time, frame in frames:
        ms = round(1000 * (time - start))
        if ms >= length:
            break
        if frame is None:
            continue
        while ms > 0 and (at < 0 or at + _LONGEST_MS < ms - _SHORTEST_MS):
            at += _LONGEST_MS
            yield at, last
        if ms > 0 and (at == 0 or ms - at >= _SHORTEST_MS):
            yield ms, frame
            at = ms
        last = frame
    while at + _LONGEST_MS < length:
        at += _LONGEST_MS
        yield at, last


def _black(width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, value in zip(frame.planes, (16, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame
