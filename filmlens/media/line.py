"""Frames of sound laid one behind the other, and where the line begins: one packet's time is not believed alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from statistics import median_high

import av

from filmlens.media.account import Account

_AT_END = 3  # frames at the end that agree on another place are believed


def in_line(
    frames: Iterable[av.AudioFrame],
    place: Callable[[av.AudioFrame], int | None],
    opening: Callable[[int, int], int],
    gap: int,
    first: int,
    hold: int,
    account: Account | None,
) -> Iterator[tuple[int, av.AudioFrame]]:
    """Frames with the sample at which each stands: one behind the other, until their times say otherwise for long.

    A time that is off for a packet or two and then right again is a slip of the file's multiplexer, and no gap.

    `place` gives the sample that a frame's own time means, or None; `opening` where the first frame ends, from what its
    time means and the length of a frame. `gap` samples may a time be off; `first` and `hold` samples are looked at to
    place the beginning, and to believe a change, of which `account` is told.
    """
    at, held, length = None, [], 0  # held: frames whose times do not agree with the count, each with that time
    for frame in frames:
        time, size = place(frame), frame.samples
        if at is not None and not held and (time is None or abs(time - at) <= gap):
            yield at, frame
            at += size
            continue
        agrees = at is not None and time is not None and abs(time - at - length) <= gap
        held.append((frame, time))
        length += size
        if not agrees and length <= (first if at is None else hold):
            continue
        counted = at
        if not agrees:
            believed = _believed(held, gap)
            if at is None and believed is not None:
                first_end = held[0][0].samples
                believed = opening(believed + first_end, size) - first_end
            at = believed if believed is not None else at or 0
        if counted is not None and account is not None:
            account.step(at - counted)
        for kept, _ in held:
            yield at, kept
            at += kept.samples
        held, length = [], 0
    if held:
        believed = _believed(held, gap)
        if at is None:
            at = believed or 0
        elif len(held) >= _AT_END and believed is not None:
            if account is not None:
                account.step(believed - at)
            at = believed
        for kept, _ in held:
            yield at, kept
            at += kept.samples


def _believed(held: list[tuple[av.AudioFrame, int | None]], gap: int) -> int | None:
    """Where the first of some frames stands after the times of all: its own time unless most say otherwise."""
    before = accumulate((frame.samples for frame, _ in held), initial=0)
    starts = [time - count for (_, time), count in zip(held, before, strict=False) if time is not None]
    if not starts:
        return None
    middle = median_high(starts)
    return starts[0] if abs(starts[0] - middle) <= gap else middle


def on_grid(place: int, grid: int, length: int, tick: float) -> int:
    """The place on the grid of frames that a rounded time means; the time itself where it means none."""
    nearest = grid + round((place - grid) / length) * length
    return nearest if abs(nearest - place) <= 1.5 * tick + 1 else place
