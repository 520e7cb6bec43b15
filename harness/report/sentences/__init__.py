"""The sentences of the report, made from the tables, one module a section of the page.

Names stand in backticks. The sentences state, they do not praise; each module gives the one or two that a reader of its
section wants first.
"""

from __future__ import annotations

from harness.report.run_tables import RunTables
from harness.report.sentences.best import ranking
from harness.report.sentences.capacitance import capacitance
from harness.report.sentences.cost import cost
from harness.report.sentences.derived import derived
from harness.report.sentences.failing import failing
from harness.report.sentences.question import question, tried
from harness.report.sentences.settled import settled

__all__ = ["capacitance", "cost", "derived", "failing", "named", "question", "ranking", "settled", "tried"]


def named(tables: RunTables) -> dict[str, str]:
    """Every sentence by its name, with the few facts that a paper's captions need."""
    return {
        "bench": str(tables.status["bench"]),
        "dataset": str(tables.status["dataset"]),
        "steps": str(tables.last_step),
        "level": tables.percent,
        "basis": tables.basis(),
        "question": question(tables),
        "tried": tried(tables),
        "ranking": ranking(tables),
        "settled": settled(tables),
        "cost": cost(tables),
        "failing": failing(tables),
        "capacitance": capacitance(tables),
        "derived": "\n".join(derived(tables)),
    }
