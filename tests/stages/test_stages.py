"""The one loop: what is stale is computed, nothing else; a film that fails does not stop the others."""

import os

import numpy as np
import pandas as pd
import pytest
from conftest import edit

from filmlens import stages, stamper
from filmlens.artefacts import read_failures, read_provenance
from filmlens.corpus import Corpus, Film
from filmlens.media.write import write_film
from filmlens.stages import of_corpus, of_film
from filmlens.stages.of_film import cue_sound

quiet = {"say": lambda line: None}


def counts(outcomes):
    return {o.stage: (o.computed, o.kept, len(o.failed)) for o in outcomes}


def test_stages_run_in_order_and_only_when_stale(two_films):
    corpus = Corpus.open(two_films)
    first = stages.run(corpus, "mir-cues", **quiet)
    assert counts(first) == {"cues": (2, 0, 0), "mir": (2, 0, 0), "mir-cues": (2, 0, 0)}
    assert counts(stages.run(corpus, "mir-cues", **quiet)) == {n: (0, 2, 0) for n in ("cues", "mir", "mir-cues")}
    cues, frames, vectors = (stages.read(corpus, n) for n in ("cues", "mir", "mir-cues"))
    assert cues["film_id"].unique().tolist() == ["one", "two"] and set(cues["track"]) == {"Theme"}
    assert vectors.shape == (len(cues), 142)
    assert len(frames) == pytest.approx((cues["end"] - cues["start"]).sum(), abs=3)
    assert frames.groupby(["film_id", "cue"])["time"].min().iloc[0] == pytest.approx(cues["start"].iloc[0] + 0.5)
    stages.run(corpus, "cues", engine="dejavu", **quiet)
    assert len(stages.read(corpus, "windows", engine="dejavu")) == 16
    assert (corpus.derived / "windows@engine=dejavu" / "one.parquet").is_file()
    assert (corpus.derived / "segments@engine=dejavu" / "one.parquet").is_file()


def test_a_changed_film_is_stale_and_the_other_is_not(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "mir", **quiet)
    film = two_films / "films" / "one.mp4"
    os.utime(film, ns=(5, 5))
    assert counts(stages.run(corpus, "mir", **quiet)) == {"cues": (0, 2, 0), "mir": (0, 2, 0)}, "only touched"
    film.write_bytes(film.read_bytes() + b"more")
    assert counts(stages.run(corpus, "mir", **quiet)) == {"cues": (1, 1, 0), "mir": (1, 1, 0)}


def test_parameters_lie_side_by_side(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "mir", **quiet)
    stages.run(corpus, "mir", sound="film", cues="annotated", **quiet)
    folders = sorted(p.name for p in corpus.derived.iterdir() if p.is_dir())
    assert folders == [
        "annotated",
        "cues",
        "hashes",
        "mir",
        "mir@cues=annotated,sound=film",
        "segments",
        "tracks",
        "windows",
    ]
    path = stages.path(corpus, "mir", "one", sound="film", cues="annotated")
    assert read_provenance(path)["recipe"]["parameters"] == {"cues": "annotated", "sound": "film", "voicing": 0.0}
    annotated = stages.read(corpus, "mir", sound="film", cues="annotated")
    assert annotated.groupby("film_id").size().tolist() == [15, 15]


def test_changed_annotations_are_seen(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "annotated", **quiet)
    edit(two_films / "annotations" / "one.csv", "5,20", "5,19")
    assert counts(stages.run(Corpus.open(two_films), "annotated", **quiet)) == {"annotated": (1, 1, 0)}


def test_a_cue_is_measured_on_its_track_or_on_the_film(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "annotated", **quiet)
    cue = next(stages.read(corpus, "annotated").itertuples())
    track, speed = cue_sound(corpus["one"], cue, "track")
    film, _ = cue_sound(corpus["one"], cue, "film")
    assert speed == 1 and len(track) == len(film) == 15 * 44_100
    assert 0.001 < abs(track - film).mean() < 0.05, "the film has noise that the track has not"
    nowhere = cue._replace(track_start=float("nan"))
    assert (cue_sound(corpus["one"], nowhere, "track")[0] == film).all(), "a cue without a place falls back on the film"


