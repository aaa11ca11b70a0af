"""From the released files to a corpus, its data set, its models and the tables beside the paper, on a small twin."""

import json
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from filmlens import artefacts, paper, stages
from filmlens.cli import app
from filmlens.corpus import Corpus
from filmlens.corpus.release import ReleaseError, read_release
from filmlens.demo.release import build_release
from filmlens.features import FEATURES, available, released
from filmlens.run.notebooks import RunError, run
from filmlens.run.status import status
from filmlens.stages import of_corpus
from filmlens.study import Study, acceptance, readings, robustness
from filmlens.study import release as release_
from filmlens.study.release import fetch, make_corpus
from filmlens.study.share import share

ODD = "ready_player_one"
MODEL = {"model": "average", "hidden": 8, "epochs": 2}


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    return build_release(tmp_path_factory.mktemp("files") / "twin", films=12, most_cues=4)


@pytest.fixture(scope="module")
def made(twin, tmp_path_factory):
    return make_corpus(twin, tmp_path_factory.mktemp("corpus") / "release")


@pytest.fixture
def study(made, tmp_path):
    return Study.open(made.folder, figures=tmp_path / "figures")


def test_every_frame_is_where_the_files_have_it(twin, made):
    release, corpus = read_release(twin), Corpus.open(made.folder)
    assert corpus.ids == release.films["film_id"].tolist() and corpus.shared and corpus.synthetic
    for key, columns in (("mir", release.names), ("vggish", list(released.VGGISH_COLUMNS))):
        table = stages.read(corpus, f"{key}-released")
        vectors = stages.read(corpus, f"{key}-released-cues").set_index(["film_id", "cue"])
        for film_id, films_cues in release.features[key].items():
            mine = table[table["film_id"] == film_id]
            first = 8 if film_id == ODD and key == "vggish" else 0  # behind the eight MIR cues
            assert mine["cue"].unique().tolist() == list(range(first, first + len(films_cues)))
            for cue, frames in enumerate(films_cues, start=first):
                here = mine[mine["cue"] == cue]
                assert here["frame"].tolist() == list(range(len(frames)))
                np.testing.assert_array_equal(here[columns], frames)
                np.testing.assert_allclose(vectors.loc[(film_id, cue), columns], frames.mean(0), rtol=1e-5)


def test_a_sheet_says_frames_and_no_seconds(made):
    sheet = stages.read(Corpus.open(made.folder), "cues")
    assert sheet[["start", "end", "track_start", "score"]].isna().all(axis=None)
    odd = sheet[sheet["film_id"] == ODD]
    assert odd["frames_mir"].notna().tolist() == [True] * 8 + [False] * 4
    assert odd["frames_vggish"].notna().tolist() == [False] * 8 + [True] * 4
    assert (sheet["frames_mir"] == sheet["frames_vggish"])[sheet["film_id"] != ODD].all()
    assert "none is aligned" in str(made) and "twin25_stddev" in str(made) and "not assigned: twin01_mean" in str(made)


def test_what_is_odd_is_told_and_kept(twin, tmp_path):
    for name in paper.S4_FILES.values():
        (tmp_path / name).write_bytes((twin / name).read_bytes())
    path = tmp_path / paper.S4_FILES["mir"]
    content = np.load(path, allow_pickle=True).item()
    films = list(content)
    content[films[0]][0][0, 0] = np.inf
    content["another_film"] = content.pop(films[1])
    np.save(path, content, allow_pickle=True)
    lines = (tmp_path / paper.S4_FILES["films"]).read_text().splitlines()
    lines[2] = f'{films[2]},"","horror"'
    (tmp_path / paper.S4_FILES["films"]).write_text("\n".join([*lines, 'another_film,"Drama","drama"']))
    result = make_corpus(tmp_path, tmp_path / "corpus")
    said, corpus = str(result), Corpus.open(tmp_path / "corpus")
    assert not corpus.synthetic, "only the twin's own mark makes a corpus synthetic"
    assert "another_film is none of the study's 110 films" in said and f"{films[2]}: genres Horror here" in said
    assert f"{films[1]}: has no features in" in said and "infinite" in said
    assert corpus["another_film"].title == "another_film" and corpus[films[2]].genres == ("Horror",)
    assert np.isnan(stages.read(corpus, "mir-released").loc[0, read_release(tmp_path).names[0]])
    with pytest.raises(ReleaseError, match="exists"):
        make_corpus(tmp_path, tmp_path / "corpus")


