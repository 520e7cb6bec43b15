"""Answers out of a table made by `python -m harness.tabulate`, of any benchmark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.schema import demand

from . import tabulated
from .question import Answer, Figure, Place, Question, answer

Named = Callable[[str], tuple[str, int | None]]
"""The architecture's string of what was typed, and its official index if that was typed."""


def answer_from_table(path: Path, question: Question, bench: str, named: Named) -> Answer:
    """The accuracy that the table at `path` has; raises BadInput for one of another benchmark than `bench`."""
    found = tabulated.read(path, "source")
    found.demand_bench(bench, "source")
    own, epochs = str(found.about["dataset"]), int(found.curves["epoch"].max())
    same = question.dataset == own and question.train_set in (None, own)
    demand(same, "dataset", f"{own!r} (the data set of {path.name})", question.train_set or question.dataset)
    known = question.schedule in (None, epochs)
    demand(known, "schedule", f"{epochs} epochs (the schedule of {path.name})", question.schedule)
    split, last = question.split, epochs - 1
    demand(split in ("valid", "test"), "split", f"'valid' or 'test' (the splits of {path.name})", split)
    epoch = last if question.epoch is None else question.epoch
    demand(0 <= epoch <= last, "epoch", f"an epoch from 0 to {last}", epoch)
    architecture, index = named(question.architecture)
    rows = found.curves[found.curves["architecture"] == architecture]
    wanted = f"one of the {found.curves['architecture'].nunique()} architectures of {path.name}"
    demand(len(rows) > 0, "architecture", wanted, architecture)
    rows = rows[rows["epoch"] == epoch + 1]  # the table counts finished epochs
    values = dict(zip(rows["seed"].astype(int), rows[f"{split}_accuracy"].astype(float), strict=True))
    figure = Figure(own, split, epochs, epoch, question.seed)
    return answer(figure, values, Place(architecture, index, f"{path.name}, {found.about['made_by']}"))


def as_typed(text: str) -> tuple[str, None]:
    """For a benchmark without official indices: the string itself."""
    return text, None
