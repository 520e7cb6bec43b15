"""What a training on a GPU needs besides its computation: the current card, equal bits, whether it still answers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def in_force(device: torch.device | str) -> Iterator[None]:
    """In the block `device` is the current one, where it is a GPU.

    What torch makes without naming a device (streams, graphs, random states) belongs to the current one: without this,
    a graph that is recorded for "cuda:1" is a recording of an empty stream of "cuda:0".
    """
    if torch.device(device).type != "cuda":
        yield
        return
    with torch.cuda.device(device):
        yield


def prepare_gpu(device: torch.device | str, deterministic: bool = True) -> None:
    """Make `device` the current one of this process for good; with `deterministic` equal trainings give equal bits.

    An operation without a deterministic implementation computes as it always does: no training has one, a measure may.
    To be called before the process computes anything on a GPU, as cuBLAS reads its setting once.
    """
    torch.cuda.set_device(device)
    torch.backends.cudnn.benchmark = False  # the fastest algorithm of a trial differs from trial to trial
    torch.backends.cudnn.deterministic = deterministic
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation")
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    # it would launch one more kernel for each tensor
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property of the module


def layout_of(model: nn.Module, device: torch.device | str) -> torch.memory_format:
    """In which order the maps of a network lie in memory: channels last.

    On a GPU a network with convolutions in groups, as depthwise ones are, has them contiguous: channels last, such a
    network was seen to take twice as long (docs/performance.md).
    """
    grouped = any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in model.modules())
    on_gpu = torch.device(device).type == "cuda"
    return torch.contiguous_format if grouped and on_gpu else torch.channels_last


def lost_reason(device: torch.device | str) -> str | None:
    """Why no computation on a GPU succeeds any more in this process; None where one does.

    Most errors of a kernel (an illegal address, a failed assertion) stay: every later call of the process fails with
    them. That is tried rather than read off a message. A lack of memory passes.
    """
    if torch.device(device).type != "cuda":
        return None
    try:
        torch.cuda.synchronize(device)
        torch.ones(1, device=device).add_(1).item()
    except torch.cuda.OutOfMemoryError:
        return None
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return None