def test_what_cannot_be_read_leaves_nothing_behind(twin, tmp_path):
    with pytest.raises(ReleaseError, match="no such file"):
        make_corpus(twin / "nowhere", tmp_path / "out" / "corpus")
    assert not (tmp_path / "out").exists()


def test_the_released_sets_are_only_where_they_were_released(made, study, tmp_path):
    assert study.features() == ["mir-released", "vggish-released"] == study.papers_features
    assert study.descriptors == "mir-released" and study.table5_features == "vggish-released"
    assert not {"mir-released", "vggish-released"} & set(available(asked=True))
    with pytest.raises(ValueError, match="filmlens release"):
        FEATURES["mir-released"].need()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "films.csv").write_text("film_id,title,year,genres,film,soundtrack\na,A,2000,Drama,a.wav,\n")
    with pytest.raises(ValueError, match="filmlens release"):
        Study.open(tmp_path / "own").features("mir-released")
    assert "input failed" in status(Corpus.open(made.folder)).splitlines()[1]
    assert [line.split()[0] for line in status(Corpus.open(made.folder)).splitlines()[2:]] == [
        *("cues", "mir-released", "mir-released-cues", "vggish-released", "vggish-released-cues")
    ]


def test_it_is_shared_with_its_credit_and_comes_back_the_same(made, study, tmp_path):
    result = share(study.corpus, tmp_path / "again.zip")
    assert result.left_out == {}
    again = Corpus.open(tmp_path / "again.zip")
    mark = json.loads((again.folder / "shared.json").read_text())
    assert mark["licence"] == paper.S4_LICENCE and mark["credit"] == paper.S4_CREDIT and again.synthetic
    readme = (again.folder / "README.md").read_text()
    assert "pone.0249957.s004" in readme and "CC BY 4.0" in readme
    words = pd.read_csv(again.folder / "columns.csv")
    assert words["meaning"].notna().all() and not words["meaning"].str.contains("see the version").any()
    for name in ("cues", "mir-released", "vggish-released-cues"):
        pd.testing.assert_frame_equal(stages.read(again, name), stages.read(study.corpus, name))
    assert share(again, tmp_path / "third.zip").rows == result.rows
    both = [
        Study.open(c.folder, figures=tmp_path).models([MODEL | {"features": "mir-released"}]) for c in (again, made)
    ]
    np.testing.assert_array_equal(both[0][0].probability, both[1][0].probability)


def test_every_level_of_a_cue_and_every_reading_is_another_model(study):
    base = {**MODEL, "features": "vggish-released", "epochs": 20, "learning_rate": 1e-2}
    changes = [{}, *list(readings.READINGS.values())[1:], {"level": "frame", "scheme": 3}]
    sweep = [base | {"model": "single_attention"} | change for change in changes]
    fitted = study.models(sweep)
    for i, one in enumerate(fitted):
        assert all(not np.allclose(one.probability, other.probability) for other in fitted[:i]), changes[i]
    frames = study.table("vggish-released")
    assert len(fitted[-1].cues) == len(frames) and "frame" in fitted[-1].cues
    median = frames.groupby(["film_id", "cue"], sort=False)[list(released.VGGISH_COLUMNS)].median()
    [bags] = [of_corpus.bags_like(fitted[5], frames)]
    np.testing.assert_array_equal(bags.instances, median.to_numpy())
    assert readings.READINGS[list(readings.READINGS)[5]] == {"level": "median"}


