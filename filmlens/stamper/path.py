"""The likeliest course of a film through {no track, lines}: one track at a time, by Viterbi's algorithm.

Each step is spent without music or on a line at one of its levels. Starting a line, or changing from one to another,
must be paid for by evidence; so must stopping, a little, which bridges bursts of dialogue, and every step of music.
"""

import itertools

import numba as nb
import numpy as np

TEMPER = 0.8  # of the evidence: peaks of one note are not independent
MOST = 2.0  # nats a step can give: one chord that two pieces share is no cue
STAY = 0.12  # nats a step of music costs: without it a cue runs on to the next coincidence
START, STOP, CHANGE_LEVEL = 14.0, 2.0, 1.0  # nats
# Where two tracks blend: steps on each side that say together whether a track is heard, at such a part of its usual
# evidence, and steps that a change is moved at most.
_AROUND, _HEARD, _REACH = 4, 0.25, 40


def best_path(
    nats: np.ndarray, ptr: np.ndarray, first: np.ndarray, last: np.ndarray, *, steps: int, start_cost: float = START
) -> list[tuple[int, int, int, float]]:
    """Stretches (line, begin, end, score) of the likeliest path that lie on a line, in time order.

    `nats` and `ptr` are as `lines.evidence` gives them. Each line is considered between its steps `first` and `last`
    (int64), and `first` ascends; the film has `steps` steps. It costs `start_cost` nats to start a line; `score` is the
    stretch's evidence in nats.
    """
    gain = TEMPER * nats
    np.minimum(gain, MOST, out=gain)  # in place: of a long film the evidence is the largest array
    gain -= STAY
    line, level = _viterbi(gain, ptr, first, last, steps, start_cost, STOP, CHANGE_LEVEL)
    cuts = np.flatnonzero(np.diff(line)) + 1
    stretches = []
    for begin, end in zip([0, *cuts], [*cuts, steps], strict=True):
        i = int(line[begin]) if end > begin else -1
        if i >= 0:
            rows = np.arange(begin, end) + ptr[i] - first[i]
            stretches.append((i, int(begin), int(end), float(gain[rows, level[begin:end]].sum())))
    return stretches


def centred(
    stretches: list[tuple[int, int, int, float]],
    nats: np.ndarray,
    ptr: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    track: np.ndarray,
) -> list[tuple[int, int, int, float]]:
    """The stretches, with each change from one track to another in the middle of the seconds in which both are heard.

    In a crossfade both bring all the evidence a step can give, so that the likeliest path may change anywhere in it.
    `track` is that of each line; the rest is as in `best_path`.
    """

    def heard(line: int, begin: int, end: int, usual: float) -> np.ndarray:
        """Whether a line is heard around each of some steps, at a part of its usual evidence."""
        rows = np.clip(np.arange(begin - _AROUND, end + _AROUND), first[line], last[line] - 1) + ptr[line] - first[line]
        around = np.convolve(gains(rows), np.full(2 * _AROUND + 1, 1 / (2 * _AROUND + 1)), "valid")
        return around > _HEARD * usual

    def gains(rows: np.ndarray) -> np.ndarray:
        return np.minimum(TEMPER * nats[rows].max(axis=1), MOST) - STAY

    moved = list(stretches)
    for i, (before, after) in enumerate(itertools.pairwise(stretches)):
        (old, begin, change, _), (new, _, end, _) = before, after
        if after[1] != change or track[old] == track[new]:
            continue
        reach = min(_REACH, change - begin, end - change, change - first[new], last[old] - change)
        if reach < 1:
            continue
        usual = [
            np.median(gains(np.arange(lo, hi) + ptr[k] - first[k]))
            for k, lo, hi in ((old, begin, change), (new, change, end))
        ]
        on = heard(old, change, change + reach, usual[0])
        already = heard(new, change - reach, change, usual[1])[::-1]
        there = change + (_run(on) - _run(already)) // 2
        rows = np.arange(min(there, change), max(there, change))
        sign = 1 if there > change else -1
        shift = [sign * gains(rows + ptr[k] - first[k]).sum() for k in (old, new)]
        moved[i] = (old, moved[i][1], there, moved[i][3] + shift[0])
        moved[i + 1] = (new, there, end, after[3] - shift[1])
    return moved


def _run(flags: np.ndarray) -> int:
    """How many of some flags are set before the first that is not."""
    return len(flags) if flags.all() else int(flags.argmin())


@nb.njit(cache=True)
def _viterbi(gain, ptr, first, last, steps, start_cost, stop_cost, level_cost):
    """Line (-1: none) and level of every step; of equal paths the one without music, then the earlier line."""
    n_levels = gain.shape[1]
    score = np.full((first.size, n_levels), -1e18)
    from_line = np.empty(gain.shape, np.int32)
    from_level = np.empty(gain.shape, np.int8)
    none = 0.0
    none_line, none_level = np.empty(steps, np.int32), np.empty(steps, np.int8)
    active = np.empty(first.size, np.int64)
    n_active, following = 0, 0
    for step in range(steps):
        line, level, value = _best(score, active, n_active)
        source, source_level, source_value = -1, 0, none
        if value - stop_cost > none:
            source, source_level, source_value = line, level, value - stop_cost
        none, none_line[step], none_level[step] = source_value, source, source_level
        still = 0
        for a in range(n_active):
            if last[active[a]] > step:
                active[still] = active[a]
                still += 1
        n_active = still
        while following < first.size and first[following] <= step:
            if last[following] > step:
                active[n_active] = following
                n_active += 1
            following += 1
        for a in range(n_active):
            i = active[a]
            row = ptr[i] + step - first[i]
            own = np.argmax(score[i])
            changed = score[i, own] - level_cost
            for q in range(n_levels):
                value, from_line[row, q], from_level[row, q] = score[i, q], i, q
                if changed > value:
                    value, from_level[row, q] = changed, own
                if source_value - start_cost > value:
                    value, from_line[row, q], from_level[row, q] = source_value - start_cost, source, source_level
                score[i, q] = value + gain[row, q]
    lines, levels = np.full(steps, -1, np.int64), np.zeros(steps, np.int64)
    line, level, value = _best(score, active, n_active)
    if none >= value:
        line, level = -1, 0
    for step in range(steps - 1, -1, -1):
        lines[step], levels[step] = line, level
        if line < 0:
            line, level = none_line[step], none_level[step]
        else:
            row = ptr[line] + step - first[line]
            line, level = from_line[row, level], from_level[row, level]
    return lines, levels


@nb.njit(cache=True)
def _best(score, active, n_active):
    line, level, value = -1, 0, -1e18
    for a in range(n_active):
        for q in range(score.shape[1]):
            if score[active[a], q] > value:
                line, level, value = active[a], q, score[active[a], q]
    return line, level, value
