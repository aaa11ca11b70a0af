"""What several annotators judged of the same cues, beside each other: where they differ, and what all agree on.

A *matter* is one cue: a stamped one, or one that annotators added and that lie over each other. Those who judged
nothing in a film have no part in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from filmlens.verdicts.applied import TRUE, judged
from filmlens.verdicts.fields import FIELDS
from filmlens.verdicts.table import COLUMNS, LEFT_OUT, SAME_S

#: D: edges that differ by no more are the same.
EDGE_S = 0.5


@dataclass(frozen=True)
class Matter:
    """One cue, as each annotator has it.

    A version is a cue as it stands (a row of `filmlens.verdicts.judged`), with `said`, the row of the file (None where
    it was not judged). Who has no such cue is not among them.
    """

    versions: dict[str, dict[str, Any]]  # by annotator
    decided: dict[str, Any] | None  # that of the verdicts that were decided on
    settled: bool  # whether it was decided
    why: str  # how annotators differ; empty where they do not

    @property
    def open(self) -> bool:
        """Whether annotators differ, and nothing was decided yet."""
        return bool(self.why) and not self.settled

    @property
    def stamped(self) -> bool:
        """Whether it is about a stamped cue, which everyone has, judged or not."""
        return self.first["basis"] == "stamped"

    @property
    def first(self) -> dict[str, Any]:
        """The version of the first annotator who has one, else what was decided."""
        return next(iter(self.versions.values()), self.decided)


def cues_of(stamped: pd.DataFrame, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The cues as one person left them, each with the row of the file that says so (`said`, None without one)."""
    cues = judged(stamped, table).to_dict("records")
    rows = table.to_dict("records")
    return [cue | {"said": rows[cue["row"]] if cue["row"] >= 0 else None} for cue in cues]


def matters(versions: Mapping[str, list[dict]], decided: list[dict], table: pd.DataFrame) -> list[Matter]:
    """All cues that anyone judged, by start: `cues_of` each annotator, and `decided`, of the verdicts in `table`."""
    sides = {**versions, "": decided}
    places: dict[tuple, dict[str, dict]] = {}
    others: list[dict[str, dict]] = []
    for who, cues in sides.items():
        for cue in cues:
            if cue["basis"] == "stamped":
                edges = round(cue["stamped_start"], 3), round(cue["stamped_end"], 3)
                places.setdefault((cue["stamped_track"], *edges), {})[who] = cue
        _join(others, who, [cue for cue in cues if cue["basis"] != "stamped"])
    gone = table[table["verdict"] == LEFT_OUT].to_dict("records")
    found = []
    for group in [*places.values(), *others]:
        own = group.pop("", None)
        settled = bool(own and own["verdict"])
        if not any(cue["basis"] == "stamped" for cue in group.values()):
            settled |= any(_alike(cue, row) for cue in group.values() for row in gone)
        if own and not own["verdict"] and not any(cue["verdict"] for cue in group.values()):
            continue
        found.append(Matter(group, own, settled, differences(group, list(versions))))
    return sorted(found, key=lambda m: (m.first["start"], m.first["end"], m.first["track"]))


def differences(versions: Mapping[str, Mapping[str, Any]], who: list[str]) -> str:
    """How annotators' versions differ, such as "rejected by bob" or "track, start 1.30 s"; empty where they do not."""
    absent = [name for name in who if name not in versions]
    words = [f"no cue of {' and '.join(absent)}"] if absent else []
    open_ = [name for name, cue in versions.items() if not cue["verdict"]]
    if len(open_) == len(versions):
        return ""
    words += [f"not judged by {' and '.join(open_)}"] if open_ else []
    true = [cue for cue in versions.values() if cue["verdict"] in TRUE]
    rejected = [name for name, cue in versions.items() if cue["verdict"] == "reject"]
    words += [f"rejected by {' and '.join(rejected)}"] if rejected and true else []
    words += ["track"] if len({cue["track"] for cue in true}) > 1 else []
    for edge in ("start", "end"):
        times = [cue[edge] for cue in true]
        apart = max(times) - min(times) if true else 0.0
        words += [f"{edge} {apart:.2f} s"] if apart > EDGE_S + 1e-9 else []
    words += [f for f in FIELDS if len({frozenset(cue[f].split("|")) for cue in true if cue[f]}) > 1]
    return ", ".join(words)


def merged(matter: Matter) -> dict[str, Any] | None:
    """The row that all agree on, with their mean edges and what any stated; None if they differ or judged nothing."""
    said = [cue["said"] for cue in matter.versions.values() if cue["said"] is not None]
    if matter.why or not said or not all(cue["verdict"] for cue in matter.versions.values()):
        return None
    row = unsigned(said[0])
    row |= {field: next((r[field] for r in said if r[field]), "") for field in (*FIELDS, "name", "note")}
    row["heard"] = "no" if all(r["heard"] == "no" for r in said) else ""
    if row["verdict"] == "reject":
        return row
    cues = list(matter.versions.values())
    for edge in ("start", "end"):
        mean = round(sum(cue[edge] for cue in cues) / len(cues), 3)
        own = abs(mean - row[edge]) < SAME_S
        row[f"new_{edge}"] = None if own else mean
    if row["verdict"] in ("accept", "corrected"):
        moved = any(row[c] not in (None, "") for c in ("new_track", "new_start", "new_end", "name"))
        row["verdict"] = "corrected" if moved else "accept"
    return row


def unsigned(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without who signed it, and when."""
    return {column: row[column] for column in COLUMNS if column not in ("who", "when")}


def _join(groups: list[dict[str, dict]], who: str, cues: list[dict[str, Any]]) -> None:
    """Put cues that were not stamped to those of others over which they lie, one to one, those of one track first."""
    pairs = []
    for k, cue in enumerate(cues):
        for g, group in enumerate(groups):
            shared = max((_overlap(cue, other) for other in group.values()), default=0.0)
            same = any(cue["track"] == other["track"] for other in group.values())
            pairs += [(same, shared, k, g)] if shared > 0 else []
    placed: dict[int, int] = {}
    for _, _, k, g in sorted(pairs, key=lambda p: (-p[0], -p[1], p[2], p[3])):
        if k not in placed and g not in placed.values():
            placed[k] = g
    for k, cue in enumerate(cues):
        if k in placed:
            groups[placed[k]][who] = cue
        else:
            groups.append({who: cue})


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Seconds that two cues share, where that is half of the shorter or more; else 0."""
    shared = min(one["end"], other["end"]) - max(one["start"], other["start"])
    shorter = min(one["end"] - one["start"], other["end"] - other["start"])
    return shared if shared > 0 and shared >= 0.5 * shorter else 0.0


def _alike(cue: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a row of the file is about a cue as someone added it."""
    said = cue["said"]
    return said["track"] == row["track"] and all(abs(said[e] - row[e]) < SAME_S for e in ("start", "end"))
