"""Strangers' media read in a process of its own: a decoder that crashes takes that process with it, never the caller.

Processes wait for the next call when one is done; they end with the program, or when it is killed.
"""

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any

from filmlens.media.monitor import passed_over, watched
from filmlens.media.opening import MediaError

#: Files that are worth reading at once.
AT_ONCE = min(os.cpu_count() or 1, 8)
_ENDED_S = 10.0
_idle: "list[_Process]" = []
_lock = threading.Lock()


class Died(MediaError):
    """The process that read a file ended in the middle, or was given up; says how."""


def apart(function: Callable, *given: Any, limit: float | None = None, **named: Any) -> Any:
    """What a function gives, called in another process, which is given up after `limit` seconds.

    The function is one of a module; it and what it is given travel. `Died` when the process crashed, or took longer.
    """
    return next(value for kind, value in _results(function, given, named, limit) if kind == "value")


def apart_stream(function: Callable, *given: Any, **named: Any) -> Iterator[Any]:
    """What a generator function yields, one by one, from another process; as `apart` otherwise."""
    for kind, value in _results(function, given, named, None):
        if kind == "item":
            yield value


def _results(function: Callable, given: tuple, named: dict, limit: float | None) -> Iterator[tuple[str, Any]]:
    with _lock:
        process = _idle.pop() if _idle else None
    if process is None or not process.alive():
        process = _Process()
    finished, file = False, next((f"{g}: " for g in given if isinstance(g, (str, os.PathLike))), "")
    try:
        with suppress(BrokenPipeError):  # one that has died says so when it is asked for its answer
            process.pipe.send((os.getcwd(), dict(os.environ), function, given, named))
        while True:
            kind, value = process.answer(limit, file)
            if kind == "damage":
                passed_over(value)
            elif kind == "error":
                finished = True
                raise value
            else:
                finished = kind in ("value", "end")
                yield kind, value
                if finished:
                    return
    finally:
        if finished:
            with _lock:
                _idle.append(process)
        else:
            process.end()


class _Process:
    def __init__(self):
        self._owner = os.getpid()
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True, name="filmlens media")
        with script_kept_out():
            self._process.start()
        theirs.close()

    def alive(self) -> bool:
        # one that another process started, before it was forked into this, is not ours
        return self._owner == os.getpid() and self._process.is_alive()

    def answer(self, limit: float | None, file: str) -> tuple[str, Any]:
        try:
            if self.pipe.poll(limit):
                return self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(_ENDED_S)
            code = self._process.exitcode
            how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
            raise Died(f"{file}the process that read it died ({how}): a decoder crashed, or memory ran out") from None
        raise Died(f"{file}the process that read it gave no answer for {limit:.0f} s")

    def end(self) -> None:
        self._process.kill()
        self._process.join(_ENDED_S)
        self.pipe.close()


def _serve(pipe: multiprocessing.connection.Connection) -> None:
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the program means the caller, who ends this
    while True:
        try:
            folder, environment, function, given, named = pipe.recv()
        except EOFError:
            return
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        try:
            with watched() as damage:
                value = function(*given, **named)
                if isinstance(value, Iterator):
                    for item in value:
                        pipe.send(("item", item))
                    value = None
            last = ForkingPickler.dumps(("value", value))
        except Exception as error:
            damage, last = [], _packed(error)
        for text in damage:
            pipe.send(("damage", text))
        pipe.send_bytes(last)


def _packed(error: Exception) -> bytes:
    try:
        data = ForkingPickler.dumps(("error", error))
        ForkingPickler.loads(data)
        return data
    except Exception:  # what cannot travel is told
        return ForkingPickler.dumps(("error", ValueError(f"{type(error).__name__}: {error}")))


def end_with_parent() -> None:
    """Let a worker end when the run is killed; SIGKILL leaves no time to tell it."""
    if (parent := multiprocessing.parent_process()) is not None:

        def wait() -> None:
            multiprocessing.connection.wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=wait, daemon=True, name="parent").start()


@contextmanager
def script_kept_out() -> Iterator[None]:
    """A spawned process imports the user's script again, and one without a ``__main__`` guard would start itself over
    and over; nothing of it is needed there."""
    main = sys.modules["__main__"]
    before = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    vars(main).update(dict.fromkeys(before))
    try:
        yield
    finally:
        vars(main).update(before)
