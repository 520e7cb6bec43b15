"""The scores of finished runs in one small table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import yaml

from harness.storage.tables import read_results

WATCHED = "watched"
"""The ordinary run, of networks with a linear head; the other experiments train through a frozen unit."""

BASELINES = frozenset({"size", "description"})
"""Families of predictors that never look at the data, but for those that learn from accuracies on it."""

COLUMNS = [
    "dataset", "experiment", "predictor", "family", "looks", "architecture", "group", "note", "score", "seconds",
]  # fmt: skip


def of_runs(folders: Iterable[Path], budget: int | None = None) -> pd.DataFrame:
    """Scores of every predictor at one budget, one row a network: the columns of `COLUMNS`.

    `budget`: the largest number of updates that is read (None: each run's last). `looks`: whether the predictor reads
    images of the target, or accuracies on it. `seconds` are those a network.
    """
    return pd.concat([_of_run(folder, budget) for folder in folders], ignore_index=True)[COLUMNS]


def _of_run(folder: Path, budget: int | None) -> pd.DataFrame:
    read = read_results(folder, ("metrics", "scores", "architectures"))
    tables, config = read.tables, yaml.safe_load(read.config)
    metrics, networks = tables["metrics"], tables["architectures"]
    steps = metrics["step"]
    step = steps[steps <= (steps.max() if budget is None else budget)].max()
    last = metrics[steps == step].set_index("predictor")
    found = tables["scores"][tables["scores"]["step"] == step]
    known = networks.set_index("architecture")
    looks = ~last["family"].isin(BASELINES) | last["fitted_on"].gt(0)
    return pd.DataFrame({
        "dataset": config["dataset"]["name"],
        "experiment": experiment(config),
        "predictor": found["predictor"].to_numpy(),
        "family": found["predictor"].map(last["family"]).to_numpy(),
        "looks": found["predictor"].map(looks).to_numpy(),
        "architecture": found["architecture"].to_numpy(),
        "group": found["architecture"].map(known["group"]).to_numpy(),
        "note": found["architecture"].map(known["note"]).fillna("").to_numpy() if "note" in known else "",
        "score": found["score"].to_numpy(),
        "seconds": found["predictor"].map(last["seconds"]).to_numpy(),
    })  # fmt: skip


def experiment(config: dict[str, dict[str, dict[str, object]]]) -> str:
    """`WATCHED`, or of a run through a unit its initialisation and hidden widths, as "he 256-128"."""
    unit = config.get("measure", {}).get("capacitance", {})
    if unit.get("mode") != "head":
        return WATCHED
    widths = unit.get("widths", [])
    assert isinstance(widths, list)
    return f"{unit.get('initialisation', 'he')} {'-'.join(map(str, widths))}"
