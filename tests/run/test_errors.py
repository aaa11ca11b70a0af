"""What goes wrong is said in words: no number of the system, no codec, no term of a parser, nothing of Python."""

import gzip
import re
import shutil
import sys

import pytest
from conftest import edit

from filmlens import cli

RAW = re.compile(
    r"Errno|codec|tokeniz|C error|PosixPath|WindowsPath|<class|Traceback|NoneType|object at|\w+Error\b|Exception|pickle"
    r"|weights_only|ArrowInvalid|\\x[0-9a-f]{2}"
)


def said(capsys, *words):
    """What a command says as it ends; the entry point itself, which turns errors into a line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["filmlens", *map(str, words)])
        for stream in (sys.stdout, sys.stderr):
            patch.setattr(stream, "reconfigure", lambda **how: None, raising=False)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    out = capsys.readouterr()
    return ended.value.code, out.out + out.err


@pytest.fixture
def place(two_films, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "latin.txt").write_bytes("1\t2\tСталкер\n".encode("cp1251"))
    (tmp_path / "odd.tsv").write_bytes(b"\xff\xff\n")
    (tmp_path / "cut.gz").write_bytes(
        gzip.compress(b"tconst\tprimaryTitle\toriginalTitle\tstartYear\tgenres\n" * 99)[:60]
    )
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    (tmp_path / "junk.zip").write_bytes(b"PK\x03\x04junk")
    text = (two_films / "films.csv").read_text(encoding="utf-8").splitlines()
    ids = ("imdb_id", "tt0000001", "tt0000002")
    lines = [f"{line},{i}\n" for line, i in zip(text, ids, strict=True)]
    (two_films / "films.csv").write_text("".join(lines), encoding="utf-8")
    shutil.copytree(two_films, tmp_path / "horor")
    edit(tmp_path / "horor" / "films.csv", ",Horror", ",Horor")
    return tmp_path


WRONG = {
    "no corpus": ("check {p}/none", "no such folder"),
    "a file as corpus": ("check {p}/file", "is a file; name the folder of the corpus, such as {p}"),
    "no films.csv": ("status {p}", "films.csv: no such file"),
    "a notebook that is not there": ("run {p}/two --out {p}/o --notebooks 99", "name them by number, such as"),
    "a profile misspelt": ("run {p}/two --out {p}/o --profile papre", "choose one of paper, quick"),
    "a profile misspelt, dry": ("run {p}/two --dry-run --profile papre", "choose one of paper, quick"),
    "cues misspelt": ("run {p}/two --out {p}/o --notebooks 00 -p cues=anotated", "choose one of stamped, annotated"),
    "a sound misspelt": ("run {p}/two --out {p}/o --notebooks 00 -p sound=flim", "choose track or film"),
    "an engine misspelt": ("stamp {p}/two --engine dejavue", "choose filmlens or dejavu"),
    "a format misspelt": ("export {p}/two --format doc", "choose one of cue-sheet, xlsx"),
    "no library": ("stamp {p}/two --library {p}/none", "no such folder of further music"),
    "nothing to share": ("share {p}/two --out {p}/e.zip", "run `filmlens stamp {p}/two`"),
    "nothing to export": ("export {p}/two --format audacity", "run `filmlens stamp {p}/two` first"),
    "a genre misspelt": ("check {p}/horor", "genre 'Horor': did you mean Horror?"),
    "a damaged zip": ("check {p}/junk.zip", "is no zip that can be read"),
    "derived is a file": ("stamp {p}/two --derived {p}/file", "cannot be written"),
    "a report below a file": ("run {p}/two --out {p}/file/x --notebooks 00", "cannot be written"),
    "a new corpus at a file": ("new {p}/file --films {p}/two/films", "is a file; name a folder"),
    "a new corpus below a file": ("new {p}/file/x --films {p}/two/films", "cannot be written"),
    "no labels": ("import {p}/two one {p}/none.txt", "No such file"),
    "a folder as labels": ("import {p}/two one {p}/two", "cannot be read"),
    "labels in Cyrillic coding": ("import {p}/two one {p}/latin.txt", "coding that cannot be told"),
    "a folder as IMDb's file": ("genres {p}/two --imdb {p}/two", "cannot be read to its end"),
    "no text as IMDb's file": ("genres {p}/two --imdb {p}/odd.tsv", "is no UTF-8 text"),
    "IMDb's file cut off": ("genres {p}/two --imdb {p}/cut.gz", "cannot be read to its end"),
    "no weights": ("weights vggish --file {p}/weights.pth", "cannot be read as weights"),
    "a damaged release": ("release --file {p}/junk.zip --out {p}/r", "is no zip that can be read"),
    "a page below a file": ("check {p}/two --html --derived {p}/file", "cannot be written"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_come_in_words(place, capsys, wrong):
    line, words = WRONG[wrong]
    code, text = said(capsys, *line.format(p=place).split())
    assert code == 1 and words.format(p=place) in text and not RAW.search(text.replace(str(place), "")), text
    assert len(text.splitlines()) <= 4 and not (place / "o").exists(), text


def test_a_table_of_verdicts_that_is_none_is_told_with_its_row(two_films):
    from filmlens import verdicts
    from filmlens.corpus import CorpusError

    path = two_films / "verdicts" / "one.csv"
    path.parent.mkdir()
    path.write_text("track,start,end,verdict\na,1,2,accept\na,1,2,accept,x,y\n")
    with pytest.raises(CorpusError, match="row 3 has 6 cells under 4 columns") as error:
        verdicts.read(path)
    assert not RAW.search(str(error.value))


def test_rows_are_named_one_way(two_films):
    """By the whole path of the table, in every message."""
    from filmlens.corpus.check import check

    (two_films / "films" / "one.mp4").unlink()
    (two_films / "soundtracks" / "two" / "Theme.flac").write_bytes(b"")
    (two_films / "films.csv").write_text((two_films / "films.csv").read_text().replace("2014", "x"))
    problems = check(two_films).problems
    assert len(problems) >= 3 and all(p.startswith(f"{two_films / 'films.csv'} row ") for p in problems), problems
