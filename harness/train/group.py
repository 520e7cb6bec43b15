"""Protocol of benchmarks that train many of their networks at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from harness.schema import Architecture, Trace
from harness.train.job import TrainingJob


@runtime_checkable
class GroupTrainer(Protocol):
    """A benchmark whose networks are small and alike, so that training them side by side is faster than one by one.

    What becomes of a network must not depend on those beside it, but for the last bits of its numbers: a group is no
    part of a trace's identity.
    """

    def groups(self, architectures: Sequence[Architecture]) -> list[list[Architecture]]:
        """`architectures`, each once, in groups that can be trained side by side."""
        ...

    def train_group(self, jobs: Sequence[TrainingJob]) -> list[Trace]:
        """The finished trace of each job of one group, in their order. Jobs differ in architecture and recipe alone."""
        ...
