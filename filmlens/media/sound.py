"""Sound of films and tracks as arrays, placed by presentation time.

Samples are float32 in [-1, 1]. Mono is the mean of the channels (method, section 2); the mixing rules of a
resampling library, which weigh a centre or a rear channel otherwise, are not used. Encoder priming is cut and
gaps are filled with silence, because every sample is placed by its presentation time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import soxr

from filmlens.media.account import Account
from filmlens.media.line import in_line, on_grid
from filmlens.media.opening import (
    MediaError,
    Medium,
    open_media,
    origin,
    refuse_encrypted,
    sound_stream,
    stepping,
    timed,
)
from filmlens.media.packets import packets, readable

# Containers round times to milliseconds: smaller steps than this are no gaps. Vorbis packets switch between
# block sizes and are timed as if they did not, which is up to 46 ms off for a packet and then right again.
_GAP_S, _VORBIS_GAP_S = 0.010, 0.060
# A longer silence between two packets is a damaged time, not a pause.
_PAUSE_S = 4 * 3600.0
# A time has to be off for so long to be believed.
_HOLD_S = 0.5
# Decoders need some sound before the place that was asked for (Opus 80 ms, AAC a frame).
_PREROLL_S = 1.0


def read_audio(
    path: str | Path | Medium,
    rate: int | None = None,
    *,
    start: float | None = None,
    end: float | None = None,
    mono: bool = True,
) -> np.ndarray:
    """Sound of a media file as float32: the mean of the channels (n,) when `mono`, otherwise (channels, n).

    `rate` is in samples per second of the result, by default the file's own; `start` and `end` are seconds on the
    film's clock, by default the whole file. Sample 0 is at `start`; the result is shorter than ``end - start`` when the
    sound ends before. Raises `MediaError` when there is no such file, no sound in it, or nothing that can be decoded.
    """
    parts = [block for _, block in blocks(path, rate, start=start, end=end, mono=mono)]
    if not parts:
        return np.zeros(0, np.float32) if mono else np.zeros((1, 0), np.float32)
    return np.concatenate(parts, axis=-1)


def native_rate(path: str | Path | Medium) -> int:
    """Samples per second of the file's sound."""
    with open_media(path) as box:
        return _stream(box, path).codec_context.sample_rate


def blocks(
    path: str | Path | Medium,
    rate: int | None = None,
    *,
    seconds: float = 60.0,
    start: float | None = None,
    end: float | None = None,
    mono: bool = True,
) -> Iterator[tuple[float, np.ndarray]]:
    """Read the sound of a long file block by block, in the memory of one block, each `seconds` long but for the last.

    Yields the time of the block's first sample on the film's clock, and its samples, as `read_audio` gives them: the
    blocks end to end equal it to the last bit.
    """
    start = max(0.0, start or 0.0)
    if end is not None and end <= start:
        return
    with open_media(path) as box:
        stream = _stream(box, path)
        native = stream.codec_context.sample_rate
        rate = rate or native
        size = max(1, round(seconds * rate))
        sent, held, have = 0, [], 0
        for part in _resampled(_placed(box, stream, path, start, end, mono), native, rate):
            held.append(part)
            have += part.shape[-1]
            while have >= size:
                whole = np.concatenate(held, axis=-1)
                yield start + sent / rate, np.ascontiguousarray(whole[..., :size])
                held, have = [whole[..., size:]], have - size
                sent += size
        if have:
            yield start + sent / rate, np.ascontiguousarray(np.concatenate(held, axis=-1))


def _stream(box: av.container.InputContainer, path: str | Path | Medium) -> av.AudioStream:
    stream = sound_stream(box, path)
    if stream is None:
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


def _placed(
    box: av.container.InputContainer,
    stream: av.AudioStream,
    path: str | Path | Medium,
    start: float,
    end: float | None,
    mono: bool,
) -> Iterator[np.ndarray]:
    """Decoded sound from `start` on, gapless: silence where the file has none, overlaps cut.

    A part begins at the sample that the whole film has there: frames of one size lie on the grid that the first of
    the film opens, however coarse the container's times are.
    """
    native, zero, tick = stream.codec_context.sample_rate, origin(box), float(stream.time_base)
    before = round(start * native)  # of the whole film's samples
    stop = None if end is None else round(end * native) - before
    vorbis = stream.codec_context.name == "vorbis"
    gap = round((_VORBIS_GAP_S if vorbis else _GAP_S) * native)
    away = start > _PREROLL_S and (stepping(box) or (timed(box) and not vorbis))
    grid = _grid(path) if away else None
    account = Account(path, native) if start == 0 and stop is None else None
    written, at, channels = 0, None, None  # samples given out, and the place behind the last decoded one, from `start`

    def place(frame: av.AudioFrame) -> int | None:
        return None if frame.pts is None else round((frame.pts * tick - zero) * native) - before

    def opening(end: int, length: int) -> int:
        return end if grid is None else on_grid(end + before, grid, length, tick * native) - before

    frames = _decoded(box, stream, path, start - _PREROLL_S if away else 0.0, account)
    hold = round(_HOLD_S * native)
    for at, frame in in_line(frames, place, opening, gap, hold if away else 0, hold, account):
        if frame.sample_rate != native:
            raise MediaError(f"{path}: changes its sample rate from {native} to {frame.sample_rate} Hz; re-encode it")
        sound = _floats(frame)
        channels = channels or sound.shape[0]
        if mono:
            sound = sound.mean(axis=0, dtype=np.float32)
        elif sound.shape[0] != channels:
            sound = np.repeat(sound.mean(axis=0, keepdims=True), channels, axis=0)
        if at - written > _PAUSE_S * native:
            raise MediaError(f"{path}: its sound jumps to {start + at / native:.0f} s; a time in it is damaged")
        while at > written and (stop is None or written < stop):
            silence = min(at - written, 60 * native, stop - written if stop is not None else at)
            yield np.zeros((*sound.shape[:-1], silence), np.float32)
            written += silence
        rest = sound[..., max(0, written - at) :]
        rest = rest if stop is None else rest[..., : stop - written]
        at += sound.shape[-1]
        if rest.shape[-1]:
            yield rest
            written += rest.shape[-1]
        if stop is not None and written >= stop:
            break
    if at is None and start == 0:
        raise MediaError(f"{path}: its sound cannot be decoded; is it complete?")
    if account is not None:
        account.tell(box, stream, at)


def _grid(path: str | Path | Medium) -> int | None:
    """A sample of the whole film at which a frame ends: the first frame's."""
    with open_media(path) as box:  # of its own: AC-3 forgets how it draws its noise when a decoder in use is moved
        stream = _stream(box, path)
        first = next((f for f in _decoded(box, stream, path, 0.0, None) if f.pts is not None), None)
        if first is None:
            return None
        start = float(first.pts * stream.time_base) - origin(box)
        return round(start * stream.codec_context.sample_rate) + first.samples


def _decoded(
    box: av.container.InputContainer,
    stream: av.AudioStream,
    path: str | Path | Medium,
    start: float,
    account: Account | None,
) -> Iterator[av.AudioFrame]:
    """Frames of a stream from a time on; damaged packets are passed over."""
    for packet in readable(packets(box, stream, path, start), path):
        if packet is None:
            if account is not None:
                account.damage()
            break
        if account is not None:
            account.add(packet)
        try:
            yield from packet.decode()
        except av.FFmpegError:
            refuse_encrypted(packet, path)
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
