"""A data set from a corpus: what is in it, what must not be, and that it reads and runs without the media."""

import io
import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import edit
from measured_films import measured

from filmlens import artefacts, stages
from filmlens.corpus import Corpus
from filmlens.corpus.check import check
from filmlens.run.notebooks import RunError, dry_run, run
from filmlens.study import Study, robustness
from filmlens.study import share as sharing
from filmlens.study.share import SharingError, share

MODEL = {"model": "average", "hidden": 8, "epochs": 2}


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    return measured(tmp_path / "my films", monkeypatch)


def read(path):
    with zipfile.ZipFile(path) as box:
        return {name: box.read(name) for name in box.namelist()}


def test_the_zip_holds_every_table_twice_and_says_what_it_is(corpus, tmp_path):
    result = share(corpus, tmp_path / "features.zip", licence="CC BY 4.0")
    files = read(tmp_path / "features.zip")
    assert {"README.md", "films.csv", "columns.csv", "provenance.json", "shared.json", "cues.csv"} <= set(files)
    assert result.left_out == {} and result.rows["cues"] == 7 * 7 and result.rows["windows"] == 16
    for name in ("cues", "windows", "segments", "mir", "mir-cues", "visual"):
        whole = pd.read_csv(io.BytesIO(files[f"csv/{name}.csv"]))
        parts = [pq.read_table(io.BytesIO(files[f"derived/{name}/{f}.parquet"])).to_pandas() for f in corpus.ids]
        parts = pd.concat([p for p in parts if len(p)], ignore_index=True)
        pd.testing.assert_frame_equal(whole, parts, check_dtype=False, rtol=1e-5)
        original = stages.read(corpus, name)
        pd.testing.assert_frame_equal(parts, original)
    words = pd.read_csv(io.BytesIO(files["columns.csv"]))
    for name, part in words.groupby("table"):
        file = files[name] if name == "cues.csv" else files[f"csv/{name}.csv"]
        assert part["column"].tolist() == file.decode().splitlines()[0].split(","), name
    assert not words["meaning"].str.contains("see the version").any(), "a column without a meaning"
    readme = files["README.md"].decode()
    assert "CC BY 4.0" in readme and "No sound, no picture" in readme and "synthetic" not in readme
    assert json.loads(files["provenance.json"])["tables"][0]["films"] == 8


def test_nothing_private_and_nothing_of_the_media_goes_in(corpus, tmp_path):
    (corpus.derived / "peaks").mkdir()
    (corpus.derived / "peaks" / "film 0.parquet").write_bytes(b"waveform")
    error = {"mir": {"film 1": f"{corpus['film 1'].film}: is cut"}}
    artefacts.record_failures(corpus.derived / "failures.csv", {"mir": ["film 1"]}, error)
    share(corpus, tmp_path / "f.zip")
    files = read(tmp_path / "f.zip")
    text = b"\n".join(files.values())
    notes = [pq.read_metadata(io.BytesIO(data)).metadata[b"filmlens"] for n, data in files.items() if "/cues/" in n]
    for secret in (str(tmp_path), "Anna Muster", "my note", "the sound of", "the pictures of"):
        assert secret.encode() not in text + b"".join(notes), secret
    assert b"film 0.mkv: ends early" in b"".join(notes), "the message stays, its folder goes"
    assert b"film 1.mkv: is cut" in files["derived/failures.csv"]
    assert not [n for n in files if "peaks" in n]
    assert b"song" in files["verdicts/film 0.csv"]
    assert pd.read_csv(io.BytesIO(files["films.csv"]), keep_default_na=False)["film"].eq("").all()