def test_accepted_verdicts_are_a_sheet_of_their_own(two_films):
    corpus = Corpus.open(two_films)
    (two_films / "verdicts").mkdir()
    (two_films / "verdicts" / "one.csv").write_text(
        "track,start,end,verdict,new_track,new_start,new_end\nTheme,5,20,accept,,6.5,\nFinale,30,40,reject,,,\n"
    )
    stages.run(corpus, "verified", **quiet)
    sheet = stages.read(corpus, "verified")
    assert len(sheet) == 1 and sheet.loc[0, ["film_id", "track"]].tolist() == ["one", "Theme"]
    assert sheet.loc[0, "start"] == 6.5 and sheet.loc[0, "track_start"] == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_broken_film_is_recorded_and_the_other_goes_on(two_films, jobs):
    (two_films / "films" / "one.mp4").write_text("this is no film")
    corpus = Corpus.open(two_films)
    outcomes = stages.run(corpus, "mir-cues", jobs=jobs, **quiet)
    assert counts(outcomes) == {"cues": (1, 0, 1), "mir": (1, 0, 0), "mir-cues": (1, 0, 0)}
    failures = read_failures(corpus.derived / "failures.csv")
    assert failures[["film_id", "stage"]].to_numpy().tolist() == [["one", "cues"]]
    assert "one.mp4" in failures["error"][0]
    assert stages.read(corpus, "mir-cues")["film_id"].unique().tolist() == ["two"]


def test_a_mended_film_is_computed_and_its_failure_forgotten(two_films, tmp_path):
    film = two_films / "films" / "one.mp4"
    film.rename(tmp_path / "away.mp4")
    corpus = Corpus.open(two_films)
    stages.run(corpus, "cues", **quiet)
    (tmp_path / "away.mp4").rename(film)
    assert counts(stages.run(corpus, "cues", **quiet)) == {"cues": (1, 1, 0)}
    assert read_failures(corpus.derived / "failures.csv").empty


def test_jobs_make_no_difference(two_films):
    corpus = Corpus.open(two_films)
    tables = []
    for jobs in (1, 2):
        stages.run(corpus, "mir-cues", jobs=jobs, **quiet)
        tables.append(stages.read(corpus, "mir-cues"))
        for path in corpus.derived.rglob("*.parquet"):
            path.unlink()
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize("kind", ["empty soundtrack", "silent film", "film without sound", "missing soundtrack"])
def test_bad_media_name_file_or_row(two_films, kind):
    folder = two_films / "soundtracks" / "one"
    if kind == "empty soundtrack":
        for path in folder.iterdir():
            path.unlink()
    elif kind == "missing soundtrack":
        folder.rename(two_films / "elsewhere")
    else:
        sound = np.zeros(44_100 * 20, np.float32) if kind == "silent film" else None
        write_film(two_films / "films" / "one.mp4", (np.zeros((32, 32), np.uint8) for _ in range(80)), sound, fps=4)
    corpus = Corpus.open(two_films)
    stages.run(corpus, "mir-cues", **quiet)
    failures = read_failures(corpus.derived / "failures.csv")
    if kind == "silent film":
        assert failures.empty and "one" not in set(stages.read(corpus, "cues")["film_id"])
    else:
        assert failures["film_id"].tolist() == ["one"]
        assert ("row 2" in failures["error"][0]) or ("one.mp4" in failures["error"][0])
    assert stages.read(corpus, "mir-cues")["film_id"].unique().tolist() == ["two"]


def test_a_pure_sound_film_has_no_pictures(two_films):
    from conftest import melody

    from filmlens.media.write import write_audio

    write_audio(two_films / "films" / "one.flac", melody(0, 40), 44_100)
    edit(two_films / "films.csv", "films/one.mp4", "films/one.flac")
    corpus = Corpus.open(two_films)
    stages.run(corpus, "visual", **quiet)
    assert stages.read(corpus, "visual")["film_id"].unique().tolist() == ["two"]
    assert "sound file" in read_provenance(stages.path(corpus, "visual", "one"))["notes"]["pictures"]


