"""Sound of films and tracks as arrays, placed by presentation time.

Samples are float32 in [-1, 1]. Mono is the mean of the channels (method, section 2), not as a resampling library mixes
them. Encoder priming is cut and gaps are filled with silence, as every sample is placed by its presentation time.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from statistics import median_high

import av
import numpy as np
import soxr

from filmlens.media import opening
from filmlens.media.account import Account
from filmlens.media.opening import MediaError, Source, open_media, origin
from filmlens.media.packets import packets, readable

# Containers round times to milliseconds: smaller steps than this are no gaps. Vorbis packets switch between
# block sizes and are timed as if they did not, which is up to 46 ms off for a packet and then right again.
_GAP_S, _VORBIS_GAP_S = 0.010, 0.060
_PAUSE_S = 4 * 3600.0  # a longer silence between two packets is a damaged time, not a pause
_HOLD_S = 0.5  # for so long a time has to be off to be believed
_AT_END = 3  # frames at the end that agree on another place are believed
_PREROLL_S = 1.0  # decoders need some sound before the place that was asked for (Opus 80 ms, AAC a frame)


def read_audio(
    path: Source,
    rate: int | None = None,
    *,
    start: float | None = None,
    end: float | None = None,
    mono: bool = True,
) -> np.ndarray:
    """Sound of a media file as float32: the mean of the channels (n,) when `mono`, otherwise (channels, n).

    `rate` is by default the file's own; `start` and `end` are seconds on the film's clock, by default the whole file.
    Sample 0 is at `start`; the result is shorter than ``end - start`` when the sound ends before. `MediaError` when
    there is no such file, no sound in it, or nothing that can be decoded.
    """
    parts = [block for _, block in blocks(path, rate, start=start, end=end, mono=mono)]
    if not parts:
        return np.zeros(0, np.float32) if mono else np.zeros((1, 0), np.float32)
    return np.concatenate(parts, axis=-1)


def native_rate(path: Source) -> int:
    """Samples per second of the file's sound."""
    with open_media(path) as box:
        return _stream(box, path).codec_context.sample_rate


def blocks(
    path: Source,
    rate: int | None = None,
    *,
    seconds: float = 60.0,
    start: float | None = None,
    end: float | None = None,
    mono: bool = True,
) -> Iterator[tuple[float, np.ndarray]]:
    """`read_audio` block by block, in the memory of one, each `seconds` long but for the last: (time, samples)."""
    start = max(0.0, start or 0.0)
    if end is not None and end <= start:
        return
    with open_media(path) as box:
        stream = _stream(box, path)
        native = stream.codec_context.sample_rate
        rate = rate or native
        size = max(1, round(seconds * rate))
        sent, held, have = 0, [], 0
        for part in _resampled(_placed(stream, path, start, end, mono), native, rate):
            held.append(part)
            have += part.shape[-1]
            while have >= size:
                whole = np.concatenate(held, axis=-1)
                yield start + sent / rate, np.ascontiguousarray(whole[..., :size])
                held, have = [whole[..., size:]], have - size
                sent += size
        if have:
            yield start + sent / rate, np.ascontiguousarray(np.concatenate(held, axis=-1))


def _stream(box: av.container.InputContainer, path: Source) -> av.AudioStream:
    if (stream := opening.sound_stream(box, path)) is None:
        raise MediaError(f"{path}: has no sound; give a file with a sound track")
    if not stream.codec_context.sample_rate:
        raise MediaError(f"{path}: its sound states no sample rate; is it complete?")
    return stream


def _resampled(parts: Iterator[np.ndarray], native: int, rate: int) -> Iterator[np.ndarray]:
    """Parts (n,) or (channels, n) at another rate, as one continuous stream."""
    if native == rate:
        yield from parts
        return
    resampler = None
    for part in parts:
        if resampler is None:
            shape = part.shape[:-1]
            resampler = soxr.ResampleStream(native, rate, shape[0] if shape else 1, dtype="float32")
        yield resampler.resample_chunk(np.ascontiguousarray(part.T)).T
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros((0, *shape), np.float32), last=True).T


