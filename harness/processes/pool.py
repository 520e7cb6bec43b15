"""Pools of worker processes that end with their parent, and the work of a pool of which a worker was killed."""

from __future__ import annotations

import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from joblib import Parallel, delayed, register_parallel_backend
from joblib.externals.loky.process_executor import BrokenProcessPool
from joblib.parallel import LokyBackend

from harness.processes import leftovers
from harness.processes.killed import Killed
from harness.processes.signals import WorkerKilled, blocked_for_children
from harness.processes.watch import end_with_parent
from harness.schema.progress import Count, uncounted

T = TypeVar("T")
R = TypeVar("R")


class GuardedLoky(LokyBackend):  # type: ignore[misc]
    """joblib's pool of processes, of which each ends with its parent and receives no signal of a terminal."""

    executors: set[Any] = set()  # noqa: RUF012  of the whole process: joblib has one at a time, and replaces it

    def configure(self, n_jobs: int = 1, parallel: Any = None, **settings: Any) -> int:
        leftovers.mark()
        guard = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
        with blocked_for_children():
            workers: int = super().configure(n_jobs, parallel, **{**guard, **settings})
        self.executors.clear()
        self.executors.add(self._workers)
        return workers

    def submit(self, func: Any, callback: Any = None) -> Any:
        with blocked_for_children():  # processes start at the first task
            return super().submit(func, callback)


def guard_pools() -> None:
    """From here on every pool that joblib makes in this process, for Hydra's launcher too, is a guarded one."""
    register_parallel_backend("loky", GuardedLoky)
    warnings.filterwarnings("ignore", message="Failed to kill subprocesses")  # no pgrep; a worker has no children
    # one that grew, by importing torch say, is replaced; an error, as with -W error, would end the thread that does so
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs")


def living() -> int:
    """How many workers the pool of this process has; 0 without one."""
    return sum(executor._max_workers for executor in GuardedLoky.executors)


guarded: set[Any] = set()
"""Further processes that end with this one, which `end_workers` kills too."""


def end_workers() -> None:
    """Kill the workers of this process, whatever they do."""
    for process in list(guarded):
        kill(process)
        guarded.discard(process)
    while GuardedLoky.executors:
        GuardedLoky.executors.pop().terminate(kill_workers=True)  # deletes the arrays that were shared with them, too


def kill(process: Any) -> None:
    """Kill a process of loky's, which has no method for it, and wait until it is gone."""
    if process.exitcode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()


def in_processes(
    function: Callable[[T], R], tasks: Iterable[T], processes: int, progress: Count = uncounted
) -> list[R]:
    """The results of the tasks, in their order.

    Where a worker is killed, what is missing is done in a new pool. Raises WorkerKilled where that one dies too.
    """
    given, found = list(tasks), dict[int, R]()
    guard_pools()
    progress(0, len(given))
    for last in (False, True):
        missing = [index for index in range(len(given)) if index not in found]
        try:
            for index, result in _pool(processes)(delayed(_numbered)(function, i, given[i]) for i in missing):
                found[index] = result
                progress(len(found), len(given))
            break
        except BrokenProcessPool as error:
            if last:
                raise WorkerKilled(_reason(error)) from error
            print(f"{_reason(error)}; repeating what is missing in a new pool", file=sys.stderr)
    return [found[index] for index in range(len(given))]


def as_completed(function: Callable[[T], R], tasks: Iterable[T], processes: int) -> Iterator[tuple[T, R | Killed]]:
    """Each task with its result as soon as it is there, in any order; with Killed where a process died of it.

    When a worker is killed, joblib kills the others of its pool. The tasks that were begun then are done again, each in
    a pool of its own, which shows of which task a worker dies; the remaining ones continue in a new pool.
    """
    guard_pools()
    waiting = enumerate(tasks)
    while True:
        begun: dict[int, T] = {}
        try:
            for index, result in _pool(processes)(_noted(function, waiting, begun)):
                yield begun.pop(index), result
            return
        except BrokenProcessPool as error:
            if not begun:
                raise
            print(f"{_reason(error)}; repeating what was interrupted, one at a time", file=sys.stderr)
        for index, task in begun.items():
            yield task, _alone(function, index, task)


def _pool(processes: int) -> Any:
    return Parallel(n_jobs=processes, return_as="generator_unordered", batch_size=1)


def _noted(function: Callable[[T], R], waiting: Iterator[tuple[int, T]], begun: dict[int, T]) -> Iterator[Any]:
    """The waiting tasks for joblib, each noted in `begun` when it is taken."""
    for index, task in waiting:
        begun[index] = task
        yield delayed(_numbered)(function, index, task)


def _numbered(function: Callable[[T], R], index: int, task: T) -> tuple[int, R]:
    return index, function(task)


def _alone(function: Callable[[T], R], index: int, task: T) -> R | Killed:
    try:
        done: list[tuple[int, R]] = list(_pool(2)([delayed(_numbered)(function, index, task)]))  # of 1: no process
    except BrokenProcessPool as error:
        return Killed(_reason(error))
    return done[0][1]


def killed_reason(error: BaseException) -> str | None:
    """Why a pool ended, in one line, where a worker of it was killed; None for any other error."""
    return _reason(error) if isinstance(error, BrokenProcessPool) else None


def _reason(error: BaseException) -> str:
    """What joblib says in a paragraph, in one line."""
    found = re.search(r"exit codes? of the workers? (?:is|are) \{([^}]*)\}", " ".join(str(error).split()))
    return f"worker process killed ({found[1] if found else 'unknown exit code'}); it may have run out of memory"
