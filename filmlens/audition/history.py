"""Steps that can be taken back: each says which lines of which verdict files it changed.

A step that nothing followed is taken back byte for byte. When a file was changed elsewhere since, the step's own lines
are taken back if they still stand there, and nothing otherwise. The steps of a page outlive its reload: they are kept
under ``derived/audition``, one JSON line each, by the name that the page gives its sitting.
"""

import difflib
import hashlib
import io
import json
import re
import time
from pathlib import Path
from typing import Any

_KEPT_S = 2 * 86_400  # a sitting that nobody touched for so long is over


class ChangedError(Exception):
    """The lines of a step are no longer what it made them."""


class History:
    """Steps, the latest last; in memory, and in a file where one is given, with what it holds from before."""

    def __init__(self, path: Path | None = None):
        self._path = path
        self._steps: list[dict[str, Any]] = []
        if path is not None and path.is_file():
            self._steps = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def film_id(self) -> str:
        """The film of the latest step; empty without one."""
        return self._steps[-1]["film_id"] if self._steps else ""

    def push(self, text: str, cue: str, film_id: str, patches: list[dict[str, Any]]) -> None:
        """Add a step: what is said of it, the cue that it was about, and the patches of the files it changed."""
        self._steps.append({"text": text, "cue": cue, "film_id": film_id, "patches": patches})
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="ascii") as file:
                file.write(json.dumps(self._steps[-1]) + "\n")

    def pop(self) -> dict[str, Any]:
        """The latest step, which is one no longer."""
        step = self._steps.pop()
        self._rewrite()
        return step

    def join(self, count: int, text: str) -> None:
        """Make the last steps one."""
        if count < 2:
            return
        last = self._steps[-count:]
        patches = [patch for step in last for patch in step["patches"]]
        self._steps[-count:] = [last[-1] | {"text": text, "patches": patches}]
        self._rewrite()

    def _rewrite(self) -> None:
        if self._path is not None:
            lines = "".join(json.dumps(step) + "\n" for step in self._steps)
            self._path.write_text(lines, encoding="ascii")


def of_sitting(folder: Path, sitting: str) -> History:
    """The history of a sitting, as a page names it; sittings that are long over are forgotten.

    >>> len(of_sitting(Path("nowhere"), "../x"))
    0
    """
    if not re.fullmatch(r"[\w-]{1,80}", sitting):
        return History()
    for old in folder.glob("*.jsonl"):
        if time.time() - old.stat().st_mtime > _KEPT_S:
            old.unlink(missing_ok=True)
    return History(folder / f"{sitting}.jsonl")


def patch(film_id: str, before: bytes, after: bytes, *, existed: bool) -> dict[str, Any]:
    """What turns a film's file from `after` back into `before`; `existed`: whether there was a file at all."""
    old, new = _lines(before), _lines(after)
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    hunks = [[a, b, old[i:j], new[a:b]] for kind, i, j, a, b in changes if kind != "equal"]
    return {"film_id": film_id, "existed": existed, "after": hashlib.sha256(after).hexdigest(), "hunks": hunks}


def reversed_by(patch: dict[str, Any], now: bytes) -> bytes | None:
    """The file without a step, None where there was none before it; `ChangedError` when its lines changed since."""
    lines = _lines(now)
    if hashlib.sha256(now).hexdigest() == patch["after"]:
        if not patch["existed"]:
            return None
        for first, last, old, _ in reversed(patch["hunks"]):
            lines[first:last] = old
        return "".join(lines).encode("latin-1")
    for first, _, old, new in patch["hunks"]:
        if first == 0 and patch["existed"]:
            raise ChangedError  # the header: every row that was written since follows it
        new = new[1:] if first == 0 else new
        if not new:
            lines += old
            continue
        at = next((i for i in range(len(lines)) if lines[i : i + len(new)] == new), None)
        if at is None:
            raise ChangedError
        lines[at : at + len(new)] = old
    return "".join(lines).encode("latin-1")


def _lines(data: bytes) -> list[str]:
    """Latin-1 writes every byte as one character: any file is given back as it was."""
    return [line.decode("latin-1") for line in io.BytesIO(data)]
