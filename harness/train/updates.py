"""The updates of one training, one at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema.dataflow import Lowerable
from harness.train.batches import Draw, TrainingImages
from harness.train.native.library import library
from harness.train.native.passes import Passes
from harness.train.native.program import Descent, Program
from harness.train.precision import arithmetic
from harness.train.recipe import Recipe
from harness.train.tally import Outcome, Tally

Result = tuple[Tensor, Tensor]
"""Loss (nats) and logits of an update, from before the weights moved."""


class Updates:
    """SGD on shuffled, augmented batches, as a recipe has it, on a CPU; `generator` draws the batches.

    With `kernels` "native" or "native_watch" a `Lowerable` network is trained by compiled C; with the second, measures
    read its passes too.
    """

    def __init__(
        self,
        model: nn.Module,
        data: TrainingImages,
        recipe: Recipe,
        generator: torch.Generator,
        kernels: str = "torch",
    ) -> None:
        self.model, self.recipe, self.device = model, recipe, data.labels.device
        self.layout = torch.channels_last
        self.horizon = recipe.annealing_steps(len(data))
        self.data, self.draws = data, endless(data, recipe.batch, generator)
        self.program = _program(model, data.size, recipe.batch) if kernels != "torch" else None
        self.watched = kernels == "native_watch"
        if self.program is None:  # torch's first optimizer of a process imports torch.compile's packages, for a second
            self.optimizer = sgd(model, recipe, recipe.learning_rate)
            self.act = Plain(model, self.optimizer, recipe.precision, self.device, recipe.clip_norm)
        self.tally, self.seconds = Tally(), 0.0

    def advance(self, steps: range) -> None:
        """Make the updates of these numbers."""
        begin = time.perf_counter()
        for step in steps:
            self.tally.add(*self.make(step))
        self.seconds += time.perf_counter() - begin

    def outcome(self, step: int) -> Outcome:
        """What the updates since the last call left, up to `step`."""
        begin = time.perf_counter()
        diverged, values = self.tally.read(step)
        seconds, self.seconds = self.seconds, 0.0
        return diverged, values, seconds + time.perf_counter() - begin

    def make(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Update number `step`, from 0; returns its loss (nats), logits and labels from before the weights moved."""
        rate = self.recipe.rate(step, self.horizon)
        if self.program is not None:
            drawn = next(self.draws)
            labels = self.data.labels[drawn.rows]
            recipe = self.recipe
            descent = Descent(rate, recipe.momentum, recipe.nesterov, recipe.weight_decay)
            value, logits = self.program.update(self.data.images, drawn, labels, descent)
            return torch.tensor(value), logits, labels
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        x, y = self.data.take(next(self.draws))
        loss, logits = self.act(x, y)
        return loss, logits, y

    def passes(self) -> Passes | None:
        """Passes for measures by the compiled step; None where torch computes them (`Program.observable`)."""
        program = self.program
        if program is None or not self.watched or not program.observable:
            return None
        return Passes(program, dict(self.model.named_parameters()))

    @torch.no_grad()
    def scores(self, images: Tensor, batch: int = 256) -> Tensor:
        """Logits (n, classes), or (heads, n, classes), of images, with the running statistics of BatchNorm."""
        if self.program is not None:
            return self.program.scores(images)
        return scores_of(self.model, images, self.recipe.precision, self.device, batch)


@torch.no_grad()
def scores_of(model: nn.Module, images: Tensor, precision: str, device: torch.device, batch: int = 256) -> Tensor:
    """Logits (n, classes), or (heads, n, classes), of images, with the running statistics of BatchNorm, in float32."""
    model.eval()
    with arithmetic(precision, device):
        logits = torch.cat([model(part) for part in images.split(batch)], dim=-2).float()
    model.train()
    return logits


@dataclass(frozen=True)
class Plain:
    """An update by autograd on one batch. It is no method of `Updates`, whose memory a cycle would keep for long."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    precision: str
    device: torch.device
    clip_norm: float | None = None

    def __call__(self, x: Tensor, y: Tensor) -> Result:
        with arithmetic(self.precision, self.device):
            logits = self.model(x)
        logits = logits.float()
        loss = mean_loss(logits, y)
        loss.backward()
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach(), logits.detach()


def mean_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (nats) of logits (B, classes), or of K heads side by side (K, B, classes), their mean."""
    heads = logits.shape[0] if logits.dim() == 3 else 1
    return functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.repeat(heads))


def _program(model: nn.Module, size: int, batch: int) -> Program | None:
    """The compiled updates of a network; None where it cannot be lowered, or has an odd side to halve."""
    flow = model.dataflow() if isinstance(model, Lowerable) else None
    if flow is None or size % max(this.shrink for this in flow.maps):
        return None
    return Program(library(), flow, size, batch)


def sgd(model: nn.Module, recipe: Recipe, rate: float | Tensor) -> torch.optim.Optimizer:
    """SGD, all weights at once; `rate` is a tensor where a recorded update has to read the learning rate."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return torch.optim.SGD(
        trained,
        lr=rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=True,
    )


def endless(data: TrainingImages, batch: int, generator: torch.Generator) -> Iterator[Draw]:
    """Draws of one pass after the other."""
    while True:
        yield from data.draws(batch, generator)
