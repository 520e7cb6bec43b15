"""How far hyper-parameters alone can go: the same networks trained again with another seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import pearsonr

from harness.benches.cnn_zoo.zoo import Numbers
from harness.benches.tabulated import Tabulated

from .experiments import LEVELS, RESAMPLES, Row, kendall


def between_seeds(first: Tabulated, second: Tabulated) -> Row:
    """`r2`: what the expected accuracy of a setting would reach, the limit of hyper-parameters; `tau` of the two seeds.

    Where errors of trainings are independent and vary alike, the correlation of two seeds is the share of the variance
    of one that the settings explain [derived]. Weights may go beyond it, as they are those of one training. 95 %
    intervals resample the settings, those that both tables finished.
    """
    accuracies = pd.concat([_final(table) for table in (first, second)], axis=1, join="inner").to_numpy(dtype=float)
    random = np.random.default_rng(0)
    draws = [random.integers(len(accuracies), size=len(accuracies)) for _ in range(RESAMPLES)]
    row: Row = {"dataset": str(first.about["dataset"]), "networks": len(accuracies)}
    for name, measure in MEASURES.items():
        low, high = np.percentile([measure(accuracies[draw]) for draw in draws], LEVELS)
        row |= {name: measure(accuracies), f"{name}_low": float(low), f"{name}_high": float(high)}
    return row


def _correlation(pairs: Numbers) -> float:
    return float(pearsonr(pairs[:, 0], pairs[:, 1]).statistic)


def _rank_agreement(pairs: Numbers) -> float:
    return kendall(pairs[:, 0], pairs[:, 1])


MEASURES = {"r2": _correlation, "tau": _rank_agreement}


def _final(table: Tabulated) -> pd.Series:
    last = table.curves[table.curves["epoch"] == table.curves["epoch"].max()]
    found: pd.Series = last.set_index("architecture")["test_accuracy"]
    return found
