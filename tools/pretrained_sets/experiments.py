"""What networks reach that were fine-tuned on several data sets, and how well two trainings agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.benches.pretrained.static_rank import static_rank
from harness.benches.tabulated import Tabulated
from harness.evaluate.bootstrap import observed_and_draws
from harness.evaluate.ceiling import ceilings, reliability

DRAWS, LEVEL, SEED = 1000, 0.95, 0
STATIC = "static_rank"


def accuracies(tables: Sequence[Tabulated], scores: pd.DataFrame) -> pd.DataFrame:
    """Final test accuracy (percent) of every network, data set and seed.

    Columns: network, family, note, dataset, seed, accuracy. `note` is what a network was trained on, where that is not
    ImageNet.
    """
    known = scores.drop_duplicates("architecture").set_index("architecture")
    frames = []
    for table in tables:
        curves = table.curves
        last = curves[curves["epoch"] == curves["epoch"].max()]
        frame = last[["architecture", "seed", "test_accuracy"]].set_axis(["network", "seed", "accuracy"], axis=1)
        frame.insert(0, "dataset", table.about["dataset"])
        frames.append(frame)
    found = pd.concat(frames, ignore_index=True)
    for column in ("group", "note"):
        found[{"group": "family"}.get(column, column)] = found["network"].map(known[column]).fillna("")
    order = ["network", "family", "note", "dataset", "seed", "accuracy"]
    rows: pd.DataFrame = found[order].sort_values(order[:1] + order[3:5], ignore_index=True)
    return rows


def by_seed(found: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Accuracies on one data set, (networks, seeds)."""
    seeds: pd.DataFrame = found[found["dataset"] == dataset].pivot(index="network", columns="seed", values="accuracy")
    return seeds


def ceilings_of(found: pd.DataFrame) -> pd.DataFrame:
    """One row a data set: its spread of accuracies, τ between two seeds, and the test-retest and oracle ceilings.

    Columns: dataset, networks, seeds, worst, median, best (percent), sd_seeds (deviation between seeds, points),
    tau_seeds, tau, low, high (test-retest), oracle. See `harness.evaluate.ceiling`.
    """
    rows = []
    for dataset in found["dataset"].drop_duplicates():
        table = by_seed(found, dataset)
        values, means = table.to_numpy(dtype=float), table.mean(axis=1)
        weights = observed_and_draws(len(values), DRAWS, SEED)
        whole = ceilings(values, weights, LEVEL).query("subset == 'all'").set_index("kind")
        again = whole.loc["retraining"]
        rows.append({
            "dataset": dataset, "networks": len(table), "seeds": table.shape[1],
            "worst": means.min(), "median": means.median(), "best": means.max(),
            "sd_seeds": float(np.sqrt(table.var(axis=1, ddof=1).mean())),
            "tau_seeds": reliability(values).single,
            "tau": again["tau"], "low": again["low"], "high": again["high"], "oracle": whole.loc["oracle", "tau"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def with_static_rank(scores: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The scores with `static_rank` of the accuracies `found`, for every experiment and data set.

    A run that was judged when there were fewer tables has another or none.
    """
    means = found.groupby(["network", "dataset"])["accuracy"].mean().unstack()
    frames = [scores[scores["predictor"] != STATIC]]
    if means.shape[1] > 1:
        for (_, dataset), part in scores.groupby(["experiment", "dataset"], sort=False):
            one = part.drop_duplicates("architecture")
            score = one["architecture"].map(static_rank(means, str(dataset)))
            own = one.assign(predictor=STATIC, family="description", looks=False, seconds=0.0, score=score)
            frames.append(own)
    return pd.concat(frames, ignore_index=True)
