"""Zips from other people: what leaves the folder, links, bombs, damage; nothing is left behind."""

import io
import stat
import warnings
import zipfile

import pytest

from filmlens.corpus import Corpus, CorpusError, archive
from filmlens.corpus.archive import ArchiveError, entry, unpack, unpack_beside

GOOD = {"shared.json": "{}", "films.csv": "film_id,title,year,genres,film,soundtrack\na,A,1990,Drama,,\n"}


def zip_of(path, contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for name, text in contents:
            box.writestr(name, text)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil.csv",
        "derived/../../evil.csv",
        "/evil.csv",
        "..\\evil.csv",
        "derived\\..\\..\\evil.csv",
        "C:evil.csv",
        "C:/evil.csv",
        "./evil.csv",
        "a//evil.csv",
        "evil.csv\0.txt",
        "run.py",
        "folds.pkl",
        "folds.npz",
        "evil.sh",
        "unpacked.json",
        "films.csv",
    ],
)
def test_entries_stay_in_their_folder_and_are_tables(name, tmp_path):
    inside = tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    path = inside / "features.zip"
    with zipfile.ZipFile(path, "w") as box:
        for good, text in GOOD.items():
            box.writestr(good, text)
        info = zipfile.ZipInfo("x")
        info.filename = info.orig_filename = name  # the constructor would cut and turn it
        with warnings.catch_warnings(action="ignore"):  # one of the names stands there twice
            box.writestr(info, "evil")
    with pytest.raises(ArchiveError, match="entry"):
        Corpus.open(path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["features.zip"], "nothing was written"


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("annotations/a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zip_of(tmp_path / "f.zip", [*GOOD.items(), (link, "/etc/passwd")])
    with pytest.raises(ArchiveError, match="is a link"):
        unpack(path, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_zip_that_claims_more_than_the_disk_is_refused_before_it_is_written(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "f.zip", [*GOOD.items(), ("csv/bomb.csv", "0" * 3_000_000)])
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 2_000_000}))
    with pytest.raises(ArchiveError, match=r"needs 0\.0 GB unpacked"):
        unpack(path, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_damaged_zip_leaves_nothing(tmp_path):
    path = zip_of(tmp_path / "f.zip", [*GOOD.items(), ("csv/x.csv", "".join(map(str, range(5000))))])
    whole = path.read_bytes()
    at = whole.index(b"csv/x.csv") + 2000
    path.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
    with pytest.raises(ArchiveError, match=r"is damaged .*get it again"):
        Corpus.open(path)
    assert [p.name for p in tmp_path.iterdir()] == ["f.zip"]
    for cut in (b"", whole[:100], whole[:-30]):
        path.write_bytes(cut)
        with pytest.raises(ArchiveError, match="is no zip"):
            Corpus.open(path)


def test_another_zip_and_another_folder_are_told_apart(tmp_path):
    other = zip_of(tmp_path / "other.zip", [("holiday.txt", "sun")])
    with pytest.raises(ArchiveError, match="is no shared corpus"):
        unpack_beside(other)
    path = zip_of(tmp_path / "f.zip", GOOD.items())
    assert unpack_beside(path) == unpack_beside(path) == tmp_path / "f"
    zip_of(path, [*GOOD.items(), ("csv/new.csv", "x")])
    with pytest.raises(ArchiveError, match="f was unpacked from another or an earlier zip; rename or remove"):
        unpack_beside(path)
    (tmp_path / "g").mkdir()
    with pytest.raises(ArchiveError, match="holds something else"):
        unpack_beside(zip_of(tmp_path / "g.zip", GOOD.items()))


def test_two_processes_may_open_it_at_once(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "f.zip", GOOD.items())
    first = archive.unpack

    def late(path, folder):
        first(path, folder)  # another process is done in the moment in which this one begins
        first(path, folder)

    monkeypatch.setattr(archive, "unpack", late)
    assert unpack_beside(path) == tmp_path / "f"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", "f.zip"]


def test_film_ids_and_media_of_a_zip_are_not_believed(tmp_path):
    head = "film_id,title,year,genres,film,soundtrack\n"
    path = zip_of(tmp_path / "g.zip", [("shared.json", "{}"), ("films.csv", f"{head}../a,A,1990,Drama,,\n")])
    with pytest.raises(CorpusError, match=r"film_id '\.\./a' must be a plain name"):
        Corpus.open(path)
    rows = f"{head}a,A,1990,Drama,/etc/passwd,/etc\n"
    path = zip_of(tmp_path / "f.zip", [("shared.json", "{}"), ("films.csv", rows)])
    film = Corpus.open(path)["a"]
    assert film.film.parent.parent == tmp_path / "f" and film.soundtrack is None
    with pytest.raises(CorpusError, match="not part of a shared corpus"):
        film.tracks()


def test_entries_carry_no_time_and_no_owner():
    def made():
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as box:
            box.writestr(entry("a.csv"), "x")
        return buffer.getvalue()

    assert made() == made()
