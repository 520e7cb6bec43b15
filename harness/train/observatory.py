"""Measures look at private replicas, so that nothing they do can touch the training."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.schema import CompiledPasses, Measure, NonMutating, NoReading, Periodic, Scene, Shared

Values = dict[str, object]
States = tuple[Any, Any]

FAULTS = (RuntimeError, ValueError, ArithmeticError, np.linalg.LinAlgError)
"""What a measure may fail with for a network that it cannot read; other errors are mistakes in it, and are raised."""


@contextmanager
def untouched_randomness(states: States | None = None) -> Iterator[None]:
    """Put every global random state, and whether gradients are recorded, back as they were.

    `states` are those of Python and NumPy, where they are known.
    """
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    python, numpy = states or random_states()
    with torch.random.fork_rng(devices), torch.enable_grad():
        yield
    random.setstate(python)
    np.random.set_state(numpy)


def random_states() -> States:
    """The global states of Python and NumPy; to read NumPy's takes as long as to write it."""
    return random.getstate(), np.random.get_state()


class Observatory:
    """The measures of one training: non-mutating ones share one replica of the model, others have one each.

    `compiled`: passes of the model by the compiled step, which non-mutating measures may read.
    """

    def __init__(
        self,
        measures: Mapping[str, Measure],
        model: nn.Module,
        scene: Scene,
        compiled: CompiledPasses | None = None,
    ) -> None:
        self.every = {name: measure.every if isinstance(measure, Periodic) else 1 for name, measure in measures.items()}
        self.observations = 0
        self.columns = {name: measure.columns for name, measure in measures.items()}
        self.non_mutating = {
            name for name, measure in measures.items() if isinstance(measure, NonMutating) and measure.non_mutating
        }
        self.shared = Shared(keeps=True, compiled=compiled)
        self.observers, self.replicas = {}, {}
        common = None
        for name, measure in measures.items():
            with untouched_randomness():
                if name in self.non_mutating:
                    common = common or Replica(model)
                self.replicas[name] = common if name in self.non_mutating and common else Replica(model)
                own = replace(scene, shared=self.shared if name in self.non_mutating else Shared())
                self.observers[name] = measure.observer(own)

    def observe(self, batch: tuple[Tensor, Tensor], step: int, last: bool = False) -> Values:
        """The columns at this step of every measure that is due, and `seconds_<measure>`, what each takes by itself.

        A `Periodic` measure that is not due leaves its columns out and takes 0 seconds. `last`: no observation
        follows, so all are due. A measure that fails leaves its columns out too, and `failed_<measure>` says why; where
        only some columns have no value (`NoReading`), they are nan and `missing_<measure>` says why.

        Raises KeyError where a measure writes a column that it did not declare, or leaves one out, and TypeError
        where one that is declared non-mutating writes on a weight.
        """
        values: Values = {}
        observation, self.observations = self.observations, self.observations + 1
        common, states = Common(self.shared, batch), random_states()
        for name, observer in self.observers.items():
            if observation % self.every[name] and not last:
                values[f"seconds_{name}"] = 0.0
                continue
            non_mutating, replica = name in self.non_mutating, self.replicas[name]
            begin = time.perf_counter()
            with untouched_randomness(states):
                shown = common.show(replica) if non_mutating else _copies(batch)
                if not non_mutating:
                    replica.update()
                try:
                    seen = observer(replica.model, shown, step)
                except FAULTS as error:
                    common.spoilt = common.spoilt or non_mutating
                    values[f"failed_{name}"] = f"{type(error).__name__}: {error}".splitlines()[0]
                    values[f"seconds_{name}"] = time.perf_counter() - begin + common.borrowed()
                    continue
            if set(seen) != set(self.columns[name]):
                raise KeyError(f"measure.{name}: columns {self.columns[name]} were declared, got {tuple(seen)}")
            values.update(_plain(name, seen))
            values[f"seconds_{name}"] = time.perf_counter() - begin + common.borrowed()
            if non_mutating and not replica.as_it_was():
                raise TypeError(
                    f"measure.{name}: is declared non-mutating, but wrote on a weight or left evaluation mode"
                )
        self.shared.forget()
        return values


def _plain(measure: str, seen: Mapping[str, object]) -> Values:
    """What was read, with the reasons of columns without a value in one text: "a, b: reason; c: another"."""
    columns: dict[str, list[str]] = {}
    for column, value in seen.items():
        if isinstance(value, NoReading):
            columns.setdefault(value.reason, []).append(column)
    values = {column: float("nan") if isinstance(value, NoReading) else value for column, value in seen.items()}
    reasons = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in columns.items())
    return values | ({f"missing_{measure}": reasons} if reasons else {})


class Replica:
    """A copy of a model, to be measured."""

    def __init__(self, model: nn.Module) -> None:
        self.model = copy.deepcopy(model)
        self.modules = list(self.model.modules())
        self.weights = list(self.model.parameters())
        self.state = [tensor.data for tensor in self.model.state_dict().values()]
        self.theirs = list(model.state_dict().values())
        self.moving, self.their_moving = [buffer.data for buffer in self.model.buffers()], list(model.buffers())
        self.version = 0

    @torch.no_grad()
    def update(self) -> None:
        """Weights and buffers of the model, in training mode, without gradients."""
        torch._foreach_copy_(self.state, self.theirs)
        for module in self.modules:
            module.training = True
        for weight in self.weights:
            weight.grad = None
        self.version = self._version()

    @torch.no_grad()
    def renew(self) -> None:
        """Only the running statistics, which every pass moves; an autograd graph of an earlier pass does not notice."""
        if self.moving:
            torch._foreach_copy_(self.moving, self.their_moving)

    def as_it_was(self) -> bool:
        """Whether no weight was written on since the update, and the model is in training mode."""
        return self.version == self._version() and all(module.training for module in self.modules)

    def _version(self) -> int:
        return sum(weight._version for weight in self.weights)


class Common:
    """One observation of the non-mutating measures: one batch, one state of the replica, unless one of them fails."""

    def __init__(self, shared: Shared, batch: tuple[Tensor, Tensor]) -> None:
        self.shared, self.batch, self.spoilt = shared, batch, True
        self.seconds = shared.borrowed

    def show(self, replica: Replica) -> tuple[Tensor, Tensor]:
        """The batch to be shown, with the replica made ready."""
        if self.spoilt:
            self.shared.forget()
            replica.update()
            self.copies, self.spoilt = _copies(self.batch), False
        else:
            replica.renew()
        return self.copies

    def borrowed(self) -> float:
        """Seconds that were borrowed since this was last asked."""
        before, self.seconds = self.seconds, self.shared.borrowed
        return self.seconds - before


def _copies(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return batch[0].clone(), batch[1].clone()
