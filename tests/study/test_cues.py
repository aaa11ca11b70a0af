"""The tidy table of cues: literal values, what is missing, what is stale, names, and what is written."""

import copy
import os
import pickle
import shutil
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from conftest import edit
from measured_films import LENGTH, measured

from filmlens import artefacts, stages
from filmlens.corpus import Corpus
from filmlens.features import mir
from filmlens.run import notebooks as run
from filmlens.study import Study, StudyError
from filmlens.study.cues import cues_table, film_lengths, slugs, write_cues_table
from filmlens.study.dictionary import describe

MODEL = {"model": "single_attention", "hidden": 8, "epochs": 2}


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    corpus = measured(tmp_path / "films", monkeypatch)
    stages.run(corpus, "genre", **MODEL, say=lambda line: None)
    return corpus


def test_every_value_is_the_one_of_its_cue(corpus):
    table = cues_table(corpus, models=[MODEL])
    sheet, music = stages.read(corpus, "cues"), stages.read(corpus, "mir-cues")
    visual, heard = stages.read(corpus, "visual"), stages.folds(corpus, "genre", **MODEL).instances()
    assert len(table) == len(sheet) == 49 and table.columns.is_unique
    for i, row in table.iterrows():
        cue = sheet.iloc[i]
        assert (row["film_id"], row["cue"], row["track"], row["start"]) == tuple(
            cue[["film_id", "cue", "track", "start"]]
        )
        assert row["duration"] == cue["end"] - cue["start"]
        assert (
            row["position"] == pytest.approx((cue["start"] + cue["end"]) / 2 / LENGTH) and row["film_seconds"] == LENGTH
        )
        same = (music["film_id"] == row["film_id"]) & (music["cue"] == row["cue"])
        assert row[list(mir.COLUMNS)].astype(float).to_numpy() == pytest.approx(
            music.loc[same, list(mir.COLUMNS)].to_numpy()[0]
        )
        seen = visual[(visual["film_id"] == row["film_id"]) & visual["time"].between(row["start"], row["end"])]
        assert row["picture_brightness"] == pytest.approx(seen["brightness"].median())
        film = heard[heard["film_id"] == row["film_id"]]
        own = film[film["cue"] == row["cue"]].iloc[0]
        assert row["probability_sci_fi"] == own["Sci-Fi"]
        assert row["attention_sci_fi"] == pytest.approx(own["attention Sci-Fi"] / film["attention Sci-Fi"].sum())
        assert row["genre_horror"] == ("Horror" in row["genres"].split("|"))
    assert np.allclose(table.groupby("film_id")[["attention_action", "attention_drama"]].sum(), 1)
    assert set(table["composer"]) == {"C0", "C1", "C2"} and "film" not in table and "soundtrack" not in table


def test_verdicts_are_found_by_track_and_overlap(corpus):
    assert cues_table(corpus).groupby("verdict").size().to_dict() == {"": 48, "accept": 1}
    path = corpus["film 0"].verdicts
    sheet = stages.read(corpus, "cues")
    first, second, third = (sheet.iloc[k] for k in range(3))
    path.write_text(
        "track,start,end,verdict,new_track\n"
        f"{first.track},{first.start},{first.end},reject,\n"
        f"{second.track},{second.start},{second.end},corrected,Other\n"
        f"Nothing,{third.start},{third.end},reject,\n"
        f"{third.track},{third.start},{third.end},music,\n"
        f"Song,{third.start},{third.end},added,\n"
    )
    assert cues_table(corpus)["verdict"].tolist()[:4] == ["reject", "corrected", "", ""]
    stages.run(corpus, "verified", say=lambda line: None)
    judged = cues_table(corpus, cues="verified")
    assert dict(zip(judged["track"], judged["verdict"], strict=True)) == {"Other": "corrected", "Song": "added"}