def test_groups_are_the_names_and_the_rest_is_not_assigned(study):
    [model] = study.models([MODEL | {"features": "mir-released"}])
    table = study.finding("importance", permuted="films", n_repeats=2, **MODEL | {"features": "mir-released"})
    assert list(table["group"].unique()) == ["MFCC", "dMFCC", "ddMFCC", "Rhythm", "Timbre", "Tone", "not assigned"]
    groups = of_corpus.groups_of(of_corpus.bags_like(model, study.table("mir-released-cues")), "MFCC")
    assert [len(g) for g in groups.values()] == [26, 26, 26, 2, 4, 6, 50]
    assert sorted(i for g in groups.values() for i in g) == list(range(140))


def test_no_name_is_guessed():
    table = released.mapped(
        ["mfcc0_mean", "mfcc_1_mean", "MFCC1_mean", "mfcc1", "keystrength_mean", "spectralx_stddev"]
    )
    assert table["group"].tolist() == ["MFCC", *["not assigned"] * 3, "Tone", "not assigned"]
    assert table["number"].tolist() == ["0", "", "", "", "", ""]
    assert set(released.mapped([f"{d}_mean" for d in ("rms", "tempo", "mode", "crest")])["source"]) > {
        "words of the paper"
    }


def test_compatible_readings_hold_the_quoted_number_and_are_counted(study, monkeypatch):
    rows, few = [("vggish", "average", 64), ("mir", "average", 64)], ["as here", "attention is a softmax"]
    settings = {"quick": readings.PROFILES["quick"] | {"epochs": 2}}
    monkeypatch.setattr(readings, "PROFILES", readings.PROFILES | settings)
    [converged] = readings.trainings_of("quick")
    assert readings.trainings_of("paper") == list(readings.TRAININGS)
    table = readings.compatible(study, readings=few, trainings=[converged], rows=rows, starts=3)
    assert table["reading"].tolist() == ["as here"] * 2, "a softmax changes no model without attention"
    assert table["paper F1"].tolist() == [0.62, 0.61]
    inside = (table["low"] <= table["paper F1"]) & (table["paper F1"] <= table["high"])
    assert (table["compatible"] == inside).all() and (table["low"] <= table["F1"]).all()
    counted = readings.numbers(table.assign(compatible=[True, False]))
    assert counted[["compatible", "rows"]].values.tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="at least two"):
        readings.compatible(study, starts=1)


def test_an_interval_over_starts_draws_both(study):
    models = study.models([MODEL | {"features": "mir-released", "seed": s, "learning_rate": 0.1} for s in range(3)])
    found = readings.over_starts(models, replicates=4000)
    keep = models[0].fold >= 0
    each = [
        readings.macro(m.labels[keep], m.prediction[keep], m.score[keep], np.ones((1, keep.sum())))["f1"][0]
        for m in models
    ]
    assert found["F1"] == pytest.approx(np.mean(each)) and found["SD of starts"] == pytest.approx(np.std(each, ddof=1))
    alone = [readings.over_starts([m, m], replicates=4000) for m in models]
    assert min(a["low"] for a in alone) - 0.02 <= found["low"] and found["high"] <= max(a["high"] for a in alone) + 0.02
    assert found["high"] - found["low"] >= min(a["high"] - a["low"] for a in alone)


