"""A results folder made of synthetic tables: seeded, of any size, with the odd cases that real runs have."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.storage.tables import write_results

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


OTHERS = {
    "weighted_tau": 0.9,
    "half_accuracy": 0.4,
    "pearson": 1.1,
    "tau_given_train_loss": 0.7,
    "tau_given_flops": 0.6,
    "tau_given_params": 0.65,
    "tau_given_train_loss_and_flops": 0.3,
}
"""Metrics that have intervals at the last budget only, and how much of τ they are here."""

GAPS = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, np.inf)

LEARNED = ("ridge", "temporal_graph", "weight_statistics", "lcsvr")
"""Parts of the names of predictors that are fitted on other architectures."""


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


def _metrics_row(score: np.ndarray, truth: np.ndarray, last: bool, pearson: bool) -> dict[str, float]:
    half, fifth, tenth = (truth >= np.quantile(truth, at) for at in (0.5, 0.8, 0.9))
    row: dict[str, float] = {}
    for name, mask in (("tau", truth > -1), ("spearman", truth > -1), ("tau_half", half), ("tau_fifth", fifth),
                       ("tau_tenth", tenth)):  # fmt: skip
        row |= _estimate(name, score[mask], truth[mask])
    for name, share in ((n, s) for n, s in OTHERS.items() if pearson or n != "pearson"):
        value = row["tau"] * share + (0.5 if name == "half_accuracy" else 0.0)
        ends = (value - 0.1, value + 0.1) if last else (np.nan, np.nan)
        row |= {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}
    seen = np.isfinite(score)
    counts = {"n": seen.sum(), "n_half": (seen & half).sum(), "n_fifth": (seen & fifth).sum(),
              "n_tenth": (seen & tenth).sum(), "failed": (~seen).sum()}  # fmt: skip
    return row | {key: int(value) for key, value in counts.items()}


def _top(score: np.ndarray, truth: np.ndarray, label: dict[str, Any], last: bool) -> list[dict[str, Any]]:
    """Rows of `selection`, by explicit sorting; no row where k architectures are not there to be chosen."""
    rows, best = [], truth.max()
    for k in (k for k in (1, 5, 10) if k <= len(truth)):
        row = dict.fromkeys(
            ("precision", "precision_low", "precision_high", "regret", "regret_low", "regret_high"), np.nan
        )
        if np.isfinite(score).sum() >= k:
            chosen = np.argsort(-np.nan_to_num(score, nan=-np.inf))[:k]
            precision = len(set(chosen) & set(np.argsort(-truth)[:k])) / k
            row["precision"], row["regret"] = precision, best - truth[chosen].max()
            if last:
                row |= {"precision_low": max(precision - 0.2, 0), "precision_high": min(precision + 0.2, 1),
                        "regret_low": row["regret"] / 2, "regret_high": row["regret"] * 2}  # fmt: skip
        rows.append(label | {"k": k} | row | {"n": int(np.isfinite(score).sum())})
    return rows


def _pairs(tau: float, truth: np.ndarray, label: dict[str, Any], last: bool) -> list[dict[str, Any]]:
    """Rows of `pairs`: an accuracy that grows evenly with the gap up to what τ allows.

    `disjoint` is 1 where one architecture is in every pair, else no more than a bound.
    """
    known = truth[:2000]
    gaps = np.abs(known[:, None] - known)
    rows = []
    for at, (low, high) in enumerate(pairwise(GAPS)):
        accuracy = 0.5 + tau / 2 * (at + 1) / (len(GAPS) - 1)
        inside = (gaps > low) & (gaps <= high)
        pairs, shared = int(inside.sum()) // 2, int(inside.sum(axis=1).max(initial=0))
        disjoint = min(pairs, 1 if pairs == shared else len(known) // 2)
        ends = (accuracy - 0.05, accuracy + 0.05) if last and disjoint > 1 else (np.nan, np.nan)
        rows.append(label | {"gap_low": low, "gap_high": high, "pairs": pairs, "disjoint": disjoint,
                             "accuracy": accuracy, "low": ends[0], "high": ends[1]})  # fmt: skip
    return rows


def _time_to_tau(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cheapest row of every predictor for every target it reaches."""
    rows = []
    for target in (0.5, 0.6, 0.7):
        cheapest: dict[str, dict[str, Any]] = {}
        for row in metrics:
            if row["tau"] >= target and row["seconds"] < cheapest.get(row["predictor"], {}).get("seconds", np.inf):
                cheapest[row["predictor"]] = row
        kept = ("predictor", "family", "step", "epoch", "images", "seconds", "fitted_on", "tau")
        rows += [
            {"target": target} | {key: row[key] for key in kept} | {"low": row["tau_low"], "high": row["tau_high"]}
            for row in sorted(cheapest.values(), key=lambda row: row["seconds"])
        ]
    return rows


