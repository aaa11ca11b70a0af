"""Audition: hear each cue beside its track, judge it, take it home (notebook 06).

`Audition` is the widget of one film, `AuditionCorpus` picks among all; `export` writes cue sheets, labels and
timelines for other programs; `read_labels` takes lists of cues in as verdicts. What was judged lies in
``verdicts/<film_id>.csv`` (`filmlens.verdicts`). `blind` is listening without picture or title.
"""

from filmlens.audition import blind
from filmlens.audition.bulk import read_labels
from filmlens.audition.exports import FORMATS, export
from filmlens.audition.picker import AuditionCorpus, film_table, queue, transplanted_first
from filmlens.audition.scene import stamped_cues
from filmlens.audition.session import Session, open_session
from filmlens.audition.widget import Audition, timeline_table

__all__ = [
    "FORMATS",
    "Audition",
    "AuditionCorpus",
    "Session",
    "blind",
    "export",
    "film_table",
    "open_session",
    "queue",
    "read_labels",
    "stamped_cues",
    "timeline_table",
    "transplanted_first",
]
