"""Forward and backward passes of a batch, shared by the measures that read them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import Shared

from .layers import WEIGHTED
from .rectifiers import Rectified, Rectifiers, edge_counts

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Pass:
    """A forward pass with its autograd graph: `images` (a leaf), `logits` and their mean loss (nats).

    `outputs` are those of each convolution and dense layer, call by call; `rectified` are the ReLU calls of the
    features, not of the head.
    """

    images: Tensor
    logits: Tensor
    loss: Tensor
    outputs: list[Tensor]
    rectified: list[Rectified]


@dataclass(frozen=True)
class Slopes:
    """Gradients of the loss of a pass in every weight by its name, and in every output; 0 where it is independent."""

    of: Pass
    weights: dict[str, Tensor]
    outputs: list[Tensor]


def forward(shared: Shared, model: nn.Module, batch: Batch, count: int) -> Pass:
    """The pass of the first `count` images, BatchNorm with their statistics."""
    return shared.get(("forward", count), lambda: through(model, first(batch, count)))


def slopes(shared: Shared, model: nn.Module, batch: Batch, count: int) -> Slopes:
    """The gradients of that pass's loss."""

    def make() -> Slopes:
        done = forward(shared, model, batch, count)
        weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        tensors = [*weights.values(), *done.outputs]
        if not tensors:
            return Slopes(done, {}, [])
        found = torch.autograd.grad(done.loss, tensors, retain_graph=shared.keeps, materialize_grads=True)
        return Slopes(done, dict(zip(weights, found, strict=False)), list(found[len(weights) :]))

    return shared.get(("slopes", count), make)


def through(model: nn.Module, batch: Batch) -> Pass:
    """The pass of a batch, recorded."""
    images, labels = batch[0].detach().requires_grad_(), batch[1]
    outputs: list[Tensor] = []
    rectifiers = Rectifiers(len(images), edge_counts(model))
    head = getattr(model, "head", None)

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.append(output)

    with ExitStack() as stack:
        for module in model.modules():
            if isinstance(module, WEIGHTED):
                stack.callback(module.register_forward_hook(note).remove)
        if isinstance(head, nn.Module):
            stack.callback(head.register_forward_pre_hook(lambda *_: rectifiers.stop()).remove)
        stack.enter_context(rectifiers)
        logits = model(images)
    return Pass(images, logits, loss_of(logits, labels), outputs, rectifiers.layers)


def first(batch: Batch, count: int) -> Batch:
    """The first `count` images and labels of a batch (all if there are fewer)."""
    return batch[0][:count], batch[1][:count]


def mean_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Mean cross-entropy (nats) of a batch; for K parallel heads, logits (K, B, classes), the mean over heads."""
    return loss_of(model(batch[0]), batch[1])


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    """The same of computed logits."""
    heads = logits.shape[0] if logits.dim() == 3 else 1
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.repeat(heads))


def gradients(
    model: nn.Module, batch: Batch, tensors: Sequence[Tensor], create_graph: bool = False
) -> tuple[Tensor, ...]:
    """dL/dT of every tensor T, in its shape; 0 if the loss does not depend on it."""
    if not tensors:
        return ()
    loss = mean_loss(model, batch)
    return torch.autograd.grad(loss, tensors, create_graph=create_graph, materialize_grads=True)
