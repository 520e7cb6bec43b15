"""One process for each place, such as a GPU: it carries out several tasks at a time and is replaced if it is lost."""

from __future__ import annotations

import os
import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from joblib.externals.loky.backend import get_context

from harness.processes.killed import Killed
from harness.processes.pool import guarded, kill
from harness.processes.signals import WorkerKilled, blocked_for_children
from harness.processes.watch import end_with_parent

T = TypeVar("T")
R = TypeVar("R")

LOST = 75
"""Exit code of a process that gave itself up."""


class Lost(RuntimeError):
    """Raised by the work of a process that cannot go on; the message says why."""


class Inbox(Generic[T]):
    """The tasks that a process is sent, as it asks for them."""

    def __init__(self, end: Connection) -> None:
        self.end, self.closed = end, False

    def take(self, wait_for_one: bool) -> tuple[int, T] | None:
        """The next task with its number; None where there is none yet, and after waiting where none will come."""
        if self.closed or not (wait_for_one or self.end.poll()):
            return None
        try:
            message: tuple[int, T] | None = self.end.recv()
        except (EOFError, OSError):
            os._exit(LOST)  # the command has ended; nothing waits for what this process would do
        self.closed = message is None
        return message


Work = Callable[[Inbox[T]], Iterable[tuple[int, R]]]
"""Carries out the tasks of an inbox and gives each one's result with its number."""


@dataclass(frozen=True)
class Ready:
    """A process can be sent tasks."""


@dataclass(frozen=True)
class GivenUp:
    """A process ends itself."""

    reason: str


@dataclass
class Server(Generic[T]):
    """One process at a place and the tasks that it holds, by number."""

    place: str
    process: Any
    end: Connection
    ready: bool = False
    held: dict[int, T] = field(default_factory=dict)


def on_places(
    open_place: Callable[[str], Work[T, R]], tasks: Iterable[T], places: Sequence[str], at_a_time: int
) -> Generator[tuple[T, R | Killed], None, None]:
    """Each task with its result as soon as it is there, in any order; with Killed where a process was lost to it.

    There is one process for each of `places`, at most one a task; `open_place` makes it ready and gives its work, which
    holds up to `at_a_time` tasks. A process that raises Lost, or is killed, is replaced, with one line on stderr; the
    tasks that it held are repeated there, one at a time: a task with which a process is lost alone a second time is
    Killed. A place whose process is lost twice before it is ready is not used any more. Raises WorkerKilled where no
    place is left, and whatever else the work raises. What is left of the processes is ended with the iterator.
    """
    given = list(tasks)
    desk = _Desk(open_place, list(places)[: max(1, len(given))], at_a_time, deque(enumerate(given)))
    try:
        yield from desk.results()
    finally:
        desk.close()


class _Desk(Generic[T, R]):
    """Sends tasks to processes and receives results."""

    def __init__(
        self,
        open_place: Callable[[str], Work[T, R]],
        places: Sequence[str],
        at_a_time: int,
        waiting: deque[tuple[int, T]],
    ) -> None:
        self.open_place, self.at_a_time, self.waiting = open_place, at_a_time, waiting
        self.alone = deque[tuple[int, T]]()
        self.repeated: set[int] = set()
        self.unready: dict[str, int] = {}
        self.servers = [self._start(place) for place in places]

    def results(self) -> Iterator[tuple[T, R | Killed]]:
        """Until every task has a result."""
        while self.waiting or self.alone or any(server.held for server in self.servers):
            for server in self.servers:
                self._send(server)
            for end in wait([server.end for server in self.servers]):
                server = next(each for each in self.servers if each.end is end)
                yield from self._received(server)

    def close(self) -> None:
        """End the processes: at once, or once they have read that nothing follows."""
        for server in self.servers:
            with suppress(OSError):  # it has ended
                server.end.send(None)
            if server.held or not server.ready:
                kill(server.process)
        for server in self.servers:
            server.process.join()
            guarded.discard(server.process)
            server.end.close()

    def _start(self, place: str) -> Server[T]:
        context = get_context("loky")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, os.getpid(), self.open_place, place))
        with blocked_for_children():
            process.start()
        there.close()
        guarded.add(process)
        return Server(place, process, here)

    def _send(self, server: Server[T]) -> None:
        """Hand out tasks: those to be repeated one at a time, to a process that holds no other."""
        while server.ready:
            repeats = bool(self.repeated & set(server.held))
            if self.alone and not server.held:
                number, task = self.alone.popleft()
            elif self.waiting and not repeats and len(server.held) < self.at_a_time:
                if self.alone:  # let it finish what it holds, so that it can repeat one
                    return
                number, task = self.waiting.popleft()
            else:
                return
            server.held[number] = task
            try:
                server.end.send((number, task))
            except OSError:  # it has ended, which its end says when it is read
                return

    def _received(self, server: Server[T]) -> Iterator[tuple[T, R | Killed]]:
        try:
            message = server.end.recv()
        except (EOFError, OSError):
            server.process.join()
            yield from self._lost(server, f"was killed (exit code {server.process.exitcode})")
            return
        if isinstance(message, Ready):
            server.ready = True
            self.unready.pop(server.place, None)
        elif isinstance(message, GivenUp):
            server.process.join()
            yield from self._lost(server, f"ended itself ({message.reason})")
        elif isinstance(message, BaseException):
            raise message
        else:
            number, result = message
            yield server.held.pop(number), result

    def _lost(self, server: Server[T], how: str) -> Iterator[tuple[T, R | Killed]]:
        """Replace a process, and repeat or give up what it held."""
        guarded.discard(server.process)
        server.end.close()
        self.servers.remove(server)
        reason = f"worker process of {server.place} {how}"
        if not server.ready:
            self._count_unready(server.place, reason)
        given_up = [number for number in server.held if number in self.repeated and len(server.held) == 1]
        again = {number: task for number, task in server.held.items() if number not in given_up}
        self.repeated.update(again)
        self.alone.extend(again.items())
        if again:
            print(f"{reason}; repeating what was interrupted, one at a time", file=sys.stderr)
        for number in given_up:
            yield server.held[number], Killed(reason)
        if self.unready.get(server.place, 0) < 2 and (self.waiting or self.alone):
            self.servers.append(self._start(server.place))

    def _count_unready(self, place: str, reason: str) -> None:
        self.unready[place] = self.unready.get(place, 0) + 1
        if self.unready[place] == 2:
            if not self.servers:
                raise WorkerKilled(f"{reason} twice before it could begin")
            print(f"{reason} twice before it could begin; {place} is not used any more", file=sys.stderr)


def _serve(end: Connection, parent: int, open_place: Callable[[str], Work[T, R]], place: str) -> None:
    """What the process does: make the place ready, carry out tasks, say how it ended."""
    end_with_parent(parent)
    try:
        work = open_place(place)
        end.send(Ready())
        for done in work(Inbox(end)):
            end.send(done)
    except Lost as error:
        end.send(GivenUp(str(error)))
        end.close()
        os._exit(LOST)  # no clean-up: what it would call, as a driver's, does not answer any more
    except BaseException as error:
        error.add_note(f"in the worker process of {place}:\n{traceback.format_exc()}")
        end.send(error)
