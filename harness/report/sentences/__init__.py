"""The sentences of the report, made from the tables, one module a section of the page.

They state, they do not praise; each module gives the one or two that a reader of its section wants first.
"""

from __future__ import annotations

from harness.report.run_tables import RunTables
from harness.report.sentences.cost import describe_cost
from harness.report.sentences.derivations import list_derivations
from harness.report.sentences.failing import describe_failing
from harness.report.sentences.question import describe_predictors, describe_question
from harness.report.sentences.ranking import describe_ranking
from harness.report.sentences.settled import describe_settled
from harness.report.sentences.studied import describe_studied
from harness.report.sentences.verdict import verdict
from harness.report.text import Points, Text, joined

__all__ = [
    "describe_cost",
    "describe_failing",
    "describe_predictors",
    "describe_question",
    "describe_ranking",
    "describe_settled",
    "describe_studied",
    "list_derivations",
    "write_all",
]


def write_all(tables: RunTables) -> dict[str, Text]:
    """Every sentence by its name, with the few facts that a paper's captions need."""
    return {
        "bench": Text(str(tables.status["bench"])),
        "dataset": Text(str(tables.status["dataset"])),
        "steps": Text(str(tables.last_step)),
        "level": Text(tables.percent),
        "basis": Text(tables.basis()),
        "question": describe_question(tables),
        "tried": describe_predictors(tables),
        "verdict": Points(verdict(tables)),
        "ranking": describe_ranking(tables),
        "settled": describe_settled(tables),
        "cost": describe_cost(tables),
        "failing": describe_failing(tables),
        "studied": describe_studied(tables),
        "derived": joined(list_derivations(tables), "\n"),
    }
