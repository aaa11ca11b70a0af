"""The FilmLens engine: single spectral peaks vote, offsets are followed as lines, a likeliest path becomes cues.

The paper's engine needs both peaks of a pair to come through the dialogue; a soundtrack is small enough to let each
peak speak for itself (`votes`), to judge every second of an offset that persists (`lines`) and to choose between music
and none over the whole film (`path`), one track at a time. Waveforms tell the rest (`recording`): whether a cue is the
very recording, how far it goes, and what sounds under it.

A film may play faster or slower than its tracks, with its pitch changed (PAL transfer) or kept. Peaks are numbers, so a
hypothesis is a rescaling; some windows of the film choose between five.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from filmlens.stamper import altered, harmony, intervals, landmarks, lines, path, recording, rivals, semitones, votes
from filmlens.stamper.cues import ALTERED, COLUMNS, OTHER, SAME, CueSheet, joined
from filmlens.stamper.index import TrackIndex
from filmlens.stamper.landmarks import FRAMES_S, fingerprint
from filmlens.stamper.lines import STEP_S
from filmlens.stamper.streams import Source
from filmlens.stamper.votes import HOP_S, TICKS, WINDOW_S, Field

__all__ = ["SPEEDS", "fingerprint", "likely_speeds", "stamp"]

#: A cue of so much probability is believed.
LIKELY = 0.5
# Another rendition lacks more than this share of its track's notes, or half of it where landmarks saw nothing; cues
# shorter than so many seconds tell too little.
_RENDITION, _RENDITION_S = 0.1, 5.0
PAL = 25 / 24
#: Hypotheses: seconds of track per second of film, and how much higher the film's pitch is.
SPEEDS = ((1.0, 1.0), (PAL, PAL), (PAL, 1.0), (1 / PAL, 1 / PAL), (1 / PAL, 1.0))
_ONE_IN, _ONE_IN_LARGE = 6, 12  # windows that choose the speed; in a large library fewer, which cost as much
_LARGE_S = 6 * 3600.0
# Chance finds more among more music: for each doubling of what a long album holds, a cue needs two nats more.
_ALBUM_S, _PER_DOUBLING = 1.5 * 3600, 2.0
_NOISE_Z = 7.5  # the best of chance votes reaches about that
# Another speed than 1 must win clearly: a film without any of the tracks plays at speed 1. Music with a rigid beat has
# votes at other speeds too, so that up to the second bound both are followed to their cues.
_CLEARLY, _AT_LEAST = 1.2, 10.0
_BEYOND_DOUBT = 5.0
_NEARER = 1.1  # times the votes of a film's speed that an alteration needs to explain them better
_RATHER = 1.05  # times the evidence, of cues, that a film needs to play as none is known to
_BARRED = -9.0  # nats of a step that has a cue already
_SAME_OFFSET_S = 0.3
_CENTRE_S = landmarks.FFT / 2 / landmarks.RATE  # a frame's peaks are heard at its centre
# A cue whose offset moves by less than this over its length plays at the film's speed.
_STEADY_S = 0.04
# Seconds, and share of the seconds found, of decoys that are worth a warning.
_DECOY_S, _DECOY_SHARE = 5.0, 0.03
# The same of stretches that were left out; the share is of the film.
_ALIKE_S, _ALIKE_SHARE = 30.0, 1 / 6


def stamp(
    film: Source,
    index: TrackIndex,
    *,
    strictness: float = 0.4,
    start_cost: float = path.START,
    least_probability: float = LIKELY,
    speeds: Sequence[tuple[float, float]] = SPEEDS,
) -> CueSheet:
    """Cues of a film by spectral peaks; see `filmlens.stamper.stamp`.

    `strictness` weighs precision against recall, 1 strict and 0.3 loose: how much a track's own repeats count as
    chance. `start_cost` is the evidence in nats that a cue must bring; more where the tracks last longer than an album.
    A cue is left out when it is less likely than `least_probability` to be its track, and not only music like it.
    `speeds`, (speed, pitch), are hypotheses about the whole film; one alone is taken as given.
    """
    time, freq, height, duration, levels, wave = heard = landmarks.landmarks(film)
    problems = list(index.problems)
    if duration < WINDOW_S:
        problems.append(f"the film's sound lasts {duration:.2f} s, less than a window of {WINDOW_S:g} s: not stamped")
        return CueSheet(_table([]), duration=duration, engine="filmlens", windows=_windows([]), problems=problems)
    field = votes.lay_out(index)
    trust = landmarks.trust(height)
    start_cost += _PER_DOUBLING * np.log2(max(1.0, index.seconds.sum() / _ALBUM_S))
    tried = [
        (*hypothesis, *_followed(time, freq, trust, duration, field, hypothesis, strictness, start_cost))
        for hypothesis in likely_speeds(time, freq, trust, duration, field, speeds)
    ]
    speed, pitch, *followed = max(tried, key=lambda t: _weight(t, speeds))
    starts, place, z, *_ = followed
    judged = levels, duration, field, index
    every, decoy_seconds = _cues(followed, (speed, pitch), *judged, 1.0)
    recording.drifting(every, speed, (speed, pitch) in speeds)
    rows, unlikely = _parted(every)
    if len(speeds) > 1:  # a film whose speed is given has no other
        plays = [(speed, pitch), *(h for h in speeds[:1] if h != (speed, pitch))]
        rows = _altered(rows, plays, speeds, (time, freq, trust, duration), judged, strictness, start_cost)
    recording.named(rows, speed, wave, index)
    if speed == pitch:
        rows += recording.further(rows, (starts / FRAMES_S / speed, place, z), speed, field, heard, index)
    recording.lengthened(rows, heard, index)
    more, unlikely_more = _parted(_by_harmony(rows, (speed, pitch), levels, duration, index, start_cost))
    rows += more
    unlikely += unlikely_more
    # what is unlikely is listed where it is asked for, and never in the place of what is likely
    for row in sorted(unlikely, key=lambda row: -row["probability"]):
        rows += [row] if not any(row["start"] < r["end"] and r["start"] < row["end"] for r in rows) else []
    alike_seconds = sum(r["end"] - r["start"] for r in unlikely if r in every and r["probability"] < least_probability)
    rows = [row for row in rows if row["probability"] >= least_probability]
    recording.named([row for row in rows if "in_step" not in row], speed, wave, index)
    sheet = _table(rows)
    seconds = float((sheet["end"] - sheet["start"]).sum())
    if alike_seconds > max(_ALIKE_S, _ALIKE_SHARE * duration):
        problems.append(
            f"music like the tracks, but probably none of them, sounds for {alike_seconds:.0f} s and was left out: "
            "add its album if there is one, or set least_probability=0 to see where"
        )
    if decoy_seconds > max(_DECOY_S, _DECOY_SHARE * seconds):
        problems.append(
            f"decoys (tracks played backwards) matched for {decoy_seconds:.0f} s: some cues may be wrong too"
        )
    windows = _predictions(starts / FRAMES_S / speed, place, z, field, index, sheet)
    cues, segments = joined(sheet)
    return CueSheet(
        cues, segments=segments, duration=duration, engine="filmlens", windows=windows, speed=speed,
        decoy_seconds=decoy_seconds, problems=problems,
    )  # fmt: skip


def likely_speeds(
    time: np.ndarray,
    freq: np.ndarray,
    trust: np.ndarray,
    duration: float,
    field: Field,
    speeds: Sequence[tuple[float, float]] = SPEEDS,
) -> list[tuple[float, float]]:
    """The hypothesis under which one window in six (in a large library, in twelve) finds most votes.

    Returns
    -------
    list of (speed, pitch)
        One of `speeds`, the first unless another wins clearly; both where that may still be chance, or where an
        alteration of the first explains the film better than any of them.
    """
    one_in = _ONE_IN if field.edges[-1] < _LARGE_S * FRAMES_S else _ONE_IN_LARGE

    def score(speed: float, pitch: float) -> float:
        ticks, cells = _rescaled(time, freq, speed, pitch)
        _, z, _ = votes.candidates(ticks, cells, trust, _starts(duration, speed)[one_in // 2 :: one_in], field)
        return float(np.maximum(0, z[:, 0] - _NOISE_Z).sum())

    scores = [score(*hypothesis) for hypothesis in speeds] if len(speeds) > 1 else [0.0]
    best = int(np.argmax(scores))
    if not best or scores[best] <= _CLEARLY * scores[0] + _AT_LEAST:
        return [speeds[0]]
    others = altered.from_speed(speeds[0])
    theirs = [score(*hypothesis) for hypothesis in others]
    if max(theirs) > _NEARER * scores[best]:
        return [speeds[0], others[int(np.argmax(theirs))]]
    sure = scores[best] > _BEYOND_DOUBT * (_CLEARLY * scores[0] + _AT_LEAST)
    return [speeds[best]] if sure else [speeds[0], speeds[best]]


def _cues(
    followed: tuple, hypothesis: tuple[float, float], levels: np.ndarray, duration: float, field: Field,
    index: TrackIndex, odds: float,
) -> tuple[list[dict], float]:  # fmt: skip
    """Cues of the likeliest stretches with their probability; seconds of those that are decoys."""
    starts, place, z, found, stretches = followed
    rows, decoy_seconds, speed = [], 0.0, hypothesis[0]
    placed, lacks = rivals.settled(stretches, found, field, index, levels, hypothesis)
    likely = rivals.probabilities(stretches, found, starts, place, z, field, index, lacks)
    likely = likely * odds / (1 - likely + likely * odds)
    for (line, begin, end, score), probability, lacking in zip(placed, likely, lacks, strict=True):
        reference = found.reference[line]
        if field.decoy[reference]:
            decoy_seconds += (end - begin) * STEP_S / speed
        else:
            rows.append(_cue(found, line, begin, end, duration, speed, field.start[reference]))
            rows[-1] |= {"track": index.names[field.owner[reference]], "score": score, "probability": probability}
            other = lacking > _RENDITION and rows[-1]["end"] - rows[-1]["start"] >= _RENDITION_S
            rows[-1] |= {"match": OTHER if other else SAME, "stretched": hypothesis[0] != hypothesis[1]}
            rows[-1] |= {"lacking": lacking}
    return rows, decoy_seconds


def _parted(rows: list[dict]) -> tuple[list[dict], list[dict]]:
    """Rows that are likely, and those that are not."""
    likely = [row for row in rows if row["probability"] >= LIKELY]
    return likely, [row for row in rows if row not in likely]


def _weight(tried: tuple, speeds: Sequence[tuple[float, float]]) -> float:
    """Evidence of all stretches; a film that plays as none is known to must win clearly."""
    speed, pitch, *_, stretches = tried
    return sum(score for *_, score in stretches) / (1.0 if (speed, pitch) in speeds else _RATHER)


def _altered(
    rows: list[dict], plays: list[tuple[float, float]], speeds: Sequence[tuple[float, float]], heard: tuple,
    judged: tuple, strictness: float, start_cost: float,
) -> list[dict]:  # fmt: skip
    """The cues, and those of recordings at another pitch or tempo than the film plays at, where there was none."""
    time, freq, trust, duration = heard
    _, _, field, index = judged
    found = list(rows)

    def taken(seconds: np.ndarray) -> np.ndarray:
        inside = [(seconds >= row["start"]) & (seconds < row["end"]) for row in found]
        return np.any(inside, axis=0) if inside else np.zeros(len(seconds), bool)

    starts = _starts(duration, 1.0)[altered.ONE_IN // 2 :: altered.ONE_IN]
    starts = starts[~taken(starts / FRAMES_S + WINDOW_S / 2)]
    if not len(starts):
        return rows
    others = [*plays[1:], *(h for base in plays if base in speeds for h in altered.from_speed(base))]
    hypotheses = [plays[0], *others]
    tracks, best, clear = votes.lay_out(index, decoys=False), [], trust >= altered.LEAST_TRUST
    for speed, pitch in hypotheses:
        ticks, cells = _rescaled(time[clear], freq[clear], speed, pitch)
        there = np.rint(starts * speed).astype(np.int64)
        best.append(votes.candidates(ticks, cells, trust[clear], there, tracks, kept=1)[1][:, 0])
    middles, start_cost = starts / FRAMES_S + WINDOW_S / 2, start_cost + np.log(len(hypotheses))
    for alteration, everywhere, wanted in altered.worth_following(middles, np.stack(best), taken):
        hypothesis = hypotheses[1 + alteration]
        # what drifts at this very speed was found in pieces
        loose = [row for row in found if everywhere and altered.is_piece(row["speed"], plays[0][0], hypothesis[0])]
        found[:] = [row for row in found if row not in loose]
        followed = _followed(*heard, field, hypothesis, strictness, start_cost, wanted)
        more, _ = _parted(_cues(followed, hypothesis, *judged, altered.ODDS)[0])
        match = {} if hypothesis in speeds else {"match": ALTERED}
        enough = [row for row in more if altered.is_enough(row["score"], row["end"] - row["start"])]
        kept = [row for row in loose if not any(n["start"] < row["end"] and row["start"] < n["end"] for n in enough)]
        found += [*kept, *(row | match for row in enough)]
    return found


def _by_harmony(
    rows: list[dict], plays: tuple[float, float], levels: np.ndarray, duration: float, index: TrackIndex,
    start_cost: float,
) -> list[dict]:  # fmt: skip
    """Cues of other renditions, where there was none."""
    film, per_s = harmony.profile(levels, *plays), plays[0] / harmony.ROW_S
    edges = [0.0, *intervals.union([(row["start"], row["end"]) for row in rows]).ravel()]
    pauses = [
        (int(np.ceil(begin * per_s)), min(int(end * per_s), len(film)))
        for begin, end in zip(edges[::2], [*edges[1::2], duration], strict=True)
        if end - begin >= harmony.LEAST_S
    ]
    found = harmony.renditions(
        film, pauses, index,
        start_cost=harmony.START + start_cost - path.START, prior=0.0 if rows else harmony.ALONE,
    )  # fmt: skip
    return [_rendition(stretch, plays, levels, duration, index) | {"probability": p} for stretch, p in found]


def _rendition(
    stretch: harmony.Rendition, plays: tuple[float, float], levels: np.ndarray, duration: float, index: TrackIndex
) -> dict:
    """A stretch that was found by harmony, as a cue."""
    speed, pitch = plays
    start, end = (row * harmony.ROW_S / speed for row in (stretch.begin, stretch.end))
    rows = np.arange(int(start / semitones.ROW_S), min(int(end / semitones.ROW_S), len(levels)))
    at = np.interp((rows + 0.5) * semitones.ROW_S, *stretch.places(speed)) / semitones.ROW_S - 0.5
    lacking = semitones.lacking(levels, index.level(stretch.track), at, rows[0], pitch * 2 ** (stretch.key / 12))
    drift = stretch.place[-1] - stretch.place[0] + 1 - len(stretch.place)
    return {
        "track": index.names[stretch.track],
        "start": start,
        "end": min(end, duration),
        "track_start": stretch.place[0] * harmony.ROW_S,
        "speed": speed * (1 + drift / len(stretch.place)) if abs(drift) > 1 else speed,
        "score": stretch.score,
        "match": OTHER if stretch.key or lacking > _RENDITION / 2 else SAME,
        "stretched": speed != pitch or bool(stretch.key),
        "lacking": lacking,
    }


def _followed(time, freq, trust, duration, field, hypothesis, strictness, start_cost, wanted=None) -> tuple:
    """Windows, candidates, lines and the likeliest stretches of music under one hypothesis, where it is wanted."""
    ticks, cells = _rescaled(time, freq, *hypothesis)
    starts = _starts(duration, hypothesis[0])
    steps = int(duration * hypothesis[0] / STEP_S) + 1
    if wanted:
        starts = starts[wanted((starts / FRAMES_S + WINDOW_S / 2) / hypothesis[0])]
        barred = ~wanted((np.arange(steps) + 0.5) * (STEP_S / hypothesis[0]))
    place, z, peaks = votes.candidates(ticks, cells, trust, starts, field)
    found = lines.link(starts, place, z, peaks, field, steps=steps)
    nats, ptr = lines.evidence(found, ticks, cells, trust, field, strictness=strictness)
    if wanted:
        for line, (first, last) in enumerate(zip(found.first, found.last, strict=True)):
            nats[ptr[line] : ptr[line + 1]][barred[first:last]] = _BARRED
    stretches = path.best_path(nats, ptr, found.first, found.last, steps=steps, start_cost=start_cost)
    stretches = path.centred(stretches, nats, ptr, found.first, found.last, field.owner[found.reference])
    return starts, place, z, found, stretches


def _rescaled(time: np.ndarray, freq: np.ndarray, speed: float, pitch: float) -> tuple[np.ndarray, np.ndarray]:
    """Film peaks as they would lie in the tracks: quarter frames and half-bin cells."""
    return np.rint(time.astype(np.float64) * (speed * TICKS)).astype(np.int64), votes.cells_of(freq, pitch)


def _starts(duration: float, speed: float) -> np.ndarray:
    """First frame of each window, in the tracks' time."""
    count = int((duration * speed - WINDOW_S) / HOP_S) + 1
    return np.rint(np.arange(count) * (HOP_S * FRAMES_S)).astype(np.int64)


