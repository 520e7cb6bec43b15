"""Architectures of a search space."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One architecture of a search space.

    `name` is its identity. Architectures with one `group` compute one function: a split between fitting and scoring
    must not separate them. `index` is the place in the benchmark's official order where the truth source gives it.
    `note` is what a reader should know of it before comparing it with others, e.g. on what it was trained before.
    """

    name: str
    group: str
    dead: bool = False
    index: int | None = None
    note: str = ""
