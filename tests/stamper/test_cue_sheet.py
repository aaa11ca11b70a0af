"""Cue sheets: rows, files, pictures; interval sets."""

import numpy as np
import pandas as pd
import pytest

from filmlens.corpus import read_cues
from filmlens.stamper import CueSheet, intervals


@pytest.fixture
def sheet():
    rows = {"track": ["B", "A <i>&", "B"], "start": [50.0, 5.25, 20.0], "end": [60.0, 20.0, 30.5], "score": [3.0, 9, 7]}
    return CueSheet(
        pd.DataFrame(rows | {"track_start": [0.0, 12.5, 40.0]}), duration=100, problems=["skipped: <x>.wav"]
    )


def test_rows_are_ordered_complete_and_do_not_change(sheet):
    assert sheet.table["start"].tolist() == [5.25, 20.0, 50.0]
    assert list(sheet.table.columns) == ["track", "start", "end", "track_start", "speed", "score"]
    copy = sheet.table
    copy.loc[0, "start"] = -1
    assert sheet.table.loc[0, "start"] == 5.25
    with pytest.raises(AttributeError):
        sheet.duration = 3
    assert sheet.length == pytest.approx(35.25)
    cues = sheet.cues("film_7")
    assert list(cues.columns[:3]) == ["film_id", "cue", "track"]
    assert cues["cue"].tolist() == [0, 1, 2]


def test_parts_of_a_sheet(sheet):
    part = sheet.between(10, 25).table
    assert part[["start", "end"]].values.tolist() == [[10, 20], [20, 25]]
    assert part["track_start"].tolist() == [17.25, 40]
    np.testing.assert_array_equal(sheet.intervals(), [[5.25, 30.5], [50, 60]])
    np.testing.assert_array_equal(sheet.intervals("B"), [[20, 30.5], [50, 60]])


def test_csv_comes_back(sheet, tmp_path):
    sheet.to_csv(tmp_path / "cues.csv")
    pd.testing.assert_frame_equal(CueSheet(read_cues(tmp_path / "cues.csv")).table, sheet.table)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, 2, "A"), (7, 7, "B")], "row 2"),
        ([(1, float("nan"), "A")], "row 1"),
        ([(1, 2, "")], "name its track"),
    ],
)
def test_a_bad_cue_is_named_by_its_row(rows, message):
    with pytest.raises(ValueError, match=message):
        CueSheet(pd.DataFrame(rows, columns=["start", "end", "track"]))
    with pytest.raises(ValueError, match="lack the column track"):
        CueSheet(pd.DataFrame(rows, columns=["start", "end", "name"]))


def test_a_sheet_shows_itself_escaped(sheet):
    page = sheet._repr_html_()
    assert "A &lt;i&gt;&amp;" in page
    assert "<i>" not in page
    assert "skipped: &lt;x&gt;.wav" in page
    picture = sheet.timeline_svg()
    assert "<i>" not in picture
    assert picture.count('height="10"') == 3
    assert CueSheet(sheet.table.iloc[:0], duration=0)._repr_html_()


def test_interval_sets_agree_with_a_grid():
    rng = np.random.default_rng(1)
    for _ in range(50):
        a, b = (np.sort(rng.integers(0, 40, (rng.integers(0, 6), 2)), axis=1) for _ in range(2))
        grid_a, grid_b = np.zeros(40, bool), np.zeros(40, bool)
        for rows, grid in ((a, grid_a), (b, grid_b)):
            for start, end in rows:
                grid[start:end] = True
        assert intervals.length(a) == grid_a.sum()
        assert intervals.length(intervals.intersection(a, b)) == (grid_a & grid_b).sum()
        assert intervals.length(intervals.difference(a, b)) == (grid_a & ~grid_b).sum()
        assert intervals.length(np.concatenate([a, b])) == (grid_a | grid_b).sum()
