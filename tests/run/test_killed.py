"""Killed at any moment, a run is continued: the same tables, nothing half-written, nothing finished done again."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from filmlens import stages
from filmlens.artefacts import read_table
from filmlens.corpus import Corpus
from filmlens.stages import lock

RUN = """
import sys
from filmlens import stages
from filmlens.corpus import Corpus
if __name__ == "__main__":
    for stage in ("visual", "annotated", "mir-cues")[: int(sys.argv[2])]:
        stages.run(Corpus.open(sys.argv[1]), stage, jobs=2)
"""


#: Of cues, visual, annotated and, in the long test, mir-cues.
SHORT, LONG = 2, 3


def undisturbed(toy, tmp_path_factory, stages_):
    """Tables of a run of the toy corpus that nobody disturbed, and how long it took."""
    derived = tmp_path_factory.mktemp("undisturbed") / "derived"
    begun = time.monotonic()
    assert start(toy, derived, stages_).wait() == 0
    return tables(derived), time.monotonic() - begun


def start(folder, derived, stages_, **more):
    script = derived.parent / "run.py"
    script.write_text(RUN)
    words = [sys.executable, str(script), str(folder), str(stages_)]
    environment = os.environ | {"FILMLENS_DERIVED": str(derived)}
    return subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, **more)


def tables(derived: Path) -> dict[str, pd.DataFrame]:
    return {str(p.relative_to(derived)): read_table(p) for p in sorted(derived.rglob("*.parquet"))}


def files(derived: Path) -> dict[str, tuple[int, int]]:
    """What is finished: inode and time of every artefact."""
    found = [p for p in derived.rglob("*.parquet") if not p.name.startswith(".")]
    return {str(p.relative_to(derived)): (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def children(process) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def gone(processes, seconds=30) -> bool:
    alive = psutil.wait_procs([p for p in processes if p.is_running()], timeout=seconds)[1]
    return not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def kill(toy, derived, stages_, moment, least=0):
    """Start a run and kill it after a while, on a busy machine not before enough is finished; what was finished."""
    process = start(toy, derived, stages_)
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        while len(files(derived)) < least and process.poll() is None:
            time.sleep(0.02)
        workers = children(process)
        process.kill()
        process.wait()
        assert gone(workers), "workers outlive the run"
    corpus, there = Corpus.open(toy, derived=derived), files(derived)
    fresh = {
        str(plan.step.place.path(subject).relative_to(derived))
        for stage in ("visual", "annotated", "mir-cues")[:stages_]
        for plan in stages.planned(corpus, stage)
        for subject in plan.fresh
    }
    return {name: there[name] for name in fresh}


def check_continued(toy, derived, stages_, finished, expected):
    """The next run ends with the undisturbed tables and touches nothing that was finished."""
    assert start(toy, derived, stages_).wait() == 0
    after = files(derived)
    assert all(after[name] == finished[name] for name in finished), "a finished film was computed again"
    left = [p.name for p in derived.rglob(".*")]
    assert not left, f"half-written: {left}"
    found = tables(derived)
    assert found.keys() == expected.keys()
    for name, table in found.items():
        pd.testing.assert_frame_equal(table, expected[name])


def test_killed_three_times_it_gets_there(toy, tmp_path_factory, tmp_path):
    expected, seconds = undisturbed(toy, tmp_path_factory, SHORT)
    derived, finished, counts = tmp_path / "derived", {}, []
    for number, share in enumerate((0.4, 0.5, 0.6)):
        now = kill(toy, derived, SHORT, seconds * share, least=number)
        assert finished.items() <= now.items(), "a finished film was computed again"
        finished = now
        counts.append(len(finished))
    assert counts == sorted(counts) and 0 < counts[-1]
    check_continued(toy, derived, SHORT, finished, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("stages_", "times"), [(SHORT, 14), (LONG, 6)], ids=["pictures", "music"])
def test_twenty_random_kills(toy, tmp_path_factory, tmp_path, stages_, times):
    expected, seconds = undisturbed(toy, tmp_path_factory, stages_)
    rng, counts = random.Random(stages_), []
    for number in range(times):
        derived = tmp_path / str(number) / "derived"
        derived.parent.mkdir()
        finished = kill(toy, derived, stages_, rng.uniform(0.1, 1) * seconds)
        counts.append(len(finished))
        check_continued(toy, derived, stages_, finished, expected)
    print(f"finished when killed: {counts}")
    assert len(set(counts)) > 3, f"the kills came at different moments: {counts}"


def test_an_interrupt_ends_workers_too(toy, tmp_path):
    derived = tmp_path / "derived"
    process = start(toy, derived, SHORT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while len(list(derived.glob("cues/*.parquet"))) < 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = children(process)
    assert len(workers) >= 2
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert gone(workers)
    assert lock.owner(derived / lock.NAME) is None, "the lock is given back"
    assert not list(derived.rglob(".*")), "nothing half-written"


def test_a_finished_table_beside_an_unfinished_one_is_not_trusted(two_films):
    """Of a stage that writes two tables, the one that says what it is made of comes last."""
    corpus = Corpus.open(two_films)
    stages.run(corpus, "cues", say=lambda line: None)
    (corpus.derived / "windows" / "one.parquet").unlink()
    [plan] = stages.planned(corpus, "cues")
    assert [(t.subject, t.why) for t in plan.tasks] == [("one", "windows beside it is missing")]
    stages.run(corpus, "cues", say=lambda line: None)
    assert (corpus.derived / "windows" / "one.parquet").is_file()
    assert stages.planned(corpus, "cues")[0].fresh == {"one": [], "two": []}
