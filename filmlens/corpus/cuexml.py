"""Cues in XML: tiers of ELAN (.eaf) and layers of Sonic Visualiser (.svl).

The parser of the standard library gives every element with its line, which no library of these formats does, and keeps
what stood before a fault. A document type with anything in it is refused before it is read: nothing is expanded or
fetched.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.parsers import expat

from filmlens.corpus.cuetexts import Rows
from filmlens.corpus.textgrid import chosen
from filmlens.text import clean

_MOST = 200_000  # elements of a file


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
