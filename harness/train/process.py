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


def release_memory() -> None:
    """Return freed memory to the system: what one training needed at its peak is not held through the next ones."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
