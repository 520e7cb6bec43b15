"""Pickles that are read: plain values and arrays, of every protocol, and as Python 2 wrote them."""

from __future__ import annotations

import bz2
import io
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import files
from harness.schema import BadInput

KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
PLAIN = st.recursive(
    st.one_of(KEYS, st.binary(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(KEYS, st.tuples(KEYS, KEYS)), inner, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.sets(KEYS, max_size=4),
    ),
    max_leaves=30,
)


def read(program: bytes, **options: Any) -> Any:
    return files.read_pickle(io.BytesIO(program), **options)


@settings(max_examples=60, deadline=None)
@given(PLAIN, st.sampled_from([4, 5]))
def test_plain_values_come_out_as_they_went_in(value: Any, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@settings(max_examples=60, deadline=None)
@given(st.recursive(KEYS, lambda inner: st.lists(inner) | st.lists(inner).map(tuple)), st.integers(0, 3))
def test_so_do_those_of_the_old_protocols(value: Any, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


def test_what_is_long_shared_or_repeated_comes_out_too() -> None:
    shared = ["x" * 300, b"y" * 70_000, 2**70, -(2**2100), list(range(70_000))]
    value = {"a": shared, "b": [shared, shared], **{f"k{i}": (i, float(i)) for i in range(2000)}}
    for protocol in (3, 4, 5):
        assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">f4", "f8", "c16", "?", "S5", "<U3", ">U2", "f2", "b", "B"])
def test_arrays_of_every_plain_dtype_shape_and_order_are_read(dtype: str, protocol: int) -> None:
    flat = np.array(list(range(24)), dtype="i8").astype(dtype)
    for array in (flat, flat.reshape(2, 3, 4), np.asfortranarray(flat.reshape(4, 6)), flat[:0], np.array(flat[3])):
        program = pickle.dumps([array], protocol)
        (found,), (wanted,) = read(program), pickle.loads(program)
        np.testing.assert_array_equal(found, array)
        assert (found.shape, found.dtype, found.flags.f_contiguous) == (
            wanted.shape,
            wanted.dtype,
            wanted.flags.f_contiguous,
        )
        again = pickle.loads(pickle.dumps(found))  # what a worker process gets
        assert type(again) is np.ndarray
        np.testing.assert_array_equal(again, array)


@pytest.mark.parametrize("value", [np.float64(1.5), np.int32(-7), np.uint8(200), np.bool_(True), np.str_("ab")])
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_scalars_keep_their_type(value: Any, protocol: int) -> None:
    found = read(pickle.dumps({"it": value}, protocol))["it"]
    assert (type(found), found) == (type(value), value)


def test_an_ordered_dict_becomes_a_dict_in_its_order() -> None:
    value = OrderedDict([("z", 1), ("a", np.arange(3)), ("m", OrderedDict())])
    found = read(pickle.dumps(value, 4))
    assert type(found) is dict and list(found) == ["z", "a", "m"]
    assert type(found["m"]) is dict


def test_an_array_that_python_2_wrote_is_read_in_both_encodings() -> None:
    program = (
        b"\x80\x02}q\x01U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05"
        b"U\x01bq\x06\x87q\x07Rq\x08(K\x01K\x02K\x03\x86q\tcnumpy\ndtype\nq\nU\x02u1q\x0bK\x00K\x01\x87q\x0cRq\r"
        b"(K\x03U\x01|q\x0eNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0fb\x89U\x06\x00\x80\xffabcq\x10tq\x11bs."
    )
    wanted = np.frombuffer(b"\x00\x80\xffabc", dtype=np.uint8).reshape(2, 3)
    np.testing.assert_array_equal(read(program, encoding="bytes")[b"data"], wanted)
    np.testing.assert_array_equal(read(program, encoding="latin1")["data"], wanted)


def test_a_packed_stream_is_read_as_it_comes_and_not_beyond_a_limit() -> None:
    program = pickle.dumps(list(range(1000)), 4)
    assert files.read_pickle(bz2.BZ2File(io.BytesIO(bz2.compress(program)))) == list(range(1000))
    with pytest.raises(BadInput, match="at most 100 bytes"):
        read(program, most=100)


def test_a_damaged_pickle_is_bad_input() -> None:
    whole = pickle.dumps({"a": np.arange(9), "b": [1.5, "two"]}, protocol=4)
    for end in range(len(whole)):
        with pytest.raises(BadInput, match="complete pickle"):
            read(whole[:end])
    with pytest.raises(BadInput, match="complete pickle"):
        read(b"not a pickle")
    with pytest.raises(BadInput, match="complete pickle"):
        files.read_pickle(bz2.BZ2File(io.BytesIO(bz2.compress(whole)[:-5])))
