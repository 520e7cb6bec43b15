"""Descriptions: an architecture as numbers that are known without building a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from harness.schema.base import FACT_COLUMNS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.schema.architecture import Architecture
    from harness.schema.benchmark import Benchmark
    from harness.schema.image_set import ImageSet

PREFIX = "description_"
"""How the columns of descriptions begin: one a kind, a vector, constant along the trace and added like FACT_COLUMNS."""


@dataclass(frozen=True)
class Description:
    """An architecture as numbers: `values` (d,), nan where one does not apply, and their `names` (d)."""

    names: tuple[str, ...]
    values: NDArray[np.float64]


@runtime_checkable
class Described(Protocol):
    """A benchmark that describes its architectures by numbers, which a predictor reads as a column of every trace.

    `descriptions` are the kinds there are. Kinds that predictors of this package read: "features", what the benchmark
    knows best of an architecture, in numbers that a regression can use; "operations", each discrete choice as one 0 or
    1 per possible value; "paths", one 0 or 1 per possible sequence of operations from input to output.
    """

    @property
    def descriptions(self) -> tuple[str, ...]: ...

    def description(self, architecture: Architecture, kind: str, images: ImageSet) -> Description:
        """The description of this kind; its names are the same for all architectures. No network is built for it."""
        ...


def description_columns(bench: Benchmark) -> dict[str, str]:
    """The columns with descriptions that a benchmark's traces get, with their kinds; none where it has none."""
    return {f"{PREFIX}{kind}": kind for kind in bench.descriptions} if isinstance(bench, Described) else {}


def descriptions_of(bench: Benchmark, architecture: Architecture, images: ImageSet) -> Mapping[str, Description]:
    """Every description of an architecture, by column."""
    columns = description_columns(bench)
    if not isinstance(bench, Described):
        return {}
    return {column: bench.description(architecture, kind, images) for column, kind in columns.items()}


def is_property(column: str) -> bool:
    """Whether a column is known of an architecture without training: a fact or a description."""
    return column in FACT_COLUMNS or column.startswith(PREFIX)


def are_properties(columns: Iterable[str]) -> bool:
    """Whether all columns are known of an architecture without training: then nothing is paid, at any budget."""
    return all(is_property(column) for column in columns)