def _cue(
    found: lines.Lines, line: int, begin: int, end: int, duration: float, speed: float, reference_start: int
) -> dict[str, float]:
    """Place of a stretch of a line in the film and in its track."""
    per_second = TICKS * FRAMES_S
    first, last = (found.offset(line, k * lines.STEP_TICKS) / per_second for k in (begin, end))
    start, stop = (k * STEP_S / speed + _CENTRE_S * (0 < k) for k in (begin, end))
    drift = last - first
    length = (end - begin) * STEP_S
    return {
        "start": start,
        "end": min(stop, duration),
        "track_start": max(0.0, start * speed + first - reference_start / FRAMES_S),
        "speed": speed * (1 + drift / length) if abs(drift) > _STEADY_S else speed,
    }


def _table(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=[*COLUMNS, "probability", "match"])


def _windows(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["time", "track", "offset", "z", "counted"])


def _predictions(
    times: np.ndarray, place: np.ndarray, z: np.ndarray, field: Field, index: TrackIndex, cues: pd.DataFrame
) -> pd.DataFrame:
    """Best candidate of every window, and whether the cue at its middle says the same."""
    rows = []
    for time, where, value in zip(times, place[:, 0], z[:, 0], strict=True):
        reference = int(field.reference_of(where))
        real = value > _NOISE_Z and not field.decoy[reference]
        track = index.names[field.owner[reference]] if real else None
        offset = (where - field.start[reference]) / FRAMES_S if real else np.nan
        rows.append({"time": float(time), "track": track, "offset": offset, "z": float(value), "counted": False})
    table = _windows(rows).astype({"counted": bool})
    for cue in cues.itertuples(index=False):
        middle = table["time"] + WINDOW_S / 2
        expected = cue.track_start + (table["time"] - cue.start) * cue.speed
        same = (table["track"] == cue.track) & ((table["offset"] - expected).abs() < _SAME_OFFSET_S)
        table.loc[same & (middle >= cue.start) & (middle < cue.end), "counted"] = True
    return table
