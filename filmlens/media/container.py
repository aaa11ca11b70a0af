"""Opening a media file: which streams it has, where its clock starts, and errors that name the file.

Times are float seconds of presentation time, zero at the container's start, the same for sound and picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.stream import Disposition

from filmlens.media.watch import in_time

#: Containers that store a time with every packet, or whose packets name their samples; in the others (raw MP3,
#: AC-3, DTS ...) a seek only estimates where it has landed, so they are read from the start.
TIMED = {"mov", "mp4", "matroska", "webm", "avi", "ogg", "wav", "flac", "mpegts"}


class MediaError(ValueError):
    """A media file that is missing, cannot be decoded, or lacks the stream that was asked for."""


@dataclass(frozen=True)
class MediaInfo:
    """What a media file holds, read from its header.

    Attributes
    ----------
    duration : float
        Seconds.
    sample_rate, channels : int
        Of the sound stream in use; 0 without sound.
    width, height : int
        Of the picture stream in use; 0 without pictures.
    fps : float
        Average frame rate; 0 without pictures.
    """

    duration: float
    sample_rate: int = 0
    channels: int = 0
    width: int = 0
    height: int = 0
    fps: float = 0.0

    @property
    def has_sound(self) -> bool:
        return self.sample_rate > 0

    @property
    def has_pictures(self) -> bool:
        return self.width > 0


@contextmanager
def open_media(path: str | Path) -> Iterator[av.container.InputContainer]:
    """Open a media file for reading; decoding errors inside become `MediaError`.

    Raises
    ------
    MediaError
        Names the file and what to do about it.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"{path}: no such file; correct the path or put the file there")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty; copy it again")
    try:
        with av.open(str(path), metadata_errors="ignore") as box:
            yield box
    except (av.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"{path}: cannot be read as sound or pictures ({reason}); is it complete?") from error


def timed(box: av.container.InputContainer) -> bool:
    """Whether the container stores packet times, so that a seek lands where it says."""
    return bool(TIMED & set(box.format.name.split(",")))


def origin(box: av.container.InputContainer) -> float:
    """The container's start in its streams' time, which is zero on the film's clock."""
    return (box.start_time or 0) / av.time_base


def sound_stream(box: av.container.InputContainer) -> av.AudioStream | None:
    """The default sound stream, else the first; None without sound."""
    streams = [s for s in box.streams.audio if s.codec_context is not None]
    return next((s for s in streams if s.disposition & Disposition.default), streams[0] if streams else None)


def picture_stream(box: av.container.InputContainer) -> av.VideoStream | None:
    """The first moving-picture stream; a cover image is none, nor is a still."""
    if box.format.name == "image2" or box.format.name.endswith("_pipe"):
        return None
    covers = Disposition.attached_pic | Disposition.still_image
    return next((s for s in box.streams.video if s.codec_context is not None and not s.disposition & covers), None)


def probe(path: str | Path) -> MediaInfo:
    """Read what a media file holds.

    Raises
    ------
    MediaError
        When it cannot be opened or has neither sound nor pictures.
    """
    with open_media(path) as box:
        sound, picture = sound_stream(box), picture_stream(box)
        if sound is None and picture is None:
            raise MediaError(f"{path}: has neither sound nor pictures")
        return MediaInfo(
            duration=_duration(box, sound or picture),
            sample_rate=sound.codec_context.sample_rate if sound else 0,
            channels=sound.codec_context.channels if sound else 0,
            width=picture.codec_context.width if picture else 0,
            height=picture.codec_context.height if picture else 0,
            fps=float(picture.average_rate or 0) if picture else 0.0,
        )


def duration(path: str | Path) -> float:
    """Length of a media file in seconds."""
    return probe(path).duration


def _duration(box: av.container.InputContainer, stream: av.stream.Stream) -> float:
    if timed(box) and box.duration:
        return box.duration / av.time_base
    # The header's figure is an estimate from the bit rate: the packets know.
    end = 0.0
    for packet in box.demux(stream):
        in_time()
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return max(0.0, end - origin(box))