def test_what_was_not_measured_is_missing_and_what_is_stale_is_left_out(corpus):
    with pytest.warns(UserWarning, match="no model was fitted on mir yet"):
        table = cues_table(corpus)  # the model of Table 5 was not fitted
    assert table["probability_drama"].isna().all() and table["mfcc_00_mean"].notna().all()
    path = stages.path(corpus, "cues", "film 3")
    sheet = artefacts.read_table(path)
    artefacts.write_table(path, sheet.iloc[::-1].assign(cue=range(7)), artefacts.read_provenance(path))
    with pytest.warns(UserWarning, match=r"mir of film 3, mir-cues of film 3, visual of film 3, the genre model; run"):
        table = cues_table(corpus, models=[MODEL])
    gone = table[table["film_id"] == "film 3"]
    assert gone[["mfcc_00_mean", "picture_contrast"]].isna().all(axis=None) and table["probability_drama"].isna().all()
    assert table.loc[table["film_id"] != "film 3", "mfcc_00_mean"].notna().all()


def test_a_model_of_other_labels_is_left_out(corpus):
    films = corpus.folder / "films.csv"
    films.write_text(films.read_text().replace("Horror", "Comedy", 1))
    with pytest.warns(UserWarning, match="left out: the genre model; run again"):
        table = cues_table(Corpus.open(corpus.folder), models=[MODEL])
    assert table["probability_drama"].isna().all() and table["rms_mean"].notna().all()


def test_an_empty_corpus_gives_an_empty_table(corpus, tmp_path):
    assert cues_table(Corpus.open(corpus.folder, derived=tmp_path / "none")).empty
    assert len(film_lengths(Corpus.open(corpus.folder, derived=tmp_path / "none"))) == 0
    assert film_lengths(corpus).to_dict() == dict.fromkeys(corpus.ids, LENGTH), "films without cues have a length too"


def test_names_are_plain_and_all_different():
    assert slugs(["Sci-Fi", "Sci Fi", "Film noir", "恐怖", "?!"]) == {
        "Sci-Fi": "sci_fi",
        "Sci Fi": "sci_fi_2",
        "Film noir": "film_noir",
        "恐怖": "恐怖",
        "?!": "genre",
    }


def test_further_columns_do_not_shadow_ours(corpus):
    films = corpus.folder / "films.csv"
    films.write_text(films.read_text().replace("composer", "score"))
    table = cues_table(Corpus.open(corpus.folder))
    assert set(table["film_score"]) == {"C0", "C1", "C2"} and table["score"].dtype == float


def test_what_is_written_reads_the_same(corpus, tmp_path):
    table = cues_table(corpus, models=[MODEL])
    write_cues_table(table, tmp_path / "out")
    parquet, csv = pd.read_parquet(tmp_path / "out" / "cues.parquet"), pd.read_csv(tmp_path / "out" / "cues.csv")
    pd.testing.assert_frame_equal(parquet, table, check_dtype=False)
    pd.testing.assert_frame_equal(csv, table.replace({"verdict": {"": np.nan}}), check_dtype=False, rtol=1e-5)
    words = pd.read_csv(tmp_path / "out" / "cues_columns.csv")
    assert words["column"].tolist() == list(table.columns) and words["meaning"].notna().all()
    known = describe(table).set_index("column")["meaning"]
    assert known["composer"] == "further column of films.csv" and (known == "further column of films.csv").sum() == 1


def test_the_model_of_table_4_stands_in_for_that_of_table_5(tmp_path, monkeypatch):
    """After notebook 03 of the quick profile, with 64 nodes, there were no probabilities, and nobody was told."""
    folder = measured(tmp_path / "films", monkeypatch).folder
    study = Study.open(folder)
    with pytest.warns(UserWarning, match="no model was fitted on mir yet"):
        assert study.cues_table()["probability_drama"].isna().all()
    settings = {"model": "single_attention", "epochs": study.epochs, "learning_rate": study.learning_rate}
    [fitted] = study.models([settings | {"hidden": 64}])
    heard = fitted.instances().set_index(["film_id", "cue"])["Drama"]
    table = study.cues_table().set_index(["film_id", "cue"])["probability_drama"].dropna()
    pd.testing.assert_series_equal(table, heard.loc[table.index], check_names=False)


