"""films.csv and annotations: what is read, and what is said of what cannot be."""

import shutil

import numpy as np
import pytest
import soxr
from conftest import RATE, edit

from filmlens.corpus import Corpus, CorpusError, parse_time, read_cues
from filmlens.corpus.check import check
from filmlens.media.sound import read_audio
from filmlens.media.write import write_audio, write_film


def test_a_corpus_shows_its_films(two_films):
    corpus = Corpus.open(two_films)
    assert corpus.ids == ["one", "two"] and len(corpus) == 2 and not corpus.synthetic
    assert corpus["one"].genres == ("Action", "Sci-Fi") and corpus["one"].year == 2014
    assert corpus["two"].more["composer"] == "B"
    assert list(corpus["one"].tracks()) == ["Finale", "Theme"]
    assert corpus.labels().to_numpy().tolist() == [[True, False, True], [False, True, False]]
    assert list(corpus.labels().columns) == ["Action", "Horror", "Sci-Fi"]
    assert list(corpus.films.columns)[:6] == ["film_id", "title", "year", "genres", "film", "soundtrack"]
    table = corpus.table1().set_index("set")
    assert table.loc["Horror", "films"] == 1 and table.loc["Horror", "paper"] == 11
    assert table.loc["films with several genres", "films"] == 1
    assert table.loc["Sci-Fi", ["paper", "source"]].tolist() == [36, "second-hand"]


def test_titles_are_text_wherever_html_is_made(two_films):
    edit(two_films / "films.csv", "Second & Last", "<script>alert(1)</script>")
    page = Corpus.open(two_films)._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_relative_paths_are_found_from_anywhere(two_films, monkeypatch, tmp_path):
    monkeypatch.chdir(two_films.parent)
    assert Corpus.open("two").folder == two_films.resolve()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert Corpus.open("../two").folder == two_films.resolve()


def test_derived_can_lie_elsewhere(two_films, tmp_path, monkeypatch):
    assert Corpus.open(two_films).derived == two_films / "derived"
    assert Corpus.open(two_films, derived=tmp_path / "d").derived == tmp_path / "d"
    monkeypatch.setenv("FILMLENS_DERIVED", str(tmp_path / "e"))
    assert Corpus.open(two_films).derived == tmp_path / "e"


def test_no_table(tmp_path):
    with pytest.raises(CorpusError, match=r"films\.csv: no such file"):
        Corpus.open(tmp_path)


@pytest.mark.parametrize(
    "old, new, says",
    [
        ("film_id,title,year", "id,title,year", r"row 1: the header lacks film_id"),
        ("\ntwo,", "\none,", r"row 3: film_id 'one' stands in row 2 already"),
        ("\ntwo,", "\n../two,", r"row 3: film_id '../two' must be a plain name"),
        ("\ntwo,", "\n..,", r"row 3: film_id '..' must be a plain name"),
        ("\ntwo,", "\na/b,", r"row 3: film_id 'a/b' must be a plain name"),
        (",2015,", ",MMXV,", r"row 3: year 'MMXV' is not a year"),
        ("\ntwo,", "\n,", r"row 3: film_id is empty"),
    ],
)
def test_faults_of_the_table_name_row_and_remedy(two_films, old, new, says):
    edit(two_films / "films.csv", old, new)
    with pytest.raises(CorpusError, match=says):
        Corpus.open(two_films)


def test_all_faults_are_told_at_once(two_films):
    edit(two_films / "films.csv", ",2014,", ",x,")
    edit(two_films / "films.csv", ",2015,", ",y,")
    with pytest.raises(CorpusError, match=r"(?s)row 2.*row 3"):
        Corpus.open(two_films)


def test_soundtracks(two_films):
    folder = two_films / "soundtracks" / "one"
    (folder / "CD1").mkdir()
    (folder / "Theme.flac").rename(folder / "CD1" / "Theme.flac")
    assert list(Corpus.open(two_films)["one"].tracks()) == ["CD1/Theme", "Finale"]
    (folder / "Finale.mp3").write_bytes(b"x")
    with pytest.raises(CorpusError, match=r"row 2: two sound files of one are named 'Finale'"):
        Corpus.open(two_films)["one"].tracks()
    for path in folder.rglob("*.*"):
        path.unlink()
    with pytest.raises(CorpusError, match=r"row 2: the soundtrack folder .* holds no sound file"):
        Corpus.open(two_films)["one"].tracks()


