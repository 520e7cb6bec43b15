"""What a process that trains small networks needs before it starts."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import torch

from harness.schema import demand

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def demand_device(device: str) -> None:
    """Raise BadInput where this machine has no such device."""
    there = torch.cuda.device_count()
    names = ["cpu", *(f"cuda:{number}" for number in range(there))]
    fits = device == "cpu" or int(device.partition(":")[2] or 0) < there
    demand(fits, "engine.device", f"a device of this machine ({', '.join(names)})", device)


def prepare(threads: int) -> None:
    """Set torch's number of threads, which decides the last bits, and have glibc keep freed memory."""
    torch.set_num_threads(threads)
    _keep_memory()


@cache
def _keep_memory() -> None:
    """Have glibc keep freed memory.

    Activations of a few megabytes are by default given back to the system and faulted in again at every step, which
    costs a tenth of a training step and half of an evaluation.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
            libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)


LITTLE = 64 << 20
"""Bytes of freed memory that stay: to fault the pages of a small network in again takes a hundredth of its training."""


class MallocInfo(ctypes.Structure):
    """glibc's mallinfo2; `fordblks` are the freed bytes that the process still holds."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks",
                     "keepcost")
    )  # fmt: skip


def release_memory() -> None:
    """Return freed memory to the system: what one training needed at its peak is not held through the next ones.

    Where that is `LITTLE`, nothing happens; glibc before 2.33 does not say how much it is.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallinfo2"):
        libc.mallinfo2.restype = MallocInfo
        if libc.mallinfo2().fordblks < LITTLE:
            return
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
