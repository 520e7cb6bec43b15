"""Answers to questions on NAS-Bench-101: the accuracies at the end of each training of the official file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.benches.nasbench101 import space, table
from harness.benches.question import Answer, Figure, Place, Question, answer, typed_keys
from harness.benches.tabulated_query import answer_from_table, as_typed
from harness.schema import demand

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "valid", "test")


def answer_question(question: Question, data: str | None, bench: str) -> Answer:
    """The answer from `question.source`: "table" or "auto" (the official file in the data folder), the path of such a
    file, or of a table made by `python -m harness.tabulate`.

    Accuracies were recorded after half and all of a training; the last epoch alone is answered. Seeds are the numbers
    of the repeated trainings in the file, from 0. Raises BadInput for what is not recorded.
    """
    path = None if question.source in ("auto", "table") else Path(question.source)
    if path is not None and not table.is_official(path):
        return answer_from_table(path, question, bench, as_typed)
    known = question.dataset == table.TRAIN_SET and question.train_set in (None, table.TRAIN_SET)
    wanted = f"{table.TRAIN_SET} (the data set of the official file)"
    demand(known, "dataset", wanted, question.train_set or question.dataset)
    demand(question.split in SPLITS, "split", f"one of {', '.join(SPLITS)}", question.split)
    hashed = space.module_hash(space.parse(question.architecture))
    with typed_keys():
        truth = table.truth(path or table.find(data, bench), question.split, question.schedule)
    assert truth.epochs is not None
    last = truth.epochs - 1
    demand(question.epoch in (None, last), "epoch", f"{last}, the last (the one that is answered)", question.epoch)
    name = _listed(question.architecture, hashed, truth.accuracy.index)
    wanted = f"one of the {len(truth.accuracy):,} architectures of {truth.source.partition(',')[0]}"
    demand(name is not None, "architecture", wanted, question.architecture)
    assert name is not None
    row = truth.accuracy.loc[name].to_dict()
    values = {int(str(seed)): float(value) for seed, value in row.items()}
    figure = Figure(table.TRAIN_SET, question.split, truth.epochs, last, question.seed)
    return answer(figure, values, Place(name, None, truth.source))


def _listed(text: str, hashed: str, names: pd.Index[str]) -> str | None:
    """The string that the file has for the cell `text`, itself or of the same graph hash; None without one."""
    if text in names:
        return text
    cell = space.prune(space.parse(text))
    wanted = _operations(str(cell))  # the file's cells have no vertex without effect: few are left to be hashed
    near = (name for name in names if _operations(name) == wanted)
    return next((name for name in near if space.module_hash(space.parse(name)) == hashed), None)


def _operations(text: str) -> list[str]:
    return sorted(part.partition("~")[0] for part in text.split("|"))