def test_the_cue_table_of_a_run_hears_the_features_that_were_asked_for(tmp_path, monkeypatch):
    study = Study.open(measured(tmp_path / "films", monkeypatch).folder)
    asked = []
    monkeypatch.setattr(Study, "cues_table", lambda self, **choices: asked.append(choices) or pd.DataFrame())
    monkeypatch.setattr(Study, "features", lambda self, chosen="": chosen.split(","))
    for given in ("mir,clap", ""):
        run._write_cues(study, given, tmp_path, print)
    assert asked == [{"features": "clap"}, {"features": ""}]


def test_a_study_is_copied_and_a_mistyped_feature_set_is_refused(tmp_path, monkeypatch):
    study = Study.open(measured(tmp_path / "films", monkeypatch).folder, profile="paper")
    for again in (copy.copy(study), copy.deepcopy(study), pickle.loads(pickle.dumps(study))):
        assert again.epochs == 200 and again.hidden == (64, 128) and again.corpus.ids == study.corpus.ids
    with pytest.raises(AttributeError):
        study.epoch  # noqa: B018
    with pytest.raises(ValueError, match="has no parameter features"):
        study.table("mir-cues", features="vggish")
    with pytest.raises(StudyError, match="features='mri' are not there: measured are mir, keyfree, tonic, vggish"):
        study.table("features", features="mri")


def test_the_dictionary_knows_every_verdict():
    words = describe(pd.DataFrame({"verdict": [""]}))["meaning"].iloc[0]
    assert all(kind in words for kind in ("accept", "corrected", "added", "reject"))


def test_the_table_that_is_kept_is_the_one_that_would_be_gathered(corpus, tmp_path):
    def both():
        """The table as it is given, and as it is gathered where nothing is kept; whether it was kept."""
        opened, kept_files = Corpus.open(corpus.folder), list((corpus.derived / "gathered").glob("*"))
        before = [path.stat().st_mtime_ns for path in kept_files]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            table = cues_table(opened, models=[MODEL])
        was_kept = bool(before) and before == [path.stat().st_mtime_ns for path in kept_files]
        shutil.rmtree(corpus.derived / "gathered", ignore_errors=True)
        with warnings.catch_warnings(record=True) as anew:
            warnings.simplefilter("always")
            pd.testing.assert_frame_equal(table, cues_table(opened, models=[MODEL]))
        assert [str(w.message) for w in told] == [str(w.message) for w in anew]
        return was_kept

    def shifted(name):
        path = stages.path(corpus, name, corpus.ids[2])
        table = artefacts.read_table(path)
        artefacts.write_table(path, table.iloc[::-1], artefacts.read_provenance(path))

    def flipped(path):  # the size and the time of its content stay
        data, stat = bytearray(path.read_bytes()), path.stat()
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    films = corpus.folder / "films.csv"
    assert not both() and both() and both()
    changes = [
        *(partial(shifted, name) for name in ("visual", "mir-cues", "cues")),
        *(partial(flipped, stages.path(corpus, name, corpus.ids[1])) for name in ("mir-cues", "visual")),
        *(partial(stages.path(corpus, name, corpus.ids[3]).unlink) for name in ("mir-cues", "visual", "cues")),
        *(partial(edit, films, old, new) for old, new in (("Comedy", "Drama"), ("Horror", "Action"))),
        lambda: (corpus.folder / "verdicts" / f"{corpus.ids[0]}.csv").unlink(),
    ]
    for number, change in enumerate(changes):
        change()
        assert not both(), number
        assert both(), number
    [path] = (corpus.derived / "gathered").iterdir()
    flipped(path)
    assert not both() and both(), "it is gathered again"
