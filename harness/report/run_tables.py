"""The stored tables of one run, read and checked; the only way into the report."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report.numbers import counted, percent
from harness.report.numbers import words as spaced
from harness.schema import demand

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.config import ReportConfig


def _estimates(*names: str) -> tuple[str, ...]:
    """Columns of estimates with the two ends of their intervals."""
    return tuple(f"{name}{end}" for name in names for end in ("", "_low", "_high"))


COLUMNS: dict[str, tuple[str, ...]] = {
    "architectures": ("architecture", "group", "dead", "index", "truth"),
    "truth": ("architecture", "seed", "accuracy"),
    "scores": ("predictor", "step", "architecture", "score", "sd", "reason"),
    "metrics": (
        *("predictor", "family", "baseline", "step", "epoch", "images", "seconds", "n", "failed"),
        *("initial_seconds", "fitted_on", "front"),
        *_estimates("tau", "spearman", "tau_half", "tau_fifth", "tau_tenth", "weighted_tau", "half_accuracy"),
        *_estimates("tau_given_train_loss", "tau_given_flops", "tau_given_params"),
        *_estimates("tau_given_train_loss_and_flops"),
        *("n_half", "n_fifth", "n_tenth", "note"),
    ),
    "differences": (*("predictor", "step", "baseline", "difference", "low", "high", "n", "p", "p_holm", "detectable"),),
    "ablations": ("predictor", "group", "step", "tau", "tau_without", "difference", "low", "high", "n"),
    "ceiling": ("subset", "kind", "tau", "low", "high", "tau_one", "seeds", "n", "note"),
    "selection": ("predictor", "step", "k", *_estimates("precision", "regret"), "n"),
    "pairs": ("predictor", "step", "gap_low", "gap_high", "pairs", "disjoint", "accuracy", "low", "high"),
    "time_to_tau": (
        *("target", "predictor", "family", "step", "epoch", "images", "seconds", "fitted_on", "tau", "low", "high"),
    ),
    "edges": ("architecture", "source", "target", "operation"),
    "failures": ("stage", "architecture", "predictor", "step", "reason"),
    "trajectories": ("architecture", "step", "epoch", "seconds"),
}
"""RunTables of a results folder and the columns that the report reads of each; further columns are let through."""

STATUS_KEYS = ("bench", "dataset", "truth", "evaluation")
"""Keys without which status.json cannot name its report, or say what its intervals are."""


@dataclass(frozen=True)
class RunTables:
    """Everything the report knows of one run; see docs on the results format for the columns."""

    architectures: pd.DataFrame
    truth: pd.DataFrame
    scores: pd.DataFrame
    metrics: pd.DataFrame
    differences: pd.DataFrame
    ablations: pd.DataFrame
    ceiling: pd.DataFrame
    selection: pd.DataFrame
    pairs: pd.DataFrame
    time_to_tau: pd.DataFrame
    edges: pd.DataFrame
    failures: pd.DataFrame
    trajectories: pd.DataFrame
    status: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    config: str = ""

    @cached_property
    def last_step(self) -> int:
        """The largest budget in updates; the budget of every statement that names none."""
        return int(self.metrics["step"].max())

    @property
    def moment(self) -> str:
        """When the last budget ends, such as "after 3,000 steps"."""
        return f"after {counted(self.last_step, 'step')}" if self.last_step > 0 else "before any training"

    @property
    def level(self) -> float:
        """The share of cases in which an interval is meant to hold the true value, such as 0.95."""
        return float(self.status["evaluation"]["level"])

    @property
    def percent(self) -> str:
        """The level as every text says it, such as 95 %."""
        return percent(self.level)

    def at_end(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table at the last budget."""
        return frame[frame["step"] == self.last_step]

    @cached_property
    def final(self) -> pd.DataFrame:
        """The metrics at the last budget, best τ first, predictors without a τ at the end."""
        last = self.at_end(self.metrics)
        return last.sort_values(["tau", "predictor"], ascending=[False, True], na_position="last", ignore_index=True)

    @cached_property
    def sd(self) -> pd.Series[float]:
        """Mean standard deviation of a predictor's scores at the last budget, for those that give one, by predictor."""
        rows = self.at_end(self.scores).dropna(subset=["sd"])
        return rows.groupby("predictor")["sd"].mean()

    @property
    def brief(self) -> list[str]:
        """Predictors of short tables, best τ first: the best two of each family and every one of capacitance."""
        place = self.final.groupby("family").cumcount()
        kept = (place < 2) | (self.final["family"] == "capacitance")
        return [str(name) for name in self.final.loc[kept, "predictor"]]

    @property
    def best_capacitance(self) -> str | None:
        """Name of the capacitance predictor with the highest τ at the last budget, None where none has a τ."""
        rows = self.final[(self.final["family"] == "capacitance") & self.final["tau"].notna()]
        return None if rows.empty else str(rows["predictor"].iloc[0])

    @property
    def and_capacitance(self) -> str:
        """What captions add to the predictors in colour; empty where no capacitance predictor has a τ."""
        return " and the best capacitance predictor" if self.best_capacitance else ""

    def highest(self, most: int) -> str:
        """The predictors of highest τ in a caption's words: up to `most` of those there are."""
        count = min(most, int(self.final["tau"].notna().sum()))
        return "the predictor with the highest τ" if count == 1 else f"the {count} predictors with the highest τ"

    def leaders(self, highlight: int) -> list[str]:
        """The predictors drawn in colour: those of highest τ, and the best capacitance one."""
        names = [str(name) for name in self.final.loc[self.final["tau"].notna(), "predictor"].iloc[:highlight]]
        best = self.best_capacitance
        return names if best is None or best in names else [*names, best]

    def named(self, report: ReportConfig, always: Collection[str] = ()) -> list[str]:
        """Predictors whose names stand in a crowded figure, best τ first: all, or else the best few, the best of every
        family and those of `always`."""
        final = self.final[self.final["tau"].notna()]
        names = [str(name) for name in final["predictor"]]
        if len(names) <= report.names:
            return names
        kept = {*names[: report.highlight], *final.groupby("family")["predictor"].first(), *always}
        return [name for name in names if name in kept]

    def ceilings(self, subset: str = "all") -> dict[str, dict[str, Any]]:
        """The ceiling rows of a subset of architectures by kind, those without a τ left out."""
        rows = self.ceiling[(self.ceiling["subset"] == subset) & self.ceiling["tau"].notna()]
        return {str(row["kind"]): {str(key): value for key, value in row.items()} for _, row in rows.iterrows()}

    @property
    def band(self) -> list[float]:
        """τ of the ceilings that figures draw; empty where there is none, or none above 0 can be shown."""
        taus = [float(row["tau"]) for row in self.ceilings().values()]
        return taus if max(taus, default=0.0) > 0 else []

    @property
    def why_no_ceiling(self) -> str:
        """What the ceiling's own rows say of why there is none."""
        rows = self.ceiling[(self.ceiling["subset"] == "all") & self.ceiling["tau"].isna()]
        notes = [str(note) for note in rows["note"].dropna() if note]
        return notes[0] if notes else "none was estimated"

    def basis(self) -> str:
        """What every caption states: architectures, seeds of the truth, training recipe."""
        seeds = self.truth.groupby("architecture")["seed"].nunique()
        low, high = (int(seeds.min()), int(seeds.max())) if len(seeds) else (0, 0)
        span = f"{high}" if low == high else f"{low} to {high}"
        plural = "" if span == "1" else "s"
        known = counted(len(self.architectures), "architecture")
        parts = [f"n = {known}", f"truth from {span} seed{plural} each", self.recipe()]
        return "; ".join(part for part in parts if part) + "."

    def recipe(self) -> str:
        """The training recipe and network of the run in a few words; empty where the status states neither."""
        recipe, network = self.status.get("recipe", {}), self.status.get("network", {})
        recorded = self.status.get("signal", {}).get("recorded")
        if recorded:
            return f"recorded curves: {recorded}; sample seed {self.status.get('seed')}"
        lengths = [(recipe[f"{unit}s"], unit) for unit in ("step", "epoch") if recipe.get(f"{unit}s") is not None]
        words = [f"trained for {counted(length, unit)}" if length else "not trained" for length, unit in lengths]
        words += [f"batch {recipe['batch']}"] if recipe.get("batch") is not None else []
        words += [f"annealed within {counted(recipe[f'schedule_{unit}s'], unit)}" for unit in ("step", "epoch")
                  if recipe.get(f"schedule_{unit}s") is not None]  # fmt: skip
        words += [_key(key, network[key]) for key in NETWORK_KEYS if key in network]
        words += [f"run seed {self.status['seed']}"] if "seed" in self.status else []
        others = self.status.get("fit_on", [])
        return ", ".join(words) + (
            f"; learned predictors fitted on networks of {_apart(others, network)}" if others else ""
        )


