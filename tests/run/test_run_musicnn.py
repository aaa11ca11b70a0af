"""Notebooks 02 to 05 with musicnn on random weights: rows marked as ours, findings in words, cues to hear."""

import json
import re
import zipfile

import pandas as pd
import pytest

from filmlens.artefacts import read_provenance
from filmlens.corpus import Corpus
from filmlens.features.musicnn import weights, words
from filmlens.features.vggish import weights as vggish_weights
from filmlens.findings import genre_profile
from filmlens.run.notebooks import run
from filmlens.study import Study
from filmlens.study.share import share

#: Names of columns that no reader should meet, outside code cells, CSV files and the data dictionary.
COLUMN_NAMES = re.compile(r"(delta)*mfcc_\d|_(mean|sd)\b|tag_\w+|vggish_\d+|musicnn_\d+")


@pytest.fixture(scope="module")
def weighed(musicnn_weights):
    """musicnn's weights are there, VGGish's are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(weights.VARIABLE, str(musicnn_weights))
        patch.delenv(vggish_weights.VARIABLE, raising=False)
        yield


@pytest.fixture(scope="module")
def executed(toy, tmp_path_factory, weighed):
    out, lines = tmp_path_factory.mktemp("musicnn"), []
    parameters = {"conditions": "as reported"}
    code = run(
        toy,
        out,
        notebooks=["02", "03", "04", "05", "07"],
        parameters=parameters,
        excerpts=True,
        jobs=1,
        say=lines.append,
    )
    return code, out, lines


def read(out, name):
    return pd.read_csv(out / "figures" / f"{name}.csv", comment="#")


def test_tables_have_a_learned_half_that_is_marked_as_ours(executed, toy):
    code, out, lines = executed
    assert code == 0, "\n".join(lines)
    table4 = read(out, "table4_results")
    assert set(table4["features"]) == {"mir", "musicnn (our addition)"}
    ours = table4[table4["features"] != "mir"]
    assert len(ours) >= 8 and ours["paper F1"].isna().all()
    for name in ("s2_precision_recall_musicnn", "s3_films_musicnn", "table5_musicnn", "importance_tags"):
        assert len(read(out, name)), name
    assert "our addition. Difference of medians" in (out / "figures" / "table5_musicnn.html").read_text(
        encoding="utf-8"
    )
    notes = read_provenance(next((Corpus.open(toy).derived / "tags").glob("*.parquet")))["notes"]
    assert notes["origin"] == "other weights than musicnn 0.1.0"


def test_no_claim_about_vggish_is_judged_by_another_network(executed):
    _, out, _ = executed
    claims = read(out, "claims").set_index("claim")["verdict"]
    about = [c for c in claims.index if "VGGish" in c]
    assert len(about) >= 3 and (claims[about] == "not tested (no weights)").all()
    numbers = read(out, "paper_numbers_genre").set_index("name")["value"]
    best = read(out, "table4_all").query("features == 'mir'")
    pooled = best[~best["name"].str.startswith(("simple", "voting", "zero", "random", "always"))]
    assert numbers["macro-F1 best models"] == pytest.approx(pooled["f1"].max(), abs=1e-6)


def test_readers_meet_no_names_of_columns(executed):
    _, out, _ = executed
    pages = [out / "index.html", *out.glob("figures/*.svg"), *out.glob("figures/*.html"), *out.glob("figures/*.tex")]
    texts = {p.name: p.read_text(encoding="utf-8") for p in pages}
    for path in out.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        told = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
        texts[path.name] = "\n".join(told + [json.dumps(c.get("outputs", [])) for c in cells])
    assert len(texts) > 15
    met = {name: COLUMN_NAMES.search(text)[0] for name, text in texts.items() if COLUMN_NAMES.search(text)}
    assert not met


def test_findings_are_heard_beside_the_report_and_in_no_data_set(executed, toy):
    _, out, _ = executed
    examples, page = read(out, "genre_profile_cues"), (out / "index.html").read_text(encoding="utf-8")
    for (_, kind), cues in examples.groupby(["genre", "kind"]):
        assert cues["film_id"].is_unique and len(cues) <= {"random": 1}.get(kind, 3)
    assert {"film_id", "cue"} <= set(examples)
    sounds = re.findall(r'src="(excerpts/\d+\.opus)"', page)
    assert len(sounds) == len(examples) and all((out / s).read_bytes()[:4] == b"OggS" for s in sounds)
    zipped = out / "data.zip"
    share(Corpus.open(toy), zipped)
    with zipfile.ZipFile(zipped) as box:
        assert not [n for n in box.namelist() if n.endswith(".opus")] and "csv/tags-cues.csv" in box.namelist()
        described = pd.read_csv(box.open("columns.csv"))
    assert described[described["column"] == "tag_no_voice"]["meaning"].str.contains("not calibrated").any()


def test_words_of_a_profile(toy, weighed):
    study = Study.open(toy)
    table = study.in_words()
    assert {"tempo_mean", "rms_std", "tag_strings", "tag_male_voice"} < set(table) and "tag_vocals" not in table
    ranks = table.filter(like="tag_")
    assert ranks.min().min() == 0 and ranks.max().max() == 100
    voiceless = words.ranked(study.table("tags-cues"), voices=False)
    assert not [c for c in voiceless if "voice" in c or c in ("tag_choir", "tag_opera")]
    assert genre_profile(table, study.corpus.labels(), n_boot=5)["effect"].notna().any()