def test_films_of_ones_own_stand_beside_with_their_own_floor(study, twin, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_DERIVED", str(study.corpus.derived))
    monkeypatch.setattr(readings, "ROWS", (("mir", "average", 8),))
    settings = {"quick": readings.PROFILES["quick"] | {"epochs": 2}}
    monkeypatch.setattr(readings, "PROFILES", readings.PROFILES | settings)
    other = make_corpus(build_release(tmp_path / "files", films=8, most_cues=3, seed=1), tmp_path / "yours").folder
    studies = readings.corpora(study, str(other))
    assert studies["your films"].corpus.derived == other / "derived"
    table = readings.side_by_side(studies, trainings=readings.trainings_of("quick")).set_index("row")
    assert list(studies) == ["synthetic twin", "your films"]
    for name, one in studies.items():
        labels = one.corpus.labels().to_numpy()
        precision = labels.mean(0)
        assert table.loc["always positive", f"{name}: F1"] == pytest.approx((2 * precision / (1 + precision)).mean())
    assert np.isnan(table.loc["always positive", "paper F1"]) and table.loc["zero rule", "paper F1"] == 0.19
    assert "swapped" in table.loc["vggish: simple mi knn", "paper's doubt"]


def test_claims_are_tested_on_the_papers_names_and_pictures_are_not(study, monkeypatch):
    monkeypatch.setitem(robustness.__dict__, "HIDDEN", 8)
    chosen = robustness.conditions(study)
    assert set(chosen) == {
        "as reported",
        "frame level",
        "embeddings pooled",
        "cues permuted",
        *(c for c in chosen if c.startswith("contrast")),
    }
    short = Study.open(study.corpus.folder, figures=study.figures)
    monkeypatch.setattr(Study, "epochs", 2)
    monkeypatch.setattr(Study, "others", ["random_guess", "zero_rule", "always_positive", "simple_mi_svm"])
    few = {name: robustness.CONDITIONS[name] for name in ("as reported", "cues permuted", "frame level")}
    monkeypatch.setattr(Study, "n_boot", 50)
    asked = {"poolings": ["max", "average"], "levels": ("average",)}
    claims, headlines = robustness.claims_under(short, few, **asked)
    assert headlines["condition"].value_counts().to_dict() == {"as reported": 2, "cues permuted": 2, "frame level": 1}
    at_once = robustness.claims_under(replace(short, jobs=2), few, **asked)
    pd.testing.assert_frame_equal(at_once[0], claims)
    pd.testing.assert_frame_equal(at_once[1], headlines)
    verdicts = claims[claims["condition"] == "as reported"].set_index("claim")["verdict"]
    of_pictures = verdicts.index.str.contains("Chen|Predicted|False positives")
    assert (verdicts[of_pictures] == "not tested (no picture measures)").all() and of_pictures.sum() == 6
    assert not verdicts[~of_pictures].str.contains("picture").any()
    assert not verdicts["VGGish above MIR generally"].startswith("not tested")
    assert not verdicts["MFCC first in every genre"].startswith("not tested")


def test_a_quick_run_on_many_films_deals_them_to_ten_folds_for_all_that_claims_compare(study, monkeypatch):
    assert "scheme" not in study.ensemble and "leaving out one film" in study.validated
    monkeypatch.setattr("filmlens.study.study._FEW_FILMS", 5)
    assert study.ensemble["scheme"] == 10 and "ten folds" in study.validated
    assert "scheme" not in replace(study, profile="paper").ensemble
    compared = robustness._configurations(study, {}, ["average"], (), others=True)
    assert all(asked["scheme"] == 10 for asked in compared.values())
    by_composer = robustness._configurations(study, {"scheme": "composer"}, ["average"], (), others=False)
    assert all(asked["scheme"] == "composer" for asked in by_composer.values())


def test_the_plurality_floor_and_the_counts_follow_from_the_list_of_films():
    films = paper.films()
    found = acceptance.plurality(films)
    assert {k: round(v, 6) for k, v in found.items()} == acceptance.STATED_PLURALITY
    counts = {g: int(films["genres"].str.split("|").map(lambda s, g=g: g in s).sum()) for g in acceptance.GENRES}
    assert counts == {"Action": 55, "Drama": 44, "Comedy": 37, "Sci-Fi": 36, "Romance": 13, "Horror": 11}
    assert len(films) == 110 and films["cues"].sum() == 4664


def test_film_vectors_weigh_frames_or_cues_as_stated(study):
    frames = study.table("vggish-released")
    vectors, labels, films = acceptance.film_vectors(study.corpus, "vggish")
    assert films == sorted(study.corpus.ids) and vectors.dtype == np.float32
    one = frames[frames["film_id"] == films[3]][list(released.VGGISH_COLUMNS)]
    np.testing.assert_allclose(vectors[3], one.mean(), rtol=1e-6)
    mir, _, _ = acceptance.film_vectors(study.corpus, "mir")
    cues = study.table("mir-released").query("film_id == @films[3]").drop(columns=["film_id", "frame"])
    np.testing.assert_allclose(mir[3], cues.groupby("cue").mean().mean(), rtol=1e-4, atol=1e-5)
    assert acceptance.film_vectors(study.corpus, "mfcc")[0].shape == (12, 78)
    assert labels[:, 0].sum() == sum("Action" in f.genres for f in study.corpus)
    table = acceptance.table(study.corpus)
    assert (
        table["value"].tolist() == list(acceptance.STATED)
        and (table["within"] == (table["difference"].abs() <= 0.005)).all()
    )
    assert acceptance.repeated_folds(vectors, labels, repeats=1).shape == (1, 5)


def test_notebooks_about_films_or_pictures_are_left_out_and_others_have_no_07(made, tmp_path):
    for number in ("01", "05"):
        with pytest.raises(RunError, match=f"{number}_"):
            run(made.folder, tmp_path / "out", notebooks=[number])
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "films.csv").write_text("film_id,title,year,genres,film,soundtrack\na,A,2000,Drama,a.wav,\n")
    with pytest.raises(RunError, match="08_the_study are about"):
        run(tmp_path / "own", tmp_path / "out", notebooks=["08"])


