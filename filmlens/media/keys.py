"""Key frames alone: pictures that are decoded without any other, quick, at times that the encoder chose."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np

from filmlens.media.luma import luma
from filmlens.media.monitor import in_time, passed_over
from filmlens.media.opening import Medium, demuxed, need_pictures, open_media, origin, stepping, timed
from filmlens.media.packets import index as index_of
from filmlens.media.packets import packets, readable


def key_pictures(path: str | Path | Medium, count: int) -> Iterator[tuple[float, np.ndarray]]:
    """At most `count` key frames spread over the film, as (time, luma); quick, for finding a letterbox."""
    for time, frame in spread_keys(path, count):
        yield time, luma(frame)


def spread_keys(path: str | Path | Medium, count: int) -> Iterator[tuple[float, av.VideoFrame]]:
    """At most `count` key frames spread over the film, as (time, frame)."""
    with open_media(path) as box:
        stream = need_pictures(box, path)
        length = (box.duration or 0) / av.time_base
        if stepping(box):
            length = index_of(path).ends.get(stream.index, 0.0) - origin(box)
        elif not timed(box):
            length = 0.0
        if length <= 0:
            yield from islice(key_frames(box, stream, path), count)
            return
        before = -1.0
        for target in (np.arange(count) + 0.5) * length / count:
            time, frame = next(key_frames(box, stream, path, float(target), after=before), (before, None))
            if frame is not None:
                before = time
                yield time, frame


def keys_within(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path | Medium, start: float, end: float
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Key frames of a span; the one before it stands at its start."""
    before = None
    for time, frame in key_frames(box, stream, path, start):
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
    box: av.container.InputContainer,
    stream: av.VideoStream,
    path: str | Path | Medium,
    start: float = 0.0,
    *,
    after: float = -math.inf,
) -> Iterator[tuple[float, av.VideoFrame]]:
    """(time, frame) of key frames from the one before a time on; each is decoded on its own, without its successors.

    Ends at once at a key frame that is not `after` a time.
    """
    damaged, zero, context = 0, origin(box), stream.codec_context
    for packet in readable(_key_packets(box, stream, path, start), path):
        if packet is None:
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


def _key_packets(
    box: av.container.InputContainer, stream: av.VideoStream, path: str | Path | Medium, start: float
) -> Iterator[av.Packet]:
    """Packets of key frames from here on. Where the file's index names every picture, what lies between is not read."""
    index = stream.index_entries
    whole = "mp4" in box.format.name and 0 < len(index) == stream.frames
    coming, last, following = packets(box, stream, path, start), -math.inf, math.inf
    while (packet := next(coming, None)) is not None:
        in_time()
        if not packet.is_keyframe or packet.size == 0 or (packet.dts is not None and packet.dts <= last):
            continue
        if packet.dts is not None and packet.dts > following:  # the jump went too far
            box.seek(following, stream=stream)
            coming, following = demuxed(box, stream), math.inf
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
            coming = demuxed(box, stream)
