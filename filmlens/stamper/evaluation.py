"""How well predicted cues agree with annotated ones (method, section 1: Evaluation; paper: .94 precision, .47 recall).

Conventions
-----------
Cues are DataFrames with `start`, `end` [s] and `track`; `reference` is the annotation, `estimated` the prediction.
Seconds are handled as interval sets per track: cues of one track that overlap are counted once, and a second in which
two tracks are annotated is a second of each.

Metrics
-------
* `precision_recall`: seconds predicted with the right track over seconds predicted, and over seconds annotated.
* `recall_by`: recall of the annotated seconds, grouped by a column of the annotation, such as its loudness.
* `event_hits`: annotated cues that are found, and predicted cues that are right, each by at least half their length.
* `edge_errors`: how far the found cues begin and end from the annotated ones.
* `evaluate`: all of it for one film; `summarize`: mean and SD over films.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from filmlens.stamper import intervals

#: Share of a cue's length that makes it found (or right).
HIT_SHARE = 0.5


def validate(reference: pd.DataFrame, estimated: pd.DataFrame) -> None:
    """Check both cue tables.

    A missing column, or a cue that does not end after it starts, is a `ValueError` that names the table and row.
    """
    for name, table in (("reference", reference), ("estimated", estimated)):
        missing = [c for c in ("start", "end", "track") if c not in table.columns]
        if missing:
            raise ValueError(f"the {name} cues lack the column {', '.join(missing)}; add it")
        start, end = table["start"].to_numpy(float), table["end"].to_numpy(float)
        bad = np.flatnonzero(~(np.isfinite(start) & np.isfinite(end) & (end > start)))
        if len(bad):
            row = bad[0]
            raise ValueError(
                f"{name} cue in row {row + 1} ({start[row]} to {end[row]} s) does not end after it starts; correct it"
            )


def precision_recall(reference: pd.DataFrame, estimated: pd.DataFrame) -> tuple[float, float]:
    """Time-weighted precision and recall of one film.

    NaN where there is nothing to divide by: no prediction, or no annotation.

    >>> truth = pd.DataFrame({"track": ["A", "B"], "start": [0, 20], "end": [10, 30]})
    >>> found = pd.DataFrame({"track": ["A", "A"], "start": [0, 20], "end": [10, 30]})
    >>> precision_recall(truth, found)
    (0.5, 0.5)
    """
    validate(reference, estimated)
    right, predicted, true = _seconds(reference, estimated)
    return _ratio(right, predicted), _ratio(right, true)


def recall_by(reference: pd.DataFrame, estimated: pd.DataFrame, column: str) -> pd.DataFrame:
    """Recall of the annotated seconds for each value of a column of the annotation.

    Columns: `column`, `found` and `seconds` (both in seconds, so that films can be pooled), `recall`.
    """
    validate(reference, estimated)
    rows = []
    for value, part in reference.groupby(column):
        right, _, true = _seconds(part, estimated)
        rows.append({column: value, "found": right, "seconds": true, "recall": _ratio(right, true)})
    return pd.DataFrame(rows, columns=[column, "found", "seconds", "recall"])


def event_hits(reference: pd.DataFrame, estimated: pd.DataFrame, *, share: float = HIT_SHARE) -> tuple[int, int]:
    """Cues counted as events: annotated ones that are found, and predicted ones that are right.

    An annotated cue is found when at least `share` of it is predicted with the right track; a predicted one is right
    when at least `share` of it is annotated with that track.
    """
    validate(reference, estimated)
    return _covered(reference, estimated, share), _covered(estimated, reference, share)


def edge_errors(reference: pd.DataFrame, estimated: pd.DataFrame) -> pd.DataFrame:
    """Errors of the edges of the annotated cues that are found at all.

    Annotated cues of one track that touch (a cue with an edit in it) are one event.

    Returns
    -------
    DataFrame
        `track`, `start`, `end` of the annotated event; `start_error`, `end_error` [s], positive when predicted late.
    """
    validate(reference, estimated)
    rows = []
    for track, part in reference.groupby("track", sort=False):
        other = estimated[estimated["track"] == track]
        for start, end in intervals.union(part[["start", "end"]].to_numpy()):
            hits = other[(other["start"] < end) & (other["end"] > start)]
            if len(hits):
                rows.append((track, start, end, hits["start"].min() - start, hits["end"].max() - end))
    return pd.DataFrame(rows, columns=["track", "start", "end", "start_error", "end_error"])


def evaluate(reference: pd.DataFrame, estimated: pd.DataFrame) -> dict[str, float]:
    """All measures of one film.

    Returns
    -------
    dict
        precision, recall, f1; seconds_right, seconds_predicted, seconds_true; cues_true, cues_found, cues_predicted,
        cues_right; start_error, end_error (median absolute, in seconds).
    """
    validate(reference, estimated)
    right, predicted, true = _seconds(reference, estimated)
    precision, recall = _ratio(right, predicted), _ratio(right, true)
    found, correct = event_hits(reference, estimated)
    edges = edge_errors(reference, estimated)
    return {
        "precision": precision,
        "recall": recall,
        "f1": _ratio(2 * right, predicted + true),
        "seconds_right": right,
        "seconds_predicted": predicted,
        "seconds_true": true,
        "cues_true": len(reference),
        "cues_found": found,
        "cues_predicted": len(estimated),
        "cues_right": correct,
        "start_error": float(edges["start_error"].abs().median()),
        "end_error": float(edges["end_error"].abs().median()),
    }


def summarize(films: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Mean and SD over films (dicts of `evaluate` by film_id), as the paper reports them, beside the pooled figure.

    Index `precision`, `recall`; columns `mean`, `sd` (n - 1; NaN for one film), `pooled`, `films` (with a value).
    """
    table = pd.DataFrame.from_dict({k: dict(v) for k, v in films.items()}, orient="index")
    rows = {}
    for name, whole in (("precision", "seconds_predicted"), ("recall", "seconds_true")):
        values = table[name].dropna()
        pooled = _ratio(table["seconds_right"].sum(), table[whole].sum())
        rows[name] = {"mean": values.mean(), "sd": values.std(ddof=1), "pooled": pooled, "films": len(values)}
    return pd.DataFrame.from_dict(rows, orient="index")


def _seconds(reference: pd.DataFrame, estimated: pd.DataFrame) -> tuple[float, float, float]:
    true, predicted = _by_track(reference), _by_track(estimated)
    right = sum(intervals.length(intervals.intersection(true[t], predicted[t])) for t in true if t in predicted)
    return right, sum(map(intervals.length, predicted.values())), sum(map(intervals.length, true.values()))


def _by_track(table: pd.DataFrame) -> dict[str, np.ndarray]:
    return {track: intervals.union(part[["start", "end"]].to_numpy()) for track, part in table.groupby("track")}


def _covered(cues: pd.DataFrame, others: pd.DataFrame, share: float) -> int:
    by_track = _by_track(others)
    count = 0
    for cue in cues.itertuples(index=False):
        inside = intervals.intersection([[cue.start, cue.end]], by_track.get(cue.track, np.zeros((0, 2))))
        count += intervals.length(inside) >= share * (cue.end - cue.start)
    return int(count)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
