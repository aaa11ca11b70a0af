"""Decoded pictures of a film from any time on, in the order in which they are shown, each with its time."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import av

from filmlens.media.monitor import passed_over
from filmlens.media.opening import Medium, origin, stepping, timed
from filmlens.media.packets import packets, readable
from filmlens.media.shown import in_order, reordered

_AHEAD = 32  # packets; codecs reorder at most 16 pictures
_EARLIER_S = (0.0, 5.0, 30.0, math.inf)  # how far before a span is looked for a key frame


def frames_from(
    box: av.container.InputContainer,
    stream: av.VideoStream,
    path: str | Path | Medium,
    start: float,
    rate: float | None,
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """Frames from the last one not after a time on; where the search lands behind it, the key frames before are tried.

    With no rate every picture is decoded, with one those that no k / rate samples may be left out.
    A packet without a picture gives None at its time: the picture before stands on.
    """
    for earlier in _EARLIER_S:
        target = max(0.0, start - earlier)
        frames = _decoded(box, stream, path, target, rate)
        first = next((shown for shown in frames if shown[1] is not None), None)
        if target == 0 or not (timed(box) or stepping(box)) or (first is not None and first[0] <= start + 1e-6):
            return iter(()) if first is None else chain([first], frames)
    return iter(())


def _decoded(
    box: av.container.InputContainer,
    stream: av.VideoStream,
    path: str | Path | Medium,
    start: float,
    rate: float | None,
) -> Iterator[tuple[float, av.VideoFrame | None]]:
    """(time, frame) in presentation order; damaged packets are passed over and told once."""
    zero, base = origin(box), float(stream.time_base)
    damaged = 0
    coming = readable(packets(box, stream, path, start), path)
    if reordered(box, stream):
        ticks = in_order(coming, stream, from_start=start <= 0)
    else:
        ticks = _ticked(coming, stream, zero, rate)
    for shown in ticks:
        if shown is None:
            damaged += 1
        else:
            yield shown[0] * base - zero, shown[1]
    if damaged:
        passed_over(f"{path}: {damaged} damaged packets of pictures were passed over")


def _ticked(
    coming: Iterator[av.Packet | None], stream: av.VideoStream, zero: float, rate: float | None
) -> Iterator[tuple[int, av.VideoFrame | None] | None]:
    """(time in ticks, frame) of packets that carry their times; None for one that cannot be decoded.

    Pictures that no other needs and no k / rate samples are not decoded. A packet without content repeats the picture
    before (Theora); a decoder would take it for the end.
    """
    context, decoded = stream.codec_context, None
    for packet, wanted in _marked(coming, stream, zero, rate):
        if packet is None:
            yield None
            continue
        if packet.size == 0 and packet.dts is not None:
            yield packet.dts, None
            continue
        try:
            if wanted is not decoded:
                context.skip_frame, decoded = ("DEFAULT" if wanted else "NONREF"), wanted
            for frame in packet.decode():
                if frame.pts is not None:
                    yield frame.pts, frame
        except av.FFmpegError:
            yield None


def _droppable(context: av.VideoCodecContext) -> bool:
    """Whether a picture that says it is no reference is never needed by another one: in HEVC of one temporal layer."""
    if context.codec.name == "hevc":
        head = bytes(context.extradata or b"")
        return len(head) > 21 and head[0] == 1 and head[21] >> 3 & 7 == 1
    return context.codec.name in ("h264", "mpeg2video")


def _marked(
    coming: Iterator[av.Packet | None], stream: av.VideoStream, zero: float, rate: float | None
) -> Iterator[tuple[av.Packet | None, bool]]:
    """Packets in the order of decoding, each with whether its picture is sampled, or may be.

    The next picture in time is among the packets that follow closely, or came shortly before.
    """
    ahead, base = deque(), float(stream.time_base)
    if rate is None or not _droppable(stream.codec_context):
        yield from ((packet, True) for packet in coming)
        return
    known: list[int] = []  # presentation times of the packets met, in order
    while True:
        for packet in islice(coming, _AHEAD - len(ahead)):
            ahead.append(packet)
            if packet is not None and packet.pts is not None:
                insort(known, packet.pts)
        if not ahead:
            return
        packet, wanted = ahead.popleft(), True
        if packet is not None and packet.pts is not None:
            after = bisect_right(known, packet.pts)
            if after < len(known):
                shown, over = packet.pts * base - zero - 1e-6, known[after] * base - zero - 1e-6
                wanted = math.ceil(shown * rate) / rate < over
            if after > 4 * _AHEAD:
                del known[: after - _AHEAD]
        yield packet, wanted
