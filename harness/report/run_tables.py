"""The stored tables of one run, and what the report asks of them; `run_files` reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report.numbers import NO_BREAK, counted, equal, percent
from harness.report.run_recipe import recipe_words

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.config import ReportConfig


TOPS = {"tau_half": f"top {percent(0.5)}", "tau_fifth": f"top {percent(0.2)}", "tau_tenth": f"top {percent(0.1)}"}
"""How the report calls the subsets of highest ground truth, by the column of their τ."""

SUBSETS = {top.replace(NO_BREAK, " "): top for top in TOPS.values()}
"""The same by the names in the table `ceiling`."""


FEW_OF_SEVERAL, FEW_OF_ONE = 2, 10
"""Predictors of a family that short tables show where there are several families, and where all are of one."""


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
    targets: pd.DataFrame | None = None
    elsewhere: pd.DataFrame | None = None

    @property
    def taus_by_target(self) -> dict[str, pd.DataFrame]:
        """Of each further ground truth the τ at the last budget: rows in the order of `final`, nan for no τ."""
        if self.targets is None:
            return {}
        order = self.final["predictor"]
        return {
            str(name): rows.set_index("predictor").reindex(order).reset_index()
            for name, rows in self.at_end(self.targets).groupby("target", sort=False)
        }

    @cached_property
    def last_step(self) -> int:
        """The largest budget in updates; the budget of every statement that names none."""
        return int(self.metrics["step"].max())

    @property
    def given(self) -> bool:
        """Whether the scores were given as a table, so that nothing is known of how they were made."""
        return "given" in self.status

    @property
    def moment(self) -> str:
        """When the last budget ends, such as "after 3,000 steps"; where scores come from that were given."""
        if self.given:
            return "from the given scores"
        return f"after {counted(self.last_step, 'step')}" if self.last_step > 0 else "before any training"

    @property
    def level(self) -> float:
        """The share of cases in which an interval is meant to hold the true value, such as 0.95."""
        return float(self.status["evaluation"]["level"])

    @property
    def percent(self) -> str:
        """The level as every text says it, such as 95 %."""
        return percent(self.level)

    @property
    def alpha(self) -> float:
        """The level of significance that goes with the intervals, such as 0.05."""
        return round(1 - self.level, 12)

    @property
    def permutation_floor(self) -> float:
        """The least p that the permutation test can give: the observed pattern is one of them; 0 where not known."""
        permutations = self.status["evaluation"].get("permutations")
        return 0.0 if permutations is None else 1 / (1 + int(permutations))

    def floor_of(self, row: Mapping[str, Any], name: str = "p_holm") -> float:
        """The least value that the p called `name` could have: its own where the row's test is at its floor, else 0."""
        return float(row[name]) if row["p"] <= self.permutation_floor * (1 + 1e-9) else 0.0

    def at_end(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table at the last budget."""
        return frame[frame["step"] == self.last_step]

    @cached_property
    def final(self) -> pd.DataFrame:
        """The metrics at the last budget, best τ first; after them, in that order, predictors that score less than half
        of the architectures, and predictors without a τ at the end."""
        last = self.at_end(self.metrics)
        from harness.evaluate.cost import scores_most  # its NumPy and pandas are not needed for --help

        placed = last.assign(place=np.where(last["tau"].isna(), 2, np.where(scores_most(last), 0, 1)))
        keys = {"place": True, "tau": False, "predictor": True}
        return placed.sort_values([*keys], ascending=[*keys.values()], ignore_index=True).drop(columns="place")

    @cached_property
    def sd(self) -> pd.Series[float]:
        """Mean standard deviation of a predictor's scores at the last budget, for those that give one, by predictor."""
        rows = self.at_end(self.scores).dropna(subset=["sd"])
        return rows.groupby("predictor")["sd"].mean()

    @property
    def studied(self) -> list[str]:
        """What is under study: names of families or predictors; empty where the run studies none."""
        return [str(name) for name in self.status["evaluation"].get("studied") or []]

    def is_studied(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """Which rows of a table with the columns `predictor` and `family` are of a predictor under study."""
        return frame["family"].isin(self.studied) | frame["predictor"].isin(self.studied)

    @property
    def short_list(self) -> list[str]:
        """Predictors of short tables, best τ first; `shortened` says which."""
        place = self.final.groupby("family").cumcount()
        kept = (place < self._most_of_a_family) | self.is_studied(self.final)
        return [str(name) for name in self.final.loc[kept, "predictor"]]

    @property
    def shortened(self) -> str:
        """Which predictors short tables show."""
        if self._most_of_a_family == FEW_OF_SEVERAL:
            return "the best two of each family and every predictor under study"
        return f"the best {self._most_of_a_family} and every predictor under study"

    @property
    def _most_of_a_family(self) -> int:
        return FEW_OF_SEVERAL if self.final["family"].nunique() > 1 else FEW_OF_ONE

    @cached_property
    def best_studied(self) -> str | None:
        """Name of the predictor under study with the highest τ at the last budget, None where none has a τ."""
        rows = self.final[self.is_studied(self.final) & self.final["tau"].notna()]
        return None if rows.empty else str(rows["predictor"].iloc[0])

    @property
    def and_best_studied(self) -> str:
        """What captions add to the predictors in colour; empty where none under study has a τ."""
        return " and the best predictor under study" if self.best_studied else ""

    def highest(self, most: int) -> str:
        """The predictors of highest τ in a caption's words: up to `most` of those there are."""
        count = min(most, int(self.final["tau"].notna().sum()))
        return "the predictor with the highest τ" if count == 1 else f"the {count} predictors with the highest τ"

    def leaders(self, highlight: int) -> list[str]:
        """The predictors drawn in colour: those of highest τ, and the best one under study."""
        names = [str(name) for name in self.final.loc[self.final["tau"].notna(), "predictor"].iloc[:highlight]]
        best = self.best_studied
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
        """The ceiling rows of all architectures, or of a subset of TOPS, by kind; those without a τ left out."""
        rows = self.ceiling[(self.ceiling["subset"].replace(SUBSETS) == subset) & self.ceiling["tau"].notna()]
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
        """What every caption states: architectures, seeds of the ground truth, training recipe."""
        seeds = self.truth.groupby("architecture")["seed"].nunique()
        low, high = (int(seeds.min()), int(seeds.max())) if len(seeds) else (0, 0)
        span = f"{high}" if low == high else f"{low} to {high}"
        plural = "" if span == "1" else "s"
        known = counted(len(self.architectures), "architecture")
        parts = [equal("n", known), f"ground truth from {span} seed{plural} each", self.recipe()]
        return "; ".join(part for part in parts if part) + "."

    def recipe(self) -> str:
        """The training recipe and network of the run in a few words; empty where the status states neither."""
        return recipe_words(self.status)
