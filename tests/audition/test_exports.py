"""Exports read back: cue sheet, Audacity (both ways), JAMS by the jams package, OpenTimelineIO, WebVTT."""

import csv
import re
import shutil
import time

import av
import pandas as pd
import pytest
from conftest import edit, put_table

from filmlens import verdicts
from filmlens.audition import FORMATS, Session, cuesheet, export, exports, open_session, read_labels, timeline
from filmlens.audition.cuesheet import SHEET_COLUMNS
from filmlens.cli import app
from filmlens.corpus import Corpus, CorpusError
from filmlens.text import cell

CUES = pd.DataFrame(
    {
        "film_id": "one",
        "cue": range(4),
        "track": ["Theme", "=HYPERLINK(1)", "Theme", 'A "b" <i> & --> \t\U0001f3ac'],
        "start": [5.04, 12.0, 25.0, 36.0],
        "end": [20.0, 18.5, 30.0, 39.96],
        "track_start": [0.5, float("nan"), 3.0, float("nan")],
        "speed": [1.0, 1.0, 1.0417, 1.0],
        "score": [90.0, 12.0, float("nan"), 4.0],
    }
)


@pytest.fixture
def corpus(two_films):
    """Film one with known cues on disk, the third of them rejected."""
    edit(two_films / "films.csv", "First", '"+First, ""the"""')
    corpus = Corpus.open(two_films)
    put_table(corpus, "cues", "one", CUES, duration=40.0)
    session = open_session(corpus, "one")
    session.judge(session.cues["id"].iloc[2], "reject")
    session.describe(session.cues["id"].iloc[1], origin="song", diegesis="metadiegetic", number="=2m3")
    session.describe(session.cues["id"].iloc[0], function="button|'x")
    return corpus


def test_the_cue_sheet_is_the_industrys_and_runs_no_formula(corpus):
    [path] = export(corpus, "cue-sheet", films=["one"])
    assert path.parent == corpus.folder / "exports"
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["Production title", '\'+First, "the"'] and rows[1] == ["Year", "2014"]
    table = rows[rows.index(list(SHEET_COLUMNS)) + 1 :]
    assert SHEET_COLUMNS[:10] == (
        *("Cue", "Number", "Title", "Usage", "Origin", "Diegesis", "Function", "In", "Out", "Duration"),
    )
    assert [r[:10] for r in table] == [
        ["1", "", "Theme", "score", "", "", "button|'x", "00:00:05", "00:00:20", "00:00:15"],
        ["2", "'=2m3", "'=HYPERLINK(1)", "song", "song", "metadiegetic", "", "00:00:12", "00:00:18", "00:00:06"],
        ["3", "", 'A "b" <i> & -->  \U0001f3ac', "score", "", "", "", "00:00:36", "00:00:40", "00:00:04"],
    ]
    assert all(r[10:] == [""] * 6 for r in table), "rights are there to be filled in"
    for written in (c for row in rows for c in row if c):
        assert written[0] not in "=+-@"


def test_the_cue_sheet_lists_unidentified_music_and_nothing_else_does(corpus):
    music = pd.DataFrame({"film_id": "one", "start": [0.0, 17.0, 31.0], "end": [8.0, 24.0, 38.5], "probability": 0.9})
    put_table(corpus, "music", "one", music.assign(group=[0, 2, 0]))
    [path] = export(corpus, "cue-sheet", films=["one"])
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert ["Total music", "00:00:19"] in rows and ["Unidentified", "00:00:14"] in rows
    table = rows[rows.index(list(SHEET_COLUMNS)) + 1 :]
    assert [[r[2], r[3], r[7], r[8]] for r in table if r[2] == "unidentified"] == [
        ["unidentified", "", "00:00:00", "00:00:05"],
        ["unidentified", "music 2", "00:00:20", "00:00:24"],
        ["unidentified", "", "00:00:31", "00:00:36"],
    ]
    assert [int(r[0]) for r in table] == list(range(1, 7))
    for format in set(FORMATS) - {"cue-sheet", "xlsx"}:
        assert "unidentified" not in export(corpus, format, films=["one"])[0].read_text(encoding="utf-8")
    [path] = export(corpus, "cue-sheet", films=["one"], cues="verified")
    assert "unidentified" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", " =1", "\r\n=1"])
