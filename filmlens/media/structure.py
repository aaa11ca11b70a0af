"""What a file's bytes say of themselves, read without any decoder: joined pieces, a lost beginning, a missing end.

A demuxer believes what it meets first; to it such a file looks whole. Ogg: RFC 3533; FLAC: RFC 9639; Matroska: RFC
9559; RIFF: Microsoft 1991; MP4: ISO/IEC 14496-12; MP3: Xing's header.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_ENDLESS = 0x7FFFF000  # sizes from here on are written when the size is not known
_FIRST, _LAST = 2, 4  # flags of Ogg's pages
_HEADERS = (0, 2**64 - 1)  # granules of Ogg's headers, which have no place in the sound: 0, or none
_BLOCK = 1 << 20
_PADDING = 4096  # bytes behind the end that say nothing


class Structure(NamedTuple):
    """What the bytes of a file say."""

    joined: bool = False  # several files follow each other in this one
    unread: bool = False  # what follows is not reached by a demuxer
    headless: bool = False  # the first packets are lost; times still count from the beginning that was
    gap: bool = False  # pages of an Ogg file are missing inside; times need not say so
    cut: bool = False  # the file is shorter than it says, or lacks its last page
    overlong: bool = False  # a WAV file holds more sound than its header says
    wrapped: bool = False  # that is because its size passes the 4 GB that the header can say
    first_end: int = 0  # ticks at which an Ogg file's first page of sound ends; what begins behind has lost that page
    frames: int = 0  # that an MP3 file counts; 0 when it does not


def structure(path: str | Path) -> Structure:
    """What the bytes of a file say of its wholeness; nothing for a kind that says nothing."""
    stat = Path(path).stat()
    return _structure(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _structure(path: str, size: int, _changed: int) -> Structure:
    with open(path, "rb") as file:
        data = _Bytes(file, size)
        if data[:4] == b"OggS":
            return _of_ogg(data)
        if data[:4] == b"fLaC":
            return Structure(joined=_second_flac(data), headless=True)
        if data[:4] == b"RIFF":
            return _of_riff(data)
        if data[:4] == _EBML:
            return _of_matroska(data)
        if data[:3] == b"ID3" or (data[0] == 0xFF and len(data) > 1 and data[1] & 0xE6 == 0xE2):
            return Structure(frames=_counted(data))
        if data[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
            return _of_mp4(data)
    return Structure()


class _Bytes:
    """A file as a sequence of bytes that is never read as a whole into memory, nor mapped there."""

    def __init__(self, file: BinaryIO, size: int):
        self._file, self._size = file, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: int | slice) -> int | bytes:
        if isinstance(at, slice):
            self._file.seek(at.start or 0)
            return self._file.read(max(0, at.stop - (at.start or 0)))
        return self[at : at + 1][0]

    def find(self, wanted: bytes, start: int) -> int:
        """Where the next such bytes begin; -1 when there are none."""
        for at in range(start, self._size, _BLOCK):
            place = self[at : at + _BLOCK + len(wanted) - 1].find(wanted)
            if place >= 0:
                return at + place
        return -1


def _pages(data: _Bytes) -> Iterator[tuple[int, int, int, int]]:
    """Flags, granule, serial and number of an Ogg file's pages; what lies between them is passed over."""
    at = 0
    while (at := at if data[at : at + 4] == b"OggS" else data.find(b"OggS", at)) >= 0 and at + 27 <= len(data):
        head = data[at : at + 27 + 255]
        flags, count = head[5], head[26]
        granule, serial, number = (int.from_bytes(head[a:b], "little") for a, b in ((6, 14), (14, 18), (18, 22)))
        whole = head[4] == 0 and at + 27 + count <= len(data)
        end = at + 27 + count + sum(head[27 : 27 + count]) if whole else 0
        if whole and end <= len(data):
            yield flags, granule, serial, number
            at = end
        else:
            at += 4


