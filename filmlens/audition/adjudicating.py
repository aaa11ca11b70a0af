"""Deciding between annotators: their verdicts beside each other, and the one that counts, in the film's own file.

An annotator's bench shows nothing of the others, so that ratings are independent. The bench without an annotator's
name is the one that decides: it writes ``verdicts/<film_id>.csv``, and no annotator's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filmlens import verdicts
from filmlens.audition.session import Session, id_of, open_session
from filmlens.corpus import Corpus, CorpusError, annotators
from filmlens.verdicts import compared
from filmlens.verdicts.agreement import tables_of
from filmlens.verdicts.compared import Matter
from filmlens.verdicts.fields import FIELDS
from filmlens.verdicts.table import COLUMNS, COMPLETE, LEFT_OUT, ON_SPANS, same_row

_SHOWN = ("verdict", "track", "name", "start", "end", *FIELDS, "heard", "note")


class Adjudication(Session):
    """The judging of one film by someone who sees what annotators judged of it."""

    def __init__(self, *given, **more):
        super().__init__(*given, **more)
        self._versions: dict[Path, tuple[tuple, list[dict]]] = {}  # by file: when it was read, and its cues
        self._known: tuple[Any, dict[str, Matter]] = (None, {})

    @property
    def versions(self) -> dict[str, list[dict]]:
        """The cues as each annotator left them, who judged something in the film; a file is read when it is new.

        Raises `CorpusError` when a file cannot be understood.
        """
        found = {}
        for who in annotators.annotators(self.film.folder, [self.film.id]):
            path = annotators.verdicts_of(self.film, who)
            now = (path.stat().st_mtime_ns, path.stat().st_size)
            if self._versions.get(path, (None,))[0] != now:
                table = verdicts.read(path)
                self._versions[path] = now, compared.cues_of(self.stamped, table) if len(table) else []
                self._known = (None, {})
            if self._versions[path][1]:
                found[who] = self._versions[path][1]
        return found

    def matters(self) -> dict[str, Matter]:
        """All cues that annotators judged, by id: that of the bench's cue, where it is a stamped one."""
        versions = self.versions
        if self._known[0] is not self.table:
            decided = compared.cues_of(self.stamped, self.table) if versions else []
            found = compared.matters(versions, decided, self.table) if versions else []
            self._known = self.table, {_id(matter): matter for matter in found}
        return self._known[1]

    def shown(self) -> list[dict[str, Any]]:
        """What the page shows of the matters; nothing where an annotator's file cannot be read (`faults`)."""
        try:
            whos = list(self.versions)
            return [_shown(name, matter, whos) for name, matter in self.matters().items()]
        except CorpusError:
            return []

    def faults(self) -> list[str]:
        """What is wrong with the annotators' files of the film."""
        try:
            self.matters()
        except CorpusError as error:
            return [str(error)]
        return []

    def take(self, matter_id: str, who: str) -> str:
        """Decide as an annotator did; where she has no cue, there is none."""
        matter = self._matter(matter_id)
        version = matter.versions.get(who)
        if version is None:
            if matter.stamped or who not in self.versions:
                raise ValueError(f"{who!r} has judged nothing in this film")
            return self.leave_out(matter_id)
        if not version["verdict"]:
            raise ValueError(f"{who} has not judged this cue")
        return self._write(f"as {who} has it", *self._taken(matter, _unsigned(version["said"])), cue=matter_id)

    def leave_out(self, matter_id: str) -> str:
        """Decide that a cue which annotators added is none."""
        matter = self._matter(matter_id)
        if matter.stamped:
            return self.judge(matter_id, "reject")
        gone = [(self._place(matter.decided), None)] if matter.decided else []
        for version in matter.versions.values():
            row = {c: version["said"][c] for c in ("track", "start", "end", "name")} | {"verdict": LEFT_OUT}
            gone.append((same_row(row), row | self._signed()))
        return self._write("left out", *gone, cue=matter_id)

    def agreed(self) -> list:
        """Changes that take over what all annotators of the film agree on, where nothing was decided yet."""
        changes = []
        for matter in self.matters().values():
            row = None if matter.settled else compared.merged(matter)
            if row is not None:
                nothing = not matter.decided or matter.decided["said"] is None
                changes += [(None, row | self._signed())] if nothing else self._taken(matter, row)
        tables = list(tables_of(self.film).values())
        for row in tables[0].to_dict("records") if tables else ():
            if row["verdict"] in (COMPLETE, *ON_SPANS):
                where = same_row(row)
                same = all((at := where(t)) >= 0 and t["verdict"].iloc[at] == row["verdict"] for t in tables)
                if same and where(self.table) < 0:
                    changes.append((None, _unsigned(row) | self._signed()))
        return changes

    def take_agreed(self) -> int:
        """Take over what all agree on; gives the number of rows."""
        changes = self.agreed()
        if changes:
            self._write(f"{len(changes)} agreed", *changes)
        return len(changes)

    def _matter(self, matter_id: str) -> Matter:
        matter = self.matters().get(matter_id)
        if matter is None:
            raise ValueError("this cue is no longer there; it was changed elsewhere")
        return matter

    def _taken(self, matter: Matter, row: Mapping[str, Any]) -> list:
        """Changes that write a row as the decision."""
        row = {**row, **self._signed()}
        place = self._place(matter.decided) if matter.decided else same_row(row)
        changes = [(place, row)]
        if matter.settled and not matter.stamped:  # it may have been left out before
            for version in matter.versions.values():
                said = {c: version["said"][c] for c in ("track", "start", "end")} | {"verdict": LEFT_OUT}
                changes.append((same_row(said), None))
        return changes


