"""The cue sheet of one film: which track plays from when to when, as a table that shows itself (paper: Fig 1).

Times are float seconds on the film's clock. `track_start` is the place in the track that is heard at `start`;
`speed` is how many seconds of track pass in a second of film (25/24 in a PAL transfer). Where a film cuts inside a
track, loops a bar or jumps, the cue has several segments, each at a place and speed of its own.
"""

import base64
from pathlib import Path

import numpy as np
import pandas as pd

from filmlens import text
from filmlens.look import clock, html_table, track_colors
from filmlens.stamper import intervals

#: Columns every cue sheet has, in order; an engine may add its own after them.
COLUMNS = ("track", "start", "end", "track_start", "speed", "score")
#: What a cue is of its track: the FilmLens engine's column `match`.
SAME, ALTERED, OTHER = "same recording", "altered", "other rendition"
#: Columns of segments: the row of their cue, their number in it, and where they play.
SEGMENT_COLUMNS = ("cue", "segment", "start", "end", "track_start", "speed")
_PLACE = list(SEGMENT_COLUMNS[2:])
# D: a longer pause between two pieces of a track is heard as an end and a new entry, and makes two cues of them.
_PAUSE_S = 1.0
_DEFAULTS = {"track_start": np.nan, "speed": 1.0, "score": np.nan}