def test_films_of_one_genre_have_models_that_say_so():
    rng = np.random.default_rng(0)
    ids = [f"film{i}" for i in range(5)]
    rows = [(film, cue, *rng.normal(size=3)) for film in ids for cue in range(3)]
    features = pd.DataFrame(rows, columns=["film_id", "cue", "a", "b", "c"])
    sheet = features[["film_id", "cue"]].assign(start=0.0, end=[4.0 if c == 2 else 9.0 for c in features["cue"]])
    labels = pd.DataFrame({"Drama": True}, index=pd.Index(ids, name="film_id"))
    settings = stages.STAGES["genre"].parameters | {"epochs": 2}
    for model in ("average", "simple_mi_knn", "zero_rule"):
        fitted = of_corpus.genre(labels, {"features": features, "sheet": sheet}, **settings | {"model": model})
        assert fitted.prediction.all() and fitted.probability.shape == (5, 1)
    bags = of_corpus.bags_of(features, sheet, labels)
    assert bags.sizes.tolist() == [2] * 5, "cues under five seconds are not used"
    with pytest.raises(ValueError, match="at least two films"):
        of_corpus.genre(labels[:1], {"features": features, "sheet": sheet}, **settings)
    with pytest.raises(ValueError, match="model='maximum' is unknown"):
        of_corpus.genre(labels, {"features": features, "sheet": sheet}, **settings | {"model": "maximum"})


def test_the_default_engine_is_the_stampers():
    assert stages.STAGES["cues"].parameters["engine"] == stamper.DEFAULT_ENGINE


def test_unknown_names_are_refused(two_films):
    corpus = Corpus.open(two_films)
    with pytest.raises(ValueError, match="no stage 'mirr'"):
        stages.run(corpus, "mirr")
    with pytest.raises(ValueError, match=r"no parameter rul; it has .*rule"):
        stages.run(corpus, "cues", rul="votes")
    with pytest.raises(ValueError, match="cues='guessed' is unknown"):
        stages.run(corpus, "mir", cues="guessed")
    for name, words in {"engine": "filmlens or dejavu", "sound": "track or film", "rule": "nearby or votes"}.items():
        with pytest.raises(ValueError, match=f"{name}=guessed is unknown; choose {words}"):
            stages.run(corpus, "mir", **{name: "guessed"})
    with pytest.raises(ValueError, match="sampling=some is unknown; choose exact or keyframes"):
        stages.run(corpus, "visual", sampling="some")
    assert not corpus.derived.exists(), "refused before the first film"
    with pytest.raises(KeyError, match="no film 'three'"):
        stages.run(corpus, "cues", films=["three"])


def test_a_sweep_brings_every_input_up_to_date_first(brought):
    """The stages' order was that of the first configuration: models on MIR came before MIR."""
    corpus = Corpus.open(brought)
    sweep = [{"features": "clap", "model": "zero_rule"}, {"features": "mir", "model": "zero_rule"}]
    outcomes = stages.run(corpus, "genre", sweep=sweep, **quiet)
    assert [o.stage for o in outcomes] == ["cues", "mir", "mir-cues", "own", "own-cues", "genre"]
    assert counts(outcomes)["genre"] == (2, 0, 0)


def test_the_rows_stand_in_running_order():
    order = list(stages.STAGES)
    for name in order:
        for chosen in ({}, {"features": "vggish"}, {"features": "clap"}, {"cues": "verified"}, {"cues": "annotated"}):
            if set(chosen) <= set(stages.parameter_names(name, chosen)):
                before = [order.index(n) for n in stages.chain(name, chosen)[:-1]]
                assert all(place < order.index(name) for place in before), name


def test_variants_of_equal_values_have_names_of_their_own():
    """The values stood without their keys: features="max" and model="max" were one file."""
    asked = [
        *(("genre", {key: "max"}) for key in ("features", "model")),
        *(("genre", {key: "film"}) for key in ("features", "sound")),
        *(("genre", {key: "dejavu"}) for key in ("features", "engine")),
        *(("genre", {key: "verified"}) for key in ("features", "cues")),
        *(("genre", {key: "frame"}) for key in ("features", "level")),
    ]
    names = [stages.variant(stage, stages.complete(stage, chosen)) for stage, chosen in asked]
    assert len(set(names)) == len(names), names


def test_the_tracks_of_a_film_are_listed_once(two_films, monkeypatch):
    """They were listed three times for every cue, which took 21 s for 50 cues and a library of 3,000 files."""
    rows = "".join(f"{5 + k},{11 + k},Theme,{k}\n" for k in range(6))
    (two_films / "annotations" / "one.csv").write_text(f"start,end,track,track_start\n{rows}")
    film, listed, tracks = Corpus.open(two_films)["one"], [], Film.tracks
    monkeypatch.setattr(Film, "tracks", lambda self: listed.append(self.id) or tracks(self))
    sheet = of_film.annotated(film, {})
    measured = of_film.music(film, {"sheet": sheet}, features="mir", cues="annotated", sound="track")
    assert listed == ["one"] and measured.table["cue"].nunique() == 6 and measured.notes["measured_on_film"] == 0
