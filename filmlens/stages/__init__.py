"""The stages of the study, and the loop that brings them up to date: what is stale is recomputed, nothing else."""

from filmlens.stages.loop import Outcome, folds, planned, plans_of, read, read_one, run
from filmlens.stages.table import (
    STAGES,
    chain,
    complete,
    feature_stage,
    known_to,
    owner,
    parameter_names,
    path,
    place,
    sheet_stage,
    variant,
)

__all__ = [
    "STAGES",
    "Outcome",
    "chain",
    "complete",
    "feature_stage",
    "folds",
    "known_to",
    "owner",
    "parameter_names",
    "path",
    "place",
    "planned",
    "plans_of",
    "read",
    "read_one",
    "run",
    "sheet_stage",
    "variant",
]
