"""The workbook of a cue sheet: time code at the film's rate, names as text, what was said of each cue."""

import io
from fractions import Fraction
from types import SimpleNamespace

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from filmlens.audition import cuesheet, timecode
from filmlens.corpus import Film
from filmlens.text import clean

openpyxl = pytest.importorskip("openpyxl")

RATES = {
    "23.976": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "30": Fraction(30),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
}
#: Numbers of frames and their drop-frame codes, from SMPTE ST 12-1's counting: edges of minutes, tens and hours.
DROP = {
    Fraction(30000, 1001): {
        **{0: "00:00:00;00", 29: "00:00:00;29", 30: "00:00:01;00", 1799: "00:00:59;29", 1800: "00:01:00;02"},
        **{3597: "00:01:59;29", 3598: "00:02:00;02", 17981: "00:09:59;29", 17982: "00:10:00;00", 17983: "00:10:00;01"},
        **{19781: "00:10:59;29", 19782: "00:11:00;02", 107891: "00:59:59;29", 107892: "01:00:00;00"},
        **{179820: "01:40:00;00", 181619: "01:40:59;29", 181620: "01:41:00;02", 2589407: "23:59:59;29"},
    },
    Fraction(60000, 1001): {
        **{0: "00:00:00;00", 3599: "00:00:59;59", 3600: "00:01:00;04", 7195: "00:01:59;59", 7196: "00:02:00;04"},
        **{35963: "00:09:59;59", 35964: "00:10:00;00", 215783: "00:59:59;59", 215784: "01:00:00;00"},
        **{359640: "01:40:00;00", 363239: "01:40:59;59", 363240: "01:41:00;04", 5178815: "23:59:59;59"},
    },
}


def counted(frames, whole, drop):
    """Codes of all frames in their order, by counting as a clock does: numbers that are dropped are passed over."""
    hours = minutes = seconds = number = 0
    for _ in range(frames):
        yield f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if drop else ':'}{number:02d}"
        number += 1
        if number == whole:
            number, seconds = 0, seconds + 1
        if seconds == 60:
            seconds, minutes = 0, minutes + 1
            if minutes == 60:
                minutes, hours = 0, hours + 1
            number = 2 * whole // 30 if drop and minutes % 10 else 0


@pytest.mark.parametrize("rate", DROP)
def test_drop_frame_codes_are_the_standards(rate):
    for frame, code in DROP[rate].items():
        assert timecode.timecode(frame, rate, True) == code and timecode.frame_of(code, rate) == frame


@pytest.mark.parametrize("name", RATES)
def test_codes_are_those_of_counting_frame_by_frame(name):
    rate = RATES[name]
    drop, minutes = timecode.drops(rate), 12
    codes = list(counted(int(rate * 60 * minutes), round(rate), drop))
    assert codes == [timecode.timecode(frame, rate, drop) for frame in range(len(codes))]
    assert [timecode.frame_of(code, rate) for code in codes[::7]] == list(range(len(codes)))[::7]


@pytest.mark.parametrize("name", RATES)
def test_opentimelineio_counts_the_same(name):
    api = pytest.importorskip("opentimelineio").opentime
    rate = RATES[name]
    drop = timecode.drops(rate)
    for frame in [*range(0, 400_000, 1013), 1798, 1799, 1800, 17981, 17982, 3599, 3600, 35964]:
        theirs = api.to_timecode(api.RationalTime(frame, float(rate)), float(rate), drop)
        assert timecode.timecode(frame, rate, drop) == theirs


def book(monkeypatch, cues, fps=25.0, time_code="", duration=7200.0, **film):
    """The workbook of a film as openpyxl reads it: what stands above, and the table."""
    monkeypatch.setattr(timecode, "apart", lambda *a: SimpleNamespace(fps=fps, time_code=time_code, has_pictures=True))
    film = Film("one", film.get("title", "One"), 2014, (), None, None, None, 2, None)
    data = cuesheet.workbook(film, cues, duration)
    rows = list(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows())
    other = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert [row[2] for row in other] == [row[2].value or "" for row in rows], "another reader of workbooks agrees"
    head = next(i for i, row in enumerate(rows) if row[2].value == "Segue to")
    about = {row[0].value: row[1].value for row in rows[: head - 1]}
    table = [dict(zip([c.value for c in rows[head]], row, strict=True)) for row in rows[head + 1 :]]
    return about, table


