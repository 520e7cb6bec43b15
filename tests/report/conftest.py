"""A results folder made of synthetic tables: seeded, of any size, with the odd cases that real runs have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

FAMILIES = {
    "beta_eff_last": "capacitance",
    "movement": "movement",
    "params": "size",
    "valid_accuracy": "learning_curve",
    "synflow": "zero_cost",
    "beta_eff_ridge": "capacitance",
    "random": "control",
    "weight_statistics": "weight_statistics",
    "temporal_graph": "temporal_graph",
    "sotl": "learning_curve",
    "flops": "size",
    "layers": "size",
    "tse_ema": "learning_curve",
    "snip": "zero_cost",
    "naswot": "zero_cost",
    "grad_norm_trained": "movement",
    "lcsvr": "learning_curve",
    "beta_eff_given_loss": "capacitance",
}


def families(k: int, capacitance: bool = True) -> dict[str, str]:
    """The first k predictors with their families; beyond the named ones they are called probe_18, probe_19, …"""
    more = {f"probe_{i}": list(FAMILIES.values())[i % 18] for i in range(18, k + 6)}
    known = {name: family for name, family in {**FAMILIES, **more}.items() if capacitance or family != "capacitance"}
    return dict(list(known.items())[:k])


def _estimate(name: str, a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Kendall τ (Spearman where the name says so) with a rough interval; nan where there are fewer than 4 values."""
    kept = np.isfinite(a)
    if kept.sum() < 4:
        return {name: np.nan, f"{name}_low": np.nan, f"{name}_high": np.nan}
    correlate = stats.spearmanr if name == "spearman" else stats.kendalltau
    value = float(correlate(a[kept], b[kept]).statistic)
    half = 1.96 * np.sqrt(0.44 / kept.sum()) * (1 - value**2 / 2)
    return {name: value, f"{name}_low": max(value - half, -1.0), f"{name}_high": min(value + half, 1.0)}


