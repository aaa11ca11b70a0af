"""Excerpts to listen to in a browser: of a film or track, or of both beside each other (A/B) at equal loudness.

Always Opus: browsers play some of the codecs of films, such as AC-3, in silence. Film and track are four channels of
one stream, so that the page changes from one to the other by two gains, at the same sample, and cannot lose the place.
Loudness is that of ITU-R BS.1770-4, integrated.
"""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from filmlens.media.sound import read_audio
from filmlens.text import html

#: Samples per second; Opus knows no other that matters, and the loudness standard states its filters for it.
RATE = 48_000
#: D: loudness that both are brought to [LUFS], less where a peak would pass full scale.
TARGET_LUFS = -20.0
_PEAK = 0.97
_BIT_RATE = 256_000  # of four channels
# BS.1770-4, tables 1 and 2
_K_WEIGHTING = np.array(
    [
        [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]
)
_BLOCK, _STEP = round(0.4 * RATE), round(0.1 * RATE)


def excerpt(path: str | Path, start: float, end: float) -> bytes:
    """Sound of a media file between two times, in seconds on the film's clock, as an Ogg Opus file.

    `MediaError` when the file cannot be read, `ValueError` when the span is empty or lies outside the sound.
    """
    if not end > start:
        raise ValueError(f"{path}: an excerpt from {start} to {end} s is empty")
    sound = stereo(read_audio(path, RATE, start=start, end=end, mono=False))
    if not sound.shape[-1]:
        raise ValueError(f"{path}: has no sound between {start} and {end} s")
    return encode(sound)


def player(sound: bytes, name: str) -> str:
    """HTML of a player for an excerpt, the sound inside the page; `name` is shown as text."""
    inside, name = base64.b64encode(sound).decode(), html(name)
    return f'<p>{name}<br><audio controls src="data:audio/ogg;base64,{inside}" aria-label="{name}"></audio></p>'


def stereo(sound: np.ndarray) -> np.ndarray:
    """Two channels of sound (channels, n): stereo as it is, everything else as the mean on both sides."""
    return sound if sound.shape[0] == 2 else np.repeat(sound.mean(axis=0, keepdims=True), 2, axis=0)


def encode(sound: np.ndarray, *, container: str = "ogg", bit_rate: int = 96_000) -> bytes:
    """Sound (2 or 4, n) in [-1, 1] at `RATE` as Opus in "ogg" or "webm"; `bit_rate` is of all channels together."""
    layout = {2: "stereo", 4: "quad"}[len(sound)]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as box:
        # half of the greatest effort is twice as quick and no ear's loss
        stream = box.add_stream("libopus", rate=RATE, layout=layout, options={"compression_level": "5"})
        stream.bit_rate = bit_rate
        size = stream.codec_context.frame_size or 960
        for at in range(0, sound.shape[1], size):
            part = _filled(np.clip(sound[:, at : at + size], -1, 1), size)
            frame = av.AudioFrame.from_ndarray(part.T.reshape(1, -1).copy(), "flt", layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))
    return out.getvalue()


def loudness(sound: np.ndarray) -> float:
    """Integrated loudness [LUFS] of (n,) or (channels, n) at `RATE`; -inf for silence and for what lies under the gate.

    Every channel counts alike, as left, right and centre do in the standard. Sound shorter than a block is one block.
    """
    from scipy.signal import sosfilt  # takes longer to load than all else here

    sound = np.atleast_2d(np.asarray(sound, float))
    if not sound.shape[1]:
        return float("-inf")
    square = (sosfilt(_K_WEIGHTING, sound, axis=1) ** 2).sum(axis=0)
    total = np.concatenate([[0.0], np.cumsum(square)])
    size = min(_BLOCK, len(square))
    starts = np.arange(0, len(square) - size + 1, _STEP)
    power = np.maximum(total[starts + size] - total[starts], 0.0) / size
    power = power[_lufs(power) > -70]
    if len(power):
        power = power[_lufs(power) > _lufs(power.mean()) - 10]
    return float(_lufs(power.mean())) if len(power) else float("-inf")


def _lufs(power: np.ndarray | float) -> np.ndarray | float:
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)


