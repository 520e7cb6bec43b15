from __future__ import annotations

import numpy as np
import pytest

from harness.predictors.first_value import FirstValue
from harness.schema import BadInput, NoScore


def test_the_first_finite_value_counts_whatever_follows(trace_of):
    early = trace_of(beta_eff=[np.nan, 0.5, 9.0, 1.0])
    assert FirstValue("beta_eff", -1.0, "capacitance").score(early) == -0.5
    assert FirstValue("beta_eff", 1.0, "capacitance").score(early.until(4)) == 0.5


def test_a_trace_without_a_finite_value_has_no_score(trace_of):
    with pytest.raises(NoScore, match="no finite beta_eff"):
        FirstValue("beta_eff", 1.0, "capacitance").score(trace_of(beta_eff=[np.nan]))


def test_a_sign_is_declared():
    with pytest.raises(BadInput, match=r"predictor\.first_value\.sign: must be 1 or -1 is needed"):
        FirstValue("beta_eff", 0.5, "capacitance")
