"""A film and its cues as an OpenTimelineIO timeline, to be opened in an editor."""

import heapq
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmlens.audition.timecode import frames_of
from filmlens.corpus import CorpusError, Film
from filmlens.media.apart import apart
from filmlens.media.container import MediaError, probe
from filmlens.verdicts import segments


def otio(film: Film, cues: pd.DataFrame, duration: float) -> str:
    """The film on one video and one audio track, its cues as clips of their sound files on further audio tracks; OTIO's
    JSON.

    Cues that overlap lie on tracks of their own; a cue with several segments is a clip for each. Edges are rounded to
    frames of the film, as an editor needs them; the exact seconds, score, verdict and usage of a cue are in its
    metadata under "filmlens". A cue whose place in its track is unknown is an empty clip of its name.
    """
    from opentimelineio import adapters, opentime, schema

    def span(start: int, frames: int):
        return opentime.TimeRange(opentime.RationalTime(start, rate), opentime.RationalTime(frames, rate))

    frames = frames_of(film)
    rate, first = float(frames.rate), frames.first
    whole = max([round(duration * rate), *(max(1, round(end * rate)) for end in cues["end"])])
    line = schema.Timeline(name=film.title or film.id)
    if first:  # programs find a film's pictures by the time code that it carries
        line.global_start_time = opentime.RationalTime(first, rate)
    line.metadata["filmlens"] = {"film_id": film.id, "duration": float(duration)}
    for kind in ("Video", "Audio") if frames.has_pictures else ("Audio",):
        track = schema.Track(name="Film", kind=getattr(schema.TrackKind, kind))
        reference = schema.ExternalReference(film.film.absolute().as_uri(), span(first, whole))
        track.append(schema.Clip(film.title or film.id, reference, span(first, whole)))
        line.tracks.append(track)
    files, rows = _files(film, set(cues["track"])), cues.to_dict("records")
    for number, lane in enumerate(lanes(cues), start=1):
        track, at = schema.Track(name=f"Cues {number}", kind=schema.TrackKind.Audio), 0
        for cue in (piece for row in lane for piece in _pieces(rows[row])):
            place, speed = float(cue.get("track_start", np.nan)), float(cue.get("speed", 1.0))
            late = max(0.0, -place) / speed if np.isfinite(place) else 0.0  # the cue begins before its track does
            start = max(at, round((cue["start"] + late) * rate))
            frames = max(1, round(cue["end"] * rate) - start)
            if start > at:
                track.append(schema.Gap(source_range=span(0, start - at)))
            clip = schema.Clip(name=str(cue["track"]), source_range=span(0, frames))
            if cue["track"] in files and np.isfinite(place):
                path, length = files[cue["track"]]
                there = span(0, max(1, round(length * rate)))
                clip.media_reference = schema.ExternalReference(path.absolute().as_uri(), there)
                clip.source_range = span(round(max(0.0, place) * rate), frames)
                if abs(speed - 1) > 1e-4:
                    clip.effects.append(schema.LinearTimeWarp(name="speed", time_scalar=speed))
            else:
                clip.media_reference = schema.MissingReference()
            clip.metadata["filmlens"] = _notes(cue)
            track.append(clip)
            at = start + frames
        line.tracks.append(track)
    return adapters.write_to_string(line, "otio_json") + "\n"


def _pieces(cue: dict[str, Any]) -> list[dict[str, Any]]:
    """A cue as the clips that it is: itself, or each of its segments, which are numbered."""
    found = segments.of(cue)
    if len(found) < 2:
        return [cue]
    places = (dict(zip(("start", "end", "track_start", "speed"), place, strict=True)) for place in found)
    return [cue | place | {"segment": number} for number, place in enumerate(places)]


def lanes(cues: pd.DataFrame) -> list[list[int]]:
    """Rows of the cues, divided so that those of a lane do not overlap.

    >>> lanes(pd.DataFrame({"start": [0.0, 5.0, 10.0], "end": [8.0, 9.0, 12.0]}))
    [[0, 2], [1]]
    """
    found: list[list[int]] = []
    taken: list[tuple[float, int]] = []  # lanes by the end of their last cue
    free: list[int] = []  # the others, the first first
    starts, stops = cues["start"].to_numpy(float), cues["end"].to_numpy(float)
    for row in np.argsort(starts, kind="stable"):
        while taken and taken[0][0] <= starts[row]:
            heapq.heappush(free, heapq.heappop(taken)[1])
        if not free:
            free.append(len(found))
            found.append([])
        lane = heapq.heappop(free)
        found[lane].append(int(row))
        heapq.heappush(taken, (float(stops[row]), lane))
    return found


def _files(film: Film, wanted: set[str]) -> dict[str, tuple[Path, float]]:
    """Sound files of the soundtrack that have cues, and their lengths; those that cannot be read are left out."""
    found = {}
    with suppress(CorpusError):
        for name, path in film.tracks().items():
            if name in wanted:
                with suppress(MediaError):
                    found[name] = (path, apart(probe, path).duration)
    return found


def _notes(cue: Mapping[str, Any]) -> dict:
    notes = {k: float(cue[k]) for k in ("start", "end", "track_start", "speed", "score", "segment") if k in cue}
    notes = {k: v for k, v in notes.items() if np.isfinite(v)}
    return notes | {k: str(cue[k]) for k in ("verdict", "usage") if k in cue and cue[k] == cue[k]}
