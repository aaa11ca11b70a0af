"""Music that is on no track: where it plays in a film, and what of it returns in the corpus.

The functions of the stages ``unmatched`` and ``music`` of a film and ``recurring`` of the corpus between them. None of
this is a cue: a detector proposed it, and nobody has heard it.
"""

from typing import Any

import pandas as pd

from filmlens.artefacts import Measured
from filmlens.corpus import Film
from filmlens.stamper import music as detector
from filmlens.stamper import recurrence

#: Columns of unidentified music on disk.
COLUMNS = ("film_id", "start", "end", "probability", "group")


def unmatched(film: Film, tables: dict, **_) -> Measured:
    """Spans of music under no cue; beside them ``unmatched-peaks``, the landmarks by which they are known again."""
    spans = detector.unmatched(detector.probability(film.sound), tables["cues"])
    peaks = recurrence.peaks(film.sound, spans)
    spans.insert(0, "film_id", film.id)
    peaks.insert(0, "film_id", film.id)
    return Measured(spans, {"unmatched-peaks": peaks})


def recurring(films: pd.DataFrame, tables: dict[str, Any]) -> pd.DataFrame:
    """The piece of music that each span is, of all films together: film_id, start, group (0: it returns nowhere)."""
    spans, peaks = tables["unmatched"], tables["unmatched-peaks"]
    if spans.empty:
        return pd.DataFrame({"film_id": pd.Series(dtype=str), "start": [], "group": pd.Series(dtype="int64")})
    return spans[["film_id", "start"]].assign(group=recurrence.groups(spans, peaks))


def music(film: Film, tables: dict, **_) -> pd.DataFrame:
    """Unidentified music of a film: `COLUMNS`, by start."""
    found = tables["recurring"]
    found = found[found["film_id"] == film.id].drop(columns="film_id")
    table = tables["unmatched"].merge(found, on="start", how="left", validate="1:1")
    return table.assign(group=table["group"].fillna(0).astype("int64"))[list(COLUMNS)]