def _of_ogg(data: _Bytes) -> Structure:
    begun = joined = headless = gap = False
    flags, first_end, before = 0, 0, {}
    for flags, granule, serial, number in _pages(data):
        first = bool(flags & _FIRST)
        joined |= first and begun
        begun |= not first
        last = before.get(serial)
        if last is not None and not joined:
            lost = number > last[1] + 1
            if last[0] in _HEADERS and granule not in _HEADERS:
                headless |= lost
                first_end = first_end or granule
            else:
                gap |= lost
        before[serial] = granule, number
    return Structure(joined=joined, headless=headless, gap=gap, first_end=first_end, cut=not flags & _LAST)


def _second_flac(data: _Bytes) -> bool:
    at = 0
    while (at := data.find(b"fLaC", at + 4)) > 0:
        if data[at + 4 : at + 8] in (b"\0\0\0\x22", b"\x80\0\0\x22"):  # the STREAMINFO of 34 bytes
            return True
    return False


def _of_riff(data: _Bytes) -> Structure:
    stated, size = int.from_bytes(data[4:8], "little"), len(data)
    if data[8:12] != b"WAVE":  # AVI: further RIFF chunks follow the first where it is long
        end = stated + 8 + (stated & 1)
        joined = data[end : end + 4] == b"RIFF" and data[end + 8 : end + 12] == b"AVI "
        return Structure(joined=joined, cut=_cut(stated, 8, size))
    at = 12
    while at + 8 <= size:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            end = at + 8 + length
            more = length != 0 and size - end > _PADDING and not _is_chunk(data, end)
            end += length & 1
            again = data[end : end + 4] == b"RIFF"
            more, wrapped = more and not again, size - end >= 1 << 32
            return Structure(unread=again, cut=_cut(length, at + 8, size), overlong=more, wrapped=wrapped)
        at += 8 + length + (length & 1)
    return Structure(cut=_cut(stated, 8, size))


def _cut(stated: int, before: int, size: int) -> bool:
    """Whether a file ends before the stated length behind its first bytes does; an unknown length says nothing."""
    return 0 < stated < _ENDLESS and before + stated > size + 1


def _is_chunk(data: _Bytes, at: int) -> bool:
    """Whether a chunk of RIFF with a name and a size that fits begins here, or a byte later."""
    for place in {at, at + (at & 1)}:
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name.isalnum() or name.strip().isalnum():
            if place + 8 + length <= len(data) + 1 and length:
                return True
    return data[at : at + 3] == b"TAG" or data[at : at + 3] == b"ID3"


def _of_matroska(data: _Bytes) -> Structure:
    length, width = _vint(data, 4)
    at = 4 + width + (length or 0)
    if data[at : at + 4] != _SEGMENT:
        return Structure()
    length, width = _vint(data, at + 4)
    if length is None:
        return Structure()  # written as a stream
    end = at + 4 + width + length
    return Structure(joined=data[end : end + 4] == _EBML, cut=end > len(data))


def _vint(data: _Bytes, at: int) -> tuple[int | None, int]:
    """A variable-size integer of EBML and its width; None for the value that means unknown."""
    first = data[at] if at < len(data) else 0
    if not first:
        return 0, 1
    width = 9 - first.bit_length()
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width


def id3_size(head: bytes) -> int:
    """Bytes of the ID3 tag that begins with these ten; 0 of none."""
    return 10 + sum((byte & 0x7F) << 7 * (3 - at) for at, byte in enumerate(head[6:])) if head[:3] == b"ID3" else 0


def _counted(data: _Bytes) -> int:
    """How many frames the first one of an MP3 file counts (Xing, LAME); 0 when it does not."""
    at = id3_size(data[:10])
    head = data[at : at + 4096]
    tag = max(head.find(b"Xing"), head.find(b"Info"))
    return int.from_bytes(head[tag + 8 : tag + 12], "big") if tag > 0 and head[tag + 7 : tag + 8] >= b"\1" else 0


def _of_mp4(data: _Bytes) -> Structure:
    at, movies, size = 0, 0, len(data)
    while at + 8 <= size:
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8 or not name.strip(b"\xa9 ").isalnum():
            break  # up to the end (0), or no box: what follows is padding, or damaged
        movies += name == b"moov"
        if at + length > size:
            return Structure(cut=True, unread=movies > 1)
        at += length
    return Structure(unread=movies > 1)
