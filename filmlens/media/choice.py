"""Which of a film's sound streams is read: the film's own sound, not someone talking about it.

A stream that is flagged or titled as commentary, description for the blind or the like is read only when there is no
other. Then the language of films.csv decides, then the flags original, dub and default, then the number of channels.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import av
from av.stream import Disposition

#: Flags of streams that are not the film's own sound.
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


def sound_streams(box: av.container.InputContainer) -> list[SoundStream]:
    """Every sound stream of a file that can be decoded, in its order."""
    return [_described(number, stream) for number, stream in enumerate(_readable(box))]


def choose(box: av.container.InputContainer, language: str = "", number: int | None = None) -> av.AudioStream | None:
    """The sound stream to read; None without sound.

    `language` is the film's own, as films.csv states it. `number` is of the stream that is wanted whatever its flags,
    from 0; raises `LookupError` when none has it.
    """
    streams = _readable(box)
    if number is not None:
        if not 0 <= number < len(streams):
            raise LookupError(f"has no sound stream {number}; it has {len(streams)}, numbered from 0")
        return streams[number]
    if len(streams) < 2:
        return streams[0] if streams else None
    return min(streams, key=lambda s: _rank(s, language_code(language)))


def _readable(box: av.container.InputContainer) -> list[av.AudioStream]:
    return [s for s in box.streams.audio if s.codec_context is not None]


def _rank(stream: av.AudioStream, wanted: str) -> tuple:
    about, flags = _described(0, stream), stream.disposition
    stated = about.language not in _UNSTATED
    return (
        about.aside,
        bool(wanted) and stated and language_code(about.language) != wanted,
        bool(wanted) and not stated,
        not flags & Disposition.original,
        bool(flags & Disposition.dub),
        not flags & Disposition.default,
        -about.channels,
    )


def _described(number: int, stream: av.AudioStream) -> SoundStream:
    title = stream.metadata.get("title") or stream.metadata.get("handler_name") or ""
    flags = [name for flag, name in (_SHOWN | _ASIDE).items() if stream.disposition & flag]
    aside = any(stream.disposition & flag for flag in _ASIDE) or bool(_TITLED.search(title))
    language = stream.metadata.get("language", "").lower()
    context = stream.codec_context
    title = "" if title in ("SoundHandler", "Core Media Audio") else title
    return SoundStream(number, context.name, context.channels, language, title, tuple(dict.fromkeys(flags)), aside)
