"""A study of one corpus as a notebook holds it; its table of cues, its data sets for others, its robustness."""

from filmlens.study.study import PROFILES, Study, StudyError

__all__ = ["PROFILES", "Study", "StudyError"]
