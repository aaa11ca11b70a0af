"""Times as people read them: the clock, and time code, a film's frames as HH:MM:SS:FF (SMPTE ST 12-1).

Drop-frame code, of 29.97 and 59.94 frames a second, leaves out numbers and no frame, so that it keeps the clock's time:
two (or four) numbers at the beginning of every minute but each tenth. Its last mark is a semicolon.
"""

import math
import re
from fractions import Fraction
from typing import NamedTuple

from filmlens.corpus import Film
from filmlens.media.apart import apart
from filmlens.media.container import MediaError, probe

_RATE = Fraction(25)  # for films without pictures


class Frames(NamedTuple):
    """How a film's frames are counted: frames a second, the first one's number, and whether numbers are dropped."""

    rate: Fraction
    first: int
    drop: bool
    has_pictures: bool

    def code(self, seconds: float) -> str:
        """Time code of the frame that begins nearest to a second of the film."""
        return timecode(self.first + frame_at(seconds, self.rate), self.rate, self.drop)

    def length(self, start: float, end: float) -> str:
        """Time code of as many frames as lie between two seconds."""
        return timecode(frame_at(end, self.rate) - frame_at(start, self.rate), self.rate, self.drop)

    def __str__(self) -> str:
        kind = " drop frame" if self.drop else ""
        return f"{float(self.rate):.3f}".rstrip("0").rstrip(".") + f" frames a second{kind}"


def frames_of(film: Film) -> Frames:
    """As the film's file says; without a time code of its own, from zero, and dropping where the rate can."""
    try:
        info = apart(probe, film.film)
    except MediaError:
        return Frames(_RATE, 0, False, False)
    rate = exact(info.fps) if info.fps else _RATE
    drop = drops(rate) and (";" in info.time_code or not info.time_code)
    return Frames(rate, frame_of(info.time_code, rate), drop, info.has_pictures)


def exact(fps: float) -> Fraction:
    """The rate that a rounded or averaged one means.

    >>> exact(23.976), exact(29.97), exact(25.0004), exact(12.5)
    (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25, 1), Fraction(25, 2))
    """
    whole = max(1, round(fps))
    near = min((Fraction(whole), Fraction(whole * 1000, 1001)), key=lambda rate: abs(rate - Fraction(fps)))
    return near if abs(near - Fraction(fps)) < Fraction(1, 100) else Fraction(fps).limit_denominator(1001)


def drops(rate: Fraction) -> bool:
    """Whether there is a drop-frame code of a rate."""
    return rate in (Fraction(30000, 1001), Fraction(60000, 1001))


def frame_at(seconds: float, rate: Fraction) -> int:
    """Number of the frame whose beginning is nearest.

    >>> frame_at(1.001, Fraction(24000, 1001)), frame_at(0.019, Fraction(25)), frame_at(0.021, Fraction(25))
    (24, 0, 1)
    """
    return math.floor(Fraction(seconds) * rate + Fraction(1, 2))


def timecode(frame: int, rate: Fraction, drop: bool = False) -> str:
    """Time code of a frame by its number: frame 1800 in drop-frame code of 29.97 is 00:01:00;02."""
    whole = math.ceil(rate)
    if drop:
        left_out = 2 * (whole // 30)
        minute = 60 * whole - left_out
        tens, rest = divmod(frame, 10 * minute + left_out)
        frame += 9 * left_out * tens + left_out * max(0, (rest - left_out) // minute)
    seconds, frames = divmod(frame, whole)
    mark = ";" if drop else ":"
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frames:02d}"


def frame_of(code: str, rate: Fraction) -> int:
    """Number of the frame that a time code names; 0 without one."""
    parts = re.split(r"[:;.]", code)
    if len(parts) != 4 or not all(p.isdigit() for p in parts):
        return 0
    whole, (hours, minutes, seconds, frames) = math.ceil(rate), map(int, parts)
    number = ((hours * 60 + minutes) * 60 + seconds) * whole + frames
    if ";" not in code or not drops(rate):
        return number
    passed = 60 * hours + minutes
    return number - 2 * (whole // 30) * (passed - passed // 10)


def clock(seconds: float, decimals: int = 0) -> str:
    """HH:MM:SS.

    >>> clock(3723.4), clock(59.9996, 3)
    ('01:02:03', '00:01:00.000')
    """
    ticks = round(max(0.0, float(seconds)) * 10**decimals)
    whole, part = divmod(ticks, 10**decimals)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{part:0{decimals}d}" if decimals else text
