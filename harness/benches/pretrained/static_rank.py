"""The static rank: a choice of models that never looks at the target data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from harness.schema import demand

from .tables import final


def static_rank(accuracy: pd.DataFrame, target: str) -> pd.Series:
    """Mean over the data sets but `target` of a model's relative rank there, (models,) in 0..1; higher is better.

    `accuracy` (models, data sets); nan where a model has none. With n models on a set, the best has (n − ½) / n, the
    worst ½ / n, equal ones their mean: sets on which other models are missing count alike. Ranks, not standardised
    accuracies: one model that fails on one set does not decide. The column `target` is not read, and need not be there.
    nan for a model without an accuracy on any other set. Derived, docs/methods.md. Raises BadInput where no other set
    is there.
    """
    others = accuracy.drop(columns=target, errors="ignore")
    demand(len(others.columns) > 0, "dataset", "one of several, for a rank over the others", target)
    ranks = (others.rank() - 0.5) / others.notna().sum()
    return ranks.mean(axis=1).round(12).rename("static_rank")  # equal sums of ranks stay equal


def static_ranks(accuracy: pd.DataFrame) -> pd.DataFrame:
    """`static_rank` for each data set as the target, (models, data sets)."""
    return pd.DataFrame({target: static_rank(accuracy, target) for target in accuracy.columns})


def static_rank_of_tables(tables: Mapping[str, Path], target: str, split: str = "test") -> pd.Series:
    """`static_rank` from tables that `python -m harness.tabulate` made, by data set; (networks,) in 0..1.

    Accuracies are those of `split` after the last epoch of each table, the mean over its seeds. The table of `target`
    is not opened. Empty where there is no other table. Raises BadInput for a damaged one.
    """
    others = {name: final(path, split).mean(axis=1) for name, path in tables.items() if name != target}
    return static_rank(pd.DataFrame(others), target) if others else pd.Series(dtype=float, name="static_rank")
