"""The best model of half A (`halves`), with and without a signal of training: what the goals are held against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.benches.nasbench201.bench import NasBench201
from harness.predictors.boosting import boosting
from tools.description_labels import images

from .halves import TREES
from .judge import budgets, compared, families, splits
from .process import Numbers, Process
from .signals import Task, normal_scores, raw

BASE = "boosting + process"
FAMILIES = ("losses", "curves", "readout", "movement", "beta_eff", "everything", "accuracies")
LABELS = (20, 50, 100, 160, 300)


def rows(tasks: Sequence[Task], labels: Sequence[int] = LABELS) -> pd.DataFrame:
    """A row per task, step, number of labels and predictor: τ and the paired difference to `BASE`, with intervals.

    `BASE` sums boosting on description, paths and proxies and a process on the same (the best of `halves`); the others
    read one more family of signals, or paths and description alone.
    """
    found = []
    for task in tasks:
        for step in budgets(task):
            known = blocks(task, step)
            for n in labels:
                each = _judged(task, known, n)
                if len(each):
                    found.append(each.assign(task=task.name, step=step, labels=n))
    whole = pd.concat(found, ignore_index=True)
    first = ["task", "step", "labels", "predictor", "n"]
    return whole[[*first, *(c for c in whole if c not in first)]]


def blocks(task: Task, step: int) -> dict[str, list[Numbers]]:
    """What each predictor reads, a block (n, d) of raw values per kind."""
    bench, nothing = NasBench201(channels=16, cells=5), images(10)
    cells = [bench.architecture(name) for name in task.architectures]
    paths = np.array([bench.description(cell, "paths", nothing).values for cell in cells], dtype=float)
    described = [raw(task, "description", 0), paths]
    base = [*described, raw(task, "proxies", 0)]
    found = {f"{BASE}, description alone": described, BASE: base}
    for name in (name for name in FAMILIES if name in families(task)):
        signal = raw(task, name, step)
        if signal.shape[1]:
            found[f"{BASE} + {name}"] = [*base, signal]
    return found


def _judged(task: Task, known: dict[str, list[Numbers]], labels: int) -> pd.DataFrame:
    truth, scores, ways = task.truth(), [], splits(task, labels)
    processes = {name: Process([normal_scores(block) for block in each]) for name, each in known.items()}
    if not ways:
        return pd.DataFrame()
    for split in ways:
        y = normal_scores(truth[split.fitted][:, None])[:, 0]
        found = []
        for name, each in known.items():
            values = np.column_stack(each)
            trees = boosting(values[split.fitted], y, TREES, 0).predict(values)
            found.append((trees + processes[name].predict(split.fitted, y))[split.judged])
        scores.append((split.judged, np.array(found)))
    return compared([*known], scores, truth, BASE)
