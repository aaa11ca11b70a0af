"""One person judging the cues of one film: what can be done, written at once, and undone.

Nothing here knows the page. Every action changes one row of ``verdicts/<film_id>.csv`` under its lock and reads the
file again, so that two sessions on one film see each other's rows and lose none.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from filmlens import stages, verdicts
from filmlens.audition.scene import length, stamped_cues
from filmlens.corpus import USAGES, Corpus, Film, parse_time
from filmlens.verdicts import measures
from filmlens.verdicts.table import ADDED, COMPLETE, ON_SPANS, ON_STAMPED, SAME_S, find, put, same_row

_SHORTEST_S = 0.05
_NEW_S = 5.0
_SPANS = 20


class Session:
    """The judging of one film.

    Parameters
    ----------
    film : Film
    stamped : DataFrame
        Its cues: track, start, end, track_start, speed, score.
    duration : float
        Seconds of the film.
    who : str, optional
        The judge, for the file; the login name by default.
    seed : int
        Of the spans that are drawn to measure recall.
    music : DataFrame, optional
        Unidentified music of the film, from which half of them are drawn: start, end.

    Raises
    ------
    CorpusError
        The film's verdicts cannot be understood; names file and row.
    """

    def __init__(
        self,
        film: Film,
        stamped: pd.DataFrame,
        duration: float,
        *,
        who: str = "",
        seed: int = 0,
        music: pd.DataFrame | None = None,
    ):
        self.film, self.stamped, self.duration, self.seed = film, stamped.reset_index(drop=True), duration, seed
        self.music = music
        self.who = who or _login()
        self._history: list[tuple[str, str, dict | None, dict | None]] = []
        self._table = verdicts.read(film.verdicts)

    @property
    def table(self) -> pd.DataFrame:
        """The verdicts as last read."""
        return self._table

    @property
    def cues(self) -> pd.DataFrame:
        """The cues as they stand, with `id`, which stays the same whatever is judged: see `verdicts.judged`."""
        cues = verdicts.judged(self.stamped, self._table)
        cues["id"] = [_id(*row) for row in zip(*(cues[c] for c in _KEY), strict=True)]
        return cues

    @property
    def complete(self) -> bool:
        """Whether all music of the film is marked."""
        return bool((self._table["verdict"] == COMPLETE).any())

    @property
    def can_undo(self) -> bool:
        return bool(self._history)

    def judge(self, cue: str, verdict: str) -> str:
        """Accept or reject a cue; rejecting an added one takes it away."""
        row = self.cue(cue)
        if verdict not in ("accept", "reject"):
            raise ValueError(f"verdict {verdict!r} is unknown; choose accept or reject")
        if row["origin"] == ADDED:
            if verdict == "reject":
                return self._write("added cue taken away", self._place(row), None, cue)
            return "added cues are accepted already"
        return self._write(f"cue {verdict}ed", self._place(row), self._about(row, verdict=verdict), cue)

    def move(self, cue: str, edge: str, to: float, *, relative: bool = False) -> str:
        """Set an edge ("start" or "end") of a cue, or move it by so much, inside the film and the cue's other edge."""
        row = self.cue(cue)
        if edge not in ("start", "end") or not np.isfinite(to):
            raise ValueError(f"edge {edge!r} at {to!r} is no edge of a cue; choose start or end and seconds")
        to = row[edge] + to if relative else to
        lowest = 0.0 if edge == "start" else row["start"] + _SHORTEST_S
        highest = row["end"] - _SHORTEST_S if edge == "start" else max(self.duration, row["end"])
        to = round(min(max(float(to), lowest), highest), 3)
        back = abs(to - row[f"stamped_{edge}"]) < SAME_S and row["origin"] == "stamped"
        changes = {f"new_{edge}": None if back and self._is_own(row) else to}
        return self._write(f"{edge} at {to:.2f} s", self._place(row), self._about(row, **changes), cue)

    def relabel(self, cue: str, track: str) -> str:
        """Say which track it is."""
        row = self.cue(cue)
        if not str(track).strip():
            raise ValueError("name a track")
        track = "" if track == row["stamped_track"] else str(track)
        name = track or row["stamped_track"]
        return self._write(f"labelled {name}", self._place(row), self._about(row, new_track=track), cue)

    def describe(self, cue: str, *, usage: str | None = None, note: str | None = None) -> str:
        """State usage or a remark; the verdict stays as it is."""
        row = self.cue(cue)
        if usage is not None and usage not in {"", *USAGES}:
            raise ValueError(f"usage {usage!r} is unknown; choose one of {', '.join(sorted(USAGES))}")
        changes = {k: v for k, v in (("usage", usage), ("note", note)) if v is not None}
        return self._write(
            f"{' and '.join(changes)} noted", self._place(row), self._about(row, row["verdict"], **changes), cue
        )

    def add(self, track: str, start: float, end: float | None = None) -> str:
        """Mark a cue that was not stamped; gives its id."""
        start = round(min(max(0.0, float(start)), max(0.0, self.duration - _SHORTEST_S)), 3)
        end = round(min(start + _NEW_S if end is None else float(end), max(self.duration, start + _SHORTEST_S)), 3)
        if not str(track).strip() or end <= start:
            raise ValueError(
                f"a cue of {track!r} from {start} to {end} s is none; name a track and end after the start"
            )
        row = {"track": str(track), "start": start, "end": end, "verdict": ADDED}
        self._write("cue added", same_row(row), row | self._signed())
        return _id(ADDED, str(track), start, end)

    def mark_complete(self, complete: bool) -> str:
        """State that all music of the film is marked (recall can then be measured), or take that back."""
        row = {"track": "", "start": 0.0, "end": round(self.duration, 3), "verdict": COMPLETE}

        def place(table: pd.DataFrame) -> int:
            rows = np.flatnonzero(table["verdict"] == COMPLETE)
            return int(rows[0]) if len(rows) else -1

        text = "marked complete" if complete else "no longer marked complete"
        return self._write(text, place, row | self._signed() if complete else None)

    def spans(self) -> list[dict[str, Any]]:
        """Spans to listen to for recall, in the order of drawing, with what was answered ("" when open)."""
        drawn = measures.sample_spans(self.stamped, self.duration, _SPANS, music=self.music, seed=self.seed)
        answered = self._table[self._table["verdict"].isin(ON_SPANS)]
        rows = []
        for start, end in drawn:
            hit = answered[(abs(answered["start"] - start) < 0.01) & (abs(answered["end"] - end) < 0.01)]
            rows.append(
                {"start": float(start), "end": float(end), "answer": hit["verdict"].iloc[-1] if len(hit) else ""}
            )
        return rows

    def answer(self, start: float, end: float, music: bool) -> str:
        """Whether music of the soundtrack plays in a drawn span."""
        row = {"track": "", "start": round(float(start), 3), "end": round(float(end), 3)}
        row["verdict"] = ON_SPANS[0] if music else ON_SPANS[1]
        return self._write(f"{row['verdict']} at {row['start']:.0f} s", same_row(row), row | self._signed())

    def undo(self) -> tuple[str, str]:
        """Take back the last action of this session, unless the row was changed elsewhere since.

        Returns
        -------
        text : str
            What was undone, or why nothing was.
        cue : str
            Its id; empty when it was about no cue.
        """
        if not self._history:
            return "nothing to undo", ""
        text, cue, before, after = self._history.pop()

        def place(table: pd.DataFrame) -> int:
            at = -1 if after is None else same_row(after)(table)
            if after is not None and (at < 0 or any(_differs(table.iloc[at].get(k), v) for k, v in after.items())):
                raise _ChangedError
            return at

        try:
            put(self.film.verdicts, place, before)
        except _ChangedError:
            text = f"not undone, it was changed elsewhere since: {text}"
        else:
            text = f"undone: {text}"
        self._table = verdicts.read(self.film.verdicts)
        return text, cue

    def numbers(self) -> dict[str, Any]:
        """How far the judging has come, and what it says: precision over judged cues, recall from the spans."""
        found = measures.precision(self.stamped, self._table)
        spots = measures.spot_recall(self.stamped, self._table, self.duration, self.music)
        recall = measures.recall_from_spans(spots)
        return found | {f"recall_{k}" if k in ("low", "high") else k: v for k, v in recall.items()}

    def _write(self, text: str, place: Callable, row: dict[str, Any] | None, cue: str = "") -> str:
        before, after = put(self.film.verdicts, place, row)
        if (before, after) != (None, None):
            self._history.append((text, cue, before, after))
        self._table = verdicts.read(self.film.verdicts)
        return text

    def cue(self, cue: str) -> pd.Series:
        """The cue of an id, a row of `cues`."""
        cues = self.cues
        hits = cues[cues["id"] == cue]
        if hits.empty:
            raise ValueError("this cue is no longer there; it was changed elsewhere")
        return hits.iloc[0]

    def _place(self, row: pd.Series) -> Callable[[pd.DataFrame], int]:
        """Where a cue's row is in the file: by the whole sheet for stamped cues, so that neighbours do not meet."""
        if row["origin"] != "stamped":
            kind = ADDED if row["origin"] == ADDED else ON_STAMPED[0]
            return same_row({"verdict": kind} | {c: row[f"stamped_{c}"] for c in ("track", "start", "end")})
        near = abs(self.stamped["start"] - row["stamped_start"]) + abs(self.stamped["end"] - row["stamped_end"])
        same = self.stamped["track"] == row["stamped_track"]
        number = int(np.flatnonzero(same & (near == near[same].min()))[0])
        return lambda table: int(find(self.stamped, table)[number])

    def _about(self, row: pd.Series, verdict: str | None = None, **changes) -> dict[str, Any]:
        """A cue's row with changes; what was only moved or relabelled counts as corrected."""
        if verdict is None:
            verdict = row["verdict"] if row["verdict"] in ("accept", "corrected", ADDED) else "corrected"
        key = {} if row["verdict"] else {c: row[f"stamped_{c}"] for c in ("track", "start", "end")}
        return key | {"verdict": verdict} | changes | self._signed()

    def _is_own(self, row: pd.Series) -> bool:
        """Whether the file's row states the cue as it is stamped now, or there is none yet."""
        at = self._place(row)(self._table)
        return at < 0 or all(abs(self._table[c].iloc[at] - row[f"stamped_{c}"]) < SAME_S for c in ("start", "end"))

    def _signed(self) -> dict[str, str]:
        return {"who": self.who, "when": verdicts.when()}


