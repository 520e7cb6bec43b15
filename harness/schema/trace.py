"""What a training leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harness.schema.architecture import Architecture
from harness.schema.base import NoScore
from harness.schema.trace_columns import Columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Made = TypeVar("Made")


@dataclass(frozen=True)
class Trace:
    """What one brief training left behind.

    `table` has one row an observation, sorted by `step` (updates made; the first row is step 0, before any), with
    `epoch` (passes over the training images), `seconds` (of training alone, so far) and the measured columns, numbers
    or vectors. `diverged` is the step at which the loss stopped being finite, None if it never did; no row follows it.
    """

    architecture: Architecture
    seed: int
    table: pd.DataFrame
    diverged: int | None = None
    clocks: Mapping[str, str] = field(default_factory=dict)
    """For a measured column the one that holds the seconds of each reading, 0 where it was not due."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """How it was made, as far as its key does not say: stored with the versions and the machine, and not read back."""

    @classmethod
    def of_columns(
        cls,
        architecture: Architecture,
        seed: int,
        columns: Columns,
        diverged: int | None,
        clocks: Mapping[str, str],
    ) -> Trace:
        """A trace whose columns lie in arrays that other traces share; its `table` is made when it is asked for."""
        trace = object.__new__(cls)
        vars(trace).update(architecture=architecture, seed=seed, diverged=diverged, clocks=clocks, _columns=columns)
        return trace

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """The table of a trace that was made of columns."""
            if name != "table" or "_columns" not in vars(self):
                raise AttributeError(name)
            vars(self)["table"] = self._columns.frame()
            return vars(self)["table"]

    @property
    def observations(self) -> int:
        """Number of observations."""
        return len(self._source)

    def has(self, name: str) -> bool:
        """Whether it has a column of this name."""
        return name in self._source

    def with_constants(self, constants: Mapping[str, Any]) -> Trace:
        """The trace with columns of one value each, a number or a vector (d,), in place of its own of these names."""
        source = self._source
        if isinstance(source, Columns):
            names = tuple(name for name in source.names if name not in constants)
            columns = replace(source, names=names, constants={**source.constants, **constants})
            return Trace.of_columns(self.architecture, self.seed, columns, self.diverged, self.clocks)
        table = source.drop(columns=[*constants], errors="ignore")
        numbers = {name: value for name, value in constants.items() if not isinstance(value, np.ndarray)}
        table = table.assign(**numbers)
        for name, value in constants.items():
            if isinstance(value, np.ndarray):
                table.insert(len(table.columns), name, [value] * len(table))
        return replace(self, table=table)

    def until(self, budget: int) -> Trace:
        """The same trace as it stood after `budget` steps; what came later is gone."""
        diverged = self.diverged if self.diverged is not None and self.diverged <= budget else None
        source = self._source
        if isinstance(source, Columns):
            last = source.first + int(np.searchsorted(self.cells("step"), budget, side="right"))
            columns = replace(source, last=last)
            return Trace.of_columns(self.architecture, self.seed, columns, diverged, self.clocks)
        return replace(self, table=self.table[self.table["step"] <= budget], diverged=diverged)

    def column(self, name: str) -> NDArray[np.float64]:
        """The finite values of a number column, in order of steps. Raises NoScore where there is none."""
        values = self.numbers(name)
        finite: NDArray[np.float64] = values[np.isfinite(values)]
        if not finite.size:
            raise NoScore(f"no finite {name} within the budget")
        return finite

    def last(self, name: str) -> float:
        """The last value of a number column that was due. Raises NoScore where that reading gave no finite number.

        A column without a clock has its last finite value.
        """
        clock = self.clocks.get(name)
        if clock is None or not self.has(clock):
            return float(self.column(name)[-1])
        due = np.flatnonzero(self.numbers(clock) > 0)
        if not due.size or not np.isfinite(self.numbers(name)[due[-1]]):
            at = f" at step {self.cells('step')[due[-1]]}" if due.size else " within the budget"
            raise NoScore(f"no finite {name}{at}")
        return float(self.numbers(name)[due[-1]])

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A number column as an array (observations,), nan where nothing was read; not to be written to."""
        return self._array(name, np.dtype(float))

    def cells(self, name: str) -> NDArray[Any]:
        """A column as an array (observations,) of its own type, vectors as objects; not to be written to."""
        return self._array(name, None)

    @property
    def last_step(self) -> int:
        return int(self.cells("step")[-1])

    def kept(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once: predictors derive the same of a trace for every fold, fit and score.

        `key` names it and all that it depends on besides the trace. What is raised is raised every time.
        """
        if key not in self._kept:
            self._kept[key] = make()
        found: Made = self._kept[key]
        return found

    def _array(self, name: str, kind: np.dtype[Any] | None) -> NDArray[Any]:
        """Taken from the table once: predictors read the same columns hundreds of times."""
        key = name, kind
        if key not in self._arrays:
            source = self._source
            if isinstance(source, Columns):
                cells = source.cells(name)
                found = cells if kind is None or cells.dtype == kind else cells.astype(kind)
            else:
                found = source[name].to_numpy(dtype=kind)
            self._arrays[key] = found.view()
            self._arrays[key].flags.writeable = False
        return self._arrays[key]

    @property
    def _source(self) -> pd.DataFrame | Columns:
        columns: Columns | None = vars(self).get("_columns")
        return self.table if columns is None else columns

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    @cached_property
    def _arrays(self) -> dict[tuple[str, Any], NDArray[Any]]:
        return {}
