"""What a score costs, which predictors are worth their time, and the cheapest way to a given τ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.schema import Trace

Numbers = NDArray[np.float64]

COLUMNS = ["target", "predictor", "family", "step", "epoch", "images", "seconds", "fitted_on", "tau", "low", "high"]

COSTS = ["predictor", "step", "epoch", "images", "seconds", "fitted_on", "initial_seconds"]


@dataclass(frozen=True)
class Reads:
    """What a predictor pays for each architecture, in addition to its own time.

    `clocks`: the trace columns that hold the seconds of the measures it reads. `free`: it reads properties of the
    architecture alone, which cost nothing. `at_initialization`: it pays for readings at step 0 and for no training.
    """

    clocks: frozenset[str]
    free: bool = False
    at_initialization: bool = False


@dataclass(frozen=True)
class CostInput:
    """What costs are counted from: what each predictor reads, the scored `traces`, the `fit_traces` that learned
    predictors are fitted on (the same object where they are the same), and the number of training images."""

    reads: Mapping[str, Reads]
    traces: Sequence[Trace]
    fit_traces: Sequence[Trace]
    train_images: int


def costs(given: CostInput, timings: pd.DataFrame) -> pd.DataFrame:
    """Measured seconds of each predictor and budget: query time and initialization time (White et al. 2021).

    Columns: predictor, step, epoch, images, seconds, fitted_on, initial_seconds. `seconds` is what one more
    architecture costs: the mean over `traces` of the training until the budget and of the measures that the predictor
    reads, and one score. A predictor at initialization pays for its measures at step 0 and its score, and one that
    reads properties alone for nothing, at every budget. `initial_seconds` is what a learned predictor pays before its
    first score: `fitted_on` trainings such as those of `fit_traces` (none at initialization), with the measures it
    reads, and one fit. `epoch` and `images` are those of the budget. nan where a clock was not recorded. `timings` as
    `scoring.score_all` gives them.
    """
    every = sorted(set().union(*(reads.clocks for reads in given.reads.values())))
    scored = Clocks.of(given.traces, every)
    fitted = scored if given.fit_traces is given.traces else Clocks.of(given.fit_traces, every)
    rows = []
    for step in sorted(timings["step"].unique().tolist()):
        epoch = scored.epoch(step)
        spent = {of: (scored.until(of), fitted.until(of)) for of in {0, step}}
        for name, _, fitted_on, fit, score in timings[timings["step"] == step].itertuples(index=False):
            reads = given.reads[name]
            query, example = (_per_trace(reads, each) for each in spent[0 if reads.at_initialization else step])
            initial = fitted_on * example + fit if fitted_on else 0.0
            seconds = 0.0 if reads.free else query + score
            rows.append((name, step, epoch, round(epoch * given.train_images), seconds, fitted_on, initial))
    return pd.DataFrame(rows, columns=COSTS)


def _per_trace(reads: Reads, spent: Mapping[str, Numbers]) -> float:
    """Mean seconds a trace of what a predictor pays for; nan where no trace is observed by then."""
    if reads.free:
        return 0.0
    measures = [spent[clock] for clock in sorted(reads.clocks)]
    training = np.zeros_like(spent["seconds"]) if reads.at_initialization else spent["seconds"]
    total = np.sum([training, *measures], axis=0)
    return float(np.mean(total)) if total.size else float("nan")


@dataclass(frozen=True)
class Clocks:
    """The clocks of several traces, one trace after the other, (observations,) each; `starts`: the first row of each
    trace."""

    columns: Mapping[str, Numbers]
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, traces: Sequence[Trace], clocks: Sequence[str]) -> Clocks:
        """Those of the traces that have any observation; nan for clocks that were not recorded."""
        there = [trace for trace in traces if trace.observations]
        columns = {
            name: np.concatenate([t.numbers(name) if t.has(name) else np.full(t.observations, np.nan) for t in there])
            for name in ("step", "epoch", "seconds", *clocks)
        }
        return cls(columns, np.cumsum([0, *(trace.observations for trace in there)])[:-1])

    def epoch(self, step: int) -> float:
        """Passes over the training images until `step`, the most of any trace; nan where none is observed by then."""
        within = self.columns["epoch"][self.columns["step"] <= step]
        return float(within.max()) if within.size else float("nan")

    def until(self, step: int) -> dict[str, Numbers]:
        """Seconds by clock of each trace that is observed by `step`, (traces,).

        "seconds" are those of the training so far; the others are added up over the observations.
        """
        within = self.columns["step"] <= step
        seen = np.add.reduceat(within, self.starts, dtype=np.intp)
        begun = seen > 0
        last = (self.starts + seen - 1)[begun]
        spent = {
            name: np.add.reduceat(np.where(within, values, 0.0), self.starts)[begun]
            for name, values in self.columns.items()
        }
        return spent | {"seconds": self.columns["seconds"][last]}


def scores_most(metrics: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows have scores for at least half as many architectures as the row with the most.

    The τ of another one is over few architectures, and can be high by chance alone.
    """
    n = metrics["n"].to_numpy(dtype=float)
    return np.asarray(n >= n.max(initial=0) / 2)


def front(metrics: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether no other row is at least as good in both `seconds` and `tau` and better in one, (rows,).

    The Pareto front of cost and τ over all predictors and budgets. A row whose τ or seconds are nan, or that scores few
    architectures (`scores_most`), is not on it and dominates no other; equal rows are on it together.
    """
    known = metrics["tau"].notna() & metrics["seconds"].notna() & scores_most(metrics)
    on = np.zeros(len(metrics), dtype=bool)
    best = -np.inf
    groups = metrics.reset_index(drop=True)[known.to_numpy()].groupby("seconds")["tau"]
    for _, taus in groups:
        if taus.max() > best:
            best = taus.max()
            on[taus.index[taus == best]] = True
    return on


def time_to_tau(metrics: pd.DataFrame, targets: Sequence[float]) -> pd.DataFrame:
    """The cheapest budget at which each predictor reaches each target τ; those that never do have no row.

    Columns: target, predictor, family, step, epoch, images, seconds, fitted_on, tau, low, high. The cheapest is that of
    fewest `seconds`, among equal ones (or where they were not recorded) that of fewest updates; τ may fall below the
    target again at a later budget. Rows that score few architectures (`scores_most`) do not count. Sorted by target and
    seconds, those not recorded last.
    """
    frames = []
    for target in targets:
        reached = metrics[(metrics["tau"] >= target) & scores_most(metrics)].sort_values(
            ["seconds", "step"], kind="stable"
        )
        frames.append(reached.drop_duplicates("predictor").assign(target=float(target)))
    found = pd.concat(frames) if frames else metrics.head(0).assign(target=0.0)
    found = found.rename(columns={"tau_low": "low", "tau_high": "high"})
    return found[COLUMNS].sort_values(["target", "seconds", "step", "predictor"], ignore_index=True)
