"""What is damaged or exchanged on disk is computed again and told; what only looks changed is not."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import edit

from filmlens import artefacts, stages, stamper
from filmlens.artefacts import ArtefactError
from filmlens.corpus import Corpus
from filmlens.run.status import status
from filmlens.stages import staleness

quiet = {"say": lambda line: None}


@pytest.fixture
def corpus(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "annotated", **quiet)
    stages.run(corpus, "cues", **quiet)
    return corpus


def counts(outcomes):
    return {o.stage: (o.computed, o.kept, o.healed) for o in outcomes}


def flip(path, where=0.5):
    data = bytearray(path.read_bytes())
    data[int(where * len(data))] ^= 16
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["cues", "windows", "segments"])
@pytest.mark.parametrize("how", ["bit", "middle", "foreign", "of the other film", "of another table", "cut"])
def test_a_wrong_file_heals_at_the_next_run(corpus, name, how):
    path, other = (stages.path(corpus, name, film) for film in ("one", "two"))
    before = artefacts.read_table(path)
    data = path.read_bytes()
    if how == "bit":
        flip(path, 0.2)
    elif how == "middle":
        path.write_bytes(data[:40] + bytes(len(data) - 80) + data[-40:])
    elif how == "foreign":
        before.assign(film_id="x").to_parquet(path)
    elif how == "of the other film":
        shutil.copy2(other, path)
    elif how == "of another table":
        shutil.copy2(stages.path(corpus, "cues" if name != "cues" else "windows", "one"), path)
    else:
        path.write_bytes(data[:100])
    try:
        with pytest.warns(UserWarning, match=f"{name}.one.parquet: is damaged or of something else"):
            assert "one" not in set(stages.read(corpus, name)["film_id"])
    except ArtefactError as error:
        assert "one.parquet: is damaged" in str(error)
    lines = []
    [outcome] = stages.run(corpus, "cues", say=lines.append)
    assert (outcome.computed, outcome.kept) == (1, 1)
    assert how.startswith("of ") or name != "cues" or "1 had been damaged on disk (one)" in lines[-1]
    pd.testing.assert_frame_equal(artefacts.read_table(path), before)
    assert counts(stages.run(corpus, "cues", **quiet)) == {"cues": (0, 2, [])}


def test_what_stands_on_a_damaged_table_is_not_computed_again(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "mir-cues", cues="annotated", **quiet)
    flip(stages.path(corpus, "mir", "one", cues="annotated"), 0.3)
    outcomes = stages.run(corpus, "mir-cues", cues="annotated", **quiet)
    assert counts(outcomes) == {"annotated": (0, 2, []), "mir": (1, 1, ["one"]), "mir-cues": (0, 2, [])}


@pytest.mark.parametrize("ending", [".npz", ".json", ".provenance.json"])
def test_damaged_and_exchanged_folds_heal(two_films, ending):
    corpus, chosen = Corpus.open(two_films), {"cues": "annotated", "model": "average", "hidden": 4, "epochs": 2}
    stages.run(corpus, "genre", sweep=[chosen, chosen | {"seed": 1}], **quiet)
    path, other = (stages.path(corpus, "genre", **chosen, seed=seed) for seed in (0, 1))
    right = stages.folds(corpus, "genre", **chosen).probability
    for wrong in (lambda p: flip(p, 0.4), lambda p: shutil.copy(other.with_suffix(ending), p), os.unlink):
        wrong(path.with_suffix(ending))
        with pytest.raises(ValueError, match=r"damaged|missing|another configuration|cannot be read"):
            stages.folds(corpus, "genre", **chosen)
        assert stages.run(corpus, "genre", **chosen, **quiet)[-1].computed == 1
        assert np.array_equal(stages.folds(corpus, "genre", **chosen).probability, right)
    for each in (".npz", ".json", ".provenance.json"):  # all three of another seed, whole in themselves
        shutil.copy(other.with_suffix(each), path.with_suffix(each))
    with pytest.raises(ValueError, match="another configuration"):
        stages.folds(corpus, "genre", **chosen)
    assert stages.run(corpus, "genre", **chosen, **quiet)[-1].computed == 1
    assert np.array_equal(stages.folds(corpus, "genre", **chosen).probability, right)


def test_kept_fingerprints_are_of_their_track(corpus):
    kept = sorted((corpus.derived / "tracks").glob("*.npz"))
    before = [p.read_bytes() for p in kept]
    tracks = corpus["one"].tracks()
    right = stamper.index_tracks(tracks, keep=corpus.derived / "tracks")
    for path, data in zip(kept, [*before[1:], before[0]], strict=True):
        path.write_bytes(data)  # each whole, each under another's name
    with pytest.warns(UserWarning, match="made from something else"):
        again = stamper.index_tracks(tracks, keep=corpus.derived / "tracks")
    assert np.array_equal(again.code, right.code) and np.array_equal(again.time, right.time)


def test_what_was_only_touched_is_read_once_and_kept(corpus, monkeypatch):
    for path in (*corpus["one"].tracks().values(), corpus["one"].film, corpus["one"].annotation):
        os.utime(path, ns=(7, 7))
    assert counts(stages.run(corpus, "cues", **quiet)) == {"cues": (0, 2, [])}
    assert counts(stages.run(corpus, "annotated", **quiet)) == {"annotated": (0, 2, [])}
    monkeypatch.setattr("filmlens.artefacts.fingerprints._hash", lambda path: pytest.fail(f"{path} is read again"))
    assert counts(stages.run(corpus, "cues", **quiet)) == {"cues": (0, 2, [])}


def test_a_change_that_keeps_size_and_time_is_seen_by_verify_only(corpus):
    film = corpus["one"].film
    stat = film.stat()
    flip(film)
    os.utime(film, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "its film changed" not in status(corpus)
    assert "cues: its film changed: one" in status(corpus, verify=True)


def test_libraries_make_stale_what_they_decide(corpus, monkeypatch):
    found = staleness.installed
    monkeypatch.setattr(staleness, "installed", lambda name: "99.1" if name == "av" else found(name))
    [plan] = stages.planned(corpus, "cues")
    assert {t.why for t in plan.tasks} == {"av is 99.1 now"} and len(plan.tasks) == 2
    assert not stages.planned(corpus, "annotated")[0].tasks
    monkeypatch.setenv(staleness.KEEP_VERSIONS, "1")
    assert not stages.planned(corpus, "cues")[0].tasks


def test_a_title_is_no_label(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "genre", cues="annotated", model="zero_rule", **quiet)
    edit(two_films / "films.csv", "First,2014", "First of them,1914")
    asked = {"cues": "annotated", "model": "zero_rule"}
    assert not any(plan.tasks for plan in stages.planned(Corpus.open(two_films), "genre", **asked))
    edit(two_films / "films.csv", "Action|Sci-Fi", "Action")
    assert [p.tasks[0].why for p in stages.planned(Corpus.open(two_films), "genre", **asked) if p.tasks] == [
        "films.csv changed"
    ]
