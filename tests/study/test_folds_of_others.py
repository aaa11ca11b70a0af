"""A shared data set's models are data: folds that hold an object are refused."""

from pathlib import Path

import numpy as np
import pytest
from measured_films import measured

from filmlens import stages


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
