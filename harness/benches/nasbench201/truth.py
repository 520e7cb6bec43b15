"""Ground truth of the topology space, which also has a public table of final figures and an embedded one."""

from __future__ import annotations

from harness.benches import truth
from harness.benches.nasbench201 import table, tabulated
from harness.benches.nats.spaces import TSS
from harness.benches.truth import Request
from harness.schema import Truth

__all__ = ["Request", "find", "target"]


def find(source: str, request: Request, data: str | None) -> Truth:
    """The truth that `source` (see `NasBench201`) gives; see `benches.truth.find`."""
    return truth.find(TSS, source, request, data, tabulated.embedded, table.find)


def target(name: str, request: Request, data: str | None) -> Truth:
    """A further truth of the same architectures; see `benches.truth.target`."""
    return truth.target(TSS, name, request, data, tabulated.embedded, table.find)
