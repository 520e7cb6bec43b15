"""Scores that earlier runs made of the same traces: a new predictor scores only itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.evaluate.predictions import AnyPredictor, Clock
from harness.evaluate.scoring_parts import ByBudget
from harness.evaluate.scoring_table import ScoringTable
from harness.runs.environment import code_of, versions_of
from harness.schema import digest, settings
from harness.storage.found_scores import FoundScores, read, write
from harness.storage.source_digest import source_digest

COMPUTING = ("evaluate", "schema")
"""Rooms whose source decides a score, besides that of the predictor."""

PACKAGES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "lightgbm")


@dataclass(frozen=True)
class StoredScores:
    """What was found of predictors, a file each, in one folder.

    A file is known by what the scores depend on: the columns that the predictor reads, with the traces' architectures,
    accuracies and folds; the predictor's settings and source; the source of what scores it; versions of libraries. In
    it are scores by fold and step, so that another list of budgets finds those that it shares.
    """

    folder: Path

    def read(self, predictor: AnyPredictor, table: ScoringTable) -> ByBudget:
        """What is stored of a predictor; empty where there is nothing, or nothing undamaged."""
        found = read(self._path(predictor, table))
        return {part: (each.predictions, Clock(each.fits, each.scored, each.seconds)) for part, each in found.items()}

    def write(self, predictor: AnyPredictor, table: ScoringTable, found: ByBudget) -> None:
        """Store what was found of a predictor."""
        made = {p: FoundScores(each, c.fits, c.scored, c.seconds) for p, (each, c) in found.items()}
        write(self._path(predictor, table), made)

    def _path(self, predictor: AnyPredictor, table: ScoringTable) -> Path:
        own = [settings(predictor), source_digest(type(predictor))]
        known_as = digest([table.content_of(predictor.columns), own, self._code])
        return self.folder / known_as[:2] / f"{known_as}.parquet"

    @cached_property
    def _code(self) -> list[str]:
        return [code_of(COMPUTING), *versions_of(PACKAGES).values()]
