"""Where an edge belongs near a time: at the nearest onset, or in the nearest silence, of the film's sound."""

from pathlib import Path

import numpy as np

from filmlens.media.ab import film_sound
from filmlens.media.apart import apart

#: D: an edge moves at most so far [s].
REACH_S = 0.5
KINDS = ("onset", "silence")
_RATE = 22_050
_HOP = 110  # 5 ms
_RISE_DB = 6.0  # D: the least rise over 20 ms that is an onset
_QUIET_DB = 20.0  # D: below the loudest of the stretch by so much is silence


def snapped(film: Path, time: float, kind: str) -> float:
    """The nearest onset or silence to a time of the film, at most `REACH_S` away; the time itself without one."""
    start = max(0.0, time - REACH_S - 0.1)
    samples = apart(film_sound, film, start, time + REACH_S + 0.1, _RATE, mono=True)
    found = start + nearest(samples, time - start, kind)
    return round(found if abs(found - time) <= REACH_S else time, 3)


def nearest(samples: np.ndarray, time: float, kind: str) -> float:
    """As `snapped`, of samples at 22.05 kHz and seconds in them.

    >>> click = np.zeros(22_050, np.float32); click[11_025:] = np.sin(np.arange(11_025) * 0.2)
    >>> round(nearest(click, 0.4, "onset"), 1)
    0.5
    """
    if kind not in KINDS:
        raise ValueError(f"edges snap to {kind!r}, which is unknown; choose one of {', '.join(KINDS)}")
    count = len(samples) // _HOP
    if count < 8:
        return time
    power = np.square(samples[: count * _HOP].astype(float)).reshape(count, _HOP).mean(axis=1)
    level = 10 * np.log10(power + 1e-10)
    if kind == "silence":
        quiet = level < level.max() - _QUIET_DB
        places = np.flatnonzero(quiet)
    else:
        rise = level[4:] - level[:-4]
        # the steepest of neighbouring rises is the onset, of equal ones the first
        peak = (rise > _RISE_DB) & (rise > np.pad(rise, 1)[:-2]) & (rise >= np.pad(rise, 1)[2:])
        places = np.flatnonzero(peak) + 4
    if not len(places):
        return time
    times = places * _HOP / _RATE
    return float(times[np.argmin(abs(times - time))])
