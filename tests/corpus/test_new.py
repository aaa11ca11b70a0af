"""`filmlens new`: films and albums as people name them, matched; what is sure, what is doubtful, and what stays."""

import csv
import shutil
from pathlib import Path

import mutagen.flac
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from filmlens import paper
from filmlens.cli import app
from filmlens.corpus import Corpus, CorpusError
from filmlens.corpus.naming import album_names, alike, film_names
from filmlens.corpus.proposal import propose
from filmlens.corpus.scan import Album, FoundFilm, match

#: A film's file, its album's folder (None: it has none), the album's tags (title, date), the title that is right.
TREE = [
    ("Blade.Runner.1982.The.Final.Cut.1080p.BluRay.x264-AMIABLE.mkv", "Vangelis - Blade Runner (1982)", None),
    (
        "Blade.Runner.2049.2017.2160p.UHD.BluRay.x265-TERMiNAL.mkv",
        "Blade Runner 2049 (Original Motion Picture Soundtrack) [2017]",
        None,
    ),
    ("Alien (1979) Director's Cut/Alien.1979.mkv", "Alien OST 1979", None),
    (
        "Aliens.1986.Special.Edition.DVDRip.XviD.avi",
        "James Horner - Aliens (The Deluxe Edition)",
        ("Aliens: The Deluxe Edition", "1986"),
    ),
    ("The Matrix (1999).mkv", "Matrix, The (Original Score) 1999", None),
    ("Godfather, The (1972).mkv", "Nino Rota - The Godfather (1972) [FLAC]", None),
    ("The.Godfather.Part.II.1974.720p.mkv", "1974 - The Godfather Part 2 (Original Soundtrack Recording)", None),
    (
        "Amélie (2001).mkv",
        "Yann Tiersen - Le Fabuleux Destin d'Amelie Poulain",
        ("Amélie (Original Soundtrack)", "2001"),
    ),
    ("Léon The Professional 1994 Extended.mp4", "Eric Serra - Leon, The Professional (1994)", None),
    ("Сталкер (1979).mkv", "Эдуард Артемьев - Сталкер (1979)", None),
    ("Solaris 1972 Criterion.mkv", "Солярис (музыка из фильма) [1972]", ("Solaris", "1972")),
    ("Gladiator (2000)/Gladiator CD1.avi", "Gladiator (2000)/CD1", None),
    ("2001.A.Space.Odyssey.1968.REMASTERED.mkv", "2001 A Space Odyssey - 1968 - OST", None),
    ("1917 (2019).mkv", "Thomas Newman - 1917 (Original Motion Picture Soundtrack) (2020)", None),
    (
        "Inception.2010.BluRay.1080p.DTS.x264-CyTSuNee.mkv",
        "Inception (Music from the Motion Picture)",
        ("Inception (Music from the Motion Picture)", "2010-07-13"),
    ),
    ("Pulp Fiction 1994 remastered.mkv", "Music From The Motion Picture Pulp Fiction (1994)", None),
    ("Terminator 2 - Judgment Day (1991).mkv", "Brad Fiedel - Terminator 2 Judgment Day [1991] 320", None),
    (
        "Star.Wars.Episode.V.The.Empire.Strikes.Back.1980.mkv",
        "Star Wars - Episode V - The Empire Strikes Back (1980) [2CD]",
        None,
    ),
    (
        "Crouching Tiger, Hidden Dragon (2000).mkv",
        "Crouching Tiger Hidden Dragon - Original Motion Picture Soundtrack 2000",
        None,
    ),
    ("The Good, the Bad and the Ugly 1966 iTALiAN.mkv", "Ennio Morricone - The Good, The Bad & The Ugly (1966)", None),
    ("Das Boot (1981) Directors Cut.mkv", "Klaus Doldinger - Das Boot (Filmmusik) 1981", None),
    ("Mad.Max.Fury.Road.2015.mkv", "Junkie XL - Mad Max - Fury Road (Deluxe Version) (2015)", None),
    ("psycho.mkv", "Psycho (1960) - Bernard Herrmann", None),
    ("WALL-E (2008).mkv", "WALL·E (Original Score) - Thomas Newman, 2008", None),
    ("Up.2009.mkv", "Up (Soundtrack from the Motion Picture) 2009", None),
    ("Kill.Bill.Vol.1.2003.mkv", "Kill Bill, Vol. 1 [2003]", None),
    ("Il Postino (1994).avi", "Postino, Il - Luis Bacalov (1995)", None),
    (
        "Jaws.1975.mkv",
        "John Williams/Jaws (Anniversary Collector's Edition)",
        ("Jaws (Anniversary Collector's Edition)", "1975"),
    ),
    (
        "Interstellar.2014.IMAX.2160p.mkv",
        "Interstellar (Original Motion Picture Soundtrack) [Deluxe]/Disc 1",
        ("Interstellar", "2014"),
    ),
    ("Harakiri (1962).mkv", None, None),
]
#: Albums of no film here, each near to one that is.
OTHERS = [
    "Alien 3 (1992) Elliot Goldenthal",
    "Solaris - Cliff Martinez (2002)",
    "Terminator (1984)",
    "Kill Bill Vol. 2 OST (2004)",
    "Rocky IV",
]


