"""The few numbers that the study states in its text, and nothing else.

Its tables and figures did not come with the text, so a number that is not in ``data/paper/numbers.csv``,
with the sentence it stands in, is never shown as the paper's.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

CITATION = (
    "Ma B, Greer T, Knox D, Narayanan S (2021). A computational lens into how music characterizes genre in film. "
    "PLOS ONE 16(4): e0249957. https://doi.org/10.1371/journal.pone.0249957"
)


@cache
def numbers() -> pd.DataFrame:
    """The stated numbers: columns item, name, value, sentence."""
    inside = Path(__file__).parent / "paper"
    beside = Path(__file__).parent.parent / "data" / "paper"
    folder = inside if inside.is_dir() else beside
    return pd.read_csv(folder / "numbers.csv")


def number(name: str) -> float:
    """One stated number; NaN when the text does not give it.

    >>> number("films")
    110.0
    >>> number("films tagged Comedy")
    nan
    """
    found = numbers().loc[numbers()["name"] == name, "value"]
    return float(found.iloc[0]) if len(found) else float("nan")
