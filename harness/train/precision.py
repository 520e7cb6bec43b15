"""In which arithmetic a training computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from harness.schema import demand
from harness.train.recipe import PRECISIONS


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """What runs inside computes in this precision; weights, their updates and losses are float32 in each.

    "float32" is that without exceptions, on CUDA too, where torch would take TensorFloat-32 for convolutions; "tf32" is
    TensorFloat-32 wherever CUDA has it; "bfloat16" is autocast: convolutions and what follows them in bfloat16.

    Raises BadInput for "tf32" on another device.
    """
    demand(precision in PRECISIONS, "train.precision", " or ".join(map(repr, PRECISIONS)), precision)
    demand(precision != "tf32" or device.type == "cuda", "train.precision", "'tf32' on a CUDA device only", device.type)
    with ExitStack() as stack:
        if device.type == "cuda":
            stack.enter_context(_tensor_float(precision == "tf32"))
        if precision == "bfloat16":
            stack.enter_context(torch.autocast(device.type, torch.bfloat16))
        yield


@contextmanager
def _tensor_float(allowed: bool) -> Iterator[None]:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
