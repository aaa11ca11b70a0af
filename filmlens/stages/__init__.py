"""The stages of the study, and the loop that brings them up to date: what is stale is recomputed, nothing else."""

from filmlens.stages.loop import Outcome, folds, planned, plans_of, read, read_one, run
from filmlens.stages.table import (
    STAGES,
    accepted_by,
    chain,
    complete,
    feature_stage,
    owner,
    parameter_names,
    path,
    place,
    segment_table,
    sheet_stage,
    variant,
)

__all__ = [
    "STAGES",
    "Outcome",
    "accepted_by",
    "chain",
    "complete",
    "feature_stage",
    "folds",
    "owner",
    "parameter_names",
    "path",
    "place",
    "planned",
    "plans_of",
    "read",
    "read_one",
    "run",
    "segment_table",
    "sheet_stage",
    "variant",
]