def test_annotations_in_both_forms(tmp_path):
    (tmp_path / "a.csv").write_text("start,end,track,usage\n1:05,70.5,B,song\n2,10,A,\n")
    (tmp_path / "a.txt").write_text("2.0\t10.0\tA\n65.0\t70.5\tB\n")
    table, labels = read_cues(tmp_path / "a.csv"), read_cues(tmp_path / "a.txt")
    assert table["start"].tolist() == labels["start"].tolist() == [2.0, 65.0]
    assert table["track"].tolist() == labels["track"].tolist() == ["A", "B"]
    (tmp_path / "b.csv").write_text("start,end,track\n1,2,A\nsoon,9,A\n")
    with pytest.raises(CorpusError, match=r"b\.csv row 3: start 'soon' is no time"):
        read_cues(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("start,end,track\n9,2,A\n")
    with pytest.raises(CorpusError, match=r"c\.csv row 2: the cue ends before it starts"):
        read_cues(tmp_path / "c.csv")


def test_labels_are_read_as_they_stand(tmp_path):
    """Audacity quotes nothing and adds lines of frequencies, which a reader of CSV takes for something else."""
    labels = '1.0\t2.5\t"Heroes" end\n\\\t100.0\t200.0\n\n3\t4\t"Opening\n5\t6\tLove, etc.\n'
    (tmp_path / "a.txt").write_text("\ufeff" + labels, encoding="utf-8")
    assert read_cues(tmp_path / "a.txt")["track"].tolist() == ['"Heroes" end', '"Opening', "Love, etc."]
    (tmp_path / "b.txt").write_text("1\t2\tA\n1 2 B\n")
    with pytest.raises(CorpusError, match=r"b\.txt row 2: not a label"):
        read_cues(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("start,end\n1,2\n", "row 1: the header lacks track"),
        ("start,end,track\n1,2,A,B\n", "row 2: 4 cells under 3 columns"),
        ('start,end,track\n1,2,"two\nlines"\n3,x,A\n', "row 4: end 'x' is no time"),
    ],
)
def test_a_table_that_is_none_names_file_and_row(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(CorpusError, match=f"a.csv {message}"):
        read_cues(tmp_path / "a.csv")


def test_cells_behind_the_last_column_and_numbers_as_names(tmp_path):
    (tmp_path / "a.csv").write_text("start,end,track,\n0,5,01,\n6,9,NA,\n,,,\n")
    assert read_cues(tmp_path / "a.csv")["track"].tolist() == ["01", "NA"]


def test_times():
    assert parse_time("90") == parse_time("1:30") == parse_time("0:01:30") == 90
    for text in ("", "a", "-3", "1:2:3:4", "nan", "inf"):
        with pytest.raises(ValueError, match="no time"):
            parse_time(text)


def test_check_finds_nothing_in_a_sound_corpus(two_films):
    result = check(two_films)
    assert result.problems == []
    assert result.summary == "2 films, 0.02 hours, 4 tracks, 3 genres, 2 annotated cues"


def test_check_lists_every_problem_at_once(two_films):
    table = two_films / "films.csv"
    edit(table, "composer", "Compozer,picture_start")
    edit(table, ",Action|Sci-Fi,", ",,")
    edit(table, ",A\n", ",A,soon\n")
    (two_films / "films" / "two.mp4").write_text("no film")
    (two_films / "soundtracks" / "one" / "Finale.flac").write_bytes(b"")
    (two_films / "annotations" / "one.csv").write_text("start,end,track,usage\n5,20,Them,score\n30,400,Theme,jingle\n")
    problems = "\n".join(check(two_films).problems)
    for says in (
        "row 1: column 'Compozer' is of no known kind; is 'composer' meant?",
        "row 2: one has no genre",
        "row 2: picture_start 'soon' is no time",
        "two.mp4: cannot be read",
        "Finale.flac: the file is empty",
        "one.csv row 2: track 'Them' is no file of the soundtrack; is 'Theme' meant?",
        "one.csv row 3: the cue ends at 400.0 s, outside the film of 40",
        "one.csv row 3: usage 'jingle' is none of",
    ):
        assert says in problems
    assert len(check(two_films).problems) == 8


def test_check_sees_a_film_without_sound_and_a_missing_one(two_films):
    write_film(two_films / "films" / "one.mp4", (np.zeros((32, 32), "uint8") for _ in range(8)), None)
    (two_films / "films" / "two.mp4").unlink()
    silent, short, absent = check(two_films).problems
    assert "row 2" in silent and "no sound" in silent and "outside the film of 0.7 s" in short
    assert "row 3" in absent and "no such file" in absent


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("kind", ["labels", "commas", "semicolons", "tabs"])
def test_cue_tables_as_programs_write_them(tmp_path, kind, encoding):
    text = {
        "labels": '6,48\t17.86\t"The Map\n\\\t100.0\t4000.0\n0:23.98\t00:00:34,5\t"Arrival" (reprise)\n',
        "commas": 'start,end,track,\n6.48,17.86,"""The Map",\n0:23.98,"34,5","""Arrival"" (reprise)",\n,,,\n',
        "semicolons": 'start;end;track\n6,48;17,86;"""The Map"\n23,98;34,5;"""Arrival"" (reprise)"\n',
        "tabs": 'start\tend\ttrack\n6.48\t17.86\t"""The Map"\n23.98\t34.5\t"""Arrival"" (reprise)"\n',
    }[kind]
    path = tmp_path / ("cues.txt" if kind == "labels" else "cues.csv")
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    table = read_cues(path)
    assert table["track"].tolist() == ['"The Map', '"Arrival" (reprise)']
    assert table["start"].tolist() == [6.48, 23.98] and table["end"].tolist() == [17.86, 34.5]


@pytest.mark.parametrize(
    "row, says",
    [
        (",6.48,17.86,Theme", "row 2: 4 cells under 3 columns"),
        ("6.48,17.86", "row 2: 2 cells"),
        ("17.86,6.48,Theme", "row 2: the cue ends before it starts"),
        ("00:00:06:12,17,Theme", "row 2: start '00:00:06:12' is no time"),
        ("Theme,6.48,17.86", "row 2: start 'Theme' is no time"),
    ],
)
def test_a_shifted_row_is_refused_with_its_line(tmp_path, row, says):
    path = tmp_path / "cues.csv"
    path.write_text(f"start,end,track\n{row}\n")
    with pytest.raises(CorpusError, match=rf"cues\.csv {says}"):
        read_cues(path)


def test_text_of_other_code_pages_is_read_or_names_its_row(tmp_path):
    path = tmp_path / "cues.txt"
    path.write_bytes("6.48\t17.86\tÜber\n".encode("latin-1"))
    assert read_cues(path)["track"].tolist() == ["Über"]
    path.write_bytes("1\t2\tA\n6.48\t17.86\tСталкер\n".encode("cp1251"))
    with pytest.raises(CorpusError, match=r"cues\.txt row 2: is text in a coding that cannot be told"):
        read_cues(path)


def test_check_tells_what_is_there_and_calls_things_what_they_are(two_films):
    table = two_films / "films.csv"
    assert check(two_films).counts == [
        "films by genre: Action 1, Horror 1, Sci-Fi 1",
        "annotated cues by film: one 1, two 1",
    ]
    edit(table, "films/one.mp4,soundtracks/one", "films,soundtracks/one/Theme.flac")
    edit(table, "films/two.mp4", "/Volumes/Anna/two.mp4")
    folder, file, absent = check(two_films).problems
    assert "row 2" in folder and "films: is a folder; name the file of the film" in folder
    assert "row 2" in file and "Theme.flac of one is a file; name the folder of its tracks" in file
    assert "row 3" in absent and "/Volumes/Anna is not on this computer: the disk may not be connected" in absent


def test_every_fault_of_a_soundtrack_is_told_and_not_its_first(two_films):
    album = two_films / "soundtracks" / "one"
    for name in ("Theme.mp3", "Finale.wav", "More.ogg"):
        (album / name).write_bytes(b"no sound")
    problems = check(two_films).problems
    assert len(problems) == 4 and "'Finale' (" in problems[0] and "'Theme' (" in problems[0]
    assert {name for name in ("Theme.mp3", "Finale.wav", "More.ogg") for p in problems[1:] if name in p} == {
        *("Theme.mp3", "Finale.wav", "More.ogg")
    }


def test_one_film_under_two_ids_and_shared_music_are_found_by_sound(two_films, tmp_path):
    sound = read_audio(two_films / "films" / "one.mp4")
    write_audio(two_films / "films" / "again.ogg", 0.3 * np.concatenate([np.zeros(3 * RATE, np.float32), sound]), RATE)
    slow = soxr.resample(sound, 24 * RATE, 25 * RATE).astype(np.float32)
    write_audio(two_films / "films" / "cinema.flac", slow, RATE)
    with open(two_films / "films.csv", "a", encoding="utf-8") as file:
        file.write("again,Other name,2014,Action,films/again.ogg,soundtracks/three,A\n")
        file.write("cinema,Third name,2014,Action,films/cinema.flac,soundtracks/three,A\n")
    (two_films / "soundtracks" / "three").mkdir()
    shutil.copy(two_films / "soundtracks" / "one" / "Theme.flac", two_films / "soundtracks" / "three" / "No 1.flac")
    result = check(two_films)
    same = [p for p in result.problems if "is the same film as" in p]
    assert len(result.problems) == len(same) == 2
    assert "row 4: again is the same film as one in row 2" in same[0]
    assert "row 5: cinema is the same film as one in row 2" in same[1], "at PAL speed"
    assert any(line.startswith("one, again, cinema share 1 soundtrack file: Theme") for line in result.counts)
    assert result.facts.shared == {("one", "again", "cinema"): ["Theme"]}
