"""What predictors are scored on, as arrays that worker processes share, and as traces cut to every budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from harness.evaluate.folds import assign_folds
from harness.evaluate.predictions import AnyPredictor, BudgetedTrace, FitExample, Fold, cut
from harness.schema import Architecture, Trace, demand, digest
from harness.schema.trace_set import TraceSet

INITIAL = 0
"""The step at which predictors at initialization see every trace, whatever the budget."""

CLOCK = ("step", "epoch", "seconds")


@dataclass(frozen=True)
class ScoringInput:
    """What predictors are scored on.

    `traces`, one an architecture; `accuracies` (architectures,) in percent, nan where unknown; `budgets` in steps
    (updates); cross-fitting in `folds` folds that depend on `seed` and the names. `fitting`: traces of other networks
    (of another width, say) by architecture name, on which learned predictors are fitted instead of on `traces`.
    """

    traces: Sequence[Trace]
    accuracies: NDArray[np.float64]
    budgets: Sequence[int]
    folds: int
    seed: int
    fitting: Sequence[Mapping[str, Trace]] = ()
    learned_every: int = 1
    """Learned predictors are scored at every k-th budget, counted back from the last, k = `learned_every`."""

    def __post_init__(self) -> None:
        demand(self.folds >= 2, "evaluate.folds", "at least 2", self.folds)
        demand(all(step >= 0 for step in self.budgets), "evaluate.budgets", "steps of at least 0", list(self.budgets))
        demand(self.learned_every >= 1, "evaluate.learned_every", "at least 1", self.learned_every)
        names = [trace.architecture.name for trace in self.traces]
        twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        demand(not twice, "traces", "one per architecture", twice)


@dataclass(frozen=True)
class ScoringTable:
    """What is given, sorted by name, as arrays of the columns that the predictors read.

    Big arrays reach a worker process as memory maps; the traces are made from them there, once a process, which `token`
    tells. `others` holds the index of the architecture of each trace of `fitting`.
    """

    predictors: Mapping[str, AnyPredictor]
    budgets: Sequence[int]
    learned_every: int
    accuracies: NDArray[np.float64]
    fold: NDArray[np.int64]
    scored: TraceSet
    others: NDArray[np.int64]
    fitting: TraceSet
    token: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(cls, given: ScoringInput, predictors: Mapping[str, AnyPredictor]) -> ScoringTable:
        """The table of what is given, with all columns that these predictors read."""
        order = sorted(range(len(given.traces)), key=lambda i: given.traces[i].architecture.name)
        traces = [given.traces[i] for i in order]
        at = {trace.architecture.name: i for i, trace in enumerate(traces)}
        others = [(at[name], trace) for source in given.fitting for name, trace in sorted(source.items())]
        read = [column for predictor in predictors.values() for column in predictor.columns]
        clocks = [clock for trace in traces[:1] for clock in map(trace.clocks.get, read) if clock is not None]
        names = [*CLOCK, *read, *clocks]
        return cls(
            predictors,
            list(given.budgets),
            given.learned_every,
            np.asarray(given.accuracies, dtype=float)[order],
            assign_folds([trace.architecture for trace in traces], given.folds, given.seed),
            TraceSet.of(traces, names),
            np.array([i for i, _ in others], dtype=np.int64),
            TraceSet.of([trace for _, trace in others], names),
        )

    @property
    def architectures(self) -> list[Architecture]:
        """The scored architectures, sorted by name."""
        return [architecture for architecture, *_ in self.scored.about]

    def content_of(self, columns: Sequence[str]) -> str:
        """SHA-256 (hex) of all besides settings and code that scores from these columns depend on: what the columns
        hold, architectures, accuracies and folds."""
        parts: list[object] = [self.accuracies.tolist(), self.fold.tolist(), self.others.tolist()]
        for traces in (self.scored, self.fitting):
            read = [*CLOCK, *columns]
            clocks = {clock for about in traces.about[:1] for clock in map(about[3].get, columns) if clock}
            parts.append([[vars(architecture), diverged] for architecture, _, diverged, _ in traces.about])
            parts.append({name: self._content(traces, name) for name in (*read, *sorted(clocks))})
        return digest(parts)

    def _content(self, traces: TraceSet, name: str) -> str:
        key = traces is self.scored, name
        if key not in self._contents:
            self._contents[key] = traces.content(name)
        return self._contents[key]

    @cached_property
    def _contents(self) -> dict[tuple[bool, str], str]:
        return {}

    def at(self, step: int) -> tuple[Sequence[BudgetedTrace], Fold]:
        """The traces cut to `step`, and what learned predictors are fitted on there."""
        return _cut_tables(self.token).at(self, step)


class CutTable:
    """The traces of one table, cut to each step that was asked for."""

    def __init__(self) -> None:
        self.whole: tuple[list[Trace], list[Trace]] | None = None
        self.steps: dict[int, tuple[Sequence[BudgetedTrace], Fold]] = {}

    def at(self, table: ScoringTable, step: int) -> tuple[Sequence[BudgetedTrace], Fold]:
        """As `ScoringTable.at`."""
        if self.whole is None:
            self.whole = table.scored.traces(), table.fitting.traces()
        if step not in self.steps:
            seen = [cut(trace, step) for trace in self.whole[0]]
            other = [(i, cut(trace, step)) for i, trace in zip(table.others.tolist(), self.whole[1], strict=True)]
            examples: list[FitExample] = other or list(enumerate(seen))
            self.steps[step] = seen, Fold(examples, table.accuracies, table.fold)
        return self.steps[step]


@lru_cache(maxsize=1)
def _cut_tables(token: str) -> CutTable:
    """That of the table with this token, kept until another one is asked for."""
    return CutTable()


def forget() -> None:
    """Keep no traces of a table that is scored."""
    _cut_tables.cache_clear()
