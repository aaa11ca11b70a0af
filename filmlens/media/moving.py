"""A stretch of a film's picture as a small silent VP8 film, to run beside sound that is played elsewhere.

Its picture at t seconds is the film's at start + t, whatever the container or a clock that begins anew did.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from filmlens.media.frames import Shown, frames_from
from filmlens.media.opening import Source, need_pictures, open_media

#: Lines of the picture.
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
