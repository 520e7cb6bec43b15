"""Which predictor to use, by what one is ready to pay: training, labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.report.numbers import count, seconds
from harness.report.ranked_table import ranked_table
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, quantities, scores, strings
from harness.report.text import Content


def by_needs(tables: RunTables) -> DisplayTable:
    """The predictor of highest τ among those that need no more than a row grants, from nothing to everything.

    A row grants training or not, and labels (true accuracies of other architectures, on which a predictor is fitted) or
    not. `of` counts the predictors it is the best of; regret is that of its first choice. No row for scores that were
    given: what they need is not known.
    """
    table = _with_needs(tables)
    table = table.head(0) if tables.given else table
    found = [row for trained in (False, True) for labels in (False, True) if (row := _best(table, trained, labels))]
    best = pd.DataFrame(found, columns=["training", "labels", "of", *table.columns])
    kept = ["training", "labels", "predictor", "family", "tau", "tau_low", "tau_high", "regret", "seconds", "of"]
    best = best[kept].drop_duplicates(["training", "labels"], ignore_index=True)
    columns: dict[str, list[Content]] = {
        "training": strings(best["training"]),
        "labels": [count(n) if n else "none" for n in best["labels"]],
        "predictor": strings(best["predictor"]),
        "τ": scores(best, "tau"),
        "regret@1": quantities(best["regret"]),
        "seconds": quantities(best["seconds"], seconds),
        "of": quantities(best["of"], count),
    }
    return DisplayTable(best, columns, left=1, words=("labels", "predictor"))


def _with_needs(tables: RunTables) -> pd.DataFrame:
    """The ranked table with the regret of the first choice, and whether a predictor reads anything of the training."""
    table = ranked_table(tables)
    chosen = tables.at_end(tables.selection)
    regret = chosen[chosen["k"] == 1].set_index("predictor")["regret"]
    return table.assign(
        regret=table["predictor"].map(regret).astype(float),
        is_trained=~table["predictor"].isin(_untrained(tables)),
    )


def _untrained(tables: RunTables) -> set[str]:
    """The predictors whose scores at the last budget are those at the first, which is before any training or near it.

    With one budget after the start nothing is known to be so.
    """
    columns = ["predictor", "architecture", "score"]
    earliest = int(tables.scores["step"].min())
    if 0 < earliest == tables.last_step:
        return set()
    first = tables.scores.loc[tables.scores["step"] == earliest, columns]
    both = first.merge(tables.at_end(tables.scores)[columns], on=columns[:2], suffixes=("_first", "_last"))
    same = np.isclose(both["score_first"], both["score_last"], rtol=0, atol=0, equal_nan=True)
    known = both["score_last"].notna()
    moved, scored = set(both.loc[~same, "predictor"]), set(both.loc[known, "predictor"])
    return {str(name) for name in scored - moved}


def _best(table: pd.DataFrame, trained: bool, labels: bool) -> list[object]:
    """The row of the best predictor that needs no more; empty where there is none with a τ."""
    granted = table[table["tau"].notna()]
    if not trained:
        granted = granted[~granted["is_trained"]]
    if not labels:
        granted = granted[granted["fitted_on"] == 0]
    if granted.empty:
        return []
    fitted = float(table["fitted_on"].max()) if labels else 0.0
    if labels and not (granted["fitted_on"] > 0).any():
        return []
    return ["brief" if trained else "none", round(fitted), len(granted), *granted.iloc[0].tolist()]