def open_judging(corpus: Corpus, film_id: str, *, who: str = "", **more) -> Session:
    """A session of an annotator, or, without a name, of whoever decides: see `open_session`."""
    return open_session(corpus, film_id, who=who, kind=None if who else Adjudication, **more)


def take_agreed(sessions: Mapping[str, Session], *, sure: bool) -> dict[str, Any]:
    """What all annotators agree on, in all films: its count and text, and taken over as one step when it is `sure`.

    Raises `ValueError` when there is nothing to take over.
    """
    own = [s for s in sessions.values() if isinstance(s, Adjudication)]
    counts = {s: len(s.agreed()) for s in own}
    films = [s for s, count in counts.items() if count]
    if not films:
        raise ValueError("annotators agree on nothing that is not decided yet")
    count = sum(counts.values())
    left = sum(m.open for s in own for m in s.matters().values())
    if not sure:
        text = (
            f"Annotators agree on {count} verdicts in {len(films)} film{'s' * (len(films) != 1)} that are not decided"
        )
        return {"count": count, "text": f"{text}, and differ on {left}. Edges are the mean of theirs"}
    for session in films:
        session.take_agreed()
    text = f"{count} verdicts taken over on which annotators agree; they differ on {left}"
    films[-1].steps.join(len(films), text)
    return {"count": count, "text": text}


def _unsigned(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: row[column] for column in COLUMNS if column not in ("who", "when")}


def _id(matter: Matter) -> str:
    cue = matter.first
    if matter.stamped:
        return id_of(cue)
    return f"matter|{cue['stamped_start']:.3f}|{cue['stamped_end']:.3f}|{cue['track'] or cue['name']}"


def _shown(name: str, matter: Matter, whos: list[str]) -> dict[str, Any]:
    cues = [*matter.versions.values(), *([matter.decided] if matter.decided else [])]
    return {
        "id": name,
        "cue": id_of(matter.decided) if matter.decided else None,
        "start": min(cue["start"] for cue in cues),
        "end": max(cue["end"] for cue in cues),
        "track": matter.first["track"],
        "name": matter.first["name"],
        "why": matter.why,
        "open": matter.open,
        "versions": [
            {"who": who} | {k: matter.versions[who][k] for k in _SHOWN} if who in matter.versions else {"who": who}
            for who in whos
        ],
    }
