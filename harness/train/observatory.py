"""Measures look at private replicas, so that nothing they do can touch the training."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from harness.schema import Measure, Occasional, Scene

Values = dict[str, object]

FAULTS = (RuntimeError, ValueError, ArithmeticError, np.linalg.LinAlgError)
"""What a measure may fail with for a network that it cannot read; other errors are mistakes in it, and are raised."""


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Put every global random state, and whether gradients are recorded, back as they were."""
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices), torch.enable_grad():
        yield
    random.setstate(python)
    np.random.set_state(numpy)


class Observatory:
    """The measures of one training, each with its own replica of the model."""

    def __init__(self, measures: Mapping[str, Measure], model: nn.Module, scene: Scene) -> None:
        self.observers = {}
        self.mine = list(model.state_dict().values())
        self.theirs = {}
        self.every = {
            name: measure.every if isinstance(measure, Occasional) else 1 for name, measure in measures.items()
        }
        self.looks = 0
        self.columns = {name: measure.columns for name, measure in measures.items()}
        for name, measure in measures.items():
            with untouched_randomness():
                replica = copy.deepcopy(model)
                self.observers[name] = (measure.observer(scene), replica)
                self.theirs[name] = list(replica.state_dict().values())

    def look(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int, last: bool = False) -> Values:
        """The columns at this step of every measure that is due, and `seconds_<measure>`, what each took.

        An `Occasional` measure that is not due leaves its columns out, and took 0 seconds. `last` says that nothing
        follows: then all are due. A measure that fails leaves its columns out too, and `failed_<measure>` says why.

        Raises KeyError where a measure writes a column that it did not declare, or leaves one out.
        """
        values: Values = {}
        look, self.looks = self.looks, self.looks + 1
        for name, (observer, replica) in self.observers.items():
            if look % self.every[name] and not last:
                values[f"seconds_{name}"] = 0.0
                continue
            begin = time.perf_counter()
            with untouched_randomness():
                self._copy_state(name, replica)
                try:
                    seen = observer(replica, (batch[0].clone(), batch[1].clone()), step)
                except FAULTS as error:
                    values[f"failed_{name}"] = f"{type(error).__name__}: {error}".splitlines()[0]
                    values[f"seconds_{name}"] = time.perf_counter() - begin
                    continue
            if set(seen) != set(self.columns[name]):
                raise KeyError(f"measure.{name}: columns {self.columns[name]} were declared, got {tuple(seen)}")
            values.update(seen)
            values[f"seconds_{name}"] = time.perf_counter() - begin
        return values

    def _copy_state(self, name: str, replica: nn.Module) -> None:
        """Weights and buffers of the model into the replica of a measure, in training mode, without gradients."""
        with torch.no_grad():
            torch._foreach_copy_(self.theirs[name], self.mine)
        replica.train()
        replica.zero_grad(set_to_none=True)
