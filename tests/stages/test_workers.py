"""Workers: processes with a time limit, a real Dask cluster, and what is said of those that die."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest

from filmlens import stages
from filmlens.artefacts import read_failures, read_table
from filmlens.corpus import Corpus
from filmlens.media.monitor import in_time, watched
from filmlens.stages import workers
from filmlens.stages.work import attempt

quiet = {"say": lambda line: None}

#: Started by every Python process that finds it first: a decoder that goes wrong in the film "one".
ODD = """
import os, signal, time
from filmlens.stages import of_film
sound = of_film.annotated
def annotated(film, tables):
    if film.id == "one":
        {what}
    return sound(film, tables)
of_film.annotated = annotated
"""


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """Make workers go wrong: what is given is done in the film "one"."""

    def make(what):
        folder = tmp_path / "odd"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(ODD.format(what=what))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))

    return make


def tables(derived: Path) -> dict[str, pd.DataFrame]:
    return {str(p.relative_to(derived)): read_table(p) for p in sorted(derived.rglob("*.parquet"))}


def equal(first: dict, second: dict) -> None:
    assert first.keys() == second.keys() and first
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("time.sleep(600)", "took longer than its time limit"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "died (signal 11)"),
        ("os._exit(3)", "died (exit code 3)"),
        ("raise MemoryError('too large')", "MemoryError: too large"),
        ("raise RuntimeError('a\\nb')", "RuntimeError: a b (sitecustomize.py:7)"),
    ],
    ids=["hangs", "crashes", "exits", "memory", "error"],
)
def test_one_film_fails_and_the_other_goes_on(two_films, odd, what, said):
    odd(what)
    corpus = Corpus.open(two_films)
    # the other film must be done in time, on a busy machine too
    [outcome] = stages.run(corpus, "annotated", jobs=2, limit=8 if "sleep" in what else 60, **quiet)
    assert outcome.computed == 1 and list(outcome.failed) == ["one"]
    assert said in outcome.failed["one"]
    assert said in read_failures(corpus.derived / "failures.csv")["error"][0]
    assert set(stages.read(corpus, "annotated")["film_id"]) == {"two"}


#: The first worker dies before it has begun anything; "always": every one.
STILLBORN = """
import os, sys
if "--multiprocessing-fork" in sys.argv and {when}:
    open({seen!r}, "w").close()
    os._exit(7)
"""


@pytest.mark.parametrize("always", [False, True], ids=["once", "always"])
def test_a_pool_that_breaks_costs_no_film_that_can_be_done(two_films, tmp_path, monkeypatch, always):
    seen = str(tmp_path / "seen")
    when = "True" if always else f"not os.path.exists({seen!r})"
    (tmp_path / "sitecustomize.py").write_text(STILLBORN.format(when=when, seen=seen))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    [outcome] = stages.run(Corpus.open(two_films), "annotated", jobs=2, **quiet)
    assert os.path.exists(seen)
    assert outcome.computed == (0 if always else 2) and len(outcome.failed) == (2 if always else 0)
    assert all("died before it had begun" in error for error in outcome.failed.values())


def test_a_pool_that_breaks_with_a_long_queue_ends(two_films, tmp_path, monkeypatch):
    """More tasks than the pipe to the workers holds."""
    seen = str(tmp_path / "seen")
    (tmp_path / "sitecustomize.py").write_text(STILLBORN.format(when=f"not os.path.exists({seen!r})", seen=seen))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    [plan] = stages.planned(Corpus.open(two_films), "annotated", films=["one"])
    tasks = [replace(plan.tasks[0], subject=f"film-{k}", version="0.0.1 " + "x" * 4000) for k in range(60)]
    done = {task.subject: done.error for task, done in workers.over(tasks, jobs=2)}
    assert sorted(done) == sorted(t.subject for t in tasks)
    assert all("has FilmLens" in error for error in done.values())


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_deadline_is_looked_at_between_packets(two_films, jobs):
    """Also where nobody can kill: in this process, in a thread of a cluster's worker."""
    corpus = Corpus.open(two_films)
    outcome = stages.run(corpus, "cues", jobs=jobs, limit=1e-6, **quiet)[0]
    assert outcome.failed == dict.fromkeys(("one", "two"), "took longer than its time limit")
    assert stages.run(corpus, "cues", jobs=jobs, **quiet)[0].computed == 2


def test_a_deadline_holds_for_its_own_thread():
    late = []

    def other():
        in_time()
        late.append(False)

    with watched(limit=-1), pytest.raises(TimeoutError):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        in_time()
    assert late == [False]
    in_time()


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as running:
        yield running


def test_a_dask_cluster_gives_the_same_tables(toy, cluster, tmp_path):
    here, there = Corpus.open(toy, derived=tmp_path / "here"), Corpus.open(toy, derived=tmp_path / "there")
    for corpus, how in ((here, {"jobs": 1}), (there, {"dask": cluster.scheduler_address})):
        stages.run(corpus, "mir-cues", films=corpus.ids[:3], **how, **quiet)
    equal(tables(here.derived), tables(there.derived))
    assert not list(there.derived.rglob(".*"))


def test_a_dask_worker_killed_in_the_middle_is_survived(toy, cluster, tmp_path):
    corpus = Corpus.open(toy, derived=tmp_path / "there")
    killed = []

    def kill_one():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(corpus.derived.glob("cues/*.parquet")):
            time.sleep(0.02)
        [worker, *_] = cluster.workers.values()
        psutil.Process(worker.pid).send_signal(signal.SIGKILL)
        killed.append(worker.pid)

    killer = threading.Thread(target=kill_one)
    killer.start()
    outcomes = stages.run(corpus, "visual", dask=cluster.scheduler_address, **quiet)
    killer.join()
    assert killed and [(o.computed, o.failed) for o in outcomes] == [(8, {})] * 2


def test_a_worker_that_cannot_see_the_media_says_which(two_films, cluster):
    corpus = Corpus.open(two_films)
    [plan] = stages.planned(corpus, "cues", films=["one"])
    away = two_films / "films" / "elsewhere.mp4"
    (two_films / "films" / "one.mp4").rename(away)
    [(_, done)] = workers.over(plan.tasks, dask=cluster.scheduler_address)
    assert "cannot see" in done.error and "films/one.mp4" in done.error and "mount it there" in done.error


def test_a_worker_of_another_version_is_refused(two_films):
    [plan] = stages.planned(Corpus.open(two_films), "annotated", films=["one"])
    assert "has FilmLens" in attempt(replace(plan.tasks[0], version="0.0.1")).error


def test_no_scheduler_is_one_line(two_films, monkeypatch):
    monkeypatch.setattr("filmlens.stages.workers._CONNECT_S", 1.0)
    with pytest.raises(OSError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        stages.run(Corpus.open(two_films), "annotated", dask="tcp://127.0.0.1:9", **quiet)


def test_a_script_without_a_main_guard_runs_once(two_films, tmp_path):
    script = tmp_path / "study.py"
    lines = ["from filmlens import stages", "from filmlens.corpus import Corpus", "print('begun')"]
    lines += [f"print(stages.run(Corpus.open({str(two_films)!r}), 'annotated', jobs=2)[-1].computed)"]
    script.write_text("\n".join(lines))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begun") == 1 and done.stdout.splitlines()[-1] == "2"


def test_a_films_worker_starts_without_what_only_models_need():
    """It is a process of its own for every run; torch and scikit-learn would be half of its start."""
    code = "import sys, filmlens.stages.of_film, filmlens.stages.of_music; print({'torch', 'sklearn'} & {*sys.modules})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
