"""Verdicts: what people heard and judged of a film's cues, kept in ``verdicts/<film_id>.csv``.

`table` is the file (format, lock, writing), `applied` what follows for the cue sheet, `measures` the precision and
recall that judging gives.
"""

from filmlens.verdicts.applied import judged, verified
from filmlens.verdicts.measures import judged_accuracy, precision, recall_from_spans, sample_spans, spot_recall
from filmlens.verdicts.table import read, when

__all__ = [
    "judged",
    "judged_accuracy",
    "precision",
    "read",
    "recall_from_spans",
    "sample_spans",
    "spot_recall",
    "verified",
    "when",
]
