"""Captions and number formats of the tables that are saved, by the name of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from filmlens.look import clock
from filmlens.names import reader_name


class Caption(NamedTuple):
    """What stands over a table, and how its numbers are written: by column, or all fractions alike."""

    words: str
    formats: Mapping[str, Any] | str = ""

    def formats_of(self, table: pd.DataFrame) -> dict[str, Any]:
        """The format of each column."""
        if isinstance(self.formats, str):
            return dict.fromkeys(table.select_dtypes("floating").columns, self.formats) if self.formats else {}
        return dict(self.formats)


_PLACES = ("length", "first music", "last music ends", "longest silence", "silence begins")
_SCORES = ("precision", "recall", "f1", "map", "training_f1")
_TABLE4 = dict.fromkeys(_SCORES, "{:.2f}") | {"name": reader_name}
_LEFT_OUT = (
    "Macro-averages of leave-one-film-out predictions; 95 % interval of F1 over films, one start. p: mAP above that of "
    "permuted labels, one-sided; † everything learnt again for each permutation. Leave-one-out lies below chance where "
    "nothing is heard, so that the others are conservative. The CSV has more columns."
)
_TABLE5 = "Difference of medians x 10; bold: Mann-Whitney with Bonferroni correction, p < .01."

CAPTIONS = {
    "table1_films": Caption(
        "Table 1. The films by genre.", {"share": "{:.0%}", "paper": "{:.0f}", "paper share": "{:.0%}"}
    ),
    "s1_films": Caption("S1. The films and their genre tags."),
    "s1_study": Caption("The study's films, and their ids in this corpus."),
    "placement": Caption(
        "Where the music of each film stands.",
        dict.fromkeys(_PLACES, clock) | {"without music": "{:.0%}", "album order kept": "{:+.2f}"},
    ),
    "entries": Caption(
        "Entries of music within a second of a cut, and during speech; chance: the share of the film's time there."
    ),
    "table2_features": Caption(
        "Table 2. The music features: descriptor, group of Fig 3, dimensions, frame and hop in seconds, source.", "{:g}"
    ),
    "table2_missing": Caption(
        "Rows without a value: share of the seconds of music, by descriptor and genre of the film.", "{:.1%}"
    ),
    "table3_poolings": Caption("Table 3. The six pooling functions."),
    "table4_all": Caption(f"All models of Table 4. {_LEFT_OUT}", _TABLE4),
    "table4_results": Caption(
        f"Table 4. {_LEFT_OUT} The paper's columns are second-hand: a later work quotes them.", _TABLE4
    ),
    "importance_null": Caption("Importance of a group against that of one that says nothing."),
    "fig3_retrained": Caption(
        "AP above chance, mean over genres: the full model, trained without each group, and with only that group.",
        "{:.2f}",
    ),
    "fig3_own_part": Caption(
        "Drop of AP above chance, mean over genres, when only a group's own part comes from another film.", "{:.2f}"
    ),
    "genre_profile_cues": Caption(
        "Cues in which the strongest finding of each genre is heard, contradicted, and one at random."
    ),
    "table5_crossmodal": Caption(f"Table 5. {_TABLE5}"),
    "table5_films": Caption(f"Table 5, medians of films. {_TABLE5}"),
    "table5_clips": Caption(f"Table 5, medians of clips. {_TABLE5}"),
    "table5": Caption(f"Table 5, our addition. {_TABLE5}"),
    "within_films": Caption(
        "Rank correlation of a genre's probability with the picture along films without the genre, the cue's place in "
        "the film held constant; mean over films."
    ),
    "transplanted": Caption("Cues that sound most like a genre their film does not have."),
    "blind_listening": Caption("Blind listening: the genre in question named, and agreement (Krippendorff's alpha)."),
    "study_names": Caption("Descriptors here and released: numbers of dimensions, and the released names."),
    "study_read": Caption("Values of a later work on the released VGGish features, and here.", "{:.4f}"),
    "study_table4": Caption(
        "Table 4: the paper (second-hand) and what the authors' features give here; 95 % interval of F1 over films.",
        "{:.2f}",
    ),
    "study_readings": Caption(
        "F1 by reading, with the paper's second-hand value and whether it lies in the interval over films and starts.",
        "{:.2f}",
    ),
}


def caption(name: str) -> Caption:
    """The caption of a file, or of the shorter name that its own continues: that of "table5_mine" is "table5"."""
    while name not in CAPTIONS:
        name, joint, _ = name.rpartition("_")
        if not joint:
            raise ValueError("no caption is known; add a row to filmlens.figures.captions.CAPTIONS")
    return CAPTIONS[name]
