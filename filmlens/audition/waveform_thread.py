"""The waveform of one film as it grows in a thread, while the page is already in use."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import numpy as np

from filmlens.audition import peaks
from filmlens.corpus import Corpus, Film
from filmlens.media.container import MediaError

_HEAD_START_S = 0.5


class WaveformThread:
    """A film's waveform: read if it was kept, made otherwise.

    `tell` is given a message for the page whenever there is more to see, and when the film's sound cannot be read;
    growing waits while somebody is `busy` waiting for something else. `levels` is what there is so far
    (`peaks.pyramid`, or None), `so_far` its seconds, and whether that is all (done).
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
            whole = peaks.stored(self._corpus, self._film)
            if whole is None:
                self._stop.wait(_HEAD_START_S)  # the first cue is to be heard first
                parts = [np.zeros((0, 2), np.int8)]
                for part in peaks.grow(self._corpus, self._film):
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
            self.levels = peaks.pyramid(whole) if len(whole) else None
            self.so_far = {"seconds": len(whole) / peaks.RATE, "done": done}
            self._tell({"type": "grown"} | self.so_far)
