"""The whole path of the study's released data in small: files, corpus, run, figures, report."""

import json

import pandas as pd
import pytest

from filmlens.demo.release import build_release
from filmlens.run.notebooks import run
from filmlens.study.release import make_corpus


def test_the_notebook_of_the_studys_data_runs_on_its_own(tmp_path):
    corpus = make_corpus(build_release(tmp_path / "files", films=8, most_cues=3), tmp_path / "release").folder
    lines = []
    assert run(corpus, tmp_path / "out", notebooks=["08"], jobs=2, say=lines.append) == 0, lines
    figures = tmp_path / "out" / "figures"
    for name in ("study_read", "study_table4", "study_readings"):
        assert "Synthetic corpus." in (figures / f"{name}.html").read_text(), name
    claims = pd.read_csv(figures / "study_claims.csv")
    assert claims["verdict"].str.contains("synthetic corpus|too few films").all()


@pytest.mark.slow
def test_a_small_twin_runs_from_its_files_to_the_report(tmp_path):
    files = build_release(tmp_path / "files", films=8, most_cues=3)
    corpus = make_corpus(files, tmp_path / "release").folder
    lines = []
    assert run(corpus, tmp_path / "out", jobs=2, say=lines.append) == 0
    told = "\n".join(lines)
    assert "left out, because a shared corpus has no films: 01_score_stamper, 02_features, 06_audition" in told
    assert "left out, because no pictures were measured: 05_cross_modal, 07_what_stands" in told
    written = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert list(written["notebooks"]) == ["00_corpus", "03_genre_models", "04_feature_importance", "08_the_study"]
    figures, page = tmp_path / "out" / "figures", (tmp_path / "out" / "index.html").read_text()
    for name in ("study_read", "study_names", "study_table4", "study_readings", "study_claims", "fig3_importance"):
        assert (figures / f"{name}.csv").is_file(), name
    assert "Every number on this page comes from a synthetic corpus" in page and "What the study" in page
    for name in ("study_table4", "study_readings", "study_read"):
        assert "Synthetic corpus." in (figures / f"{name}.html").read_text(), name
    table = pd.read_csv(figures / "study_table4.csv")
    assert "synthetic twin: F1" in table and "authors' features: F1" not in table
    claims = pd.read_csv(figures / "study_claims.csv")
    assert claims["verdict"].str.contains("synthetic corpus|too few films").all()
    quoted = pd.read_csv(figures / "table4_results.csv").set_index(["features", "name"])
    assert quoted.loc[("mir-released", "average 64"), "paper F1"] == 0.61, "the paper's row is known by its own name"
    cues = pd.read_csv(tmp_path / "out" / "cues.csv")
    assert {"frames_mir", "mfcc1_mean", "probability_action"} <= set(cues) and cues["start"].isna().all()
    again = run(corpus, tmp_path / "out", notebooks=["08"], jobs=2, say=lines.append)
    assert again == 0 and json.loads((tmp_path / "out" / "provenance.json").read_text())["computed"] == 0