def test_formulas_are_defused(text):
    assert cell(text).startswith("'") and "\n" not in cell(text)


def test_audacity_labels_come_back_as_they_were(corpus):
    [path] = export(corpus, "audacity", films=["one"], cues="stamped")
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    assert [len(line) for line in lines] == [3] * 4 and lines[0] == ["5.040000", "20.000000", "Theme"]
    session = Session(corpus["one"], CUES.assign(track=[line[2] for line in lines]), 40.0)
    assert read_labels(path, session)[0] == {"accepted": 4, "corrected": 0, "added": 0, "unchanged": 0}
    assert (session.cues["verdict"] == "accept").all()
    assert read_labels(path, session)[0]["unchanged"] == 4


def test_labels_correct_what_lies_under_them_and_add_the_rest(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_USER", "eve")
    labels = tmp_path / "labels.txt"
    labels.write_text("5.04\t21\tTheme\n\\\t100\t2000\n31\t33.5\tFinale\n23\t24.9\tTheme\n", encoding="utf-8-sig")
    session = open_session(corpus, "one")
    assert read_labels(labels, session)[0] == {"accepted": 0, "corrected": 1, "added": 2, "unchanged": 0}
    kept = session.cues.set_index(["track", "stamped_start"])
    assert kept.loc[("Theme", 5.04), ["end", "verdict"]].tolist() == [21.0, "corrected"]
    assert kept.loc[("Finale", 31.0), ["end", "verdict", "who"]].tolist() == [33.5, "added", "eve"]
    assert kept.loc[("Theme", 23.0), "verdict"] == "added", "a rejected cue beside it is another one"
    before = corpus["one"].verdicts.read_text()
    labels.write_text("nonsense\n")
    with pytest.raises(ValueError, match="row 1"):
        read_labels(labels, session)
    assert corpus["one"].verdicts.read_text() == before


def test_lines_that_are_no_labels_are_named_and_the_others_kept(corpus, tmp_path):
    """Decimal commas, lines of frequencies, quote signs, point labels, as Audacity writes them all over the world."""
    labels = tmp_path / "labels.txt"
    labels.write_text('35,0\t36,5\tTheme\n\\\t100,0\t2000,0\n37\t37\tTheme\nx\t39\tTheme\n38\t38.5\tThe "End\n9\n')
    session = open_session(corpus, "one")
    session.add("", 20.5, 21.0, name='The "End')
    judged = len(session.table)
    counts, problems = read_labels(labels, session)
    assert counts["added"] == 2 and [p.removeprefix(f"{labels} ") for p in problems] == [
        "row 3: the cue has no length; end it after its start",
        "row 4: start 'x' is no time; write seconds or h:mm:ss",
        "row 6: not a label; write start, end and track between tabs",
    ]
    added = session.cues[session.cues["start"] == 35.0]
    assert added[["end", "track"]].to_numpy().tolist() == [[36.5, "Theme"]]
    assert session.cues["name"].tolist().count('The "End') == 2, "a free name is no track"
    session.undo()
    assert len(verdicts.read(corpus["one"].verdicts)) == judged, "all labels are one step"


def test_jams_is_valid_and_says_what_the_sheet_says(corpus):
    jams = pytest.importorskip("jams")
    [path] = export(corpus, "jams", films=["one"], cues="stamped")
    read = jams.load(str(path), validate=True, strict=True)
    [annotation] = read.search(namespace="segment_open")
    table = annotation.to_dataframe()
    assert table["value"].tolist() == CUES["track"].tolist()
    assert (table["time"] - CUES["start"]).abs().max() < 1e-9
    assert (table["time"] + table["duration"] - CUES["end"]).abs().max() < 1e-9
    assert table["confidence"].tolist()[:2] == [90.0, 12.0] and pd.isna(table["confidence"].iloc[2])
    assert read.file_metadata.title == '+First, "the"' and read.file_metadata.duration == 40.0


def test_otio_opens_as_a_timeline_with_the_film_and_its_tracks(corpus):
    api = pytest.importorskip("opentimelineio")
    [path] = export(corpus, "otio", films=["one"])
    line = api.adapters.read_from_file(str(path))
    kinds = [(t.name, t.kind) for t in line.tracks]
    assert kinds == [("Film", "Video"), ("Film", "Audio"), ("Cues 1", "Audio"), ("Cues 2", "Audio")]
    assert line.duration().to_seconds() == pytest.approx(40, abs=0.3)
    found = {}
    for track in line.tracks[2:]:
        for clip in track.find_clips():
            span = clip.range_in_parent()
            found[clip.name] = (span.start_time.to_seconds(), span.end_time_exclusive().to_seconds(), clip)
    for cue in CUES.drop(index=2).to_dict("records"):
        start, end, clip = found[cue["track"]]
        assert abs(start - cue["start"]) <= 0.126 and abs(end - cue["end"]) <= 0.126, "half a frame at 4 per second"
        assert clip.metadata["filmlens"]["start"] == pytest.approx(cue["start"])
    theme = found["Theme"][2]
    assert theme.media_reference.target_url == (corpus["one"].soundtrack / "Theme.flac").absolute().as_uri()
    assert theme.source_range.start_time.to_seconds() == 0.5
    assert found["=HYPERLINK(1)"][2].media_reference.is_missing_reference


def test_annotations_without_a_speed_are_clips_at_the_albums(corpus):
    api = pytest.importorskip("opentimelineio")
    text = timeline.otio(corpus["one"], CUES.iloc[[0]].drop(columns=["speed"]), 40.0)
    [clip] = api.adapters.read_from_string(text, "otio_json").tracks[2].find_clips()
    assert not clip.effects and clip.source_range.start_time.to_seconds() == 0.5


def test_a_workbook_is_the_same_whenever_it_is_written(corpus, monkeypatch):
    first = cuesheet.workbook(corpus["one"], CUES, 40.0)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 4_000)
    assert cuesheet.workbook(corpus["one"], CUES, 40.0) == first


