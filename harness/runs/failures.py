"""Trainings that gave no trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.schema import Architecture

Wanted = tuple[Architecture, int]
"""An architecture and the seed of its training."""


@dataclass(frozen=True)
class Failure:
    """A training that gave no trace, and why."""

    architecture: str
    seed: int
    reason: str


def failed(wanted: Sequence[Wanted], reason: str) -> list[Failure]:
    """A failure of each of these trainings, for one reason."""
    return [Failure(architecture.name, seed, reason) for architecture, seed in wanted]


def reason_of(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
