"""Tables of the literal neural capacitance out of stored runs (experiment=neural_capacitance, variants too)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

SHOWN = 24
"""Architectures of each run whose courses are kept, the first of the draw."""

FEWEST = 20
"""Architectures; a run of fewer is one of courses alone."""

PREDICTORS = ("beta_eff", "train_loss", "valid_loss", "valacc", "movement", "flops", "live_flops", "params")
"""Whose name begins with one of these, or is it, has a row."""

NUMBERS = ("tau", "spearman", "tau_half", "tau_given_train_loss", "tau_given_flops", "tau_given_train_loss_and_flops")


def metrics(runs: Mapping[str, Path]) -> pd.DataFrame:
    """A row per run, predictor and epoch: τ, ρ, τ in the top 50 % and partial τ with their intervals."""
    kept = ["predictor", "step", "epoch", "n", *(f"{name}{end}" for name in NUMBERS for end in ("", "_low", "_high"))]
    rows = []
    for name, folder in runs.items():
        table = pd.read_parquet(folder / "metrics.parquet")
        wanted = table["predictor"].str.startswith(("beta_eff", "train_loss")) | table["predictor"].isin(PREDICTORS)
        enough = table["tau"].notna() & (table["n"] >= FEWEST)
        rows.append(table.loc[wanted & enough, kept].assign(run=name))
    whole = pd.concat(rows, ignore_index=True)
    return whole[["run", *kept]]


def courses(runs: Mapping[str, Path]) -> pd.DataFrame:
    """β_eff of the unit and the training loss at every reading of the first architectures of each run."""
    rows = []
    for name, folder in runs.items():
        drawn = pd.read_parquet(folder / "architectures.parquet").set_index("architecture")["truth"]
        table = pd.read_parquet(folder / "trajectories.parquet")
        kept = [c for c in ("beta_eff", "beta_eff_softmax") if c in table]
        mine = table[table["architecture"].isin(drawn.index[:SHOWN])]
        mine = mine[["architecture", "step", "epoch", "train_loss", "valid_accuracy", *kept]]
        rows.append(mine.assign(run=name, truth=mine["architecture"].map(drawn)))
    return pd.concat(rows, ignore_index=True)


def write(out: Path, runs: Mapping[str, Path]) -> None:
    """Both tables into the folder `out`."""
    metrics(runs).to_csv(out / "neural_capacitance.csv", index=False, float_format="%.4f")
    courses(runs).to_csv(out / "neural_capacitance_courses.csv", index=False, float_format="%.4g")
