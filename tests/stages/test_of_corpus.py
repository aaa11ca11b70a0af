"""Corpus stages beyond the defaults: films held out together, loudness left out, other contrasts, training again."""

import numpy as np
import pandas as pd
import pytest

from filmlens import stages
from filmlens.features import mir
from filmlens.stages import STAGES, of_corpus
from filmlens.study import Study, robustness

FILMS = [f"film{i:02d}" for i in range(12)]
SETTINGS = STAGES["genre"].parameters | {"epochs": 3, "hidden": 4, "learning_rate": 1e-3}


@pytest.fixture
def told():
    """Labels and groups as a corpus stage is told of them; the timbre of Horror stands out."""
    labels = pd.DataFrame({"Drama": [i % 2 == 0 for i in range(12)]})
    labels = labels.assign(Comedy=~labels["Drama"], Horror=[i % 3 == 0 for i in range(12)])
    labels.index = pd.Index(FILMS, name="film_id")
    return labels.assign(franchise="", composer=[f"C{i // 4}" if i < 8 else "" for i in range(12)])


@pytest.fixture
def tables(told):
    rng = np.random.default_rng(0)
    sheet = pd.DataFrame([(f, c, 10.0 * c, 10.0 * c + 8) for f in FILMS for c in range(4)])
    sheet.columns = ["film_id", "cue", "start", "end"]
    features = pd.DataFrame(rng.normal(size=(len(sheet), len(mir.COLUMNS))), columns=list(mir.COLUMNS))
    features[mir.GROUPS["Timbre"]] += 4 * told.loc[sheet["film_id"], ["Horror"]].to_numpy()
    return {"features": pd.concat([sheet[["film_id", "cue"]], features], axis=1), "sheet": sheet}


def test_films_of_one_composer_are_held_out_together(told, tables):
    fitted = of_corpus.genre(told, tables, **SETTINGS | {"scheme": "composer"})
    assert (fitted.fold[:4] == fitted.fold[0]).all() and (fitted.fold[4:8] == fitted.fold[4]).all()
    assert len(set(fitted.fold)) == 6, "a film without a composer is a group of its own"
    with pytest.raises(ValueError, match="no column franchise"):
        of_corpus.genre(told, tables, **SETTINGS | {"scheme": "franchise"})


def test_ranks_1_to_13_leave_the_loudness_and_its_deltas_out(told, tables):
    fitted = of_corpus.genre(told, tables, **SETTINGS | {"mfcc_ranks": "1-13"})
    gone = set(mir.COLUMNS) - set(fitted.columns)
    assert gone == {f"{kind}_00_{of}" for kind in ("mfcc", "dmfcc", "ddmfcc") for of in ("mean", "std")}


def test_ranks_0_to_12_leave_the_highest_rank_out(told, tables):
    fitted = of_corpus.genre(told, tables, **SETTINGS | {"mfcc_ranks": "0-12"})
    gone = set(mir.COLUMNS) - set(fitted.columns)
    assert gone == {f"{kind}_13_{of}" for kind in ("mfcc", "dmfcc", "ddmfcc") for of in ("mean", "std")}


def test_training_again_uses_the_models_settings_and_folds(told, tables):
    model = of_corpus.genre(told, tables, **SETTINGS | {"epochs": 60, "hidden": 16, "learning_rate": 1e-2})
    table = of_corpus.retrained(told, tables | {"genre": model}, rank0="MFCC")
    horror = table[table["genre"] == "Horror"].set_index("group")
    truth = told["Horror"].to_numpy()
    hits = model.prediction[:, 2]
    assert horror["full"].iloc[0] == pytest.approx(2 * (hits & truth).sum() / (hits.sum() + truth.sum()))
    assert horror["only"].idxmax() == "Timbre" and horror.loc["Timbre", "only"] > 0.8
    assert (horror["drop"] == horror["full"] - horror["without"]).all()


def test_other_definitions_of_contrast_are_the_visual_features_own(told, tables):
    model = of_corpus.genre(told, tables, **SETTINGS)
    rng = np.random.default_rng(1)
    visual = pd.DataFrame([(f, t + 0.5) for f in FILMS for t in range(40)], columns=["film_id", "time"])
    for name in ("brightness", "contrast", "contrast_rms"):
        visual[name] = rng.random(len(visual))
    inputs = tables | {"genre": model, "visual": visual}
    plain, other = (of_corpus.cross_modal(told, inputs, contrast=c) for c in ("contrast", "contrast_rms"))
    same = (plain["difference"] == other["difference"]) | plain["difference"].isna()
    assert same[plain["measure"] == "brightness"].all() and not same[plain["measure"] == "contrast"].all()
    with pytest.raises(ValueError, match="choose one of contrast, contrast_rms"):
        of_corpus.cross_modal(told, inputs, contrast="contrast_weber")


def test_groups_make_models_stale_only_where_they_are_used(toy):
    corpus = Study.open(toy).corpus
    before = {s: stages.planned(corpus, "genre", scheme=s)[-1].tasks for s in ("leave-one-film-out", "composer")}
    film = corpus[corpus.ids[0]]
    film.more["composer"] = "Somebody Else"
    after = {s: stages.planned(corpus, "genre", scheme=s)[-1].tasks for s in ("leave-one-film-out", "composer")}
    for scheme, changes in (("leave-one-film-out", False), ("composer", True)):
        told = [[t.recipe["media"] for t in tasks[scheme]] for tasks in (before, after)]
        assert (told[0] != told[1]) == changes


def test_conditions_that_a_corpus_cannot_have_are_left_out(toy, monkeypatch):
    study = Study.open(toy)
    assert list(robustness.conditions(study)) == ["as reported"], "eight films have no verdict that could change"
    monkeypatch.setattr(robustness, "enough", lambda films: True)
    known = robustness.conditions(study)
    groups = study.corpus.groups()
    for group in groups:
        assert (f"folds by {group}" in known) == groups[group][groups[group] != ""].duplicated().any()
    annotated = Study.open(toy, cues="annotated")
    assert "Dejavu's cues" in known and "Dejavu's cues" not in robustness.conditions(annotated)
    parameters = set(stages.parameter_names("genre", {})) | set(stages.parameter_names("cross-modal", {}))
    parameters |= set(stages.parameter_names("importance", {}))
    assert all(set(change) <= parameters for change in robustness.CONDITIONS.values())
