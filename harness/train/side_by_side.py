"""Several trainings in one process, each on a lane of a GPU: while the device trains one, another is observed."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from harness.schema import BadInput, Trace
from harness.train.faults import FAULTS
from harness.train.gpu import lost_reason
from harness.train.lane import Lane
from harness.train.loop import Training

T = TypeVar("T")


class DeviceLost(RuntimeError):
    """No computation on the GPU succeeds any more in this process; the message says which error it was."""


def side_by_side(
    take: Callable[[bool], T | None], begin: Callable[[T, Lane], Training], lanes: Sequence[Lane]
) -> Iterator[tuple[T, Trace | Exception]]:
    """Each task with its trace, or with what its training failed with, as soon as it is there.

    `take` gives the next task: None where there is none yet, and with True, which waits for one, where none will come.
    As many trainings are under way as there are lanes; they advance in turns, from observation to observation. Where
    the GPU's memory does not hold so many, a lane is given up and the training begins again; one that fails so alone
    has failed. Raises DeviceLost where the GPU does not compute any more, and BadInput.
    """
    free, again = deque(lanes), deque[T]()
    active = deque[tuple[T, Training, Lane]]()
    while True:
        while free and (task := again.popleft() if again else take(not active)) is not None:
            lane = free.popleft()
            active.append((task, begin(task, lane), lane))
        if not active:
            return
        task, training, lane = active.popleft()
        outcome = _advanced(training, lane)
        if outcome is None:
            active.append((task, training, lane))
        elif isinstance(outcome, torch.cuda.OutOfMemoryError) and active:
            del training, outcome
            torch.cuda.empty_cache()
            again.append(task)
            print(
                f"engine.streams: {len(active)} on {lane.device} from here on, as its memory is full", file=sys.stderr
            )
        else:
            free.append(lane)
            yield task, outcome


def _advanced(training: Training, lane: Lane) -> Trace | Exception | None:
    """The outcome of a training that ended; None while it is under way."""
    try:
        return training.advance()
    except BadInput:
        raise
    except FAULTS as error:
        reason = lost_reason(lane.device)
        if reason is not None:
            raise DeviceLost(reason) from error
        return error.with_traceback(None)  # its frames hold what the training had on the device
