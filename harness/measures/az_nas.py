"""The three proxies of AZ-NAS that look at a network block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import BlockSlope, Observer, Scene, demand, seed_of

from .checks import demand_counts
from .redraw import WEIGHTS, redraw

FLOOR = 1e-6
"""Added to the spectral norm before it divides, as in the authors' code."""


@dataclass(frozen=True)
class AzNas:
    """AZ-NAS: expressivity, progressivity and trainability of the blocks (Lee & Ham 2024, arXiv 2403.19232).

        H_l = -sum_i p_i log p_i,  p the eigenvalues, normalised to sum 1, of the channels' covariance after block l
        az_expressivity = sum_l H_l,    az_progressivity = min_l (H_(l+1) - H_l)
        az_trainability = mean_l (2 - s_l - 1 / s_l),  s_l the largest singular value of block l's Jacobian

    Computed on the outputs of the stem and of each block (cell or reduction), over all images and positions, with the
    batch statistics of BatchNorm, on Gaussian images. A block's Jacobian (c_in, c_out) is estimated, as in the authors'
    code, by the mean over images and positions of g_in g_out', where g_out are random signs at the block's output and
    g_in is their back-propagated gradient at its input; if a block reduces the resolution, the input positions of one
    output position are treated as channels. Images and signs are the same for every architecture and observation. For
    all three, higher is better. The fourth proxy of the paper, FLOPs, is a fact of the benchmark.

    nan where a map is constant (the first two), and for the trainability where a block passes no gradient or is the
    identity, which the paper scores minus infinity. All are nan for a network without blocks: it needs a module `stem`
    and an nn.Sequential `body` whose members map (B, c, h, w) to (B, c', h', w').

    `weights`: "current", the network's weights [derived]; "kaiming", fresh N(0, 2 / fan-in) as in the authors' code;
    "gaussian", fresh N(0, 1). `images`: number of random images. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/az_nas"

    images: int = 64
    weights: str = "current"
    every: int = 4

    def __post_init__(self) -> None:
        demand_counts("az_nas", self.images, self.every, least=2)
        demand(self.weights in WEIGHTS, "measure.az_nas.weights", " or ".join(map(repr, WEIGHTS)), self.weights)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("az_expressivity", "az_progressivity", "az_trainability")

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return self.weights == "current"

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the three scores of the model it is shown."""

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            stem, body = getattr(model, "stem", None), getattr(model, "body", None)
            if not isinstance(stem, nn.Module) or not isinstance(body, nn.Sequential) or not len(body):
                raise ValueError(
                    f"network: must be divided into blocks, `stem` and `body` (got {type(model).__name__})"
                )
            generator = torch.Generator().manual_seed(scene.probe_seed)
            x = torch.randn((self.images, *batch[0].shape[1:]), generator=generator).to(batch[0])
            redraw(model, x, self.weights, torch.Generator().manual_seed(seed_of(scene.probe_seed, "weights")))
            compiled = scene.shared.compiled
            blocks = None
            if compiled is not None and self.weights == "current" and compiled.reads(x):
                state = generator.get_state()
                blocks = compiled.forward(x).block_slopes(lambda shape: _signs(shape, generator).to(x))
                generator.set_state(state)
            blocks = blocks or by_autograd(stem, body, x, generator)
            return dict(zip(self.columns, read(blocks), strict=True))

        return observe


def read(blocks: Sequence[BlockSlope]) -> tuple[float, float, float]:
    """Expressivity, progressivity and trainability of the stem and the blocks after it."""
    entropies = [entropy(block.output) for block in blocks]
    return (
        sum(entropies),
        float(np.min([after - before for before, after in pairwise(entropies)])),
        float(np.mean([_fit(block) for block in blocks[1:]])),
    )


def _fit(block: BlockSlope) -> float:
    """nan where nothing arrives."""
    if block.arrived is None or block.sent is None:
        return nan
    return trainability(block.arrived, block.sent)


def by_autograd(stem: nn.Module, body: nn.Sequential, images: Tensor, generator: torch.Generator) -> list[BlockSlope]:
    """The outputs on `images`, block by block, and random signs, drawn from `generator`, sent back through each."""
    x: Tensor = stem(images).detach()
    blocks = [BlockSlope(x)]
    for block in body:
        x = x.detach().requires_grad_()
        y: Tensor = block(x)
        signs = _signs(y.shape, generator).to(y)
        gradient = torch.autograd.grad(y, x, signs, allow_unused=True)[0] if y.requires_grad else None
        x = y.detach()
        blocks.append(BlockSlope(x, signs, gradient))
    return blocks


def _signs(shape: torch.Size, generator: torch.Generator) -> Tensor:
    return torch.randint(2, shape, generator=generator) * 2 - 1


def entropy(features: Tensor) -> float:
    """Entropy (nats) of the normalised eigenvalues of the channels' covariance of `features` (B, c, h, w).

    0 if all channels are collinear, log c if they are uncorrelated with equal variance; nan where the features are
    constant or not finite.
    """
    rows = features.double().transpose(0, 1).flatten(1)
    rows = rows - rows.mean(dim=1, keepdim=True)
    covariance = rows @ rows.T / rows.shape[1]
    scale = float(covariance.trace())
    if not 0 < scale < float("inf"):
        return nan
    p = torch.linalg.eigvalsh(covariance / scale).clamp(min=0)
    return float(torch.special.entr(p).sum())


def trainability(inner: Tensor, outer: Tensor) -> float:
    """2 - s - 1 / s of the largest singular value s of a block's mean Jacobian; at most 0, where s = 1.

    `outer` (B, c', h', w') are the signs at the block's output, `inner` (B, c, h, w) the gradient at its input. nan
    where s is 0 or not finite, `inner` equals `outer` (an identity), or h is not a multiple of h'.
    """
    if inner.shape == outer.shape and torch.equal(inner, outer):
        return nan
    stride = inner.shape[2] // outer.shape[2]
    if tuple(inner.shape[2:]) != tuple(stride * side for side in outer.shape[2:]):
        return nan
    if stride > 1:
        inner = functional.pixel_unshuffle(inner, stride)
    left, right = (g.double().transpose(0, 1).flatten(1) for g in (inner, outer))
    jacobian = left @ right.T / right.shape[1]
    if not bool(jacobian.isfinite().all()):
        return nan
    largest = float(torch.linalg.matrix_norm(jacobian, 2))
    return 2 - largest - 1 / (largest + FLOOR) if largest > 0 else nan
