"""What stands in place of a result that never comes, because the process that made it was killed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Killed:
    """In place of the result of a task whose process was killed while it worked on that task alone."""

    reason: str
