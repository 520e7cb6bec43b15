"""`python -m tools.results_page`: prints docs/results.md, made from the declared schema and results.md.jinja."""

from __future__ import annotations

import sys

from harness.schema.columns import CURVES, OPTIONAL_TABLES, RUN_TABLES, SWEEP_TABLES
from harness.schema.table import Column, Table
from tools.pages import filled, print_page


def page(name: str = "results") -> str:
    """The whole page as Markdown; `name` is that of its template."""
    known = {
        "run": [*RUN_TABLES.values(), *OPTIONAL_TABLES.values()],
        "sweep": list(SWEEP_TABLES.values()),
        "tabulated": CURVES,
        "columns": columns,
    }
    return filled(f"{name}.md.jinja", known)


def columns(table: Table) -> str:
    """What one row is, and the table of its columns as Markdown."""
    lines = [f"A row is {table.row}.", "", "| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in table:
        if not column.end_of:
            ends = [end.name for end in table if end.end_of == column.name]
            lines.append(f"| {_names(column, ends)} | {_type(column)} | {column.unit} | {column.meaning} |")
    return "\n".join(lines)


def _names(column: Column, ends: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in (column.name, *ends))


def _type(column: Column) -> str:
    """The type, and whether there may be no value."""
    missing = {"float": ", nan", "int64": ", null"}.get(column.dtype[:5], "") if column.nullable else ""
    return column.dtype + missing + (", optional" if column.optional else "")


if __name__ == "__main__":
    sys.exit(print_page("tools.results_page", page, {"results": "docs/results.md"}))
