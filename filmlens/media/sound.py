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

from filmlens.media.container import MediaError, duration, open_media, origin, sound_stream, timed
from filmlens.media.watch import in_time, passed_over

__all__ = ["MediaError", "blocks", "duration", "native_rate", "read_audio"]

# Containers round times to milliseconds: smaller steps than this are no gaps. Vorbis packets switch between
# block sizes and are timed as if they did not, which is up to 46 ms off for a packet and then right again.
_GAP_S, _VORBIS_GAP_S = 0.010, 0.060
# A longer silence between two packets is a damaged time, not a pause.
_PAUSE_S = 4 * 3600.0
# As much may be lost between packets without being told.
_LOST_S = 0.25
# Headers round, and encoders pad: a sound that ends earlier than this before its stated end is cut off.
_CUT_S, _CUT_SHARE = 2.0, 0.02
# Where a file tells how long it is: the counts of an MP3, the last page of an Ogg.
_HEAD = 1 << 18
# Decoders need some sound before the place that was asked for (Opus 80 ms, AAC a frame).
_PREROLL_S = 1.0


def read_audio(
    path: str | Path,
    rate: int | None = None,
    *,
    start: float | None = None,
    end: float | None = None,
    mono: bool = True,
) -> np.ndarray:
    """Read the sound of a media file.

    Parameters
    ----------
    path : path
    rate : int, optional
        Samples per second of the result; the file's own rate when None.
    start, end : float, optional
        Seconds on the film's clock; the whole file by default.
    mono : bool
        Mean of the channels, shape (n,); otherwise (channels, n).

    Returns
    -------
    ndarray of float32
        Sample 0 is at `start`. Shorter than ``end - start`` when the sound ends before.

    Raises
    ------
    MediaError
        No such file, no sound in it, or nothing that can be decoded.
    """
    parts = [block for _, block in blocks(path, rate, start=start, end=end, mono=mono)]
    if not parts:
        return np.zeros(0, np.float32) if mono else np.zeros((1, 0), np.float32)
    return np.concatenate(parts, axis=-1)


def native_rate(path: str | Path) -> int:
    """Samples per second of the file's sound."""
    with open_media(path) as box:
        return _stream(box, path).codec_context.sample_rate


def blocks(
    path: str | Path,
    rate: int | None = None,
    *,
    seconds: float = 60.0,
    start: float | None = None,
    end: float | None = None,
    mono: bool = True,
) -> Iterator[tuple[float, np.ndarray]]:
    """Read the sound of a long file block by block, in the memory of one block.

    Yields
    ------
    time : float
        Of the block's first sample on the film's clock.
    samples : ndarray of float32
        (n,) when `mono`, else (channels, n); `seconds` long but for the last.
        The blocks end to end equal `read_audio` to the last bit.
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


def _stream(box: av.container.InputContainer, path: str | Path) -> av.AudioStream:
    stream = sound_stream(box)
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
    path: str | Path,
    start: float,
    end: float | None,
    mono: bool,
) -> Iterator[np.ndarray]:
    """Decoded sound from `start` on, gapless: silence where the file has none, overlaps cut."""
    native, zero = stream.codec_context.sample_rate, origin(box)
    stop = None if end is None else round((end - start) * native)
    vorbis = stream.codec_context.name == "vorbis"
    gap_s = _VORBIS_GAP_S if vorbis else _GAP_S
    if start > _PREROLL_S and timed(box) and not vorbis:
        box.seek(int((start - _PREROLL_S + zero) / stream.time_base), stream=stream)
    written, at, channels = 0, None, None  # samples given out, and the place of the next decoded one, from `start`
    missing = 0
    for frame in _decoded(box, stream, path):
        if frame.sample_rate != native:
            raise MediaError(f"{path}: changes its sample rate from {native} to {frame.sample_rate} Hz; re-encode it")
        sound = _floats(frame)
        channels = channels or sound.shape[0]
        if mono:
            sound = sound.mean(axis=0, dtype=np.float32)
        elif sound.shape[0] != channels:
            sound = np.repeat(sound.mean(axis=0, keepdims=True), channels, axis=0)
        place = at or 0
        if frame.pts is not None:
            place = round((float(frame.pts * stream.time_base) - zero - start) * native)
        if at is None or abs(place - at) > gap_s * native:
            missing += max(0, place - at) if at is not None and written else 0
            at = place
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
    if missing > _LOST_S * native:
        passed_over(f"{path}: {missing / native:.1f} s of sound are missing inside; is it whole?")
    if at is None and start == 0:
        raise MediaError(f"{path}: its sound cannot be decoded; is it complete?")
    if stop is None and at is not None:
        met, stated = start + at / native, _stated_end(box, stream, path)
        if stated - met > max(_CUT_S, _CUT_SHARE * stated):
            passed_over(f"{path}: its sound should last {stated:.0f} s and ends at {met:.0f} s; is it whole?")
        elif _lacks_its_end(path):
            passed_over(f"{path}: the file is shorter than its header says, or lacks its end; is it whole?")


def _stated_end(box: av.container.InputContainer, stream: av.AudioStream, path: str | Path) -> float:
    """Where the header says that the sound ends, on the film's clock; 0 when it only estimates."""
    if not timed(box):
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        counted = b"Xing" in head or b"Info" in head
        return float(stream.duration * stream.time_base) if counted and stream.duration else 0.0
    if stream.duration:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base) - origin(box)
    return (box.duration or 0) / av.time_base


def _lacks_its_end(path: str | Path) -> bool:
    """Whether a RIFF file (WAV, AVI) is shorter than it says, or the last page of an Ogg file is not marked as last."""
    with open(path, "rb") as file:
        head = file.read(8)
        size = file.seek(0, 2)
        file.seek(max(0, size - _HEAD))
        tail = file.read()
    if head[:4] == b"RIFF":
        stated = int.from_bytes(head[4:], "little")
        return 0 < stated < 0xFFFFFFFF and stated + 8 > size + 1  # 0 and all ones: written as a stream
    last = tail.rfind(b"OggS")
    return head[:4] == b"OggS" and (last < 0 or not tail[last + 5 : last + 6] or not tail[last + 5] & 4)


def _decoded(box: av.container.InputContainer, stream: av.AudioStream, path: str | Path) -> Iterator[av.AudioFrame]:
    """Frames of a stream; damaged packets are passed over and told once."""
    damaged = 0
    packets = box.demux(stream)
    while True:
        in_time()
        try:
            packet = next(packets)
        except StopIteration:
            break
        except av.FFmpegError:
            damaged += 1  # the file ends inside a packet: what came before stands
            break
        try:
            yield from packet.decode()
        except av.FFmpegError:
            damaged += 1
    if damaged:
        passed_over(f"{path}: {damaged} damaged packets of sound were passed over")


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
