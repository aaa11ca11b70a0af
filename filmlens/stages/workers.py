"""Mapping tasks over processes through the interface of concurrent.futures: here, by pebble, or on a Dask cluster.

Pebble's pool kills a film that takes too long and outlives a worker that crashes. On a cluster the scheduler of Dask
repeats what a lost worker had in hand, and the deadline is looked at between packets of media.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from queue import SimpleQueue

from pebble import ProcessPool

from filmlens.corpus import Film
from filmlens.media.apart import Died, apart, end_with_parent, script_kept_out
from filmlens.stages.work import Done, Task, attempt, error_text

#: One thread of linear algebra each: two processes with one thread beat one with two, and sums do not depend on the
#: machine.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_GRACE_S = 5.0  # what the watch of a worker needs to end in time by itself, with an error that says where
_NOTICED_S = 0.05
_LOOK_S = 0.5
_CONNECT_S = 20.0
#: Quick tasks that are done here before a process would have started.
_HERE = 200


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables inside a ``with`` block.

    >>> with environment({"FILMLENS_SEEN": "1"}):
    ...     os.environ["FILMLENS_SEEN"]
    '1'
    >>> "FILMLENS_SEEN" in os.environ
    False
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def over(
    tasks: Sequence[Task], *, jobs: int = 1, dask: str = "", limit: float | None = None
) -> Iterator[tuple[Task, Done]]:
    """Carry out tasks; yields each task with its outcome as it finishes.

    `jobs` are processes; 1 computes here what reads no media; tables of tables are made here, too, where they are few.
    `dask`, the address of a Dask scheduler such as "tcp://head:8786", is used in place of processes; `OSError` when it
    cannot be reached. After `limit` seconds a film is given up.
    """
    if not tasks:
        return
    # a film's table of other tables alone takes milliseconds
    quick = len(tasks) <= _HERE and all(isinstance(t.payload, Film) and not t.recipe["media"] for t in tasks)
    if dask:
        yield from _on_dask(tasks, dask, limit)
    elif jobs <= 1 or quick:
        yield from ((task, _alone(task, limit)) for task in tasks)
    else:
        yield from _in_processes(tasks, jobs, limit)


def _alone(task: Task, limit: float | None) -> Done:
    """A task here, unless it reads strangers' media: a decoder that crashes must not end the run."""
    if not (isinstance(task.payload, Film) and {"film", "soundtrack"} & set(task.recipe["media"])):
        return attempt(task, limit)
    try:
        with environment({name: "1" for name in THREADS}):
            return apart(attempt, task, limit, limit=None if limit is None else limit + _GRACE_S)
    except Died as error:
        return Done(str(error) if "signal" in str(error) or limit is None else error_text(TimeoutError()))


def _in_processes(tasks: Sequence[Task], jobs: int, limit: float | None) -> Iterator[tuple[Task, Done]]:
    """Each job has a pool of one process. In a larger one a worker that dies at the wrong moment takes the others'
    films with it, or their answers never come (pebble 5.2)."""
    idle, stopped = SimpleQueue(), threading.Event()
    with environment({name: "1" for name in THREADS}), script_kept_out():
        threads = ThreadPoolExecutor(min(jobs, len(tasks)))
        for _ in range(min(jobs, len(tasks))):
            idle.put(_process(tasks[0]))
        try:
            futures = {threads.submit(_carried_out, task, limit, idle, stopped): task for task in tasks}
            yield from _finished(futures)
        finally:
            stopped.set()  # an interrupted run must not wait for the films in hand
            threads.shutdown(cancel_futures=True)
            while not idle.empty():
                _end(idle.get())


def _carried_out(task: Task, limit: float | None, idle: SimpleQueue, stopped: threading.Event) -> Done:
    """A task in an idle process, and in a new one if pebble gives that up; what failed is ended and replaced."""
    for again in (True, False):
        process = idle.get()
        try:
            done = _answer(process, task, limit, stopped)
        except Exception as error:
            _end(process)
            idle.put(_process(task))
            if again and isinstance(error, RuntimeError) and not stopped.is_set():
                continue
            return Done(_lost(error))
        idle.put(process)
        return done


def _answer(process: ProcessPool, task: Task, limit: float | None, stopped: threading.Event) -> Done:
    future = process.schedule(_noticed, args=(task, limit), timeout=None if limit is None else limit + _GRACE_S)
    while not wait([future], timeout=_LOOK_S).done:
        if stopped.is_set() or not process.active:
            raise BrokenProcessPool("stopped")
    return future.result()


def _noticed(task: Task, limit: float | None) -> Done:
    """Carry out a task in a worker; how one died is only known when the pool has read that it began."""
    time.sleep(_NOTICED_S)
    return attempt(task, limit)


def _process(task: Task) -> ProcessPool:
    """A process that waits for tasks of one stage; it starts with the first.

    Torch and scikit-learn take seconds to import, for every worker of every sweep of models. On Linux one process,
    which has no threads and does nothing else, has imported them, and workers are its forks. Films need neither.
    """
    fork = sys.platform == "linux" and not isinstance(task.payload, Film)
    context = multiprocessing.get_context("forkserver" if fork else "spawn")
    context.set_forkserver_preload([f"filmlens.stages.{task.function.partition(':')[0]}"])
    given = (os.getcwd(), dict(os.environ))
    return ProcessPool(1, initializer=_begin, initargs=given, context=context)


def _begin(folder: str, variables: dict[str, str]) -> None:
    """A fork knows the folder and the variables of when its parent began."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    end_with_parent()


def _end(process: ProcessPool) -> None:
    process.stop()
    process.join()


def _on_dask(tasks: Sequence[Task], address: str, limit: float | None) -> Iterator[tuple[Task, Done]]:
    from distributed import Client

    try:
        client = Client(address, set_as_default=False, timeout=_CONNECT_S)
    except (OSError, ValueError) as error:
        raise OSError(
            f"no Dask scheduler answers at {address} ({error_text(error)}); start one or correct --dask"
        ) from error
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
    return error_text(error)
