"""Archives that mean harm are refused by name, in little time and memory, and leave nothing behind."""

import sys

import pyarrow.parquet as pq
import pytest
from hostile import changed, entries, hostile, opened, write
from measured_films import measured

from filmlens.corpus import Corpus, CorpusError, read_films
from filmlens.study import Study
from filmlens.study.share import share
from filmlens.study.study import StudyError

CPU_S, MEMORY_MIB = 5, 200


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The entries of a good data set."""
    corpus = measured(tmp_path / "my films", monkeypatch, films=3)
    share(corpus, tmp_path / "good.zip")
    return entries(tmp_path / "good.zip")


def test_hostile_archives_are_refused_by_name(shared, tmp_path):
    folder = tmp_path / "hostile"
    folder.mkdir()
    made = list(hostile(shared, folder))
    good = write(folder / "good.zip", shared)
    assert len(made) >= 30 and len({what for what, _, _ in made}) == len(made)
    said, memory = opened([path for _, path, _ in made] + [good], tmp_path, sys.executable, timeout=300)
    told = [(what, word, path.name, *said[str(path)]) for what, path, word in made]
    assert not [t for t in told if not (t[1] in t[3] and t[2] in t[3] and t[3].isprintable())], "not named"
    assert not [t for t in told if t[4] > CPU_S], "took too much of the processor"
    assert said[str(good)][0].startswith("taken")
    assert memory < MEMORY_MIB
    left = {p.name for p in folder.iterdir()} - {path.name for _, path, _ in made}
    assert left == {"good.zip", "good"}, "nothing of the others was unpacked"


def test_a_feature_column_that_is_missing_everywhere_is_named(shared, tmp_path):
    mir = [n for n in shared if n.startswith("derived/mir")]
    less = shared | {n: changed(shared[n], lambda t: t.drop(columns="tempo_mean")) for n in mir}
    less["columns.csv"] = b"\n".join(line for line in shared["columns.csv"].splitlines() if b"tempo_mean" not in line)
    path = write(tmp_path / "less.zip", less)
    corpus = Corpus.open(path)
    with pytest.raises(StudyError, match=r"mir.*\.parquet: lacks the column 'tempo_mean' of mir"):
        Study.open(path)
    assert corpus.ids and pq.read_schema(next(corpus.derived.glob("mir/*.parquet")))


def test_a_shared_corpus_has_its_films_in_films_csv_alone(tmp_path):
    (tmp_path / "shared.json").write_text("{}")
    (tmp_path / "films.txt").write_text("film_id;title;year;genres;film;soundtrack\na;A;1990;Drama;;\n")
    with pytest.raises(CorpusError, match=r"films\.csv: no such file"):
        read_films(tmp_path)
