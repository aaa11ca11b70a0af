"""Pictures of a film as luma, sampled at whole seconds of the film's clock.

The sampled picture at k s is the last one with presentation time <= k (method, section 4). Luma comes from the
Y plane as it was coded, brought to [0, 1] by its range (16-235 or full, 8 to 16 bit), never through RGB.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

import av
import cv2
import numpy as np

from filmlens.media.container import MediaError, duration, open_media, origin, picture_stream, timed
from filmlens.media.watch import in_time, passed_over

_LIMITED, _FULL = 1, 2  # AVCOL_RANGE_MPEG, _JPEG
_TRANSFERS = {16: "PQ", 18: "HLG"}  # AVCOL_TRC_SMPTE2084, _ARIB_STD_B67
_STRIP_EXACT_S = 600.0
_AHEAD = 32  # packets; codecs reorder at most 16 pictures
_EARLIER_S = (0.0, 5.0, 30.0, math.inf)  # how far before a span is looked for a key frame


def sample_luma(
    path: str | Path,
    *,
    spans: Sequence[tuple[float, float]] | None = None,
    rate: float = 1.0,
    sampling: str = "exact",
) -> Iterator[tuple[float, np.ndarray]]:
    """Pictures at k / rate seconds, or key frames.

    Parameters
    ----------
    path : path
    spans : sequence of (start, end), optional
        Seconds on the film's clock; only the pictures inside are decoded (from the key frame before).
        The whole film by default.
    rate : float
        Pictures per second, with exact sampling.
    sampling : {"exact", "keyframes"}
        "keyframes" decodes nothing but key frames and gives them at their own times; the one before a span stands at
        the span's start, so that no span is empty.

    Yields
    ------
    time : float
        k / rate, or that of the key frame.
    luma : ndarray of float32
        (height, width) in [0, 1].

    Raises
    ------
    MediaError
        No such file, no moving picture, or nothing that can be decoded.
    ValueError
        For an unknown `sampling`.
    """
    for time, frame in _frames(path, spans, rate, sampling):
        yield time, luma(frame)


def film_strip(path: str | Path, *, columns: int = 240, height: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """A film in one strip: each picture squeezed to a column of its colours ("film barcode").

    Parameters
    ----------
    path : path
    columns : int
        At most, spread over the film. Films of more than ten minutes give key frames, whose places the encoder chose.
    height : int
        Rows of a column.

    Returns
    -------
    times : ndarray, shape=(n,)
        From when on a column holds, in s.
    strip : ndarray of uint8, shape=(height, n, 3)
        RGB.
    """
    length = duration(path)
    if length > _STRIP_EXACT_S:
        frames = _spread_keys(path, columns)
    else:
        frames = _frames(path, None, columns / max(length, 1.0), "exact")
    times, strip = [], []
    for time, frame in frames:
        small = frame.reformat(width=8, height=height, format="rgb24", interpolation="AREA").to_ndarray()
        times.append(time)
        strip.append(small.mean(axis=1).round().astype(np.uint8))
    return np.array(times), np.stack(strip, axis=1) if strip else np.zeros((height, 0, 3), np.uint8)


def key_pictures(path: str | Path, count: int) -> Iterator[tuple[float, np.ndarray]]:
    """At most `count` key frames spread over the film, as (time, luma); quick, for finding a letterbox."""
    for time, frame in _spread_keys(path, count):
        yield time, luma(frame)


def _spread_keys(path: str | Path, count: int) -> Iterator[tuple[float, av.VideoFrame]]:
    with open_media(path) as box:
        stream = _stream(box, path)
        length = (box.duration or 0) / av.time_base
        if not timed(box) or not length:
            yield from islice(_key_frames(box, stream, path), count)
            return
        before = -1.0
        for target in (np.arange(count) + 0.5) * length / count:
            _seek(box, stream, target)
            time, frame = next(_key_frames(box, stream, path, after=before), (before, None))
            if frame is not None:
                before = time
                yield time, frame


def coding(path: str | Path) -> dict[str, str | int]:
    """How the luma of a film is coded, from its header: bits, range ("limited" or "full") and transfer.

    Transfer is "PQ" or "HLG" for high dynamic range, whose luma is not comparable with that of other films, else "SDR".
    """
    with open_media(path) as box:
        context = _stream(box, path).codec_context
        kind = context.format
        return {
            "bits": kind.components[0].bits if kind else 8,
            "range": "full" if kind and _is_full(kind.name, context.color_range) else "limited",
            "transfer": _TRANSFERS.get(int(context.color_trc), "SDR"),
        }


def _frames(
    path: str | Path, spans: Sequence[tuple[float, float]] | None, rate: float, sampling: str
) -> Iterator[tuple[float, av.VideoFrame]]:
    """What `sample_luma` gives, as frames."""
    if sampling not in ("exact", "keyframes"):
        raise ValueError(f"sampling={sampling!r} is unknown; choose exact or keyframes")
    with open_media(path) as box:
        stream = _stream(box, path)
        for start, end in merge_spans(spans) if spans is not None else [(0.0, math.inf)]:
            if sampling == "keyframes":
                yield from _keys_within(box, stream, path, start, end)
            else:
                yield from _sampled(box, stream, path, (start, end), rate)


def luma(frame: av.VideoFrame) -> np.ndarray:
    """Luma of a decoded frame, float32 (height, width) in [0, 1], range and depth taken from the stream.

    Formats without a Y plane (RGB, palettes) are converted to full-range grey first.
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


