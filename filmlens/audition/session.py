"""One person judging the cues of one film: what can be done, written at once, and undone.

Nothing here knows the page. Every action changes rows of one file of verdicts under its lock and reads the file
again, so that two sessions on one film see each other's rows and lose none.
"""

import getpass
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmlens import stages, verdicts
from filmlens.audition import history
from filmlens.audition.scene import length, stamped_cues
from filmlens.corpus import Corpus, Film, annotators
from filmlens.verdicts import measures
from filmlens.verdicts.fields import DIEGESES, FIELDS, ORIGINS
from filmlens.verdicts.table import ADDED, COMPLETE, ON_SPANS, ON_STAMPED, SAME_S, find, put, restore, same_row

_SHORTEST_S = 0.05
_NEW_S = 5.0
_SPANS = 20
_CORRECTIONS = ("new_track", "new_start", "new_end", "name")
_Change = tuple[Callable[[pd.DataFrame], int], dict[str, Any] | None]


class Session:
    """The judging of one film; raises `CorpusError`, naming file and row, when its verdicts cannot be understood.

    `stamped` are the film's cues (track, start, end, track_start, speed, score), `duration` its seconds. `who` is the
    judge, whom each row names, by default the login name; `file` is where the verdicts are, by default the film's own.
    Half of the spans that are drawn to measure recall come from `music`, the film's unidentified music (start, end).
    Actions are kept in `steps` to be undone.
    """

    def __init__(
        self,
        film: Film,
        stamped: pd.DataFrame,
        duration: float,
        *,
        who: str = "",
        file: Path | None = None,
        music: pd.DataFrame | None = None,
        steps: history.History | None = None,
    ):
        self.film, self.stamped, self.duration, self.music = film, stamped.reset_index(drop=True), duration, music
        self.who = who or _login()
        self.steps = history.History() if steps is None else steps
        self.file = file or film.verdicts
        self.table = verdicts.read(self.file)
        self._judged: tuple[pd.DataFrame, pd.DataFrame] | None = None  # the verdicts, and the cues as they say

    @property
    def cues(self) -> pd.DataFrame:
        """The cues as they stand, with `id`, which stays the same whatever is judged: see `verdicts.judged`."""
        table, known = self.table, self._judged
        if known is None or known[0] is not table:  # a thread may have made them of what the file was before
            known = self._judged = table, with_ids(verdicts.judged(self.stamped, table))
        return known[1].copy()

    @property
    def complete(self) -> bool:
        """Whether all music of the film is marked."""
        return bool((self.table["verdict"] == COMPLETE).any())

    @property
    def can_undo(self) -> bool:
        return bool(self.steps)

    def judge(self, cue: str, verdict: str) -> str:
        """Accept a cue (corrected if its edges or track were changed), or reject it, which takes an added one away."""
        row = self.cue(cue)
        if verdict not in ("accept", "reject"):
            raise ValueError(f"verdict {verdict!r} is unknown; choose accept or reject")
        if row["basis"] == ADDED:
            if verdict == "reject":
                return self._write("added cue taken away", (self._place(row), None), cue=cue)
            return "added cues are accepted already"
        if verdict == "accept" and self._corrections(row):
            verdict = "corrected"
        if (row["verdict"], row["who"], row["heard"]) == (verdict, self.who, ""):
            return f"{_SAID[verdict]} already"
        return self._write(f"cue {_SAID[verdict]}", self._about(row, verdict=verdict), cue=cue)

    def move(self, cue: str, edge: str, to: float, *, relative: bool = False) -> str:
        """Set an edge ("start" or "end") of a cue, or move it by so much, inside the film and the cue's other edge."""
        row = self.cue(cue)
        if edge not in ("start", "end") or not np.isfinite(to):
            raise ValueError(f"edge {edge!r} at {to!r} is no edge of a cue; choose start or end and seconds")
        to = row[edge] + to if relative else to
        lowest = 0.0 if edge == "start" else row["start"] + _SHORTEST_S
        highest = row["end"] - _SHORTEST_S if edge == "start" else max(self.duration, row["end"])
        to = round(min(max(float(to), lowest), highest), 3)
        return self._write(f"{edge} at {to:.2f} s", self._moved(row, edge, to), cue=cue)

    def relabel(self, cue: str, track: str, name: str = "") -> str:
        """Say which track it is; or, with a name, that it is music that is on no track."""
        row = self.cue(cue)
        if bool(str(track).strip()) == bool(name.strip()):
            raise ValueError("name a track, or call music by a name that is on none")
        changes = {"new_track": "" if track == row["stamped_track"] else str(track), "name": name.strip()}
        return self._write(f"labelled {track or name.strip()}", self._about(row, **changes), cue=cue)

    def describe(self, cue: str, **said: str) -> str:
        """State fields of the cue (see `filmlens.verdicts.fields`) or a note; the verdict stays as it is."""
        row = self.cue(cue)
        for field, value in said.items():
            known = {"origin": ORIGINS, "diegesis": DIEGESES}.get(field)
            if field not in (*FIELDS, "note"):
                raise ValueError(f"field {field!r} is unknown; choose one of {', '.join((*FIELDS, 'note'))}")
            if known and value and value not in known:
                raise ValueError(f"{field} {value!r} is unknown; choose one of {', '.join(known)}")
        if all(row[field] == value for field, value in said.items()):
            return "nothing changed"
        change = self._about(row, row["verdict"], heard=row["heard"], **said)
        return self._write(f"{' and '.join(said)} noted", change, cue=cue)

    def add(self, track: str, start: float, end: float | None = None, *, name: str = "") -> str:
        """Mark a cue that was not stamped, of a track or, with a name, of music that is on none; gives its id."""
        start = round(min(max(0.0, float(start)), max(0.0, self.duration - _SHORTEST_S)), 3)
        end = round(min(start + _NEW_S if end is None else float(end), max(self.duration, start + _SHORTEST_S)), 3)
        if not (str(track).strip() or name.strip()) or end <= start:
            raise ValueError(
                f"a cue of {track!r} from {start} to {end} s is none; name a track and end after the start"
            )
        change, cue = self._added(str(track), start, end, name=name.strip())
        self._write("cue added", change, cue=cue)
        return cue

    def split(self, cue: str, at: float) -> str:
        """Divide a cue in two; the second is an added one with the same track and fields. Gives the second's id."""
        row, at = self.cue(cue), round(float(at), 3)
        if not row["start"] + _SHORTEST_S <= at <= row["end"] - _SHORTEST_S:
            raise ValueError(f"{at} s is not inside the cue; nothing was split")
        said = {c: row[c] for c in FIELDS}
        change, second = self._added(row["track"], at, float(row["end"]), name=row["name"], **said)
        self._write(f"split at {at:.2f} s", self._moved(row, "end", at), change, cue=cue)
        return second

    def merge(self, cue: str, following: str) -> str:
        """Let a cue reach to the end of another, which is taken away (a stamped one is rejected)."""
        first, second = self.cue(cue), self.cue(following)
        end = max(float(first["end"]), float(second["end"]))
        if second["basis"] == ADDED:
            gone: _Change = (self._place(second), None)
        else:
            gone = self._about(second, verdict="reject", note=second["note"] or "merged with the cue before it")
        return self._write("merged", self._moved(first, "end", end), gone, cue=cue)

    def duplicate(self, cue: str, start: float) -> str:
        """Mark the same music once more, from `start` on; gives the new cue's id."""
        row = self.cue(cue)
        start = round(min(max(0.0, float(start)), max(0.0, self.duration - _SHORTEST_S)), 3)
        end = round(min(start + float(row["end"] - row["start"]), max(self.duration, start + _SHORTEST_S)), 3)
        change, new = self._added(row["track"], start, end, name=row["name"], **{c: row[c] for c in FIELDS})
        self._write("cue duplicated", change, cue=new)
        return new

    def accept_unheard(self, cues: list[str], note: str) -> str:
        """Accept cues that nobody heard; `note` says why. They say nothing of the stamper's precision."""
        changes = [self._about(self.cue(cue), verdict="accept", heard="no", note=note) for cue in cues]
        return self._write(f"{len(cues)} cues accepted unheard", *changes)

    def mark_complete(self, complete: bool) -> str:
        """State that all music of the film is marked (recall can then be measured), or take that back."""
        row = {"track": "", "start": 0.0, "end": round(self.duration, 3), "verdict": COMPLETE}

        def place(table: pd.DataFrame) -> int:
            rows = np.flatnonzero(table["verdict"] == COMPLETE)
            return int(rows[0]) if len(rows) else -1

        text = "marked complete" if complete else "no longer marked complete"
        return self._write(text, (place, row | self._signed() if complete else None))

    def spans(self) -> list[dict[str, Any]]:
        """Spans to listen to for recall, in the order of drawing, with what was answered ("" when open)."""
        answered = self.table.loc[self.table["verdict"].isin(ON_SPANS), ["start", "end", "verdict"]].to_numpy(object)
        rows = []
        for start, end in self._drawn:
            hit = [v for a, b, v in answered if abs(a - start) < 0.01 and abs(b - end) < 0.01]
            rows.append({"start": float(start), "end": float(end), "answer": hit[-1] if hit else ""})
        return rows

    @cached_property
    def _drawn(self) -> np.ndarray:
        return measures.sample_spans(self.stamped, self.duration, _SPANS, music=self.music)

    def answer(self, start: float, end: float, music: bool) -> str:
        """Whether music of the soundtrack plays in a drawn span."""
        row = {"track": "", "start": round(float(start), 3), "end": round(float(end), 3)}
        row["verdict"] = ON_SPANS[0] if music else ON_SPANS[1]
        return self._write(f"{row['verdict']} at {row['start']:.0f} s", (same_row(row), row | self._signed()))

    def undo(self, paths: Callable[[str], Path] | None = None) -> tuple[str, str]:
        """Take back the last action; gives what was undone, or why nothing was, and the id of its cue, if any.

        `paths` gives the verdict file of a film_id, where steps may be about other films.
        """
        if not self.steps:
            return "nothing to undo", ""
        step, text = self.steps.pop(), ""
        for patch in reversed(step["patches"]):
            path = paths(patch["film_id"]) if paths else self.file
            try:
                restore(path, lambda now, patch=patch: history.reversed_by(patch, now))
            except history.ChangedError:
                text = f"not undone, it was changed elsewhere since: {step['text']}"
        self.refresh()
        return text or f"undone: {step['text']}", step["cue"]

    def refresh(self) -> None:
        """Read the file again."""
        self.table = verdicts.read(self.file)

    def numbers(self) -> dict[str, Any]:
        """How far the judging has come, and what it says: precision over judged cues, recall from the spans."""
        found = measures.precision(self.stamped, self.table, cues=self.cues)
        spots = measures.spot_recall(self.stamped, self.table, self.duration, self.music, found["precision"])
        recall = measures.recall_from_spans(spots)
        return found | {f"recall_{k}" if k in ("low", "high") else k: v for k, v in recall.items()}

    def cue(self, cue: str) -> pd.Series:
        """The cue of an id, a row of `cues`."""
        cues = self.cues
        hits = cues[cues["id"] == cue]
        if hits.empty:
            raise ValueError("this cue is no longer there; it was changed elsewhere")
        return hits.iloc[0]

    def _write(self, text: str, *changes: _Change, cue: str = "") -> str:
        existed = self.file.is_file()
        before, after = put(self.file, *changes)
        if before != after:
            patch = history.patch(self.film.id, before, after, existed=existed)
            self.steps.push(text, cue, self.film.id, [patch])
        self.refresh()
        return text

    def _place(self, row: pd.Series) -> Callable[[pd.DataFrame], int]:
        """Where a cue's row is in the file: by the whole sheet for stamped cues, so that neighbours do not meet."""
        if row["basis"] != "stamped":
            kind = ADDED if row["basis"] == ADDED else ON_STAMPED[0]
            return same_row({"verdict": kind} | {c: row[f"stamped_{c}"] for c in ("track", "start", "end")})
        near = abs(self.stamped["start"] - row["stamped_start"]) + abs(self.stamped["end"] - row["stamped_end"])
        same = self.stamped["track"] == row["stamped_track"]
        number = int(np.flatnonzero(same & (near == near[same].min()))[0])
        return lambda table: int(find(self.stamped, table)[number])

    def _added(self, track: str, start: float, end: float, **said: str) -> tuple[_Change, str]:
        """A new cue's row, and its id."""
        row = {"track": track, "start": start, "end": end, "verdict": ADDED}
        return (same_row(row), row | said | self._signed()), _id(ADDED, track, start, end)

    def _moved(self, row: pd.Series, edge: str, to: float) -> _Change:
        back = abs(to - row[f"stamped_{edge}"]) < SAME_S and row["basis"] == "stamped" and self._is_own(row)
        return self._about(row, **{f"new_{edge}": None if back else to})

    def _about(self, row: pd.Series, verdict: str | None = None, **changes) -> _Change:
        """Changes of a cue's row; without a verdict, what is moved or relabelled is corrected, and what is moved or
        labelled back again is not judged."""
        if verdict is None:
            verdict = ADDED if row["basis"] == ADDED else "corrected" if self._corrections(row, changes) else ""
        key = {} if row["verdict"] else {c: row[f"stamped_{c}"] for c in ("track", "start", "end")}
        return self._place(row), key | {"verdict": verdict, "heard": ""} | changes | self._signed()

    def _corrections(self, row: pd.Series, changes: dict[str, Any] | None = None) -> bool:
        """Whether anything of a cue is corrected in the file, or will be by changes."""
        at = self._place(row)(self.table)
        stands = {c: self.table[c].iloc[at] if at >= 0 else None for c in _CORRECTIONS} | (changes or {})
        return any(not (pd.isna(stands[c]) or stands[c] == "") for c in _CORRECTIONS)

    def _is_own(self, row: pd.Series) -> bool:
        """Whether the file's row states the cue as it is stamped now, or there is none yet."""
        at = self._place(row)(self.table)
        return at < 0 or all(abs(self.table[c].iloc[at] - row[f"stamped_{c}"]) < SAME_S for c in ("start", "end"))

    def _signed(self) -> dict[str, str]:
        return {"who": self.who, "when": verdicts.when()}


