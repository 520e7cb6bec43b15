"""What the last bits of a training depend on besides its key: versions, processor and GPU."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import numpy as np

from harness import __version__


@cache
def machine_facts(device: str) -> dict[str, str]:
    """Versions and machine of a training on `device`, which every trace names; the one place where they are read.

    `computed_on` is the GPU's type, or the processor's machine type and the instruction set that torch uses of it;
    `processor` is the processor's model; with a GPU `cuda` and `cudnn` are the versions of torch's CUDA libraries.
    """
    import torch  # the processor alone is asked where torch need not be read

    versions = {"harness": __version__, "torch": torch.__version__, "numpy": np.__version__}
    if device == "cpu":
        instructions = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
        return versions | {"computed_on": instructions, "processor": processor()}
    libraries = {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    return versions | {"computed_on": torch.cuda.get_device_name(device), "processor": processor()} | libraries


UNEQUAL = ", not deterministic"
"""How the type of a GPU ends where equal trainings need not give equal bits."""


def gpu_type(device: str, deterministic: bool = True) -> str:
    """What a key says of a GPU: its type and the version of torch, such as "NVIDIA H100 80GB HBM3, torch 2.11.0"."""
    facts = machine_facts(device)
    return f"{facts['computed_on']}, torch {facts['torch']}{'' if deterministic else UNEQUAL}"


def cards_of(device: str) -> list[str]:
    """The GPUs that `device` means: one, or with "cuda" all of the type of the first."""
    import torch

    if device != "cuda":
        return [device]
    names = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return [name for name in names if torch.cuda.get_device_name(name) == torch.cuda.get_device_name(names[0])]


@cache
def processor() -> str:
    """The processor's model, as Linux names it; elsewhere as Python does, or "unknown"."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
