"""Cue lists as other programs' own libraries write them, whole and damaged, read by the house's one reader."""

import html

import pandas as pd
import pytest

from filmlens.corpus import Corpus, CorpusError, parse_cues
from filmlens.text import clean

NAMES = [
    "Theme",
    '=HYPERLINK("x",1)',
    '"Heroes" end, "again"',
    "<i>A</i> & --> b",
    "שלום \u202eabc עולם",
    "two\nlines",
    "é" * 200,
]
#: Over 100 minutes, with milliseconds that binary fractions do not have.
ROWS = [(1.001 + 1017.103 * i, 9.499 + 1017.107 * i, name) for i, name in enumerate(NAMES)]


def elan(rows, pretty=True, tiers=("Music",), **media):
    pympi = pytest.importorskip("pympi")
    file = pympi.Eaf(author="someone")
    file.remove_tier("default")
    if media:
        file.add_linked_file("film.mp4", mimetype="video/mp4", **media)
    for tier in tiers:
        file.add_tier(tier)
        for start, end, name in rows:
            file.add_annotation(tier, round(start * 1000), round(end * 1000), name)
    return pympi.Elan.to_string(file, pretty=pretty).encode()


def praat(rows, form="long_textgrid", coding="utf-8", tier="words"):
    io = pytest.importorskip("praatio.utilities.textgrid_io")
    shape = {"name": tier, "xmin": 0, "xmax": 7000}
    tiers = [shape | {"class": "IntervalTier", "entries": list(rows)}, shape | {"class": "TextTier", "name": "clicks"}]
    tiers[1]["entries"] = [(3, "a point")]
    return io.getTextgridAsStr({"xmin": 0, "xmax": 7000, "tiers": tiers}, form, True).encode(coding)


def pympis_textgrid(rows, tmp_path, mode):
    pympi = pytest.importorskip("pympi")
    grid = pympi.TextGrid(xmax=7000)
    tier = grid.add_tier("Cues")
    for start, end, name in rows:
        tier.add_interval(start, end, name)
    grid.to_file(str(tmp_path / "a.TextGrid"), codec="utf-16", mode=mode)
    return (tmp_path / "a.TextGrid").read_bytes()


def subtitles(rows):
    webvtt = pytest.importorskip("webvtt")
    file = webvtt.WebVTT()
    for start, end, name in rows:
        times = (f"{int(t // 3600):02d}:{int(t // 60 % 60):02d}:{t % 60:06.3f}" for t in (start, end))
        file.captions.append(webvtt.Caption(*times, html.escape(clean(name), quote=False)))
    return file.content.encode()


def visualiser(rows, rate=44_100):
    """A layer of regions, as Sonic Visualiser 5 writes it."""
    points = "".join(
        f'      <point frame="{round(start * rate)}" value="0" duration="{round((end - start) * rate)}" '
        f'label="{html.escape(clean(name))}" />\n'
        for start, end, name in rows
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE sonic-visualiser>\n<sv>\n  <data>\n'
        f'    <model id="3" name="" sampleRate="{rate}" start="0" end="300000000" type="sparse" dimensions="3" '
        'resolution="1" notifyOnAdd="true" dataset="2" subtype="region" valueQuantization="0" minimum="0" maximum="1" '
        f'units="" />\n    <dataset id="2" dimensions="3">\n{points}    </dataset>\n  </data>\n  <display>\n'
        '    <layer id="1" type="regions" name="Regions" model="3" verticalScale="4" plotStyle="1" colourName="Green" '
        'colour="#008000" darkBackground="false" />\n  </display>\n</sv>\n'
    ).encode()


def visualisers_lines(rows, mark=",", head=False):
    """The same layer as text: a label is quoted only where it holds what stands between cells."""
    lines = [mark.join(("TIME", "VALUE", "DURATION", "LABEL"))] * head
    for start, end, name in rows:
        label = clean(name)
        label = '"' + label.replace('"', '""') + '"' if mark in label else label
        lines.append(mark.join((f"{start:.9f}", "0", f"{end - start:.9f}", label)))
    return "\n".join(lines).encode()


