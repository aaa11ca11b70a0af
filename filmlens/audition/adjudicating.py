"""Several annotators of one film: their verdicts beside each other, how far they agree, and the verdict that counts.

An annotator's bench shows nothing of the others, so that ratings are independent. The bench without an annotator's
name is the one that decides: it writes ``verdicts/<film_id>.csv``, and no annotator's file.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from filmlens import verdicts
from filmlens.audition.scene import length, stamped_cues
from filmlens.audition.session import Session, id_of, open_session
from filmlens.corpus import Corpus, CorpusError, annotators
from filmlens.look import write_csv
from filmlens.verdicts import compared
from filmlens.verdicts.agreement import agreement, tables_of
from filmlens.verdicts.compared import Matter
from filmlens.verdicts.fields import FIELDS
from filmlens.verdicts.table import COMPLETE, LEFT_OUT, ON_SPANS, same_row

_SHOWN = ("verdict", "track", "name", "start", "end", *FIELDS, "heard", "note")


class Adjudication(Session):
    """The judging of one film by someone who sees what annotators judged of it."""

    def __init__(self, *given, **more):
        super().__init__(*given, **more)
        self._versions: dict[Path, tuple[tuple, list[dict]]] = {}  # by file: when it was read, and its cues
        self._known: tuple[Any, dict[str, Matter]] = (None, {})

    @property
    def versions(self) -> dict[str, list[dict]]:
        """The cues as each annotator who judged any left them; `CorpusError` for a file that cannot be understood."""
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
        with suppress(CorpusError):
            whos = list(self.versions)
            return [_shown(name, matter, whos) for name, matter in self.matters().items()]
        return []

    def faults(self) -> list[str]:
        """What is wrong with the annotators' files of the film."""
        try:
            self.matters()
            return []
        except CorpusError as error:
            return [str(error)]

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
        return self._write(f"as {who} has it", *self._taken(matter, compared.unsigned(version["said"])), cue=matter_id)

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
                    changes.append((None, compared.unsigned(row) | self._signed()))
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
    """Count and text of what all annotators agree on, when `sure` taken over as one step; `ValueError` for nothing."""
    own = [s for s in sessions.values() if isinstance(s, Adjudication)]
    counts = {s: len(s.agreed()) for s in own}
    films = [s for s, count in counts.items() if count]
    if not films:
        raise ValueError("annotators agree on nothing that is not decided yet")
    count, where = sum(counts.values()), f"{len(films)} film{'s' * (len(films) != 1)}"
    left = sum(m.open for s in own for m in s.matters().values())
    if not sure:
        text = f"Annotators agree on {count} verdicts in {where} that are not decided, and differ on {left}"
        return {"count": count, "text": f"{text}. Edges are the mean of theirs"}
    for session in films:
        session.take_agreed()
    text = f"{count} verdicts taken over on which annotators agree; they differ on {left}"
    films[-1].steps.join(len(films), text)
    return {"count": count, "text": text}


def disagreements(corpus: Corpus) -> pd.DataFrame:
    """Cues on which annotators differ, a ``queue=`` of `AuditionCorpus`: film_id, start, end, track, why, decided."""
    rows = []
    for film in corpus:
        for matter in Adjudication(film, stamped_cues(corpus, film)[0], 0.0).matters().values():
            if matter.why and matter.versions:
                cue = matter.decided if matter.stamped else matter.first
                place = (film.id, cue["start"], cue["end"], cue["track"] or cue["name"])
                rows.append((*place, matter.why, matter.settled))
    return pd.DataFrame(rows, columns=["film_id", "start", "end", "track", "why", "decided"])


def agreement_of(corpus: Corpus, **settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`verdicts.agreement.agreement` on the stamped cues; `CorpusError` when no film was judged by two annotators."""
    sheets = {film.id: stamped_cues(corpus, film) for film in corpus}
    cues = pd.concat([cues.assign(film_id=film_id) for film_id, (cues, _) in sheets.items()], ignore_index=True)
    found = agreement(corpus, cues, lambda film_id: length(corpus[film_id], sheets[film_id][1]), **settings)
    if found[0].empty:
        raise CorpusError(
            f"{corpus.folder / 'verdicts'}: no film was judged by two annotators; each judges with "
            "`filmlens audition CORPUS --who NAME`"
        )
    return found


def agreement_report(corpus: Corpus, out: Path | None = None) -> list[str]:
    """What `filmlens agreement` says, a line for each number, or why there is none; with `out` the tables as CSV."""
    (seconds, edges), differ = agreement_of(corpus), disagreements(corpus)
    lines = []
    for table, say in ((seconds, _on_seconds), (edges, _on_edges)):
        for row in table.to_dict("records"):
            note = f" ({row['note']})" if row["note"] else ""
            lines.append(f"{row['film_id']}, {row['who']}, {say(row)}{note}")
    left = int((~differ["decided"].astype(bool)).sum())
    lines.append(f"{len(differ)} disagreements, {left} of them not decided")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, table in (("agreement", seconds), ("edges", edges), ("disagreements", differ)):
            write_csv(table, out / f"{name}.csv")
        lines.append(f"written to {out}")
    return lines


def _on_seconds(row: Mapping[str, Any]) -> str:
    said = [
        f"{name} {row[name]:.2f}" + (f" [{row[low]:.2f}, {row[high]:.2f}]" if row[low] == row[low] else "")
        for name, low, high in (("kappa", "low", "high"), ("alpha", "alpha_low", "alpha_high"))
        if row[name] == row[name]
    ]
    said += [f"{row['seconds']:.0f} s, the same in {row['same']:.0%}" if row["seconds"] else "0 s"]
    said += [f"{row['prevalence']:.0%} {row['commonest']}"] if row["commonest"] else []
    return f"{row['of']}: {', '.join(said)}"


def _on_edges(row: Mapping[str, Any]) -> str:
    known = row["median"] == row["median"]
    said = f"median {row['median']:.2f} s, 90 % within {row['p90']:.2f} s, " if known else ""
    return f"{row['edge']} of cues: {said}{row['cues']} cues that both have, {row['unpaired']} that one alone has"


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
