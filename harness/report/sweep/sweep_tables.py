"""The stored tables of a sweep, read and checked; the only way into its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.report.numbers import equal, number, percent
from harness.report.run_files import visible_texts
from harness.schema import demand
from harness.schema.columns import SWEEP_TABLES
from harness.schema.documents import SWEEP_STATUS, demand_keys
from harness.schema.visible import visible_value
from harness.storage.tables import STATUS, read_results


@dataclass(frozen=True)
class SweepTables:
    """Everything the report knows of a sweep; docs/results.md has the columns. `place` is the folder of the tables."""

    jobs: pd.DataFrame
    gathered: pd.DataFrame
    gathered_targets: pd.DataFrame
    ranks: pd.DataFrame
    status: dict[str, Any]
    place: Path

    @property
    def settings(self) -> list[str]:
        """Settings of which some run has tables, in order of their jobs."""
        return [str(name) for name in dict.fromkeys(self.gathered["setting"])]

    @property
    def last(self) -> pd.DataFrame:
        """The gathered rows at the last step of each setting."""
        return self.gathered[self.gathered["last"]]

    @property
    def order(self) -> pd.DataFrame:
        """predictor, family, tau (mean over the settings where it has one), settings (how many), best first.

        Predictors that have a τ in more settings come before those with fewer, those with none at all last.
        """
        last = self.last
        by = last.groupby("predictor", sort=False)
        found = by.agg(family=("family", "first"), tau=("tau", "mean"), settings=("tau", "count")).reset_index()
        return found.sort_values(
            ["settings", "tau", "predictor"], ascending=[False, False, True], na_position="last", ignore_index=True
        )

    @property
    def seeds(self) -> list[int]:
        """The run seeds of which there are tables."""
        counted = self.jobs[self.jobs["n"].notna()]
        return sorted({int(seed) for seed in counted["seed"].dropna()})

    def at(self, setting: str) -> pd.DataFrame:
        """The rows of a setting at its last step, best τ first, those without a τ at the end."""
        rows = self.last[self.last["setting"] == setting]
        return rows.sort_values(["tau", "predictor"], ascending=[False, True], na_position="last", ignore_index=True)

    def percent(self) -> str:
        """The level of the intervals, such as "95 %"."""
        return percent(float(self.status["level"]))

    def basis(self) -> str:
        """What every caption states: runs, architectures, seeds, budget, training recipe."""
        run = self.jobs[self.jobs["n"].notna()]
        counts, steps = (_span(run[key]) for key in ("n", "step"))
        many = f"{len(run)} runs" if len(run) != 1 else "1 run"
        seeds = f"{len(self.seeds)} run seeds" if len(self.seeds) != 1 else f"1 run seed ({self.seeds[0]})"
        budget = "1 step" if steps == "1" else f"{steps} steps"
        parts = [f"{many} of {equal('n', counts)} architectures", seeds, budget, self._recipe()]
        return "; ".join(filter(None, parts)) + "."

    def _recipe(self) -> str:
        """What of the recipe and the network is the same in all runs, in a few words."""
        recipe, network = self.status["recipe"], self.status["network"]
        known = [
            *(("batch", recipe.get("batch")), ("learning rate", recipe.get("learning_rate"))),
            *(("C", network.get("channels")), ("N", network.get("cells"))),
        ]
        return ", ".join(
            equal(name, value) if name in ("C", "N") else f"{name} {value}"
            for name, value in known
            if value is not None
        )

    def blocks(self) -> str:
        """What ranks are averaged over, such as "6 runs", or "3 blocks" where settings of one run are one block."""
        count = int(self.status["blocks"])
        noun = "run" if count == self.status["ranked_runs"] else "block"
        return f"{count} {noun}{'' if count == 1 else 's'}"

    def blocks_explained(self) -> str:
        """`blocks`, and what a block is where it is not simply a run."""
        many = self.blocks()
        what = " (benchmark, data set and run seed; τ averaged over the settings of each)" if "block" in many else ""
        return many + what


def read(folder: Path) -> SweepTables:
    """The tables of a sweep.

    Raises BadInput, in one line that names the file, where one is missing, damaged, or made by an earlier version.
    """
    found = read_results(folder, SWEEP_TABLES.keys(), texts=())
    status, where = found.status, str(folder / STATUS)
    demand_keys(where, status, SWEEP_STATUS)
    tested = not status["note"]
    numbers = [status["friedman"]["p"]] + [status["critical_difference"]] * (status["groups_by"] == "nemenyi")
    demand(not tested or None not in numbers, where, "a document with the numbers of its test", numbers)
    demand(tested == bool(status["groups_by"]), where, "a document with either a test or a note", status["groups_by"])
    tables = {name: visible_texts(frame) for name, frame in found.tables.items()}
    return SweepTables(**tables, status=visible_value(status), place=folder)


def _span(values: pd.Series) -> str:
    """12, or 12 to 80."""
    if values.empty:
        return number(float("nan"))
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low} to {high}"
