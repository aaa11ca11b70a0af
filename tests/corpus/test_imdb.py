"""Genres from IMDb's public file: a file that the tests make, small, damaged, and ten million rows long."""

import gzip
import subprocess
import sys
import textwrap

import pandas as pd
import pytest

from filmlens.corpus import Corpus
from filmlens.corpus.imdb import ImdbError, labels, write_films

HEAD = "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres\n"
PSYCHO = "tt0054215\tmovie\tPsycho\tPsycho\t0\t1960\t\\N\t109\tHorror,Mystery,Thriller\n"
LIFE = 'tt0118799\tmovie\t"Life" Is Beautiful\tLa vita è bella\t0\t1997\t\\N\t116\tComedy,Drama,Romance\n'
EMPTY = "tt0000001\tshort\tCarmencita\tCarmencita\t0\t1894\t\\N\t1\t\\N\n"
MANY = "tt9999999\tmovie\tOther\tOther\t0\t2001\t\\N\t1\tAction,Sci-Fi\n"


@pytest.fixture
def basics(tmp_path):
    path = tmp_path / "title.basics.tsv.gz"
    path.write_bytes(gzip.compress((HEAD + EMPTY + PSYCHO + LIFE + MANY).encode()))
    return path


def corpus_of(folder, *rows, column="imdb_id"):
    folder.mkdir(exist_ok=True)
    lines = [f"film_id,title,year,genres,film,soundtrack,{column}", *rows]
    (folder / "films.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Corpus.open(folder)


def test_labels_are_reduced_and_ordered(basics, tmp_path):
    corpus = corpus_of(
        tmp_path / "c",
        "a,Psycho,1960,Drama,a.mp4,,54215",
        "b,La vita e bella,1997,,b.mp4,,https://imdb.com/title/tt0118799/",
    )
    found = labels(corpus, basics)
    assert found.films["genres"].tolist() == ["Horror", "Comedy|Drama|Romance"] and found.problems == []
    assert found.films["imdb"].iloc[0] == "Horror|Mystery|Thriller" and found.films["before"].iloc[0] == "Drama"
    assert labels(corpus, basics, genres=["Thriller", "Horror"]).films["genres"].tolist() == ["Horror|Thriller", ""]
    plain = tmp_path / "plain.tsv"
    plain.write_bytes(gzip.decompress(basics.read_bytes()))
    pd.testing.assert_frame_equal(labels(corpus, plain).films, found.films)


def test_what_is_wrong_is_said_with_row_and_remedy(basics, tmp_path):
    corpus = corpus_of(
        tmp_path / "c",
        "gone,Gone,1990,Drama,a.mp4,,tt0000404",
        "none,None,1990,Drama,a.mp4,,",
        "odd,Odd,1990,Drama,a.mp4,,psycho",
        "other,Vertigo,1958,Drama,a.mp4,,tt0054215",
        "year,Psycho,1998,Drama,a.mp4,,tt0054215",
        "bare,Carmencita,1894,Drama,a.mp4,,tt0000001",
    )
    found = labels(corpus, basics)
    told = "\n".join(found.problems)
    assert "row 2: gone: tt0000404 is not in the file" in told
    assert "row 3: none has no imdb_id" in told
    assert "row 4: odd: imdb_id 'psycho' is no IMDb identifier" in told
    assert "row 5: other: tt0054215 is 'Psycho' (1960) there" in told
    assert "row 6: year: tt0054215 is 'Psycho' (1960) there" in told
    assert "row 7: bare: none of the labels asked for; IMDb has no genre" in told
    assert len(found.problems) == 6


def test_films_csv_keeps_all_else_and_is_never_written_over(basics, tmp_path):
    corpus = corpus_of(tmp_path / "c", "a,Psycho,1960,Drama,a.mp4,,tt0054215", 'b,"X, Y",,Western,b.mp4,,')
    found = labels(corpus, basics)
    out = write_films(corpus, found, tmp_path / "new.csv")
    table = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert table["genres"].tolist() == ["Horror", "Western"], "a film that was not found keeps what it had"
    assert table["title"].tolist() == ["Psycho", "X, Y"] and "imdb_id" in table
    before = (corpus.folder / "films.csv").read_bytes()
    with pytest.raises(ImdbError, match="exists"):
        write_films(corpus, found, corpus.folder / "films.csv")
    assert (corpus.folder / "films.csv").read_bytes() == before


def test_another_file_a_damaged_file_another_label(basics, tmp_path):
    corpus = corpus_of(tmp_path / "c", "a,Psycho,1960,Drama,a.mp4,,tt0054215")
    with pytest.raises(ImdbError, match="no such file"):
        labels(corpus, tmp_path / "none.gz")
    with pytest.raises(ImdbError, match=r"is not title.basics.tsv.gz, it lacks .*genres"):
        labels(corpus, corpus.folder / "films.csv")
    with pytest.raises(ImdbError, match="no title has the genre Scifi; is Sci-Fi meant"):
        labels(corpus, basics, genres=["Scifi"])
    cut = tmp_path / "cut.tsv.gz"
    cut.write_bytes(basics.read_bytes()[:-30])
    with pytest.raises(ImdbError, match="get it again"):
        labels(corpus, cut)
    short = tmp_path / "short.tsv"
    short.write_text(HEAD + PSYCHO + "tt1\tmovie\n", encoding="utf-8")
    with pytest.raises(ImdbError, match="row 3: 2 columns, not 9"):
        labels(corpus, short)
    with pytest.raises(ImdbError, match="there is no column imdb_id"):
        labels(corpus_of(tmp_path / "d", "a,A,1960,Drama,a.mp4,,x", column="imdb"), basics)


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")


def read_many(folder, rows):
    """Look up two films among many rows in a process of its own that may have 1 GB; its peak memory in MB."""
    corpus_of(folder / "c", "a,Psycho,1960,Drama,a.mp4,,tt0054215", "z,Title 7,2001,Drama,a.mp4,,tt1000007")
    line = "tt{0}\tmovie\tTitle {0}\tTitle {0}\t0\t2001\t\\N\t90\tDrama,Romance,Sci-Fi\n"
    with gzip.open(folder / "many.tsv.gz", "wt", compresslevel=1, encoding="utf-8") as file:
        file.write(HEAD)
        for first in range(0, rows, 10_000):
            file.write("".join(line.format(1_000_000 + k) for k in range(first, min(first + 10_000, rows))))
        file.write(PSYCHO + EMPTY + LIFE + MANY)
    code = f"""
        import resource
        resource.setrlimit(resource.RLIMIT_DATA, (10**9, 10**9))
        from filmlens.corpus import Corpus
        from filmlens.corpus.imdb import labels
        found = labels(Corpus.open({str(folder / "c")!r}), {str(folder / "many.tsv.gz")!r})
        assert found.films["genres"].tolist() == ["Horror", "Drama|Romance|Sci-Fi"], found.films
        # of this program alone; ru_maxrss begins with what its parent held
        peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
        print(int(peak) / 1e3)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@on_linux
def test_memory_does_not_grow_with_the_file(tmp_path):
    (tmp_path / "small").mkdir()
    (tmp_path / "large").mkdir()
    assert read_many(tmp_path / "large", 300_000) < read_many(tmp_path / "small", 1_000) + 30


@on_linux
@pytest.mark.slow
def test_ten_million_rows_within_a_gigabyte(tmp_path):
    assert read_many(tmp_path, 10_000_000) < 1000
