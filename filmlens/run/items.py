"""What the report shows, in its order: a row of ``items.csv`` per figure or table."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from filmlens.findings import summaries


class Item(NamedTuple):
    """One figure or table.

    - part: of the report, under whose heading it stands
    - name: of the paper's item, or a short one of our own
    - file: its files in the folder of figures, without ending
    - summary: gives sentences from the numbers of `numbers`; in the table the name of a function of `summaries`
    - numbers: the CSV that is summed up; that of `file` by default
    - learnt: whether it rests on a genre model or a comparison of genres: it is left unsaid where no genre has
      films enough
    - needs: what a corpus without it lacks
    """

    part: str
    name: str
    file: str
    notebook: str
    title: str
    summary: Callable[[pd.DataFrame], list[str]] | None
    numbers: str
    learnt: bool
    needs: str
    caption: str


def _item(row: dict[str, str]) -> Item:
    summary = getattr(summaries, row["summary"]) if row["summary"] else None
    return Item(**row | {"summary": summary, "learnt": row["learnt"] == "yes"})


with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    ITEMS = tuple(map(_item, csv.DictReader(_file)))
