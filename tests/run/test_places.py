"""Places that cannot be written to: one clear line with the remedy, exit code 1, nothing half-written."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmlens import stages
from filmlens.artefacts import WriteError
from filmlens.corpus import Corpus
from filmlens.media import apart
from filmlens.run.notebooks import choose_notebooks, known_parameters, run
from filmlens.run.report import write_report  # noqa: F401
from filmlens.run.status import status

NOBODY = 65534
COMMAND = [sys.executable, "-m", "filmlens.cli"]


def command(*words, before=None, **environment):
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=before,
        env=os.environ | environment,
        cwd="/",
    )
    return done.returncode, done.stdout + done.stderr


def small_files():
    """No file may grow beyond 2 kB, as if the disk were full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_full_disk_stops_the_stage_with_one_line(two_films, jobs):
    script = (
        "import sys\nfrom filmlens import stages\nfrom filmlens.corpus import Corpus\n"
        "if __name__ == '__main__':\n"
        "    try:\n        stages.run(Corpus.open(sys.argv[1]), 'cues', jobs=int(sys.argv[2]))\n"
        "    except OSError as error:\n        sys.exit(f'{type(error).__name__}: {error}')\n"
    )
    path = two_films / "script.py"
    path.write_text(script)
    words = [sys.executable, path, two_films, str(jobs)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=small_files)
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("WriteError: ") and "cannot be written (File too large)" in line and "--derived DIR" in line
    derived = two_films / "derived"
    assert not list(derived.rglob("*.parquet")) and not list(derived.rglob(".*")), "nothing half-written"
    outcomes = stages.run(Corpus.open(two_films), "cues", say=lambda line: None)
    assert outcomes[0].computed == 2, "with room again it goes on"


def test_a_full_disk_stops_the_run_with_one_line(two_films, tmp_path):
    code, text = command("run", two_films, "--out", tmp_path / "out", "--notebooks", "01,02", before=small_files)
    assert code == 1 and "Traceback" not in text
    lines = [line for line in text.splitlines() if line.startswith("filmlens: ")]
    assert len(lines) == 1 and "ipynb cannot be written (File too large); make room" in lines[0], text


def as_nobody(function) -> str:
    """What a function says in a child that has become the user nobody; everything it needs is imported already."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        with os.fdopen(reader) as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        return said
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        said = str(function())
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    os.write(writer, said.encode())
    os._exit(0)


def in_this_process(function, given, named, limit):
    value = function(*given, **named)
    yield from (("item", item) for item in value) if isinstance(value, Iterator) else [("value", value)]


@pytest.fixture
def anyones():
    """A folder that everyone may enter, outside pytest's own, which only its owner may."""
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only root can become the user nobody")
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_corpus_that_may_only_be_read(two_films, anyones, monkeypatch):
    corpus, free = anyones / "corpus", anyones / "free"
    shutil.copytree(two_films, corpus)
    free.mkdir()
    os.chmod(free, 0o777)
    monkeypatch.setenv("FILMLENS_CACHE", str(free / "cache"))
    monkeypatch.setattr(apart, "_results", in_this_process)  # nobody may not be allowed to start this Python
    quiet = {"say": lambda line: None}
    stages.run(Corpus.open(two_films), "visual", **quiet)  # imports and compiles what the child needs
    known_parameters(choose_notebooks(["01"])[0])

    said = as_nobody(lambda: stages.run(Corpus.open(corpus), "visual", **quiet))
    assert said.startswith(f"WriteError: {corpus / 'derived'}") and "Permission denied" in said
    assert "--derived DIR" in said and "\n" not in said
    said = as_nobody(lambda: run(corpus, free / "out", notebooks=["01"], **quiet))
    assert said.startswith(f"WriteError: {corpus / 'derived'}") and "--derived DIR" in said
    assert not (corpus / "derived").exists()

    said = as_nobody(lambda: stages.run(Corpus.open(corpus, derived=free / "derived"), "visual", **quiet))
    assert "Error" not in said, said
    there = Corpus.open(corpus, derived=free / "derived")
    assert set(stages.read(there, "cues")["film_id"]) == {"one", "two"} and not (corpus / "derived").exists()
    assert "visual       2      0" in as_nobody(lambda: status(there))


def test_an_error_of_the_place_is_not_the_films(two_films, monkeypatch):
    """The first film that cannot be written ends the stage: the next would meet the same."""
    corpus = Corpus.open(two_films)
    corpus.derived.mkdir()
    (corpus.derived / "annotated").write_text("a file where a folder should be")
    with pytest.raises(WriteError, match="annotated"):
        stages.run(corpus, "annotated", say=lambda line: None)
    assert not (corpus.derived / "failures.csv").exists()
