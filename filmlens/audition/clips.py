"""The moving picture of the bench: made in pieces where it is looked at, and kept on this machine up to 2 GB.

Pieces lie at whole multiples of `PIECE_S` of the film, whatever its cues are, so that an edge that is moved throws none
away. They travel over the page's own wire and have no address. A film is known by its bytes: no name of it becomes
one of a file.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Condition, Lock, Thread

from filmlens import artefacts
from filmlens.artefacts.writing import WriteError, cache_folder, write_atomically
from filmlens.corpus import Film
from filmlens.media.apart import apart
from filmlens.media.container import MediaError
from filmlens.media.pictures import moving

#: Seconds of a piece.
PIECE_S = 10.0
#: What is kept at most.
MOST_BYTES = 2 * 10**9
_VERSION = 1
_LIMIT_S = 120.0  # a film of which ten seconds take longer is looked at in stills
_SPARED = 0.9  # of what may be kept is left when room is made, so that it is not made at every piece


class Pieces:
    """The moving picture of one film of so many seconds, piece by piece."""

    def __init__(self, film: Film, duration: float):
        self._film, self._duration, self._problem = film, duration, ""

    def get(self, number: int) -> bytes:
        """The piece from `number` * `PIECE_S` on, as WebM; from what is kept, or made in another process.

        Raises `MediaError` when the film has no picture that can be shown so. It is not tried again: a film that
        crashes a decoder would take a process with every piece.
        """
        start = number * PIECE_S
        end = min(start + PIECE_S, self._duration)
        if not 0 <= start < end:
            raise ValueError(f"piece {number} lies outside the film; it ends at {self._duration:.1f} s")
        if self._problem:
            raise MediaError(self._problem)
        kept, name = shelf(cache_folder() / "pictures"), _name(self._film, start, end)
        data = kept.get(name)
        if data is None:
            try:
                data = apart(moving, self._film.sound, start, end, limit=_LIMIT_S)
            except MediaError as error:
                self._problem = f"{self._film.id}: no moving picture, stills stand in its place: {error}"
                raise MediaError(self._problem) from None
            kept.put(name, data)
        return data


class Newest:
    """Work done in a thread, one thing after another; of what waits only the newest is done, the rest is let go.

    It waits while somebody is `busy` waiting for something more urgent; what is begun is finished all the same.
    """

    def __init__(self, busy: Callable[[], bool]):
        self._busy, self._waiting, self._stopped = busy, None, False
        self._news, self._thread = Condition(), None

    def submit(self, work: Callable[[], None], let_go: Callable[[], None]) -> None:
        """Do `work` soon, or `let_go` when something newer came first."""
        with self._news:
            older, self._waiting = self._waiting, (work, let_go)
            if self._thread is None:
                self._thread = Thread(target=self._run, daemon=True, name="moving picture")
                self._thread.start()
            self._news.notify()
        if older:
            older[1]()

    def stop(self) -> None:
        """End after what is under way, and do nothing more."""
        with self._news:
            self._waiting, self._stopped = None, True
            self._news.notify()

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._stopped)
            while self._busy() and not self._stopped:
                time.sleep(0.01)
            with self._news:  # by now there may be something newer
                if self._stopped:
                    return
                (work, _), self._waiting = self._waiting, None
            work()


class Shelf:
    """Files of a folder, up to so many bytes; what was not used for longest goes.

    The bytes are counted once, and again when they are too many: others may share the folder.
    """

    def __init__(self, folder: Path, most: int = MOST_BYTES):
        self._folder, self._most, self._lock = folder, most, Lock()
        self._bytes: int | None = None

    def get(self, name: str) -> bytes | None:
        path = self._folder / name
        with suppress(OSError):
            data = path.read_bytes()
            os.utime(path)
            return data
        return None

    def put(self, name: str, data: bytes) -> None:
        """Keep a file; where there is no room on the disk it is not kept."""
        with self._lock, suppress(WriteError):
            write_atomically(self._folder / name, lambda part: part.write_bytes(data))
            if self._bytes is not None:
                self._bytes += len(data)
            if self._bytes is None or self._bytes > self._most:
                self._make_room()

    def _make_room(self) -> None:
        files = []  # when each was last used, its size, and where it is
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # another process made room
                seen = entry.stat()
                files.append((seen.st_mtime_ns, seen.st_size, entry.path))
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in sorted(files) if self._bytes > self._most else ():
            if self._bytes <= _SPARED * self._most:
                return
            with suppress(OSError):
                os.unlink(path)
            self._bytes -= size


#: One for a folder, whatever number of benches a kernel has.
shelf = cache(Shelf)


def _name(film: Film, start: float, end: float) -> str:
    known = artefacts.fingerprint(film.film) | film.sound.choice
    about = json.dumps([_VERSION, known, start, end], sort_keys=True)
    return f"{hashlib.blake2b(about.encode(), digest_size=16).hexdigest()}.webm"
