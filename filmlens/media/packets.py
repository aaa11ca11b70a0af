"""Packets of a stream from any place of a file on, with times of the film's one clock.

A place is found by the container's own search where that can be trusted, by our index where the clock steps.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import av

from filmlens.media import clock, opening
from filmlens.media.monitor import in_time, passed_over
from filmlens.media.opening import Medium, Source, demuxed, origin
from filmlens.media.structure import structure


def packets(stream: av.stream.Stream, path: Source, time: float = 0.0) -> Iterator[av.Packet]:
    """Packets of a stream from some place at or before a time (s) on; 0 reads from the very beginning."""
    box, joined = stream.container, structure(path).joined
    if opening.stepping(box):
        if time > 0:
            yield from clock.from_index(stream, index(path), time + origin(box))
            return
        box.seek(0, backward=False, unsupported_byte_offset=True)
        yield from (p for p in _one_clock(box, path) if p.stream_index == stream.index)
    elif opening.timed(box):
        if time > 0:
            box.seek(int((time + origin(box)) / stream.time_base), stream=stream)
        elif stream.type == "video":  # spans of pictures are read one after another
            box.seek(0)
        yield from demuxed(stream)
    elif joined and not box.streams.video:
        box.seek(0, backward=False, unsupported_byte_offset=True)
        yield from _counted(demuxed(stream))
    else:  # a search would only estimate
        box.seek(0)
        steps = joined or "asf" in opening.names(box)
        yield from clock.Clock(stream.index).continuous(demuxed(stream)) if steps else demuxed(stream)


def readable(coming: Iterator[av.Packet], path: Source) -> Iterator[av.Packet | None]:
    """Packets as they come; None in place of one inside which the file ends. `MediaError` when they are encrypted."""
    first = True
    try:
        for packet in coming:
            in_time()
            if first:
                opening.refuse_encrypted(packet, path)
            first = False
            yield packet
    except av.FFmpegError:
        yield None


def _counted(packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
    """Packets of joined sound files: behind the first file they have no times, and follow each other without a gap."""
    last, counting = None, False
    for packet in packets:
        counting = counting or (last is not None and (packet.dts is None or packet.dts < last))
        last = packet.dts
        if counting:
            packet.pts = packet.dts = None
        yield packet


def _one_clock(box: av.container.InputContainer, path: Source) -> Iterator[av.Packet]:
    streams, sound = _streams(box, path)
    one = clock.Clock(sound, origin(box))
    yield from one.continuous(demuxed(*streams))
    if one.ahead:
        passed_over(f"{path}: its clock jumps ahead by {one.ahead:.1f} s in all; the parts follow each other here")
    if one.again:
        passed_over(
            f"{path}: its clock steps back by {one.again:.1f} s into what came before; is a stretch there twice?"
        )


def index(path: Source) -> clock.Index:
    """Where everything lies in a file whose clock may step; read once as long as the file stays the same."""
    stat = Path(path).stat()
    return _index(path if isinstance(path, Medium) else str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _index(path: str | Medium, _size: int, _changed: int) -> clock.Index:
    with opening.open_media(path) as box:
        return clock.scan(*_streams(box, path), origin(box))


def _streams(box: av.container.InputContainer, path: Source) -> tuple[list[av.stream.Stream], int | None]:
    """The streams that are read, and the index of the sound among them."""
    sound = opening.sound_stream(box, path)
    return [s for s in (sound, opening.picture_stream(box)) if s is not None], None if sound is None else sound.index
