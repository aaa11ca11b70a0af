"""Opening a media file: what is opened at all, which streams are read, and where the film's clock starts.

Of several sounds a film's own is read: one flagged or titled as commentary, description for the blind or the like only
when there is no other. Then the language of films.csv decides, then flags, then the number of channels.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
from av.stream import Disposition

from filmlens.media.structure import structure

#: Containers that store a time with every packet, or whose packets name their samples; in the others (raw MP3,
#: AC-3, DTS ...) a seek only estimates where it has landed, so they are read from the start.
TIMED = {"mov", "mp4", "matroska", "webm", "avi", "ogg", "wav", "flac"}
#: Containers whose clock may begin anew, and in which a jump to a byte is possible.
STEPPING = {"mpegts", "mpeg", "flv"}
#: The containers that are opened. None of them reads another file or an address: playlists and lists of files,
#: whatever their ending, are refused.
OPENED = (
    *("mov", "mp4", "m4a", "3gp", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "ogg", "asf", "rm"),
    *("mxf", "gxf", "dv", "nut", "wtv", "h264", "hevc", "m4v", "mp3", "aac", "loas", "flac", "wav", "w64", "aiff"),
    *("ac3", "eac3", "dts", "dtshd", "truehd", "mlp", "wv", "ape", "tta", "tak", "mpc", "mpc8", "caf", "au", "amr"),
    *("dsf", "iff", "spdif", "shn", "oma", "voc"),
)
_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(OPENED)}
_LISTS = {
    b"#EXTM3U": "a playlist",
    b"ffconcat": "a list of files",
    b"[playlist]": "a playlist",
    b"<?xml": "a list or text",
}
# Decoders that fill in noise: drawn from each frame itself, it is the same wherever reading begins. They conceal
# a frame whose checksum fails unless they are asked to say so.
_NOISY, _FRAME_BY_FRAME = {"ac3", "eac3"}, {"cons_noisegen": "1", "err_detect": "crccheck+explode"}
_REFUSED = 22  # EINVAL, what a format that is not on the list gives
_ENCRYPTED_TAGS = {"drms", "drmi", "enca", "encv"}
#: Flags of streams that are not the film's own sound, and others that are shown.
_ASIDE = {
    Disposition.comment: "commentary",
    Disposition.visual_impaired: "description",
    Disposition.descriptions: "description",
    Disposition.hearing_impaired: "hearing impaired",
    Disposition.lyrics: "lyrics",
    Disposition.karaoke: "karaoke",
    Disposition.clean_effects: "clean effects",
}
_SHOWN = {Disposition.original: "original", Disposition.dub: "dub", Disposition.default: "default"}
_TITLED = re.compile(
    r"comment(ary|aire)|kommentar|comentari|descripti|description|audiodesc|h.rfilm|visually impaired", re.IGNORECASE
)
# ISO 639: two letters, three letters (terminological, bibliographic), English name
_LANGUAGES = """ar ara arabic|bg bul bulgarian|ca cat catalan|cs ces cze czech|da dan danish|de deu ger german
|el ell gre greek|en eng english|es spa spanish|et est estonian|fa fas per persian|fi fin finnish|fr fra fre french
|he heb hebrew|hi hin hindi|hr hrv croatian|hu hun hungarian|id ind indonesian|is isl ice icelandic|it ita italian
|ja jpn japanese|ko kor korean|lt lit lithuanian|lv lav latvian|ms msa may malay|nl nld dut dutch|no nor norwegian
|pl pol polish|pt por portuguese|ro ron rum romanian|ru rus russian|sk slk slo slovak|sl slv slovenian
|sr srp serbian|sv swe swedish|ta tam tamil|te tel telugu|th tha thai|tr tur turkish|uk ukr ukrainian
|vi vie vietnamese|zh zho chi chinese|yue cantonese|cmn mandarin"""
_ONE_NAME = {name: names.split()[0] for names in _LANGUAGES.split("|") for name in names.split()}
_UNSTATED = {"", "und", "mul", "mis", "zxx", "qaa"}


class MediaError(ValueError):
    """A media file that is missing, cannot be decoded, or lacks the stream that was asked for."""


@dataclass(frozen=True)
class Medium(os.PathLike):
    """A media file together with which of its sounds is the film's own; wherever a path is read, this is too.

    `language` is the film's; `audio_stream` the number of the sound stream to read, from 0, whatever its flags.
    """

    path: Path
    language: str = ""
    audio_stream: int | None = None

    @property
    def choice(self) -> dict[str, str | int]:
        """What was chosen, for what depends on it; empty when nothing was."""
        said = {"language": self.language, "audio_stream": self.audio_stream}
        return {name: value for name, value in said.items() if value not in ("", None)}

    def __fspath__(self) -> str:
        return str(self.path)

    __str__ = __fspath__


#: What is read: wherever one is asked for, a `Medium` says more than its path.
Source = str | Path | Medium


@contextmanager
def open_media(path: Source) -> Iterator[av.container.InputContainer]:
    """Open a media file for reading; decoding errors inside become a `MediaError` that names the file and a remedy."""
    file = Path(path)
    if os.path.isdir(file):
        raise MediaError(f"{file}: is a folder; name the file of the film or track in it")
    if not os.path.isfile(file):
        raise MediaError(f"{file}: no such file; correct the path or put the file there")
    if file.stat().st_size == 0:
        raise MediaError(f"{file}: the file is empty; copy it again")
    options = _OPTIONS | ({"ignore_length": "1"} if structure(file).overlong else {})
    try:
        with av.open(str(file), metadata_errors="ignore", options=options) as box:
            yield box
    except (av.FFmpegError, UnicodeDecodeError) as error:
        if kind := _refused(file, getattr(error, "errno", None)):
            raise MediaError(f"{file}: {kind}; give the film or track itself") from error
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(f"{file}: cannot be read as sound or pictures ({reason}); is it complete?") from error


def _refused(path: Path, reason: int | None) -> str:
    """Why a file was not even tried; empty when it was, and is damaged."""
    with open(path, "rb") as file:
        head = file.read(16).lstrip(b"\xef\xbb\xbf \t\r\n")
    if kind := next((name for mark, name in _LISTS.items() if head.startswith(mark)), ""):
        return f"is {kind}, and the files that it names are not opened"
    if reason == _REFUSED:
        return "has no moving picture and no sound in a container that is opened (stills, lists and playlists are not)"
    return ""


def timed(box: av.container.InputContainer) -> bool:
    """Whether the container stores packet times, so that a seek lands where it says."""
    return bool(TIMED & names(box)) and not structure(box.name).joined


def stepping(box: av.container.InputContainer) -> bool:
    """Whether the container's clock may begin anew anywhere, so that places are looked up in an index."""
    return bool(STEPPING & names(box))


