"""The layers of a network that a forward pass calls, in order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from harness.schema import Shared

WEIGHTED: tuple[type[nn.Module], ...] = (_ConvNd, nn.Linear)
NORMS: tuple[type[nn.Module], ...] = (_BatchNorm,)

FEW = 2
"""Images in the pass: BatchNorm needs more than one value per channel."""


def layers_at_work(
    model: nn.Module, images: Tensor, kinds: tuple[type[nn.Module], ...], shared: Shared | None = None
) -> list[str]:
    """Names of the layers of these `kinds` that a forward pass calls, in the order of their first call.

    The first of `images` (B, ...) are passed, without gradients. A layer that the network holds but never calls (a dead
    edge of a cell) is left out, and one that is called twice is listed once. The pass updates BatchNorm's running
    statistics. Measures that share a model share one such pass.
    """
    if shared is not None and set(kinds) <= {*WEIGHTED, *NORMS}:
        names = shared.get("layers at work", lambda: layers_at_work(model, images, WEIGHTED + NORMS))
        return [name for name in names if isinstance(model.get_submodule(name), kinds)]
    called: dict[str, None] = {}

    def note(name: str) -> None:
        called[name] = None

    hooks = [
        module.register_forward_pre_hook(lambda *_, name=name: note(name))
        for name, module in model.named_modules()
        if isinstance(module, kinds)
    ]
    try:
        with torch.no_grad():
            model(images[:FEW])
    finally:
        for hook in hooks:
            hook.remove()
    return list(called)
