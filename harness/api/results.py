"""The stored tables of a run as frames, and its page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.report import REPORTS, report_config
from harness.files.paths import page_folder
from harness.report.run_files import read as read_tables
from harness.report.run_tables import RunTables
from harness.report.write import page_lock, write

if TYPE_CHECKING:
    import pandas as pd

TAUS = ["predictor", "family", "tau", "tau_low", "tau_high", "n", "failed"]
"""Columns of `Results.taus`, as docs/results.md describes them."""


@dataclass(frozen=True, repr=False)
class Results(RunTables):
    """What one run found: every table of docs/results.md is an attribute of that name, a DataFrame.

    `scores` has a row for each predictor, budget and architecture, `metrics` one for each predictor and budget, with
    τ, its interval and what a score costs; further `truth`, `ceiling`, `differences`, `selection`, `pairs`, `failures`,
    `trajectories` and others. `status` says what was run, `folder` where the tables are stored.
    """

    folder: Path | None = None

    @property
    def taus(self) -> pd.DataFrame:
        """Kendall τ-b of every predictor at the last budget with its interval, best first; see TAUS."""
        return self.final[TAUS]

    def page(self, out: str | Path | None = None) -> Path:
        """The report: index.html in the folder `out` (None: reports/BENCH-DATASET/RUN), which is written. BadInput."""
        assert self.folder is not None
        names = (f"{self.status['bench']}-{self.status['dataset']}", self.folder.resolve().name)
        place = page_folder(REPORTS, *names) if out is None else Path(out)
        with page_lock(place):
            return write(self.folder, place, report_config(self.config))

    def __repr__(self) -> str:
        counts = f"{len(self.architectures)} architectures, {len(self.final)} predictors"
        place = f"; {self.folder}" if self.folder else ""
        return f"{type(self).__name__}({self.status['bench']} on {self.status['dataset']}: {counts}{place})"


def read(folder: str | Path) -> Results:
    """The tables of a run's results folder, checked. Raises BadInput for one that is missing or damaged.

    Examples:
        >>> read("nowhere")
        Traceback (most recent call last):
            ...
        harness.schema.base.BadInput: results: must be a folder with stored tables (got 'nowhere')
    """
    return Results(**vars(read_tables(Path(folder))), folder=Path(folder))
