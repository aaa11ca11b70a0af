"""The page of corpus health: what stands on it, as text, and that it asks nothing of anyone."""

import re

from conftest import edit
from typer.testing import CliRunner

from filmlens.cli import app
from filmlens.corpus import Corpus
from filmlens.run.health import corpus_health


def page_of(folder, *more):
    done = CliRunner().invoke(app, ["check", str(folder), "--html", *map(str, more)])
    path = re.search(r"the page: (.*corpus\.html)", done.output)[1]
    with open(path, encoding="utf-8") as file:
        return file.read()


def test_the_page_says_what_is_there_and_what_it_can_answer(two_films, tmp_path):
    edit(two_films / "films.csv", "First", "<i>=1+1</i>")
    with open(two_films / "films.csv", "a", encoding="utf-8") as file:
        file.write("three,Third,2016,Drama,,,\n")
    before = sorted(p for p in two_films.rglob("*"))
    page = page_of(two_films, "--derived", tmp_path)
    assert sorted(two_films.rglob("*")) == before, "nothing is written into the corpus"
    assert "<h2>No problem</h2>" in page and "&lt;i&gt;=1+1&lt;/i&gt; (2014)" in page and "<i>" not in page
    for words in (
        *("<b>2</b> films", "<b>4</b> tracks", "<b>2</b> annotated cues", "<b>1</b> films not owned"),
        *("64\u00a0×\u00a036, 4\u00a0fps", "44.1\u00a0kHz, 1\u00a0ch", "mov: h264 + aac", "flac: flac"),
        *("one film is enough", "Whether the music of Horror differs (1 film with it, 1 without)"),
    ):
        assert words in page, words
    assert "Content-Security-Policy" in page and "<script" not in page and "http" not in page.split("</style>")[1]
    assert page.count("<caption>") == page.count("<table"), "every table has a caption"


def test_the_page_of_a_faulty_corpus_and_the_reports_section(two_films):
    (two_films / "films" / "one.mp4").unlink()
    page = page_of(two_films)
    assert (two_films / "derived" / "corpus.html").is_file()
    assert "<h2>1 problem</h2>" in page and "film file: First (2014)" in page
    section = corpus_health(Corpus.open(two_films))
    assert section.startswith("\n<div class=") or section.startswith("<div class=")
    assert "film file: First (2014)" in section and "<b>4</b> tracks" in section


def test_no_film_and_no_genre(two_films):
    edit(two_films / "films.csv", ",Horror,", ",,")
    edit(two_films / "films.csv", ",Action|Sci-Fi,", ",,")
    page = page_of(two_films)
    assert "No film has a genre yet." in page and "genre: First (2014), Second &amp; Last (2015)" in page
    (two_films / "films.csv").write_text("film_id,title,year,genres,film,soundtrack\na,A,1990,Drama,,\n")
    assert "Nothing yet: there is no film." in page_of(two_films)