def tables(
    n: int = 60,
    k: int = 18,
    seeds: int = 3,
    capacitance: bool = True,
    silent: bool = False,
    seed: int = 0,
    steps: tuple[int, ...] = tuple(range(0, 65, 8)),
    pearson: bool = False,
) -> dict[str, pd.DataFrame]:
    """All tables of a run with n architectures and k predictors at `steps`; `silent` ones have no score at all."""
    rng = np.random.default_rng(seed)
    names = [f"|nor_conv_3x3~0|+|none~{i}|" for i in range(n)]
    quality = rng.standard_normal(n)
    accuracy = 70 + 6 * quality[:, None] + 1.2 * rng.standard_normal((n, seeds))
    accuracy[0] = 10.0
    truth = accuracy.mean(axis=1)
    metrics, scores, differences, failures, selection, pairs = [], [], [], [], [], []
    by_family = families(k, capacitance)
    for step in steps:
        rows: list[dict[str, Any]] = []
        for j, (name, family) in enumerate(by_family.items()):
            fixed = np.random.default_rng(j) if family in ("size", "zero_cost") else rng
            score = _scores(family, quality, step / 64, fixed)
            score[0 if silent else 1 :: 1 if silent else 10**9 if j % 7 else 17] = np.nan
            reason = np.where(np.isnan(score), "no finite beta_eff within the budget", "")
            learned, last = any(part in name for part in LEARNED), step == steps[-1]
            sd = np.where(np.isnan(score), np.nan, 0.3 + 0.01 * j) if "ridge" in name else np.nan
            scores.append(pd.DataFrame({"predictor": name, "step": step, "architecture": names, "score": score,
                                        "sd": sd, "reason": reason}))  # fmt: skip
            failed = [{"stage": "score", "architecture": names[i], "predictor": name, "step": step, "reason": reason[i]}
                      for i in np.flatnonzero(np.isnan(score))]  # fmt: skip
            failures += failed
            cost = 0.0 if family == "size" else 0.4 if family == "zero_cost" else 0.1 + step * 0.03 * (1 + j / 40)
            label = {"predictor": name, "step": step}
            fitted = 0.8 * n if learned else 0.0
            rows.append({"predictor": name, "family": family, "baseline": family != "capacitance",
                         "studied": family == "capacitance", "step": step,
                         "epoch": step / 16, "images": step * 128, "seconds": cost, "note": "", "fitted_on": fitted,
                         "initial_seconds": fitted * cost + 0.2 if learned else 0.0}
                        | _metrics_row(score, truth, last, pearson))  # fmt: skip
            selection += _top(score, truth, label, last)
            pairs += _pairs(rows[-1]["tau"], truth, label, last)
        metrics += rows
        rivals = [row for row in rows if row["baseline"] and np.isfinite(row["tau"])]
        best = max(rivals, key=lambda row: row["tau"]) if rivals else None
        for row in rows:
            if best and row is not best and np.isfinite(row["tau"]):
                gap = row["tau"] - best["tau"]
                p = float(np.exp(-(gap**2) / 0.01))
                differences.append({"predictor": row["predictor"], "step": step, "baseline": best["predictor"],
                                    "difference": gap, "low": gap - 0.1, "high": gap + 0.1, "n": n, "p": p,
                                    "p_holm": min(1.0, p * (k - 1)), "detectable": 0.14})  # fmt: skip
    ceiling = [
        {"subset": subset, "kind": kind, "tau": tau - drop, "low": tau - drop - 0.02, "high": tau - drop + 0.02,
         "tau_one": tau - drop - 0.04 if kind == "retraining" else np.nan, "seeds": seeds, "n": n, "note": ""}
        for subset, drop in (("all", 0), ("top 50 %", 0.15), ("top 20 %", 0.3), ("top 10 %", 0.4))
        for kind, tau in (("retraining", 0.86), ("oracle", 0.92))
    ]  # fmt: skip
    if seeds == 1:
        none = dict.fromkeys(("tau", "low", "high", "tau_one"), np.nan)
        ceiling = [row | none | {"note": "the truth has one seed"} for row in ceiling]
    failures.append(
        {"stage": "train", "architecture": names[1], "predictor": "", "step": 12, "reason": "loss <inf> & up"}
    )
    fronts = pd.DataFrame(metrics)
    fronts["front"] = [_unbeaten(row, metrics) for row in metrics] if n <= 2000 else False
    columns = {"architecture": names, "group": names, "dead": truth < 20, "truth": truth}
    return {
        "architectures": pd.DataFrame(columns | {"index": pd.array([None, *range(1, n)], dtype="Int64")}),
        "truth": pd.DataFrame({"architecture": np.repeat(names, seeds), "seed": ["777", "888", "999"][:seeds] * n,
                               "accuracy": accuracy.ravel()}),
        "scores": pd.concat(scores, ignore_index=True),
        "metrics": fronts,
        "differences": _frame(differences, ("predictor", "step", "baseline", "difference", "low", "high", "n", "p",
                                            "p_holm", "detectable")),
        "ablations": _frame(
            [{"predictor": "movement", "group": "capacitance", "step": steps[-1], "tau": 0.6, "tau_without": 0.58,
              "difference": 0.02, "low": -0.01, "high": 0.05, "n": n}] if capacitance else [],
            ("predictor", "group", "step", "tau", "tau_without", "difference", "low", "high", "n"),
        ),
        "ceiling": _frame(ceiling, ("subset", "kind", "tau", "low", "high", "tau_one", "seeds", "n", "note")),
        "selection": _frame(selection, ("predictor", "step", "k", "precision", "precision_low", "precision_high",
                                        "regret", "regret_low", "regret_high", "n")),
        "pairs": pd.DataFrame(pairs),
        "time_to_tau": _frame(_time_to_tau(metrics), ("target", "predictor", "family", "step", "epoch", "images",
                                                      "seconds", "fitted_on", "tau", "low", "high")),
        "edges": _edges(names),
        "failures": pd.DataFrame(failures),
        "trajectories": _trajectories(names, quality, capacitance, steps[-1], rng),
    }  # fmt: skip


