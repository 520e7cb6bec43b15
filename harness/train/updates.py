"""The updates of one training, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi

import torch
from torch import Tensor, nn
from torch.nn import functional

from .batches import TrainingImages
from .recipe import Recipe


class Updates:
    """SGD on shuffled, augmented batches, as a recipe has it; `generator` draws the batches."""

    def __init__(self, model: nn.Module, data: TrainingImages, recipe: Recipe, generator: torch.Generator) -> None:
        self.model, self.recipe = model, recipe
        self.horizon = recipe.annealing_steps(len(data))
        self.batches = _endless(data, recipe.batch, generator)
        self.optimizer = _optimizer(model, recipe)

    def make(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Update number `step`, from 0; returns its loss (nats), logits and labels from before the weights moved."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * (1 + cos(pi * step / self.horizon)) / 2
        x, y = next(self.batches)
        logits = self.model(x)
        loss = mean_loss(logits, y)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach(), logits.detach(), y


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (nats) of logits (B, classes), or of K heads side by side (K, B, classes), their mean."""
    heads = logits.shape[0] if logits.dim() == 3 else 1
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.repeat(heads))


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return torch.optim.SGD(
        trained,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def _endless(data: TrainingImages, batch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from data.epoch(batch, generator)
