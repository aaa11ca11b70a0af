"""Cues of the very recording, by their waveforms: what a cue is of its track, how far it goes, and what is fainter.

`rows` are cues as `matching` builds them, dicts with the columns of a sheet, and whether they are `stretched`: another
tempo at the same pitch, or another key, leaves no waveform to compare. `named` adds `in_step` to them.
"""

import numpy as np

from filmlens.stamper import semitones, waveforms
from filmlens.stamper.cues import ALTERED, OTHER, SAME
from filmlens.stamper.index import TrackIndex
from filmlens.stamper.landmarks import FRAMES_S, Landmarks
from filmlens.stamper.votes import WINDOW_S, Field

# A cue has another tempo than its film by so much, or by less where most of the film's cues do, and by so many seconds
# over its length.
_DRIFT, _ALL_DRIFT, _DRIFT_S = 0.0095, 0.006, 0.15
_IN_STEP = 0.65  # share of a recording's windows that keep step, at least
# The more is missing in the film's waveform, the fewer of a rendition's notes need seem softer: shares from which less
# will do, and what then is a rendition's; the last only where not all windows keep step, as in a room.
_MISSING, _SOFTER, _ALL = (0.006, 0.08, 0.12), (0.2, 0.1, 0.08, 0.03), 0.96
# Pieces of a track at another tempo follow at most so late, so near where the last would go on, and lie on a line [s].
_PAUSE_S, _ONWARD_S, _STRAIGHT_S = 1.0, 0.2, 0.1
_TEMPO = 0.012  # which differs so much at least: a player's own varies by less
# Votes [sd] that are worth a look at the waveform; what is lacking, at most, of what is in step: samples of one
# instrument on one grid are in step as well. Of 19 such stretches in the films of seeds 1 and 2, 18 are right.
_FAINT_Z, _LACKING = 4.5, 0.08
_FAINT = 0.95  # probability of those
_SURE = 0.95  # probability of a cue that others follow from
_HEARD, _SHARED = 0.7, 0.2  # share of windows: of the film, and of two tracks that are no longer two
_LARGE_S = 6 * 3600.0
_TOGETHER_S = 10.0  # D: two tracks that sound together for less are a change from one to the other


def drifting(rows: list[dict], speed: float, is_known: bool) -> None:
    """Say that cues are altered: of another tempo than their film, or in a film of a speed that is not known."""
    off = np.array([abs(row["speed"] / speed - 1) for row in rows])
    least = _DRIFT if not len(off) or np.median(off) < _ALL_DRIFT else _ALL_DRIFT
    for row, much in zip(rows, off, strict=True):
        if not is_known or (much >= least and much * (row["end"] - row["start"]) >= _DRIFT_S):
            row["match"] = ALTERED


def named(rows: list[dict], speed: float, wave: np.ndarray, index: TrackIndex) -> None:
    """Say of cues what they are of their track: in step, at a tempo of their own, or another rendition."""
    others = []
    for row in sorted(rows, key=lambda row: row["start"]):
        share, inverted, missing = np.nan, False, np.nan
        if row["match"] != ALTERED and not row["stretched"]:
            there = index.waveform(index.names.index(row["track"]))
            share, inverted, missing = waveforms.in_step(wave, there, *_place(row))
        row["in_step"] = share >= _IN_STEP
        if share < _IN_STEP:
            row["match"] = OTHER
        elif row["in_step"]:
            softer = _SOFTER[np.searchsorted(_MISSING if share < _ALL else _MISSING[:-1], missing)]
            row["match"] = OTHER if row["lacking"] > softer and not inverted else SAME
        if not row["in_step"]:
            others.append(row)
    for pieces in _successive(others):
        if _at_a_tempo(pieces, speed):
            for row in pieces:
                row["match"] = ALTERED


def _place(row: dict) -> tuple[float, float, float, float]:
    return row["start"], row["end"], row["track_start"], row["speed"]


def _successive(rows: list[dict]) -> list[list[dict]]:
    """Rows, by time, that go on with one another where the track would, give or take a tempo; of two and more."""
    runs: list[list[dict]] = []
    for row in rows:
        last = runs[-1][-1] if runs else row
        expected = last["track_start"] + (row["start"] - last["start"]) * last["speed"]
        near = abs(row["track_start"] - expected) < _ONWARD_S and row["start"] - last["end"] < _PAUSE_S
        if runs and row["track"] == last["track"] and near:
            runs[-1].append(row)
        else:
            runs.append([row])
    return [run for run in runs if len(run) > 1]


def _at_a_tempo(pieces: list[dict], speed: float) -> bool:
    """Whether pieces lie on one line that is steeper or flatter than the film's."""
    places = [(row["start"], row["track_start"]) for row in pieces]
    places += [(row["end"], row["track_start"] + (row["end"] - row["start"]) * row["speed"]) for row in pieces]
    time, place = np.array(places).T
    slope, at_zero = np.polyfit(time, place, 1)
    off = abs(slope / speed - 1)
    straight = np.abs(slope * time + at_zero - place).max() < _STRAIGHT_S
    return bool(straight and off >= _TEMPO and off * np.ptp(time) >= _DRIFT_S)