def _stream(box: av.container.InputContainer, path: str | Path) -> av.VideoStream:
    stream = picture_stream(box)
    if stream is None:
        raise MediaError(f"{path}: has no moving picture")
    stream.thread_type = "NONE"  # films are mapped over processes
    return stream


def _seek(box: av.container.InputContainer, stream: av.VideoStream, time: float) -> None:
    """To the key frame before a time; to the beginning where the container keeps no times."""
    if timed(box) and time > 0:
        box.seek(int((time + origin(box)) / stream.time_base), stream=stream)
    else:
        box.seek(0)


def merge_spans(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in order, overlapping ones joined, so that nothing is decoded or yielded twice."""
    merged: list[list[float]] = []
    for start, end in sorted((max(0.0, a), b) for a, b in spans if b > a):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [(a, b) for a, b in merged]


def _ticks(start: float, end: float, rate: float) -> Iterator[float]:
    """Sampled times k / rate of a span, both ends within."""
    k = math.ceil(start * rate - 1e-9)
    while k / rate <= end:
        yield k / rate
        k += 1


def _sampled(
    box: av.container.InputContainer,
    stream: av.VideoStream,
    path: str | Path,
    span: tuple[float, float],
    rate: float,
) -> Iterator[tuple[float, av.VideoFrame]]:
    ticks = _ticks(*span, rate)
    tick, last, end = next(ticks, None), None, 0.0
    for time, frame in _from(box, stream, path, span[0], rate):
        while tick is not None and time > tick + 1e-6:
            if last is not None:
                yield tick, last
            tick = next(ticks, None)
        if tick is None:
            return
        last = frame
        end = time + float(frame.duration * frame.time_base if frame.duration else 0)
    # The last picture stands until it ends.
    while last is not None and tick is not None and tick < end:
        yield tick, last
        tick = next(ticks, None)


def _keys_within(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path, start: float, end: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    if start > 0:
        _seek(box, stream, start)
    before = None
    for time, frame in _key_frames(box, stream, path):
        if time > start and before is not None:
            yield start, before
        before = None
        if time > end:
            return
        if time < start:
            before = frame
        else:
            yield time, frame
    if before is not None:
        yield start, before


def _key_frames(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path, *, after: float = -math.inf
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time, frame) of key frames from here on; each is decoded on its own, without waiting for its successors.

    Ends at once at a key frame that is not `after` a time.
    """
    damaged, zero = 0, origin(box)
    packets, context = _key_packets(box, stream), stream.codec_context
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            break
        except av.FFmpegError:
            damaged += 1
            break
        if packet.pts is not None and float(packet.pts * stream.time_base) - zero <= after:
            break
        try:
            frames = [*context.decode(packet), *context.decode(None)]
        except av.FFmpegError:
            frames = []
            damaged += 1
        context.flush_buffers()
        for frame in frames:
            if frame.pts is not None:
                yield float(frame.pts * stream.time_base) - zero, frame
    if damaged:
        passed_over(f"{path}: {damaged} damaged packets of pictures were passed over")


def _key_packets(box: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
    """Packets of key frames from here on. Where the file's index names every picture, what lies between is not read."""
    index = stream.index_entries
    whole = "mp4" in box.format.name and 0 < len(index) == stream.frames
    packets, last, following = box.demux(stream), -math.inf, math.inf
    while (packet := next(packets, None)) is not None:
        in_time()
        if not packet.is_keyframe or packet.size == 0 or (packet.dts is not None and packet.dts <= last):
            continue
        if packet.dts is not None and packet.dts > following:  # the jump went too far
            box.seek(following, stream=stream)
            packets, following = box.demux(stream), math.inf
            continue
        yield packet
        if whole and packet.dts is not None and packet.pts is not None:
            last = packet.dts
            place = index.search_timestamp(last + 1, backward=False)
            if place < 0:
                return
            following = index[place].timestamp
            # times of decoding stand in the index, and a jump goes by times of presentation
            box.seek(following + max(packet.pts - packet.dts, 0), stream=stream)
            packets = box.demux(stream)


def _from(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path, start: float, rate: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Frames from the last key frame before a time on; some containers' seeks land behind it, so it is looked for."""
    for earlier in _EARLIER_S:
        target = max(0.0, start - earlier)
        if start > 0:
            _seek(box, stream, target)
        frames = _decoded(box, stream, path, rate)
        first = next(frames, None)
        if target == 0 or not timed(box) or (first is not None and first[0] <= start + 1e-6):
            return iter(()) if first is None else chain([first], frames)
    return iter(())


def _decoded(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path, rate: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time, frame) in presentation order; damaged packets are passed over and told once.

    Pictures that no other needs and no k / rate samples are not decoded.
    """
    damaged, zero = 0, origin(box)
    packets, context, base = _marked(box, stream, zero, rate), stream.codec_context, float(stream.time_base)
    decoded: bool | None = None
    while True:
        try:
            packet, wanted = next(packets)
        except StopIteration:
            break
        except av.FFmpegError:
            damaged += 1
            break
        try:
            if wanted is not decoded:
                context.skip_frame, decoded = ("DEFAULT" if wanted else "NONREF"), wanted
            for frame in packet.decode():
                if frame.pts is not None:
                    yield frame.pts * base - zero, frame
        except av.FFmpegError:
            damaged += 1
    if damaged:
        passed_over(f"{path}: {damaged} damaged packets of pictures were passed over")


def _droppable(context: av.VideoCodecContext) -> bool:
    """Whether a picture that says it is no reference is never needed by another one: in HEVC of one temporal layer."""
    if context.codec.name == "hevc":
        head = bytes(context.extradata or b"")
        return len(head) > 21 and head[0] == 1 and head[21] >> 3 & 7 == 1
    return context.codec.name in ("h264", "mpeg2video")


def _marked(
    box: av.container.InputContainer, stream: av.VideoStream, zero: float, rate: float
) -> Iterator[tuple[av.Packet, bool]]:
    """Packets in the order of decoding, each with whether its picture is sampled, or may be.

    The next picture in time is among the packets that follow closely, or came shortly before.
    """
    packets, ahead, base = box.demux(stream), deque(), float(stream.time_base)
    if not _droppable(stream.codec_context):
        yield from ((packet, True) for packet in packets)
        return
    known: list[int] = []  # presentation times of the packets met, in order
    error, more = None, True
    while more or ahead:
        while more and len(ahead) < _AHEAD:
            try:
                packet = next(packets)
            except StopIteration:
                more = False
            except av.FFmpegError as failure:
                error, more = failure, False
            else:
                ahead.append(packet)
                if packet.pts is not None:
                    insort(known, packet.pts)
        if not ahead:
            break
        packet, wanted = ahead.popleft(), True
        if packet.pts is not None:
            after = bisect_right(known, packet.pts)
            if after < len(known):
                shown, over = packet.pts * base - zero - 1e-6, known[after] * base - zero - 1e-6
                wanted = math.ceil(shown * rate) / rate < over
            if after > 4 * _AHEAD:
                del known[: after - _AHEAD]
        yield packet, wanted
    if error is not None:
        raise error
