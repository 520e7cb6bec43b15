"""Pickles from outside, read without executing code."""

from __future__ import annotations

import io
import math
import pickle
import re
import zlib
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from harness.files.opcodes import inspect
from harness.schema import BadInput, demand

MOST = 2**28  # bytes of an unpacked pickle
NESTED = 100  # nested containers
VALUES = 10**7  # values in the whole tree, shared ones counted each time
_DTYPE = re.compile(r"[<>=|]?(?:[biuf][1248]|f16|c(?:8|16|32)|b|\?|[SU]\d{1,9})")
_CONTAINERS = {dict, list, tuple, set, frozenset}


def read_pickle(stream: IO[bytes], encoding: str = "ASCII", most: int = MOST) -> Any:
    """The content of the pickle in `stream`: plain values, dicts, NumPy arrays and scalars only.

    A pickle is a program. It is checked statically (`opcodes.inspect`) before it is executed and may name only the few
    globals below, which are replaced by stand-ins that validate their arguments: nothing else is executed or imported,
    no array is larger than its bytes in the file, and the result is a finite tree. An ordered dict becomes a dict
    (which is ordered), an array an instance of a subclass. `encoding` is as in `pickle.load`, `most` the largest number
    of bytes read. Raises BadInput for any other pickle and for a damaged one.
    """
    try:
        program = _bounded(stream, most)
        inspect(program)
        value = _Reader(io.BytesIO(program), encoding=encoding).load()
    except BadInput:
        raise
    except (
        pickle.UnpicklingError, EOFError, OSError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError,
        RecursionError, MemoryError, zlib.error,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"data: must be a complete pickle (got {type(error).__name__}: {reason})") from error
    _demand_tree(value)
    return value


def _bounded(stream: IO[bytes], most: int) -> bytes:
    """All of the stream, read in small pieces: a compressed one may be far longer than its file."""
    pieces, length = [], 0
    while piece := stream.read(2**20):
        pieces.append(piece)
        length += len(piece)
        demand(length <= most, "data", f"a pickle of at most {most} bytes", "a longer one")
    return b"".join(pieces)


def _demand_tree(value: Any) -> None:
    """Raise BadInput unless `value` is a tree of bounded depth and size."""
    sizes: dict[int, int] = {}  # of finished containers
    above: set[int] = set()
    todo = _within([value])
    while todo:
        top = todo[-1]
        if id(top) in sizes:
            todo.pop()
            continue
        inner = _within(top)
        if id(top) in above:  # all containers in it are finished
            sizes[id(top)] = len(top) + sum(sizes[id(v)] for v in inner)
            demand(
                sizes[id(top)] <= VALUES, "data", f"a pickle of at most {VALUES} values", "more, by shared references"
            )
            above.remove(id(todo.pop()))
        else:
            above.add(id(top))
            demand(len(above) <= NESTED, "data", f"a pickle with at most {NESTED} nested containers", "more")
            demand(
                not any(id(v) in above for v in inner), "data", "a pickle of a tree", "a container that contains itself"
            )
            todo += [v for v in inner if id(v) not in sizes]


def _within(container: Any) -> list[Any]:
    """The containers that are direct elements of `container`."""
    inner = [value for value in container if type(value) in _CONTAINERS]
    if type(container) is dict:
        inner += [value for value in container.values() if type(value) in _CONTAINERS]
    return inner


class _Global:
    """Stand-in for a global that can be called and nothing else."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a global is changed")


class _Dtype:
    """Stand-in for a NumPy dtype, whose state NumPy does not validate; `real` is a dtype of numbers or of strings."""

    __slots__ = ("real",)

    def __init__(self, text: str | bytes, *_: object) -> None:
        name = text.decode("ascii") if isinstance(text, bytes) else text
        demand(bool(_DTYPE.fullmatch(name)), "data", "an array of numbers or strings", name)
        self.real = np.dtype(name)
        demand(self.real.itemsize > 0, "data", "an array of values of a positive size", name)

    def __setstate__(self, state: Any) -> None:
        _, given, *record = state
        order: Any = given.decode("ascii") if isinstance(given, bytes) else given
        demand(order in ("<", ">", "|", "=") and record[:3] == [None] * 3, "data", "an array of a plain dtype", order)
        self.real = self.real.newbyteorder(order)


class _Array(np.ndarray[Any, Any]):
    """An array that validates its state."""

    def __setstate__(self, state: Any) -> None:
        *_, shape, dtype, fortran, raw = state
        demand(isinstance(dtype, _Dtype) and len(shape) <= 32, "data", "an array of numbers or strings", "another")
        raw = raw.encode("latin1") if isinstance(raw, str) else raw  # as Python 2 wrote it
        wanted = math.prod(map(int, shape)) * dtype.real.itemsize
        demand(
            min(shape, default=0) >= 0 and len(raw) == wanted, "data", f"an array of {wanted} bytes {shape}", len(raw)
        )
        sound: Any = (1, tuple(map(int, shape)), dtype.real, bool(fortran), raw)
        super().__setstate__(sound)

    def __reduce_ex__(self, protocol: Any) -> Any:  # a copy for another process is a plain array
        return np.asarray(self).__reduce_ex__(protocol)


def _dict(items: list[list[Any]] | tuple[()] = ()) -> dict[Any, Any]:
    return dict(items)


def _empty(kind: object, shape: object, dtype: object) -> _Array:
    demand(kind is _KIND and shape == (0,), "data", "an array with its shape in its state", "another")
    return _Array(0)


def _scalar(dtype: _Dtype, raw: bytes | str) -> Any:
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    real = dtype.real
    demand(len(raw) == real.itemsize > 0, "data", f"a scalar of {real.itemsize} bytes", len(raw))
    return np.frombuffer(raw, real)[0]


def _refuse(*_: object) -> None:
    raise pickle.UnpicklingError("an array without its values")


_KIND = _Global(_refuse)
_GLOBALS = {
    ("collections", "OrderedDict"): _Global(_dict),
    ("numpy", "dtype"): _Global(_Dtype),
    ("numpy", "ndarray"): _KIND,
    ("numpy.core.multiarray", "scalar"): _Global(_scalar),
    ("numpy._core.multiarray", "scalar"): _Global(_scalar),  # since NumPy 2
    ("numpy.core.multiarray", "_reconstruct"): _Global(_empty),
    ("numpy._core.multiarray", "_reconstruct"): _Global(_empty),
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        demand((module, name) in _GLOBALS, "data", "a pickle of plain values and NumPy arrays", f"{module}.{name}")
        return _GLOBALS[module, name]