def test_a_fast_film_makes_fast_clips(corpus):
    api = pytest.importorskip("opentimelineio")
    text = timeline.otio(corpus["one"], CUES.iloc[[2]], 40.0)
    [clip] = api.adapters.read_from_string(text, "otio_json").tracks[2].find_clips()
    assert clip.effects[0].time_scalar == pytest.approx(1.0417)


def test_a_cue_that_begins_before_its_track_keeps_the_music_in_its_place(corpus):
    api = pytest.importorskip("opentimelineio")
    text = timeline.otio(corpus["one"], CUES.iloc[[0]].assign(track_start=-1.0), 40.0)
    line = api.adapters.read_from_string(text, "otio_json")
    [clip] = line.tracks[2].find_clips()
    assert clip.range_in_parent().start_time.to_seconds() == pytest.approx(6.04, abs=0.126)
    assert clip.source_range.start_time.to_seconds() == 0 and clip.metadata["filmlens"]["start"] == 5.04


def test_webvtt_is_text_whatever_the_names(corpus):
    [path] = export(corpus, "webvtt", films=["one"])
    text = path.read_text(encoding="utf-8")
    blocks = text.strip().split("\n\n")
    assert blocks[0] == "WEBVTT" and len(blocks) == 4
    for block in blocks[1:]:
        number, times, name = block.split("\n")
        assert number.isdigit() and re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}", times)
        assert "<" not in name and "-->" not in name
    assert blocks[1].split("\n")[1] == "00:00:05.040 --> 00:00:20.000"
    assert "&lt;i&gt; &amp; --&gt;" in blocks[3]


