"""Pickles that are meant to run something, to fill the memory or to crash the interpreter, and damaged ones."""

from __future__ import annotations

import bz2
import io
import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import files
from harness.schema import BadInput

ROOM = 2**26  # bytes that no hostile pickle of these may take


def read(program: bytes, **options: Any) -> Any:
    return files.read_pickle(io.BytesIO(program), **options)


class Call:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_something_is_refused_unrun(tmp_path: Path, protocol: int) -> None:
    sentinel = str(tmp_path / "made")
    for payload in (
        Call(os.mkdir, sentinel),
        Call(os.system, f"touch {sentinel}"),
        Call(eval, f"open({sentinel!r}, 'w')"),
        Call(getattr, "a", "b"),
        Call(np.load, sentinel),
        Call(type, "C", (), {}),
        Path("a"),
        slice(1),
        np.random.default_rng(0),
    ):
        with pytest.raises(BadInput, match="plain values"):
            read(pickle.dumps({"harmless": 1, "payload": payload}, protocol))
    assert not Path(sentinel).exists()


GLOBAL = b"cnumpy.core.multiarray\n_reconstruct\n"
KIND = b"cnumpy\nndarray\n"
DTYPE = b"cnumpy\ndtype\n"
SCALAR = b"cnumpy.core.multiarray\nscalar\n"
ORDERED = b"ccollections\nOrderedDict\n"


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def number(value: int) -> bytes:
    return b"I%d\n" % value


def dtype(name: str, state: bytes = b"(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb") -> bytes:
    return DTYPE + text(name) + b"\x89\x88\x87R" + state


def array(shape: bytes, kind: bytes, raw: bytes) -> bytes:
    start = GLOBAL + KIND + b"K\x00\x85C\x01b\x87R"
    return start + b"(K\x01" + shape + kind + b"\x89C" + bytes([len(raw)]) + raw + b"tb."


def shared_lists(levels: int) -> bytes:
    lists: list[Any] = []
    for _ in range(levels):
        lists = [lists] * 10
    return pickle.dumps(lists)


def cycle() -> bytes:
    lists: list[Any] = []
    lists.append({"it": lists})
    return pickle.dumps(lists)


