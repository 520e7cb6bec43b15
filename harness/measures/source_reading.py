"""What a network says of images before its head: features, and logits of its source classifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.schema import SourceModel

CHUNK = 64
"""Images in one pass: in evaluation mode each is computed by itself, so that this only bounds the memory."""


@dataclass(frozen=True)
class Reading:
    """Features (n, d) as the network has them, and logits (n, Z) of its source classifier, None without one."""

    features: Tensor
    logits: Tensor | None


def read_source(model: nn.Module, images: Tensor) -> Reading:
    """Features and source logits of the images, in evaluation mode, without gradients.

    Of a network that is no `SourceModel`: the input of its head, and no logits.
    """
    source = model if isinstance(model, SourceModel) else None
    find = source.source_features if source else getattr(model, "features", None)
    if not callable(find):
        raise ValueError(f"network: must have features(images) (got {type(model).__name__})")
    with torch.no_grad(), evaluation_mode(model):
        parts = images.split(CHUNK)
        features = torch.cat([find(part) for part in parts])
        logits = [source.source_logits(part) for part in parts] if source else []
    whole = [part for part in logits if part is not None]
    return Reading(features.flatten(1), torch.cat(whole) if whole else None)


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Every module in evaluation mode, and back in its own mode afterwards."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training
