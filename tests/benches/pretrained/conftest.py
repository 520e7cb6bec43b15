"""torchvision, whose compiled operators a build of torch for CPUs may not load; classifiers need none of them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import torch


@pytest.fixture(scope="session")
def torchvision() -> Iterator[Any]:
    try:
        yield import_module("torchvision")
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")  # its operators end with it
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        yield import_module("torchvision")
