"""Times of pictures in AVI, which keeps none: the n-th picture shown takes the n-th place of the file.

AVI numbers its packets in the order of decoding. Where pictures are shown in another order (B-frames), neither a
packet's number nor what a demuxer guesses from it is the time of its picture, and the guess changes after a jump. The
place of a picture is that of its packet, moved by the pictures that overtook it: a picture that others are predicted
from stands behind all that were decoded before it and shown with it, and a B-frame follows the picture shown before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator

import av
from av.bitstream import BitStreamFilterContext
from av.video.frame import PictureType

_RECENT = 32  # codecs reorder at most 16 pictures


def reordered(box: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """Whether the times of pictures have to be found here."""
    return box.format.name == "avi" and bool(stream.codec_context.has_b_frames)


def in_order(
    packets: Iterable[av.Packet | None], stream: av.VideoStream, *, from_start: bool
) -> Iterator[tuple[int, av.VideoFrame] | None]:
    """Pictures in the order in which they are shown, each with its time in the stream's ticks; None for damage.

    `packets` come from a key frame on, None in place of one that cannot be read; `from_start` says whether that is the
    film's first. Behind another one, pictures may be missing that are shown before it, so that the count begins at the
    next picture that tells its place.
    """
    context = stream.codec_context
    context.copy_opaque = True
    # packed bitstreams carry two pictures in one packet, and an empty one later
    unpacked = BitStreamFilterContext("mpeg4_unpack_bframes", stream) if context.codec.name == "mpeg4" else None
    places: list[int] = []
    recent: deque[int] = deque(maxlen=_RECENT)
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
