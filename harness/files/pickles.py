"""Pickles from outside, read without running them."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, cast

import numpy as np

from harness.schema import BadInput, demand

_SCALAR = cast(Callable[..., Any], np.float64(0).__reduce__()[0])
_ARRAY = cast(Callable[..., Any], np.empty(0).__reduce__()[0])
_PICKLED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,  # since NumPy 2
    ("numpy.core.multiarray", "_reconstruct"): _ARRAY,
    ("numpy._core.multiarray", "_reconstruct"): _ARRAY,
}


def read_pickle(stream: IO[bytes], encoding: str = "ASCII") -> Any:
    """What the pickle in `stream` holds, if that is plain values, ordered dicts and NumPy arrays and scalars alone.

    A pickle is a program; one that names any other global is refused before that is imported. `encoding` is as in
    `pickle.load`. Raises BadInput for such a pickle and for a damaged one.
    """
    try:
        return _Reader(stream, encoding=encoding).load()
    except (pickle.UnpicklingError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"data: a whole pickle is needed, got {type(error).__name__}: {error}") from error


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        demand((module, name) in _PICKLED, "data", "a pickle of plain values and NumPy arrays", f"{module}.{name}")
        return _PICKLED[module, name]