@dataclass(frozen=True)
class Place:
    """Where a cue lies in its track: at `start` of the film the track is at `track_start`, running at `speed`.

    Of a cue with several `segments` each has a place: (start, end, track_start, speed), in order.
    """

    track: Path
    start: float
    track_start: float
    speed: float = 1.0
    segments: tuple[tuple[float, float, float, float], ...] = ()

    def at(self, time: float) -> float:
        """Seconds of the track at a time of the film; negative before it begins."""
        return self.track_start + (time - self.start) * self.speed

    def parts(self, start: float, end: float) -> "Iterator[tuple[Place, float, float]]":
        """The places from `start` to `end` of the film, each with its own part of that; the pauses are left out.

        >>> cut = Place(Path("theme.flac"), 5, 40, segments=((5, 9, 40, 1), (10, 15, 10, 1)))
        >>> [(place.at(a), a, b) for place, a, b in cut.parts(3, 12)]
        [(38, 3, 9), (10, 10, 12)]
        """
        segments = self.segments or ((self.start, end, self.track_start, self.speed),)
        for number, (begin, stop, track_start, speed) in enumerate(segments, start=1):
            # before the cue and behind it the track goes on, so that its edges can be heard
            first = start if number == 1 else max(start, begin)
            until = end if number == len(segments) else min(end, stop)
            if until > first:
                yield Place(self.track, begin, track_start, speed), first, until


def track_sound(place: Place, start: float, end: float, rate: int, *, mono: bool = False) -> np.ndarray:
    """The track as it would sound under the film from `start` to `end` of the film's clock, silence where it has none.

    Where the film runs faster than its music, this does. float32 (channels, n), or (n,) when `mono`.
    """
    parts = [(a, _sound(one, a, b, rate, mono)) for one, a, b in place.parts(start, end)]
    whole = np.zeros((max((len(sound) for _, sound in parts), default=1), round((end - start) * rate)), np.float32)
    for begin, sound in parts:
        under = whole[:, round((begin - start) * rate) :]
        under[:, : sound.shape[1]] = sound[:, : under.shape[1]]
    return whole[0] if mono else whole


def _sound(place: Place, start: float, end: float, rate: int, mono: bool) -> np.ndarray:
    """The same of one place, (channels, n)."""
    first, last = place.at(start), place.at(end)
    # what is read at a lower rate and played at `rate` runs faster by their ratio
    slow = round(rate / place.speed)
    if last > 0:
        sound = np.atleast_2d(read_audio(place.track, slow, start=max(0.0, first), end=last, mono=mono))
    else:
        sound = np.zeros((1, 0), np.float32)
    return _filled(sound, round((end - start) * rate), round(max(0.0, -first) / place.speed * rate))


def track_excerpt(place: Place, start: float, end: float) -> bytes:
    """What `track_sound` gives as an Ogg Opus file, to be heard beside an `excerpt` of the film."""
    return encode(stereo(track_sound(place, start, end, RATE)))


def film_sound(film: Path, start: float, end: float, rate: int, *, mono: bool = False) -> np.ndarray:
    """The film's sound from `start` to `end`, filled up with silence."""
    sound = np.atleast_2d(read_audio(film, rate, start=start, end=end, mono=mono))
    whole = _filled(sound, round((end - start) * rate))
    return whole[0] if mono else whole


def _filled(sound: np.ndarray, size: int, before: int = 0) -> np.ndarray:
    """Sound (channels, n) with silence before it and behind, `size` samples in all."""
    whole = np.zeros((len(sound), size), np.float32)
    piece = sound[:, : max(0, size - before)]
    whole[:, before : before + piece.shape[1]] = piece
    return whole


def gains(film: np.ndarray, track: np.ndarray) -> tuple[float, float]:
    """Factors that bring two sounds (2, n) to one loudness, as near to `TARGET_LUFS` as peaks allow; 1 for silence."""
    levels = np.array([loudness(film), loudness(track)])
    heard = np.isfinite(levels)
    if not heard.any():
        return 1.0, 1.0
    peaks = np.array([max(np.abs(s).max(initial=0.0), 1e-9) for s in (film, track)])
    target = min(TARGET_LUFS, *(levels + 20 * np.log10(_PEAK / peaks))[heard])
    found = np.where(heard, 10 ** ((target - np.where(heard, levels, 0.0)) / 20), 1.0)
    return float(found[0]), float(found[1])


def ab_excerpt(
    film: Path, place: Place | None, start: float, end: float, *, factors: tuple[float, float] | None = None
) -> tuple[bytes, tuple[float, float]]:
    """Film and track from `start` to `end`, seconds of the film, as a WebM of four channels; and the factors of both.

    Without a `place` the track's channels are silent and the film keeps its level. `factors` are those of an earlier
    excerpt of the cue, so that the level does not jump. `MediaError` when a file cannot be read, `ValueError` when the
    span is empty.
    """
    if not end > start:
        raise ValueError(f"{film}: an excerpt from {start} to {end} s is empty")
    heard = stereo(film_sound(film, start, end, RATE))
    if place is None:
        under, factors = np.zeros_like(heard), factors or (1.0, 1.0)
    else:
        under = stereo(track_sound(place, start, end, RATE))
        factors = factors or gains(heard, under)
    four = np.concatenate([heard * np.float32(factors[0]), under * np.float32(factors[1])])
    return encode(four, container="webm", bit_rate=_BIT_RATE), factors