WRITTEN = {
    "elan": lambda tmp: elan(ROWS),
    "elan in one line": lambda tmp: elan(ROWS, pretty=False),
    "textgrid long": lambda tmp: praat(ROWS),
    "textgrid short": lambda tmp: praat(ROWS, "short_textgrid"),
    "textgrid long UTF-16": lambda tmp: praat(ROWS, coding="utf-16"),
    "textgrid short UTF-16": lambda tmp: praat(ROWS, "short_textgrid", "utf-16"),
    "textgrid of pympi": lambda tmp: pympis_textgrid(ROWS, tmp, "normal"),
    "textgrid of pympi, short": lambda tmp: pympis_textgrid(ROWS, tmp, "short"),
    "webvtt": lambda tmp: subtitles(ROWS),
    "svl": lambda tmp: visualiser(ROWS),
    "svl at 48 kHz": lambda tmp: visualiser(ROWS, 48_000),
    "sv csv": lambda tmp: visualisers_lines(ROWS),
    "sv csv with header": lambda tmp: visualisers_lines(ROWS, head=True),
    "sv tabs": lambda tmp: visualisers_lines(ROWS, "\t"),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_other_programs_write_is_read_to_the_millisecond(kind, tmp_path):
    problems = []
    table = parse_cues(WRITTEN[kind](tmp_path), name="a", problems=problems)
    assert problems == [] and table["track"].tolist() == [clean(name) for name in NAMES]
    assert table["start"].iloc[-1] > 6000
    for column, at in (("start", 0), ("end", 1)):
        assert (table[column] - [round(row[at], 3) for row in ROWS]).abs().max() < 0.0005


@pytest.mark.parametrize("kind", ["elan", "textgrid long UTF-16", "svl", "webvtt", "sv csv"])
def test_annotations_may_be_any_of_them(two_films, kind, tmp_path):
    ending = {"elan": "eaf", "svl": "SVL", "webvtt": "vtt", "sv csv": "csv"}.get(kind, "TextGrid")
    (two_films / "annotations" / "one.csv").unlink()
    (two_films / "annotations" / f"one.{ending}").write_bytes(WRITTEN[kind](tmp_path))
    table = Corpus.open(two_films)["one"].annotations()
    assert table["track"].tolist() == [clean(name) for name in NAMES]


def test_tilias_hierarchies_are_cues_and_its_measures_are_not():
    table = parse_cues(b"start,end,level,label,comments\n3723.5,3730.25,1,Theme,x\n", name="a.csv")
    assert table[["start", "end", "track", "level"]].to_numpy().tolist() == [[3723.5, 3730.25, "Theme", "1"]]
    with pytest.raises(CorpusError, match=r"a\.csv row 1: start and end are measures, not times"):
        parse_cues(b"start,start_fraction,end,level,label\n1,0.5,3,1,Theme\n", name="a.csv")
    with pytest.raises(CorpusError, match="row 1: the header lacks start, end"):
        parse_cues(b"time,label\n1,Theme\n", name="a.csv")


def test_a_film_that_begins_later_than_its_annotations():
    table = parse_cues(elan(ROWS[:1], time_origin=2500), name="a")
    assert table[["start", "end"]].to_numpy().tolist() == [[3.501, 11.999]]


@pytest.mark.parametrize(
    ("tiers", "count"), [(("Cues 1", "Cues 2"), 2), (("shots", "Music"), 1), (("speech",), 1), (("a", "b"), 0)]
)
def test_of_several_tiers_those_of_music_are_read_and_nothing_is_guessed(tiers, count):
    data = elan(ROWS[:2], tiers=tiers)
    if count:
        assert len(parse_cues(data, name="a")) == 2 * count
        return
    with pytest.raises(CorpusError, match=r"a\.eaf row 1: has the tiers a, b; call the one that holds the cues Cues"):
        parse_cues(data, name="a.eaf")


def damage(data, old, new, coding="utf-8"):
    text = data.decode(coding)
    assert old in text
    return text.replace(old, new, 1)


GOOD = [(1.0, 2.0, "A"), (3.0, 4.0, "B"), (5.0, 6.0, "C")]
DAMAGED = {
    "a slot without time": (
        damage(elan(GOOD), ' TIME_VALUE="3000"', ""),
        "the annotation 'B' has no time; align it in ELAN",
        ["A", "C"],
    ),
    "XML that breaks off": (
        damage(elan(GOOD), "<ANNOTATION_VALUE>C", "<ANNOTATION_VALUE<C"),
        "the XML is damaged from here on (not well-formed (invalid token)); save the file again",
        ["A", "B"],
    ),
    "a frame that is none": (
        damage(visualiser(GOOD), f'frame="{3 * 44100}"', 'frame="3 s"'),
        "not a region; it needs frame and duration, and its model a sampleRate",
        ["A", "C"],
    ),
    "an instant": (
        damage(visualiser(GOOD), 'duration="44100" label="B"', 'label="B"'),
        "not a region; it needs frame and duration, and its model a sampleRate",
        ["A", "C"],
    ),
    "a time of TextGrid": (
        damage(praat(GOOD), "xmin = 3 ", "xmin = three "),
        "not a whole interval; write its start, its end and its text in quotation marks",
        ["A", "C"],
    ),
    "a time of the short form": (
        damage(praat(GOOD, "short_textgrid"), '\n4\n"B"', '\nfour\n"B"'),
        "not a whole interval; write its start, its end and its text in quotation marks",
        ["A", "C"],
    ),
    "a quotation mark": (
        damage(praat(GOOD), '"B"', '"B'),
        "a quotation mark is opened and not closed; close it, and double those inside a text",
        ["A", "C"],
    ),
    "a timing": (
        damage(subtitles(GOOD), "00:00:03.000 --> ", "00:00:03.000 -> --> "),
        "'00:00:03.000 -> --> 00:00:04.000' is no timing; write 00:01:02.345 --> 00:01:09.876",
        ["A", "C"],
    ),
    "a subtitle without words": (
        damage(subtitles(GOOD), "\nB", "\n"),
        "the cue has no name; write the track that plays",
        ["A", "C"],
    ),
    "a line of regions": (
        "x" + visualisers_lines(GOOD).decode(),
        "not a region; write time, value, duration and label between commas",
        ["B", "C"],
    ),
    "a first label": (
        "x\t2\tA\n3\t4\tB\n\\\t100\t200\n5,5\t6\tC\n",
        "start 'x' is no time; write seconds or h:mm:ss",
        ["B", "C"],
    ),
    "a point label": ("1\t2\tA\n3\t3\tB\n5\t6\tC\n", "the cue has no length; end it after its start", ["A", "C"]),
    "a table's cells": (
        "start,end,track\n1,2,A\n3,4,B,b,b\n5,6,C\n",
        "5 cells under 3 columns; quote a cell with a comma",
        ["A", "C"],
    ),
    "a table's mark": (
        'start,end,track\n1,2,"A"\n3,4,"B\n5,6,C\n7,8,"D"\n',
        "a quotation mark is opened and not closed; close or double it",
        ["A", "C", "D"],
    ),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_fault_is_named_by_its_line_and_costs_no_other(kind):
    text, said, left = DAMAGED[kind]
    problems = []
    table = parse_cues(text.encode(), name="cues", problems=problems)
    assert table["track"].tolist() == left
    told = [p for p in problems if p.endswith(f": {said}")]
    assert told and all(p.startswith("cues row ") for p in problems), problems
    row = int(told[0].split()[2].rstrip(":"))
    around = "".join(text.splitlines(keepends=True)[row - 1 : row + 2])
    assert any(sign in around for sign in ("B", "<C", "x1", "x\t", "three", "00:00:03")), (row, around)
    with pytest.raises(CorpusError, match=r"^cues row \d"):
        parse_cues(text.encode(), name="cues")


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "doctype",
    [
        BOMB,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a PUBLIC "x" "http://example.org/a.dtd">',
        '<!DOCTYPE a [<!ENTITY c SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % c SYSTEM "http://example.org/a"> %c;]>',
    ],
)
@pytest.mark.parametrize("write", [elan, visualiser])
def test_xml_that_defines_or_fetches_is_refused_before_it_is_read(doctype, write):
    text = write([(1.0, 2.0, "evil")]).decode().replace("<!DOCTYPE sonic-visualiser>", "").replace("evil", "&c;")
    head, body = ("", text) if not text.startswith("<?") else text.split("\n", 1)
    with pytest.raises(CorpusError, match=r"cues row \d: defines or fetches something \(DOCTYPE\); take that out"):
        parse_cues(f"{head}\n{doctype}{body}".encode(), name="cues", problems=[])


@pytest.mark.parametrize("coding", ["utf-16", "cp1252", "utf-8-sig"])
def test_xml_is_read_in_its_own_coding(coding):
    text = elan([(1.0, 2.0, "Amélie “fin”")]).decode()
    text = f'<?xml version="1.0" encoding="{coding.removesuffix("-sig")}"?>\n{text}'
    assert parse_cues(text.encode(coding), name="cues")["track"].tolist() == ["Amélie “fin”"]


def test_an_entity_of_nobody_is_a_damage():
    problems = []
    data = damage(elan(GOOD), ">C<", ">&c;<").encode()
    assert parse_cues(data, name="cues", problems=problems)["track"].tolist() == ["A", "B"]
    assert "undefined entity" in problems[0]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"ooBinaryFile\x08TextGrid\0\0", "a binary TextGrid; in Praat, Save as text file"),
        (b"BZh91AY&SY\0", "a session of Sonic Visualiser; there, export the layer of regions"),
        (b"PK\x03\x04\0\0", "a workbook or an archive; save the cues as CSV UTF-8"),
        (b"<html><body>1,2,A</body></html>", "row 1: is no ELAN file"),
        (b"FRAME,VALUE,DURATION,LABEL\n1,0,2,A\n", "row 1: times are frames of a sound; export the layer with times"),
        (b"TIME,LABEL\n1,A\n", "row 1: the layer has no durations; export a layer of regions"),
        (b'File type = "ooTextFile"\nObject class = "TextGrid"\n', "row 1: has no tier of intervals; draw each cue"),
        (b"<sv>" + b"<point/>" * 200_001 + b"</sv>", "more than 200000 elements; is it the right file"),
        (b"x" * (17 << 20), "has 17 MB, too much for a list of cues"),
    ],
)
def test_what_holds_no_cues_says_what_to_do(data, says):
    with pytest.raises(CorpusError, match=f"^cues.*{says}"):
        parse_cues(data, name="cues", problems=[])


def test_a_label_that_looks_like_a_time_leaves_a_table_a_table():
    table = parse_cues(b"start,end,track,track_start\n5,20,01,0\n30,40,02,1.5\n", name="a.csv")
    assert table["track"].tolist() == ["01", "02"] and isinstance(table, pd.DataFrame)
    assert parse_cues(b"Start\tEnd\tTrack\n5\t20\t01\n", name="a.txt")["track"].tolist() == ["01"]
    with pytest.raises(CorpusError, match="row 1: the header lacks end"):
        parse_cues(b"start,stop,track,n\n5,20,01,0\n", name="a.csv")
