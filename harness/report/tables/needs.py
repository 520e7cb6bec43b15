"""Which predictor to use, by what one is ready to pay: training, labels."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from harness.evaluate.cost import scores_most
from harness.report.numbers import count, seconds
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, quantities, scores, strings
from harness.report.text import Content

LIMITS = {"seconds": 60.0, "minutes": 3600.0, "hours": math.inf}
"""How much training a row grants: at most so many seconds per architecture."""

UNTIMED = "brief"
"""The word where no seconds were recorded: the training of the run."""

COLUMNS = [
    *("training", "labels", "predictor", "family", "step", "tau", "tau_low", "tau_high", "regret", "seconds", "of"),
    "needs",
]


def by_needs(tables: RunTables) -> DisplayTable:
    """The predictor of highest τ among those that need no more than a row grants, from nothing to everything.

    A row grants training (none, or at most so many seconds per architecture: each predictor is read at its last budget
    within them) and labels (true accuracies of other architectures, on which a predictor is fitted) or none. `of`
    counts the predictors it is the best of; regret is that of its first choice. No row for scores that were given:
    what they need is not known.
    """
    rows = _with_needs(tables)
    rows = rows.head(0) if tables.given else rows
    found = [
        row
        for training in _granted(tables, rows)
        for labels in (False, True)
        if (row := _best(_within(tables, rows, training), training, labels))
    ]
    best = pd.DataFrame(found, columns=COLUMNS)
    columns: dict[str, list[Content]] = {
        "training": strings(best["training"]),
        "labels": [count(n) if n else "none" for n in best["labels"]],
        "predictor": strings(best["predictor"]),
        "τ": scores(best, "tau"),
        "regret@1": quantities(best["regret"]),
        "seconds": quantities(best["seconds"], seconds),
        "needs": strings(best["needs"]),
        "of": quantities(best["of"], count),
    }
    return DisplayTable(best, columns, left=1, words=("labels", "predictor", "needs"))


def _with_needs(tables: RunTables) -> pd.DataFrame:
    """The metrics at every budget that have a τ, with the regret of the first choice, and whether a predictor reads
    anything of the training."""
    regret = tables.selection.loc[tables.selection["k"] == 1, ["predictor", "step", "regret"]]
    rows = tables.metrics[tables.metrics["tau"].notna()].merge(regret, on=["predictor", "step"], how="left")
    return rows.assign(
        regret=rows["regret"].astype(float), is_trained=~rows["predictor"].isin(_untrained(tables))
    )  # fmt: skip


def _granted(tables: RunTables, rows: pd.DataFrame) -> list[str]:
    """What the rows of the table grant: no training, then each of LIMITS up to the one that holds the whole run."""
    trained = tables.at_end(rows)[tables.at_end(rows)["is_trained"]]
    if trained.empty:
        return ["none"]
    spent = trained["seconds"].max()
    if not math.isfinite(spent):
        return ["none", UNTIMED]
    whole = next(word for word, limit in LIMITS.items() if spent <= limit)
    words = list(LIMITS)[: list(LIMITS).index(whole) + 1]
    times = rows.loc[rows["is_trained"], "seconds"]
    return ["none", *(word for word in words if word == whole or (times <= LIMITS[word]).any())]


def _within(tables: RunTables, rows: pd.DataFrame, training: str) -> pd.DataFrame:
    """Each predictor at its last budget within what is granted, best τ first; those that score few come last."""
    if training == "none":
        rows = tables.at_end(rows)[~tables.at_end(rows)["is_trained"]]
    elif training == UNTIMED:
        rows = tables.at_end(rows)
    else:
        rows = rows[rows["seconds"] <= LIMITS[training]]
    last = rows.sort_values("step").drop_duplicates("predictor", keep="last")
    placed = last.assign(few=~np.asarray(scores_most(last), dtype=bool))
    return placed.sort_values(["few", "tau", "predictor"], ascending=[True, False, True])


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


def _best(granted: pd.DataFrame, training: str, labels: bool) -> list[object]:
    """The row of the best predictor that needs no more; empty where there is none with a τ."""
    fitted = round(float(granted["fitted_on"].max())) if labels and len(granted) else 0
    if not labels:
        granted = granted[granted["fitted_on"] == 0]
    if granted.empty or (labels and not fitted):
        return []
    best = granted.iloc[0]
    facts = [best[key] for key in COLUMNS[2:-2]]
    return [training, fitted, *facts, len(granted), _needed(bool(best["is_trained"]), float(best["seconds"]))]


def _needed(is_trained: bool, spent: float) -> str:
    """What a predictor reads of one architecture, besides the labels that it is fitted on."""
    if is_trained:
        return "a brief training"
    return "no network" if spent == 0 else "an untrained network"
