"""From embeddings to rows at 1 Hz and cue vectors; the stage, its weights, its options."""

import numpy as np
import pandas as pd
import pytest
from conftest import edit

from filmlens import stages
from filmlens.artefacts import read_failures, read_provenance
from filmlens.corpus import Corpus
from filmlens.features.vggish import compared, examples, weights
from filmlens.features.vggish.network import embed_examples, postprocess
from filmlens.features.vggish.rows import COLUMNS, cue_frames, seconds
from filmlens.features.vggish.weights import load
from filmlens.stages.of_film import cue_sound

quiet = {"say": lambda line: None}


def literal(embeddings, duration):
    """Between the centres of the two examples around a time; the first and last hold beyond theirs."""
    rows = []
    for k in range(max(1, int(np.floor(duration + 0.5)))):
        place = (k + 0.5 - 0.48) / 0.96
        i = int(np.floor(place))
        if i < 0 or i + 1 >= len(embeddings):
            rows.append(embeddings[0 if i < 0 else -1])
        else:
            rows.append(embeddings[i] + (place - i) * (embeddings[i + 1] - embeddings[i]))
    return np.array(rows)


@pytest.mark.parametrize("duration, count", [(0.1, 1), (0.975, 1), (3, 3), (10, 10), (61.4, 63)])
def test_rows_at_one_hertz(duration, count):
    embeddings = np.random.default_rng(0).normal(size=(count, 128))
    times, values = seconds(embeddings, duration)
    assert times.tolist() == [k + 0.5 for k in range(len(times))]
    assert np.abs(values - literal(embeddings, duration)).max() < 1e-12


def test_cues_embedded_together_keep_their_own_rows():
    heard = []

    def embed(together):
        heard.append(len(together))
        return together.mean((1, 2))[:, None] * np.ones((1, 128))

    sounds = [np.random.default_rng(i).uniform(-1, 1, n * 16_000) for i, n in enumerate((2, 7, 1))]
    tables = cue_frames(sounds, 16_000, embed)
    assert heard == [2 + 7 + 1] and [len(t) for t in tables] == [2, 7, 1]
    for sound, table in zip(sounds, tables, strict=True):
        [alone] = cue_frames([sound], 16_000, embed)
        assert table.equals(alone) and list(table) == ["time", *COLUMNS]
    assert cue_frames([], 16_000, embed) == []


def test_the_stage_measures_every_cue(two_films, monkeypatch, seeded_weights):
    monkeypatch.setenv(weights.VARIABLE, str(seeded_weights))
    corpus = Corpus.open(two_films)
    stages.run(corpus, "vggish-cues", cues="annotated", **quiet)
    rows = stages.read(corpus, "vggish", cues="annotated")
    assert list(rows) == ["film_id", "cue", "time", *COLUMNS] and rows.groupby("film_id").size().tolist() == [15, 15]
    assert rows["time"].tolist()[:3] == [5.5, 6.5, 7.5], "on the film's clock"
    cue = next(stages.read(corpus, "annotated").itertuples())
    samples, _ = cue_sound(corpus["one"], cue, "track", 16_000)
    _, values = seconds(embed_examples(load(seeded_weights), examples(samples)), 15.0)
    assert rows.loc[rows["film_id"] == "one", list(COLUMNS)].to_numpy() == pytest.approx(values, abs=1e-4)
    vectors = stages.read(corpus, "vggish-cues", cues="annotated")
    assert vectors.loc[0, list(COLUMNS)].to_numpy(float) == pytest.approx(values.mean(0), abs=1e-4)
    notes = read_provenance(stages.path(corpus, "vggish", "one", cues="annotated"))["notes"]
    assert notes["origin"] == weights.RANDOM and notes["weights"] == seeded_weights.name
    again = stages.run(corpus, "vggish-cues", cues="annotated", **quiet)
    assert [o.computed for o in again] == [0, 0, 0]
    moved = seeded_weights.with_name("elsewhere.pth")
    moved.symlink_to(seeded_weights)
    monkeypatch.setenv(weights.VARIABLE, str(moved))
    assert [o.computed for o in stages.run(corpus, "vggish-cues", cues="annotated", **quiet)] == [0, 0, 0]
    moved.unlink()


