"""What is never done with the files of others: no pickle, no evaluation; and Jupyter answers to this machine only."""

import ast
import subprocess
from pathlib import Path

import numpy as np
import pytest
from measured_films import measured

from filmlens import stages

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
    named = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    named |= {str(n.module).split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not named & MODULES
    for name, keywords in calls(tree):
        assert name not in CALLS and name.rpartition(".")[2] not in {"read_pickle", "to_pickle"}, name
        if name == "torch.load":
            assert keywords.get("weights_only") == "True"
        if name in ("np.load", "numpy.load"):
            assert keywords.get("allow_pickle", "False") == "False"


def test_folds_that_hold_an_object_are_refused(tmp_path, monkeypatch):
    corpus = measured(tmp_path / "films", monkeypatch)
    model = {"model": "average", "hidden": 4, "epochs": 1}
    stages.run(corpus, "genre", **model, say=lambda line: None)
    path = stages.path(corpus, "genre", **model)

    class Trap:
        def __reduce__(self):
            return (Path(tmp_path / "sprung").touch, ())

    with np.load(path, allow_pickle=False) as stored:
        arrays = dict(stored)
    np.savez(path, **arrays | {"labels": np.array([Trap()], dtype=object)})
    with pytest.raises(ValueError):
        stages.folds(corpus, "genre", **model)
    assert not (tmp_path / "sprung").exists()


def test_jupyter_answers_to_this_machine_and_asks_for_a_token():
    done = subprocess.run(["make", "lab", "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--ip=127.0.0.1" in done.stdout and "IdentityProvider.token=" in done.stdout
    assert "secrets.token_hex" in done.stdout
