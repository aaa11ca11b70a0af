"""What a media file holds: its length, its sound and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from filmlens.media import choice
from filmlens.media.monitor import in_time
from filmlens.media.opening import (
    MediaError,
    Medium,
    headless,
    names,
    open_media,
    origin,
    picture_stream,
    sound_stream,
    stepping,
    timed,
)
from filmlens.media.packets import index, packets
from filmlens.media.structure import structure


@dataclass(frozen=True)
class MediaInfo:
    """What a media file holds, read from its header: of the sound and the picture that are in use; 0 without one.

    `duration` is in s, `fps` the average frame rate, `time_code` that of the first frame, such as "01:00:00:00", empty
    when it carries none. Container and codecs are as FFmpeg names them, such as matroska, ac3, h264.
    """

    duration: float
    sample_rate: int = 0
    channels: int = 0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    time_code: str = ""
    container: str = ""
    sound_codec: str = ""
    picture_codec: str = ""

    @property
    def has_sound(self) -> bool:
        return self.sample_rate > 0

    @property
    def has_pictures(self) -> bool:
        return self.width > 0


def stated_end(box: av.container.InputContainer, stream: av.stream.Stream) -> float:
    """Where the header says that a stream ends, on the film's clock; 0 where it does not say, or only estimates.

    The container's own length is that of its longest stream, which may be a subtitle; it counts only when there is no
    other stream.
    """
    tagged = _clock_time(stream.metadata.get("DURATION", ""))
    if tagged:
        return tagged - origin(box)
    if (frames := structure(box.name).frames) and "mp3" in names(box):
        return frames * stream.codec_context.frame_size / stream.codec_context.sample_rate - origin(box)
    if not timed(box) or names(box) & {"ogg"} or structure(box.name).overlong:
        return 0.0
    if stream.duration:
        start = 0 if "flac" in names(box) else stream.start_time or 0
        return float((stream.duration + start) * stream.time_base) - origin(box)
    return (box.duration or 0) / av.time_base if len(box.streams) == 1 else 0.0


def headless_start(box: av.container.InputContainer, stream: av.stream.Stream) -> float:
    """Seconds that are missing before a sound file's first packet."""
    return max(0.0, (box.start_time or 0) / av.time_base) if headless(box) else 0.0


def _clock_time(text: str) -> float:
    """Seconds of Matroska's tag "00:00:19.000000000"; 0 when it is none."""
    try:
        hours, minutes, seconds = text.strip("\0 ").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def probe(path: str | Path | Medium) -> MediaInfo:
    """Read what a media file holds; raises `MediaError` when it cannot be opened or has neither sound nor pictures."""
    with open_media(path) as box:
        sound, picture = sound_stream(box, path), picture_stream(box)
        if sound is None and picture is None:
            raise MediaError(f"{path}: has neither sound nor pictures")
        return MediaInfo(
            duration=_duration(box, path, [s for s in (sound, picture) if s is not None]),
            sample_rate=sound.codec_context.sample_rate if sound else 0,
            channels=sound.codec_context.channels if sound else 0,
            width=picture.codec_context.width if picture else 0,
            height=picture.codec_context.height if picture else 0,
            fps=float(picture.average_rate or 0) if picture else 0.0,
            time_code=next(
                (m["timecode"] for m in (*(s.metadata for s in box.streams), box.metadata) if "timecode" in m), ""
            ),
            container=box.format.name.partition(",")[0],
            sound_codec=sound.codec_context.name if sound else "",
            picture_codec=picture.codec_context.name if picture else "",
        )


def sound_streams(path: str | Path | Medium) -> tuple[list[choice.SoundStream], int | None]:
    """Every sound stream of a file, and the number of the one that is read."""
    with open_media(path) as box:
        read = sound_stream(box, path)
        readable = [s for s in box.streams.audio if s.codec_context is not None]
        return choice.sound_streams(box), next((n for n, s in enumerate(readable) if s is read), None)


def duration(path: str | Path | Medium) -> float:
    """Length of a media file in seconds: of its sound and pictures, whatever else it carries."""
    return probe(path).duration


def _duration(box: av.container.InputContainer, path: str | Path | Medium, streams: list[av.stream.Stream]) -> float:
    if stepping(box):
        return max(0.0, max(index(path).ends.values(), default=0.0) - origin(box))
    if timed(box) and not structure(path).overlong:
        ends = [stated_end(box, s) for s in streams]
        if all(ends) or (any(ends) and not box.duration):
            return max(ends)
        if box.duration:
            return box.duration / av.time_base + headless_start(box, streams[0])
    if structure(path).joined and not box.streams.video:
        rate = streams[0].codec_context.sample_rate
        return sum(f.samples for p in packets(box, streams[0], path) for f in _decoded_or_none(p)) / rate
    # The header's figure is an estimate from the bit rate: the packets know.
    end = 0.0
    for packet in packets(box, streams[0], path):
        in_time()
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return max(0.0, end - origin(box))


def _decoded_or_none(packet: av.Packet) -> list[av.AudioFrame]:
    in_time()
    try:
        return packet.decode()
    except av.FFmpegError:
        return []
