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
from filmlens.audition import FORMATS, Audition, AuditionCorpus, cuefiles, export, open_session, read_labels
from filmlens.corpus import Corpus, Film, parse_cues
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
BOTH_WAYS = ("audacity", "elan", "textgrid", "svl", "sv-csv", "tilia", "webvtt")


@pytest.fixture
def film(tmp_path, monkeypatch):
    monkeypatch.setattr(cuefiles, "apart", lambda *a: SimpleNamespace(sample_rate=44_100))
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
