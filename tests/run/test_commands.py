"""`run --dry-run`, `status` and Ctrl-C: what is said, and what is left behind."""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
from typer.testing import CliRunner

from filmlens import stages
from filmlens.cli import app
from filmlens.corpus import Corpus
from filmlens.run import status
from filmlens.stages import costs, lock

COMMAND = [sys.executable, "-m", "filmlens.cli"]
quiet = {"say": lambda line: None}


@pytest.fixture(autouse=True)
def no_rates(tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))


def command(*words):
    """What a command says and its exit code, as `filmlens.cli.main` gives it."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, (ValueError, OSError)):
        return 1, f"filmlens: {result.exception}"
    return result.exit_code, result.output


def rows(text: str) -> dict[str, list[str]]:
    return {
        line.split()[0]: re.split(r"\s{2,}", line.strip())[1:] for line in text.splitlines() if "  " in line.strip()
    }


def test_a_reason_names_films_and_counts_results_of_the_whole_corpus():
    films = [(f"film{n}", "cues", "not computed yet") for n in range(7)]
    results = [(f"(corpus) seed={n}", "genre", "not computed yet") for n in range(2)]
    assert status._reasons([*films, *results]) == [
        "  cues: not computed yet: film0, film1, film2, film3, film4 and 2 more",
        "  genre: not computed yet: 2 results",
    ]


def test_a_dry_run_writes_nothing_and_estimates_from_what_was_measured(two_films):
    code, text = command("run", two_films, "--dry-run", "--notebooks", "01,02")
    assert code == 0 and not (two_films / "derived").exists()
    assert rows(text)["cues"] == ["2 films", "2", "not measured yet"]
    assert "never measured on this machine" in text and "cues: not computed yet: one, two" in text
    assert "never run here with the profile quick" in text and text.strip().endswith("counted: 01, 02")
    corpus = Corpus.open(two_films)
    stages.run(corpus, "mir-cues", films=["one"], **quiet)
    assert costs.known()["cues"].length == pytest.approx(40, abs=0.2)
    code, text = command("run", two_films, "--dry-run", "--notebooks", "02", "--jobs", "1")
    table = rows(text)
    assert table["cues"][:2] == ["2 films", "1"] and float(table["cues"][2]) < 5
    assert table["visual"] == ["2 films", "2", "not measured yet"]
    with (two_films / "films" / "one.mp4").open("ab") as film:
        film.write(b"more")
    text = command("run", two_films, "--dry-run", "--notebooks", "02")[1]
    assert "cues: its film changed: one" in text and "mir: its cues will be computed again: one" in text


def test_an_estimate_is_the_rate_times_what_is_left(two_films):
    corpus = Corpus.open(two_films)
    stages.run(corpus, "cues", films=["one"], **quiet)
    measured = costs.known()["cues"]
    literal = measured.seconds / measured.length * 40 / 60
    text = command("run", two_films, "--dry-run", "--notebooks", "06")[1]
    assert float(rows(text)["cues"][2]) == pytest.approx(literal, abs=0.06)


def test_a_dry_run_refuses_what_a_run_refuses(two_films):
    code, text = command("run", two_films, "--dry-run", "-p", "sed=1")
    assert code == 1 and "no notebook knows the parameter sed" in text
    assert command("run", two_films)[0] == 2, "without --out there is nothing to run"


def test_rates_survive_a_damaged_or_unwritable_cache(two_films, tmp_path, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "rates.json").write_text('{"here": {"cues": ["x"]}}')
    assert costs.known() == {}
    corpus = Corpus.open(two_films)
    stages.run(corpus, "annotated", **quiet)
    assert costs.known()["annotated"].tasks == 2
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "file" / "below"))
    assert stages.run(corpus, "cues", **quiet)[0].computed == 2


def test_status_tells_done_stale_and_failed_with_reasons(two_films):
    corpus = Corpus.open(two_films)
    text = command("status", two_films)[1]
    assert rows(text)["cues"] == ["0", "0", "0", "2", "0"]
    stages.run(corpus, "mir-cues", **quiet)
    stages.run(corpus, "cues", engine="dejavu", films=["one"], **quiet)
    with (two_films / "soundtracks" / "one" / "Theme.flac").open("ab") as track:
        track.write(b"more")
    (two_films / "films" / "two.mp4").write_text("broken")
    stages.run(corpus, "cues", films=["two"], **quiet)
    code, text = command("status", two_films)
    table = rows(text)
    assert code == 0 and f"{two_films}: 2 films" in text
    assert table["cues"] == ["0", "1", "1", "0", "0"]
    assert table["mir"] == ["0", "1", "0", "0", "1"], "an input of two failed"
    assert table["cues@engine=dejavu"] == ["0", "1", "0", "1", "0"]
    assert "cues: its soundtrack changed: one" in text
    assert re.search(r"failed:\n +two, cues: .*two\.mp4: cannot be read", text)


def test_status_tells_who_is_at_work(two_films):
    corpus = Corpus.open(two_films)
    with lock.locked(corpus.derived):
        assert f"a run (process {os.getpid()} on " in command("status", two_films)[1]
    (corpus.derived / lock.NAME).write_text(
        '{"token": "x", "host": "' + os.uname().nodename + '", "pid": 4194309, "started": 1.0, "since": "noon"}'
    )
    assert "was killed; the next one continues" in command("status", two_films)[1]


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(signal.SIGINT, id="interrupted"),
        pytest.param(signal.SIGTERM, id="ended", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, id="killed", marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_takes_kernels_and_workers_with_it(toy, tmp_path, how):
    derived, out = tmp_path / "derived", tmp_path / "out"
    words = ["run", toy, "--out", out, "--derived", derived, "--notebooks", "01,02", "--jobs", "2"]
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 300
    while not list(derived.glob("cues/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 3, "a kernel and its workers"
    process.send_signal(how)
    said = process.communicate(timeout=120)[0]
    alive = psutil.wait_procs([p for p in family if p.is_running()], timeout=60)[1]
    assert not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    if how != signal.SIGKILL:
        assert process.returncode == 130, said
        assert "the same command continues" in said and "Traceback" not in said
        assert lock.owner(derived / lock.NAME) is None and not list(derived.rglob(".*"))
    corpus = Corpus.open(toy, derived=derived)
    kept = stages.planned(corpus, "cues")[0].fresh
    assert 1 <= len(kept) <= 8
    [outcome] = stages.run(corpus, "cues", films=list(kept), **quiet)
    assert (outcome.computed, outcome.kept) == (0, len(kept)), "what was finished is kept"
    assert lock.owner(derived / lock.NAME) is None or how == signal.SIGKILL
