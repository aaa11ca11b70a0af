"""Cues in lines of text: Audacity's labels, Sonic Visualiser's regions, WebVTT, Praat's TextGrid.

Each reader gives (row, cells) with start, end and track as text. What is wrong with a line goes to `found`, as text
that begins with its row, and the other lines are kept. Of what cannot be read at all a ValueError begins with the row.
"""

import html
import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from filmlens.text import clean, from_cell

Rows = Iterator[tuple[int, dict[str, str]]]

_NUMBER = r"-?\d[\d.,:]*"
_LABEL = re.compile(rf"\s*{_NUMBER}\t\s*{_NUMBER}(\t|$)")
_REGION = re.compile(r"-?\d+\.?\d*(?P<mark>[,\t])-?\d[\d.e+-]*(?P=mark)\d+\.?\d*((?P=mark)|$)")
_REGION_HEAD = re.compile(r"(TIME|FRAME)([,\t])([A-Z,\t]*)")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SAID = {",": "commas", "\t": "tabs"}
_TIMING = re.compile(r"\s*([\d:.,]+)\s+-->\s+([\d:.,]+)(\s|$)")
_FREE = re.compile(r'(?<!\S)(?:"((?:[^"]|"")*)"|([-+]?\d[\d.eE+-]*))(?!\S)')
_TIERS = ("IntervalTier", "TextTier")
#: Names of tiers that hold the cues, where there are several; ours are Cues 1, Cues 2, ...
_MUSIC = ("cue", "music", "track")


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
            if (timing := _TIMING.match(line)) is None:
                found.append(f"row {row}: {line.strip()[:40]!r} is no timing; write 00:01:02.345 --> 00:01:09.876")
                continue
            track = clean(html.unescape(" ".join(said))).strip()
            yield row, {"start": timing[1], "end": timing[2], "track": track.strip("♪♫ ")}


class _Token(NamedTuple):
    row: int
    text: str
    quoted: bool


def textgrid(text: str, found: list[str]) -> Rows:
    """Cues of a TextGrid, long or short: the intervals with a text, of the tier or tiers that hold them (see `chosen`).

    What stands free are numbers and quoted texts, the rest is comment. A damaged interval costs no other.
    """
    tokens = _tokens(text, found)
    heads = [i for i, t in enumerate(tokens[:-1]) if t.quoted and t.text in _TIERS and tokens[i + 1].quoted]
    whole = [i for i in heads if tokens[i].text == "IntervalTier"]
    if not whole:
        raise ValueError("row 1: has no tier of intervals; draw each cue as an interval with its track as text")
    tiers = {}
    for head, end in zip(heads, [*heads[1:], len(tokens)], strict=True):
        if head in whole:
            # numbers before the first text: the tier's start, end and size, then the first interval's own two
            first = next((i for i in range(head + 2, end) if tokens[i].quoted), end + 2) - 2
            name = tokens[head + 1].text
            tiers[name or f"tier {head}", head] = list(_intervals(tokens[first:end], found))
    yield from chosen(tiers)


def _tokens(text: str, found: list[str]) -> list[_Token]:
    """What stands free, with its row."""
    tokens, row, seen = [], 1, 0
    for match in _FREE.finditer(text):
        row, seen = row + text.count("\n", seen, match.start()), match.start()
        quoted = match[1] is not None
        tokens.append(_Token(row, match[1].replace('""', '"') if quoted else match[2], quoted))
    left = _FREE.sub(lambda match: "\n" * match[0].count("\n"), text)
    if odd := re.search(r'(?<!\S)"', left):
        row = left.count("\n", 0, odd.start()) + 1
        found.append(f"row {row}: a quotation mark is opened and not closed; close it, and double those inside a text")
    return tokens


def _intervals(tokens: list[_Token], found: list[str]) -> Rows:
    """The intervals of a tier that have a text; one that is damaged is told, and the next one begins anew."""
    at = 0
    while at < len(tokens):
        shape = [t.quoted for t in tokens[at : at + 3]]
        if shape == [False, False, True]:
            start, end, said = tokens[at : at + 3]
            if said.text.strip():
                yield start.row, {"start": start.text, "end": end.text, "track": clean(said.text).strip()}
            at += 3
            continue
        row = tokens[at].row
        found.append(f"row {row}: not a whole interval; write its start, its end and its text in quotation marks")
        at += shape.index(True) + 1 if True in shape else 2


def chosen(tiers: dict[tuple[str, int], list[tuple[int, dict[str, str]]]]) -> Rows:
    """The cues of a file of tiers: those of its only one, or of all that are called cues, music or tracks.

    `tiers` are name and number of a tier to its rows. With others only, ValueError says how to name one.
    """
    filled = {key: rows for key, rows in tiers.items() if rows}
    called = {key: rows for key, rows in filled.items() if key[0].strip().casefold().startswith(_MUSIC)}
    if len(filled) > 1 and not called:
        names = ", ".join(clean(name) for name, _ in filled)
        raise ValueError(f"row 1: has the tiers {names}; call the one that holds the cues Cues (or Cues 1, Cues 2)")
    return chain.from_iterable((called or filled).values())
