"""The scores of finished runs in one small table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from harness.storage.tables import read_results

WATCHED = "watched"
"""The ordinary run, of networks with a linear head; the other experiments train through a frozen unit."""

IMAGES = 1000
"""Training images of the ordinary recipe."""

BASELINES = frozenset({"size", "description"})
"""Families of predictors that never look at the data, but for those that learn from accuracies on it."""

DATA_FREE = frozenset({"l2_norm", "synflow", "zen"})
"""Predictors of other families that read weights alone, before any update, or random inputs."""

COLUMNS = [
    "dataset", "experiment", "predictor", "family", "looks", "architecture", "group", "note", "score", "seconds",
]  # fmt: skip


def of_runs(folders: Iterable[Path], budget: int | None = None) -> pd.DataFrame:
    """Scores of every predictor at one budget, one row a network: the columns of `COLUMNS`.

    `budget`: the largest number of updates of watched runs that is read (None: each run's last). `looks`: whether the
    predictor reads images of the target, or accuracies on it. `seconds` are those a network. Of two runs of one
    experiment on one data set the later in `folders` counts.
    """
    found = pd.concat([_of_run(folder, budget) for folder in folders], ignore_index=True)[COLUMNS]
    one = ["dataset", "experiment", "predictor", "architecture"]
    return found.drop_duplicates(one, keep="last").reset_index(drop=True)


def _of_run(folder: Path, budget: int | None) -> pd.DataFrame:
    read = read_results(folder, ("metrics", "scores", "architectures"))
    tables, config = read.tables, yaml.safe_load(read.config)
    metrics, networks = tables["metrics"], tables["architectures"]
    asked = experiment(config)
    steps = metrics["step"]
    step = steps[steps <= (budget if budget is not None and asked == WATCHED else steps.max())].max()
    last = metrics[steps == step].set_index("predictor")
    found = tables["scores"][tables["scores"]["step"] == step]
    known = networks.set_index("architecture")
    looks = ~(last["family"].isin(BASELINES) | last.index.isin(DATA_FREE)) | last["fitted_on"].gt(0)
    return pd.DataFrame({
        "dataset": config["dataset"]["name"],
        "experiment": asked,
        "predictor": found["predictor"].to_numpy(),
        "family": found["predictor"].map(last["family"]).to_numpy(),
        "looks": found["predictor"].map(looks).to_numpy(),
        "architecture": found["architecture"].to_numpy(),
        "group": found["architecture"].map(known["group"]).to_numpy(),
        "note": found["architecture"].map(known["note"]).fillna("").to_numpy() if "note" in known else "",
        "score": found["score"].to_numpy(),
        "seconds": found["predictor"].map(last["seconds"]).to_numpy(),
    })  # fmt: skip


def experiment(config: dict[str, dict[str, Any]]) -> str:
    """`WATCHED`, or of a run through a unit its initialisation, hidden widths and training images.

    As "he 256-128"; the images are told where they are not all `IMAGES` of the ordinary recipe: "he 256-128, 320
    images".
    """
    unit = config.get("measure", {}).get("capacitance", {})
    if unit.get("mode") != "head":
        return WATCHED
    images = config.get("train", {}).get("train_images", IMAGES)
    fewer = "" if images == IMAGES else f", {images} images"
    return f"{unit.get('initialisation', 'he')} {'-'.join(map(str, unit.get('widths', [])))}{fewer}"
