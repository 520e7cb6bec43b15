"""The declaration of the stored tables is whole and says what every column means."""

from __future__ import annotations

import pytest

from harness.schema.columns import CURVES, METRICS, RUN_TABLES, SWEEP_TABLES
from harness.schema.table import Table

EVERY = [*RUN_TABLES.values(), *SWEEP_TABLES.values(), CURVES]


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_every_column_is_named_once_and_has_a_meaning(table: Table) -> None:
    assert len(set(table.names)) == len(table.names) and table.row
    for column in table:
        assert column.meaning and column.end_of in ("", *table.names)


def test_an_estimate_is_three_columns_and_those_of_some_runs_are_optional() -> None:
    names = METRICS.names
    at = names.index("tau")
    assert names[at : at + 3] == ["tau", "tau_low", "tau_high"]
    assert [column.name for column in METRICS if column.optional] == [
        f"{name}{end}" for name in ("pearson", "tau_groups") for end in ("", "_low", "_high")
    ]
    assert "pearson" not in METRICS.required and "studied" in METRICS.required


def test_whole_numbers_that_may_be_null_are_nullable_integers() -> None:
    assert RUN_TABLES["architectures"].dtypes["index"] == "Int64" and METRICS.dtypes["n"] == "int64"
