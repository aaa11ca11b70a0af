"""One continuous clock for a film whose own clock steps back or jumps.

In transport and program streams (TS, M2TS, MPG, VOB) and FLV every packet carries a time of a clock that may begin anew
anywhere: the cells of a DVD, a recording that was resumed, files joined by ``cat``. Where none of the running clocks
explains the next packets a new part begins, laid where the one before ends. The sound decides to the sample; pictures
keep their place beside it. A single time that fits nothing is damaged and left out.

A search by time means nothing in such a file. It is read once, without decoding, to find where key frames and sounds
lie; then a jump goes to a byte, and what is read there gets the times that it has in the whole.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import av

from filmlens.media.monitor import in_time
from filmlens.media.opening import demuxed

_BACK_S = 0.1  # a time may lie this far before the last of its stream
_CLOSE_S = 1.0  # and this far behind it without a look at the other clocks
_AHEAD_S = 10.0  # a longer step ahead of every stream is a new clock, as players take it
_SURE = 3  # packets that follow each other on a new clock make it one
_HELD = 400  # packets; by then the other streams have followed
_SOUND_EVERY_S = 0.5
_OVERLAP_S = 0.1  # so much may pictures of two parts lie over each other for the sound to go on without a break


@dataclass
class _Part:
    """A stretch of the file on one clock: what has to be added to its times, and how far each stream has come."""

    offset: float = 0.0
    starts: dict[int, float] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)
    lengths: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def add(self, stream: int, time: float, length: float) -> None:
        self.starts.setdefault(stream, time)
        self.ends[stream] = time + length
        self.lengths[stream] = length
        self.counts[stream] = self.counts.get(stream, 0) + 1

    def explains(self, stream: int, time: float, ahead: float) -> bool:
        end = self.ends.get(stream)
        if end is not None and time < end - _BACK_S:
            return False
        if end is not None and time <= end + ahead:
            return True
        return any(abs(time - other) <= ahead for other in self.ends.values())


class Clock:
    """Puts the packets of a file, given in its order, on one clock.

    `sound` is the index of the stream whose samples decide where a part begins, `origin` where the container starts.
    `ahead` are the seconds closed where the file's clock jumped ahead, `again` those by which it stepped back into a
    part.
    """

    def __init__(self, sound: int | None = None, origin: float = 0.0):
        self.sound, self.origin = sound, origin
        self.ahead = self.again = 0.0
        self._part = _Part()
        self._of: dict[int, _Part] = {}
        self._new: _Part | None = None
        self._held: list[tuple[av.Packet, _Part | None]] = []
        self._ticks: dict[int, float] = {}

    def continuous(self, packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        """The same packets with times of the one clock; without times where those are damaged."""
        of = self._of
        for packet in packets:
            if packet.dts is None:
                if self._held and packet.size:
                    self._held.append((packet, None))
                else:
                    yield packet
                continue
            stream = packet.stream_index
            tick = self._ticks.get(stream) or self._ticks.setdefault(stream, float(packet.time_base))
            time, length = packet.dts * tick, (packet.duration or 0) * tick
            part = of.get(stream)
            if part is not None and self._new is None and -_BACK_S <= time - part.ends[stream] <= _CLOSE_S:
                part.ends[stream], part.lengths[stream] = time + length, length  # what nearly every packet does
                yield self._placed(packet, part)
            else:
                yield from self._looked_at(packet, time, length)
        yield from self._decided(at_end=True)

    def _looked_at(self, packet: av.Packet, time: float, length: float) -> Iterator[av.Packet]:
        stream = packet.stream_index
        part = self._of.get(stream, self._part)
        end = part.ends.get(stream)
        fits = end is not None and -_BACK_S <= time - end <= _CLOSE_S
        if not fits and self._new is not None and self._new.explains(stream, time, _AHEAD_S):
            self._hold(packet, time, length)
            counts = self._new.counts
            gone_over = max(counts.values()) >= _SURE and all(counts.get(s, 0) >= _SURE for s in self._part.ends)
            if gone_over or len(self._held) >= _HELD:  # every stream, or each has had time to
                yield from self._decided()
            return
        if not fits and part is not self._part and self._part.explains(stream, time, _AHEAD_S):
            part, fits = self._part, True
        if not fits and not part.explains(stream, time, _AHEAD_S):
            if self._new is not None:
                yield from self._decided()  # a third clock: the second was one, or a slip
            self._new = _Part()
            self._hold(packet, time, length)
            return
        self._of[stream] = part
        part.add(stream, time, length)
        if self._new is None:
            yield self._placed(packet, part)
            return
        if stream in self._new.counts:  # back on its old clock: the new one was a slip
            self._forget(stream)
        self._held.append((packet, part))
        if self._new is None or len(self._held) >= _HELD:
            yield from self._decided()

    def _hold(self, packet: av.Packet, time: float, length: float) -> None:
        self._new.add(packet.stream_index, time, length)
        self._held.append((packet, self._new))

    def _forget(self, stream: int) -> None:
        slip, self._new = self._new, _Part()
        for at, (packet, part) in enumerate(self._held):
            if part is slip and packet.stream_index == stream:
                self._held[at] = (packet, None)
            elif part is slip:
                self._held[at] = (packet, self._new)
                tick = self._ticks[packet.stream_index]
                self._new.add(packet.stream_index, packet.dts * tick, (packet.duration or 0) * tick)
        if not self._new.counts:
            self._new = None

    def _decided(self, at_end: bool = False) -> Iterator[av.Packet]:
        """The packets that were held, on the new clock when it is one."""
        new, held = self._new, self._held
        self._new, self._held = None, []
        enough = (2 if self._of else 1) if at_end else _SURE
        if real := new is not None and max(new.counts.values()) >= enough:
            new.offset = self._join(new)
            self._part = new
            for stream in new.counts:
                self._of[stream] = new
        for packet, part in held:
            yield _shifted(packet, None) if part is None or (part is new and not real) else self._placed(packet, part)

    def _placed(self, packet: av.Packet, part: _Part) -> av.Packet:
        if not part.offset:
            return packet
        return _shifted(packet, round(part.offset / self._ticks[packet.stream_index]))

    def _join(self, new: _Part) -> float:
        """What lays a new part behind the old ones: no sound is cut, and pictures overlap by no more than a few."""
        if not self._of:  # the first part; what the container takes for its start may be damaged
            start = min(new.starts.values())
            return 0.0 if abs(start - self.origin) <= _AHEAD_S else self.origin - start
        ends = {stream: part.ends[stream] + part.offset for stream, part in self._of.items()}
        gaps = {s: ends[s] - start for s, start in new.starts.items() if s in ends}
        if not gaps:
            return max(ends.values()) - min(new.starts.values())
        offset = max(gaps.values())
        if self.sound in gaps:
            frame = new.lengths[self.sound] or _BACK_S
            silent = offset - gaps[self.sound]
            # whole frames of silence keep the samples of the parts on one grid
            offset = gaps[self.sound] + (0.0 if silent <= _OVERLAP_S else -(-silent // frame) * frame)
        step = min(start - self._of[s].ends[s] for s, start in new.starts.items() if s in gaps)
        self.ahead += step if step > _AHEAD_S else 0.0
        before = self._part.starts
        inside = all(new.starts[s] - before[s] > _CLOSE_S for s in gaps if s in before)
        self.again -= step if inside and step < -_BACK_S else 0.0
        return offset


def _shifted(packet: av.Packet, ticks: int | None) -> av.Packet:
    """A packet with other times; without any for None."""
    if ticks is None:
        packet.pts = packet.dts = None
    elif ticks:
        packet.dts += ticks
        if packet.pts is not None:
            packet.pts += ticks
    return packet


@dataclass
class Index:
    """Where in a file what lies, on its one clock; the first five by stream."""

    entries: dict[int, list[tuple[float, int, int]]]  # (s, byte, raw ticks) of key frames, or sounds every half second
    moves: dict[int, list[tuple[int, int]]]  # from which byte on how many ticks are added
    damaged: dict[int, set[tuple[int, int]]]  # (byte, raw ticks) of those that are left out
    starts: dict[int, float]  # s
    ends: dict[int, float]  # s
    bytes: int  # behind the last packet
    ahead: float  # seconds closed where the clock jumped ahead


def scan(streams: list[av.stream.Stream], sound: int | None, origin: float) -> Index:
    """Read a file's packets from its start, without decoding, for where each lies."""
    index, clock = Index({}, {}, {}, {}, {}, 0, 0.0), Clock(sound, origin)
    raw: dict[int, list[tuple[int, int | None, int | None]]] = {}
    place: dict[int, int] = {}

    def noted(packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        for packet in packets:
            in_time()
            if packet.pos is not None:
                place[packet.stream_index] = packet.pos
            raw.setdefault(packet.stream_index, []).append((place.get(packet.stream_index, 0), packet.dts, packet.pts))
            yield packet

    for packet in clock.continuous(noted(demuxed(*streams))):
        stream = packet.stream_index
        byte, dts, _ = raw[stream].pop(0)
        index.bytes = max(index.bytes, byte + packet.size)
        if dts is None:
            continue
        if packet.dts is None:
            index.damaged.setdefault(stream, set()).add((byte, dts))
            continue
        moves = index.moves.setdefault(stream, [(-1, 0)])
        if packet.dts - dts != moves[-1][1]:
            moves.append((byte, packet.dts - dts))
        tick = float(packet.time_base)
        time = (packet.dts if packet.pts is None else packet.pts) * tick
        index.starts.setdefault(stream, time)
        index.ends[stream] = max(index.ends.get(stream, time), time + (packet.duration or 0) * tick)
        entries = index.entries.setdefault(stream, [])
        if packet.is_keyframe and (stream != sound or not entries or time >= entries[-1][0] + _SOUND_EVERY_S):
            entries.append((time, byte, dts))
    index.ahead = clock.ahead
    return index


def from_index(stream: av.stream.Stream, index: Index, time: float) -> Iterator[av.Packet]:
    """Packets of a stream from the last entry not after a time on, with the times that they have in the whole file."""
    entries = index.entries.get(stream.index, [])
    at = max(0, bisect_right(entries, time, key=lambda entry: entry[0]) - 1)
    # a packet may begin before the byte it is found at: the jump goes further back, and what comes before is dropped
    byte = entries[at - 2][1] if at >= 2 else 0
    stream.container.seek(byte, backward=False, unsupported_byte_offset=True)
    moves, damaged = index.moves.get(stream.index, [(-1, 0)]), index.damaged.get(stream.index, set())
    place, reached = 0, at == 0
    for packet in demuxed(stream):
        place = place if packet.pos is None else packet.pos
        if packet.dts is None:
            if reached:
                yield packet
            continue
        if not reached:
            _, key_place, key_dts = entries[at]
            reached = place >= key_place and (packet.dts == key_dts or place > key_place)
        if reached:
            move = moves[bisect_right(moves, place, key=lambda m: m[0]) - 1][1]
            yield _shifted(packet, None if (place, packet.dts) in damaged else move)