def names(box: av.container.InputContainer) -> set[str]:
    return set(box.format.name.split(","))


def origin(box: av.container.InputContainer) -> float:
    """The container's start, zero on the film's clock; what lost its first packets starts where it started before."""
    return 0.0 if headless(box) else (box.start_time or 0) / av.time_base


def headless(box: av.container.InputContainer) -> bool:
    """Whether a sound file whose times count from its beginning has lost its first packets."""
    if not names(box) & {"flac", "ogg"} or box.streams.video or not box.streams.audio:
        return False
    says = structure(box.name)
    return says.headless or (box.streams.audio[0].start_time or 0) >= says.first_end > 0


class SoundStream(NamedTuple):
    """One sound stream of a file; `aside` says whether it is commentary, a description or the like."""

    number: int  # among the sound streams, from 0: what the column ``audio_stream`` of films.csv names
    codec: str
    channels: int
    language: str
    title: str
    flags: tuple[str, ...]
    aside: bool

    def __str__(self) -> str:
        parts = [f"{self.codec} {self.channels} ch", self.language, self.title and f'"{self.title}"', *self.flags]
        return f"sound {self.number} ({', '.join(p for p in parts if p)})"


def language_code(name: str) -> str:
    """One name for a language: two letters where ISO 639 has them.

    >>> language_code("German"), language_code("ger"), language_code("de-AT"), language_code("tlh")
    ('de', 'de', 'de', 'tlh')
    """
    name = re.split(r"[-_]", name.strip().lower())[0]
    return _ONE_NAME.get(name, name)


