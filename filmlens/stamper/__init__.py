"""Score Stamper: where each track of a soundtrack plays in its film (paper: Automatically extracting musical cues).

`stamp` gives a `CueSheet`; `evaluation` compares one with annotations.
"""

from filmlens.stamper.cues import CueSheet
from filmlens.stamper.engines import DEFAULT_ENGINE, ENGINES, index_tracks, stamp
from filmlens.stamper.index import TrackIndex, join_indexes

__all__ = ["DEFAULT_ENGINE", "ENGINES", "CueSheet", "TrackIndex", "index_tracks", "join_indexes", "stamp"]
