"""τ of predictors that join description, proxies and a signal of training, by the number of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b

from .process import Numbers, Process, predict
from .signals import DECLARED, RECORDED, SIGNALS, Task, aggregate, features, normal_scores

BASE = "description + proxies"
DRAWS, RESAMPLINGS, LEVEL = 10, 300, 0.95
LABELS = (20, 50, 100, 160, 300)
SUBSETS = (("tau", 1.0), ("tau_half", 0.5), ("tau_fifth", 0.2))


@dataclass(frozen=True)
class Split:
    """Rows that a predictor is fitted on, and rows that it is judged on; no isomorphism class is in both."""

    fitted: NDArray[np.intp]
    judged: NDArray[np.intp]


def splits(task: Task, labels: int, draws: int = DRAWS) -> list[Split]:
    """Random choices of `labels` rows, judged on the others. Empty where fewer than 20 rows would be judged.

    Architectures that are never judged are chosen first.
    """
    n, found = len(task.architectures), []
    for draw in range(draws):
        order = np.random.default_rng([labels, draw]).permutation(n)
        order = np.concatenate([order[~task.judged[order]], order[task.judged[order]]])
        fitted = order[:labels]
        known = set(task.groups[fitted])
        judged = np.array([i for i in order[labels:].tolist() if task.judged[i] and task.groups[i] not in known])
        if labels > n or len(judged) < 20:
            return []
        found.append(Split(np.sort(fitted), np.sort(judged)))
    return found


def families(task: Task) -> Sequence[str]:
    """The families of signals that are joined: those of trainings, or those of a table of recorded accuracies."""
    return SIGNALS if "train_loss" in task.frame else (*RECORDED,)


def blocks_of(task: Task, budget: int, signals: Sequence[str] | None = None) -> dict[str, list[Numbers]]:
    """The blocks of features of every predictor that is compared, by its name; `signals` are `families` by default."""
    description, proxies = features(task, "description", 0), features(task, "proxies", 0)
    found = {"description": [description], "proxies": [proxies], BASE: [description, proxies]}
    for name in families(task) if signals is None else signals:
        signal = features(task, name, budget)
        if signal.shape[1]:
            found[f"{BASE} + {name}"] = [description, proxies, signal]
    return found


def labelled(
    task: Task, truth: Numbers, budget: int, labels: int, signals: Sequence[str] | None = None
) -> pd.DataFrame:
    """A row per predictor: τ in all and in the top of the truth, and the paired difference to `BASE`, with intervals.

    Means over the draws of the labels; intervals resample the architectures that are judged.
    """
    ways = splits(task, labels)
    if not ways:
        return pd.DataFrame()
    processes = {name: Process(blocks) for name, blocks in blocks_of(task, budget, signals).items()}
    scores = []
    for split in ways:
        y = normal_scores(truth[split.fitted][:, None])[:, 0]
        found = [process.predict(split.fitted, y)[split.judged] for process in processes.values()]
        scores.append((split.judged, np.array(found)))
    return compared(list(processes), scores, truth, BASE)


def without_labels(task: Task, budget: int) -> dict[str, Numbers]:
    """Scores (n,) that know no accuracy: sizes, the aggregate of proxies, declared columns, and it with one of them."""
    known: dict[str, Numbers] = {name: task.values([name], 0)[:, 0] for name in ("flops", "live_flops", "layers")}
    known["aggregate"] = aggregate(task)
    for column, sign in DECLARED.items():
        if column in task.frame:
            known[column] = sign * task.values([column], budget)[:, 0]
            known[f"aggregate + {column}"] = aggregate(task, budget, {column: sign})
    known |= distilled(task)
    return {name: ranked(np.where(np.isfinite(scores), scores, -np.inf)) for name, scores in known.items()}


def unlabelled(task: Task, truth: Numbers, budget: int) -> pd.DataFrame:
    """A row per predictor of `without_labels`, as `labelled`; differences are to the aggregate.

    `truth` is that of all architectures; those that are never judged take no part in the ranks either.
    """
    known, truth = without_labels(task.of_judged(), budget), truth[task.judged]
    return compared(list(known), [(np.arange(len(truth)), np.array([*known.values()]))], truth, "aggregate")


def distilled(task: Task) -> dict[str, Numbers]:
    """Self-training without a label: a process on the description, fitted to the aggregate of all architectures."""
    taught = normal_scores(aggregate(task)[:, None])[:, 0]
    smooth = predict([features(task, "description", 0)], np.arange(len(taught)), taught)
    return {"distilled": smooth, "aggregate + distilled": taught + normal_scores(smooth[:, None])[:, 0]}


def ranked(scores: Numbers) -> Numbers:
    """Scores (n,) with the infinite ones at the bottom, as finite numbers."""
    low = np.min(scores[np.isfinite(scores)], initial=0.0) - 1
    found: Numbers = np.where(np.isfinite(scores), scores, low)
    return found


def compared(
    names: Sequence[str], scores: Sequence[tuple[NDArray[np.intp], Numbers]], truth: Numbers, base: str
) -> pd.DataFrame:
    """τ of each name, means over `scores` (rows that are judged, scores (names, rows)), and differences to `base`."""
    weights = observed_and_draws(len(truth), RESAMPLINGS, 0)
    table: dict[str, object] = {"predictor": list(names), "n": round(float(np.mean([len(rows) for rows, _ in scores])))}
    for name, share in SUBSETS:
        taus = np.mean([_tau(rows, each, truth, weights, share) for rows, each in scores], axis=0)
        differences = taus - taus[list(names).index(base)]
        table[name] = taus[:, 0]
        table[f"{name}_low"], table[f"{name}_high"] = zip(*(interval(row[1:], LEVEL) for row in taus), strict=True)
        table[f"delta_{name}"] = differences[:, 0]
        ends = [interval(row[1:], LEVEL) for row in differences]
        table[f"delta_{name}_low"], table[f"delta_{name}_high"] = zip(*ends, strict=True)
    over = [_tau(rows, each, truth, weights[:1], 1.0)[:, 0] for rows, each in scores]
    table["sd"] = np.std(over, axis=0, ddof=1) if len(over) > 1 else np.nan
    return pd.DataFrame(table)


def _tau(rows: NDArray[np.intp], scores: Numbers, truth: Numbers, weights: NDArray[np.int64], share: float) -> Numbers:
    """τ-b (names, draws) among the `share` of `rows` that are the best by truth."""
    best = truth[rows] >= np.quantile(truth[rows], 1 - share)
    return tau_b(scores[:, best], truth[rows][best], weights[:, rows[best]])


def budgets(task: Task) -> list[int]:
    """The end of the training and the observation next to a quarter of it; up to four observations, all of them."""
    last = task.steps[-1]
    if len(task.steps) <= 5:
        return [step for step in task.steps if step > 0]
    return sorted({min(task.steps[1:], key=lambda step: abs(4 * step - last)), last})


def study(tasks: Sequence[Task], labels: Sequence[int] = LABELS) -> pd.DataFrame:
    """Every row of the table: task, target, step, labels, predictor, τ, differences."""
    rows = []
    for task in tasks:
        mine = {
            "truth": task.name,
            **{c: c.removeprefix("truth_") for c in map(str, task.frame) if c.startswith("truth_")},
        }
        for column, target in mine.items():
            truth = task.truth(column)
            for step in budgets(task) if column == "truth" else task.steps[-1:]:
                at: dict[str, Any] = {"task": task.name, "target": target, "step": step}
                found = [(0, unlabelled(task, truth, step))]
                found += [(n, labelled(task, truth, step, n)) for n in labels]
                rows += [each.assign(labels=n, **at) for n, each in found if len(each)]
    whole = pd.concat(rows, ignore_index=True)
    first = ["task", "target", "step", "labels", "predictor", "n"]
    return whole[[*first, *(c for c in whole if c not in first)]]
