"""What a media file holds: its length, its sound and its pictures."""

from contextlib import suppress
from dataclasses import dataclass

import av

from filmlens.media import opening
from filmlens.media.monitor import in_time
from filmlens.media.opening import MediaError, Source, headless, names, origin
from filmlens.media.packets import index, packets
from filmlens.media.structure import structure


@dataclass(frozen=True)
class MediaInfo:
    """What a media file holds, read from its header: of the sound and the picture that are in use; 0 without one.

    `duration` is in s, `time_code` the first frame's ("01:00:00:00"); container and codecs are as FFmpeg names them.
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


def stated_end(stream: av.stream.Stream) -> float:
    """Where the header says that a stream ends, on the film's clock; 0 where it does not say, or only estimates.

    The container's own length may be that of a subtitle; it counts only when there is no other stream.
    """
    box, says = stream.container, structure(stream.container.name)
    if tagged := _clock_time(stream.metadata.get("DURATION", "")):
        return tagged - origin(box)
    if says.frames and "mp3" in names(box):
        return says.frames * stream.codec_context.frame_size / stream.codec_context.sample_rate - origin(box)
    if not opening.timed(box) or "ogg" in names(box) or says.overlong:
        return 0.0
    if stream.duration:
        start = 0 if "flac" in names(box) else stream.start_time or 0
        return float((stream.duration + start) * stream.time_base) - origin(box)
    return (box.duration or 0) / av.time_base if len(box.streams) == 1 else 0.0


def headless_start(box: av.container.InputContainer) -> float:
    """Seconds that are missing before a sound file's first packet."""
    return max(0.0, (box.start_time or 0) / av.time_base) if headless(box) else 0.0


def _clock_time(text: str) -> float:
    """Seconds of Matroska's tag "00:00:19.000000000"; 0 when it is none."""
    try:
        hours, minutes, seconds = text.strip("\0 ").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return 0.0


def probe(path: Source) -> MediaInfo:
    """Read what a media file holds; raises `MediaError` when it cannot be opened or has neither sound nor pictures."""
    with opening.open_media(path) as box:
        sound, picture = opening.sound_stream(box, path), opening.picture_stream(box)
        if sound is None and picture is None:
            raise MediaError(f"{path}: has neither sound nor pictures")
        heard, seen = sound and sound.codec_context, picture and picture.codec_context
        tagged = (m["timecode"] for m in (*(s.metadata for s in box.streams), box.metadata) if "timecode" in m)
        return MediaInfo(
            duration=_duration(path, [s for s in (sound, picture) if s is not None]),
            sample_rate=heard.sample_rate if heard else 0,
            channels=heard.channels if heard else 0,
            width=seen.width if seen else 0,
            height=seen.height if seen else 0,
            fps=float(picture.average_rate or 0) if picture else 0.0,
            time_code=next(tagged, ""),
            container=box.format.name.partition(",")[0],
            sound_codec=heard.name if heard else "",
            picture_codec=seen.name if seen else "",
        )


def duration(path: Source) -> float:
    """Length of a media file in seconds: of its sound and pictures, whatever else it carries."""
    return probe(path).duration


def _duration(path: Source, streams: list[av.stream.Stream]) -> float:
    first, box = streams[0], streams[0].container
    if opening.stepping(box):
        return max(0.0, max(index(path).ends.values(), default=0.0) - origin(box))
    if opening.timed(box) and not structure(path).overlong:
        ends = [stated_end(s) for s in streams]
        if all(ends) or (any(ends) and not box.duration):
            return max(ends)
        if box.duration:
            return box.duration / av.time_base + headless_start(box)
    if structure(path).joined and not box.streams.video:
        samples = 0
        for packet in packets(first, path):
            in_time()
            with suppress(av.FFmpegError):
                samples += sum(frame.samples for frame in packet.decode())
        return samples / first.codec_context.sample_rate
    # The header's figure is an estimate from the bit rate: the packets know.
    end = 0.0
    for packet in packets(first, path):
        in_time()
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return max(0.0, end - origin(box))
