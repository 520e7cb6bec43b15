"""Answers to questions on NAS-Bench-Macro: the published file has one accuracy of each training."""

from __future__ import annotations

from pathlib import Path

from harness import files
from harness.benches.nasbench_macro import space, table
from harness.benches.question import Answer, Figure, Place, Question, answer, typed_keys
from harness.benches.tabulated_query import answer_from_table, as_typed
from harness.schema import demand

MEASURED_ON = f"{table.SPLIT} (the highest of {table.EPOCHS} epochs, chosen on the test images)"


def answer_question(question: Question, data: str | None, bench: str) -> Answer:
    """The answer from `question.source`: "table" or "auto" (the published file in the data folder), the path of such a
    file, or of a table made by `python -m harness.tabulate`.

    The published accuracy is the highest of all epochs, so that it has no epoch. Seeds are the places in the file's
    lists, from 0. Isomorphic strings have one answer. Raises BadInput for what is not recorded.
    """
    path = None if question.source in ("auto", "table") else Path(question.source)
    if path is not None and path.suffix != ".json":
        return answer_from_table(path, question, bench, as_typed)
    known = question.dataset == table.TRAIN_SET and question.train_set in (None, table.TRAIN_SET)
    wanted = f"{table.TRAIN_SET} (the data set of the published file)"
    demand(known, "dataset", wanted, question.train_set or question.dataset)
    demand(question.split == table.SPLIT, "split", f"{table.SPLIT!r} (the published file has no other)", question.split)
    demand(question.schedule in (None, table.EPOCHS), "schedule", f"{table.EPOCHS} epochs", question.schedule)
    none = f"left out (the published accuracy is the highest of {table.EPOCHS} epochs)"
    demand(question.epoch is None, "epoch", none, question.epoch)
    same = space.canonical(question.architecture)
    with typed_keys():
        if path is None:
            (path,) = files.obtain(table.SOURCE, data, f"{bench}-{table.SOURCE.what}")
        truth = table.read(path)
    listed = [name for name in (question.architecture, same) if name in truth.accuracy.index]
    wanted = f"one of the {len(truth.accuracy):,} architectures of {path.name}"
    demand(bool(listed), "architecture", wanted, question.architecture)
    row = truth.accuracy.loc[listed[0]].to_dict()
    values = {int(str(seed)): float(value) for seed, value in row.items()}
    figure = Figure(table.TRAIN_SET, table.SPLIT, table.EPOCHS, None, question.seed, MEASURED_ON)
    return answer(figure, values, Place(listed[0], None, path.name))
