"""Tables of the literal neural capacitance out of stored runs (experiment=neural_capacitance, variants too)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluate.bootstrap import interval, observed_and_draws
from harness.evaluate.correlations import partial_tau, partial_tau_of_two, tau_b

from .judge import LEVEL

SHOWN = 24
"""Architectures of each run whose courses are kept, the first of the draw."""

FEWEST = 20
"""Architectures; a run of fewer is one of courses alone."""

CLOSE = 5
"""Epochs of which every one is kept; of later ones every fifth (progress), every second (courses)."""

RESAMPLINGS = 1000
PREDICTORS = ("beta_eff", "train_loss", "valid_loss", "valacc", "movement", "flops", "live_flops", "params")
"""Whose name begins with one of these, or is it, has a row."""

NUMBERS = ("tau", "spearman", "tau_half", "tau_given_train_loss", "tau_given_flops", "tau_given_train_loss_and_flops")
LIVE = ("tau_given_live_flops", "tau_given_train_loss_and_live_flops")


def metrics(runs: Mapping[str, Path]) -> pd.DataFrame:
    """A row per run, predictor and epoch: τ, ρ, τ in the top 50 % and partial τ with their intervals."""
    kept = ["predictor", "step", "epoch", "n", *(f"{name}{end}" for name in NUMBERS for end in ("", "_low", "_high"))]
    rows = []
    for name, folder in runs.items():
        table = pd.read_parquet(folder / "metrics.parquet")
        wanted = table["predictor"].str.startswith(("beta_eff", "train_loss")) | table["predictor"].isin(PREDICTORS)
        enough = table["tau"].notna() & (table["n"] >= FEWEST)
        rows.append(_given_live_flops(table.loc[wanted & enough, kept], folder).assign(run=name))
    whole = pd.concat(rows, ignore_index=True)
    return whole[["run", *(column for column in whole if column != "run")]]


def _given_live_flops(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The rows of a run with partial τ given live FLOPs, and given them and the training loss of the same epoch."""
    if table.empty or "live_flops" not in set(pd.read_parquet(folder / "scores.parquet")["predictor"]):
        return table
    found = table.copy()
    drawn = pd.read_parquet(folder / "architectures.parquet").set_index("architecture")["truth"]
    wide = pd.read_parquet(folder / "scores.parquet").pivot(
        index="architecture", columns=["predictor", "step"], values="score"
    )
    wide, truth = wide.loc[drawn.index], drawn.to_numpy(dtype=float)
    weights = observed_and_draws(len(truth), RESAMPLINGS, 0)
    for row in found.index:
        predictor, step = found.loc[row, ["predictor", "step"]]
        given = [wide[name, step].to_numpy(dtype=float) for name in ("live_flops", "train_loss")]
        scores = wide[predictor, step].to_numpy(dtype=float)[None]
        if predictor != "live_flops":
            taus = [partial_tau(scores, truth, given[0], weights)[0]]
            if predictor != "train_loss":
                taus.append(partial_tau_of_two(scores, truth, (given[0], given[1]), weights)[0])
            for name, tau in zip(LIVE, taus, strict=False):
                found.loc[row, [name, f"{name}_low", f"{name}_high"]] = [tau[0], *interval(tau[1:], LEVEL)]
    return found


def courses(runs: Mapping[str, Path]) -> pd.DataFrame:
    """β_eff of the unit and the training loss at every reading of the first architectures of each run."""
    rows = []
    for name, folder in runs.items():
        drawn = pd.read_parquet(folder / "architectures.parquet").set_index("architecture")["truth"]
        table = pd.read_parquet(folder / "trajectories.parquet")
        kept = [c for c in ("beta_eff", "beta_eff_softmax") if c in table]
        mine = table[table["architecture"].isin(drawn.index[:SHOWN])]
        mine = mine[(mine["epoch"] <= CLOSE) | (mine["epoch"] % 2 == 0)]
        mine = mine[["architecture", "step", "epoch", "train_loss", "valid_accuracy", *kept]]
        rows.append(mine.assign(run=name, truth=mine["architecture"].map(drawn)))
    return pd.concat(rows, ignore_index=True)


def progress(runs: Mapping[str, Path]) -> pd.DataFrame:
    """A row per run and epoch: how far the training has come, whether β_eff nears 0, and what its magnitude ranks.

    `nearer` is the share of architectures whose |β_eff| is below that before the training, `near` of those where it is
    below a tenth of its largest value so far (that before the training included), `of_largest` the median of that
    ratio. τ is that of minus the magnitude, as is partial τ given the training loss, and of minus the training loss.
    """
    return pd.DataFrame([row for name, folder in runs.items() for row in _progress(name, folder)])


def _progress(name: str, folder: Path) -> Iterator[dict[str, object]]:
    drawn = pd.read_parquet(folder / "architectures.parquet").set_index("architecture")["truth"]
    table = pd.read_parquet(folder / "trajectories.parquet")
    loss, beta = (
        table.pivot(index="architecture", columns="epoch", values=column).loc[drawn.index]
        for column in ("train_loss", "beta_eff")
    )
    size = beta.abs()
    largest = size.cummax(axis=1)
    weights = observed_and_draws(len(drawn), RESAMPLINGS, 0)
    for epoch in [e for e in sorted(table["epoch"].unique().tolist()) if e <= CLOSE or e % CLOSE == 0]:
        ratio = (size[epoch] / largest[epoch])[beta[epoch].notna()]
        row: dict[str, object] = {"run": name, "epoch": epoch, "n": len(drawn), "read": len(ratio)}
        row |= {"train_loss": loss[epoch].median(), "beta_eff": beta[epoch].median(), "magnitude": size[epoch].median()}
        row |= {"nearer": float((size[epoch] < size[0])[ratio.index].mean()), "near": float((ratio < 0.1).mean())}
        yield row | {"of_largest": ratio.median()} | _ranks(size[epoch], loss[epoch], drawn, weights)


def _ranks(size: pd.Series, loss: pd.Series, truth: pd.Series, weights: NDArray[np.int64]) -> dict[str, float]:
    scores, y = -np.array([size, loss], dtype=float), truth.to_numpy(dtype=float)
    if len(y) < FEWEST or not np.isfinite(scores).any(axis=1).all():
        return {}
    taus = tau_b(scores, y, weights)
    given = partial_tau(scores[:1], y, scores[1], weights)[0]
    named = {"tau": taus[0], "tau_given_train_loss": given, "tau_of_train_loss": taus[1]}
    return {
        f"{name}{end}": float(value)
        for name, row in named.items()
        for end, value in zip(("", "_low", "_high"), (row[0], *interval(row[1:], LEVEL)), strict=True)
    }


def write(out: Path, runs: Mapping[str, Path]) -> None:
    """The three tables into the folder `out`."""
    metrics(runs).to_csv(out / "neural_capacitance.csv", index=False, float_format="%.4f")
    courses(runs).to_csv(out / "neural_capacitance_courses.csv", index=False, float_format="%.4g")
    progress(runs).to_csv(out / "neural_capacitance_progress.csv", index=False, float_format="%.4g")
