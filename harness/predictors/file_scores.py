"""Scores from a file: published tables of proxies, or those of another program."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import ClassVar

from harness.schema import NO_IDENTITY, BadInput, FileScores, NoScore, Trace, demand
from harness.storage import rows
from harness.storage.rows import ARCHITECTURE

KEY = "predictor.file_scores"


@dataclass(frozen=True)
class ScoresFromFile:
    """The number in `column` of the table at `path` (CSV, Parquet or JSON; see `storage.rows`), times `sign`.

    `architectures` is the column that names them, in any notation that the benchmark reads. `sign` declares the
    direction: 1 where higher is better, -1 where lower is. `under`: the key of a JSON file below which the table lies.
    An empty cell is no score. Nothing is trained for it, and nothing is paid: what the scores cost is not known here.
    """

    kind: ClassVar[str] = "predictor/file_scores"
    columns: ClassVar[tuple[str, ...]] = ()

    path: str = field(metadata=NO_IDENTITY)
    column: str
    sign: float
    family: str
    architectures: str = ARCHITECTURE
    under: str | None = None

    def __post_init__(self) -> None:
        demand(abs(self.sign) == 1, f"{KEY}.sign", "1 (higher is better) or -1", self.sign)
        table = rows.read(Path(self.path), f"{KEY}.path", self.under)
        rows.column(table, self.architectures, f"{KEY}.architectures", Path(self.path))
        rows.column(table, self.column, f"{KEY}.column", Path(self.path))

    def content(self) -> str:
        """SHA-256 (hex) of the file."""
        return hashlib.sha256(Path(self.path).read_bytes()).hexdigest()

    def read_file(self, name_of: Callable[[object], str]) -> FileScores:
        """The scores by name. Raises BadInput for a cell that is no number and for an architecture that has two rows,
        by the number of the row."""
        table = rows.read(Path(self.path), f"{KEY}.path", self.under)
        row_of: dict[str, int] = {}
        scores, unknown = {}, {}
        for row, architecture, cell in zip(table.index, table[self.architectures], table[self.column], strict=True):
            try:
                name = name_of(architecture)
            except BadInput as error:
                unknown[int(row)] = str(error)
                continue
            score = rows.number(cell)
            demand(
                score is not None, f"{KEY}.path", f"numbers in {self.column}", f"{cell!r} in row {row} of {self.path}"
            )
            twice = f"rows {row_of.get(name)} and {row} of {self.path} for {name}"
            demand(name not in row_of, f"{KEY}.path", "a table with one row per architecture", twice)
            assert score is not None
            row_of[name], scores[name] = int(row), self.sign * score
        return FileScores(scores, unknown, TableScores(scores, Path(self.path).name, self.family))

    def score(self, trace: Trace) -> float:
        """The score of an architecture that stands in the file under its name; see `TableScores`."""
        return self.read_file(str).predictor.score(trace)


@dataclass(frozen=True)
class TableScores:
    """Scores by the name of the architecture, out of a file of this name."""

    columns: ClassVar[tuple[str, ...]] = ()

    scores: Mapping[str, float] = field(repr=False)
    file: str
    family: str

    def score(self, trace: Trace) -> float:
        """The score; higher is better. Raises NoScore where the file has none."""
        found = self.scores.get(trace.architecture.name)
        if found is None or isnan(found):
            raise NoScore(f"{self.file} has {'no row for it' if found is None else 'an empty cell'}")
        return found
