"""How well scores, or another publication's accuracies, rank models as published accuracies do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from harness.schema import demand

from .weighted_taus import weighted_taus

FEWEST = 3  # models with both numbers; two are ranked alike by chance every second time

STATISTICS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
    "weighted_tau": lambda x, y: float(stats.weightedtau(x, y).statistic),
    "tau": lambda x, y: float(stats.kendalltau(x, y).statistic),
    "spearman": lambda x, y: float(stats.spearmanr(x, y).statistic),
}
"""Rank correlations, higher is better. `weighted_tau` is what publications on transferability report: SciPy's default,
which is symmetric (`weighted_taus`)."""


def correlation(x: pd.Series, y: pd.Series, statistic: str = "weighted_tau") -> float:
    """One of `STATISTICS` over the models that have both numbers.

    nan for fewer than `FEWEST` of them, or where one side is constant.
    """
    both = np.stack([x.to_numpy(float), y.reindex(x.index).to_numpy(float)])
    both = both[:, np.isfinite(both).all(axis=0)]
    if both.shape[1] < FEWEST or np.ptp(both, axis=1).min() == 0:
        return float("nan")
    return STATISTICS[statistic](*both)


def agreement(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Every statistic of two tables (models, data sets) on each data set that both have; the last row is the mean.

    Columns: `models` (with both numbers), and those of `STATISTICS`. Raises BadInput where they share no data set, or
    fewer than `FEWEST` models.
    """
    models, sets = shared([first, second])
    rows = {
        name: {
            "models": float((first.loc[models, name].notna() & second.loc[models, name].notna()).sum()),
            **{kind: correlation(first.loc[models, name], second.loc[models, name], kind) for kind in STATISTICS},
        }
        for name in sets
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("dataset")
    return pd.concat([table, table.mean().to_frame("mean").T]).rename_axis("dataset")


def shared(tables: list[pd.DataFrame]) -> tuple[pd.Index, pd.Index]:
    """The models and the data sets that all tables (models, data sets) have, in the order of the first.

    Raises BadInput where that is no data set, or fewer than `FEWEST` models.
    """
    models, sets = tables[0].index, tables[0].columns
    for table in tables[1:]:
        models, sets = models[models.isin(table.index)], sets[sets.isin(table.columns)]
    wanted = f"tables with at least {FEWEST} models and one data set in common"
    demand(len(models) >= FEWEST and len(sets) >= 1, "table", wanted, f"{len(models)} models, {len(sets)} data sets")
    return models, sets


def judged(
    scores: Mapping[str, pd.DataFrame], truth: pd.DataFrame, baseline: str, draws: int = 0, seed: int = 0
) -> pd.DataFrame:
    """Each score (models, data sets; higher is better) against the accuracies `truth`, one row a score.

    Columns: the mean over the data sets of `STATISTICS`; `low`, `high`: 95 % interval of the mean weighted τ over
    `draws` samples of the models with replacement, the same ones on every data set; `difference` of the mean weighted τ
    to that of `baseline`, `difference_low` and `difference_high` its interval over the same samples. Models drawn twice
    are ties on both sides. Without draws the intervals are nan. All on the models and data sets of `truth`.
    """
    demand(baseline in scores, "baseline", f"one of {', '.join(scores)}", baseline)
    names, sets = [*scores], [*truth.columns]
    aligned = {name: scores[name].reindex(index=truth.index, columns=sets) for name in names}
    means = {kind: _means(aligned, truth, kind) for kind in STATISTICS}
    rows = np.random.default_rng(seed).integers(len(truth), size=(draws, len(truth)))
    samples = np.stack([_resampled(aligned[name], truth, rows) for name in names], axis=1)
    place = names.index(baseline)
    low, high = _interval(samples)
    gap_low, gap_high = _interval(samples - samples[:, [place]])
    gap = means["weighted_tau"] - means["weighted_tau"][place]
    columns = {
        **means,
        "low": low,
        "high": high,
        "difference": gap,
        "difference_low": gap_low,
        "difference_high": gap_high,
    }
    return pd.DataFrame(columns, index=pd.Index(names, name="score"))


def _means(scores: Mapping[str, pd.DataFrame], truth: pd.DataFrame, kind: str) -> NDArray[np.float64]:
    """Mean over the data sets of each score's statistic, (scores,); a set on which one is undefined is left out."""
    table = [[correlation(score[name], truth[name], kind) for name in truth.columns] for score in scores.values()]
    return pd.DataFrame(table).mean(axis=1).to_numpy(float)


def _resampled(scores: pd.DataFrame, truth: pd.DataFrame, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean over the data sets of the weighted τ on these rows of models, (draws, models) -> (draws,)."""
    x, y = scores.to_numpy(float), truth.to_numpy(float)
    return (
        pd.DataFrame([weighted_taus(x[rows, place], y[rows, place]) for place in range(x.shape[1])]).mean().to_numpy()
    )


def _interval(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """2.5 % and 97.5 % quantiles over the draws, (scores,) each; nan where no draw has a value."""
    frame = pd.DataFrame(samples)
    return frame.quantile(0.025).to_numpy(float), frame.quantile(0.975).to_numpy(float)
