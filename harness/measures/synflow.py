"""Synaptic flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call

from harness.schema import Observer, Scene, demand

from .checks import finite
from .edges import weights
from .layers import NORMS, WEIGHTED
from .passes import Batch


@dataclass(frozen=True)
class SynFlow:
    """SynFlow: total strength of the paths from input to output (Tanaka et al. 2020, arXiv 2006.05467, eqs. 1 and 2).

        synflow = ln(1 + sum |w dR/dw|),  R = sum of the logits of one image of ones through the absolute weights

    The sum runs over the weights of all convolutions and dense layers. Every parameter and running statistic is
    replaced by its absolute value, and BatchNorm is the identity, as in the code of Abdelfattah et al. (2021, arXiv
    2101.08134); no image and no label is used. Computed in float64: in float32 deep networks overflow. The logarithm
    preserves the ranking, and the 1 maps a network without a path to 0 instead of minus infinity. nan where the sum is
    not finite. Higher is better.
    """

    kind: ClassVar[str] = "measure/synflow"

    every: int = 4

    def __post_init__(self) -> None:
        demand(self.every >= 1, "measure.synflow.every", "at least 1", self.every)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("synflow",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return True

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the score of the model it is shown."""

        def observe(model: nn.Module, batch: Batch, step: int) -> Mapping[str, float]:
            return {"synflow": finite(flows(model, batch[0]).sum().log1p())}

        return observe


def flows(model: nn.Module, images: Tensor) -> Tensor:
    """sum |w dR/dw| of every convolution and dense layer, (layers,) in float64, in the order of `named_modules`.

    A head without layers, such as a probe, is skipped: R is then the sum of the features. Only the shape
    of one of the `images` (B, ...) is used. The model is left unchanged.
    """
    training = [module for module in model.modules() if module.training]
    tensors = (*model.named_parameters(), *model.named_buffers())
    state = {name: tensor.detach().abs().double() for name, tensor in tensors if tensor.is_floating_point()}
    paths = [state[name].requires_grad_() for name in weights(model)]
    if not paths:
        return torch.zeros(0, dtype=torch.float64)
    head = getattr(model, "head", None)
    without_layers = isinstance(head, nn.Module) and not any(isinstance(module, WEIGHTED) for module in head.modules())
    if without_layers:
        model.head = nn.Identity()
    ones = torch.ones((1, *images.shape[1:]), dtype=torch.float64, device=images.device)
    hooks = [norm.register_forward_hook(_pass) for norm in model.modules() if isinstance(norm, NORMS)]
    try:
        model.eval()
        total = functional_call(model, state, (ones,)).sum()
    finally:
        if without_layers:
            model.head = head  # type: ignore[assignment]  # the original module
        for hook in hooks:
            hook.remove()
        for module in training:
            module.training = True
    if not total.requires_grad:
        return torch.zeros(len(paths), dtype=torch.float64)
    slopes = torch.autograd.grad(total, paths, materialize_grads=True)
    return torch.stack([(w.detach() * slope).abs().sum() for w, slope in zip(paths, slopes, strict=True)])


def _pass(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return inputs[0].clone()  # the next operation may write in place, and a constant map is an expanded view
