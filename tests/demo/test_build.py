"""The synthetic corpus on disk: real media, true annotations, the same bytes for the same seed."""

import csv
import json
import shutil

import av
import numpy as np
import pytest

from filmlens.demo import build, is_demo
from filmlens.demo.plan import plan_films, planted
from filmlens.media.sound import read_audio

RATE = 22_050


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """Two films of 12 s, built in one process."""
    folder = tmp_path_factory.mktemp("short") / "demo"
    lines = []
    build(folder, films=2, seconds=12, seed=3, jobs=1, progress=lines.append)
    assert [line.split()[0] for line in lines] == ["film01", "film02"]
    return folder


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def lag(heard, sent):
    """Samples by which `heard` is late: the peak of the whitened cross-correlation."""
    n = len(heard) + len(sent)
    cross = np.fft.rfft(heard, n) * np.conj(np.fft.rfft(sent, n))
    peak = int(np.argmax(np.fft.irfft(cross / (np.abs(cross) + 1e-9))))
    return peak if peak < n // 2 else peak - n


def test_layout(toy):
    films = rows(toy / "films.csv")
    assert list(films[0]) == ["film_id", "title", "year", "genres", "film", "soundtrack", "franchise", "composer"]
    assert len({film["film_id"] for film in films}) == len(films) == 8
    endings = set()
    for film in films:
        tracks = {
            str(p.relative_to(toy / film["soundtrack"]).with_suffix("")): p.suffix
            for p in (toy / film["soundtrack"]).rglob("*.*")
        }
        endings |= set(tracks.values())
        assert 4 <= len(tracks) <= 6
        cues = rows(toy / "annotations" / f"{film['film_id']}.csv")
        assert cues and list(cues[0]) == ["start", "end", "track", "track_start"]
        for cue in cues:
            assert 0 <= float(cue["start"]) < float(cue["end"]) <= 30
            assert cue["track"] in tracks
    assert endings == {".flac", ".mp3", ".m4a"}
    assert {p.name for p in toy.iterdir()} >= {"films.csv", "films", "soundtracks", "annotations", "planted.json"}


def test_media_decode_and_have_the_planned_length(toy):
    story = json.loads((toy / "planted.json").read_text(encoding="utf-8"))
    for film_id, film in story["films"].items():
        with av.open(str(toy / "films" / (film_id + film["ending"]))) as box:
            assert {s.type: s.codec_context.name for s in box.streams} == {"video": "h264", "audio": "aac"}
            times = [frame.time for frame in box.decode(video=0)]
        assert times[0] == 0 and times[-1] + 1 / 12 == pytest.approx(30, abs=0.1)
        assert len(read_audio(toy / "films" / (film_id + film["ending"]), RATE)) / RATE == pytest.approx(30, abs=0.1)
        for track in film["tracks"]:
            path = toy / "soundtracks" / film_id / (track["name"] + track["ending"])
            assert len(read_audio(path, RATE)) / RATE == pytest.approx(track["seconds"], abs=0.1)


def test_the_track_plays_where_the_annotation_says(toy):
    for film in rows(toy / "films.csv"):
        for cue in rows(toy / "annotations" / f"{film['film_id']}.csv"):
            start, end, begin = (float(cue[name]) for name in ("start", "end", "track_start"))
            heard = read_audio(toy / film["film"], RATE, start=start, end=end)
            path = next((toy / film["soundtrack"]).glob(f"{cue['track']}.*"))
            sent = read_audio(path, RATE)
            found = lag(heard, sent) / RATE
            assert found == pytest.approx(-begin, abs=0.01), (film["film_id"], cue)


def test_planted_is_what_was_planned(toy):
    story = json.loads((toy / "planted.json").read_text(encoding="utf-8"))
    expected = planted(plan_films(films=8, seconds=30, seed=0), seed=0)
    assert story.pop("made_by").startswith("filmlens ")
    assert story == json.loads(json.dumps(expected))
    assert len(story["transplanted"]) == 3


def test_pictures_on_disk_have_the_planted_brightness(toy):
    story = json.loads((toy / "planted.json").read_text(encoding="utf-8"))
    planted_, seen = [], []
    for film_id, film in story["films"].items():
        with av.open(str(toy / "films" / (film_id + film["ending"]))) as box:
            frames = [f.to_ndarray(format="gray") for k, f in enumerate(box.decode(video=0)) if k % 24 == 0]
        bar = film["pictures"]["bar"]
        inside = np.array(frames)[:, bar : film["pictures"]["height"] - bar]
        planted_.append(film["pictures"]["brightness"])
        seen.append(inside.mean() / 255)
        assert bar == 0 or np.array(frames)[:, : bar - 2].max() < 24
    assert seen == pytest.approx(planted_, abs=0.08)


def test_same_seed_same_bytes_whatever_the_processes(short, tmp_path):
    build(tmp_path / "again", films=2, seconds=12, seed=3, jobs=2, progress=lambda line: None)
    first, second = contents(short), contents(tmp_path / "again")
    assert list(first) == list(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_another_seed_gives_other_films(short, tmp_path):
    build(tmp_path / "other", films=1, seconds=12, seed=4, jobs=1, progress=lambda line: None)
    name = next((tmp_path / "other" / "films").iterdir()).name
    assert (short / "films" / name).read_bytes() != (tmp_path / "other" / "films" / name).read_bytes()


def test_an_older_demo_is_replaced_and_what_was_made_of_it_kept(short, tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(short, folder)
    (folder / "verdicts").mkdir()
    (folder / "verdicts" / "film01.csv").write_text("mine")
    (folder / "films.csv").unlink()  # as an interrupted build leaves it
    build(folder, films=1, seconds=12, jobs=1, progress=lambda line: None)
    assert [p.name for p in (folder / "films").iterdir()] == ["film01.mp4"]
    assert len(rows(folder / "films.csv")) == 1
    assert (folder / "verdicts" / "film01.csv").read_text() == "mine"


def test_other_peoples_folders_are_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(FileExistsError, match="no synthetic corpus"):
        build(tmp_path, films=1, seconds=12)
    (tmp_path / "planted.json").write_text("not json")
    assert not is_demo(tmp_path)
    with pytest.raises(FileExistsError):
        build(tmp_path, films=1, seconds=12)
    with pytest.raises(FileExistsError, match="is a file"):
        build(tmp_path / "holiday.jpg", films=1, seconds=12)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"x" and not (tmp_path / "films").exists()


def test_nothing_is_written_for_an_impossible_plan(tmp_path):
    with pytest.raises(ValueError, match="too short"):
        build(tmp_path / "demo", seconds=5)
    assert not (tmp_path / "demo").exists()


def test_a_demo_is_recognised(short, tmp_path):
    assert is_demo(short) and not is_demo(tmp_path) and not is_demo(tmp_path / "missing")