def test_names_that_bite_are_only_text(twin, tmp_path):
    for name in paper.S4_FILES.values():
        (tmp_path / name).write_bytes((twin / name).read_bytes())
    names = (twin / paper.S4_FILES["names"]).read_text().strip().split("\t")
    names[-4:] = [
        "=HYPERLINK(1)_mean",
        "<script>alert(1)</script>_mean",
        "[x](javascript:1)_stddev",
        "\x1b[2Jbell_mean",
    ]
    (tmp_path / paper.S4_FILES["names"]).write_text("\t".join(names))
    lines = (tmp_path / paper.S4_FILES["films"]).read_text().splitlines()
    lines[0] = lines[0].split(",")[0] + ',"=1+1","<b>drama</b>"'
    (tmp_path / paper.S4_FILES["films"]).write_text("\n".join(lines))
    made = make_corpus(tmp_path, tmp_path / "corpus")
    text = {p.name: p.read_text(encoding="utf-8") for p in made.folder.iterdir() if p.is_file()}
    assert "\n=" not in text["names.csv"] and "'=HYPERLINK" in text["names.csv"] and "'=1+1" in text["films.csv"]
    assert "<script>" not in text["README.md"] and "[x](" not in text["README.md"]
    assert not any("\x1b" in t for t in text.values())
    corpus = Corpus.open(made.folder)
    assert "=1+1" in corpus.films["listed_genres"].tolist(), "read back as it was"
    share(corpus, tmp_path / "data.zip")
    assert Corpus.open(tmp_path / "data.zip").ids == corpus.ids
    shown = Study.open(made.folder, figures=tmp_path)
    page = shown.save_table(released.compared(names), "study_names")._repr_html_()
    assert "<script>" not in page and "HYPERLINK" in page