BOMBS = {
    "lists within lists": b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
    "millions of empty sets": b"(" + b"\x8f" * 3 * 10**6 + b"l.",
    "dicts within dicts": b"}K\x00" * 10**5 + b"}" + b"s" * 10**5 + b".",
    "tuples within tuples": b")" + b"\x85" * 10**6 + b".",
    "a key of tuples within tuples": b"})" + b"\x85" * 10**6 + b"K\x00s.",
    "the same by way of the memo": b"})\x94" + b"".join(b"0h\x00\x85q\x00" for _ in range(10**5)) + b"K\x00s.",
    "the same from marks": b"}" + b"(" * 10**5 + b"t" * 10**5 + b"K\x00s.",
    "a list of itself": cycle(),
    "ten lists of ten lists of ...": shared_lists(12),
    "bytes that are not there": b"\x8e" + struct.pack("<Q", 2**40) + b".",
    "bytes that are not there, 4": b"B" + struct.pack("<I", 2**32 - 1) + b".",
    "an array of bytes that is not there": b"\x96" + struct.pack("<Q", 2**40) + b".",
    "text that is not there": b"\x8d" + struct.pack("<Q", 2**63) + b".",
    "a string that is not there": b"T" + struct.pack("<i", 2**31 - 1) + b".",
    "a string of negative length": b"T" + struct.pack("<i", -1) + b".",
    "a number that is not there": b"\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "a frame that is not there": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
    "a memo of two milliards": b"Nr" + struct.pack("<I", 2**31 - 1) + b".",
    "a memo of two milliards, in text": b"Np2000000000\n.",
    "a memo below zero": b"Np-1\n.",
    "a memo that has no such entry": b"h\x07.",
    "a number of a million digits": b"I" + b"9" * 10**6 + b"\n.",
    "a protocol to come": b"\x80\xffN.",
    "an empty stack": b".",
    "more taken than given": b"\x86.",
    "taken from under a mark": b"N(\x85.",
    "no end": b"N" * 1000,
    "an unhashable key": b"}]K\x00s.",
    "an unhashable key of an ordered dict": ORDERED + b"]]K\x00\x86a\x85R.",
    "an ordered dict of one number": ORDERED + b"K\x07\x85R.",
    "an unhashable element": b"\x8f(]\x90.",
    "a code of the registry": b"\x82\x01.",
    "a code of the registry, 2": b"\x83\x01\x00.",
    "a code of the registry, 4": b"\x84\x01\x00\x00\x00.",
    "a persistent object": b"Pone\n.",
    "a persistent object, binary": b"NQ.",
    "an instance": b"(inumpy\nndarray\n.",
    "an object": b"(" + KIND + b"o.",
    "a new object": KIND + b")\x81.",
    "a new object with names": KIND + b")}\x92.",
    "a buffer from elsewhere": b"\x97.",
    "an array that is called": KIND + number(10**12) + b"\x85\x85R.",
    "an array without values": GLOBAL + KIND + number(10**12) + b"\x85C\x01b\x87R.",
    "an array of another kind": GLOBAL + b"cnumpy\ndtype\n" + b"K\x00\x85C\x01b\x87R.",
    "an array of 8 TB": array(number(10**12) + b"\x85", dtype("f8"), b"12345678"),
    "an array of 2^64 values": array(number(2**32) + number(2**32) + b"\x86", dtype("u1"), b""),
    "an array of values without size": array(number(10**12) + b"\x85", dtype("S0"), b""),
    "an array of negative length": array(number(-1) + number(-1) + b"\x86", dtype("u1"), b"1"),
    "an array of 40 axes": array(b"(" + b"K\x01" * 40 + b"t", dtype("u1"), b"1"),
    "an array of a shape of text": array(text("a") + b"\x85", dtype("u1"), b"1"),
    "an array of a shape that is none": array(b"N", dtype("u1"), b"1"),
    "an array without a dtype": array(b"K\x01\x85", b"N", b"1"),
    "an array of objects": array(b"K\x01\x85", dtype("O"), b"12345678"),
    "an array of records": array(b"K\x01\x85", dtype("u1,O"), b"123456789"),
    "an array of blanks": array(b"K\x01\x85", dtype("V8"), b"12345678"),
    "a dtype of a terabyte": array(b"K\x01\x85", dtype("S999999999999"), b"1"),
    "a dtype whose state has fields": array(
        b"K\x01\x85", dtype("i8", b"(K\x03\x8c\x01|N\x8c\x01a\x85}\x8c\x01aNs" + b"K\x08K\x01K\x3ftb"), b"12345678"
    ),
    "a dtype whose state is another": array(b"K\x01\x85", dtype("i8", b"K\x05b"), b"12345678"),
    "a scalar of objects": SCALAR + dtype("O") + b"N\x86R.",
    "a scalar too short": SCALAR + dtype("f8") + b"C\x011\x86R.",
    "a scalar without a dtype": SCALAR + b"NC\x011\x86R.",
    "a global that is changed": SCALAR + b"N}\x8c\x04callNs\x86b.",
    "a global's own code that is changed": SCALAR + b"}\x8c\x08__code__Nsb.",
    "a list with attributes": b"]}\x8c\x06appendNsb.",
    "an ordered dict with attributes": ORDERED + b")R}\x8c\x05itemsNsb.",
    "a path to a global": b"\x80\x04\x8c\x05numpy\x8c\x0fndarray.__new__\x93.",
    "a global of two numbers": b"\x80\x04K\x01K\x02\x93.",
}