def _unbeaten(row: dict[str, Any], rows: list[dict[str, Any]]) -> bool:
    """Whether no row is cheaper and better than this one, by a slow loop."""
    beaten = any(
        (r["seconds"] <= row["seconds"] and r["tau"] > row["tau"])
        or (r["seconds"] < row["seconds"] and r["tau"] >= row["tau"])
        for r in rows
    )
    return bool(np.isfinite(row["tau"])) and not beaten


def _edges(names: list[str]) -> pd.DataFrame:
    """A cell of three nodes for every architecture."""
    drawn = [("0", "1", "nor_conv_3x3"), ("0", "2", "none"), ("1", "2", "skip_connect")]
    return pd.DataFrame(
        [(name, *edge) for name in names for edge in drawn], columns=["architecture", "source", "target", "operation"]
    )


def _frame(rows: list[dict[str, object]], columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns))


def _trajectories(
    names: list[str], quality: np.ndarray, beta: bool, last: int, rng: np.random.Generator
) -> pd.DataFrame:
    steps = np.arange(0, last + 1, 4)
    frames = []
    for name, good in zip(names, quality, strict=True):
        loss = 2.3 * np.exp(-steps / (60 - 10 * good)) + 0.05 * rng.standard_normal(len(steps))
        frame = pd.DataFrame({"architecture": name, "step": steps, "epoch": steps / 16, "seconds": steps * 0.03,
                              "train_loss": loss})  # fmt: skip
        if beta:
            frame["beta_eff"] = 3 * np.exp(-steps / (25 - 6 * good) + 0.25 * rng.standard_normal(len(steps)))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


STATUS: dict[str, Any] = {
    "state": "complete",
    "bench": "nasbench201",
    "dataset": "digits",
    "seed": 0,
    "trained": 59,
    "diverged": 1,
    "truth": {"train_set": "digits train", "split": "test", "epochs": 12, "source": "harness tabulate, version 0.1.0",
              "fingerprint": "aa11bb22cc33dd44ee55ff66aa77bb88cc99dd00ee11ff22aa33bb44cc55dd66"},
    "evaluation": {"bootstrap": 1000, "level": 0.95, "permutations": 9999, "folds": 5, "seed": 0, "budgets": None,
                   "top": [1, 5, 10], "gaps": [0, 0.5, 1, 2, 5, 10], "targets": [0.5, 0.6, 0.7], "pearson": False,
                   "studied": ["capacitance"]},
    "dataset_fingerprint": "6f1f0d0c5b6d2a4f9e7c1a83b5d04c2e9a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d",
    "recipe": {"batch": 128, "steps": 64, "schedule_steps": None, "learning_rate": 0.1},
    "network": {"channels": 8, "cells": 1},
    "seconds": 98.2,
}  # fmt: skip


def build(folder: Path, level: float = 0.95, **how: Any) -> Path:
    """Write a results folder of `tables(**how)` and return it; `level` is what the status says of the intervals."""
    environment = {"python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.6", "device": "cpu, 1 core", "commit": "0f3c"}
    evaluation = STATUS["evaluation"] | {"level": level, "pearson": how.get("pearson", False)}
    status = STATUS | {"architectures": how.get("n", 60), "evaluation": evaluation}
    config = "bench:\n  name: nasbench201 # <space>\ndataset:\n  name: digits\n"
    write_results(folder, tables(**how), {"environment.json": json.dumps(environment), "config.yaml": config}, status)
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


@cache
def _stored(folder: Path) -> RunTables:
    return read(folder)


def read_once(folder: Path) -> RunTables:
    """A copy of the tables in a folder that `make` gave: they are read and checked once a process."""
    return copy.deepcopy(_stored(folder))


def undraw(patch: pytest.MonkeyPatch) -> None:
    """Figures are made but not drawn: files of a few bytes stand for them where the words of a page are tested."""

    def save(figure: Any, stem: Path, dpi: int) -> str:
        for ending in ("png", "pdf"):
            stem.with_name(f"{stem.name}.{ending}").write_bytes(b"not drawn")
        return '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt"></svg>'

    patch.setattr("harness.report.drawing.save", save)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    undraw(monkeypatch)
