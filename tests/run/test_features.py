"""`filmlens features` and `filmlens weights`: progress and rate per film, names that are not there, films that fail."""

import re
import subprocess
import sys

import pytest

from filmlens.features.vggish import weights
from filmlens.features.vggish.weights import WeightsError
from filmlens.run.features import extract


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache" / "filmlens"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_film_is_told_with_its_rate(two_films, jobs):
    lines = []
    assert extract(two_films, ["visual"], jobs=jobs, cues="annotated", sampling="keyframes", say=lines.append) == 0
    films = [line for line in lines if line.startswith("visual: ")][:2]
    assert {line.split()[1] for line in films} == {"one", "two"}
    assert all(re.search(r"of 2\), 15 s in \d+\.\d s, [\d.e+]+ x realtime$", line) for line in films), lines
    again = []
    assert extract(two_films, ["visual"], cues="annotated", sampling="keyframes", say=again.append) == 0
    assert again == ["visual: 0 computed, 2 kept"]


def test_by_default_vggish_waits_for_its_weights(two_films):
    lines = []
    assert extract(two_films, films=["one"], cues="annotated", say=lines.append) == 0
    assert "filmlens weights vggish" in lines[0] and any(line.startswith("mir: one (1 of 1), 15 s") for line in lines)
    with pytest.raises(WeightsError, match="filmlens weights vggish"):
        extract(two_films, ["vggish"], say=lines.append)


def test_names_are_checked_and_failures_told(two_films):
    with pytest.raises(
        ValueError, match=r"no features 'clap': there are mir, keyfree, tonic, vggish, musicnn, .*tags, .*visual"
    ):
        extract(two_films, ["clap"])
    (two_films / "films" / "two.mp4").write_bytes(b"no film")
    lines = []
    assert extract(two_films, ["visual"], cues="annotated", say=lines.append) == 1
    assert any("failed: two" in line and "two.mp4" in line for line in lines)


def test_the_command_refuses_what_is_no_weights(tmp_path):
    (tmp_path / "page.pth").write_text("<html>")
    words = [sys.executable, "-m", "filmlens.cli", "weights", "vggish", "--file", str(tmp_path / "page.pth")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "page.pth" in done.stderr and "Traceback" not in done.stderr
