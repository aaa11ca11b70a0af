"""What was read of a film's sound, compared with what its container holds: packets, bytes and stated length.

Nothing is told of a film whose sound ends before its picture, or whose subtitles go on: their lengths are not its own.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from filmlens.media.container import headless_start, stated_end
from filmlens.media.monitor import passed_over
from filmlens.media.opening import Source, origin, stepping
from filmlens.media.packets import index
from filmlens.media.structure import id3_size, structure

#: Seconds; a smaller difference is told of no film.
SMALLEST_S = 0.05
# Formats that are nothing but their packets: what lies between them is lost, and no time says so.
_BARE = {"mp3", "aac", "ac3", "eac3", "dts", "truehd", "mlp"}
_AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_SYNC = 0x47  # the first byte of every packet of a transport stream
_HEAD = 1 << 24  # bytes before the first packet: tags and pictures
_LONGER_S = 0.15  # the last packet may be filled up
# Behind the last packet of a stream of packets: a share of the file, and bytes.
_UNREAD, _TAIL = 0.005, 1 << 14


class Account:
    """Books of one reading of a whole sound."""

    def __init__(self, path: Source, rate: int):
        self.path, self.rate = path, rate
        self.damaged = 0  # packets that could not be decoded
        self._tags_at = _without_tags(path)
        self._missing = self._cut = 0  # samples
        self._strange = 0  # bytes of packets that belong to no frame
        self._sizes: list[int] = []
        self._begin, self._end, self._duration = None, 0, 0
        self._until = 0  # ticks; the last packet may be padded

    def add(self, packet: av.Packet) -> None:
        """Enter a packet that was read."""
        if not packet.size:
            return
        self._sizes.append(packet.size)
        if packet.stream.codec_context.name in ("ac3", "eac3"):
            self._strange += _behind_frames(memoryview(packet))
        if packet.pos is not None:
            self._end = packet.pos + packet.size
            self._begin = packet.pos if self._begin is None else self._begin
        length = packet.duration or 0
        self._duration += length
        if packet.pts is not None:
            self._until = packet.pts + length

    def damage(self, packet: av.Packet | None = None) -> None:
        """Enter a packet that could not be decoded, or the place where the file breaks off. A tag is none."""
        if packet is None or packet.pos is None or packet.pos + packet.size <= self._tags_at:
            self.damaged += 1

    def step(self, samples: int) -> None:
        """Enter a gap that was filled with silence, or an overlap (negative) that was cut."""
        self._missing += max(0, samples)
        self._cut += max(0, -samples)

    def tell(self, stream: av.AudioStream, end: int) -> None:
        """Report what does not agree; `end` is the sample at which the sound ended, on the film's clock."""
        for fault in self._faults(stream, end / self.rate):
            passed_over(f"{self.path}: {fault}")

    def _faults(self, stream: av.AudioStream, met: float) -> Iterator[str]:
        box, bytes_say, small = stream.container, structure(self.path), SMALLEST_S * self.rate
        if self.damaged:
            yield f"{self.damaged} damaged packets of sound were passed over"
        if self._missing > small:
            yield f"{self._missing / self.rate:.2f} s of sound are missing inside; is it whole?"
        if self._cut > small:
            yield f"{self._cut / self.rate:.2f} s of sound overlap and were cut; is it whole?"
        if (start := headless_start(box)) > SMALLEST_S:
            yield f"the first {start:.2f} s are missing; is it whole?"
        stated, lost = stated_end(stream), self._lost(stream)
        until = self._until * float(stream.time_base) - origin(box)
        if bytes_say.overlong and not bytes_say.wrapped:
            yield f"its header says less than the {met:.2f} s that it holds; all of it was read"
        elif stated - max(met, until) > SMALLEST_S:
            yield f"its sound should last {stated:.2f} s and ends at {met:.2f} s; is it whole?"
        elif stated and not bytes_say.joined and min(met, until) - stated > _LONGER_S:
            yield f"its sound should last {stated:.2f} s and goes on to {met:.2f} s; is it whole?"
        elif lost > SMALLEST_S:
            yield f"about {lost:.2f} s of its bytes are no sound that can be read; is it whole?"
        elif bytes_say.gap and self._missing <= small:
            yield "pages are missing inside, and what follows them may be early; is it whole?"
        elif bytes_say.cut:
            yield "the file is shorter than its header says, or lacks its end; is it whole?"
        if self._begins_inside(box):
            yield "begins in the middle of a packet; its first part may be missing"
        if bytes_say.unread:
            yield "several files follow each other in this one and only the first is read; part them"

    def _begins_inside(self, box: av.container.InputContainer) -> bool:
        """Whether a file that is nothing but packets begins with a piece of one."""
        with open(self.path, "rb") as file:
            head = file.read(10)
            file.seek(0)
            before = file.read(min(self._begin or 0, _HEAD))
        if box.format.name == "mpegts":
            return head[0] != _SYNC and head[4] != _SYNC
        if box.format.name == "mpeg":
            return head[:3] != b"\0\0\1"
        if box.format.name not in _BARE or b"Xing" in before or b"Info" in before:
            return False
        return bool(before[id3_size(head) :].strip(b"\0"))

    def _lost(self, stream: av.AudioStream) -> float:
        """Seconds of bytes between or behind the packets of a format that has nothing else."""
        box, seconds, held = stream.container, self._duration * float(stream.time_base), sum(self._sizes)
        if self._begin is None or not seconds:
            return 0.0
        if box.format.name in _BARE:
            pieces = self._swollen() + self._strange
            lost = self._tags_at - self._begin - held + pieces
            # how much is missing between two pieces of packets, nobody knows
            return max(lost * seconds / held, 2 * SMALLEST_S if pieces else 0.0)
        size = Path(self.path).stat().st_size
        least = _UNREAD * size + _TAIL
        if stepping(box) and size - self._end > least:
            unread = size - index(self.path).bytes  # the pictures may go on where the sound has ended
            return unread * seconds / self._end if unread > least else 0.0
        return 0.0

    def _swollen(self) -> float:
        """Bytes that a parser which lost its way has put to the packet before: what a packet has too many."""
        sizes = np.array(self._sizes[:-1] or [0])
        usual, large = np.median(sizes), np.percentile(sizes, 95)
        most = 1.1 * usual if large <= 1.1 * usual else 2 * large
        return float((sizes[sizes > most] - usual).sum())


