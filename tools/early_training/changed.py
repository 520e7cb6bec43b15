"""What survives a change of task: sizes, descriptions and early curves by a table of another data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.benches import tabulated
from harness.benches.nasbench201 import table
from harness.benches.nasbench201.bench import NasBench201
from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import tau_b
from tools.description_labels import images

from .judge import LEVEL, RESAMPLINGS, _cross_fitted
from .process import Numbers, predict
from .signals import normal_scores

LABELS, EPOCHS = 200, (1, 2, 5, 10)
SIGNS: Mapping[str, float] = {"train_loss": -1.0, "valid_loss": -1.0, "valid_accuracy": 1.0}
SIZES = ("flops", "live_flops", "layers")


def _known(names: list[str], accuracies: pd.Series) -> tuple[dict[str, Numbers], NDArray[np.object_]]:
    """Scores of these architectures that no training on the task gives, and their isomorphism classes.

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
    return found, np.array([a.group for a in mine], dtype=object)


def judged(path: Path, accuracies: pd.Series) -> pd.DataFrame:
    """A row per predictor: τ with the final test accuracy of the table at `path`, with intervals.

    Early curves are those of one seed, judged by the other seeds' mean, averaged over the seeds; all else by the mean.
    """
    whole = tabulated.read(path).curves
    last = whole[whole["epoch"] == whole["epoch"].max()].pivot(
        index="architecture", columns="seed", values="test_accuracy"
    )
    last = last.dropna()
    names, truth = list(last.index), last.mean(axis=1).to_numpy(dtype=float)
    known, groups = _known(names, accuracies)
    described = [NasBench201().description(NasBench201().architecture(n), "features", images(10)).values for n in names]
    home = [normal_scores(np.array(described, dtype=float))]
    known["description, fitted at home"] = _cross_fitted(home, truth, groups)
    weights = observed_and_draws(len(names), RESAMPLINGS, 0)
    rows = {name: tau_b(scores[None], truth, weights)[0] for name, scores in known.items()}
    for epoch in [epoch for epoch in EPOCHS if epoch < whole["epoch"].max()]:
        for column, sign in SIGNS.items():
            wide = whole[whole["epoch"] == epoch].pivot(index="architecture", columns="seed", values=column).loc[names]
            each = [
                tau_b(
                    sign * wide[[seed]].to_numpy(dtype=float).T,
                    last.drop(columns=[seed]).mean(axis=1).to_numpy(),
                    weights,
                )
                for seed in last.columns
            ]
            rows[f"{column}, epoch {epoch}"] = np.mean(each, axis=0)[0]
    one = tau_b(last.to_numpy(dtype=float).T[:1], last.iloc[:, 1:].mean(axis=1).to_numpy(), weights)[0]
    rows["another training to the end"] = one
    ends = [interval(taus[1:], LEVEL) for taus in rows.values()]
    low, high = zip(*ends, strict=True)
    tau = [taus[0] for taus in rows.values()]
    return pd.DataFrame({"predictor": [*rows], "n": len(names), "tau": tau, "tau_low": low, "tau_high": high})


def write(out: Path, path: Path, folder: str) -> None:
    """The table of `judged`; the benchmark's accuracies lie in `folder`."""
    accuracies = table.find("cifar10", "test", 200, folder).mean().dropna()
    judged(path, accuracies).to_csv(out, index=False, float_format="%.4f")
