"""Forward and backward passes of a batch, shared by the measures that read them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import CompiledPass, LossSlopes, Shared

from .layers import WEIGHTED
from .rectifiers import Rectified, Rectifiers, edge_counts

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Pass:
    """A forward pass with its autograd graph: `images` (a leaf), `logits` and their mean loss (nats).

    `outputs` are those of each convolution and dense layer, call by call, and `fans_in` the weights behind one channel
    of each; `rectified` are the ReLU calls of the features, not of the head.
    """

    images: Tensor
    logits: Tensor
    loss: Tensor
    outputs: list[Tensor]
    fans_in: list[int]
    rectified: list[Rectified]

    def codes(self) -> list[tuple[int, Tensor]]:
        """Per ReLU call how many convolutions read it, at least 1, and which units are on, (B, ...)."""
        return [(max(1, layer.edges), layer.on) for layer in self.rectified]


def forward(shared: Shared, model: nn.Module, batch: Batch, count: int) -> Pass:
    """The pass of the first `count` images, BatchNorm with their statistics."""
    return shared.get(("forward", count), lambda: through(model, first(batch, count)))


def compiled(shared: Shared, batch: Batch, count: int | None) -> CompiledPass | None:
    """The same by the compiled step, of all images where `count` is None; None where it does not train the network."""
    images, passes = batch[0][:count], shared.compiled
    if passes is None or not passes.reads(images):
        return None
    return shared.get(("compiled", len(images)), lambda: passes.forward(images))


def loss_slopes(shared: Shared, model: nn.Module, batch: Batch, count: int) -> LossSlopes:
    """The gradients of the mean cross-entropy of that pass."""

    def make() -> LossSlopes:
        made = compiled(shared, batch, count)
        return _by_autograd(shared, model, batch, count) if made is None else made.slopes(batch[1][:count])

    return shared.get(("loss slopes", count), make)


def weight_slopes(shared: Shared, model: nn.Module, batch: Batch, names: Sequence[str]) -> dict[str, Tensor]:
    """dL/dW of the parameters of these names, of the mean cross-entropy L of a whole batch, which is not shared."""
    passes = shared.compiled
    if passes is not None and passes.reads(batch[0]):
        found = passes.forward(batch[0]).slopes(batch[1]).weights
        return {name: found[name] for name in names}
    weights = [model.get_parameter(name) for name in names]
    return dict(zip(names, gradients(model, batch, weights), strict=True))


def _by_autograd(shared: Shared, model: nn.Module, batch: Batch, count: int) -> LossSlopes:
    done = forward(shared, model, batch, count)
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    tensors = [*weights.values(), *done.outputs]
    if not tensors:
        return LossSlopes({}, [])
    found = torch.autograd.grad(done.loss, tensors, retain_graph=shared.keeps, materialize_grads=True)
    products = [output.detach() * slope for output, slope in zip(done.outputs, found[len(weights) :], strict=True)]
    saliences = [product.flatten(2).sum(2) if product.dim() > 2 else product for product in products]
    own = dict(zip(weights, found, strict=False))
    return LossSlopes(own, list(zip(done.fans_in, saliences, strict=True)))


def through(model: nn.Module, batch: Batch) -> Pass:
    """The pass of a batch, recorded."""
    images, labels = batch[0].detach().requires_grad_(), batch[1]
    outputs: list[Tensor] = []
    fans_in: list[int] = []
    rectifiers = Rectifiers(len(images), edge_counts(model))
    head = getattr(model, "head", None)

    def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.append(output)
        fans_in.append(module.get_parameter("weight")[0].numel())

    with ExitStack() as stack:
        for module in model.modules():
            if isinstance(module, WEIGHTED):
                stack.callback(module.register_forward_hook(note).remove)
        if isinstance(head, nn.Module):
            stack.callback(head.register_forward_pre_hook(lambda *_: rectifiers.stop()).remove)
        stack.enter_context(rectifiers)
        logits = model(images)
    return Pass(images, logits, loss_of(logits, labels), outputs, fans_in, rectifiers.layers)


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
