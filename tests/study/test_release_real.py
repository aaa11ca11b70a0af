"""The real supplement, where FILMLENS_RELEASE names it; its twin in full, and the whole path to the figures.

The values are those that a later work computed on the real files (`filmlens.study.acceptance`).
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmlens import stages
from filmlens.corpus import Corpus
from filmlens.demo.release import build_release
from filmlens.features import released
from filmlens.run.notebooks import run
from filmlens.study import acceptance
from filmlens.study.release import make_corpus

NAMED = os.environ.get("FILMLENS_RELEASE", "")
ODD = "ready_player_one"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if not NAMED:
        pytest.skip("FILMLENS_RELEASE names no supplement S4 of the paper")
    return make_corpus(NAMED, tmp_path_factory.mktemp("real") / "release")


@pytest.fixture(scope="module")
def corpus(real):
    return Corpus.open(real.folder)


def names(corpus):
    table = stages.read(corpus, "mir-released-cues")
    return table, [c for c in table.columns if c not in ("film_id", "cue")]


def check_layout(made):
    """What is known of the files without any model."""
    corpus = Corpus.open(made.folder)
    assert made.films == 110 and made.cues == {"mir": 4693, "vggish": 4664}
    sheet = stages.read(corpus, "cues")
    own = sheet.groupby("film_id")[["frames_mir", "frames_vggish"]].count()
    odd = own[own["frames_mir"] != own["frames_vggish"]]
    assert odd.index.tolist() == [ODD] and odd.loc[ODD].tolist() == [71, 42]
    table, columns = names(corpus)
    assert len(columns) == 140 and all(c.endswith(("_mean", "_stddev")) for c in columns)
    family = released.mapped(columns)
    assert family["group"].isin(["MFCC", "dMFCC", "ddMFCC"]).sum() == 78
    means = table.groupby("film_id")[columns].mean().to_numpy()
    assert (np.ptp(means, axis=0) == 0).sum() == 1, "one column is constant over films"
    assert len(acceptance.film_vectors(corpus, "mfcc")[0].T) == 78
    floor = acceptance.plurality(pd.DataFrame({"genres": ["|".join(f.genres) for f in corpus]}))
    assert {k: round(v, 6) for k, v in floor.items()} == acceptance.STATED_PLURALITY


def test_the_real_files_have_the_layout_that_is_described(real):
    check_layout(real)
    assert not Corpus.open(real.folder).synthetic


def test_leaving_one_film_out_gives_what_others_computed(corpus):
    table = acceptance.table(corpus)
    assert table["within"].all(), table.to_string()


@pytest.mark.parametrize("which", list(acceptance.STATED_FOLDS))
def test_ten_times_five_folds_give_what_others_computed(corpus, which):
    vectors, labels, _ = acceptance.film_vectors(corpus, which)
    scores = acceptance.repeated_folds(vectors, labels)
    assert scores.mean() == pytest.approx(acceptance.STATED_FOLDS[which], abs=acceptance.WITHIN_FOLDS), scores[0]


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    return make_corpus(build_release(folder / "files"), folder / "corpus")


@pytest.mark.slow
def test_the_twin_in_full_has_the_layout_of_the_release(twin):
    check_layout(twin)
    assert Corpus.open(twin.folder).synthetic


@pytest.mark.slow
def test_the_twin_in_full_runs_to_its_figures_and_goes_on_where_it_was(twin, tmp_path):
    out = tmp_path / "out"
    assert run(twin.folder, out, jobs=2) == 0
    written = json.loads((out / "provenance.json").read_text())
    assert list(written["notebooks"]) == ["00_corpus", "03_genre_models", "04_feature_importance", "08_the_study"]
    files = ("table1_films", "table4_results", "fig3_importance", "study_table4", "study_readings", "study_claims")
    for name in files:
        assert (out / "figures" / f"{name}.csv").is_file(), name
    assert "synthetic" in (out / "index.html").read_text() and Path(out / "cues.csv").is_file()
    assert run(twin.folder, out, jobs=2) == 0
    assert json.loads((out / "provenance.json").read_text())["computed"] == 0
