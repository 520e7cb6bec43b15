"""Where tasks are carried out side by side: the seam between what is to be done and what does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from harness.processes.killed import Killed
from harness.schema.progress import Count, uncounted

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Carry out tasks side by side; how many there are and of which kind changes no result.

    A function and a task are pickled. The function, with all that its tasks share bound to it, is sent once; tasks and
    results are to be small.
    """

    @property
    def same_files(self) -> bool:
        """Whether a path means the same file to the workers as to this process."""
        ...

    def count(self, tasks: int) -> int:
        """How many of so many tasks are carried out at a time, at least 1."""
        ...

    def as_completed(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | Killed]]:
        """Each task with its result as soon as it is there, in any order; with Killed where its worker died of it."""
        ...

    def in_order(self, function: Callable[[T], R], tasks: Sequence[T], progress: Count = uncounted) -> list[R]:
        """The results in the order of the tasks. Raises WorkerKilled where one kills its worker again and again."""
        ...

    def release(self) -> None:
        """Give back the memory of idle workers; the next tasks may start new ones."""
        ...


@dataclass(frozen=True)
class OneMachine:
    """At most so many processes of this machine; with 1, or for one task, this process itself."""

    processes: int = 1
    same_files: bool = True

    def count(self, tasks: int) -> int:
        """How many of so many tasks are carried out at a time, at least 1."""
        return max(1, min(tasks, self.processes))

    def as_completed(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[tuple[T, R | Killed]]:
        """See Workers."""
        processes = self.count(len(tasks))
        if processes == 1:
            return ((task, function(task)) for task in tasks)
        from harness.processes.pool import as_completed

        return as_completed(function, tasks, processes)

    def in_order(self, function: Callable[[T], R], tasks: Sequence[T], progress: Count = uncounted) -> list[R]:
        """See Workers."""
        processes = self.count(len(tasks))
        if processes == 1:
            return list(_counted(function, tasks, progress))
        from harness.processes.pool import in_processes

        return in_processes(function, tasks, processes, progress)

    def release(self) -> None:
        """See Workers."""
        if self.processes > 1:
            from harness.processes.pool import end_workers

            end_workers()


def idle_workers() -> Workers:
    """The worker processes that earlier tasks of this process left; this process itself where there are none, since for
    short tasks new ones would take longer to start than they save."""
    from harness.processes.pool import living

    return OneMachine(max(1, living()))


def _counted(function: Callable[[T], R], tasks: Sequence[T], progress: Count) -> Iterator[R]:
    for done, task in enumerate(tasks):
        progress(done, len(tasks))
        yield function(task)
    progress(len(tasks), len(tasks))