def lengthened(rows: list[dict], heard: Landmarks, index: TrackIndex) -> None:
    """Let cues that are surely the very recording go on where its waveform does, as far as there is no other cue."""
    for row in rows:
        if row["in_step"] and row["match"] == SAME and row["probability"] >= _SURE:
            there = heard.wave, index.waveform(index.names.index(row["track"])), *_place(row)
            start, end = _extent(there, _free(rows, row["start"], row["end"], heard.seconds))
            place = row["track_start"] + (start - row["start"]) * row["speed"]
            longer = {"start": start, "end": end, "track_start": place}
            if _lacking(row | longer, heard.levels, index) < _LACKING:
                row |= longer


def _free(rows: list[dict], start: float, end: float, duration: float) -> tuple[float, float]:
    """Seconds around a stretch from which and to which there is no other cue."""
    return (
        max((row["end"] for row in rows if row["end"] <= start), default=0.0),
        min((row["start"] for row in rows if row["start"] >= end), default=duration),
    )


def _extent(there: tuple, around: tuple[float, float]) -> tuple[float, float]:
    """As far as a waveform is in step; `there` is a film, a track and a place as `waveforms.reach` takes them."""
    film, track, start, end, track_start, speed = there
    while True:
        first, last = waveforms.reach(film, track, start, end, track_start, speed, *around)
        if (first, last) == (start, end):
            return start, end
        start, end, track_start = first, last, track_start + (first - start) * speed


def further(
    rows: list[dict], windows: tuple[np.ndarray, np.ndarray, np.ndarray], speed: float, field: Field, heard: Landmarks,
    index: TrackIndex,
) -> list[dict]:  # fmt: skip
    """Cues where peaks alone do not tell: of recordings that are clearly heard elsewhere, and under other cues.

    `windows` are the film's: seconds, places and votes of their candidates as `votes.candidates` gives them.
    """
    found: list[dict] = []
    seeds = _seeds(rows, windows, speed, field, heard.wave, index)
    sure = {row["track"] for row in rows if row["in_step"] and row["probability"] >= _SURE}
    for seed in seeds:
        cues = [*rows, *found]
        own, here = [cue for cue in cues if cue["track"] == seed["track"]], _touching(seed, cues)
        if _touching(seed, own) or _lacking(seed, heard.levels, index) > 2 * _LACKING:
            continue
        there = heard.wave, index.waveform(index.names.index(seed["track"])), *_place(seed)
        start, end = _extent(there, _free(own if here else cues, seed["start"], seed["end"], heard.seconds))
        cue = seed | {"start": start, "end": end, "track_start": seed["track_start"] + (start - seed["start"]) * speed}
        if here:
            alone = end - start >= _TOGETHER_S and not any(_is_the_same(cue, other, index) for other in here)
        else:  # samples of one instrument on one grid are in step on several tracks
            alone = cue["track"] in sure and all(other["track"] == cue["track"] for other in _touching(cue, seeds))
        if alone and _lacking(cue, heard.levels, index) < _LACKING:
            found.append(cue)
    return found


def _seeds(
    rows: list[dict], windows: tuple, speed: float, field: Field, wave: np.ndarray, index: TrackIndex
) -> list[dict]:
    """Windows in which a track is in step that no cue names there; without a cue, of those known from elsewhere.

    Of a large library only those are tried at all: the waveforms of the others are not read.
    """
    known, seeds = {row["track"] for row in rows if row["in_step"]}, []
    small = index.seconds.sum() < _LARGE_S
    for time, places, values in zip(*windows, strict=True):
        seed = {"start": time, "end": time + WINDOW_S / speed, "speed": speed, "match": SAME, "in_step": True}
        here = {row["track"] for row in _touching(seed, rows)}
        for place, z in zip(places, values, strict=True):
            reference = int(field.reference_of(place))
            i, track_start = int(field.owner[reference]), (place - field.start[reference]) / FRAMES_S
            wanted = index.names[i] not in here and ((here and small) or index.names[i] in known)
            if not wanted or z < _FAINT_Z or field.decoy[reference] or track_start < 0:
                continue
            seed |= {"track": index.names[i], "track_start": track_start, "score": z**2 / 2, "probability": _FAINT}
            if waveforms.heard(wave, index.waveform(i), *_place(seed)) >= _HEARD:
                seeds.append(dict(seed))
    return seeds


def _touching(cue: dict, others: list[dict]) -> list[dict]:
    """The others that sound while a cue does."""
    return [other for other in others if other["start"] < cue["end"] and cue["start"] < other["end"]]


def _is_the_same(cue: dict, other: dict, index: TrackIndex) -> bool:
    """Whether two cues that sound together may be one recording on two tracks, or loops of one."""
    start, end = max(cue["start"], other["start"]), min(cue["end"], other["end"])
    one, two = (c["track_start"] + (start - c["start"]) * c["speed"] for c in (cue, other))
    waves = (index.waveform(index.names.index(c["track"])) for c in (cue, other))
    place = one, one + (end - start) * cue["speed"], two, other["speed"] / cue["speed"]
    return waveforms.heard(*waves, *place) > _SHARED


def _lacking(cue: dict, film: np.ndarray, index: TrackIndex) -> float:
    """What the film lacks of a cue's track, see `semitones.lacking`."""
    begin, end = (min(int(cue[edge] / semitones.ROW_S), len(film)) for edge in ("start", "end"))
    time = np.arange(begin, end) * semitones.ROW_S
    at = (cue["track_start"] + (time - cue["start"]) * cue["speed"]) / semitones.ROW_S
    return semitones.lacking(film, index.level(index.names.index(cue["track"])), at, begin, cue["speed"])
