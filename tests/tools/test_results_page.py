"""The page of stored files is that of the declared schema."""

from __future__ import annotations

from pathlib import Path

from harness.schema.columns import CURVES, RUN_TABLES, SWEEP_TABLES
from tools.results_page import page

PAGE = Path(__file__).parents[2] / "docs" / "results.md"


def test_the_page_in_docs_is_made_from_the_schema() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tools.results_page > docs/results.md"


def test_every_column_of_every_table_is_on_the_page() -> None:
    text = page()
    for table in [*RUN_TABLES.values(), *SWEEP_TABLES.values(), CURVES]:
        section = text.partition(f"\n### {table.name}\n")[2].partition("\n#")[0]
        assert all(f"`{column}`" in section for column in table.names), table.name


def test_no_line_outside_tables_is_too_long_to_read() -> None:
    assert [line for line in page().splitlines() if len(line) > 160 and not line.startswith("|")] == []
