"""How a command ends that does not end by itself: one line on stderr, an exit code, no process left running."""

from __future__ import annotations

import sys
from collections.abc import Callable

from harness.files.machine_errors import described, is_machine_error
from harness.processes.signals import Terminated, WorkerKilled, no_more_signals, signals_raised
from harness.schema import BadInput
from harness.schema.visible import visible

RESUME = "re-run the same command to resume"

INCOMPLETE = 3
"""Exit code where something is missing and the same command resumes."""


def carry_out(command: Callable[[], int]) -> int:
    """The exit code of `command`, which may raise.

    2 for bad input; 3 where the disk is full or a worker was killed; 130 after an interrupt; 128 + its number after
    a signal that ends it (SIGTERM 143, SIGHUP 129). Each is one line on stderr, in front of which stands "error" where
    it is one. Any other exception is passed on. Workers are ended in each case.
    """
    with signals_raised():
        try:
            return command()
        except BaseException as error:
            with no_more_signals():
                _end_workers()
                line, code = _ending(error)
                print(visible(line), file=sys.stderr, flush=True)
                return code


def _ending(error: BaseException) -> tuple[str, int]:
    """The line and the exit code of an error; raises it again where it is a mistake of the program."""
    if isinstance(error, BadInput):
        return f"error: {error}", 2
    if isinstance(error, KeyboardInterrupt):
        return f"interrupted; {RESUME}", 130
    if isinstance(error, Terminated):
        return f"terminated by {error}; {RESUME}", 128 + error.number
    if isinstance(error, OSError) and is_machine_error(error):
        return f"error: {described(error)}; {RESUME}", INCOMPLETE
    if isinstance(error, WorkerKilled):
        return f"error: {error}; {RESUME}", INCOMPLETE
    raise error


def _end_workers() -> None:
    """End the worker processes of this process, if it ever made any."""
    if "harness.processes.pool" in sys.modules:
        from harness.processes.pool import end_workers

        end_workers()