def open_session(
    corpus: Corpus,
    film_id: str,
    *,
    who: str = "",
    cues: pd.DataFrame | None = None,
    steps: history.History | None = None,
    kind: type[Session] | None = None,
) -> Session:
    """A session on the cues that the stamper left on disk, or on others.

    `who` is an annotator, whose verdicts are kept apart; by default they are the film's own. Raises `KeyError` for a
    film that is not there, `CorpusError` when the verdicts cannot be understood, or the name is none for a folder.
    """
    film = corpus[film_id]
    who = who and annotators.checked(corpus.folder, who)
    stamped, notes = stamped_cues(corpus, film)
    if cues is not None:
        given = {"cue": np.arange(len(cues)), "track_start": np.nan, "speed": 1.0, "score": np.nan}
        stamped = cues.reset_index(drop=True).assign(**{k: v for k, v in given.items() if k not in cues})
    seconds = max([length(film, notes), *stamped["end"].astype(float)])
    found = stages.read_one(corpus, "music", film_id)
    file = annotators.verdicts_of(film, who)
    return (kind or Session)(film, stamped, seconds, who=who, file=file, music=found and found[0], steps=steps)


def with_ids(cues: pd.DataFrame) -> pd.DataFrame:
    """Judged cues with `id`, which names a cue whatever is judged of it."""
    return cues.assign(id=[_id(*row) for row in zip(*(cues[c] for c in _KEY), strict=True)])


def id_of(cue: Mapping[str, Any]) -> str:
    """The id of one judged cue."""
    return _id(*(cue[column] for column in _KEY))


_KEY = ("basis", "stamped_track", "stamped_start", "stamped_end")
_id = "{0}|{2:.3f}|{3:.3f}|{1}".format  # of these four
_SAID = {"accept": "accepted", "corrected": "corrected", "reject": "rejected"}


def _login() -> str:
    """FILMLENS_USER, a JupyterHub user, or the login name."""
    try:
        return os.environ.get("FILMLENS_USER") or os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
