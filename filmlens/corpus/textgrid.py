"""Praat's TextGrid, long and short: what stands free in the text are numbers and quoted texts, the rest is comment.

Praat reads both forms by this one rule, and so does this reader; intervals are told apart by their order, so that one
that is damaged costs no other.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import NamedTuple

from filmlens.corpus.cuetexts import Rows
from filmlens.text import clean

_FREE = re.compile(r'(?<!\S)(?:"((?:[^"]|"")*)"|([-+]?\d[\d.eE+-]*))(?!\S)')
_TIERS = ("IntervalTier", "TextTier")
#: Names of tiers that hold the cues, where there are several; ours are Cues 1, Cues 2, ...
_MUSIC = ("cue", "music", "track")


class _Token(NamedTuple):
    row: int
    text: str
    quoted: bool


def textgrid(text: str, found: list[str]) -> Rows:
    """Cues of a TextGrid: the intervals with a text, of the tier or tiers that hold them (see `chosen`)."""
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

    >>> list(chosen({("Shots", 0): [(3, {})], ("Cues 1", 1): [(9, {"track": "Theme"})]}))
    [(9, {'track': 'Theme'})]
    """
    filled = {key: rows for key, rows in tiers.items() if rows}
    called = {key: rows for key, rows in filled.items() if key[0].strip().casefold().startswith(_MUSIC)}
    if len(filled) > 1 and not called:
        names = ", ".join(clean(name) for name, _ in filled)
        raise ValueError(f"row 1: has the tiers {names}; call the one that holds the cues Cues (or Cues 1, Cues 2)")
    return chain.from_iterable((called or filled).values())


def _tokens(text: str, found: list[str]) -> list[_Token]:
    """What stands free, with its row."""
    tokens, row, seen = [], 1, 0
    for match in _FREE.finditer(text):
        row, seen = row + text.count("\n", seen, match.start()), match.start()
        quoted = match[1] is not None
        tokens.append(_Token(row, match[1].replace('""', '"') if quoted else match[2], quoted))
    left = _FREE.sub(lambda match: "\n" * match[0].count("\n"), text)
    odd = re.search(r'(?<!\S)"', left)
    if odd:
        row = left.count("\n", 0, odd.start()) + 1
        found.append(f"row {row}: a quotation mark is opened and not closed; close it, and double those inside a text")
    return tokens