def _placed(stream: av.AudioStream, path: Source, start: float, end: float | None, mono: bool) -> Iterator[np.ndarray]:
    """Decoded sound from `start` on, gapless: silence where the file has none, overlaps cut."""
    box, native, tick = stream.container, stream.codec_context.sample_rate, float(stream.time_base)
    zero, before = origin(box), round(start * native)  # of the whole film's samples
    stop = None if end is None else round(end * native) - before
    vorbis = stream.codec_context.name == "vorbis"
    gap, hold = round((_VORBIS_GAP_S if vorbis else _GAP_S) * native), round(_HOLD_S * native)
    away = start > _PREROLL_S and (opening.stepping(box) or (opening.timed(box) and not vorbis))
    grid = _grid(path) if away else None  # a part begins at the sample that the whole film has there
    account = Account(path, native) if start == 0 and stop is None else None
    written, at, channels = 0, None, None  # samples given out, and the place behind the last decoded one, from `start`

    def meant(end: int, length: int) -> int:
        """The place on the grid that a rounded time means; the time itself where it means none."""
        nearest = end if grid is None else grid + round((end + before - grid) / length) * length - before
        return nearest if abs(nearest - end) <= 1.5 * (tick * native) + 1 else end

    frames = _decoded(stream, path, start - _PREROLL_S if away else 0.0, account)
    timed = ((f, None if f.pts is None else round((f.pts * tick - zero) * native) - before) for f in frames)
    for place, frame in _in_line(timed, meant, gap, hold if away else 0, hold):
        if account is not None and at is not None:
            account.step(place - at)
        if frame.sample_rate != native:
            raise MediaError(f"{path}: changes its sample rate from {native} to {frame.sample_rate} Hz; re-encode it")
        sound = _floats(frame)
        channels = channels or sound.shape[0]
        if mono:
            sound = sound.mean(axis=0, dtype=np.float32)
        elif sound.shape[0] != channels:
            sound = np.repeat(sound.mean(axis=0, keepdims=True), channels, axis=0)
        if place - written > _PAUSE_S * native:
            raise MediaError(f"{path}: its sound jumps to {start + place / native:.0f} s; a time in it is damaged")
        while place > written and (stop is None or written < stop):
            silence = min(place - written, 60 * native, stop - written if stop is not None else place)
            yield np.zeros((*sound.shape[:-1], silence), np.float32)
            written += silence
        rest = sound[..., max(0, written - place) :]
        rest = rest if stop is None else rest[..., : stop - written]
        at = place + sound.shape[-1]
        if rest.shape[-1]:
            yield rest
            written += rest.shape[-1]
        if stop is not None and written >= stop:
            break
    if at is None and start == 0:
        raise MediaError(f"{path}: its sound cannot be decoded; is it complete?")
    if account is not None:
        account.tell(stream, at)


def _in_line(
    frames: Iterable[tuple[av.AudioFrame, int | None]],
    meant: Callable[[int, int], int],
    gap: int,
    first: int,
    hold: int,
) -> Iterator[tuple[int, av.AudioFrame]]:
    """The sample at which each frame stands: one behind the other, until their times say otherwise for long.

    A time that is off for a packet or two and then right again is a slip of the file's multiplexer, and no gap.
    `frames` come with the sample that their own time means, or None, which may be off by `gap`; `meant` says where the
    first ends. `first` samples are looked at to place the beginning, `hold` to believe a change.
    """
    at, held, length = None, [], 0  # held: frames whose times do not agree with the count
    for frame, time in frames:
        size = frame.samples
        if at is not None and not held and (time is None or abs(time - at) <= gap):
            yield at, frame
            at += size
            continue
        agrees = at is not None and time is not None and abs(time - at - length) <= gap
        held.append((frame, time))
        length += size
        if not agrees and length <= (first if at is None else hold):
            continue
        if not agrees:
            believed = _believed(held, gap)
            if at is None and believed is not None:
                first_end = held[0][0].samples
                believed = meant(believed + first_end, size) - first_end
            at = believed if believed is not None else at or 0
        for kept, _ in held:
            yield at, kept
            at += kept.samples
        held, length = [], 0
    believed = _believed(held, gap)
    if at is None or (len(held) >= _AT_END and believed is not None):
        at = believed or 0
    for kept, _ in held:
        yield at, kept
        at += kept.samples


def _believed(held: list[tuple[av.AudioFrame, int | None]], gap: int) -> int | None:
    """Where the first of some frames stands after the times of all: its own time unless most say otherwise."""
    before = accumulate((frame.samples for frame, _ in held), initial=0)
    starts = [time - count for (_, time), count in zip(held, before, strict=False) if time is not None]
    if not starts:
        return None
    middle = median_high(starts)
    return starts[0] if abs(starts[0] - middle) <= gap else middle


def _grid(path: Source) -> int | None:
    """A sample of the whole film at which a frame ends: the first frame's."""
    with open_media(path) as box:  # of its own: AC-3 forgets how it draws its noise when a decoder in use is moved
        stream = _stream(box, path)
        first = next((f for f in _decoded(stream, path, 0.0, None) if f.pts is not None), None)
        if first is None:
            return None
        start = float(first.pts * stream.time_base) - origin(box)
        return round(start * stream.codec_context.sample_rate) + first.samples


def _decoded(stream: av.AudioStream, path: Source, start: float, account: Account | None) -> Iterator[av.AudioFrame]:
    """Frames of a stream from a time on; damaged packets are passed over."""
    for packet in readable(packets(stream, path, start), path):
        if packet is None:
            if account is not None:
                account.damage()
            break
        if account is not None:
            account.add(packet)
        try:
            yield from packet.decode()
        except av.FFmpegError:
            opening.refuse_encrypted(packet, path)
            if account is not None:
                account.damage(packet)


def _floats(frame: av.AudioFrame) -> np.ndarray:
    """One frame as float32 (channels, n) in [-1, 1]."""
    sound = frame.to_ndarray()
    if not frame.format.is_planar:
        sound = sound.reshape(-1, len(frame.layout.channels)).T
    if sound.dtype == np.uint8:
        return (sound.astype(np.float32) - 128) / 128
    if sound.dtype.kind == "i":
        return sound.astype(np.float32) / -float(np.iinfo(sound.dtype).min)
    return sound.astype(np.float32, copy=False)