def test_the_command_makes_a_corpus_or_says_why_not(twin, tmp_path, monkeypatch):
    done = CliRunner().invoke(app, ["release", "--file", str(twin), "--out", str(tmp_path / "a"), "--jobs", "1"])
    assert done.exit_code == 0 and "12 films; mir 52 cues" in done.output and (tmp_path / "a" / "films.csv").is_file()
    done = CliRunner().invoke(app, ["release", "--file", str(twin), "--out", str(tmp_path / "a")])
    assert done.exit_code == 1 and "exists; name a new folder" in str(done.exception)
    monkeypatch.setattr(release_, "fetch", lambda *, progress: progress(5, 10) or progress(10, 10) or twin)
    done = CliRunner().invoke(app, ["release", "--out", str(tmp_path / "b"), "--jobs", "1"])
    assert done.exit_code == 0 and "12 films" in done.output
    done = CliRunner().invoke(app, ["demo", str(tmp_path / "files"), "--release", "--films", "6"])
    assert done.exit_code == 0 and len(read_release(tmp_path / "files").films) == 6


class Supplement(BaseHTTPRequestHandler):
    """The DOI sends on to the file, which comes in pieces and can break off."""

    content, breaks, asked = b"", 0, []

    def do_GET(self):
        wanted = self.headers.get("Range")
        if self.path == "/doi":
            self.send_response(302)
            self.send_header("Location", "/file?id=s004&type=supplementary")
            self.end_headers()
            return
        type(self).asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(self.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(self.content)}")
            self.end_headers()
            return
        part = self.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(part)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.end_headers()
        if self.breaks:
            type(self).breaks -= 1
            part = part[: len(part) // 2]
        self.wfile.write(part)

    def log_message(self, *args):
        pass


@pytest.fixture
def address(twin, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "s004.zip", "w") as box:
        for path in twin.iterdir():
            box.write(path, f"journal.pone.0249957.s004/{path.name}")
    Supplement.content, Supplement.breaks, Supplement.asked = (tmp_path / "s004.zip").read_bytes(), 0, []
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Supplement)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/doi"
    server.shutdown()
    server.server_close()


def test_the_supplement_is_fetched_by_its_address_resumed_and_kept(address, tmp_path):
    Supplement.breaks, told = 2, []
    path = fetch(address, progress=lambda done, of: told.append((done, of)))
    assert path.parent == tmp_path / "cache" and path.read_bytes() == Supplement.content
    size = len(Supplement.content)
    assert Supplement.asked == [None, f"bytes={size // 2}-", f"bytes={size // 2 + (size - size // 2) // 2}-"]
    assert told[-1] == (size, size) and [d for d, _ in told] == sorted(d for d, _ in told)
    assert fetch(address) == path and len(Supplement.asked) == 3
    assert len(make_corpus(path, tmp_path / "corpus").cues) == 2


def test_a_whole_part_is_known_and_one_of_another_file_is_not_believed(address, tmp_path):
    (tmp_path / "cache").mkdir()
    part = tmp_path / "cache" / f"{release_._KEPT}.part"
    part.write_bytes(Supplement.content)
    assert fetch(address).read_bytes() == Supplement.content
    release = tmp_path / "cache" / release_._KEPT
    release.unlink()
    part.write_bytes(Supplement.content + b"more")
    assert fetch(address).read_bytes() == Supplement.content
    release.unlink()
    Supplement.breaks = 99
    with pytest.raises(ReleaseError, match=r"the same command continues.*--file ZIP"):
        fetch(address)
    assert not release.exists() and part.exists()


def test_no_network_is_one_line_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path))
    with pytest.raises(
        ReleaseError, match=r"could not be fetched.*fetch https://doi\.org/10\.1371.* in a browser"
    ) as said:
        fetch("http://127.0.0.1:1/doi")
    assert "\n" not in str(said.value)


def test_provenance_names_the_source(made):
    notes = artefacts.read_provenance(made.folder / "derived" / "mir-released" / f"{ODD}.parquet")["notes"]
    assert notes == {"source": paper.S4_CREDIT, "licence": paper.S4_LICENCE}