def open_session(corpus: Corpus, film_id: str, *, who: str = "", cues: pd.DataFrame | None = None) -> Session:
    """A session on the cues that the stamper left on disk, or on others.

    Raises
    ------
    KeyError
        No such film.
    CorpusError
        The film's verdicts cannot be understood.
    """
    film = corpus[film_id]
    stamped, notes = stamped_cues(corpus, film)
    if cues is not None:
        given = {"cue": np.arange(len(cues)), "track_start": np.nan, "speed": 1.0, "score": np.nan}
        stamped = cues.reset_index(drop=True).assign(**{k: v for k, v in given.items() if k not in cues})
    seconds = max([length(film, notes), *stamped["end"].astype(float)])
    found = stages.read_one(corpus, "music", film_id)
    return Session(film, stamped, seconds, who=who, music=found and found[0])


_KEY = ("origin", "stamped_track", "stamped_start", "stamped_end")


def _id(origin: str, track: str, start: float, end: float) -> str:
    return f"{origin}|{start:.3f}|{end:.3f}|{track}"


class _ChangedError(Exception):
    """The row is no longer what it was."""


def _differs(now: Any, then: str) -> bool:
    if isinstance(now, (float, np.floating)):
        return not (then == "" if np.isnan(now) else bool(then) and abs(now - parse_time(then)) < SAME_S)
    return str(now) != str(then)


def _login() -> str:
    """FILMLENS_USER, a JupyterHub user, or the login name."""
    for name in ("FILMLENS_USER", "JUPYTERHUB_USER"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
