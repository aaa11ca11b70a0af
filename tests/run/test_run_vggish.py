"""Notebooks 02 to 05 with VGGish, on random weights: the VGGish half of Tables 4 and 5 is exercised, and marked."""

import json
from pathlib import Path

import pandas as pd
import pytest

from filmlens.artefacts import read_provenance
from filmlens.corpus import Corpus
from filmlens.features.vggish import weights
from filmlens.run.notebooks import run
from filmlens.study import Study, StudyError

MARK = "andom weights, test only"


@pytest.fixture(scope="module")
def executed(toy, tmp_path_factory, seeded_weights):
    out, lines = tmp_path_factory.mktemp("vggish"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(weights.VARIABLE, str(seeded_weights))
        parameters = {"features": "vggish", "conditions": "as reported"}
        code = run(toy, out, notebooks=["02", "03", "04", "05", "07"], parameters=parameters, jobs=1, say=lines.append)
    return code, out, lines


def test_the_vggish_half_of_tables_4_and_5(executed, toy):
    code, out, lines = executed
    assert code == 0, "\n".join(lines)
    table4 = pd.read_csv(out / "figures" / "table4_results.csv", comment="#")
    assert set(table4["features"]) == {"vggish"} and len(table4) >= 8
    corpus = Corpus.open(toy)
    models = list((corpus.derived / "genre").glob("*.npz"))
    ours = [p for p in models if "vggish" in p.stem]
    assert len(ours) >= 15 and any("single_attention" in p.stem and "128" in p.stem for p in ours)
    notes = read_provenance(next((corpus.derived / "vggish").glob("*.parquet")))["notes"]
    assert notes["origin"] == weights.RANDOM


def test_every_output_is_marked(executed):
    _, out, _ = executed
    pages = [p for p in out.glob("figures/*") if p.suffix in (".html", ".svg", ".tex")]
    assert len(pages) > 10
    for path in pages:
        assert MARK in path.read_text(encoding="utf-8"), path.name
    for path in out.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        shown = json.dumps([c.get("outputs", []) for c in cells])
        assert MARK in shown, path.name


def test_random_weights_are_kept_out_of_the_repositorys_figures(toy, monkeypatch, seeded_weights):
    monkeypatch.setenv(weights.VARIABLE, str(seeded_weights))
    figures = Path(__file__).resolve().parents[2] / "figures"
    with pytest.raises(StudyError, match="random weights, test only"):
        Study.open(toy, figures=figures)
    assert MARK in Study.open(toy).footer and MARK in Study.open(toy).vggish
    monkeypatch.delenv(weights.VARIABLE)
    monkeypatch.setattr(weights, "find", lambda: None)
    quiet = Study.open(toy, figures=figures)
    assert MARK not in quiet.footer and "filmlens weights vggish" in quiet.vggish and "\n" not in quiet.vggish
    assert quiet.features() == ["mir"]