@pytest.mark.slow
@pytest.mark.parametrize("program", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_bad_input_and_takes_no_memory(program: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadInput) as caught:
            read(program)
        assert tracemalloc.get_traced_memory()[1] < ROOM
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert "MemoryError" not in str(caught.value)


def test_an_array_of_negative_length_does_not_even_reach_numpy() -> None:
    with pytest.raises(BadInput, match="an array of 1 bytes"):
        read(BOMBS["an array of negative length"])


def test_a_packed_bomb_is_not_unpacked() -> None:
    packed = bz2.compress(bytes(2**27))
    tracemalloc.start()
    with pytest.raises(BadInput, match="at most"):
        files.read_pickle(bz2.BZ2File(io.BytesIO(packed)), most=2**22)
    assert tracemalloc.get_traced_memory()[1] < ROOM
    tracemalloc.stop()


def test_what_stands_in_for_a_global_is_as_before_after_all_that() -> None:
    for program in BOMBS.values():
        with pytest.raises(BadInput):
            read(program)
    value = {"a": np.arange(3.0), "b": np.float64(2), "c": OrderedDict(x=1)}
    found = read(pickle.dumps(value, 4))
    np.testing.assert_array_equal(found["a"], value["a"])
    assert (found["b"], found["c"]) == (2.0, {"x": 1})


def record() -> dict[str, Any]:
    """As the benchmark's archive has them."""
    epochs = {f"x-valid@{epoch}": 10.5 + epoch for epoch in range(12)}
    one = {"seed": 777, "train_acc1es": dict.fromkeys(range(12), 5.0), "eval_acc1es": epochs, "latency": [0.1] * 3}
    return {"12": OrderedDict([(("cifar10", 777), one), (("cifar10", 888), dict(one, flop=np.float64(15.6)))])}


BATCH = {"data": np.arange(60, dtype=np.uint8).reshape(5, 12), "labels": [1, 2, 3, 4, 5], "mean": np.ones(12)}
WHOLE = [pickle.dumps(value, protocol) for value in (record(), BATCH) for protocol in (0, 2, 4)]
PIECES = [bytes([code]) for code in range(256)] + [
    GLOBAL, KIND, DTYPE, SCALAR, ORDERED, dtype("u1"), dtype("f8"), number(10**12), number(-1), text("a"), b"K\x02",
    b"(t", b"h\x00", b"q\x00", b"\x94", b"C\x0212", b"j\x00\x00\x00\x00", struct.pack("<Q", 2**40),
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A pickle with bytes cut off, flipped, overwritten by large numbers, doubled, or put in from another."""
    program = bytearray(draw(st.sampled_from(WHOLE)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(program) - 1, 0)))
        match draw(st.integers(0, 4)):
            case 0:
                del program[at:]
            case 1 if program:
                program[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                size = draw(st.sampled_from([1, 4, 8]))
                program[at : at + size] = draw(st.sampled_from([b"\xff", b"\x7f", b"\x00"])) * size
            case 3:
                program[at:at] = program[at : at + draw(st.integers(1, 40))]
            case _:
                other = draw(st.sampled_from(WHOLE))
                start = draw(st.integers(0, len(other) - 1))
                program[at:at] = other[start : start + draw(st.integers(1, 40))]
    return bytes(program)


def demand_value_or_bad_input(program: bytes, encoding: str) -> None:
    """The only two outcomes; what is read can be walked through."""
    try:
        said = repr(read(program, encoding=encoding))
    except BadInput as error:
        said = str(error)
        assert said.startswith("data: ") and "\n" not in said
    assert said


ENCODINGS = st.sampled_from(["ASCII", "bytes", "latin1"])
PROGRAMS = st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: b"".join(pieces) + b".")


@settings(max_examples=60, deadline=None)
@given(damaged(), ENCODINGS)
def test_a_damaged_pickle_is_read_or_refused(program: bytes, encoding: str) -> None:
    demand_value_or_bad_input(program, encoding)


@settings(max_examples=60, deadline=None)
@given(PROGRAMS, ENCODINGS)
def test_a_random_program_is_read_or_refused(program: bytes, encoding: str) -> None:
    demand_value_or_bad_input(program, encoding)


@pytest.mark.real
@settings(max_examples=4000, deadline=None)
@given(damaged(), ENCODINGS)
def test_thousands_of_damaged_pickles_are_read_or_refused(program: bytes, encoding: str) -> None:
    demand_value_or_bad_input(program, encoding)


@pytest.mark.real
@settings(max_examples=4000, deadline=None)
@given(PROGRAMS, ENCODINGS)
def test_thousands_of_random_programs_are_read_or_refused(program: bytes, encoding: str) -> None:
    demand_value_or_bad_input(program, encoding)
