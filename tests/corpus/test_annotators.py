"""Annotators' folders: names that a folder can have, whose files they are, and what the check says of the rest."""

import shutil
import unicodedata

import pytest
from typer.testing import CliRunner

from filmlens import stages, verdicts
from filmlens.audition import Audition, AuditionCorpus, film_table, open_session, queue
from filmlens.cli import app
from filmlens.corpus import Corpus, CorpusError, annotators
from filmlens.corpus.check import check

ROW = "track,start,end,verdict\nTheme,5,20,accept\n"


@pytest.fixture
def corpus(two_films):
    return Corpus.open(two_films)


@pytest.mark.parametrize(
    "name",
    [
        *("../ann", "a/b", "a\\b", "..", ".", " ", " ann", "ann.", ".git", "blind", "Blind", "one.csv", "a:b"),
        *("a\nb", "a\x1b[2J", "x" * 61, "\u202eann", "\udce9"),
    ],
)
def test_a_name_is_text_and_never_a_path(corpus, name):
    for call in (
        lambda: annotators.checked(corpus.folder, name),
        lambda: Audition(corpus, "one", who=name),
        lambda: open_session(corpus, "one", who=name),
    ):
        with pytest.raises(CorpusError, match="annotator"):
            call()
    done = CliRunner().invoke(app, ["audition", str(corpus.folder), "--no-browser", "--who", name])
    assert done.exit_code == 1 and isinstance(done.exception, CorpusError)
    assert not (corpus.folder / "verdicts").exists() and not (corpus.folder.parent / "ann").exists()


def test_names_that_differ_in_capitals_alone_are_refused_and_accents_are_written_either_way(corpus):
    for name in ("Ann O'Neil", "=1+1", "Žaneta"):
        assert annotators.checked(corpus.folder, name) == name
    apart = unicodedata.normalize("NFD", "Žaneta")
    (corpus.folder / "verdicts" / apart).mkdir(parents=True)
    assert annotators.checked(corpus.folder, "Žaneta") == apart, "as the disk writes it"
    with pytest.raises(CorpusError, match="capitals alone"):
        annotators.checked(corpus.folder, "žaneta")
    (corpus.folder / "verdicts" / "bob").write_text("")
    with pytest.raises(CorpusError, match="is a file"):
        annotators.checked(corpus.folder, "bob")


def test_each_annotator_writes_a_file_of_her_own_and_undo_takes_it_back(corpus):
    for who in ("ann", "bob"):
        page = Audition(corpus, "one", who=who)
        page.answer({"type": "open", "sitting": "tab"})
        page.answer({"type": "add", "track": "Theme", "start": 4.0})
        page.close()
    files = [annotators.verdicts_of(corpus["one"], who) for who in ("ann", "bob")]
    assert all(f.is_file() for f in files) and not corpus["one"].verdicts.exists()
    assert verdicts.read(files[0])["who"].tolist() == ["ann"]
    # the tab of one browser: its steps are those of the annotator, also after a reload, and nobody else's
    page = Audition(corpus, "one", who="ann")
    page.answer({"type": "open", "sitting": "tab"})
    assert page.answer({"type": "undo"})[0]["text"] == "undone: cue added"
    assert page.answer({"type": "undo"})[0]["text"] == "nothing to undo"
    assert [f.is_file() for f in files] == [False, True]
    assert annotators.annotators(corpus.folder, corpus.ids) == ["bob"]
    own = Audition(corpus, "one")
    assert own.answer({"type": "open", "sitting": "tab"})[0]["can_undo"] is False
    page.close(), own.close()


def test_what_others_judged_is_in_no_list_and_no_stage(corpus):
    stages.run(corpus, "verified", films=["one"], say=lambda line: None)
    before = film_table(corpus), queue(corpus), stages.read_one(corpus, "verified", "one")[0]
    page = AuditionCorpus(corpus, "one", who="ann")
    cue = page.answer({"type": "open"})[0]["cues"][0]["id"]
    page.answer({"type": "judge", "cue": cue, "verdict": "accept"})
    page.answer({"type": "complete", "complete": True})
    assert film_table(corpus, who="ann")["judged"].sum() == 1 and page.films["complete"].sum() == 1
    assert (queue(corpus, who="ann")["verdict"] != "").sum() == 1
    assert film_table(corpus).equals(before[0]) and queue(corpus).equals(before[1])
    stages.run(corpus, "verified", films=["one"], say=lambda line: pytest.fail(line))
    assert stages.read_one(corpus, "verified", "one")[0].equals(before[2])
    page.close()


def test_the_check_names_what_is_nobodys(corpus):
    top = corpus.folder / "verdicts"
    assert (
        annotators.annotators(corpus.folder, corpus.ids) == [] and annotators.strange(corpus.folder, corpus.ids) == []
    )
    for name in ("ann", "bob", "blind/answers", ".ipynb_checkpoints", "empty"):
        (top / name).mkdir(parents=True)
    for place in ("one.csv", "ann/one.csv", "bob/two.csv", "blind/key.csv", "blind/answers/x.csv", "labels.csv"):
        (top / place).write_text(ROW)
    (top / "ann" / ".one.csv.lock").write_text("")
    before = len(check(corpus.folder).problems)
    assert annotators.strange(corpus.folder, corpus.ids) == []
    assert annotators.annotators(corpus.folder, corpus.ids) == ["ann", "bob"]
    shutil.copytree(top / "ann", top / "Ann")
    (top / "old").mkdir()
    (top / "old" / "notes.txt").write_text("")
    (top / "ann" / "onne.csv").write_text(ROW)
    (top / "three.csv").write_text(ROW)
    (top / "a.csv").mkdir()
    problems = check(corpus.folder).problems
    assert len(problems) == before + 5
    for path, said in (
        (top / "three.csv", "belongs to no film"),
        (top / "ann" / "onne.csv", "is 'one' meant?"),
        (top / "old", "is no annotator's folder"),
        (top / "a.csv", "ends like a file of verdicts"),
        (top / "ann", "in capitals alone"),
    ):
        assert [p for p in problems if p.startswith(f"{path}: ") and said in p], (path, problems)
