"""Signals that end a command, as exceptions, so that workers are ended and nothing is half written."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What `timeout`, batch systems and a closed terminal send."""

KEPT_FROM_WORKERS = frozenset(
    getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""What a terminal or Slurm sends to the workers too, which then end when the command ends them, without a traceback."""


class Terminated(BaseException):
    """Raised in the main thread by a signal that ends the command; `number` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class WorkerKilled(RuntimeError):
    """A worker process was killed, as the system does when memory is short; the message says by what."""


@contextmanager
def signals_raised() -> Iterator[None]:
    """In the block SIGTERM and SIGHUP raise Terminated; an ignored one (nohup) stays ignored.

    Outside the main thread, where Python allows no handler, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    changed = [number for number, handler in before.items() if handler is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, before[number])


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)


@contextmanager
def no_more_signals() -> Iterator[None]:
    """In the block further signals that end a command are ignored: it is ending already."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *ENDING)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def blocked_for_children() -> Iterator[None]:
    """Processes and threads that are started in the block never receive the signals of a terminal."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, KEPT_FROM_WORKERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
