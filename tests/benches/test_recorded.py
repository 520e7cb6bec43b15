"""Recorded curves of a table made by `tabulate`, asked for in a way that it cannot answer."""

from __future__ import annotations

import pytest

from harness.benches.cnn_zoo.bench import CnnZoo
from harness.benches.one_network.bench import OneNetwork
from harness.schema import BadInput, StoredCurves


@pytest.mark.parametrize("bench", [CnnZoo(), OneNetwork()], ids=lambda bench: bench.name)
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"split": "test"}, "signal.split: must be 'valid'"),
        ({"source": "nats"}, "signal.source: must be 'auto'"),
        ({"epochs": 21}, "signal.epochs: must be 20"),
    ],
)
def test_other_curves_than_the_table_has_are_refused(bench, asked: dict[str, object], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        bench.recorded("cifar10", StoredCurves(**{"epochs": 20, **asked}), None)