def _behind_frames(data: memoryview) -> int:
    """Bytes behind the frames of a packet of AC-3 or E-AC-3 (ATSC A/52): its parser leaves pieces of frames there."""
    place, length = 0, _ac3_frame(data)
    while length and place + length <= len(data):
        place += length
        length = _ac3_frame(data[place:])
    return len(data) - place if place else 0


def _ac3_frame(data: memoryview) -> int:
    """Bytes of the frame that begins here, as its header says; 0 without one."""
    if len(data) < 6 or data[:2] != b"\x0b\x77":
        return 0
    if data[5] >> 3 > 10:  # E-AC-3
        return 2 * ((data[2] & 7) << 8 | data[3]) + 2
    code, rate = data[4] & 63, {0: 48_000, 1: 44_100, 2: 32_000}.get(data[4] >> 6)
    if rate is None or code // 2 >= len(_AC3_KBPS):
        return 0
    return 2 * (_AC3_KBPS[code // 2] * 96_000 // rate + (code % 2 if rate == 44_100 else 0))


def _without_tags(path: Source) -> int:
    """Bytes of a file before the tags and the padding at its end (ID3v1, APEv2)."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 128))
        if file.read(3) == b"TAG":
            size -= 128
        file.seek(max(0, size - 32))
        foot = file.read(32)
        if foot[:8] == b"APETAGEX":
            size -= int.from_bytes(foot[12:16], "little") + (32 if foot[23] & 0x80 else 0)
        file.seek(max(0, size - 4096))
        tail = file.read(min(4096, size))
    return size - (len(tail) - len(tail.rstrip(b"\0")))