def test_eight_bit_and_relu_lie_beside(two_films, monkeypatch, tmp_path, seeded_weights):
    rng = np.random.default_rng(0)
    vectors, means = rng.normal(size=(128, 128)), rng.normal(size=(128, 1))
    np.savez(tmp_path / "pca.npz", pca_eigen_vectors=vectors, pca_means=means)
    monkeypatch.setenv(weights.VARIABLE, str(seeded_weights))
    monkeypatch.setenv(weights.PCA_VARIABLE, str(tmp_path / "pca.npz"))
    edit(two_films / "annotations" / "one.csv", "5,20", "5,9")
    corpus = Corpus.open(two_films)
    given = {"cues": "annotated", "pca": True, "relu": True, "films": ["one"]} | quiet
    stages.run(corpus, "vggish", **given)
    rows = stages.read(corpus, "vggish", cues="annotated", pca=True, relu=True)
    cue = next(stages.read(corpus, "annotated").itertuples())
    samples, _ = cue_sound(corpus["one"], cue, "track", 16_000)
    eight = postprocess(embed_examples(load(seeded_weights, relu=True), examples(samples)), vectors, means)
    assert np.abs(rows[list(COLUMNS)].to_numpy() - seconds(eight, 4.0)[1]).max() <= 1
    assert (corpus.derived / "vggish@cues=annotated,relu=True,pca=True").is_dir()
    np.savez(tmp_path / "pca.npz", pca_eigen_vectors=vectors + 1, pca_means=means)
    assert [o.computed for o in stages.run(corpus, "vggish", **given)] == [0, 1]
    (tmp_path / "pca.npz").unlink()
    assert "pca.npz: no such file" in stages.run(corpus, "vggish", **given)[-1].failed["one"]


def test_without_weights_the_films_fail_with_the_remedy(two_films, monkeypatch, tmp_path):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "filmlens"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    corpus = Corpus.open(two_films)
    stages.run(corpus, "vggish", cues="annotated", **quiet)
    failures = read_failures(corpus.derived / "failures.csv")
    assert (
        failures["stage"].tolist() == ["vggish@cues=annotated"] * 2
        and "filmlens weights vggish" in failures["error"][0]
    )


def test_vectors_with_and_without_post_processing_are_compared():
    rng = np.random.default_rng(0)
    keys = pd.DataFrame({"film_id": ["a"] * 3 + ["b"] * 3, "cue": [0, 1, 2] * 2})
    plain = keys.join(pd.DataFrame(rng.normal(size=(6, 128)), columns=list(COLUMNS)))
    values = np.clip(plain[list(COLUMNS)] * 100 + 128, 0, 255)
    table = compared(plain, keys.join(values).iloc[::-1]).set_index("post-processed")
    assert table["cues"].tolist() == [6, 6] and table.loc["no", "r of distances"] == pytest.approx(1)
    assert 0.5 < table.loc["yes", "r of distances"] < 1
    assert table.loc["yes", "at 0 or 255"] == pytest.approx(np.isin(values, (0, 255)).mean())
    assert np.isnan(table.loc["no", "at 0 or 255"]) and table.loc["yes", "mean"] == pytest.approx(
        values.to_numpy().mean()
    )


def test_a_cue_beyond_its_track_is_told_and_the_others_measured(two_films, monkeypatch, seeded_weights):
    monkeypatch.setenv(weights.VARIABLE, str(seeded_weights))
    annotation = two_films / "annotations" / "one.csv"
    annotation.write_text("start,end,track,track_start\n5,9,Theme,0\n30,34,Theme,500\n")
    corpus = Corpus.open(two_films)
    outcomes = stages.run(corpus, "vggish", cues="annotated", films=["one"], **quiet)
    assert not outcomes[-1].failed and "one: cue 1 (Theme) has no sound" in outcomes[-1].damaged["one"]
    assert stages.read(corpus, "vggish", cues="annotated")["cue"].unique().tolist() == [0]
