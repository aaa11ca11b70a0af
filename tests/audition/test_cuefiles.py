"""Exports for annotators' programs come back through the house's reader, and are read by the programs' libraries."""

import base64
import io
import json
import shutil
import zipfile
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from conftest import put_table

from filmlens import verdicts
from filmlens.audition import FORMATS, Audition, AuditionCorpus, cuefiles, export, open_session, read_labels, timecode
from filmlens.corpus import Corpus, CorpusError, Film, parse_cues
from filmlens.text import clean

NAMES = ['=HYPERLINK("x",1)', '"Heroes" end, "again"', "<i>A</i> & --> b", "שלום \u202eabc", "two\nlines"]
NAMES += ["é" * 200, "+1\uffff"]
#: Over 100 minutes; every second one overlaps the next.
CUES = pd.DataFrame(
    {
        "track": NAMES,
        "start": [0.001 + 1017.103 * i for i in range(7)],
        "end": [20.499 + 1017.107 * i + 1010.0 * (i % 2) for i in range(7)],
    }
)
#: Formats that a list of cues comes back from.
BOTH_WAYS = ("audacity", "elan", "textgrid", "svl", "sv-csv", "tilia", "jams", "webvtt")


@pytest.fixture
def film(tmp_path, monkeypatch):
    info = SimpleNamespace(sample_rate=44_100, fps=30000 / 1001, time_code="01:00:00;00", has_pictures=True)
    for module in (cuefiles, timecode):
        monkeypatch.setattr(module, "apart", lambda *a: info)
    path = tmp_path / "one.mp4"
    return Film("one", "One", 2014, (), path, None, None, 2, tmp_path)


def written(film, format, cues=CUES):
    return FORMATS[format][0](film, cues, 7200.0).encode()


@pytest.mark.parametrize("format", BOTH_WAYS)
def test_what_is_written_comes_back_to_the_millisecond(film, format):
    problems = []
    back = parse_cues(written(film, format), name="a", problems=problems)
    # XML has no such character, and gives back the one that says so
    expected = [clean(n).replace("\uffff", "\ufffd") if format in ("elan", "svl") else clean(n) for n in NAMES]
    assert problems == [] and back["track"].tolist() == expected
    for column in ("start", "end"):
        assert (back[column].reset_index(drop=True) - CUES[column]).abs().max() < 0.0005
    assert parse_cues(written(film, format, CUES[:0]), name="a").empty
    assert written(film, format) == written(film, format)


def test_pympi_and_praatio_read_what_their_programs_would(film, tmp_path):
    pympi, textgrid = pytest.importorskip("pympi"), pytest.importorskip("praatio.textgrid")
    (tmp_path / "a.eaf").write_bytes(written(film, "elan"))
    file = pympi.Eaf(str(tmp_path / "a.eaf"))
    assert sorted(file.get_tier_names()) == ["Cues 1", "Cues 2"] and len(file.get_linked_files()) == 1
    assert file.get_linked_files()[0]["MEDIA_URL"] == film.film.as_uri()
    found = sorted(row for tier in file.get_tier_names() for row in file.get_annotation_data_for_tier(tier))
    assert [[a, b] for a, b, _ in found] == (CUES[["start", "end"]] * 1000).round().astype(int).to_numpy().tolist()
    (tmp_path / "a.TextGrid").write_bytes(written(film, "textgrid"))
    grid = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), includeEmptyIntervals=False, reportingMode="error")
    rows = sorted(entry for tier in grid.tiers for entry in tier.entries)
    assert [row.label for row in rows] == [clean(n) for n in NAMES]
    assert abs(np.array([(row.start, row.end) for row in rows]) - CUES[["start", "end"]].to_numpy()).max() < 1e-6


def test_a_layer_is_of_the_films_frames_and_keeps_its_bare_doctype(film):
    text = written(film, "svl").decode()
    root = ElementTree.fromstring(text)
    model, points = root.find("data/model"), root.findall("data/dataset/point")
    assert "<!DOCTYPE sonic-visualiser>\n" in text and model.get("sampleRate") == "44100"
    assert root.find("data/dataset").get("id") == model.get("dataset")
    assert root.find("display/layer").get("model") == model.get("id")
    assert int(points[1].get("frame")) == round(CUES["start"][1] * 44_100)


def test_webvtt_py_reads_the_names(film):
    webvtt = pytest.importorskip("webvtt")
    captions = webvtt.from_buffer(io.StringIO(written(film, "webvtt").decode())).captions
    assert len(captions) == 7 and captions[6].start == "01:41:42.619"
    assert captions[1].text == '♪ "Heroes" end, "again"'


def test_a_timeline_comes_back_exactly_and_where_an_editor_moved_it_to(film):
    api = pytest.importorskip("opentimelineio")
    text = written(film, "otio")
    back = parse_cues(text, name="a")
    assert back["track"].tolist() == [clean(n) for n in NAMES]
    assert abs(back[["start", "end"]].to_numpy() - CUES[["start", "end"]].to_numpy()).max() < 0.0005
    line = api.adapters.read_from_string(text.decode(), "otio_json")
    [gap] = [item for item in line.tracks[2] if isinstance(item, api.schema.Gap)][:1]
    rate = gap.source_range.duration.rate
    longer = gap.source_range.duration + api.opentime.RationalTime(300, rate)
    gap.source_range = api.opentime.TimeRange(gap.source_range.start_time, longer)
    moved = parse_cues(api.adapters.write_to_string(line, "otio_json").encode(), name="a")
    later = moved.set_index("track")["start"] - back.set_index("track")["start"]
    behind = later[later > 0]
    assert later[clean(NAMES[0])] == 0 and 2 <= len(behind) < 7, "the other lane stays where it is"
    assert behind.between(300 / rate - 1 / rate, 300 / rate + 1 / rate).all()


