"""Anybody's scores against accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.api.results import Results, read
from harness.cli.compare import RESULTS, write_page
from harness.evaluate.settings import Evaluation
from harness.runs.comparison import Comparison, Given
from harness.runs.comparison import compare as judge
from harness.schema import demand

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Compared(Results):
    """The judgement of given scores, with the tables of a run; those of a training are without rows.

    `notes` says how accuracies were read and what was left out.
    """

    comparison: Comparison | None = field(default=None)

    @property
    def notes(self) -> Sequence[str]:
        """How accuracies were read and what was left out, a line each."""
        return self.comparison.notes if self.comparison else ()

    def page(self, out: str | Path | None = None) -> Path:
        """The report: index.html in the folder `out`, which is written with the tables next to it. BadInput."""
        demand(out is not None, "out", "a folder for the page", out)
        assert self.comparison is not None
        return write_page(self.comparison, Path(str(out)))


def compare(
    scores: pd.DataFrame | str | Path,
    accuracies: pd.DataFrame | str | Path,
    seeds: str | None = None,
    lower_is_better: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    out: str | Path | None = None,
) -> Compared:
    """How well given scores rank: τ with intervals, noise ceiling, paired tests, subsets, as of a run. No torch.

    `scores`: a table, or the path of a CSV, Parquet or JSON file, with a column `architecture` and a number column for
    each predictor, higher is better but for those in `lower_is_better`; nan is no score. `accuracies`: columns
    `architecture` and `accuracy`, in percent, or fractions where none is above 1; with one row for each training, the
    column `seeds` (None: `seed`, where there is one) names its seed, and the noise ceiling is estimated from them.
    `families` groups predictors in tables and figures. `out`: folder of a page, with the tables next to it; None: see
    `Compared.page`. Raises BadInput.

    Examples:
        >>> import pandas as pd
        >>> names = [f"net{i}" for i in range(6)]
        >>> scores = pd.DataFrame({"architecture": names, "mine": [1, 2, 3, 5, 4, 6], "other": [2, 1, 4, 3, 6, 5]})
        >>> accuracies = pd.DataFrame({"architecture": names, "accuracy": [0.71, 0.75, 0.8, 0.81, 0.84, 0.9]})
        >>> compared = compare(scores, accuracies)
        >>> compared.taus[["predictor", "tau"]].round(2).values.tolist()
        [['mine', 0.87], ['other', 0.6]]
        >>> compared.notes
        ['accuracies: fractions, taken as percent']
    """
    found = judge(Given(scores, accuracies, seeds, tuple(lower_is_better), families), Evaluation(studied=[]))
    fields: dict[str, Any] = {**found.tables, "status": dict(found.status), "environment": dict(found.environment)}
    made = Compared(**fields, comparison=found)
    if out is None:
        return made
    made.page(out)
    return Compared(**vars(read(Path(out) / RESULTS)), comparison=found)
