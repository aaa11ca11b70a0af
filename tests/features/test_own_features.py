"""Features that users bring: the documented example is run, names flow to models, what does not fit is refused."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import documented_example, edit

from filmlens import stages
from filmlens.features import own
from filmlens.features.own import FeaturesError, cue_hash
from filmlens.study import Study, StudyError


def test_a_film_without_cues_needs_no_file(brought):
    study = Study.open(brought)
    none = study.table("sheet").iloc[:0]
    (brought / "features" / "clap" / "one.parquet").unlink()
    assert own.read(study.corpus["one"], "clap", none).empty


def test_the_documented_example_is_picked_up_by_name(brought):
    assert len(documented_example().splitlines()) <= 11
    study = Study.open(brought)
    assert study.features() == ["mir"] and study.features("clap") == ["clap"]
    rows = study.table("features", features="clap", level="frame")
    assert list(rows) == ["film_id", "cue", "time", "clap_0", "clap_1"] and set(rows["film_id"]) == {"one", "two"}
    vectors = study.table("features", features="clap")
    means = rows.groupby("film_id")["clap_0"].mean()
    assert vectors["clap_0"].tolist() == pytest.approx(means.tolist())
    assert (study.corpus.derived / "own-cues@features=clap" / "one.parquet").is_file()
    [fitted] = study.models([{"model": "simple_mi_knn", "features": "clap"}])
    assert tuple(fitted.columns) == ("clap_0", "clap_1")
    [other] = study.models([{"model": "simple_mi_knn"}])
    assert len(other.columns) == 140, "MIR lies beside it"


def change(path, **changes):
    table = pq.read_table(path)
    frame = table.to_pandas()
    for name, value in changes.items():
        frame[name] = value
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(arrow.replace_schema_metadata({b"cues": frame.attrs["cues"].encode()}), path)


def test_the_hash_may_lie_in_the_files_own_metadata(brought):
    change(brought / "features" / "clap" / "one.parquet")
    assert len(Study.open(brought).table("features", features="clap")) == 2


@pytest.mark.parametrize(
    "kind", ["other cues", "no hash", "infinite", "text", "foreign cue", "no time", "page", "wider"]
)
def test_what_does_not_fit_the_cues_is_an_error(brought, kind):
    path = brought / "features" / "clap" / "two.parquet"
    says = {"no hash": "does not say which cues", "infinite": "infinite", "text": "holds no numbers"}
    says |= {"foreign cue": "none of two's", "no time": "lacks time", "page": "cannot be read", "wider": "columns"}
    cues = "stamped"
    if kind == "other cues":
        cues = "annotated"
    elif kind == "no hash":
        bare = pd.read_parquet(path)
        bare.attrs.clear()
        bare.to_parquet(path)
    elif kind == "infinite":
        change(path, clap_0=np.inf)
    elif kind == "text":
        change(path, clap_0="loud")
    elif kind == "foreign cue":
        change(path, cue=7)
    elif kind == "no time":
        frame = pd.read_parquet(path)
        hashed = frame.attrs["cues"]
        frame = frame.drop(columns="time")
        frame.attrs["cues"] = hashed
        frame.to_parquet(path)
    elif kind == "page":
        path.write_text("<html>")
    else:
        change(path, clap_2=1.0)
    study = Study.open(brought, cues=cues)
    study.table("features", features="clap", level="frame")
    [error] = study.failures.loc[study.failures["film_id"] == "two", "error"]
    assert "two.parquet" in error and says.get(kind, "measured on other cues") in error


def test_cues_that_change_make_features_stale(brought):
    corpus = Study.open(brought).corpus
    hashed = cue_hash(stages.read(corpus, "cues").query("film_id == 'one'"))
    stages.run(corpus, "annotated", say=lambda line: None)
    annotated = stages.read(corpus, "annotated").query("film_id == 'one'")
    assert hashed != cue_hash(annotated) == cue_hash(annotated.iloc[::-1])
    edit(brought / "annotations" / "one.csv", "5,20", "5,19.999")
    stages.run(corpus, "annotated", say=lambda line: None)
    assert cue_hash(stages.read(corpus, "annotated").query("film_id == 'one'")) != cue_hash(annotated)


def test_names_are_checked(brought):
    study = Study.open(brought)
    with pytest.raises(StudyError, match=r"'mert' are not there.*brought clap"):
        study.features("mert")
    for name in ("../clap", "a/b", "", "visual", "mir-cues"):
        with pytest.raises(FeaturesError):
            own.check_name(name)
    (brought / "features" / "clap").rename(brought / "features" / "mir")
    with pytest.raises(FeaturesError, match="FilmLens's own"):
        study.features()


def test_a_film_without_a_file_fails_and_the_other_goes_on(brought):
    (brought / "features" / "clap" / "one.parquet").unlink()
    study = Study.open(brought)
    assert set(study.table("features", features="clap")["film_id"]) == {"two"}
    assert "one.parquet: no such file" in study.failures["error"][0]
