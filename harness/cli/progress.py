"""Live progress in a terminal, silence elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.cli.terminal import console
from harness.schema.progress import Progress

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

SAYS = {
    "prepare": "preparing",
    "train": "training networks",
    "score": "scoring predictors",
    "judge": "judging rankings",
    "draw": "drawing the report",
}
"""Words for the stages of a run; another stage stands under its own name."""


@contextmanager
def live(first: str) -> Iterator[Progress]:
    """A callback (stage, done, total) that draws a bar for each stage while the block runs, that of `first` at once.

    A bar shows what is done and, from how long that took, the time left; one that is not counted moves until the next
    stage begins. All bars vanish at the end.
    """
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    screen = console(stderr=True)
    with Bars(*_columns(), console=screen, disable=not screen.is_terminal, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for earlier in tasks.values():
                    bars.update(earlier, total=1, completed=1, visible=False)
                tasks[stage] = bars.add_task(SAYS.get(stage, stage), total=None)
            bars.update(tasks[stage], completed=done, total=total or None)

        tell(first, 0, 0)
        yield tell


def _columns() -> list[ProgressColumn]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Counted(MofNCompleteColumn):
        """The count of what is done, nothing where nothing is counted."""

        def render(self, task):  # type: ignore[no-untyped-def]  # rich's Task
            return Text() if task.total is None else super().render(task)

    left = TimeRemainingColumn(compact=True)
    return [TextColumn("{task.description}"), BarColumn(), Counted(), TimeElapsedColumn(), TextColumn("left"), left]