@pytest.fixture(scope="module")
def tone(tmp_path_factory):
    path = tmp_path_factory.mktemp("tone") / "tone.flac"
    soundfile.write(path, 0.1 * np.sin(np.arange(2000) / 9), 8000)
    return path


def put_album(folder, tone, tags=None, name="01.flac"):
    folder.mkdir(parents=True)
    shutil.copy(tone, folder / name)
    if tags:
        file = mutagen.flac.FLAC(folder / name)
        file["album"], file["date"] = tags
        file.save()


@pytest.fixture(scope="module")
def people(tmp_path_factory, tone):
    folder = tmp_path_factory.mktemp("people")
    for film, album, tags in TREE:
        path = folder / "Films" / film
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        if album:
            put_album(folder / "Music" / album, tone, tags)
    (folder / "Films" / "Gladiator (2000)" / "Gladiator CD2.avi").write_bytes(b"film")
    (folder / "Films" / "Jaws.1975-trailer.mkv").write_bytes(b"film")
    put_album(folder / "Music" / "Gladiator (2000)" / "CD2", tone)
    for album in OTHERS:
        put_album(folder / "Music" / album, tone)
    return folder


def command(*words):
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exception is None or isinstance(done.exception, (SystemExit, ValueError)), done.exception
    return done.exit_code, done.output + str(done.exception or "")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def right(people, rows):
    """Rows whose soundtrack is the film's; and those that are called certain and are not."""
    albums = {film.partition("/")[0]: album for film, album, _ in TREE}
    good, wrong = [], []
    for row in rows:
        film = row["film"].removeprefix(f"{people}/Films/").partition("/")[0]
        want = albums[film]
        top = row["soundtrack"].removeprefix(f"{people}/Music/")
        is_right = bool(want) and want.removesuffix("/CD1").removesuffix("/Disc 1") == top if want else not top
        good += [film] * is_right
        wrong += [(film, top, row["confidence"])] * (not is_right)
    return good, wrong


def test_thirty_films_and_their_albums(people, tmp_path):
    code, said = command("new", tmp_path / "c", "--films", people / "Films", "--soundtracks", people / "Music")
    assert code == 0 and "30 films and 34 albums found" in said
    rows = rows_of(tmp_path / "c" / "films.csv")
    good, wrong = right(people, rows)
    assert len(rows) == 30 and len(good) >= 28, wrong
    assert not [w for w in wrong if w[2] == "certain"], wrong
    assert sum(row["confidence"] == "certain" for row in rows) >= 22, [r["confidence"] for r in rows]


def test_a_remake_a_sequel_or_a_shared_album_is_never_certain(tmp_path, tone):
    films = ["Solaris 1972.mkv", "Alien 3 1992.mkv", "Psycho (1998).mkv", "Heat 1995.mkv", "Heat.1995.Remastered.avi"]
    for film in films:
        (tmp_path / "f").mkdir(exist_ok=True)
        (tmp_path / "f" / film).write_bytes(b"x")
    for album in ("Solaris - Cliff Martinez (2002)", "Alien (1992)", "Psycho - Bernard Herrmann", "Heat (1995)"):
        put_album(tmp_path / "m" / album, tone)
    put_album(tmp_path / "m" / "Mixed", tone, ("Jaws", "1975"))
    put_album(tmp_path / "m" / "Mixed" / "more", tone, ("Alien", "1979"))
    rows = {r["title"] + r["year"]: r for r in propose(tmp_path / "c", tmp_path / "f", tmp_path / "m").rows}
    assert not [r for r in rows.values() if r["confidence"] == "certain"]
    assert "30 years younger than the film" in rows["Solaris1972"]["confidence"]
    assert rows["Alien 31992"]["soundtrack"] == "" and rows["Psycho1998"]["confidence"].startswith("likely: no year")
    assert "another film is as near" in rows["Heat1995"]["confidence"]


