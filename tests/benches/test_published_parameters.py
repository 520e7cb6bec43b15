"""All 15,625 architectures against the benchmark's own counts, in the table of final accuracies."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.topology_network import Network

pytestmark = pytest.mark.real
SHAPES = {
    "c10": space.Shape(16, 5, 32, 3, 10),
    "c100": space.Shape(16, 5, 32, 3, 100),
    "in16": space.Shape(16, 5, 16, 3, 120),
}


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    path = Path(os.environ.get("HARNESS_DATA", "")) / "nb201.parquet"
    if not path.is_file():
        pytest.skip("nb201.parquet is not in $HARNESS_DATA")
    return pd.read_parquet(path)


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_and_flops_of_every_architecture_are_the_published_ones(published: pd.DataFrame, name: str) -> None:
    cells = [space.parse(text) for text in published["arch_str"]]
    assert [space.params(cell, SHAPES[name]) for cell in cells] == list(published[f"params_{name}"])
    flops = np.array([space.flops(cell, SHAPES[name]) for cell in cells]) / 1e6
    assert np.abs(flops - published[f"mflops_{name}"]).max() < 1e-5


def test_the_built_network_has_the_published_parameters_on_a_sample(published: pd.DataFrame) -> None:
    for _, row in published.sample(20, random_state=0).iterrows():
        network = Network(space.parse(row["arch_str"]), SHAPES["c10"])
        assert sum(weight.numel() for weight in network.parameters()) == row["params_c10"]
