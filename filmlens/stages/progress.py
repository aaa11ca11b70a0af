"""One line per stage while it runs: films done, how many times faster than the film, time left.

In a terminal the line renews itself, in a notebook its output does, elsewhere a plain line follows every minute.
Under ``filmlens run`` the notebooks are other processes: they write to the run's journal, which shows the lines. Under
papermill alone they go to its terminal as well, since outputs are seen when it has ended.
"""

import contextvars
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from filmlens import text
from filmlens.stages.work import Done

JOURNAL = "FILMLENS_JOURNAL"

_EVERY_S = 60.0
_BLINK_S = 1.0
_TICK_S = 5.0  # after which a line is shown again with the time that has passed


class Count:
    """Progress of a stage with a total of tasks, which take `expected` seconds by what they took before, or NaN.

    >>> count = Count("mir", 4, clock=iter([0.0, 10.0]).__next__)
    >>> count.add(Done(seconds=9, length=100))
    >>> count.line()
    'mir: 1 of 4, 10 x realtime, 30 s left'
    >>> Count("genre", 1, expected=500, clock=iter([0.0, 20.0]).__next__).line()
    'genre: 0 of 1, 20 s passed, about 8 min left'
    """

    def __init__(
        self, stage: str, total: int, *, expected: float = float("nan"), clock: Callable[[], float] = time.monotonic
    ):
        self.stage, self.total, self.done, self.failed, self.length = stage, total, 0, 0, 0.0
        self._expected, self._clock, self._begun = expected, clock, clock()

    def add(self, done: Done) -> None:
        self.done += 1
        self.failed += bool(done.error)
        self.length += done.length

    def line(self) -> str:
        passed = max(self._clock() - self._begun, 1e-9)
        words = [f"{self.stage}: {self.done} of {self.total}"]
        words += [f"{self.failed} failed"] if self.failed else []
        words += [f"{self.length / passed:.3g} x realtime"] if self.length else []
        words += [f"{spell(passed / self.done * (self.total - self.done))} left"] if 0 < self.done < self.total else []
        if not self.done and passed > _BLINK_S:
            words += [f"{spell(passed)} passed"]
            words += [f"about {spell(self._expected - passed)} left"] if self._expected > passed else []
        return ", ".join(words)


def spell(seconds: float) -> str:
    """A duration for reading.

    >>> spell(12), spell(600), spell(7300), spell(float("nan"))
    ('12 s', '10 min', '2 h 2 min', 'unknown time')
    """
    if seconds != seconds:
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def shown(
    stage: str, total: int, say: Callable[[str], None] = text.say, *, expected: float = float("nan")
) -> Iterator[Callable[[Done], None]]:
    """Show the progress of a stage, also before the first task is finished; yields the function that takes each one."""
    count, last = Count(stage, total, expected=expected), 0.0
    with line_shower(say) as show, every(_TICK_S, lambda: show(count.line())):

        def add(done: Done) -> None:
            nonlocal last
            count.add(done)
            now = time.monotonic()
            if now - last >= _BLINK_S or count.done == total:
                last = now
                show(count.line())

        show(count.line())
        yield add


@contextmanager
def every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Call a function repeatedly in another thread until the ``with`` block ends."""
    ended = threading.Event()

    def again() -> None:
        while not ended.wait(seconds):
            act()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(again,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def line_shower(say: Callable[[str], None] = text.say) -> Iterator[Callable[[str], None]]:
    """A function that shows a line in the place of the one before, as the surroundings allow."""
    if os.environ.get(JOURNAL):
        yield lambda line: tell({"progress": line})
    elif _in_kernel() and say is text.say:
        yield _in_notebook()
    elif say is text.say and sys.stdout.isatty():
        from rich.live import Live
        from rich.text import Text

        with Live(Text(""), transient=True, refresh_per_second=4) as live:
            yield lambda line: live.update(Text(text.terminal(line)))
    else:
        yield _plain(say)


def tell(entry: dict) -> None:
    """Add a line to the journal of the run whose notebook this is; one write, so that those of processes do not mix."""
    journal = os.environ.get(JOURNAL)
    if journal:
        with open(journal, "ab", buffering=0) as file:
            file.write((json.dumps(entry) + "\n").encode())


def _in_kernel() -> bool:
    """Whether a notebook's kernel shows what is displayed; a program may have imported one and be none."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _in_notebook() -> Callable[[str], None]:
    from IPython.display import display

    place, aside = display({"text/plain": ""}, raw=True, display_id=True), _papermills_stream()
    also = _plain(lambda line: os.write(aside, f"{text.terminal(line)}\n".encode())) if aside else lambda line: None

    def show(line: str) -> None:
        place.update({"text/plain": line}, raw=True)
        also(line)

    return show


def _papermills_stream() -> int | None:
    """The standard error of papermill, where it has started this kernel: its outputs are seen when it has ended."""
    import psutil

    with suppress(psutil.Error):
        started_by = psutil.Process().parent()
        if started_by and any("papermill" in word for word in started_by.cmdline()[:3]):
            return getattr(sys.stderr, "_original_stdstream_copy", None)  # what the kernel has put its own stream over
    return None


def _plain(say: Callable[[str], None]) -> Callable[[str], None]:
    last = time.monotonic()

    def show(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY_S:
            last = time.monotonic()
            say(line)

    return show
