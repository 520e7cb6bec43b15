"""Several runs judged together: mean τ-b over run seeds for each setting, with an interval over both levels.

A run seed draws the architectures, the weights, the batches and the probes anew, so runs of one setting differ by more
than their architectures. The hierarchical bootstrap (Davison & Hinkley 1997, section 3.8) resamples both: R run seeds
with replacement, then the architectures within each drawn run with replacement, then the average of the R values of τ.

How wide it is (derived): let the τ of a run have variance b between seeds, were its architectures endless, and w from
drawing its architectures. The mean over R seeds has variance (b + w) / R; the bootstrap's is about
(b + w) (R − 1) / R² + w / R, which is (R − 1) / R + w / (b + w) times as much. So it is too wide where the draw of
architectures decides, and too narrow where seeds do and there are few of them. Simulated at a nominal 95 % with 40
architectures and τ near .26, coverage without seed effects, with a standard deviation of the correlation between seeds
of .1, and of .2: R = 2: .96, .92, .86; R = 3: .97, .96, .90; R = 5: .98, .96, .94; R = 10: 1.00, .98, .93. With one
seed there is nothing to resample between seeds: it is the ordinary bootstrap over architectures (.94, .88, .75), and
does not cover other seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from harness.evaluate.bootstrap import draws, interval
from harness.evaluate.correlations import tau_b
from harness.schema import demand, seed_of
from harness.schema.columns import GATHERED_TARGETS

Numbers = NDArray[np.float64]
Label = tuple[str, int]
"""A predictor and a step."""

COLUMNS = [
    *("setting", "predictor", "family", "step", "last", "jobs", "n", "tau", "low", "high", "sd"),
    *("baseline", "difference", "difference_low", "difference_high"),
]


@dataclass(frozen=True)
class Run:
    """One run: `scores` has the columns predictor, step, architecture, score (higher is better, nan: none),
    `truth` the accuracy by architecture (nan: none), `roles` the columns predictor, family, baseline; `targets` the
    columns target, predictor, step, tau, n, where the run was judged by further ground truths."""

    setting: str
    seed: int
    scores: pd.DataFrame
    truth: pd.Series
    roles: pd.DataFrame
    targets: pd.DataFrame | None = None


@dataclass(frozen=True)
class _Table:
    """Scores (labels, architectures) and truth (architectures,) of one run, labels being those of its setting."""

    seed: int
    scores: Numbers
    truth: Numbers


def gather(runs: Sequence[Run], bootstrap: int, level: float, seed: int) -> pd.DataFrame:
    """One row for each setting, predictor and step, of the columns COLUMNS; settings in order of appearance.

    `tau` is the mean of the runs' τ-b, over the `jobs` runs in which the predictor has one, with the hierarchical
    percentile interval `low`, `high` at `level` out of `bootstrap` draws; `sd` the standard deviation of τ-b between
    those runs (divisor jobs − 1; nan for one), `n` the scored architectures of all of them together. `difference` is
    paired to `baseline`, the baseline of highest mean τ at that step among those that have one in most runs, other than
    the predictor itself: the mean, over the runs where both have a τ, of the difference on the architectures that both
    score, under the same draws. Being the best of several on these same data, the baseline is favoured. `last` says
    whether the step is the setting's last. A τ that no run has is nan, with jobs 0
    and nothing to compare. With one run the draws are those of
    its own evaluation with this seed.

    Raises BadInput where two runs of a setting have one seed.
    """
    frames = []
    for setting in dict.fromkeys(run.setting for run in runs):
        mine = sorted((run for run in runs if run.setting == setting), key=lambda run: run.seed)
        seeds = [run.seed for run in mine]
        demand(len(set(seeds)) == len(seeds), "seed", f"one run a seed in the setting {setting!r}", seeds)
        with threadpool_limits(1):  # thousands of small products: threads only wait for each other
            frames.append(_setting(mine, bootstrap, level, seed).assign(setting=setting))
    if not frames:
        return pd.DataFrame(columns=COLUMNS).astype({"step": int, "last": bool, "jobs": int, "n": int, "tau": float})
    return pd.concat(frames, ignore_index=True)[COLUMNS]


def last_taus(runs: Sequence[Run]) -> pd.DataFrame:
    """τ-b of each run (rows, named by setting and seed) and predictor (columns) at its last step; nan for none."""
    rows = {}
    for run in runs:
        labels = list(_labels(run))
        last = max((step for _, step in labels), default=0)
        labels = [label for label in labels if label[1] == last]
        table = _table(run, labels)
        taus = tau_b(table.scores, table.truth)[:, 0]
        rows[f"{run.setting}, seed {run.seed}"] = {name: tau for (name, _), tau in zip(labels, taus, strict=True)}
    return pd.DataFrame.from_dict(rows, orient="index")


def gather_targets(runs: Sequence[Run]) -> pd.DataFrame:
    """τ-b with further ground truths: one row for each setting, target and predictor, of the columns of the table.

    Each at the last step of its run, as the mean over the `jobs` runs in which it is finite; `sd` has the divisor jobs
    − 1. There is no interval: a run keeps no accuracies of a further ground truth. No run with targets: no rows.
    """
    found = [
        run.targets[run.targets["step"] == run.targets["step"].max()].assign(setting=run.setting)
        for run in runs
        if run.targets is not None
    ]
    if not found:
        return pd.DataFrame(columns=GATHERED_TARGETS.names)
    rows = pd.concat(found, ignore_index=True)
    rows["n"] = rows["n"].where(rows["tau"].notna(), 0)
    by = rows.groupby(["setting", "target", "predictor"], sort=False)
    table: pd.DataFrame = by.agg(jobs=("tau", "count"), n=("n", "sum"), tau=("tau", "mean"), sd=("tau", "std"))
    return table.reset_index()


def mean_and_draws(
    observed: Numbers, drawn: Numbers
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Means over runs of what is finite, (labels,) observed and (labels, draws) drawn, and how many runs were finite.

    `observed` (labels, runs); `drawn` (labels, slots, draws): what each draw holds in each of its drawn runs.
    """
    return _mean(observed, 1), _mean(drawn, 1), np.isfinite(observed).sum(axis=1)


