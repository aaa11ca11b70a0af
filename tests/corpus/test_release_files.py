"""The released data set from a folder or a zip: where the files lie, what is odd and told, what is refused."""

import shutil
import zipfile

import numpy as np
import pytest

from filmlens import paper
from filmlens.corpus.release import FILES, LIST, MIR, NAMES, VGGISH, ReleaseError, read_release
from filmlens.demo.release import build_release


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    return build_release(tmp_path_factory.mktemp("release") / "twin", films=10, most_cues=4)


@pytest.fixture
def copy(twin, tmp_path):
    return shutil.copytree(twin, tmp_path / "journal.pone.0249957.s004")


def zipped(folder, path, inside="", more=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for file in sorted(folder.iterdir()):
            box.write(file, f"{inside}{file.name}")
        for name, content in more:
            box.writestr(name, content)
    return path


def changed(copy, name, change):
    content = np.load(copy / name, allow_pickle=True).item()
    change(content)
    np.save(copy / name, content, allow_pickle=True)


def test_the_files_are_read_as_numpy_reads_them(copy):
    release = read_release(copy)
    assert len(release.films) == 10 and len(release.names) == 140 and release.planted
    for key, name in (("mir", MIR), ("vggish", VGGISH)):
        content = np.load(copy / name, allow_pickle=True).item()
        assert list(release.features[key]) == list(content)
        for film, cues in content.items():
            for one, other in zip(release.features[key][film], cues, strict=True):
                np.testing.assert_array_equal(one, other)
    genres = dict(zip(paper.films()["film_id"], paper.films()["genres"], strict=True))
    assert [genres[f] for f in release.films["film_id"]] == release.films["genres"].tolist()
    assert release.remarks == ["ready_player_one: 8 MIR cues, 4 VGGish cues; each set keeps its own, none is aligned"]


def test_it_is_found_wherever_it_lies(copy, tmp_path):
    wanted = read_release(copy).films
    places = [
        zipped(copy, tmp_path / "flat.zip"),
        zipped(copy, tmp_path / "deep.zip", "s004/data/", [("__MACOSX/s004/._" + MIR, b"x"), ("readme.txt", b"hello")]),
    ]
    (tmp_path / "around" / "it").mkdir(parents=True)
    shutil.copytree(copy, tmp_path / "around" / "it" / "s004")
    (tmp_path / "holds").mkdir()
    zipped(copy, tmp_path / "holds" / "s004.zip", "s004/")
    for place in (*places, tmp_path / "around", tmp_path / "holds"):
        assert read_release(place).films.equals(wanted), place


def test_what_is_missing_doubled_or_no_zip_is_named(copy, tmp_path):
    (copy / NAMES).rename(copy / "names.csv")
    with pytest.raises(ReleaseError, match=rf"lacks {NAMES}; there is .*names\.csv"):
        read_release(copy)
    with pytest.raises(ReleaseError, match=f"lacks {NAMES}"):
        read_release(zipped(copy, tmp_path / "a.zip"))
    (copy / "names.csv").rename(copy / NAMES)
    (copy / "again").mkdir()
    shutil.copy(copy / LIST, copy / "again")
    with pytest.raises(ReleaseError, match=f"{LIST} stands in it twice"):
        read_release(copy)
    (tmp_path / "page.zip").write_text("<html>")
    (tmp_path / "empty").mkdir()
    for place, said in (("page.zip", "no zip"), ("empty", "there is nothing"), ("nowhere", "no such file")):
        with pytest.raises(ReleaseError, match=said):
            read_release(tmp_path / place)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as box:
        box.writestr("films.csv", "a")
    with pytest.raises(ReleaseError, match=r"lacks .*there is films\.csv"):
        read_release(tmp_path / "other.zip")


def test_a_damaged_zip_and_one_that_unpacks_too_far_are_refused(copy, tmp_path):
    path = zipped(copy, tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as box:
        place = box.getinfo(MIR).header_offset
    content[place + 2000 : place + 2100] = bytes(100)
    path.write_bytes(content)
    with pytest.raises(ReleaseError, match="damaged"):
        read_release(path)
    with open(copy / MIR, "r+b") as file:
        file.truncate(200 << 20)
    with pytest.raises(ReleaseError, match="do not trust"):
        read_release(zipped(copy, tmp_path / "bomb.zip"))


def test_oddities_are_told_and_the_rest_goes_on(copy):
    def change(content):
        first, second, *_ = content
        content[first][0] = content[first][0].astype(float)
        content[first][0][0, :3] = np.nan, np.inf, -np.inf
        content[second].append(np.zeros((0, 140)))
        content["not_listed"] = content[second]

    changed(copy, MIR, change)
    films = list(np.load(copy / MIR, allow_pickle=True).item())
    lines = (copy / LIST).read_text().splitlines()
    lines[2] = f'{films[2]},"Western","western"'
    lines[3] = f'{films[3]},"",""'
    (copy / LIST).write_text("\n\n".join([*lines, 'unseen,"Drama","drama"']))
    release = read_release(copy)
    told = "\n".join(release.remarks)
    assert f"{films[0]}: 3 values are missing or infinite" in told
    assert f"{films[1]}: 1 cues have no frame" in told and "'not_listed' is not in" in told
    assert "the genre 'western', none of the paper's six" in told and f"{films[3]} has no genre" in told
    assert "unseen: has no features in" in told
    assert "not_listed" not in release.features["mir"] and "unseen" not in set(release.films["film_id"])
    assert dict(zip(release.films["film_id"], release.films["genres"], strict=True))[films[3]] == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (LIST, 'up,"Drama"\n', "row 1: has 2 columns"),
        (LIST, '../up,"Drama","drama"\n', "no plain name"),
        (LIST, 'up,,"drama"\nUp,,"drama"\n', "stands in it twice"),
        (LIST, 'up,"Drama","drama"\n', "no film of"),
        (LIST, b"\xff\xfe\x00", "no UTF-8"),
        (NAMES, "a\tb\n", "has 2 names, not 140"),
        (NAMES, "\t".join(["a"] * 140), "stands there twice"),
        (NAMES, "\t".join(["cue", *(f"n{i}" for i in range(139))]), "no column's"),
        (MIR, "<html>", "no .npy file"),
    ],
)
def test_other_content_is_refused_by_name(copy, name, content, said):
    (copy / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReleaseError, match=said):
        read_release(copy)


def test_names_with_commas_or_lines_are_read_and_told(copy):
    names = (copy / NAMES).read_text().strip().split("\t")
    for parting in (",", "\n"):
        (copy / NAMES).write_text(parting.join(names))
        release = read_release(copy)
        assert release.names == names and "not one line with tabs" in release.remarks[0]


def test_cues_of_another_width_are_refused(copy):
    changed(copy, VGGISH, lambda content: content[next(iter(content))].append(np.zeros((3, 64))))
    with pytest.raises(ReleaseError, match="64 columns, not 128"):
        read_release(copy)


def test_a_hostile_dictionary_is_refused_by_its_file(copy, tmp_path):
    class Calls:
        def __reduce__(self):
            return open, (str(tmp_path / "called"), "w")

    changed(copy, MIR, lambda content: content.update(up=[Calls()]))
    with pytest.raises(ReleaseError, match=rf"{MIR}: asks for"):
        read_release(copy)
    assert not (tmp_path / "called").exists()
    assert len(FILES) == 4
