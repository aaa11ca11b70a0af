"""Other people's files are data: no pickle, no way out of a folder, names are text; Jupyter stays at home."""

import ast
import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmlens import look
from filmlens.artefacts import file_hashes, read_provenance, read_table, write_json
from filmlens.corpus import Corpus, CorpusError
from filmlens.run.kernels import write_html
from filmlens.run.report import write_report
from filmlens.stages.work import read_folds

ROOT = Path(__file__).resolve().parent.parent.parent
#: Modules that unpickle, and calls that execute text or may unpickle.
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}
CALLS = {"eval", "exec", "read_pickle", "to_pickle", "yaml.load", "joblib.load", "load_workspace"}


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}


@pytest.mark.parametrize("path", sorted((ROOT / "filmlens").rglob("*.py")), ids=lambda p: p.stem)
def test_nothing_is_unpickled_or_evaluated(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    allowed = (
        {"pickle"} if path.stem == "pickled" else set()
    )  # reads others' pickles by an unpickler that makes arrays only
    assert not imported & MODULES - allowed
    for name, keywords in calls(tree):
        assert name not in CALLS and not name.endswith(("read_pickle", "to_pickle", "joblib.load")), name
        if name in ("np.load", "numpy.load"):
            assert keywords.get("allow_pickle") == "False", f"{path.name}: {name}"
        if name == "torch.load":
            assert keywords.get("weights_only") == "True", f"{path.name}: {name}"


def test_a_pickle_in_place_of_a_table_or_a_model_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    model = tmp_path / "model.npz"
    np.savez(model, weights=np.array([Trap()], dtype=object))
    digests = ("", hashlib.sha256(model.read_bytes()).hexdigest())
    for digest, refused in zip(digests, ("does not belong", "allow_pickle=False"), strict=True):
        write_json(model.with_suffix(".json"), {"format": 1, "npz_sha256": digest})
        write_json(model.with_suffix(".provenance.json"), {"files": file_hashes(model)})
        with pytest.raises(ValueError, match=refused):
            read_folds(model)
    table = tmp_path / "table.parquet"
    table.write_bytes(model.read_bytes())
    with pytest.raises(ValueError, match=r"table\.parquet"):
        read_table(table)
    assert read_provenance(table) == {} and not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("film_id", ["../out", "..", ".", "a/b", "a\\b", "/etc/passwd", ".hidden", "", "x\0y"])
def test_a_film_id_cannot_leave_its_folder(tmp_path, film_id):
    (tmp_path / "films.csv").write_text(
        f'film_id,title,year,genres,film,soundtrack\n"{film_id}",A,2015,Horror,films/a.mp4,soundtracks/a\n'
    )
    with pytest.raises(CorpusError, match="row 2"):
        Corpus.open(tmp_path)
    assert not (tmp_path.parent / "out.parquet").exists()


def test_names_and_errors_are_text_in_the_report(two_films, tmp_path):
    bad = "<img src=x onerror=alert(1)>"
    corpus = Corpus.open(two_films)
    about = {"filmlens": "0", "profile": "quick", "parameters": {}, "errors": {bad: bad}, "notebooks": {bad: 1}}
    page = write_report(corpus, tmp_path, tmp_path / "figures", about, {(bad, "cues"): f"{bad}: broken"})
    text = page.read_text(encoding="utf-8")
    assert "<img src=x" not in text and text.count("&lt;img src=x") >= 4


def test_the_html_copy_of_a_notebook_keeps_tables_and_players_and_nothing_that_runs(tmp_path):
    import nbformat

    table = look.page_part(look.html_table(pd.DataFrame({"a": ["<b>"]}), caption="kept"))
    player = '<p>x<br><audio controls src="data:audio/ogg;base64,AAAA" aria-label="x"></audio></p>'
    bad = "<img src=x onerror=bite()><script>bite()</script><a href='javascript:bite()'>l</a><p onclick=bite()>p</p>"
    bad += (
        "<svg onload=bite()></svg><iframe src='//evil'></iframe><audio src='http://evil/a'></audio><style>*{}</style>"
    )
    kinds = {"image/svg+xml": "<svg onload='bite()'/>", "application/javascript": "bite()", "text/markdown": bad}
    outputs = [nbformat.v4.new_output("display_data", {"text/html": table + player + bad, "text/plain": "x"} | kinds)]
    outputs += [nbformat.v4.new_output("display_data", kinds), nbformat.v4.new_output("stream", text=f"{bad}\x1b[31m")]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=outputs)])
    nbformat.write(book, tmp_path / "book.ipynb")
    page = write_html(tmp_path / "book.ipynb").read_text(encoding="utf-8")
    assert page.index(look.POLICY) < page.index("<style") and "<caption>kept</caption>" in page
    assert "<td>&lt;b&gt;</td>" in page and 'src="data:audio/ogg;base64,AAAA"' in page
    body = page[page.index("<body") :]
    assert not re.findall(r"<(script|iframe|svg|a |style)|<\w[^>]* (on\w+|href)=|<\w[^>]* src=\"?(x|http|//)", body)
    assert "<script" not in page and "\x1b" not in page
