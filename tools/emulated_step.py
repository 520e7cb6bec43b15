"""`python -m tools.emulated_step`: the tests of the compiled step, with the step compiled for ARM and run under qemu.

It needs a cross-compiler and an emulator (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user-static). Each
call of the step writes the memory of the program to a file, runs tools/emulated_step.c on it, and reads it back; all
else, autograd among it, is computed on this machine. Further arguments go to pytest.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from ctypes import c_double, c_int64
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from harness.schema.dataflow import Convolution, Dataflow, Dense
from harness.train.batches import Draw
from harness.train.native import program as native
from harness.train.native.library import FLAGS, REALS, SOURCE
from harness.train.native.program import Descent, Program

COMPILER = os.environ.get("CROSS_CC", "aarch64-linux-gnu-gcc")
EMULATOR = os.environ.get("EMULATOR", "qemu-aarch64-static")
DRIVER = Path(__file__).with_suffix(".c")
TESTS = [f"tests/train/test_native{name}.py" for name in ("", "_residual", "_chain")]
LEFT_OUT = " or ".join(
    ["another_length", "a_training", "whole_recipe", "another_head", "left_to_torch", "no_passes", "by_torch", "states"]
)
"""Tests that compile for this machine, or train whole networks, or do not call the step."""
ALIGNED, PAGE = 64, 4096


class Header(ctypes.Structure):
    """What stands at the beginning of the file; mirrors the structure in emulated_step.c."""

    _fields_: ClassVar[list[tuple[str, Any]]] = [
        *((name, c_int64) for name in ["start", "moves", "program", "batch", "logits", "updates", "nesterov", "begun"]),
        *((name, c_double) for name in ["rate", "momentum", "decay", "loss"]),
    ]


class Memory:
    """The regions that a call reads or writes, side by side in one file; pointers become places in it."""

    def __init__(self) -> None:
        self.starts: dict[int, tuple[int, int]] = {}  # address: its place in the file, bytes
        self.structures: list[tuple[Any, int]] = []
        self.size = 0

    def add(self, address: int, size: int) -> int:
        """Make room for these bytes; gives their place."""
        if address not in self.starts:
            self.starts[address] = (self.size, size)
            self.size += -(-size // ALIGNED) * ALIGNED
        return self.starts[address][0]

    def add_tensor(self, tensor: Tensor) -> int:
        """Make room for all that the tensor is a view of; gives the place of its first number."""
        storage = tensor.untyped_storage()
        return self.add(storage.data_ptr(), storage.nbytes()) + tensor.data_ptr() - storage.data_ptr()

    def add_structure(self, structure: Any) -> int:
        """The same of a structure, or an array of them, whose pointers will be moved."""
        place = self.add(ctypes.addressof(structure), ctypes.sizeof(structure))
        self.structures.append((structure, place))
        return place

    def place(self, address: int) -> int:
        """The place of an address within a region. Raises KeyError where it is in none."""
        for start, (place, size) in self.starts.items():
            if start <= address < start + size:
                return place + address - start
        raise KeyError(hex(address))

    def write(self, header: Header) -> bytes:
        """The whole file."""
        content = bytearray(self.size)
        for start, (place, size) in self.starts.items():
            content[place : place + size] = ctypes.string_at(start, size)
        moves = []
        for structure, place in self.structures:
            for offset in pointers(type(structure)):
                address = c_int64.from_buffer(content, place + offset)
                if address.value:
                    address.value = self.place(address.value)
                    moves.append(place + offset)
                del address
        header.moves = len(moves)
        head = bytes(header) + bytes((c_int64 * len(moves))(*moves))
        header.start = -(-len(head) // PAGE) * PAGE
        return (bytes(header) + head[ctypes.sizeof(Header) :]).ljust(header.start, b"\0") + bytes(content)

    def read(self, content: bytes, start: int) -> None:
        """Copy back everything but structures, which hold pointers of the emulated machine."""
        kept = {ctypes.addressof(structure) for structure, _ in self.structures}
        for address, (place, size) in self.starts.items():
            if address not in kept:
                ctypes.memmove(address, content[start + place : start + place + size], size)


def pointers(kind: Any, offset: int = 0) -> Iterator[int]:
    """Offsets of all pointers in a structure, or an array of structures."""
    if issubclass(kind, ctypes.Array):
        for place in range(kind._length_):
            yield from pointers(kind._type_, offset + place * ctypes.sizeof(kind._type_))
        return
    for name, field in kind._fields_:
        here = offset + getattr(kind, name).offset
        if issubclass(field, ctypes.Structure):
            yield from pointers(field, here)
        elif issubclass(field, ctypes.c_void_p | ctypes._Pointer):
            yield here


@cache
def driver(real: str) -> Path:
    """The step and its driver, compiled for the other machine."""
    path = Path(tempfile.mkdtemp()) / real
    flags = [flag for flag in FLAGS if flag not in ("-shared", "-fPIC")]
    where = [f'-DSTEP="{SOURCE}"', "-static", "-o", str(path), str(DRIVER), "-lm"]
    subprocess.run([COMPILER, *flags, *REALS[real], *where], check=True)
    return path


class Emulated:
    """Takes the place of the loaded library: it only knows how long a vector is."""

    def __init__(self, real: str = "float") -> None:
        self.real = real

    def lanes_in_vector(self) -> int:
        """As the other machine says."""
        return int(subprocess.run([EMULATOR, str(driver(self.real))], check=True, capture_output=True).stdout)


class EmulatedProgram(Program):
    """A program each call of which is made by the other machine."""

    def __init__(self, lib: Any, flow: Dataflow, size: int, batch: int, real: torch.dtype = torch.float32) -> None:
        super().__init__(lib, flow, size, batch, real)
        terms = [term for each in flow.maps for term in each.terms if isinstance(term, Convolution | Dense)]
        self.kernels = [tensor for term in terms for tensor in (term.module.weight, term.module.bias)]

    def update(self, images: Tensor, drawn: Draw, labels: Tensor, descent: Descent) -> tuple[float, Tensor]:
        """As the program's own."""
        logits = self._logits(len(labels))
        for dropout in self.dropouts:
            dropout.draw(len(labels))
        header = Header(
            updates=1, nesterov=descent.nesterov, begun=self.begun, rate=descent.rate, momentum=descent.momentum,
            decay=descent.decay,
        )  # fmt: skip
        loss = self._call(header, images, drawn, labels, logits)
        self.begun, self.made = True, self.made + 1
        if self.parts.counts:
            torch._foreach_add_(self.parts.counts, 1)
        return loss, logits

    def scores(self, images: Tensor) -> Tensor:
        """As the program's own."""
        self.struct.still = 1
        parts, images = [], images.permute(0, 2, 3, 1).contiguous()
        for rows in torch.arange(len(images)).split(self.batch):
            none = torch.zeros(2, len(rows), dtype=torch.long)
            parts.append(self._logits(len(rows)))
            self._call(Header(), images, Draw(rows, none, none[0].bool()), None, parts[-1])
        self.struct.still, self.made = 0, self.made + 1
        return torch.cat(parts)

    def _call(self, header: Header, images: Tensor, drawn: Draw, labels: Tensor | None, logits: Tensor) -> float:
        batch, held = native._batch(images, drawn, labels)
        memory = Memory()
        for kept in self.memory.kept:
            memory.add_tensor(kept) if isinstance(kept, Tensor) else memory.add_structure(kept)
        norms = [tensor for norm in self.parts.norms for tensor in norm.state_dict(keep_vars=True).values()]
        weights = [tensor for pair in self.memory.slopes.values() for tensor in pair]
        for tensor in (
            *self.memory.tensors.values(),
            *(dropout.factors for dropout in self.dropouts),
            *norms,
            *weights,
            *(tensor for tensor in self.kernels if tensor is not None),
            *self.head.parameters(),
            *held,
            *([] if labels is None else [labels]),
        ):
            memory.add_tensor(tensor)
        header.program, header.batch = memory.add_structure(self.struct), memory.add_structure(batch)
        header.logits = memory.add_tensor(logits)
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(memory.write(header))
            real = {torch.float32: "float", torch.float64: "double"}[self.real]
            subprocess.run([EMULATOR, str(driver(real)), file.name], check=True)
            content = Path(file.name).read_bytes()
        memory.read(content, header.start)
        return float(Header.from_buffer_copy(content).loss)


class Plugin:
    """Lets the tests find the emulated step where they look for the compiled one."""

    @pytest.fixture(autouse=True)
    def emulated(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the names in the test's own module and in those whose checks it shares."""
        shared = [sys.modules.get(f"tests.train.{name}") for name in ("test_native", "native_networks")]
        for module in filter(None, {request.module, *shared}):
            monkeypatch.setattr(module, "library", Emulated, raising=False)
            monkeypatch.setattr(module, "Program", EmulatedProgram, raising=False)


def main(arguments: list[str]) -> int:
    """Exit code of pytest."""
    print(subprocess.run([COMPILER, "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0])
    for real in REALS:
        print(f"{real}: vectors of {Emulated(real).lanes_in_vector()} numbers")
    return int(pytest.main([*TESTS, "-n", "0", "-k", f"not ({LEFT_OUT})", *arguments], plugins=[Plugin()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
