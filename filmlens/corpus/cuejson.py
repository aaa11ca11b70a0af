"""Cues in JSON: timelines of editors (OpenTimelineIO) and annotations of music research (JAMS)."""

from __future__ import annotations

import json
from typing import Any

from filmlens.corpus.cuetexts import Rows
from filmlens.corpus.textgrid import chosen
from filmlens.text import clean

_SEGMENTS = ("segment_open", "segment_", "multi_segment")


def from_json(text: str, found: list[str]) -> Rows:
    """Cues of a timeline, or of a JAMS file with segments. JSON keeps no lines of its parts: row 1 stands for all."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"row {error.lineno}: the JSON is damaged here ({error.msg}); save the file again") from None
    except RecursionError:
        given = None
    if isinstance(given, dict) and str(given.get("OTIO_SCHEMA", "")).startswith("Timeline."):
        return _timeline(given, found)
    if isinstance(given, dict) and isinstance(given.get("annotations"), list):
        return _segments(_list(given, "annotations"), found)
    raise ValueError("row 1: is no timeline (.otio) and no annotation (.jams); export one of these")


def _timeline(line: dict[str, Any], found: list[str]) -> Rows:
    """Clips of the tracks that hold the cues (see `chosen`), by their places in the track."""
    tracks = {}
    for number, track in enumerate(_list(line.get("tracks"), "children")):
        at, rows = 0.0, []
        for item in _list(track, "children"):
            kind, name = str(item.get("OTIO_SCHEMA", "")), clean(item.get("name", ""))
            if kind.startswith("Transition."):
                continue  # it lies over the clips beside it
            try:
                seconds, frame = _length(item)
            except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError):
                found.append(f"row 1: {name[:40]!r} has no length; what follows it in its track is left out")
                break
            if kind.startswith("Clip."):
                start, end = _exact(item, at, at + seconds, frame)
                if rows and _goes_on(item):
                    rows[-1][1]["end"] = f"{end:.6f}"
                else:
                    rows.append((1, {"start": f"{start:.6f}", "end": f"{end:.6f}", "track": name.strip()}))
            at += seconds
        tracks[clean(track.get("name", "")) or f"track {number + 1}", number] = rows
    return chosen(tracks)


def _length(item: dict[str, Any]) -> tuple[float, float]:
    """Seconds of a clip or gap, and of one frame."""
    span = item.get("source_range")
    if span is None:
        key = item.get("active_media_reference_key", "DEFAULT_MEDIA")
        span = (item.get("media_reference") or item["media_references"][key])["available_range"]
    length = span["duration"]
    return float(length["value"]) / float(length["rate"]), 1 / float(length["rate"])


def _exact(clip: dict[str, Any], start: float, end: float, frame: float) -> tuple[float, float]:
    """The seconds that an export of ours kept beside the frames, unless the clip was moved since."""
    try:
        kept = [float(clip["metadata"]["filmlens"][edge]) for edge in ("start", "end")]
    except (KeyError, TypeError, ValueError):
        return start, end
    return tuple(k if abs(k - now) <= frame else now for k, now in zip(kept, (start, end), strict=True))


def _goes_on(clip: dict[str, Any]) -> bool:
    """Whether an export of ours made the clip of a later segment of the cue before it."""
    try:
        return float(clip["metadata"]["filmlens"]["segment"]) > 0
    except (KeyError, TypeError, ValueError):
        return False


def _segments(annotations: list[dict[str, Any]], found: list[str]) -> Rows:
    """Segments with a value, which is the track."""
    named = [a for a in annotations if str(a.get("namespace", "")).startswith(_SEGMENTS)]
    for annotation in named:
        for segment in _list(annotation, "data"):
            value = clean(segment.get("value", "")).strip()
            try:
                start, end = float(segment["time"]), float(segment["time"]) + float(segment["duration"])
            except (KeyError, TypeError, ValueError):
                found.append(f"row 1: the segment {value[:40]!r} has no time or duration; write both in seconds")
                continue
            yield 1, {"start": f"{start:.6f}", "end": f"{end:.6f}", "track": value}


def _list(given: Any, name: str) -> list[dict[str, Any]]:
    items = given.get(name) if isinstance(given, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
