"""What is on disk is what was computed: no flipped bit, no foreign file and no swapped part becomes a number."""

import json
import random
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from filmlens import artefacts
from filmlens.artefacts import ArtefactError, TextError, seals

TABLE = pd.DataFrame(
    {"film_id": "one", "cue": range(60), "track": [f"é {n % 7}" for n in range(60)], "start": np.linspace(0, 99, 60)}
)
PROVENANCE = {"name": "cues", "recipe": {"stage": "cues", "inputs": {}}, "notes": {"duration": 40.0}}


def flipped(data: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


def test_no_flipped_bit_of_a_table_is_read(tmp_path):
    """One flipped bit gave other numbers in 83 of 240 files."""
    path = tmp_path / "one.parquet"
    artefacts.write_table(path, TABLE, PROVENANCE)
    data, rng = path.read_bytes(), random.Random(0)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    places = [rng.randrange(len(data)) for _ in range(60)] + [rng.randrange(footer, len(data)) for _ in range(60)]
    for place in [*places, *range(len(data) - 8, len(data)), 0]:
        path.write_bytes(flipped(data, place, rng.randrange(8)))
        assert artefacts.damage(path)
        with pytest.raises(ArtefactError, match=r"one\.parquet: is damaged .*run again"):
            artefacts.read_table(path)
        if place >= footer:
            assert artefacts.read_provenance(path) == {}, "what it says of itself is not believed either"
    path.write_bytes(data)
    pd.testing.assert_frame_equal(artefacts.read_table(path), TABLE)


@pytest.mark.parametrize("size", [0, 3, 4, 11, 300])
def test_a_table_cut_short_or_of_something_else_is_no_table(tmp_path, size):
    path = tmp_path / "one.parquet"
    artefacts.write_table(path, TABLE, PROVENANCE)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ArtefactError):
        artefacts.read_table(path)
    assert artefacts.read_provenance(path) == {}
    TABLE.to_parquet(path)  # whole, but not of FilmLens
    with pytest.raises(ArtefactError, match="no seal"):
        artefacts.read_table(path)
    assert artefacts.read_provenance(path) == {}


def test_any_reader_of_parquet_reads_a_sealed_table(tmp_path):
    path = tmp_path / "one.parquet"
    artefacts.write_table(path, TABLE, PROVENANCE)
    pd.testing.assert_frame_equal(pq.read_table(path, page_checksum_verification=True).to_pandas(), TABLE)
    assert json.loads(pq.read_metadata(path).metadata[b"filmlens"])["name"] == "cues"


def test_json_is_sealed(tmp_path):
    path = tmp_path / "a.json"
    content = {"b": [1.5, float("inf"), None], "a": {"é": True}}
    artefacts.write_json(path, content)
    assert artefacts.read_json(path) == content
    data, rng = path.read_bytes(), random.Random(1)
    for place in range(len(data)):
        path.write_bytes(flipped(data, place, rng.randrange(8)))
        try:
            assert artefacts.read_json(path) == content, "only white space may differ"
        except ArtefactError as error:
            assert "a.json" in str(error)
    for text in ("[]", "[1, 2]", '"abc"', "", "nul", "[" * 100_000):
        path.write_text(text)
        with pytest.raises(ArtefactError):
            artefacts.read_json(path)


def test_arrays_are_sealed_and_of_their_recipe(tmp_path):
    path, recipe = tmp_path / "a.npz", {"engine": "filmlens", "content": "abc"}
    arrays = {"time": np.arange(300, dtype=np.int32), "seconds": np.array(3.25)}
    artefacts.save_arrays(path, arrays, recipe)
    back = artefacts.load_arrays(path, recipe)
    assert back.keys() == arrays.keys() and all((back[k] == arrays[k]).all() for k in arrays)
    with pytest.raises(ArtefactError, match="something else"):
        artefacts.load_arrays(path, recipe | {"content": "abd"})
    data, rng = path.read_bytes(), random.Random(2)
    for _ in range(150):
        path.write_bytes(flipped(data, rng.randrange(len(data)), rng.randrange(8)))
        try:
            back = artefacts.load_arrays(path, recipe)
        except ArtefactError:
            continue
        assert all((back[k] == arrays[k]).all() for k in arrays), "such as a date in the zip"
    np.savez(path, time=np.array([object()], dtype=object))
    with pytest.raises(ArtefactError):
        artefacts.load_arrays(path, recipe)


def test_hashes_of_whole_files_are_kept_and_asked_again_when_a_file_changes(tmp_path):
    film, tracks = tmp_path / "film.mp4", {n: tmp_path / "music" / f"{n}.flac" for n in ("a", "b")}
    film.write_bytes(bytes(300_000))
    (tmp_path / "music").mkdir()
    for name, path in tracks.items():
        path.write_text(name)
    ledgers = tmp_path / "hashes"
    first = artefacts.contents({"": film}, ledgers), artefacts.contents(tracks, ledgers)
    assert len(list(ledgers.iterdir())) == 2
    assert (artefacts.contents({"": film}, ledgers), artefacts.contents(tracks, ledgers)) == first
    assert first[1] == artefacts.contents(tracks), "with and without a ledger"
    data = bytearray(film.read_bytes())
    data[150_001] = 1
    film.write_bytes(data)
    assert artefacts.contents({"": film}, ledgers) != first[0]
    for ledger in ledgers.iterdir():
        ledger.write_text("[]")
    assert artefacts.contents(tracks, ledgers) == first[1]
    tracks["b"].unlink()
    assert artefacts.contents(tracks, ledgers) == first[1] | {"b": ""}


def test_text_names_file_line_and_remedy(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes("0\t5\tThème\n5\t9\tDébut".encode())
    assert artefacts.read_text(path).count("é") == 1
    path.write_bytes("0\t5\tTheme\n5\t9\tDébut".encode("cp1252"))
    with pytest.raises(TextError, match=r"labels\.txt row 2: byte 0xe9 is not UTF-8 text; save"):
        artefacts.read_text(path)
    path.write_bytes(b"a\nb\n\0")
    with pytest.raises(TextError, match="row 3"):
        artefacts.read_text(path)
    with pytest.raises(TextError, match="cannot be read"):
        artefacts.read_text(tmp_path)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("film_id,stage,error\nk\xe9,cues,no sound\n".encode("latin-1"), 0),
        (b"film_id,stage,error\na,cues,no sound\nb,cues\n", 1),
        (b"a,b\n1,2\n", 0),
        (b"", 0),
    ],
)
def test_failures_that_cannot_be_read_are_told_and_begun_anew(tmp_path, content, kept):
    path = tmp_path / "failures.csv"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=r"failures\.csv row \d.*the next run writes it anew"):
        assert len(artefacts.read_failures(path)) == kept
    with pytest.warns(UserWarning):
        artefacts.record_failures(path, {"mir": ["c"]}, {"mir": {"c": "no"}})
    assert artefacts.read_failures(path)["film_id"].tolist()[kept:] == ["c"]


def test_a_table_that_was_read_is_held_by_no_thread(tmp_path, monkeypatch):
    """Arrow's own threads let go of a table's bytes late: one run in eight ended with signal 6, its work done."""
    path = tmp_path / "one.parquet"
    artefacts.write_table(path, TABLE.join(pd.DataFrame(np.zeros((60, 140))).add_prefix("mir")), PROVENANCE)
    data = seals.verify_parquet(path)
    monkeypatch.setattr(seals, "verify_parquet", lambda path: data)
    held = sys.getrefcount(data)
    for _ in range(200):
        assert seals.read_arrow(path).num_rows == len(TABLE) and sys.getrefcount(data) == held
