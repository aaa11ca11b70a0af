"""Decoded pictures of a film from any time on, each with its time: in the order in which they are shown, or key frames.

AVI keeps no times: the n-th picture shown takes the n-th place of the file. Its packets are numbered in the order of
decoding. Where pictures are shown in another order (B-frames), a picture's place is that of its packet, moved by the
pictures that overtook it: one that others are predicted from stands behind all that were decoded before it and shown
with it, and a B-frame follows the picture shown before.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.video.frame import PictureType

from filmlens.media.monitor import in_time, passed_over
from filmlens.media.opening import Source, demuxed, need_pictures, open_media, origin, stepping, timed
from filmlens.media.packets import index as index_of
from filmlens.media.packets import packets, readable

_AHEAD = 32  # packets; codecs reorder at most 16 pictures
_EARLIER_S = (0.0, 5.0, 30.0, math.inf)  # how far before a span is looked for a key frame

#: Pictures with their times (s); a packet without a picture gives None at its time: the picture before stands on.
Shown = Iterator[tuple[float, av.VideoFrame | None]]
_Picture = TypeVar("_Picture")


def frames_from(stream: av.VideoStream, path: Source, start: float, rate: float | None) -> Shown:
    """Frames from the last one not after a time on; with a rate, those that no k / rate samples may be left out."""
    box = stream.container
    for earlier in _EARLIER_S:  # a search may land behind it
        target = max(0.0, start - earlier)
        frames = _decoded(stream, path, target, rate)
        first = next((shown for shown in frames if shown[1] is not None), None)
        if target == 0 or not (timed(box) or stepping(box)) or (first is not None and first[0] <= start + 1e-6):
            return iter(()) if first is None else chain([first], frames)
    return iter(())


def _decoded(stream: av.VideoStream, path: Source, start: float, rate: float | None) -> Shown:
    """(time, frame) in presentation order."""
    zero, base = origin(stream.container), float(stream.time_base)
    coming = readable(packets(stream, path, start), path)
    if stream.container.format.name == "avi" and stream.codec_context.has_b_frames:
        ticks = _in_order(coming, stream, from_start=start <= 0)
    else:
        ticks = _ticked(coming, stream, zero, rate)
    for tick, frame in _undamaged(ticks, path):
        yield tick * base - zero, frame


def _undamaged(pictures: Iterable[_Picture | None], path: Source) -> Iterator[_Picture]:
    """Pictures without what is None, for a damaged packet; how many those were is told once."""
    damaged = 0
    for picture in pictures:
        if picture is None:
            damaged += 1
        else:
            yield picture
    if damaged:
        passed_over(f"{path}: {damaged} damaged packets of pictures were passed over")


def _ticked(
    coming: Iterator[av.Packet | None], stream: av.VideoStream, zero: float, rate: float | None
) -> Iterator[tuple[int, av.VideoFrame | None] | None]:
    """(ticks, frame) of packets that carry their times, without pictures that nothing needs; None for damage."""
    context, decoded = stream.codec_context, None
    for packet, wanted in _marked(coming, stream, zero, rate):
        if packet is None:
            yield None
            continue
        if packet.size == 0 and packet.dts is not None:  # repeats the picture before (Theora), and is not the end
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
    """Packets in the order of decoding, each with whether its picture is sampled, or may be: the next is near."""
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


def _in_order(
    packets: Iterable[av.Packet | None], stream: av.VideoStream, *, from_start: bool
) -> Iterator[tuple[int, av.VideoFrame] | None]:
    """As `_ticked`, of AVI; `packets` come from a key frame on, which is the film's first one if `from_start`."""
    context = stream.codec_context
    context.copy_opaque = True
    # packed bitstreams carry two pictures in one packet, and an empty one later
    unpacked = BitStreamFilterContext("mpeg4_unpack_bframes", stream) if context.codec.name == "mpeg4" else None
    places: list[int] = []
    recent: deque[int] = deque(maxlen=_AHEAD)
    # behind a later key frame pictures may be missing: the count begins at the next picture that tells its place
    last, sure = (-1 if from_start else None), from_start
    for packet in packets:
        if packet is None:
            yield None
            continue
        end = packet.dts is None
        try:
            ready = [packet] if unpacked is None else unpacked.filter(None if end else packet)
            frames = []
            for part in ready:
                if part.dts is not None:
                    places.append(part.dts)
                    part.opaque = part.dts
                frames += context.decode(part)
            if end and unpacked is not None:
                frames += context.decode(None)
        except av.FFmpegError:
            yield None
            continue
        for frame in frames:
            if frame.opaque is None:
                continue
            if frame.pict_type != PictureType.B:
                known = last is not None
                last = bisect_left(places, frame.opaque) + sum(d > frame.opaque for d in recent)
                sure = sure or known
            elif last is not None:
                last += 1
            recent.append(frame.opaque)
            if sure and last is not None and last < len(places):
                yield places[last], frame


def spread_keys(path: Source, count: int) -> Iterator[tuple[float, av.VideoFrame]]:
    """At most `count` key frames spread over the film, as (time, frame)."""
    with open_media(path) as box:
        stream = need_pictures(box, path)
        length = (box.duration or 0) / av.time_base
        if stepping(box):
            length = index_of(path).ends.get(stream.index, 0.0) - origin(box)
        elif not timed(box):
            length = 0.0
        if length <= 0:
            yield from islice(key_frames(stream, path), count)
            return
        before = -1.0
        for target in (np.arange(count) + 0.5) * length / count:
            time, frame = next(key_frames(stream, path, float(target), after=before), (before, None))
            if frame is not None:
                before = time
                yield time, frame


def keys_within(
    stream: av.VideoStream, path: Source, start: float, end: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Key frames of a span; the one before it stands at its start."""
    before = None
    for time, frame in key_frames(stream, path, start):
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


def key_frames(
    stream: av.VideoStream, path: Source, start: float = 0.0, *, after: float = -math.inf
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time, frame) of key frames from the one before a time on, decoded alone; ends at one not `after` a time."""
    return _undamaged(_keys(stream, path, start, after), path)


def _keys(
    stream: av.VideoStream, path: Source, start: float, after: float
) -> Iterator[tuple[float, av.VideoFrame] | None]:
    zero, context = origin(stream.container), stream.codec_context
    for packet in readable(_key_packets(stream, path, start), path):
        if packet is None:
            yield None
            return
        if packet.pts is not None and float(packet.pts * stream.time_base) - zero <= after:
            return
        try:
            frames = [*context.decode(packet), *context.decode(None)]
        except av.FFmpegError:
            yield None
            frames = []
        context.flush_buffers()
        for frame in frames:
            if frame.pts is not None:
                yield float(frame.pts * stream.time_base) - zero, frame


def _key_packets(stream: av.VideoStream, path: Source, start: float) -> Iterator[av.Packet]:
    """Packets of key frames from here on. Where the file's index names every picture, what lies between is not read."""
    box, index = stream.container, stream.index_entries
    whole = "mp4" in box.format.name and 0 < len(index) == stream.frames
    coming, last, following = packets(stream, path, start), -math.inf, math.inf
    while (packet := next(coming, None)) is not None:
        in_time()
        if not packet.is_keyframe or packet.size == 0 or (packet.dts is not None and packet.dts <= last):
            continue
        if packet.dts is not None and packet.dts > following:  # the jump went too far
            box.seek(following, stream=stream)
            coming, following = demuxed(stream), math.inf
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
            coming = demuxed(stream)
