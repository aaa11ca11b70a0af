"""Cues in files of nested parts: XML of ELAN (.eaf) and Sonic Visualiser (.svl), JSON of OpenTimelineIO and JAMS.

The standard library's XML parser gives every element with its line, and keeps what stood before a fault. A document
type with anything in it is refused before it is read: nothing is expanded or fetched.
"""

import json
from typing import Any, NamedTuple
from xml.parsers import expat

from filmlens.corpus.cuetexts import Rows, chosen
from filmlens.text import clean

_MOST = 200_000  # elements of a file
_SEGMENTS = ("segment_", "multi_segment")


class _Element(NamedTuple):
    row: int
    name: str
    has: dict[str, str]
    text: list[str]


def xml(text: str, found: list[str]) -> Rows:
    """Cues of an ELAN or Sonic Visualiser file; ValueError, which begins with the row, for other or unsafe XML."""
    elements = _elements(text, found)
    kind = elements[0].name if elements else ""
    readers = {"ANNOTATION_DOCUMENT": _elan, "sv": _layer}
    if kind not in readers:
        raise ValueError("row 1: is no ELAN file (.eaf) and no layer of Sonic Visualiser (.svl); export one of these")
    return readers[kind](elements, found)


def _elements(text: str, found: list[str]) -> list[_Element]:
    """All elements in the order of their starts."""
    elements: list[_Element] = []
    open_: list[int] = []
    parser = expat.ParserCreate()

    def start(name: str, has: dict[str, str]) -> None:
        if len(elements) >= _MOST:
            raise ValueError(f"row {parser.CurrentLineNumber}: more than {_MOST} elements; is it the right file?")
        open_.append(len(elements))
        elements.append(_Element(parser.CurrentLineNumber, name, has, []))

    def doctype(name: str, system: str | None, public: str | None, inside: int) -> None:
        # Sonic Visualiser writes <!DOCTYPE sonic-visualiser>, which says nothing more
        if system or public or inside:
            raise ValueError(f"row {parser.CurrentLineNumber}: defines or fetches something (DOCTYPE); take that out")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: open_.pop()
    parser.CharacterDataHandler = lambda said: elements[open_[-1]].text.append(said)
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.lstrip("\ufeff"), True)
    except expat.ExpatError as error:
        said = expat.errors.messages[error.code]
        found.append(f"row {error.lineno}: the XML is damaged from here on ({said}); save the file again")
        half = next((at for at in open_ if elements[at].name == "ALIGNABLE_ANNOTATION"), len(elements))
        del elements[half:]  # its text may have been cut
    return elements


def _elan(elements: list[_Element], found: list[str]) -> Rows:
    """Annotations with times of their own; those that lean on others (of a dependent tier) have none."""
    slots: dict[str, str] = {}
    tiers: dict[tuple[str, int], list[tuple[int, dict[str, str]]]] = {}
    ahead, rows = None, []
    for at, element in enumerate(elements):
        has = element.has
        if element.name == "MEDIA_DESCRIPTOR":
            # where the annotations' time begins in the film, in ms; the first medium leads
            ahead = _milliseconds(has.get("TIME_ORIGIN", "0"), 0.0) if ahead is None else ahead
        elif element.name == "TIME_SLOT":
            slots[has.get("TIME_SLOT_ID", "")] = has.get("TIME_VALUE", "")
        elif element.name == "TIER":
            rows = tiers.setdefault((has.get("TIER_ID", ""), at), [])
        elif element.name == "ALIGNABLE_ANNOTATION":
            ends = [slots.get(has.get(f"TIME_SLOT_REF{i}", ""), "") for i in (1, 2)]
            times = [_milliseconds(end, None) for end in ends]
            value = elements[at + 1] if at + 1 < len(elements) else None
            said = "".join(value.text) if value and value.name == "ANNOTATION_VALUE" else ""
            if None in times:
                found.append(f"row {element.row}: the annotation {clean(said)[:40]!r} has no time; align it in ELAN")
                continue
            start, end = (f"{(time + (ahead or 0.0)) / 1000:.3f}" for time in times)
            rows.append((element.row, {"start": start, "end": end, "track": clean(said).strip()}))
    return chosen(tiers)


def _milliseconds(text: str, otherwise: float | None) -> float | None:
    try:
        return float(int(text))
    except ValueError:
        return otherwise


def _layer(elements: list[_Element], found: list[str]) -> Rows:
    """Points with a duration; their frames are of the rate that the layer's model states."""
    models = [e.has for e in elements if e.name == "model"]
    rates = {model.get("dataset", ""): model.get("sampleRate", "") for model in models}
    stated = ""
    for element in elements:
        has = element.has
        if element.name == "dataset":
            stated = rates.get(has.get("id", ""), "")
        if element.name != "point":
            continue
        try:
            frame, frames, rate = float(has["frame"]), float(has["duration"]), float(stated)
            start, end = f"{frame / rate:.9f}", f"{(frame + frames) / rate:.9f}"
        except (KeyError, ValueError, ZeroDivisionError):
            found.append(f"row {element.row}: not a region; it needs frame and duration, and its model a sampleRate")
            continue
        yield element.row, {"start": start, "end": end, "track": clean(has.get("label", "")).strip()}


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
        return _segments(given, found)
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
                edges = {"start": at, "end": at + seconds}
                kept = {edge: _kept(item, edge) for edge in edges}
                if None not in kept.values():  # the exact seconds, unless the clip was moved since
                    edges = {e: kept[e] if abs(kept[e] - now) <= frame else now for e, now in edges.items()}
                start, end = (f"{edge:.6f}" for edge in edges.values())
                if rows and (_kept(item, "segment") or 0) > 0:  # a later segment of the cue before
                    rows[-1][1]["end"] = end
                else:
                    rows.append((1, {"start": start, "end": end, "track": name.strip()}))
            at += seconds
        tracks[clean(track.get("name", "")) or f"track {number + 1}", number] = rows
    return chosen(tracks)


def _length(item: dict[str, Any]) -> tuple[float, float]:
    """Seconds of a clip or gap, and of one frame."""
    if (span := item.get("source_range")) is None:
        key = item.get("active_media_reference_key", "DEFAULT_MEDIA")
        span = (item.get("media_reference") or item["media_references"][key])["available_range"]
    length = span["duration"]
    return float(length["value"]) / float(length["rate"]), 1 / float(length["rate"])


def _kept(clip: dict[str, Any], name: str) -> float | None:
    try:
        return float(clip["metadata"]["filmlens"][name])
    except (KeyError, TypeError, ValueError):
        return None


def _segments(given: dict[str, Any], found: list[str]) -> Rows:
    for annotation in _list(given, "annotations"):
        if not str(annotation.get("namespace", "")).startswith(_SEGMENTS):
            continue
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
