"""Pictures of a film as luma, sampled at whole seconds of the film's clock.

The sampled picture at k s is the last one with presentation time <= k (method, section 4). Luma comes from the
Y plane as it was coded, brought to [0, 1] by its range (16-235 or full, 8 to 16 bit), never through RGB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from filmlens.media.container import MediaError, open_media, origin, picture_stream, timed
from filmlens.media.watch import in_time, passed_over

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


def sample_luma(
    path: str | Path, *, spans: Sequence[tuple[float, float]] | None = None, rate: float = 1.0
) -> Iterator[tuple[float, np.ndarray]]:
    """Pictures at k / rate seconds.

    Parameters
    ----------
    path : path
    spans : sequence of (start, end), optional
        Seconds on the film's clock; only the pictures inside are decoded (from the key frame before).
        The whole film by default.
    rate : float
        Pictures per second.

    Yields
    ------
    time : float
        k / rate.
    luma : ndarray of float32
        (height, width) in [0, 1].

    Raises
    ------
    MediaError
        No such file, no moving picture, or nothing that can be decoded.
    """
    with open_media(path) as box:
        stream = _stream(box, path)
        for start, end in _merged(spans) if spans is not None else [(0.0, math.inf)]:
            ticks = _ticks(start, end, rate)
            if start > 0 and timed(box):
                box.seek(int((start + origin(box)) / stream.time_base), stream=stream)
            elif start > 0:
                box.seek(0)
            yield from _sampled(box, stream, path, ticks)


def key_pictures(path: str | Path, count: int) -> Iterator[tuple[float, np.ndarray]]:
    """At most `count` key frames spread over the film, as (time, luma); quick, for finding a letterbox."""
    with open_media(path) as box:
        stream = _stream(box, path)
        stream.codec_context.skip_frame = "NONKEY"
        length = (box.duration or 0) / av.time_base
        if not timed(box) or not length:
            for _, (time, frame) in zip(range(count), _decoded(box, stream, path), strict=False):
                yield time, luma(frame)
            return
        before = -1.0
        for target in (np.arange(count) + 0.5) * length / count:
            box.seek(int((target + origin(box)) / stream.time_base), stream=stream)
            time, frame = next(_decoded(box, stream, path), (before, None))
            if frame is not None and time > before:
                before = time
                yield time, luma(frame)


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Luma of a decoded frame, float32 (height, width) in [0, 1], range and depth taken from the stream.

    Formats without a Y plane (RGB, palettes) are converted to full-range grey first.
    """
    kind = frame.format
    planar_y = kind.name.startswith(("yuv", "gray", "nv12", "nv21", "p010", "p016"))
    if not planar_y or kind.is_big_endian:
        frame = frame.reformat(format="gray")
        kind = frame.format
    depth = kind.components[0].bits
    plane = frame.planes[0]
    dtype = np.uint8 if depth == 8 else np.uint16
    stored = np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : frame.width]
    if kind.name.startswith("p01"):
        stored, depth = stored >> (16 - depth), depth  # stored in the high bits
    full = kind.name.startswith(("yuvj", "gray")) or frame.color_range == _FULL_RANGE
    black, white = (0, 2**depth - 1) if full else (16 << (depth - 8), 235 << (depth - 8))
    return np.clip((stored.astype(np.float32) - black) / (white - black), 0, 1)


def _stream(box: av.container.InputContainer, path: str | Path) -> av.VideoStream:
    stream = picture_stream(box)
    if stream is None:
        raise MediaError(f"{path}: has no moving picture")
    stream.thread_type = "NONE"  # films are mapped over processes
    return stream


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order, overlapping ones joined, so that nothing is decoded or yielded twice."""
    merged: list[list[float]] = []
    for start, end in sorted((max(0.0, a), b) for a, b in spans if b > a):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [(a, b) for a, b in merged]


def _ticks(start: float, end: float, rate: float) -> Iterator[float]:
    k = math.ceil(start * rate - 1e-9)
    while k / rate <= end:
        yield k / rate
        k += 1


def _sampled(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path, ticks: Iterator[float]
) -> Iterator[tuple[float, np.ndarray]]:
    tick, last, end = next(ticks, None), None, 0.0
    for time, frame in _decoded(box, stream, path):
        while tick is not None and time > tick + 1e-6:
            if last is not None:
                yield tick, luma(last)
            tick = next(ticks, None)
        if tick is None:
            return
        last = frame
        end = time + float(frame.duration * frame.time_base if frame.duration else 0)
    # The last picture stands until it ends.
    while last is not None and tick is not None and tick < end:
        yield tick, luma(last)
        tick = next(ticks, None)


def _decoded(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time, frame) in presentation order; damaged packets are passed over and told once."""
    damaged, zero = 0, origin(box)
    packets = box.demux(stream)
    while True:
        in_time()
        try:
            packet = next(packets)
        except StopIteration:
            break
        except av.FFmpegError:
            damaged += 1
            break
        try:
            for frame in packet.decode():
                if frame.pts is not None:
                    yield float(frame.pts * stream.time_base) - zero, frame
        except av.FFmpegError:
            damaged += 1
    if damaged:
        passed_over(f"{path}: {damaged} damaged packets of pictures were passed over")
