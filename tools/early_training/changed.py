"""What survives a change of task: sizes, descriptions, proxies, signals and curves by a table of another data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches import tabulated
from harness.benches.nasbench201 import table
from harness.benches.nasbench201.bench import NasBench201
from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.ceiling import ceilings
from harness.evaluate.correlations import tau_b
from tools.description_labels import images

from .judge import LEVEL, RESAMPLINGS, without_labels
from .process import Numbers, predict
from .signals import Task, normal_scores

LABELS, EPOCHS, FOLDS = 200, (1, 2, 5, 10), 5
SIGNS: Mapping[str, float] = {"train_loss": -1.0, "valid_loss": -1.0, "valid_accuracy": 1.0}
SIZES = ("flops", "live_flops", "layers")
BASE = "live_flops"
SHARES: Mapping[str, tuple[float, str]] = {"tau": (1.0, "all"), "tau_half": (0.5, "top 50 %")}
"""Of each column: the share of the architectures, and its name among the ceilings."""

Pair = tuple[Numbers, Numbers]
"""Scores (n,) and the truth (n,) that they are judged by."""


def _known(names: list[str], accuracies: pd.Series) -> dict[str, Numbers]:
    """Scores of these architectures that no training on the task gives.

    `accuracies` are the benchmark's on CIFAR-10; the description is fitted to those of 200 others.
    """
    bench, nothing = NasBench201(), images(10)
    mine = [bench.architecture(name) for name in names]
    own = {a.group for a in mine}
    drawn = [a for a in bench.sample(None, 0, list(accuracies.index)) if a.group not in own][:LABELS]
    described = [bench.description(a, "features", nothing).values for a in (*drawn, *mine)]
    y = normal_scores(accuracies.loc[[a.name for a in drawn]].to_numpy(dtype=float)[:, None])[:, 0]
    found = {name: np.array([bench.facts(a, nothing)[name] for a in mine]) for name in SIZES}
    found["accuracy on CIFAR-10"] = accuracies.loc[names].to_numpy(dtype=float)
    rows = normal_scores(np.array(described, dtype=float))
    found["description, fitted on CIFAR-10"] = predict([rows], np.arange(LABELS), y)[LABELS:]
    return found


def at_home(names: list[str], truth: Numbers) -> Numbers:
    """Scores (n,) of the description, fitted out of fold to accuracies on the task itself."""
    bench = NasBench201()
    mine = [bench.architecture(name) for name in names]
    groups = np.array([a.group for a in mine], dtype=object)
    rows = normal_scores(np.array([bench.description(a, "features", images(10)).values for a in mine], dtype=float))
    return _cross_fitted([rows], truth, groups)


def _cross_fitted(blocks: Sequence[Numbers], truth: Numbers, groups: NDArray[np.object_]) -> Numbers:
    fold = np.random.default_rng(0).permutation(len(truth)) % FOLDS
    scores = np.zeros(len(truth))
    for k in range(FOLDS):
        out = np.flatnonzero(fold == k)
        known = set(groups[out])
        fitted = np.array([i for i in np.flatnonzero(fold != k).tolist() if groups[i] not in known])
        y = normal_scores(truth[fitted][:, None])[:, 0]
        scores[out] = predict(blocks, fitted, y)[out]
    return scores


def _curves(whole: pd.DataFrame, last: pd.DataFrame) -> dict[str, list[Pair]]:
    """Early curves of one seed, each judged by the mean end of the other seeds; and the end of one seed."""
    others = {seed: last.drop(columns=[seed]).mean(axis=1).to_numpy(dtype=float) for seed in last.columns}
    found = {}
    for epoch in [epoch for epoch in EPOCHS if epoch < whole["epoch"].max()]:
        for column, sign in SIGNS.items():
            wide = whole[whole["epoch"] == epoch].pivot(index="architecture", columns="seed", values=column)
            wide = sign * wide.loc[last.index]
            found[f"{column}, epoch {epoch}"] = [(wide[s].to_numpy(dtype=float), others[s]) for s in last.columns]
    found["another training to the end"] = [(last[s].to_numpy(dtype=float), others[s]) for s in last.columns]
    return found


def judged(path: Path, accuracies: pd.Series, task: Task | None = None) -> pd.DataFrame:
    """A row per predictor: τ with the final test accuracy of the table at `path`, and the difference to live FLOPs.

    Early curves are judged by `_curves`, averaged over the seeds; all else by the mean of the seeds. `task` has the
    signals of other trainings of the same architectures. The last rows are the ceilings of the mean of the seeds.
    """
    whole = tabulated.read(path).curves
    final = whole[whole["epoch"] == whole["epoch"].max()]
    last = final.pivot(index="architecture", columns="seed", values="test_accuracy").dropna()
    names, truth = list(last.index), last.mean(axis=1).to_numpy(dtype=float)
    known = _known(names, accuracies) | {"description, fitted at home": at_home(names, truth)}
    if task:
        order = [task.architectures.index(name) for name in names]
        found = {name: scores[order] for name, scores in without_labels(task, task.steps[-1]).items()}
        known |= {name: scores for name, scores in found.items() if name not in known}
    pairs = {name: [(scores, truth)] for name, scores in known.items()} | _curves(whole, last)
    weights = observed_and_draws(len(names), RESAMPLINGS, 0)
    made = pd.DataFrame({"predictor": [*pairs], "n": len(names)})
    limits = ceilings(last.to_numpy(dtype=float), weights, LEVEL).set_index(["subset", "kind"])
    ends = pd.DataFrame({"predictor": [f"ceiling, {kind}" for kind in ("retraining", "oracle")], "n": len(names)})
    for column, (share, subset) in SHARES.items():
        taus = {name: _mean_tau(each, weights, share) for name, each in pairs.items()}
        for end, values in _with_interval(column, [*taus.values()]).items():
            made[end] = values
        for end, values in _with_interval(f"delta_{column}", [row - taus[BASE] for row in taus.values()]).items():
            made[end] = values
        for end, name in ((column, "tau"), (f"{column}_low", "low"), (f"{column}_high", "high")):
            ends[end] = np.array([limits.loc[(subset, kind), name] for kind in ("retraining", "oracle")], float)
    return pd.concat([made, ends], ignore_index=True)


def _mean_tau(pairs: Sequence[Pair], weights: NDArray[np.int64], share: float) -> Numbers:
    """τ-b (draws,) among the `share` that is the best by the truth of each pair, in the mean over the pairs."""
    found = []
    for scores, truth in pairs:
        best = truth >= np.quantile(truth, 1 - share)
        found.append(tau_b(scores[None, best], truth[best], weights[:, best])[0])
    mean: Numbers = np.mean(found, axis=0)
    return mean


def _with_interval(column: str, taus: Sequence[Numbers]) -> dict[str, list[float]]:
    ends = [interval(row[1:], LEVEL) for row in taus]
    return {
        column: [float(row[0]) for row in taus],
        f"{column}_low": [low for low, _ in ends],
        f"{column}_high": [high for _, high in ends],
    }


def write(out: Path, path: Path, folder: str, signals: Path | None = None) -> None:
    """The table of `judged`; `folder` has the benchmark's accuracies, `signals` is the task's table of `collect`."""
    accuracies = table.find("cifar10", "test", 200, folder).mean().dropna()
    task = Task(path.stem, pd.read_parquet(signals)) if signals else None
    judged(path, accuracies, task).to_csv(out, index=False, float_format="%.4f")
