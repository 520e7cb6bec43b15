"""One training, described: everything that decides the trace it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.schema import Architecture, ImageSet, Measure, Trace
from harness.train.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


@dataclass(frozen=True)
class TrainingJob:
    """One training of `architecture` on `images`, observed by `measures`.

    `build` gives the network, untrained; its weights are drawn from the training's own seed. `stream` names the source
    of randomness: runs and ground truth draw from different ones. `kernels` is "native",
    "native_watch" or "torch", what computes the updates and, of the second, what measures read.
    """

    architecture: Architecture
    build: Callable[[], nn.Module]
    images: ImageSet
    recipe: Recipe
    measures: Mapping[str, Measure]
    seed: int
    stream: str = "run"
    device: str = "cpu"
    kernels: str = "torch"


def clocks(measures: Mapping[str, Measure], recipe: Recipe) -> dict[str, str]:
    """For each column that costs time to read, the column with the seconds of each reading.

    A measure's columns are on its own clock, loss and accuracy of a watched split on that of the split.
    """
    watched = {f"{split}_{what}": f"seconds_{split}" for split in recipe.watch for what in ("loss", "accuracy")}
    return watched | clocks_of(measures)


def clocks_of(measures: Mapping[str, Measure]) -> dict[str, str]:
    """The same for the columns of measures alone."""
    return {column: f"seconds_{name}" for name, measure in measures.items() for column in measure.columns}


def finish(job: TrainingJob, table: pd.DataFrame, diverged: int | None) -> Trace:
    """The trace of a training: what was observed, with every declared column."""
    made = with_columns(table, job.measures)
    return Trace(job.architecture, job.seed, made, diverged, clocks(job.measures, job.recipe))


def with_columns(table: pd.DataFrame, measures: Mapping[str, Measure]) -> pd.DataFrame:
    """The table with every column that the measures declare.

    A column that its measure never gave, because it failed at every reading, is nan all along.
    """
    declared = [column for measure in measures.values() for column in measure.columns]
    return table.assign(**dict.fromkeys(sorted(set(declared) - set(table)), float("nan")))