class CueSheet:
    """Cues of one film, ordered by start; the rows do not change.

    A cue without a track, or that does not end after it starts, is a `ValueError` that names the row.

    Parameters
    ----------
    table : DataFrame
        At least `track`, `start` and `end` [s]; `track_start`, `speed` and `score` are filled in when missing.
    segments : DataFrame, optional
        `SEGMENT_COLUMNS`, cue being the row in `table`, in order of time; one for each cue by default.
    duration : float, optional
        Seconds of the film; the end of the last cue when unknown.
    engine : str
        What made the sheet; empty for a hand-made one.
    windows : DataFrame, optional
        What each window of the film predicted (Fig 1): `time`, `track`, `offset`, `counted` and the engine's own.
    speed : float
        Seconds of track per second of film that the film as a whole plays at.
    decoy_seconds : float
        Seconds matched by tracks played backwards: a warning when it is not near zero.
    problems : sequence of str
        What was skipped or looks wrong, each naming its file.

    Examples
    --------
    >>> sheet = CueSheet(pd.DataFrame({"track": ["Theme"], "start": [10.0], "end": [25.0]}), duration=60)
    >>> sheet
    CueSheet: 1 cue of 1 track, 15.0 s of 60.0 s
    >>> sheet.length, len(sheet.between(20, 30))
    (15.0, 1)
    """

    def __init__(
        self, table, *, segments=None, duration=None, engine="", windows=None, speed=1.0, decoy_seconds=0.0, problems=()
    ) -> None:
        table = _checked(table)
        self._table = table.reset_index(drop=True)
        self._segments = whole(self._table) if segments is None else _of_rows(segments, table.index)
        end = float(self._table["end"].max()) if len(self._table) else 0.0
        self._duration = max(end, float(duration or 0.0))
        self._engine, self._speed, self._decoy_seconds = str(engine), float(speed), float(decoy_seconds)
        self._windows = None if windows is None else windows.reset_index(drop=True)
        self._problems = tuple(problems)

    @property
    def table(self) -> pd.DataFrame:
        """The cues, a copy: `track`, `start`, `end`, `track_start`, `speed`, `score` and the engine's own columns."""
        return self._table.copy()

    @property
    def segments(self) -> pd.DataFrame:
        """Where each piece of each cue lies in its track, a copy: `SEGMENT_COLUMNS`, at least one for each cue."""
        return self._segments.copy()

    @property
    def windows(self) -> pd.DataFrame | None:
        """What each window of the film predicted, a copy; None for a hand-made sheet."""
        return None if self._windows is None else self._windows.copy()

    duration = property(lambda self: self._duration, doc="Seconds of the film.")
    engine = property(lambda self: self._engine, doc="What made the sheet.")
    speed = property(lambda self: self._speed, doc="Seconds of track per second of film.")
    decoy_seconds = property(lambda self: self._decoy_seconds, doc="Seconds matched by tracks played backwards.")
    problems = property(lambda self: self._problems, doc="What was skipped or looks wrong.")

    @property
    def length(self) -> float:
        """Seconds of the film with a cue, each counted once."""
        return intervals.length(self.intervals())

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        n, tracks = len(self), self._table["track"].nunique()
        words = f"{n} cue{'s' * (n != 1)} of {tracks} track{'s' * (tracks != 1)}"
        return f"CueSheet: {words}, {self.length:.1f} s of {self.duration:.1f} s"

    def intervals(self, track: str | None = None) -> np.ndarray:
        """Seconds of the film with a cue (of one track) as a set of intervals, shape (n, 2)."""
        rows = self._table if track is None else self._table[self._table["track"] == track]
        return intervals.union(rows[["start", "end"]].to_numpy())

    def between(self, start: float, end: float) -> "CueSheet":
        """The part of the sheet from `start` to `end` [s], cues and their segments cut at its edges."""
        parts = self._segments.copy()
        first = parts["start"].clip(lower=start)
        parts["track_start"] += (first - parts["start"]) * parts["speed"]
        parts["start"], parts["end"] = first, parts["end"].clip(upper=end)
        parts = parts[parts["end"] > parts["start"]]
        cues = parts.groupby("cue")
        rows = self._table.loc[list(cues.groups)]
        rows[_PLACE] = cues.first()[_PLACE].assign(end=cues["end"].last())
        about = {
            name: getattr(self, name)
            for name in ("duration", "engine", "windows", "speed", "decoy_seconds", "problems")
        }
        return CueSheet(rows.reset_index(drop=True), segments=_of_rows(parts, rows.index), **about)

    def cues(self, film_id: str) -> pd.DataFrame:
        """The sheet as rows of the corpus' cue table, with `film_id` and `cue` = 0, 1, ... by start."""
        table = self.table
        table.insert(0, "film_id", film_id)
        table.insert(1, "cue", np.arange(len(table)))
        return table

    def to_csv(self, path: str | Path) -> None:
        """Write the cues as CSV, times to a tenth of a millisecond."""
        text.defused(self._table).to_csv(path, index=False, float_format="%.4f", lineterminator="\n")

    def timeline_svg(self) -> str:
        """The cues as a picture: one row per track, time from left to right."""
        width, left, row, tracks = 900, 190, 16, list(dict.fromkeys(self._table["track"]))
        height = row * max(1, len(tracks)) + 26
        scale = (width - left - 12) / max(self.duration, 1e-9)
        parts = [f'<rect width="{width}" height="{height}" fill="white"/>']
        for i, track in enumerate(tracks):
            label = text.html(text.figure(track))
            parts.append(f'<text x="{left - 6}" y="{row * i + 13}" text-anchor="end">{label}</text>')
        step = next((s for s in (1, 5, 10, 30, 60, 300, 600, 1800) if self.duration / s <= 10), 3600)
        for tick in np.arange(0, self.duration + 1e-9, step):
            x = left + tick * scale
            parts.append(f'<path d="M{x:.1f} 0V{height - 20}" stroke="#E3E3E3"/>')
            parts.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="middle">{clock(tick)}</text>')
        colors = track_colors(tracks)
        for cue in self._table.itertuples(index=False):
            i = tracks.index(cue.track)
            x, w = left + cue.start * scale, max(1.0, (cue.end - cue.start) * scale)
            color = colors[cue.track]
            parts.append(f'<rect x="{x:.1f}" y="{row * i + 3}" width="{w:.1f}" height="{row - 6}" fill="{color}"/>')
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11" fill="#333">{"".join(parts)}</svg>'
        )

    def _repr_html_(self) -> str:
        picture = base64.b64encode(self.timeline_svg().encode()).decode()
        shown = self._table.head(100)
        shown = shown.assign(start=shown["start"].map(_clock_tenth), end=shown["end"].map(_clock_tenth))
        formats = {"track_start": "{:.1f}", "speed": "{:.3f}", "score": "{:.1f}", "probability": "{:.2f}"}
        more = f" (the first {len(shown)} shown)" if len(shown) < len(self) else ""
        notes = "".join(f"<li>{text.html(p)}</li>" for p in self.problems)
        return (
            html_table(shown, caption=f"{self!r}{more}", formats=formats)
            + f'<img alt="{text.html(f"Timeline. {self!r}")}" src="data:image/svg+xml;base64,{picture}">'
            + (f"<ul>{notes}</ul>" if notes else "")
        )


