"""Findings: which features matter, whether the picture agrees, and which of the paper's claims stand.

The room behind "Musical feature relevance scoring" (Fig 3) and "Musical-visual cross-modal analysis" (Table 5).
Everything here takes arrays and DataFrames and returns DataFrames; nothing reads or writes files.
"""

from filmlens.findings.claims import claims_table, robustness_table
from filmlens.findings.crossmodal import clip_medians, cross_modal, latex_table, table5
from filmlens.findings.importance import ImportanceRuns, group_importance
from filmlens.findings.importance_checks import (
    conditional_importance,
    group_p,
    retrained_importance,
    simple_mi,
    single_features,
)
from filmlens.findings.profile import example_cues, genre_profile, told_descriptors
from filmlens.findings.sentences import genre_sentences, importance_caption, sentence, strongest, too_few
from filmlens.findings.timeline import along_film_time, genre_timeline, transplanted_cues
from filmlens.findings.withinfilm import within_films
from filmlens.stats.enough import enough

__all__ = [
    "ImportanceRuns",
    "along_film_time",
    "claims_table",
    "clip_medians",
    "conditional_importance",
    "cross_modal",
    "enough",
    "example_cues",
    "genre_profile",
    "genre_sentences",
    "genre_timeline",
    "group_importance",
    "group_p",
    "importance_caption",
    "latex_table",
    "retrained_importance",
    "robustness_table",
    "sentence",
    "simple_mi",
    "single_features",
    "strongest",
    "table5",
    "told_descriptors",
    "too_few",
    "transplanted_cues",
    "within_films",
]
