"""Measures and facts against slow_proxies.py, an implementation from the papers' formulas that shares no code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.topology_network import Network
from harness.measures.fisher import Fisher
from harness.measures.grasp import Grasp
from harness.measures.jacobian_covariance import JacobianCovariance
from harness.measures.l2_norm import L2Norm
from harness.measures.loss_gradient import LossGradient
from harness.measures.naswot import Naswot
from harness.measures.synflow import SynFlow
from harness.measures.zico import ZiCo
from harness.schema import Measure, Scene
from tests.oracle import slow_proxies as slow

TABLE = Path(__file__).parent / "proxies_of_20.csv"
SHAPE = space.Shape(slow.CHANNELS, 1, slow.SIZE, slow.COLOURS, slow.CLASSES)
MEASURES: list[Measure] = [
    Fisher(),
    Grasp(),
    JacobianCovariance(),
    L2Norm(),
    LossGradient(),
    Naswot(),
    SynFlow(),
    ZiCo(),
]
EXACT = ("params", "flops", "live_flops", "grad_norm", "snip", "fisher", "grasp", "synflow", "jacov", "zico", "l2_norm")
"""Equal but for rounding; NASWOT leaves out the constant codes of empty nodes (docs/methods.md)."""


def network(text: str) -> Network:
    """The harness's network of a cell with the weights of the slow one, layer by layer."""
    cell = space.parse(text)
    model = Network(cell, SHAPE).double()
    with torch.no_grad():
        for connection in model.connections():
            if connection.weight is not None:
                values = slow.weight(cell.operations, connection.slot, tuple(connection.weight.shape))
                connection.weight.copy_(torch.from_numpy(values))
        model.head.bias.zero_()  # type: ignore[operator, union-attr]
    return model


def fast(text: str) -> dict[str, float]:
    """The harness's value of every proxy."""
    model, cell = network(text), space.parse(text)
    scene = Scene(probe_seed=0, classes=slow.CLASSES, features=4 * slow.CHANNELS)
    found = {name: float(getattr(space, name)(cell, SHAPE)) for name in ("params", "flops", "live_flops")}
    for measure in MEASURES:
        seen = measure.observer(scene)(model, slow.batch(), 0)
        found |= {name: float(value) for name, value in seen.items() if np.ndim(value) == 0}
    return found


@pytest.fixture(scope="module")
def oracle() -> pd.DataFrame:
    return pd.read_csv(TABLE, index_col="architecture")


@pytest.fixture(scope="module")
def ours(oracle) -> pd.DataFrame:
    return pd.DataFrame({text: fast(str(text)) for text in oracle.index}).T


@pytest.mark.parametrize("name", [*EXACT, "naswot"])
def test_a_proxy_ranks_as_the_slow_implementation_does(oracle, ours, name) -> None:
    both = pd.DataFrame({"slow": oracle[name], "fast": ours[name]}).dropna()
    assert len(both) >= 17 and (oracle[name].isna() == ours[name].isna()).all()
    assert spearmanr(both["slow"], both["fast"]).statistic > 0.99


@pytest.mark.parametrize("name", EXACT)
def test_a_proxy_has_the_value_of_the_slow_implementation(oracle, ours, name) -> None:
    np.testing.assert_allclose(ours[name], oracle[name], rtol=1e-5, atol=1e-9)


def test_the_table_is_what_the_slow_implementation_gives(oracle) -> None:
    for cell in slow.architectures(2):
        found = pd.Series(slow.proxies(cell)).astype(float)
        np.testing.assert_allclose(found, oracle.loc[slow.text(cell)], rtol=1e-6, atol=1e-12)
    assert list(oracle.index) == [slow.text(cell) for cell in slow.architectures(20)]
