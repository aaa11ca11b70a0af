"""Fetching weights from a real server on this machine: whole, broken off, resumed, wrong, absent."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from conftest import seeded_state

from filmlens.features.vggish import weights
from filmlens.features.vggish.weights import WeightsError, fetch, keep, load

CONTENT = np.random.default_rng(0).bytes(3_000_000)
NAME = f"weights-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


class Server(ThreadingHTTPServer):
    """A server that remembers what was asked of it, and can break off, ignore ranges, or send other things."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.breaks, self.resumes, self.kind = CONTENT, [], 0, True, "whole"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # a client that turns away from a wrong answer

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/{NAME}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        if server.kind == "absent":
            self.send_error(404)
            return
        if server.kind == "page":
            self.answer(200, b"<!DOCTYPE html><title>Log in</title>" * 10, "text/html")
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.resumes else 0
        part = server.content[start:]
        more = {"Content-Range": f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"} if start else {}
        self.answer(206 if start else 200, part, "application/octet-stream", more)

    def answer(self, status, body, kind, more=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if self.server.kind != "no length":
            self.send_header("Content-Length", str(len(body)))
        for name, value in dict(more).items():
            self.send_header(name, value)
        self.end_headers()
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 3]
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    one = Server()
    yield one
    one.shutdown()
    one.server_close()


def test_a_file_is_fetched_once_with_progress(server, tmp_path):
    told = []
    path = fetch(server.url, tmp_path / "cache", size=len(CONTENT), progress=lambda done, of: told.append((done, of)))
    assert path == tmp_path / "cache" / NAME and path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT)) and [d for d, _ in told] == sorted(d for d, _ in told)
    assert fetch(server.url, tmp_path / "cache", size=len(CONTENT)) == path and len(server.ranges) == 1
    assert [p.name for p in path.parent.iterdir()] == [NAME]


@pytest.mark.parametrize("resumes", [True, False])
def test_a_broken_transfer_is_resumed_or_begun_again(server, tmp_path, resumes):
    server.breaks, server.resumes = 2, resumes
    path = fetch(server.url, tmp_path, size=len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert server.ranges[0] is None and server.ranges[1] == f"bytes={len(CONTENT) // 3}-" and len(server.ranges) == 3


def test_what_was_kept_is_continued_by_the_next_call(server, tmp_path):
    server.breaks = 99
    with pytest.raises(WeightsError, match=r"the same command continues.*--file"):
        fetch(server.url, tmp_path, size=len(CONTENT))
    [part] = tmp_path.iterdir()
    assert part.name == f"{NAME}.part" and 0 < part.stat().st_size < len(CONTENT)
    server.breaks, kept = 0, part.stat().st_size
    assert fetch(server.url, tmp_path, size=len(CONTENT)).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={kept}-"
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("kept", [False, True])
def test_another_content_is_refused_and_removed(server, tmp_path, kept):
    if kept:  # a part of another file is found out by the hash of the whole
        (tmp_path / f"{NAME}.part").write_bytes(bytes(1000))
    else:
        server.content = bytes(len(CONTENT))
    with pytest.raises(WeightsError, match=r"has the SHA-256 .*removed"):
        fetch(server.url, tmp_path, size=len(CONTENT))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["page", "absent", "short", "long", "no length"])
def test_other_answers_are_not_taken_for_weights(server, tmp_path, kind):
    server.kind = kind
    if kind in ("short", "long", "no length"):
        server.content = CONTENT[:-5] if kind == "short" else CONTENT + b"more"
    with pytest.raises(WeightsError, match="--file FILE"):
        fetch(server.url, tmp_path, size=len(CONTENT))
    assert not list(tmp_path.glob("*.pth"))


def test_no_network_is_one_line_with_the_remedy(server, tmp_path):
    url = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(WeightsError) as caught:
        fetch(url, tmp_path, size=len(CONTENT), timeout=2)
    text = str(caught.value)
    assert "\n" not in text and "--file FILE" in text and weights.VARIABLE in text and url in text


def test_a_checkpoint_travels_from_server_to_network(server, tmp_path, monkeypatch, seeded_weights):
    server.content = seeded_weights.read_bytes()
    sha = hashlib.sha256(server.content).hexdigest()
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "filmlens"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    path = fetch(server.url, size=len(server.content), sha=sha)
    assert path.parent == tmp_path / "filmlens" and weights.find() is None
    path.rename(path.with_name(weights.PUBLISHED))
    assert weights.find() == weights.need() == path.with_name(weights.PUBLISHED)
    assert torch.equal(load().features[0].weight, seeded_state()["features.0.weight"])
    weights.find().unlink()


def test_weights_that_someone_brings_are_read_before_they_are_kept(tmp_path, monkeypatch, seeded_weights):
    monkeypatch.setenv("FILMLENS_CACHE", str(tmp_path / "cache" / "filmlens"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    (tmp_path / "page.pth").write_text("<html>")
    with pytest.raises(WeightsError, match=r"page\.pth"):
        keep(tmp_path / "page.pth")
    with pytest.raises(WeightsError, match=r"filmlens weights vggish.*FILMLENS_VGGISH=FILE"):
        weights.need()
    kept = keep(seeded_weights)
    assert weights.find() == kept and kept.read_bytes()[:100] == seeded_weights.read_bytes()[:100]
    kept.unlink()
    pretender = tmp_path / weights.PUBLISHED
    pretender.symlink_to(seeded_weights)
    with pytest.raises(WeightsError, match="not the published"):
        keep(pretender)


def test_a_variable_that_names_nothing_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path / "nowhere.pth"))
    with pytest.raises(WeightsError, match=r"nowhere\.pth: no such file"):
        weights.find()
