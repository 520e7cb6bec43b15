"""The tables of two runs, and what their comparison is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.evaluate.settings import Evaluation
from harness.evaluate.two_runs import LastScores, Pairing, Resampling, compare_runs, pair
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.report.two_runs.settings import differing_settings
from harness.schema import demand

LETTERS = ("A", "B")
"""How the first and the second run are called."""


@dataclass(frozen=True)
class RunPair:
    """Two runs, A and B. `names` are those of their folders, `differences` the table of `compare_runs`: B less A.

    `settings` has the columns key, first and second: a row for each setting that differs.
    """

    runs: tuple[RunTables, RunTables]
    names: tuple[str, str]
    settings: pd.DataFrame
    differences: pd.DataFrame
    pairing: Pairing

    @property
    def counts(self) -> tuple[int, int]:
        """Architectures with a ground truth in each run."""
        first, second = (int(run.architectures["truth"].notna().sum()) for run in self.runs)
        return first, second

    @property
    def is_tested(self) -> bool:
        """Whether there are permutation tests: not where the runs are unpaired or their ground truths differ."""
        return self.pairing.is_paired and self.pairing.same_truth

    def only_in(self, run: int) -> list[str]:
        """The predictors that the first (0) or the second (1) run alone has, best τ first."""
        other = set(self.runs[1 - run].final["predictor"])
        return [str(name) for name in self.runs[run].final["predictor"] if name not in other]


def read_pair(folders: tuple[Path, Path]) -> RunPair:
    """The runs in two results folders, compared with the level, draws and seed of the first.

    Raises BadInput where a folder is damaged, where both are one run, or where the runs have no predictor in common.
    """
    same = folders[0].resolve() == folders[1].resolve()
    demand(not same, "results", "the folders of two different runs", [str(folder) for folder in folders])
    first, second = read(folders[0]), read(folders[1])
    common = set(first.final["predictor"]) & set(second.final["predictor"])
    demand(bool(common), "results", "two runs with a predictor in common", [str(folder) for folder in folders])
    judged = first.status["evaluation"]
    usual = Evaluation()
    draws, swaps, seed = (int(judged.get(key, getattr(usual, key))) for key in ("bootstrap", "permutations", "seed"))
    how = Resampling(draws, first.level, swaps, seed)
    scores = last_scores(first), last_scores(second)
    return RunPair(
        (first, second), _names(folders), differing_settings(folders, (first, second)), compare_runs(*scores, how),
        pair(*scores),
    )  # fmt: skip


def last_scores(tables: RunTables) -> LastScores:
    """The scores of a run at its last budget, with its ground truth and the families of its predictors."""
    wide = tables.at_end(tables.scores).pivot(index="predictor", columns="architecture", values="score")
    kept = [name for name in tables.final["predictor"] if name in wide.index]
    truth = tables.architectures.set_index("architecture")["truth"]
    return LastScores(wide.loc[kept], truth, tables.final.set_index("predictor")["family"])


def _names(folders: tuple[Path, Path]) -> tuple[str, str]:
    """The names of two folders, with that of the folder above where they are equal."""
    first, second = (folder.resolve() for folder in folders)
    if first.name != second.name:
        return first.name, second.name
    return f"{first.parent.name}/{first.name}", f"{second.parent.name}/{second.name}"
