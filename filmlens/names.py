"""What a reader calls things: the name, a sentence and the unit of a column, a model or a stage, by pattern.

Pages, figures, sentences and the data dictionary take every name from here. A new thing is a row of ``names.csv``; the
first pattern that fits a whole text counts, and {0}, {1} ... stand for what its brackets took.
"""

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Name(NamedTuple):
    """A reader's name, one sentence, the unit, and what less and more of it is; empty where there is none."""

    name: str
    sentence: str = ""
    unit: str = ""
    lower: str = ""
    higher: str = ""


#: What a high coefficient of the Fourier transform of twelve pitch classes means (Quinn 2007; Yust 2016).
QUALITIES = {1: "chromatic", 2: "quartal", 3: "hexatonic", 4: "octatonic", 5: "diatonic", 6: "whole-tone"}
#: Mean share of each pitch class from the tonic when the chroma is noise, 12 values drawn alike from 0 to 1: the key is
#: chosen by the same values, so that noise has a tonic and a fifth, too.
ON_NOISE = (0.135, 0.064, 0.085, 0.087, 0.085, 0.066, 0.067, 0.124, 0.070, 0.075, 0.064, 0.078)
with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    _, *_table = csv.reader(line for line in _file if not line.startswith("#"))
ROWS: dict[str, Name] = {pattern: Name(*fields) for pattern, *fields in _table}
for _k, _quality in QUALITIES.items():
    _meaning = f"|F{_k}| of the chroma over |F0|, the same in every key"
    ROWS[f"keyfree_{_k}"] = Name(f"{_quality} pitch content", _meaning, "0-1")
for _k, _noise in enumerate(ON_NOISE):
    _meaning = f"its share of the chroma, from the tonic of the cue's best key; noise has {_noise:.3f}"
    ROWS[f"tonic_{_k:02d}"] = Name(f"pitch class {_k} semitones above the tonic", _meaning, "0-1")


@cache
def look_up(text: str) -> Name | None:
    """The row that fits, with what its brackets took filled in; None when none does.

    >>> look_up("probability_sci_fi").name, look_up("tempo_std").unit, look_up("my_column")
    ('probability of sci_fi', 'BPM', None)
    >>> look_up("tag_no_voice").higher, look_up("roughness_std").name
    ('more tagged as “no voice”', 'roughness, variation')
    """
    for pattern, row in ROWS.items():
        found = re.fullmatch(pattern, text)
        if found:
            name = Name(*(part.format(*found.groups()) for part in row))
            # the standard deviation of a descriptor that has no name of its own
            varies = text.endswith("_std") and not name.lower
            return name._replace(name=f"{name.name}, variation") if varies else name
    return None


def reader_name(text: str) -> str:
    """What a reader calls it; a name that has no row is shown as plain words.

    >>> reader_name("single_attention"), reader_name("keyclarity_mean"), reader_name("my_column")
    ('single attention', 'clearness of the key', 'my column')
    """
    row = look_up(text)
    return row.name if row else text.replace("_", " ")


def heading(column: str) -> str:
    """What a reader calls a column of a table; a plain word stays as it is.

    >>> heading("probability_horror"), heading("genre"), heading("f1_low")
    ('probability of horror', 'genre', 'F1, low')
    """
    return reader_name(column) if "_" in column or column in ("f1", "map") else column
