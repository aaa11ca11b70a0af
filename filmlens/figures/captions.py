"""Captions and number formats of the tables that are saved, by the name of their files."""

from collections.abc import Mapping
from pathlib import Path
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
#: Formats by column, where not all fractions of a table are alike.
_FORMATS = {
    "table1_films": {"share": "{:.0%}", "paper": "{:.0f}", "paper share": "{:.0%}"},
    "placement": dict.fromkeys(_PLACES, clock) | {"without music": "{:.0%}", "album order kept": "{:+.2f}"},
    "table4_all": _TABLE4,
    "table4_results": _TABLE4,
}
#: What stands under every table of one kind.
_SHARED = {
    "left_out": "Macro-averages of leave-one-film-out predictions; 95 % interval of F1 over films, one start. p: mAP "
    "above that of permuted labels, one-sided; † everything learnt again for each permutation. Leave-one-out lies "
    "below chance where nothing is heard, so that the others are conservative. The CSV has more columns.",
    "table5": "Difference of medians x 10; bold: Mann-Whitney with Bonferroni correction, p < .01.",
}
#: The rows of `captions.csv`.
CAPTIONS = {
    row.name: Caption(row.words.format(**_SHARED), _FORMATS.get(row.name, row.fractions))
    for row in pd.read_csv(Path(__file__).with_suffix(".csv"), keep_default_na=False).itertuples(index=False)
}


def caption(name: str) -> Caption:
    """The caption of a file, or of the shorter name that its own continues: that of "table5_mine" is "table5"."""
    while name not in CAPTIONS:
        name, joint, _ = name.rpartition("_")
        if not joint:
            raise ValueError("no caption is known; add a row to filmlens/figures/captions.csv")
    return CAPTIONS[name]
