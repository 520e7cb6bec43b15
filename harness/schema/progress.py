"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Count = Callable[[int, int], None]
"""Called with (done, total) whenever one more piece is finished, and once before the first."""

Progress = Callable[[str, int, int], None]
"""The same with the name of the stage of work in front; a stage that is not counted is (0, 0) until the next."""


def silent(stage: str, done: int, total: int) -> None:
    """A `Progress` that nobody watches."""


def uncounted(done: int, total: int) -> None:
    """A `Count` that nobody watches."""
