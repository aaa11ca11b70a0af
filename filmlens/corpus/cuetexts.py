"""Cues in lines of text as annotators' programs write them: Audacity's labels, Sonic Visualiser's regions, WebVTT.

Each reader gives (row, cells) with start, end and track as text. What is wrong with a line goes to `found`, as text
that begins with its row, and the other lines are kept. Of what cannot be read at all a ValueError begins with the row.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from filmlens.text import clean, from_cell

Rows = Iterator[tuple[int, dict[str, str]]]

_NUMBER = r"-?\d[\d.,:]*"
_LABEL = re.compile(rf"\s*{_NUMBER}\t\s*{_NUMBER}(\t|$)")
_REGION = re.compile(r"-?\d+\.?\d*(?P<mark>[,\t])-?\d[\d.e+-]*(?P=mark)\d+\.?\d*((?P=mark)|$)")
_REGION_HEAD = re.compile(r"(TIME|FRAME)([,\t])([A-Z,\t]*)")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SAID = {",": "commas", "\t": "tabs"}
_TIMING = re.compile(r"\s*([\d:.,]+)\s+-->\s+([\d:.,]+)(\s|$)")


def is_labels(lines: list[str]) -> bool:
    """Whether lines are Audacity's labels; the first may be damaged."""
    return "\t" in lines[0] and any(map(_LABEL.match, lines))


def labels(text: str, found: list[str]) -> Rows:
    """Lines of Audacity's labels: start, end and name between tabs, as they stand; its lines of frequencies go."""
    for row, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        cells = line.split("\t", 2)
        if len(cells) < 3:
            found.append(f"row {row}: not a label; write start, end and track between tabs")
            continue
        yield row, dict(zip(("start", "end", "track"), (clean(c).strip() for c in cells), strict=True))


def is_regions(lines: list[str]) -> bool:
    """Whether lines are Sonic Visualiser's layer of regions: time, value, duration and label, no start and end."""
    return bool(_REGION_HEAD.match(lines[0])) or any(map(_REGION.match, lines))


def regions(text: str, found: list[str]) -> Rows:
    """Lines of a layer that Sonic Visualiser exported as text: of regions, notes or boxes, with or without a header."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip())
    columns = ["TIME", "VALUE", "DURATION", "LABEL"]
    head = _REGION_HEAD.match(lines[first])
    mark = head[2] if head else next(filter(None, map(_REGION.match, lines)))["mark"]
    if head:
        columns = lines[first].strip().split(mark)
        if columns[0] == "FRAME":
            raise ValueError(f"row {first + 1}: times are frames of a sound; export the layer with times in seconds")
        if "DURATION" not in columns:
            raise ValueError(f"row {first + 1}: the layer has no durations; export a layer of regions")
    long = columns.index("DURATION")
    for row, line in enumerate(lines, start=1):
        if not line.strip() or (head and row == first + 1):
            continue
        cells = line.split(mark, len(columns) - 1)
        try:
            start, seconds = float(cells[0]), float(cells[long])
        except (ValueError, IndexError):
            found.append(f"row {row}: not a region; write time, value, duration and label between {_SAID[mark]}")
            continue
        label = cells[-1] if len(cells) == len(columns) else ""  # the program writes none for an empty one
        quoted = _QUOTED.fullmatch(label.strip())
        label = quoted[1].replace('""', '"') if quoted else label
        yield row, {"start": repr(start), "end": f"{start + seconds:.9f}", "track": from_cell(label).strip()}


def webvtt(text: str, found: list[str]) -> Rows:
    """Cues of WebVTT: their texts without marks, in one line; styles, regions and notes are passed over."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        row, line = at + 1, lines[at]
        at += 1
        if line.startswith(("NOTE", "STYLE", "REGION")) and (row == 1 or not lines[row - 2].strip()):
            while at < len(lines) and lines[at].strip():
                at += 1
        elif "-->" in line:
            said = []
            while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
                said.append(re.sub(r"<[^<>]*>", "", lines[at]).strip())
                at += 1
            timing = _TIMING.match(line)
            if timing is None:
                found.append(f"row {row}: {line.strip()[:40]!r} is no timing; write 00:01:02.345 --> 00:01:09.876")
                continue
            track = clean(html.unescape(" ".join(said))).strip()
            yield row, {"start": timing[1], "end": timing[2], "track": track.strip("♪♫ ")}
