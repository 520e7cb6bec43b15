"""Every architecture with the accuracies that predictors are judged by."""

from __future__ import annotations

from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, quantities, strings

MOST_SEEDS = 5
"""With more seeds than this only their mean is shown."""


def architectures(tables: RunTables) -> DisplayTable:
    """Architectures by true accuracy (percent, higher is better), best first: the mean, and that of every seed.

    Groups are shown where one has several members, notes where there are any.
    """
    known = tables.architectures
    seeds = tables.truth.pivot(index="architecture", columns="seed", values="accuracy")
    seeds.columns = [f"seed {seed}" for seed in seeds.columns]
    numbers = known.merge(seeds, left_on="architecture", right_index=True, how="left")
    numbers = numbers.sort_values(["truth", "architecture"], ascending=[False, True], ignore_index=True)
    shown = list(seeds.columns) if 1 < seeds.shape[1] <= MOST_SEEDS else []
    columns = {
        "architecture": strings(numbers["architecture"]),
        **({"group": strings(numbers["group"])} if known["group"].duplicated().any() else {}),
        "accuracy": quantities(numbers["truth"]),
        **{name: quantities(numbers[name]) for name in shown},
        **({"note": strings(numbers["note"])} if "note" in known and known["note"].fillna("").ne("").any() else {}),
    }
    return DisplayTable(numbers, columns, left=1 + ("group" in columns))
