"""Mapping tasks over processes through the interface of concurrent.futures: here, by pebble, or on a Dask cluster.

Pebble's pool kills a film that takes too long and outlives a worker that crashes. On a cluster the scheduler of Dask
repeats what a lost worker had in hand, and the deadline is looked at between packets of media.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from filmlens.running.surroundings import THREADS, environment
from filmlens.running.work import Done, Task, attempt, told

_GRACE_S = 5.0  # what the watch of a worker needs to end in time by itself, with an error that says where
_NOTICED_S = 0.05
_CONNECT_S = 20.0


def over(
    tasks: Sequence[Task], *, jobs: int = 1, dask: str = "", limit: float | None = None
) -> Iterator[tuple[Task, Done]]:
    """Carry out tasks; each with what became of it, as they finish.

    Parameters
    ----------
    tasks : sequence of Task
    jobs : int
        Processes. 1 computes here.
    dask : str
        Address of a Dask scheduler, such as "tcp://head:8786"; used in place of processes.
    limit : float, optional
        Seconds after which a film is given up.

    Raises
    ------
    OSError
        The scheduler cannot be reached.
    """
    if not tasks:
        return
    if dask:
        yield from _on_dask(tasks, dask, limit)
    elif jobs <= 1:
        yield from ((task, attempt(task, limit)) for task in tasks)
    else:
        yield from _in_processes(tasks, jobs, limit)


def _in_processes(tasks: Sequence[Task], jobs: int, limit: float | None) -> Iterator[tuple[Task, Done]]:
    """Films over processes. A worker that dies too early breaks the pool: the films that were in hand, the first that
    are left, are then tried alone, so that one of them fails and the others go on."""
    left = list(tasks)
    while left:
        try:
            for task, done in _in_pool(left, jobs, limit):
                left.remove(task)
                yield task, done
        except BrokenProcessPool as error:
            if len(left) == 1:
                yield left.pop(), Done(_lost(error))
            hand, left = left[:jobs], left[jobs:]
            for task in hand:
                yield from _in_processes([task], 1, limit)


def _in_pool(tasks: Sequence[Task], jobs: int, limit: float | None) -> Iterator[tuple[Task, Done]]:
    from pebble import ProcessPool

    killed = None if limit is None else limit + _GRACE_S
    with environment({name: "1" for name in THREADS}), _script_kept_out():
        context = multiprocessing.get_context("spawn")
        pool = ProcessPool(min(jobs, len(tasks)), initializer=end_with_parent, context=context)
        try:
            futures = {pool.schedule(_noticed, args=(task, limit), timeout=killed): task for task in tasks}
            yield from _finished(futures)
            pool.close()
        except BaseException:
            pool.stop()  # an interrupted run must not wait for the films in hand
            raise
        finally:
            pool.join()


def _noticed(task: Task, limit: float | None) -> Done:
    """Carry out a task in a worker. Pebble 5.2 forgets one that dies before the pool has read that it began."""
    time.sleep(_NOTICED_S)
    return attempt(task, limit)


def _on_dask(tasks: Sequence[Task], address: str, limit: float | None) -> Iterator[tuple[Task, Done]]:
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise OSError(f"no Dask scheduler answers at {address} ({told(error)}); start one or correct --dask") from error
    with client, client.get_executor(pure=False) as executor:
        futures = {executor.submit(attempt, task, limit): task for task in tasks}
        try:
            yield from _finished(futures)
        except BaseException:
            executor.shutdown(wait=False)
            raise


def _finished(futures: dict[Future, Task]) -> Iterator[tuple[Task, Done]]:
    for future in as_completed(futures):
        task = futures[future]
        try:
            done = future.result()
        except BrokenProcessPool:
            raise
        except Exception as error:
            done = Done(_lost(error))
        yield task, done


def _lost(error: Exception) -> str:
    """Why a worker gave no answer."""
    kind = type(error).__name__
    if kind == "ProcessExpired":
        code = getattr(error, "exitcode", None)
        how = f"signal {-code}" if isinstance(code, int) and code < 0 else f"exit code {code}"
        return f"the process that worked on it died ({how}): a decoder crashed, or memory ran out"
    if kind == "BrokenProcessPool":
        return "the process that worked on it died before it had begun: memory ran out, or Python cannot start here"
    if kind == "KilledWorker":
        return "every worker of the cluster that worked on it died: a decoder crashed, or memory ran out"
    return told(error)


def end_with_parent() -> None:
    """Let a worker end when the run is killed; SIGKILL leaves no time to tell it."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            multiprocessing.connection.wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True, name="parent").start()


@contextmanager
def _script_kept_out() -> Iterator[None]:
    """A spawned process imports the user's script again, and one without a ``__main__`` guard would start itself over
    and over; nothing of it is needed there."""
    main = sys.modules["__main__"]
    before = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    for name in before:
        setattr(main, name, None)
    try:
        yield
    finally:
        vars(main).update(before)