def test_the_same_tables_give_the_same_bytes(corpus, tmp_path):
    share(corpus, tmp_path / "a.zip")
    share(Corpus.open(corpus.folder), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_no_longer_fits_is_left_out_and_said(corpus, tmp_path):
    path = stages.path(corpus, "cues", "film 1")
    table = artefacts.read_table(path)
    artefacts.write_table(path, table.assign(start=table["start"] + 1), artefacts.read_provenance(path))
    (corpus.folder / "films" / "film 2.mkv").write_text("another cut of the film")
    with pytest.warns(UserWarning, match="older than the cues, so left out: mir of film 1"):
        result = share(corpus, tmp_path / "f.zip")
    assert set(result.left_out) == {
        *(f"{name}/film 1" for name in ("mir", "mir-cues", "visual")),
        *(f"{name}/film 2" for name in ("cues", "windows", "segments", "mir", "mir-cues", "visual")),
    }
    assert "other cues" in result.left_out["mir/film 1"] and "the film changed" in result.left_out["cues/film 2"]
    assert "left out: mir: made from other cues than those here; run it again: film 1" in str(result)


def test_tables_of_random_weights_stay_at_home(corpus, tmp_path):
    path = stages.path(corpus, "mir", "film 1")
    provenance = artefacts.read_provenance(path)
    provenance["notes"] = {"origin": "random weights, test only"}
    artefacts.write_table(path, artefacts.read_table(path), provenance)
    result = share(corpus, tmp_path / "f.zip")
    assert result.left_out["mir/film 1"] == "random weights, test only"
    assert not any("mir/film 1" in name or "mir-cues/film 1" in name for name in read(tmp_path / "f.zip"))


def test_without_cues_or_under_a_wrong_name_nothing_is_written(corpus, tmp_path):
    with pytest.raises(SharingError, match=r"is a zip; write --out features\.zip"):
        share(corpus, tmp_path / "features")
    shutil.rmtree(corpus.derived)
    with pytest.raises(SharingError, match="no cue was found or read yet"):
        share(corpus, tmp_path / "features.zip")
    assert not (tmp_path / "features.zip").exists()


def test_models_from_the_zip_are_those_from_the_corpus(corpus, tmp_path, monkeypatch):
    share(corpus, tmp_path / "features.zip")
    shutil.rmtree(corpus.folder / "films")
    shutil.rmtree(corpus.folder / "soundtracks")
    monkeypatch.undo()  # no fake measures it: nothing may be measured
    other = Corpus.open(tmp_path / "features.zip")
    assert other.shared and other.ids == corpus.ids and "no media" in check(other.folder).summary
    outcomes = stages.run(other, "genre", **MODEL, say=lambda line: None)
    assert [o.computed for o in outcomes] == [0, 0, 0, 1] and not any(o.failed for o in outcomes)
    there = stages.folds(other, "genre", **MODEL)
    assert there.left_out == ["silent"] and len(there.cues) == 49
    features = stages.read(other, "mir-cues")
    pd.testing.assert_frame_equal(features, stages.read(corpus, "mir-cues"))
    assert stages.run(other, "verified", say=lambda line: None)[-1].computed == 8
    assert stages.read(other, "verified")["track"].tolist() == [
        artefacts.read_table(stages.path(other, "cues", "film 0"))["track"].iloc[0]
    ]
    assert Study.open(other.folder).length("film 0") == 600


def test_a_shared_corpus_can_be_shared_again(corpus, tmp_path):
    share(corpus, tmp_path / "a.zip")
    result = share(Corpus.open(tmp_path / "a.zip"), tmp_path / "b.zip")
    assert result.left_out == {}
    first, second = read(tmp_path / "a.zip"), read(tmp_path / "b.zip")
    assert set(first) == set(second)
    assert [n for n in first if first[n] != second[n]] in ([], ["provenance.json"])
    assert np.isclose(len(first["cues.csv"]), len(second["cues.csv"]))


def test_a_shared_corpus_is_asked_only_for_what_it_brings(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))  # what another corpus was asked for is not known
    share(corpus, tmp_path / "features.zip")
    study = Study.open(tmp_path / "features.zip")
    monkeypatch.setattr(robustness, "enough", lambda films: True)
    allowed = robustness.conditions(study)
    assert "as reported" in allowed and not {"Dejavu's cues", "sound of the film"} & set(allowed)
    assert {"Dejavu's cues", "sound of the film"} <= set(robustness.conditions(Study.open(corpus.folder)))
    assert study.strip("film 0") == []
    lines = []
    with pytest.raises(RunError, match="01_score_stamper need the films"):
        run(tmp_path / "features.zip", tmp_path / "out", notebooks=["01"], say=lines.append)
    text = dry_run(tmp_path / "features.zip")
    assert "mir" in text and "cues@engine=dejavu" not in text and "01" not in text


def test_rows_of_a_csv_are_those_that_pandas_writes():
    """Numbers over the whole range of doubles, damaged ones, texts that bite; in chunks, as float32 and as whole."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal(3000) * 10.0 ** rng.integers(-12, 16, 3000)
    numbers[:9] = np.nan, np.inf, -np.inf, 0, -0.0, 99999.96, 0.00099999951, 1e300, 1e-300
    table = pd.DataFrame({"x": numbers, "small": rng.random(3000).astype(np.float32), "n": np.arange(3000)})
    table["yes"] = rng.random(3000) < 0.5
    table["track"] = rng.choice(["=1+1", 'a "b"', "a,b", "-2.5", "", "No. 2\nAir", "01", "Café"], 3000)
    table["verdict"] = pd.Series([None, "accept"] * 1500, dtype=object)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = pa.concat_tables([arrow.slice(0, 1000), arrow.slice(1000)])
    expected = pd.read_csv(io.StringIO(sharing._csv_text(table)))
    found = pd.read_csv(io.BytesIO(sharing._csv_rows(arrow)), names=expected.columns)
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12)
    texts = pd.read_csv(io.BytesIO(sharing._csv_rows(arrow)), dtype=str, keep_default_na=False, names=expected.columns)
    mantissa = texts["x"].str.partition("e")[0].str.replace(r"\D", "", regex=True)
    assert (mantissa[9:].str.strip("0").str.len() <= 6).all(), "no digit that is only rounding"


def test_a_zip_is_written_again_when_anything_changed_and_only_then(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))
    out, other = tmp_path / "f.zip", tmp_path / "other.zip"
    first = share(corpus, out)

    def again():
        result = share(Corpus.open(corpus.folder), out)
        if not result.again:
            anew = share(Corpus.open(corpus.folder), other)
            assert (result.rows, result.left_out) == (anew.rows, anew.left_out)
            assert out.read_bytes() == other.read_bytes()
            other.unlink()
        return result.again

    assert not first.again and again() and "nothing changed" in str(share(corpus, out))
    before, path = out.read_bytes(), stages.path(corpus, "mir-cues", "film 3")
    failures = corpus.derived / "failures.csv"
    for change in (
        lambda: path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:]),  # damaged
        lambda: path.unlink(),
        lambda: (corpus.folder / "films" / "film 2.mkv").write_text("another cut of the film"),
        lambda: edit(corpus.folder / "films.csv", "Comedy", "Drama"),
        lambda: (corpus.folder / "verdicts" / "film 1.csv").write_text("track,start,end,verdict\nA,1,2,added\n"),
        lambda: stages.path(corpus, "visual", "film 5").write_bytes(b"no table"),
        lambda: artefacts.record_failures(failures, {"mir": ["film 1"]}, {"mir": {"film 1": "no"}}),
        lambda: out.write_bytes(out.read_bytes()[:-1]),
        lambda: out.unlink(),
    ):
        change()
        assert not again(), "that nothing changed"
        assert again()
    assert share(corpus, out, licence="CC BY 4.0").again is False and before != out.read_bytes()
