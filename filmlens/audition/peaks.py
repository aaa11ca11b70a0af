"""Waveforms to look at: lowest and highest sample per bin, at several zooms.

The waveform of a whole film is made in one pass over its sound, given out as it grows and kept as
``derived/peaks/<film_id>.parquet``; that of a cue is made from its few seconds alone.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pandas as pd

from filmlens import __version__
from filmlens.artefacts import ArtefactError, read_provenance, read_table, write_table
from filmlens.corpus import Corpus, Film
from filmlens.media import sound
from filmlens.media.apart import apart, apart_stream
from filmlens.media.container import MediaError
from filmlens.stages import staleness

#: Bins per second of a film's finest waveform.
RATE = 20
_FACTOR = 4
_BLOCK_S = 60.0
_HEAD_START_S = 0.5


def bins(samples: np.ndarray, count: int) -> np.ndarray:
    """Lowest and highest of `count` equal parts of samples (n,) in [-1, 1]: int8 (count, 2) of -127 to 127.

    >>> bins(np.array([0.0, 0.5, -1.0, 0.25]), 2).tolist()
    [[0, 64], [-127, 32]]
    """
    if not len(samples):
        return np.zeros((count, 2), np.int8)
    edges = np.minimum(np.arange(count) * len(samples) // count, len(samples) - 1)
    low, high = np.minimum.reduceat(samples, edges), np.maximum.reduceat(samples, edges)
    return np.round(np.clip(np.column_stack([low, high]), -1, 1) * 127).astype(np.int8)


def pyramid(peaks: np.ndarray) -> list[np.ndarray]:
    """All zooms of a waveform, each of a quarter of the bins before, the last of at most four.

    >>> pyramid(np.array([[-1, 2], [0, 5], [-3, 1], [0, 0], [7, 9]], np.int8))[1].tolist()
    [[-3, 5], [7, 9]]
    """
    levels = [peaks]
    while len(levels[-1]) > _FACTOR:
        low, high = levels[-1].T
        starts = np.arange(0, len(low), _FACTOR)
        levels.append(np.column_stack([np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)]))
    return levels


def view(levels: list[np.ndarray], start: float, end: float, count: int) -> tuple[np.ndarray, float]:
    """Bins of a part of the film at the coarsest zoom that has at least `count` of them, and bins per second.

    The bins are int8 (m, 2); the first begins at ``floor(start * rate) / rate``.
    """
    level = 0
    while level + 1 < len(levels) and (end - start) * RATE / _FACTOR ** (level + 1) >= count:
        level += 1
    rate = RATE / _FACTOR**level
    return levels[level][int(start * rate) : max(int(np.ceil(end * rate)), int(start * rate) + 1)], rate


def stored(corpus: Corpus, film: Film) -> np.ndarray | None:
    """The kept waveform of a film; None when there is none, or of another file."""
    path, ledgers = _path(corpus, film), corpus.derived / staleness.LEDGERS
    recipe = read_provenance(path).get("recipe", {})
    media, files = recipe.pop("media", {}), {"": film.film}
    same = staleness.agrees(media, staleness.known_by(files), lambda: staleness.whole_hash(files, ledgers))
    if recipe != _recipe(film) or not same:
        return None
    try:
        return read_table(path)[["low", "high"]].to_numpy(np.int8)
    except (ArtefactError, KeyError):
        return None


def grow(corpus: Corpus, film: Film) -> Iterator[np.ndarray]:
    """A film's waveform by minutes, int8 (m, 2) at `RATE`, kept in the end; `MediaError` for unreadable sound."""
    parts, rate = [], apart(sound.native_rate, film.sound)
    for _, block in apart_stream(sound.blocks, film.sound, rate, seconds=_BLOCK_S):
        count = int(np.ceil(len(block) * RATE / rate - 1e-6))
        # the last bin is filled up, so that every bin is as long as the others
        whole = np.pad(block, (0, max(0, round(count * rate / RATE) - len(block))), mode="edge")
        parts.append(bins(whole, count))
        yield parts[-1]
    whole = np.concatenate(parts) if parts else np.zeros((0, 2), np.int8)
    table = pd.DataFrame({"low": whole[:, 0], "high": whole[:, 1]})
    files, ledgers = {"film": {"": film.film}}, corpus.derived / staleness.LEDGERS
    recipe = _recipe(film) | {"media": staleness.read_through({}, files, ledgers)["film"]}
    write_table(_path(corpus, film), table, {"name": "peaks", "recipe": recipe, "filmlens": __version__})


class WaveformThread:
    """A film's waveform: read if it was kept, made otherwise.

    `tell` is given a message for the page whenever there is more to see, and when the film's sound cannot be read;
    growing waits while somebody is `busy` waiting for something else. `levels` is what there is so far
    (`pyramid`, or None), `so_far` its seconds, and whether that is all (done).
    """

    def __init__(self, corpus: Corpus, film: Film, tell: Callable[[dict[str, Any]], None], busy: Callable[[], bool]):
        self.levels: list[np.ndarray] | None = None
        self.so_far = {"seconds": 0.0, "done": False}
        self._corpus, self._film, self._tell, self._busy = corpus, film, tell, busy
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None:
            self._thread = Thread(target=self._run, daemon=True, name="waveform")
            self._thread.start()

    def stop(self) -> None:
        """End soon, and tell nothing more."""
        self._stop.set()

    def _run(self) -> None:
        try:
            whole = stored(self._corpus, self._film)
            if whole is None:
                self._stop.wait(_HEAD_START_S)  # the first cue is to be heard first
                parts = [np.zeros((0, 2), np.int8)]
                for part in grow(self._corpus, self._film):
                    if self._stop.is_set():
                        return
                    parts.append(part)
                    minutes = len(parts) - 1
                    if minutes in (1, 2, 4) or minutes % 8 == 0:
                        self._show(np.concatenate(parts), done=False)
                    while self._busy() and not self._stop.is_set():
                        time.sleep(0.01)  # whoever listens comes first
                whole = np.concatenate(parts)
            self._show(whole, done=True)
        except (MediaError, OSError) as error:
            if not self._stop.is_set():
                self._tell({"type": "error", "about": "peaks", "text": str(error)})

    def _show(self, whole: np.ndarray, *, done: bool) -> None:
        if not self._stop.is_set():
            self.levels = pyramid(whole) if len(whole) else None
            self.so_far = {"seconds": len(whole) / RATE, "done": done}
            self._tell({"type": "grown"} | self.so_far)


def _path(corpus: Corpus, film: Film) -> Path:
    return corpus.derived / "peaks" / f"{film.id}.parquet"


def _recipe(film: Film) -> dict:
    return {"stage": "peaks", "subject": film.id, "version": 2, "parameters": {"rate": RATE} | film.sound.choice}
