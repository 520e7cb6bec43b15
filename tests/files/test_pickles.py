"""Pickles: what is read, and what is refused unrun."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from harness import files
from harness.schema import BadInput


def test_a_pickle_of_plain_values_and_arrays_is_read() -> None:
    value = OrderedDict(a=np.float64(1.5), b=np.arange(6, dtype=np.uint8).reshape(2, 3), c=[1, "two", None, (3.0,)])
    read = files.read_pickle(io.BytesIO(pickle.dumps(value, protocol=4)))
    assert type(read) is dict and list(read) == list(value)
    assert read["a"] == 1.5
    assert read["c"] == value["c"]
    np.testing.assert_array_equal(read["b"], value["b"])


class _Payload:
    def __init__(self, function: object, *args: object) -> None:
        self.call = (function, args)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_something_is_refused_unrun(tmp_path: Path, protocol: int) -> None:
    for payload in (_Payload(os.mkdir, str(tmp_path / "made")), _Payload(eval, "1 + 1"), _Payload(getattr, "a", "b")):
        with pytest.raises(BadInput, match=r"mkdir|eval|getattr"):
            files.read_pickle(io.BytesIO(pickle.dumps({"harmless": 1, "payload": payload}, protocol)))
    assert not (tmp_path / "made").exists()


def test_a_damaged_pickle_is_bad_input() -> None:
    whole = pickle.dumps({"a": np.arange(9)}, protocol=4)
    for damaged in (b"", whole[:-20], b"not a pickle"):
        with pytest.raises(BadInput, match="whole pickle"):
            files.read_pickle(io.BytesIO(damaged))