def test_again_it_adds_what_is_new_and_touches_nothing(tmp_path, tone):
    corpus = tmp_path / "c"
    (corpus / "films").mkdir(parents=True)
    (corpus / "films" / "Alien 1979.mkv").write_bytes(b"x")
    put_album(corpus / "soundtracks" / "Alien (1979)", tone)
    code, said = command("new", corpus)
    assert code == 0 and "1 new: 1 certain" in said
    table = corpus / "films.csv"
    [row] = rows_of(table)
    assert (row["film"], row["soundtrack"]) == ("films/Alien 1979.mkv", "soundtracks/Alien (1979)")
    assert row["film_id"] == "alien" and row["confidence"] == "certain"
    text = table.read_text(encoding="utf-8").replace("Alien,1979,", "My Alien,1979,Sci-Fi").replace("certain", "seen")
    text += "shark,Jaws,1975,Horror,,,mine\n"
    table.write_text(text, encoding="utf-8")
    assert "no new film" in command("new", corpus)[1] and table.read_text(encoding="utf-8") == text
    (corpus / "films" / "Jaws 1975.mkv").write_bytes(b"x")
    put_album(corpus / "soundtracks" / "Jaws (1975)", tone)
    assert "1 new: 1 certain" in command("new", corpus)[1]
    filled = text.replace("Horror,,,", "Horror,films/Jaws 1975.mkv,soundtracks/Jaws (1975),")
    assert table.read_text(encoding="utf-8") == filled, "what is empty is filled, what was written stays"
    (corpus / "films" / "Up 2009.mkv").write_bytes(b"x")
    assert "1 without a soundtrack" in command("new", corpus)[1]
    assert table.read_text(encoding="utf-8") == filled + "up,Up,2009,,films/Up 2009.mkv,,\n"
    assert Corpus.open(corpus)["shark"].tracks() and command("new", corpus)[1].endswith("no new film\n")


@pytest.mark.parametrize("kind", ["semicolons", "quoted", "workbook"])
def test_a_table_that_cannot_be_added_to_gets_a_file_beside_it(tmp_path, kind):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "Jaws 1975.mkv").write_bytes(b"x")
    head = "film_id,title,year,genres,film,soundtrack"
    lines = f"{head}\na,A,1990,Drama,films/a.mkv,s\n"
    table = tmp_path / "films.csv"
    if kind == "workbook":
        import openpyxl

        table, book = tmp_path / "films.xlsx", openpyxl.Workbook()
        for line in lines.splitlines():
            book.active.append(line.split(","))
        book.save(table)
    else:
        table.write_text(lines.replace(",", ";") if kind == "semicolons" else lines.replace("A,", '"A",'))
    before = table.read_bytes()
    code, said = command("new", tmp_path)
    assert code == 0 and "films-new.csv: 1 new" in said and table.read_bytes() == before
    assert [r["film_id"] for r in rows_of(tmp_path / "films-new.csv")] == ["jaws"]
    assert command("new", tmp_path)[0] == 1, "what is there is not written over"


def test_the_studys_films_are_listed_and_filled_in(tmp_path, tone):
    code, said = command("new", tmp_path / "c", "--from", "paper")
    table = tmp_path / "c" / "films.csv"
    rows = rows_of(table)
    assert code == 0 and len(rows) == 110 and "110 films of the study without a path: not owned" in said
    known = paper.films()
    assert [r["film_id"] for r in rows] == known["film_id"].tolist()
    assert [(r["title"], r["year"], r["genres"], r["imdb_id"]) for r in rows[:9]] == [
        tuple(map(str, line)) for line in known.loc[:8, ["title", "year", "genres", "imdb_id"]].to_numpy()
    ]
    code, said = command("check", tmp_path / "c")
    assert code == 0 and "110 films without a path: not owned" in said
    with pytest.raises(CorpusError, match="none of its 110 films has a file"):
        Corpus.open(tmp_path / "c")
    title, year = known.loc[5, ["title", "year"]]
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / f"{title.replace(':', '')} ({year}).mkv").write_bytes(b"x")
    put_album(tmp_path / "m" / f"{title.replace(':', '')} ({year}) OST", tone)
    assert (
        "1 new: 1 certain"
        in command("new", tmp_path / "c", "--films", tmp_path / "f", "--soundtracks", tmp_path / "m")[1]
    )
    after = rows_of(table)
    assert len(after) == 110 and [r for r in after if r["film_id"] != rows[5]["film_id"]] == rows[:5] + rows[6:]
    assert Corpus.open(tmp_path / "c").ids == [rows[5]["film_id"]]


