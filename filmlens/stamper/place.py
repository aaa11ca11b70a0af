"""Where one track lies under one stretch of film, such as a cue that a listener marked."""

from pathlib import Path

from filmlens.media.ab import Place
from filmlens.media.sound import read_audio
from filmlens.stamper import stamp

_RATE = 44_100


def find_place(film: Path, track: Path, start: float, end: float) -> Place | None:
    """Where a track lies under a stretch of film, found by stamping that stretch with it alone.

    Returns
    -------
    Place or None
        None when less than half of the stretch agrees with the track.
    """
    sheet = stamp((read_audio(film, _RATE, start=start, end=end), _RATE), {"track": track})
    cues = sheet.table
    if cues.empty:
        return None
    best = (cues["end"] - cues["start"]).idxmax()
    if cues["end"][best] - cues["start"][best] < 0.5 * (end - start):
        return None
    segments = sheet.segments.query("cue == @best")[["start", "end", "track_start", "speed"]] + [start, start, 0, 0]
    first, *more = segments.itertuples(index=False, name=None)
    return Place(track, first[0], *first[2:], (first, *more) if more else ())