def joined(pieces: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cues of the pieces that a stamper found: those of one track that follow each other become segments of one cue.

    Pieces follow each other when there is a pause of at most a second between them. A cue has the place and
    speed of its first segment, the sum of their scores, the mean of their probabilities by seconds, and the match of
    most seconds (the first of equal ones).

    Returns
    -------
    cues : DataFrame
        The columns of `pieces`, by start.
    segments : DataFrame
        `SEGMENT_COLUMNS`, at least one for each cue.

    Examples
    --------
    >>> pieces = {"track": ["A", "A"], "start": [5.0, 9.0], "end": [9.0, 12.0], "track_start": [40.0, 10.0]}
    >>> cues, segments = joined(pd.DataFrame(pieces).assign(speed=1.0, score=3.0))
    >>> cues[["start", "end", "track_start", "score"]].values.tolist(), segments["track_start"].tolist()
    ([[5.0, 12.0, 40.0, 6.0]], [40.0, 10.0])
    """
    pieces = pieces.sort_values(["track", "start", "end"], kind="stable")
    follows = pieces["track"].eq(pieces["track"].shift()) & (pieces["start"] - pieces["end"].shift()).le(_PAUSE_S)
    begins = pieces["start"].groupby((~follows).cumsum()).transform("first")
    pieces = pieces.assign(begins=begins, follows=follows).sort_values(["begins", "track", "start"], kind="stable")
    cue = (~pieces.pop("follows")).cumsum().to_numpy() - 1
    pieces = pieces.drop(columns="begins").reset_index(drop=True)
    rows = [part.iloc[0] if len(part) == 1 else _one(part) for _, part in pieces.groupby(cue)]
    table = pd.DataFrame(rows, columns=pieces.columns).reset_index(drop=True)
    return table.astype(pieces.dtypes), _numbered(pieces.assign(cue=cue))


def _one(pieces: pd.DataFrame) -> pd.Series:
    """The cue that pieces are segments of."""
    seconds = pieces["end"] - pieces["start"]
    cue = pieces.iloc[0].copy()
    cue["end"], cue["score"] = pieces["end"].iloc[-1], pieces["score"].sum()
    if "probability" in pieces:
        cue["probability"] = (pieces["probability"] * seconds).sum() / seconds.sum()
    if "match" in pieces:
        cue["match"] = seconds.groupby(pieces["match"], sort=False).sum().idxmax()
    return cue


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Segments of cues that have one each."""
    return _numbered(table.reset_index(drop=True).assign(cue=lambda cues: cues.index))


def _of_rows(segments: pd.DataFrame, rows: pd.Index) -> pd.DataFrame:
    """Segments whose cues were the given rows, in their new order."""
    now = pd.Series(np.arange(len(rows)), index=rows)
    return _numbered(segments.assign(cue=segments["cue"].map(now)).sort_values("cue", kind="stable"))


def _numbered(segments: pd.DataFrame) -> pd.DataFrame:
    """Segments in order, with their number in their cue."""
    segments = segments.assign(segment=segments.groupby("cue").cumcount())[list(SEGMENT_COLUMNS)]
    whole_numbers = dict.fromkeys(("cue", "segment"), "int64")
    return segments.astype(dict.fromkeys(_PLACE, float) | whole_numbers).reset_index(drop=True)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    missing = [c for c in ("start", "end", "track") if c not in table.columns]
    if missing:
        raise ValueError(f"the cues lack the column {', '.join(missing)}; add it")
    table = table.reset_index(drop=True)
    for column in ("start", "end", "track_start", "speed", "score"):
        values = table[column] if column in table.columns else pd.Series(_DEFAULTS[column], index=table.index)
        table[column] = pd.to_numeric(values, errors="coerce").astype(float)
    start, end = table["start"].to_numpy(), table["end"].to_numpy()
    good = np.isfinite(start) & np.isfinite(end) & (end > start) & (start >= 0)
    named = table["track"].notna() & (table["track"].astype(str).str.strip() != "")
    for bad, remedy in (
        (~good, "start and end must be seconds with 0 <= start < end"),
        (~named.to_numpy(bool), "name its track"),
    ):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise ValueError(f"cue in row {row + 1} ({table.loc[row, ['start', 'end', 'track']].to_dict()}): {remedy}")
    table["track"] = table["track"].astype(str)
    table["speed"] = table["speed"].fillna(1.0)
    order = [*COLUMNS, *(c for c in table.columns if c not in COLUMNS)]
    return table[order].sort_values(["start", "end", "track"], kind="stable")


def _clock_tenth(seconds: float) -> str:
    tenths = round(seconds * 10)
    return f"{clock(tenths // 10)}.{tenths % 10}"