def test_names_are_text_never_formulas_or_paths(tmp_path, tone):
    films = tmp_path / "f"
    films.mkdir()
    for name in ("=1+1 (1999).mkv", "..mkv", "con.mkv", "a\x1b[2Jb 2001.mkv", "~x (2002).mkv"):
        (films / name).write_bytes(b"x")
    put_album(tmp_path / "m" / "=1+1 (1999)", tone, ('=HYPERLINK("x")', "1999"))
    assert command("new", tmp_path / "c", "--films", films, "--soundtracks", tmp_path / "m")[0] == 0
    text = (tmp_path / "c" / "films.csv").read_text(encoding="utf-8")
    assert "\x1b" not in text
    with open(tmp_path / "c" / "films.csv", newline="", encoding="utf-8") as file:
        assert not [cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "+", "@"))]
    corpus = Corpus.open(tmp_path / "c")
    assert {f.film for f in corpus} <= set(films.iterdir()) and all(f.film.is_file() for f in corpus)
    assert all("/" not in f.id and not f.id.startswith(".") for f in corpus) and "con" not in corpus.ids


def test_nothing_to_look_in(tmp_path):
    assert "say where the films are" in command("new", tmp_path / "c")[1]
    assert "no such folder" in command("new", tmp_path / "c", "--films", tmp_path / "nowhere")[1]
    (tmp_path / "f").mkdir()
    assert "holds no film" in command("new", tmp_path / "c", "--films", tmp_path / "f")[1]
    assert command("new", tmp_path / "c", "--from", "imdb")[0] == 2 and not (tmp_path / "c").exists()


@pytest.mark.parametrize(("one", "other"), [("Alien", "Aliens"), ("Heat", "Heart"), ("Rocky", "Rocky 2"), ("Up", "Us")])
def test_near_titles_are_not_one(one, other):
    assert alike(one, other) == alike(other, one) < 0.9


def test_numbers_are_titles_too():
    assert film_names("1984 (1984).mkv")[0] == ("1984", 1984)
    assert album_names("1984 (Original Soundtrack) 1984")[0].title == "1984"
    assert ("1917", 2020) in album_names("1917 - Thomas Newman (2020)")


def dotted(title):
    return title.replace(": ", " ").replace(",", "").replace("'", "").replace(" ", ".")


def moved(title):
    return f"{title[4:]}, The" if title.startswith("The ") else title


FILE_STYLES = (
    lambda t, y: f"{dotted(t)}.{y}.1080p.BluRay.x264-GRP.mkv",
    lambda t, y: f"{t.replace(':', ' -')} ({y}).mkv",
    lambda t, y: f"{moved(t).replace(':', '')} [{y}].avi",
    lambda t, y: f"{t.replace(':', '')} {y} Extended Edition.mp4",
    lambda t, y: f"{t.replace(':', '_')}.m4v",
    lambda t, y: f"{t.replace(':', ' -')} ({y + 1}).mkv",
    lambda t, y: f"{y} - {t.replace(':', ' -')}.mkv",
)
ALBUM_STYLES = (
    lambda t, y, c: f"{c} - {t} (Original Motion Picture Soundtrack)",
    lambda t, y, c: f"{t} OST ({y})",
    lambda t, y, c: f"({y}) {t} - {c} [FLAC]",
    lambda t, y, c: f"{t.replace(':', '')} - Complete Score",
    lambda t, y, c: f"{moved(t)} (Original Score) {y}",
    lambda t, y, c: f"{c} - {y} - {t.replace(':', ' -')} [320]",
    lambda t, y, c: f"{t} [Deluxe Edition] ({y + 1}) 2CD",
    lambda t, y, c: f"Music from the Motion Picture {t} ({y})",
    lambda t, y, c: f"{t.replace(' ', '_')}_Soundtrack_{y}",
    lambda t, y, c: f"{dotted(t)}.{y}.OST.FLAC-GRP",
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_the_studys_films_named_at_random(seed):
    """110 films, sequels among them, each named in one of seven ways, its album (of five in six) in one of ten."""
    draw = np.random.default_rng(seed)
    known = paper.films().sample(frac=1, random_state=seed)
    films, albums, truth = [], [], {}
    for title, year in zip(known["title"], known["year"], strict=True):
        name = FILE_STYLES[draw.integers(len(FILE_STYLES))](title, year).replace("/", "_")
        films.append(FoundFilm(Path(name), named=film_names(name)))
        if draw.random() < 5 / 6:
            composer = ("Hans Zimmer", "John Williams", "Various Artists", "Clint Mansell")[draw.integers(4)]
            album = ALBUM_STYLES[draw.integers(len(ALBUM_STYLES))](title, year, composer).replace("/", "_")
            albums.append(Album(Path(album), named=album_names(album)))
            truth[name] = album
    found = [
        (f.path.name, m.album.path.name if m.album else None, m.confidence)
        for f, m in zip(films, match(films, albums), strict=True)
    ]
    wrong = [line for line in found if truth.get(line[0]) != line[1]]
    assert len(wrong) <= 2 and not [line for line in wrong if line[2] == "certain"], wrong
    assert sum(confidence == "certain" for *_, confidence in found) >= 35
