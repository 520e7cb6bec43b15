"""A stack of networks whose passes are compiled C (stack.c)."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.schema import demand
from harness.train.native.library import compiled

from . import passes
from .drawn import Drawn
from .form import CHANNELS, Form, Layer
from .pictures import Pictures
from .updates import Updates

SOURCE = Path(__file__).with_name("stack.c")
LANES = 16
"""Images of one block."""


def _fields(pointers: str, before: str = "") -> list[tuple[str, Any]]:
    return [(name, c_int64) for name in before.split()] + [(name, c_void_p) for name in pointers.split()]


class _Layer(ctypes.Structure):
    _fields_: ClassVar = [*_fields("offsets bases", "inputs places"), ("read", c_int64)]


class _Form(ctypes.Structure):
    _fields_: ClassVar = [
        *_fields("", "layers classes params pixels tanh"),
        ("layer", POINTER(_Layer)),
        *_fields("images values factors slopes before turned words"),
    ]


class _Batch(ctypes.Structure):
    _fields_: ClassVar = [*_fields("images rows labels"), ("count", c_int64)]


class _Stack(ctypes.Structure):
    _fields_: ClassVar = _fields("params slopes states below kept penalties losses hits", "networks")


@cache
def library() -> ctypes.CDLL:
    """The compiled passes. Raises CannotCompile as `harness.train.native.library` does."""
    found = compiled(SOURCE)
    found.most_classes.restype = c_int64
    return found


class CompiledStack:
    """Parameters and random states of networks that are trained side by side; as `AutogradStack`, but for rounding."""

    def __init__(self, drawn: Drawn, form: Form) -> None:
        self.lib, self.form = library(), form
        most = self.lib.most_classes()
        demand(form.classes <= most, "dataset", f"at most {most} classes (or engine.kernels=torch)", form.classes)
        kernels = [torch.stack(each) for each in zip(*drawn.kernels, strict=True)]
        biases = [torch.zeros(kernel.shape[:2]) for kernel in kernels]
        self.params = passes.flat([*kernels, *biases]).contiguous()
        self.slopes = torch.zeros_like(self.params)
        self.updates = Updates(drawn.optimizer, [self.params], torch.tensor(drawn.numbers("rate")))
        g = len(drawn.networks)
        self.losses, self.hits = np.zeros(g), np.zeros(g, np.int64)
        states = [source.state["state"]["state"] for source in drawn.dropout_sources()]
        kept, penalties = drawn.kept().astype(np.float32), np.array(drawn.numbers("l2"), np.float32)
        self.held = (np.stack(states).astype(np.uint64), drawn.below(), kept, penalties)
        self.tanh, self.room = drawn.activation == "tanh", 0

    def update(self, pictures: Pictures, rows: Tensor) -> None:
        """One update on these images; the loss has l2 times the sum of squares of the kernels, too."""
        self._pass(pictures, rows, backward=True)
        self.updates.update([self.params], [self.slopes])

    def watch(self, pictures: Pictures, rows: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Loss in nats and accuracy in percent of every network, (g,) each, without dropout."""
        self._pass(pictures, rows, backward=False)
        return (self.losses / len(rows)).astype(np.float32), (100 * self.hits / len(rows)).astype(np.float32)

    def flat(self) -> NDArray[np.float32]:
        """Every parameter, (g, n), in the published order."""
        return self.params.numpy().copy()

    def _pass(self, pictures: Pictures, rows: Tensor, backward: bool) -> None:
        if len(rows) > self.room:
            self.room, self.struct = len(rows), _form(self.form, self.tanh, len(rows))
        assert rows.dtype == pictures.labels.dtype
        for read in (pictures.images, pictures.labels, rows):
            assert read.is_contiguous()
        batch = _Batch(pictures.images.data_ptr(), rows.data_ptr(), pictures.labels.data_ptr(), len(rows))
        self.losses[:], self.hits[:] = 0, 0
        states, below, kept, penalties = (array.ctypes.data for array in self.held)
        slopes = self.slopes.data_ptr() if backward else None
        results = self.losses.ctypes.data, self.hits.ctypes.data
        whole = _Stack(len(self.params), self.params.data_ptr(), slopes, states, below, kept, penalties, *results)
        self.lib["pass"](byref(self.struct[0]), byref(batch), byref(whole))


def _form(form: Form, tanh: bool, count: int) -> tuple[_Form, list[Any]]:
    """The structure for batches of at most `count` images, and what it points to, which must live as long."""
    layers = form.layers
    held: list[Any] = []

    def room(vectors: int) -> int:
        zeros = torch.zeros(vectors * LANES)
        held.append(zeros)
        return zeros.data_ptr()

    places = [CHANNELS * layer.after**2 for layer in layers]
    described = (_Layer * len(layers))()
    for to, layer in zip(described, layers, strict=True):
        offsets, bases = _places(layer)
        held += [offsets, bases]
        read = layer.channels * layer.side**2
        to.inputs, to.places, to.read = len(offsets), len(bases), read
        to.offsets, to.bases = offsets.ctypes.data, bases.ctypes.data
    images, most = room(-(-count // LANES) * form.size**2), max(places)
    maps = [room(sum(places)), room(sum(places)), room(most), room(most), room(most)]
    words = np.zeros(sum(places) * count // 4 + LANES, np.uint64)
    held += [described, words]
    sizes = len(layers), form.classes, form.params, form.size**2, tanh
    return _Form(*sizes, described, images, *maps, words.ctypes.data), held


def _places(layer: Layer) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where in its map a layer finds each input of its first place, and how much further those of each place are."""
    row, column, channel = np.indices((layer.kernel, layer.kernel, layer.channels)).reshape(3, -1)
    down, right = np.indices((layer.after, layer.after)).reshape(2, -1) * layer.stride
    offsets = (channel * layer.side + row) * layer.side + column
    return offsets.astype(np.int32), (down * layer.side + right).astype(np.int32)
