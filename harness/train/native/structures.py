"""The structures of step.c, field for field."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_int64, c_void_p
from typing import Any, ClassVar

Fields = list[tuple[str, Any]]


def _of(kind: Any, names: str) -> Fields:
    return [(name, kind) for name in names.split()]


class Norm(ctypes.Structure):
    """BatchNorm; without a scale a bias, without a shift nothing."""

    _fields_: ClassVar[Fields] = [
        *_of(c_void_p, "scale shift mean variance scale_slope shift_slope a b p q r centre spread"),
        ("channels", c_int64),
    ]


class Conv(ctypes.Structure):
    """One convolution of what its operation reads."""

    _fields_: ClassVar[Fields] = [
        *_of(c_int64, "k stride padding out"),
        *_of(c_void_p, "weight slope"),
        *_of(c_int64, "so si sy sx"),
        *_of(c_void_p, "packed turned raw arriving salience"),
        ("norm", Norm),
    ]


class Term(ctypes.Structure):
    """One term of a map."""

    _fields_: ClassVar[Fields] = [
        *_of(c_int64, "kind first"),
        *_of(c_void_p, "map slope"),
        *_of(c_int64, "window stride height width"),
        ("norm", Norm),
    ]


class Op(ctypes.Structure):
    """One operation of the program."""

    _fields_: ClassVar[Fields] = [
        *_of(c_int64, "kind channels height width"),
        *_of(c_void_p, "map slope"),
        *_of(c_int64, "rectify first count"),
        ("convs", POINTER(Conv)),
        ("terms", POINTER(Term)),
        *_of(c_void_p, "weight bias weight_slope bias_slope"),
        ("classes", c_int64),
        ("factors", c_void_p),
    ]


class Weight(ctypes.Structure):
    """A tensor that is trained, with its gradient and its momentum."""

    _fields_: ClassVar[Fields] = [*_of(c_void_p, "value slope momentum"), ("count", c_int64)]


class Program(ctypes.Structure):
    """Everything that one pass needs."""

    _fields_: ClassVar[Fields] = [
        ("ops", POINTER(Op)),
        ("weights", POINTER(Weight)),
        *_of(c_int64, "op_count weight_count"),
        ("images", c_void_p),
        *_of(c_int64, "channels height width"),
        *_of(c_void_p, "tile_in tile_out tile_back scratch"),
        *_of(c_double, "norm_momentum epsilon"),
        *_of(c_int64, "group_pixels still salient"),
    ]


class Batch(ctypes.Structure):
    """Images, as they are to be cut out of larger ones."""

    _fields_: ClassVar[Fields] = [
        ("source", c_void_p),
        *_of(c_int64, "rows_apart pitch images"),
        *_of(c_void_p, "rows top left mirrored labels"),
    ]


TERM_CONV, TERM_MAP, TERM_POOL3, TERM_POOL2, TERM_NORM, TERM_CONSTANT, TERM_MAX = range(7)
DO_CONVS, DO_DENSE, DO_NODE, DO_STATISTICS, DO_HEAD, DO_CONVS_BACK, DO_DENSE_BACK, DO_NODE_BACK = range(8)
