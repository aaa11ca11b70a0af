"""Tables on disk: whole or not at all, with their provenance."""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from filmlens import artefacts
from filmlens.artefacts import cache_folder
from filmlens.features.vggish import weights
from filmlens.stages import costs
from filmlens.stages.work import Done


def test_a_table_comes_back_with_its_provenance(tmp_path):
    table = pd.DataFrame({"film_id": ["a", "a"], "cue": [0, 1], "track": ["é", "<b>"], "start": [0.5, np.nan]})
    table.attrs["scheme"] = "cues"
    path = tmp_path / "cues" / "a.parquet"
    artefacts.write_table(path, table, {"stage": "cues"})
    back = artefacts.read_table(path)
    pd.testing.assert_frame_equal(back, table)
    assert back.attrs == {"scheme": "cues"}
    assert artefacts.read_provenance(path) == {"stage": "cues", "table": artefacts.table_hash(table)}
    assert [p.name for p in path.parent.iterdir()] == ["a.parquet"]


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("old")

    def fail(part):
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        artefacts.write_atomically(path, fail)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["x.csv"]


def test_fingerprints_see_a_change_anywhere_sampled(tmp_path):
    path = tmp_path / "film.mp4"
    data = bytearray(np.random.default_rng(0).bytes(1_000_000))
    prints = set()
    for place in (None, 10, 500_100, 999_990):
        if place is not None:
            data[place] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(1, 1))
        prints.add(artefacts.fingerprint(path)["hash"])
    assert len(prints) == 4
    assert artefacts.fingerprint(tmp_path / "none")["size"] == -1


def test_table_hashes_depend_on_values_and_names_only():
    table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    same = table.set_index(pd.Index([7, 8]))
    assert artefacts.table_hash(table) == artefacts.table_hash(same)
    assert artefacts.table_hash(table) != artefacts.table_hash(table.rename(columns={"a": "c"}))
    assert artefacts.table_hash(table) != artefacts.table_hash(table.assign(a=[1.0, 2.5]))


def test_a_damaged_artefact_counts_as_stale_and_names_itself(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    assert artefacts.read_provenance(path) == {}
    with pytest.raises(artefacts.ArtefactError, match=r"a\.parquet"):
        artefacts.read_table(path)


def test_failures_are_brought_up_to_date(tmp_path):
    path = tmp_path / "failures.csv"
    artefacts.record_failures(path, {"cues": ["a", "b"]}, {"cues": {"a": "no sound, none"}})
    artefacts.record_failures(path, {"mir": ["b"]}, {"mir": {"b": 'says "no"'}})
    assert artefacts.read_failures(path).to_numpy().tolist() == [
        ["a", "cues", "no sound, none"],
        ["b", "mir", 'says "no"'],
    ]
    artefacts.record_failures(path, {"cues": ["a"]}, {"cues": {}})
    assert artefacts.read_failures(path)["film_id"].tolist() == ["b"]


def test_everything_of_the_user_lies_in_one_folder(tmp_path, monkeypatch):
    """Weights and rates had two folders on macOS."""
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))
    costs.remember("cues", [Done(seconds=1.0)])
    assert (cache_folder() / "rates.json").is_file() and cache_folder() == tmp_path / "cache"
    (cache_folder() / weights.PUBLISHED).write_bytes(b"weights")
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    assert weights.find() == cache_folder() / weights.PUBLISHED


def test_only_temporary_files_of_dead_owners_are_swept(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here, old = artefacts.here(), time.time() - 3600
    files = {
        f".a.{here}-{gone.pid}-00000000.parquet": True,
        f".b.{here}-{os.getpid()}-00000000.npz": False,
        ".c.12345678-1-00000000.parquet": False,  # of another machine or container, and at work a moment ago
        ".d.12345678-1-00000000.json": True,
        ".lock": False,
        ".e.parquet": False,
    }
    (tmp_path / "cues").mkdir()
    for name in files:
        (tmp_path / "cues" / name).touch()
    os.utime(tmp_path / "cues" / ".d.12345678-1-00000000.json", (old, old))
    assert {p.name for p in artefacts.sweep(tmp_path)} == {name for name, swept in files.items() if swept}
    assert {p.name for p in (tmp_path / "cues").iterdir()} == {name for name, swept in files.items() if not swept}
