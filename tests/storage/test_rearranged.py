"""Code that was rearranged keeps the digest that stored traces name."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measures.az_nas import AzNas
from harness.measures.capacitance import Capacitance
from harness.measures.fisher import Fisher
from harness.measures.jacobian_covariance import JacobianCovariance
from harness.measures.loss_gradient import LossGradient
from harness.measures.naswot import Naswot
from harness.measures.untrained import Untrained
from harness.measures.zico import ZiCo
from harness.storage.rearranged import REARRANGED
from harness.storage.source_digest import digest_of, source_digest

MEASURES = [AzNas, Capacitance, Fisher, JacobianCovariance, LossGradient, Naswot, Untrained, ZiCo]


def of_today(measure: type) -> str:
    package, _, module = measure.__module__.rpartition(".")
    import harness.measures

    return digest_of(Path(harness.measures.__path__[0]) / f"{module}.py", package, measure.__name__)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.__name__)
def test_a_rearranged_measure_has_the_digest_of_the_traces_that_it_made(measure) -> None:
    """Fails after an edit: put the digest of today in its place if no bit of a trace changed, else leave it out."""
    assert source_digest(measure) == REARRANGED[of_today(measure)]
    assert source_digest(measure) != of_today(measure)


def test_every_entry_is_of_code_that_is_there() -> None:
    assert set(REARRANGED) == {of_today(measure) for measure in MEASURES}