def _readable(box: av.container.InputContainer) -> list[av.AudioStream]:
    return [s for s in box.streams.audio if s.codec_context is not None]


def _described(number: int, stream: av.AudioStream) -> SoundStream:
    title = stream.metadata.get("title") or stream.metadata.get("handler_name") or ""
    flags = [name for flag, name in (_SHOWN | _ASIDE).items() if stream.disposition & flag]
    aside = any(stream.disposition & flag for flag in _ASIDE) or bool(_TITLED.search(title))
    language = stream.metadata.get("language", "").lower()
    context = stream.codec_context
    title = "" if title in ("SoundHandler", "Core Media Audio") else title
    return SoundStream(number, context.name, context.channels, language, title, tuple(dict.fromkeys(flags)), aside)


def _rank(stream: av.AudioStream, wanted: str) -> tuple:
    about = _described(0, stream)
    stated = about.language not in _UNSTATED
    return (
        about.aside,
        bool(wanted) and stated and language_code(about.language) != wanted,
        bool(wanted) and not stated,
        "original" not in about.flags,
        "dub" in about.flags,
        "default" not in about.flags,
        -about.channels,
    )


def sound_streams(path: Source) -> tuple[list[SoundStream], int | None]:
    """Every sound stream of a file that can be decoded, and the number of the one that is read."""
    with open_media(path) as box:
        read, streams = sound_stream(box, path), _readable(box)
        described = [_described(number, stream) for number, stream in enumerate(streams)]
        return described, next((number for number, stream in enumerate(streams) if stream is read), None)


def sound_stream(box: av.container.InputContainer, path: Source | None = None) -> av.AudioStream | None:
    """The sound stream that is read, as a `Medium` says; None without sound, `MediaError` for a wrong number."""
    language, number = (path.language, path.audio_stream) if isinstance(path, Medium) else ("", None)
    streams, wanted = _readable(box), language_code(language)
    if number is None:
        stream = min(streams, key=lambda s: _rank(s, wanted), default=None)
    elif 0 <= number < len(streams):
        stream = streams[number]
    else:
        has = f"it has {len(streams)}, numbered from 0"
        raise MediaError(f"{path}: has no sound stream {number}; {has}; correct audio_stream")
    if stream is not None and stream.codec_context.name in _NOISY and not stream.codec_context.is_open:
        stream.codec_context.options = dict(_FRAME_BY_FRAME)  # opening empties it
    return stream


def picture_stream(box: av.container.InputContainer) -> av.VideoStream | None:
    """The first moving-picture stream; a cover image is none, nor is a still."""
    covers = Disposition.attached_pic | Disposition.still_image
    return next((s for s in box.streams.video if s.codec_context is not None and not s.disposition & covers), None)


def demuxed(*streams: av.stream.Stream) -> Iterator[av.Packet]:
    """Packets of streams as the file has them; one that a damaged file names and has not is a `MediaError`."""
    box = streams[0].container
    try:
        yield from box.demux(streams)
    except IndexError:
        raise MediaError(f"{box.name}: names a stream that it does not have; is it complete?") from None


def need_pictures(box: av.container.InputContainer, path: Source) -> av.VideoStream:
    """The picture stream, set to decode on one thread; `MediaError` without one."""
    if (stream := picture_stream(box)) is None:
        raise MediaError(f"{path}: has no moving picture")
    stream.thread_type = "NONE"  # films are mapped over processes
    return stream


def refuse_encrypted(packet: av.Packet, path: Source) -> None:
    """Raise `MediaError` for a packet that is encrypted: what would be decoded is noise or nothing."""
    tag = packet.stream.codec_context.codec_tag.lower()
    if tag in _ENCRYPTED_TAGS or packet.has_sidedata("encryption_info"):
        raise MediaError(f"{path}: its {packet.stream.type} is encrypted; give a copy without copy protection")
