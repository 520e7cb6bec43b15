"""Measured costs of predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.runs.spec import RunSpec
from harness.schema import FACT_COLUMNS, Trace


def _costs(
    spec: RunSpec,
    traces: Sequence[Trace],
    fit_examples: Sequence[Trace],
    timings: pd.DataFrame,
    train_images: int,
) -> pd.DataFrame:
    """Measured seconds of each predictor and budget, apart: what one more architecture costs, and what went before.

    `seconds` is the mean over `traces` of training up to there and of what the predictor reads, and its own time for
    one score; predictors of facts alone cost nothing, one that reads a zero-cost column still pays for its training.
    `initial_seconds` is what a learned predictor saw first: `fitted_on` trainings like those of `fit_examples`, with
    the measures it reads, and one fit. nan where the clock of anything in it was not recorded.
    """
    clock_of = spec.clock_of()
    read = {name: predictor.columns for name, predictor in spec.predictors.items()}
    clocks = {name: {clock_of[c] for c in columns if clock_of[c]} for name, columns in read.items()}
    every = sorted(set().union(*clocks.values()))
    own = _Clocks.of(traces, every)
    taught_on = own if fit_examples is traces else _Clocks.of(fit_examples, every)
    rows = []
    for step in sorted(timings["step"].unique().tolist()):
        passes, spent = own.until(step)
        seen = spent if taught_on is own else taught_on.until(step)[1]
        for name, _, fitted_on, fit, score in timings[timings["step"] == step].itertuples(index=False):
            free = set(read[name]) <= set(FACT_COLUMNS)
            once, taught = (
                0.0 if free else float(np.mean(sum((told[clock] for clock in clocks[name]), told["seconds"])))
                for told in (spent, seen)
            )
            initial = fitted_on * taught + fit if fitted_on else 0.0
            query = 0.0 if free else once + score
            rows.append((name, step, passes, round(passes * train_images), query, fitted_on, initial))
    names = ["predictor", "step", "epoch", "images", "seconds", "fitted_on", "initial_seconds"]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class _Clocks:
    """What traces say of time, one after the other, (observations,) each; `starts` is the place of each one's first."""

    columns: Mapping[str, NDArray[np.float64]]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, traces: Sequence[Trace], clocks: Sequence[str]) -> _Clocks:
        """Those of the traces that have any observation; nan for clocks that were not recorded."""
        tables = [trace.table for trace in traces if len(trace.table)]
        columns = {
            name: np.concatenate(
                [t[name].to_numpy(dtype=float) if name in t else np.full(len(t), np.nan) for t in tables]
            )
            for name in ("step", "epoch", "seconds", *clocks)
        }
        return cls(columns, np.cumsum([0, *map(len, tables)])[:-1])

    def until(self, step: int) -> tuple[float, dict[str, NDArray[np.float64]]]:
        """Passes over the images by then, and by clock the seconds of each training that was observed by then.

        "seconds" are those of the training so far; the others are added up over its observations.
        """
        within = self.columns["step"] <= step
        seen = np.add.reduceat(within, self.starts, dtype=np.intp)
        begun = seen > 0
        last = (self.starts + seen - 1)[begun]
        spent = {
            name: np.add.reduceat(np.where(within, values, 0.0), self.starts)[begun]
            for name, values in self.columns.items()
        }
        return float(self.columns["epoch"][last].max()), spent | {"seconds": self.columns["seconds"][last]}
