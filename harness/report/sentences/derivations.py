"""What in a report is worked out by this project."""

from __future__ import annotations

from harness.report.run_tables import RunTables
from harness.report.text import SYMBOLS, Text
from harness.schema.families import FAMILIES


def list_derivations(tables: RunTables) -> list[Text]:
    """What in this report is derived by this project and not the wording of the papers, by family present."""
    present = set(tables.metrics["family"])
    return [
        Text(SYMBOLS.get(family.symbol, family.heading), ": ", family.derivation)
        for name, family in FAMILIES.items()
        if name in present and family.derivation
    ]