def test_a_timeline_of_another_program_and_damaged_json():
    api = pytest.importorskip("opentimelineio")
    line, track = api.schema.Timeline("x"), api.schema.Track("Music", kind="Audio")
    frames = api.opentime.RationalTime
    span = [api.opentime.TimeRange(frames(9, 25), frames(n, 25)) for n in (50, 75)]
    track.append(api.schema.Gap(source_range=span[0]))
    medium = api.schema.ExternalReference("a.wav", available_range=span[1])
    track.append(api.schema.Clip(name="=Theme", media_reference=medium))
    line.tracks.append(track)
    text = api.adapters.write_to_string(line, "otio_json")
    table = parse_cues(text.encode(), name="a")
    assert table[["start", "end", "track"]].to_numpy().tolist() == [[2.0, 5.0, "=Theme"]]
    for data, says in (
        (text[: len(text) // 2], r"a row \d+: the JSON is damaged here"),
        (text.replace('"value": 75.0', '"value": "x"'), "a row 1: '=Theme' has no length"),
        ('{"a": 1}', "a row 1: is no timeline"),
        ("[" * 100_000, "a row 1: the header lacks"),
        ('{"a":' * 100_000, "a row 1"),
    ):
        with pytest.raises(CorpusError, match=says):
            parse_cues(data.encode(), name="a")
    problems = []
    segments = [{"time": 1, "duration": 2, "value": "A"}, {"value": 3}]
    data = json.dumps({"annotations": [{"namespace": "segment_open", "data": segments}]}).encode()
    assert parse_cues(data, name="a", problems=problems)["track"].tolist() == ["A"]
    assert problems == ["a row 1: the segment '3' has no time or duration; write both in seconds"]


TRACKS = pd.DataFrame(
    {
        "film_id": "one",
        "cue": [0, 1],
        "track": ["Theme", "Finale"],
        "start": [5.001, 18.0],
        "end": [20.25, 36.499],
        "track_start": [0.0, 3.0],
        "speed": 1.0,
        "score": [90.0, 12.0],
    }
)


@pytest.fixture(scope="module")
def stamped(_two_films, tmp_path_factory):
    """Two films, one of them stamped."""
    folder = tmp_path_factory.mktemp("exports") / "two"
    shutil.copytree(_two_films, folder)
    put_table(Corpus.open(folder), "cues", "one", TRACKS, duration=40.0)
    return folder


def test_annotations_import_and_bench_have_the_same_outcome(stamped, tmp_path):
    corpus = Corpus.open(stamped)
    moved = TRACKS.assign(start=TRACKS["start"] - 0.5)
    (stamped / "annotations" / "one.csv").unlink()
    widget = Audition(corpus, "one")
    for format in BOTH_WAYS:
        text, ending = FORMATS[format]
        data = text(corpus["one"], moved, 40.0).encode("utf-16" if format == "textgrid" else "utf-8")
        path = stamped / "annotations" / f"one.{ending.rsplit('.')[-1]}"
        path.write_bytes(data)
        true = Corpus.open(stamped)["one"].annotations()
        session = open_session(corpus, "one")
        counts, problems = read_labels(path, session)
        assert (counts["corrected"], problems) == (2, []), format
        imported = verdicts.verified(session.stamped, session.table)
        session.undo()
        message = {"type": "labels", "id": "x", "data": base64.b64encode(data).decode(), "name": path.name}
        reply = widget.answer(message)[0]
        assert reply["text"] == "labels: 2 corrected" and reply["problems"] == []
        for table in (imported, widget.cues):
            assert table["track"].tolist() == true["track"].tolist() == ["Theme", "Finale"]
            assert (table[["start", "end"]].to_numpy() - true[["start", "end"]].to_numpy()).max() < 0.0006
        widget.answer({"type": "undo", "id": "y"})
        path.unlink()
    widget.close()


def test_all_films_at_once_go_into_one_archive_and_who_is_missing_is_named(stamped, tmp_path):
    corpus = Corpus.open(stamped)
    with pytest.raises(ValueError, match=r"two has not been stamped(.|\n)*1 of 2 films were written"):
        export(corpus, "elan", out=tmp_path / "cues.zip")
    with zipfile.ZipFile(tmp_path / "cues.zip") as box:
        assert box.namelist() == ["one.eaf"] and b"Finale" in box.read("one.eaf")
    bench = AuditionCorpus(corpus)
    reply, [data] = bench.answer({"type": "export", "id": "x", "format": "audacity", "all": True})
    bench.close()
    assert reply["name"] == "audacity.zip" and "two has not been stamped" in reply["problems"][0]
    assert zipfile.ZipFile(io.BytesIO(data)).read("one.txt") == cuefiles.audacity(None, TRACKS, 40.0).encode()
    assert json.dumps(reply["problems"])
