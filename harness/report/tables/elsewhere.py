"""The architectures of a run on other data sets."""

from __future__ import annotations

import pandas as pd

from harness.report.numbers import number
from harness.report.run_tables import RunTables
from harness.report.tables.display_table import DisplayTable, strings

COLUMNS = ["architecture", "dataset", "seeds", "accuracy", "lowest", "highest"]


def elsewhere(tables: RunTables) -> DisplayTable:
    """Accuracy (percent, higher is better) of every architecture on this data set and on those known besides, the best
    on this one first.

    The numbers have a row for each architecture and data set: the mean over seeds, the lowest and the highest. A cell
    is the mean, and both ends in brackets where there are several seeds. No rows where no other data set is known.
    """
    if tables.elsewhere is None:
        return DisplayTable(pd.DataFrame(columns=COLUMNS), {"architecture": []})
    here = str(tables.status["dataset"])
    known = pd.concat([tables.truth.assign(dataset=here), tables.elsewhere], ignore_index=True)
    grouped = known.groupby(["architecture", "dataset"])["accuracy"]
    numbers = grouped.agg(seeds="size", accuracy="mean", lowest="min", highest="max").reset_index()
    order = tables.architectures.sort_values(["truth", "architecture"], ascending=[False, True])["architecture"]
    sets = [here, *sorted(set(numbers["dataset"]) - {here})]
    cells = {(row.architecture, row.dataset): _cell(row) for row in numbers.itertuples()}
    shown = {name: strings(pd.Series([cells.get((each, name), "") for each in order])) for name in sets}
    return DisplayTable(numbers[COLUMNS], {"architecture": strings(order), **shown})


def _cell(row: object) -> str:
    mean, low, high = (number(getattr(row, name), 1) for name in ("accuracy", "lowest", "highest"))
    return mean if getattr(row, "seeds") == 1 else f"{mean} [{low}, {high}]"  # noqa: B009  a row of itertuples