def slots(runs: int, bootstrap: int, seed: int) -> NDArray[np.int64]:
    """Which run each draw holds in each of its slots, (slots, draws): runs drawn with replacement; one run: only it."""
    return np.random.default_rng(seed_of(seed, "runs")).integers(0, runs, (runs, bootstrap))


def _setting(runs: Sequence[Run], bootstrap: int, level: float, seed: int) -> pd.DataFrame:
    """The rows of one setting, whose runs are sorted by seed."""
    roles = pd.concat([run.roles for run in runs]).drop_duplicates("predictor").set_index("predictor")
    family, baseline = roles["family"].to_dict(), roles["baseline"].to_dict()
    labels = list(dict.fromkeys(label for run in runs for label in _labels(run)))
    tables = [_table(run, labels) for run in runs]
    held = slots(len(runs), bootstrap, seed)
    observed, drawn = _taus(tables, held, seed)
    mean, means, jobs = mean_and_draws(observed, drawn)
    last = max((step for _, step in labels), default=0)
    rows = []
    for row, (predictor, step) in enumerate(labels):
        rivals = [i for i, (p, s) in enumerate(labels) if s == step and i != row and baseline[p]]
        best = max(rivals, key=lambda i: (jobs[i], mean[i] if jobs[i] else 0.0), default=None)
        against = ("", np.nan, np.nan, np.nan)
        if best is not None and jobs[best] and jobs[row]:
            against = (labels[best][0], *_difference([row, best], tables, held, seed, (observed, drawn), level))
        scored = [int((np.isfinite(t.scores[row]) & np.isfinite(t.truth)).sum()) for t in tables]
        rows.append((
            predictor, str(family[predictor]), step, step == last, int(jobs[row]),
            sum(n for n, tau in zip(scored, observed[row], strict=True) if np.isfinite(tau)),
            mean[row], *_interval(mean[row], means[row], level), _sd(observed[row]), *against,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS[1:])


def _labels(run: Run) -> Iterable[Label]:
    pairs = run.scores[["predictor", "step"]].drop_duplicates()
    return ((str(predictor), int(step)) for predictor, step in pairs.itertuples(index=False))


def _table(run: Run, labels: Sequence[Label]) -> _Table:
    """The run's scores as one array, on the architectures that have a truth, sorted by name."""
    truth = run.truth.dropna().sort_index()
    wide = run.scores.pivot(index=["predictor", "step"], columns="architecture", values="score")
    wide = wide.reindex(index=pd.MultiIndex.from_tuples(labels), columns=truth.index)
    return _Table(run.seed, wide.to_numpy(dtype=float), truth.to_numpy(dtype=float))


def _draws(table: _Table, runs: int, count: int, seed: int) -> NDArray[np.int64]:
    """Draws of the architectures of one run, (count, architectures), independent between runs; for a lone run those
    of its own evaluation."""
    return draws(len(table.truth), count, seed if runs == 1 else seed_of(seed, "architectures", table.seed))


def _taus(tables: Sequence[_Table], held: NDArray[np.int64], seed: int) -> tuple[Numbers, Numbers]:
    """τ-b as observed (labels, runs), and as drawn (labels, slots, draws)."""
    rows = len(tables[0].scores)
    observed, drawn = np.full((rows, len(tables)), np.nan), np.full((rows, *held.shape), np.nan)
    for run, table in enumerate(tables):
        places = np.nonzero(held == run)
        weights = _draws(table, len(tables), len(places[0]), seed)
        observed[:, run] = tau_b(table.scores, table.truth)[:, 0]
        if len(weights):
            drawn[:, places[0], places[1]] = tau_b(table.scores, table.truth, weights)
    return observed, drawn


def _difference(
    pair: list[int],
    tables: Sequence[_Table],
    held: NDArray[np.int64],
    seed: int,
    taus: tuple[Numbers, Numbers],
    level: float,
) -> tuple[float, float, float]:
    """Mean paired difference of the first row of `pair` to the second, with its interval."""
    finite = [np.isfinite(table.scores[pair]) for table in tables]
    if all((row[0] == row[1]).all() for row in finite):
        observed, drawn = taus[0][pair], taus[1][pair]
    else:
        common = [
            _Table(t.seed, np.where(f.all(axis=0), t.scores[pair], np.nan), t.truth)
            for t, f in zip(tables, finite, strict=True)
        ]
        observed, drawn = _taus(common, held, seed)
    mean, means, _ = mean_and_draws((observed[0] - observed[1])[None], (drawn[0] - drawn[1])[None])
    return (float(mean[0]), *_interval(mean[0], means[0], level))


def _interval(observed: float, drawn: Numbers, level: float) -> tuple[float, float]:
    return interval(drawn, level) if np.isfinite(observed) else (float("nan"), float("nan"))


def _mean(values: Numbers, axis: int) -> Numbers:
    """The mean of what is finite along an axis, nan where nothing is."""
    finite = np.isfinite(values)
    total, count = np.where(finite, values, 0).sum(axis=axis), finite.sum(axis=axis)
    mean: Numbers = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _sd(taus: Numbers) -> float:
    finite = taus[np.isfinite(taus)]
    return float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")
