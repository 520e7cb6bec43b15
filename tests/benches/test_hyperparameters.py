"""Sets of hyper-parameters are written and read exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benches.cnn_zoo.space import SPACE
from harness.benches.hyperparameters import Choice, Range, Space
from harness.schema import BadInput

SMALL = Space(
    {
        "kind": Choice(("plain", "scaled")),
        "scale": Range(1e-3, 1.0, log=True, where={"kind": ("scaled",)}),
        "share": Choice((0.5, 1.0)),
        "rate": Range(0.0, 0.7),
    }
)


@given(st.integers(0, 2**32))
def test_a_drawn_set_is_what_its_text_says(seed: int) -> None:
    values = SPACE.draw(np.random.default_rng(seed))
    text = SPACE.write(values)
    assert SPACE.parse(text) == values
    assert SPACE.write(SPACE.parse(text)) == text


def test_a_hyper_parameter_that_does_not_apply_is_absent_and_nan() -> None:
    values = SMALL.parse("kind=plain,share=0.5,rate=0.25")
    assert values == {"kind": "plain", "share": 0.5, "rate": 0.25}
    np.testing.assert_array_equal(SMALL.vector(values), [1, 0, np.nan, 0.5, 0.25])
    assert SMALL.feature_names() == ["kind=plain", "kind=scaled", "log scale", "share", "rate"]
    assert SMALL.vector(SMALL.parse("kind=scaled,scale=0.1,share=1.0,rate=0.0"))[2] == pytest.approx(math.log(0.1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "architecture: kind: must be plain or scaled"),
        ("kind=plain,share=0.3,rate=0.25", "architecture: share: must be 0.5 or 1.0"),
        ("kind=plain,share=0.5,rate=0.8", "architecture: rate: must be a number from 0.0 to 0.7"),
        ("kind=scaled,share=0.5,rate=0.2", "architecture: scale: must be a number"),
        ("kind=plain,scale=0.1,share=0.5,rate=0.2", "must be written as kind=plain,share=0.5,rate=0.2"),
        ("kind=plain,share=0.5,rate=0.20", "must be written as kind=plain,share=0.5,rate=0.2"),
        ("share=0.5,kind=plain,rate=0.2", "must be written as kind=plain,share=0.5,rate=0.2"),
        ("kind=plain,share=0.5,rate=nan", "architecture: rate: must be"),
        ("kind=plain,kind=plain,share=0.5,rate=0.2", "must be written as"),
    ],
)
def test_any_other_text_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        SMALL.parse(text)


def test_a_log_uniform_number_is_uniform_in_its_logarithm() -> None:
    part = Range(1e-8, 1e-2, log=True)
    drawn = np.log10([part.draw(np.random.default_rng(seed)) for seed in range(600)])
    assert drawn.min() >= -8 and drawn.max() <= -2
    assert np.histogram(drawn, bins=3, range=(-8, -2))[0].min() > 150