NETWORK_KEYS = ("channels", "cells", "width_divisor")
"""What captions say of a network."""


def _apart(others: Sequence[Mapping[str, Any]], network: Mapping[str, Any]) -> str:
    """In what the networks that predictors were fitted on differ from those scored, or from one another."""
    told = [*NETWORK_KEYS, *sorted({key for other in others for key in other} - set(NETWORK_KEYS))]
    keys = [key for key in told if any(other.get(key, network.get(key)) != network.get(key) for other in others)]
    if not keys:
        return "the same shape"
    each = [" and ".join(_key(key, other.get(key, network.get(key))) for key in keys) for other in others]
    return (", and of " if len(keys) > 1 else " and ").join(each)


def _key(key: str, value: object) -> str:
    """One setting of a network in the letters that papers use."""
    known = {"channels": "C = {}", "cells": "N = {}", "width_divisor": "widths divided by {}"}
    return known.get(key, f"{spaced(key)} {{}}").format("none" if value is None else value)


def read(folder: Path) -> RunTables:
    """The tables of a results folder.

    Raises BadInput, naming file and column, where the folder, a table, a column or a key of status.json is missing.
    """
    demand(folder.is_dir(), "results", "a folder with the tables of a run", str(folder))
    frames = {name: _table(folder / f"{name}.parquet", columns) for name, columns in COLUMNS.items()}
    demand(len(frames["metrics"]) > 0, "metrics.parquet", "at least one row", 0)
    texts = {name: _text(folder / name) for name in ("status.json", "environment.json", "config.yaml")}
    status = _mapping("status.json", texts["status.json"])
    for key in STATUS_KEYS:
        demand(key in status, "status.json", f"the key {key!r}", sorted(status))
    for key in ("truth", "recipe", "network", "evaluation"):
        demand(isinstance(status.get(key, {}), dict), f"status.json: {key}", "a mapping", status.get(key))
    demand("level" in status["evaluation"], "status.json: evaluation", "the key 'level'", sorted(status["evaluation"]))
    return RunTables(
        **frames,
        status=status,
        environment={key: str(value) for key, value in _mapping("environment.json", texts["environment.json"]).items()},
        config=texts["config.yaml"],
    )


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    demand(path.is_file(), "results", f"the table {path.name}", str(path))
    frame = pd.read_parquet(path)
    missing = [column for column in columns if column not in frame]
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    asked = f"the column {', '.join(missing[:3])}{more} (an older version's tables: the same command makes them anew)"
    demand(not missing, path.name, asked, f"{len(frame.columns)} others")
    return frame


def _text(path: Path) -> str:
    demand(path.is_file(), "results", f"the file {path.name}", str(path))
    return path.read_text(encoding="utf-8")


def _mapping(name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        value = str(error)
    demand(isinstance(value, dict), name, "a JSON object", value)
    return dict(value)
