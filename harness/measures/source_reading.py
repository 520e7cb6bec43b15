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


def read_source(model: nn.Module, images: Tensor, with_logits: bool = True) -> Reading:
    """Features and source logits of the images, in evaluation mode, without gradients.

    Of a network that is no `SourceModel`: the input of its head, and no logits.
    """
    with torch.no_grad(), evaluation_mode(model):
        parts = [_outputs(model, part, with_logits) for part in images.split(CHUNK)]
    logits = [part for _, part in parts if part is not None]
    features = torch.cat([part for part, _ in parts]).flatten(1)
    return Reading(features, torch.cat(logits) if logits else None)


def _outputs(model: nn.Module, images: Tensor, with_logits: bool) -> tuple[Tensor, Tensor | None]:
    """Features and source logits of a few images, from one pass where the network can."""
    if not isinstance(model, SourceModel):
        read = getattr(model, "features", None)
        if not callable(read):
            raise ValueError(f"network: must have features(images) (got {type(model).__name__})")
        return read(images), None
    both = getattr(model, "source_outputs", None)
    if with_logits and callable(both):
        features, logits = both(images)
        return features, logits
    return model.source_features(images), model.source_logits(images) if with_logits else None


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