def test_reviewed_verified_and_annotated_cues_are_exported_on_demand(corpus):
    count = {}
    for sheet in exports.SHEETS:
        [path] = export(corpus, "audacity", films=["one"], cues=sheet, out=corpus.folder / sheet)
        count[sheet] = len(path.read_text(encoding="utf-8").splitlines())
    assert count == {"reviewed": 3, "verified": 0, "stamped": 4, "annotated": 1}
    with pytest.raises(ValueError, match=r"two has not been stamped(.|\n)*1 of 2 films were written"):
        export(corpus, "jams")
    assert (corpus.folder / "exports" / "one.jams").is_file(), "the others go on"
    with pytest.raises(ValueError, match="format 'xml' is unknown"):
        export(corpus, "xml")


@pytest.mark.parametrize("format", FORMATS)
def test_a_film_without_cues_exports_an_empty_sheet(corpus, format):
    put_table(corpus, "cues", "two", CUES.iloc[:0], duration=40.0)
    [path] = export(corpus, format, films=["two"])
    assert path.is_file() and path.name.startswith("two.")


def test_the_command_writes_and_takes_in(corpus, tmp_path):
    from typer.testing import CliRunner

    folder, run = str(corpus.folder), CliRunner().invoke
    done = run(app, ["export", folder, "--format", "audacity", "--films", "one", "--out", str(tmp_path)])
    assert done.exit_code == 0 and done.output.strip() == str(tmp_path / "one.txt")
    (tmp_path / "one.txt").write_text("31\t33\tFinale\n")
    done = run(app, ["import", folder, "one", str(tmp_path / "one.txt")])
    assert done.exit_code == 0 and "1 added" in done.output
    done = run(app, ["import", folder, "one", str(tmp_path / "one.txt"), "--who", "ann"])
    assert done.exit_code == 0 and "1 added" in done.output and (corpus.folder / "verdicts/ann/one.csv").is_file()
    assert run(app, ["import", folder, "three", str(tmp_path / "one.txt")]).exit_code == 2
    assert isinstance(run(app, ["export", folder, "--format", "jams", "--films", "x"]).exception, ValueError)


@pytest.mark.parametrize(
    "line, says",
    [
        ("100.0\t120.0\tTheme\n", "row 2: the label ends at 120.0 s, outside the film of 40.0 s"),
        ("6.5\t17.8\tTheem\n", "row 2: track 'Theem' is no file of the soundtrack; is 'Theme' meant"),
    ],
)
def test_labels_of_another_cut_or_of_no_track_are_refused(corpus, tmp_path, line, says):
    session = open_session(corpus, "one")
    labels = tmp_path / "labels.txt"
    labels.write_text("6.0\t18.0\tTheme\n" + line)
    before = verdicts.read(corpus["one"].verdicts)
    with pytest.raises(CorpusError, match=rf"labels\.txt {says}"):
        read_labels(labels, session)
    assert verdicts.read(corpus["one"].verdicts).equals(before), "nothing of the file is taken"


def test_a_timeline_begins_at_the_films_time_code(corpus, tmp_path):
    film = corpus["one"].film
    with av.open(str(film)) as source, av.open(str(tmp_path / "coded.mov"), "w") as box:
        streams = [box.add_stream_from_template(s) for s in source.streams]
        streams[0].metadata["timecode"] = "01:00:00:00"
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                box.mux(packet)
    shutil.move(tmp_path / "coded.mov", film)
    session = open_session(corpus, "one")
    api = pytest.importorskip("opentimelineio")
    line = api.adapters.read_from_string(timeline.otio(corpus["one"], session.cues, 40.0), "otio_json")
    rate = line.global_start_time.rate
    assert line.global_start_time.value == 3600 * rate
    clip = line.tracks[0][0]
    assert clip.source_range.start_time.value == clip.media_reference.available_range.start_time.value == 3600 * rate
