from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.evaluate import signs
from harness.evaluate.signs import sign_sums


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 70), st.integers(0, 40), st.sampled_from([1, 3, 1000]), st.integers(0, 2**32))
def test_it_is_what_comparing_one_by_one_gives(n, asked, distinct, seed):
    rng = np.random.default_rng(seed)
    values, queries = rng.integers(0, distinct, n) / 3, rng.integers(0, distinct, (asked, 2)) / 3
    ends = rng.integers(0, n + 1, (asked, 2))
    found = sign_sums(values, ends, queries)
    assert found.shape == (asked, 2)
    for place in np.ndindex(asked, 2):
        assert found[place] == sum(np.sign(queries[place] - value) for value in values[: ends[place]])


def test_many_queries_are_answered_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    values, queries, ends = rng.normal(size=300), rng.normal(size=500), rng.integers(0, 301, 500)
    whole = sign_sums(values, ends, queries)
    monkeypatch.setattr(signs, "AT_ONCE", 64)
    assert (sign_sums(values, ends, queries) == whole).all()
