"""MIR descriptors with MIRtoolbox 1.8.1's numbers: 70 of them, and the rows made of them (Ma et al. 2021, Table 2)."""

from .columns import COLUMNS, DESCRIPTORS, DIMENSIONS, GROUPS, groups, without_value
from .extract import cue_frames, cue_vector, frame_features, texture_windows

__all__ = [
    "COLUMNS",
    "DESCRIPTORS",
    "DIMENSIONS",
    "GROUPS",
    "cue_frames",
    "cue_vector",
    "frame_features",
    "groups",
    "texture_windows",
    "without_value",
]
