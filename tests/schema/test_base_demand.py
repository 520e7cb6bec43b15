"""What a refused value is told."""

from __future__ import annotations

import pytest

from harness.schema import BadInput, demand


@pytest.mark.parametrize(
    ("wanted", "value", "near"),
    [
        ("'auto' or 'native' or 'torch'", "nativ", "native"),
        ("cpu, cuda or cuda:NUMBER", "cud", "cuda"),
        ("families or predictors of this run (capacitance, flops, size)", ["flop"], "flops"),
        ("one of digits, fashion_mnist", "digit", "digits"),
        ("'one' or 'all'", "some", ""),
        ("a list of names (flops, size)", ["size", "flop"], "flops"),
        ("at least 2", 1, ""),
        ("a folder", "foldr", ""),
        ("'one' or 'all'", None, ""),
    ],
)
def test_a_value_that_is_nearly_one_of_the_listed_names_is_told_which(wanted: str, value: object, near: str) -> None:
    with pytest.raises(BadInput) as raised:
        demand(False, "key", wanted, value)
    told = f"; did you mean {near}?" if near else ""
    assert str(raised.value) == f"key: must be {wanted} (got {value!r}){told}"