def _scores(kind: str, quality: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    noise = {"size": 1.0, "control": 50.0, "zero_cost": 0.9}.get(kind, 2.2 - 1.6 * share)
    return quality + noise * rng.standard_normal(len(quality))


def _metrics_row(score: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    half, fifth = truth >= np.median(truth), truth >= np.quantile(truth, 0.8)
    row: dict[str, float] = {}
    for name, mask in (("tau", truth > -1), ("spearman", truth > -1), ("tau_half", half), ("tau_fifth", fifth)):
        row |= _estimate(name, score[mask], truth[mask])
    seen = np.isfinite(score)
    counts = {"n": seen.sum(), "n_half": (seen & half).sum(), "n_fifth": (seen & fifth).sum(), "failed": (~seen).sum()}
    return row | {key: int(value) for key, value in counts.items()}


def tables(
    n: int = 60, k: int = 18, seeds: int = 3, capacitance: bool = True, silent: bool = False, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """All tables of a run with n architectures, k predictors, 9 budgets; `silent` predictors have no score at all."""
    rng = np.random.default_rng(seed)
    names = [f"|nor_conv_3x3~0|+|none~{i}|" for i in range(n)]
    quality = rng.standard_normal(n)
    accuracy = 70 + 6 * quality[:, None] + 1.2 * rng.standard_normal((n, seeds))
    accuracy[0] = 10.0
    truth = accuracy.mean(axis=1)
    steps = list(range(0, 65, 8))
    metrics, scores, differences, failures = [], [], [], []
    by_family = families(k, capacitance)
    for step in steps:
        rows: list[dict[str, Any]] = []
        for j, (name, family) in enumerate(by_family.items()):
            fixed = np.random.default_rng(j) if family in ("size", "zero_cost") else rng
            score = _scores(family, quality, step / 64, fixed)
            score[0 if silent else 1 :: 1 if silent else 10**9 if j % 7 else 17] = np.nan
            reason = np.where(np.isnan(score), "no finite beta_eff within the budget", "")
            scores.append(pd.DataFrame({"predictor": name, "step": step, "architecture": names, "score": score,
                                        "sd": np.nan, "reason": reason}))  # fmt: skip
            failed = [{"stage": "score", "architecture": names[i], "predictor": name, "step": step, "reason": reason[i]}
                      for i in np.flatnonzero(np.isnan(score))]  # fmt: skip
            failures += failed
            cost = 0.0 if family == "size" else 0.4 if family == "zero_cost" else 0.1 + step * 0.03 * (1 + j / 40)
            rows.append({"predictor": name, "family": family, "baseline": family != "capacitance", "step": step,
                         "epoch": step / 16, "images": step * 128, "seconds": cost, "note": ""}
                        | _metrics_row(score, truth))  # fmt: skip
        metrics += rows
        rivals = [row for row in rows if row["baseline"] and np.isfinite(row["tau"])]
        best = max(rivals, key=lambda row: row["tau"]) if rivals else None
        for row in rows:
            if best and row is not best and np.isfinite(row["tau"]):
                gap = row["tau"] - best["tau"]
                differences.append({"predictor": row["predictor"], "step": step, "baseline": best["predictor"],
                                    "difference": gap, "low": gap - 0.1, "high": gap + 0.1, "n": n})  # fmt: skip
    ceiling = [
        {"subset": subset, "kind": kind, "tau": tau - drop, "low": tau - drop - 0.02, "high": tau - drop + 0.02,
         "seeds": seeds, "n": n}
        for subset, drop in (("all", 0), ("better half", 0.15), ("best fifth", 0.3))
        for kind, tau in (("retraining", 0.86), ("oracle", 0.92))
        if seeds > 1
    ]  # fmt: skip
    failures.append(
        {"stage": "train", "architecture": names[1], "predictor": "", "step": 12, "reason": "loss <inf> & up"}
    )
    columns = {"architecture": names, "group": names, "dead": truth < 20, "truth": truth}
    return {
        "architectures": pd.DataFrame(columns | {"index": pd.array([None, *range(1, n)], dtype="Int64")}),
        "truth": pd.DataFrame({"architecture": np.repeat(names, seeds), "seed": ["777", "888", "999"][:seeds] * n,
                               "accuracy": accuracy.ravel()}),
        "scores": pd.concat(scores, ignore_index=True),
        "metrics": pd.DataFrame(metrics),
        "differences": _frame(differences, ("predictor", "step", "baseline", "difference", "low", "high", "n")),
        "ablations": _frame(
            [{"predictor": "movement", "group": "capacitance", "step": 64, "tau": 0.6, "tau_without": 0.58,
              "difference": 0.02, "low": -0.01, "high": 0.05, "n": n}] if capacitance else [],
            ("predictor", "group", "step", "tau", "tau_without", "difference", "low", "high", "n"),
        ),
        "ceiling": _frame(ceiling, ("subset", "kind", "tau", "low", "high", "seeds", "n")),
        "failures": pd.DataFrame(failures),
        "trajectories": _trajectories(names, quality, capacitance, rng),
    }  # fmt: skip


def _frame(rows: list[dict[str, object]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def _trajectories(names: list[str], quality: np.ndarray, beta: bool, rng: np.random.Generator) -> pd.DataFrame:
    steps = np.arange(0, 65, 4)
    frames = []
    for name, good in zip(names, quality, strict=True):
        loss = 2.3 * np.exp(-steps / (60 - 10 * good)) + 0.05 * rng.standard_normal(len(steps))
        frame = pd.DataFrame({"architecture": name, "step": steps, "epoch": steps / 16, "seconds": steps * 0.03,
                              "train_loss": loss})  # fmt: skip
        if beta:
            frame["beta_eff"] = 3 * np.exp(-steps / (25 - 6 * good) + 0.25 * rng.standard_normal(len(steps)))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


STATUS = {
    "state": "complete",
    "bench": "nasbench201",
    "dataset": "digits",
    "seed": 0,
    "trained": 59,
    "diverged": 1,
    "truth": {"train_set": "digits train", "split": "test", "epochs": 12, "source": "harness tabulate, version 0.1.0"},
    "dataset_fingerprint": "6f1f0d0c5b6d2a4f9e7c1a83b5d04c2e9a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d",
    "recipe": {"batch": 128, "steps": 64, "schedule_steps": None, "learning_rate": 0.1},
    "network": {"channels": 8, "cells": 1},
    "schema_version": 1,
    "seconds": 98.2,
}


def build(folder: Path, **how: object) -> Path:
    """Write a results folder of `tables(**how)` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables(**how).items():  # type: ignore[arg-type]
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    environment = {"python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.6", "device": "cpu, 1 core", "commit": "0f3c"}
    (folder / "status.json").write_text(json.dumps(STATUS | {"architectures": how.get("n", 60)}))
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "config.yaml").write_text("bench:\n  name: nasbench201 # <space>\ndataset:\n  name: digits\n")
    return folder


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`make(n=…, k=…, …)` gives a folder of synthetic tables."""
    built: dict[str, Path] = {}

    def make(**how: object) -> Path:
        key = repr(sorted(how.items()))
        if key not in built:
            built[key] = build(tmp_path_factory.mktemp("results"), **how)
        return built[key]

    return make


@pytest.fixture(scope="session")
def results(make: Callable[..., Path]) -> Path:
    """The usual folder: n = 60, 18 predictors, 9 budgets, 3 seeds."""
    return make()