@pytest.mark.parametrize("name", RATES)
def test_a_cue_after_a_hundred_minutes_has_the_code_of_its_frame(monkeypatch, name):
    rate, start, end = RATES[name], 6003.337, 6134.021
    cues = pd.DataFrame({"track": ["Theme"], "start": [start], "end": [end]})
    about, [row] = book(monkeypatch, cues, fps=round(float(rate), 3))
    drop = name in ("29.97", "59.94")
    wanted = {}
    codes = counted(int(end * float(rate)) + 2, round(rate), drop)
    frames = {"In": round(start * rate), "Out": round(end * rate)}
    frames["Duration"] = frames["Out"] - frames["In"]
    for frame, code in enumerate(codes):
        wanted |= {column: code for column, at in frames.items() if at == frame}
    assert {column: row[column].value for column in frames} == wanted
    assert about["Time code"] == f"{name} frames a second" + " drop frame" * drop
    assert (row["In (s)"].value, row["Out (s)"].value) == (start, end)


def test_codes_begin_where_the_films_own_does(monkeypatch):
    cues = pd.DataFrame({"track": ["Theme"], "start": [60.0], "end": [61.0]})
    about, [row] = book(monkeypatch, cues, fps=29.97, time_code="01:00:00:00")
    assert (about["First frame"], row["In"].value) == ("01:00:00:00", "01:00:59:28"), "the film's own drops nothing"
    about, [row] = book(monkeypatch, cues, fps=29.97, time_code="00:59:00;02")
    assert (about["First frame"], row["In"].value) == ("00:59:00;02", "01:00:00;00")
    about, [row] = book(monkeypatch, cues, fps=50.0, time_code="00:01:00;02")
    assert (about["First frame"], row["In"].value) == ("00:01:00:02", "00:02:00:02"), "of 50 there is no such code"


NAMES = ['=HYPERLINK("x",1)', "+1", "@x", "'=1", '"A", <b>', "שלום \u202eabc", "two\nlines", "é" * 200, "\uffff\x07-1"]


def test_names_are_text_and_never_a_formula(monkeypatch):
    cues = pd.DataFrame({"track": NAMES, "start": range(9), "end": range(1, 10)})
    cues = cues.assign(number="=2m3", note="-1+1", diegesis="=x", function="stinger|=b", usage="")
    about, rows = book(monkeypatch, cues.astype({"start": float, "end": float}), title="=1+1")
    assert about["Production title"] == "=1+1"
    assert [row["Title"].value for row in rows] == [clean(n).replace("\uffff", "\ufffd") for n in NAMES]
    assert {cell.data_type for row in rows for cell in row.values()} <= {"s", "n"}
    assert all(row["Title"].quotePrefix for row in rows[:4]) and not rows[4]["Title"].quotePrefix
    said = {"Number": "=2m3", "Note": "-1+1", "Diegesis": "=x", "Function": "stinger|=b", "Usage": "score"}
    assert {column: rows[0][column].value for column in said} == said
    assert all(row[column].value is None for row in rows for column in cuesheet.RIGHTS)


def test_unidentified_music_is_listed_and_not_counted(monkeypatch):
    cues = pd.DataFrame(
        {
            "track": ["Theme", "unidentified"],
            "start": [0.0, 20.0],
            "end": [10.0, 26.0],
            "usage": ["song", "music 2"],
            "unidentified": [float("nan"), True],
        }
    )
    about, rows = book(monkeypatch, cues)
    assert (about["Total music"], about["Unidentified"]) == ("00:00:10", "00:00:06")
    assert [row["Usage"].value for row in rows] == ["song", "music 2"]
    assert [row["Duration"].value for row in rows] == ["00:00:10:00", "00:00:06:00"]
