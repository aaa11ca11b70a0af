"""Cues of the very recording, by their waveforms: what a cue is of its track, how far it goes, and what is fainter.

`rows` are cues as `matching` builds them, dicts with the columns of a sheet and `stretched`: whether the film plays
there with the pitch kept, at another tempo or in another key, which leaves no waveform to compare. `named` adds
`in_step` to them.
"""

from __future__ import annotations

import numpy as np

from filmlens.stamper import semitones, waveforms
from filmlens.stamper.cues import ALTERED, OTHER, SAME
from filmlens.stamper.index import TrackIndex
from filmlens.stamper.landmarks import FRAMES_S, Landmarks
from filmlens.stamper.votes import WINDOW_S, Field

#: A cue has another tempo than its film by so much, or more, and so many seconds over its length.
DRIFT, DRIFT_S = 0.006, 0.15
_IN_STEP = 0.65  # share of a recording's windows that keep step, at least
# Pieces of a track at another tempo follow at most so late, so near where the last would go on, and lie on a line [s].
_PAUSE_S, _ONWARD_S, _STRAIGHT_S = 1.0, 0.2, 0.1
_TEMPO = 0.012  # which differs so much at least: a player's own varies by less
# Votes [sd] that are worth a look at the waveform; what is lacking, at most, of what is in step: samples of one
# instrument on one grid are in step as well. Of 19 such stretches in the films of seeds 1 and 2, 18 are right.
_FAINT_Z, _LACKING = 4.5, 0.08
_FAINT = 0.95  # probability of those


def named(rows: list[dict], speed: float, wave: np.ndarray, index: TrackIndex) -> None:
    """Say of cues what they are of their track: in step, at a tempo of their own, or another rendition."""
    others = []
    for row in sorted(rows, key=lambda row: row["start"]):
        share, inverted = np.nan, False
        if row["match"] != ALTERED and not row["stretched"]:
            share, inverted = waveforms.in_step(wave, index.waveform(index.names.index(row["track"])), *_place(row))
        row["in_step"] = share >= _IN_STEP
        if inverted and row["in_step"]:  # the loudness of its middle said nothing
            row["match"] = SAME
        elif share < _IN_STEP:
            row["match"] = OTHER
        if not row["in_step"]:
            others.append(row)
    for pieces in _onward(others):
        if _at_a_tempo(pieces, speed):
            for row in pieces:
                row["match"] = ALTERED


def _place(row: dict) -> tuple[float, float, float, float]:
    return row["start"], row["end"], row["track_start"], row["speed"]


def _onward(rows: list[dict]) -> list[list[dict]]:
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
    return bool(straight and off >= _TEMPO and off * np.ptp(time) >= DRIFT_S)


def lengthened(rows: list[dict], duration: float, wave: np.ndarray, index: TrackIndex) -> None:
    """Let cues that are in step begin and end where their waveforms do, as far as there is no other cue."""
    for row in rows:
        if row["in_step"]:
            around = _free(rows, row["start"], row["end"], duration)
            start, end = waveforms.reach(wave, index.waveform(index.names.index(row["track"])), *_place(row), *around)
            row["track_start"] += (start - row["start"]) * row["speed"]
            row["start"], row["end"] = start, end


def _free(rows: list[dict], start: float, end: float, duration: float) -> tuple[float, float]:
    """Seconds around a stretch from which and to which there is no other cue."""
    return (
        max((row["end"] for row in rows if row["end"] <= start), default=0.0),
        min((row["start"] for row in rows if row["start"] >= end), default=duration),
    )


def fainter(
    rows: list[dict], windows: tuple[np.ndarray, np.ndarray, np.ndarray], speed: float, field: Field, heard: Landmarks,
    index: TrackIndex,
) -> list[dict]:  # fmt: skip
    """Cues of recordings that are clearly heard elsewhere in the film, where their peaks alone do not tell.

    `windows` are the film's: seconds, places and votes of their candidates as `votes.candidates` gives them.
    """
    known, found = {row["track"] for row in rows if row["in_step"]}, []
    for time, places, values in zip(*windows, strict=True):
        end = time + WINDOW_S / speed
        if any(row["start"] < end and time < row["end"] for row in (*rows, *found)):
            continue
        for place, z in zip(places, values, strict=True):
            reference = int(field.reference_of(place))
            i, track_start = int(field.owner[reference]), (place - field.start[reference]) / FRAMES_S
            if z < _FAINT_Z or field.decoy[reference] or index.names[i] not in known or track_start < 0:
                continue
            there = heard.wave, index.waveform(i), time, end, track_start, speed
            if not waveforms.sounds(*there):
                continue
            first, last = waveforms.reach(*there, *_free([*rows, *found], time, end, heard.seconds))
            row = {"track": index.names[i], "start": first, "end": last, "speed": speed, "score": float(z**2 / 2)}
            row |= {"track_start": track_start + (first - time) * speed, "probability": _FAINT, "match": SAME}
            if _lacking(row, speed, heard.levels, index.level(i)) < _LACKING:
                found.append(row | {"in_step": True})
                break
    return found


def _lacking(row: dict, pitch: float, film: np.ndarray, track: np.ndarray) -> float:
    """What the film lacks of a cue's track, see `semitones.lacking`."""
    begin, end = (min(int(row[edge] / semitones.ROW_S), len(film)) for edge in ("start", "end"))
    time = np.arange(begin, end) * semitones.ROW_S
    at = (row["track_start"] + (time - row["start"]) * row["speed"]) / semitones.ROW_S
    return semitones.lacking(film, track, at, begin, pitch)
