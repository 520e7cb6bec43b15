"""Sensitivity of a network's features to a small change of a random input."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, log, nan
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.schema import GraphProvider, Observer, Scene, demand, seed_of

from .layers import NORMS
from .redraw import WEIGHTS, redraw

REDUCTIONS = ("mean", "sum", "amax")


@dataclass(frozen=True)
class Zen:
    """Zen-score: log E ||f(x) - f(x + a e)|| + sum of BatchNorm's log scales (Lin et al. 2021, arXiv 2102.01063).

    x and e are Gaussian images, a = `mixup`; f is the last feature map before the global pooling, the expectation the
    mean over images, the norm the sum of absolute differences, as in the authors' code (the paper writes an L2 norm).
    The second term, sum of log sqrt(variance) over the BatchNorm layers, restores the scale that they remove: the
    variance is that of a layer's input in the batch of x (the code reads the running one), averaged over the channels.
    The score is the mean over `repeats` draws of x and e, the same for every architecture. Higher is better: a more
    expressive network. nan where the features do not change at all, or are not finite.

    `weights`: "gaussian" draws N(0, 1) at each repeat, as in the paper (independent of training); "kaiming" draws
    N(0, 2 / fan-in); "current" uses the network's weights, so that the score changes during training [derived]. Under
    torch's own initialisation each BatchNorm's log scale is negative, so that with current weights more layers score
    less and the direction is reversed. The paper removes residual links; here they stay [derived]. BatchNorm after
    convolutions that are computed together counts separately for each edge of a `GraphProvider`, and one with constant
    input does not count [derived].

    `images`: random images per draw. `every`: observations between two readings.
    """

    kind: ClassVar[str] = "measure/zen"

    images: int = 32
    repeats: int = 2
    mixup: float = 0.01
    weights: str = "gaussian"
    every: int = 4

    def __post_init__(self) -> None:
        for key in ("images", "repeats", "every"):
            demand(getattr(self, key) >= 1, f"measure.zen.{key}", "at least 1", getattr(self, key))
        demand(self.images >= 2, "measure.zen.images", "at least 2", self.images)
        demand(self.mixup > 0, "measure.zen.mixup", "above 0", self.mixup)
        demand(self.weights in WEIGHTS, "measure.zen.weights", " or ".join(map(repr, WEIGHTS)), self.weights)

    @property
    def columns(self) -> tuple[str, ...]:
        """The trace columns that it writes."""
        return ("zen",)

    @property
    def non_mutating(self) -> bool:
        """Whether the observer leaves the model unchanged (see `schema.NonMutating`)."""
        return self.weights == "current"

    def observer(self, scene: Scene) -> Observer:
        """A function that reads the score of the model it is shown."""

        known: list[float] = []

        def observe(model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> Mapping[str, float]:
            if known:
                return {"zen": known[0]}
            generator = torch.Generator().manual_seed(scene.probe_seed)
            fresh = torch.Generator().manual_seed(
                seed_of(scene.probe_seed, "weights")
            )  # as many as the network asks for
            shape = (self.images, *batch[0].shape[1:])
            scores = []
            for _ in range(self.repeats):
                x, e = (torch.randn(shape, generator=generator).to(batch[0]) for _ in range(2))
                redraw(model, x, self.weights, fresh)
                scores.append(score(model, x, x + self.mixup * e))
            value = sum(scores) / len(scores)
            if self.weights != "current":  # independent of the training
                known.append(value)
            return {"zen": value}

        return observe


@torch.no_grad()
def score(model: nn.Module, x: Tensor, near: Tensor) -> float:
    """log of the mean over images of the sum of |f(x) - f(near)|, plus the log scale of BatchNorm at x."""
    variances: list[float] = []
    parts = _parts(model)
    hooks = [
        module.register_forward_pre_hook(lambda module, inputs: variances.extend(_variances(module, inputs[0], parts)))
        for module in model.modules()
        if isinstance(module, NORMS)
    ]
    try:
        at_x = last_map(model, x)
    finally:
        for hook in hooks:
            hook.remove()
    difference = float((at_x - last_map(model, near)).abs().double().flatten(1).sum(1).mean())
    if not isfinite(difference) or difference == 0 or not all(map(isfinite, variances)):
        return nan
    return log(difference) + sum(log(variance) / 2 for variance in variances if variance > 0)


def last_map(model: nn.Module, images: Tensor) -> Tensor:
    """The last feature map (B, channels, height, width) before the global pooling, rectified where the network does it.

    It is the last four-dimensional result of `features` (or of the whole network) that is no pooling or mean; without
    such a map, the result itself.
    """
    with _LastMap(len(images)) as seen:
        result: Tensor = getattr(model, "features", model)(images)
    return result if seen.map is None else seen.map


class _LastMap(TorchFunctionMode):
    """Records the last feature map of `batch` images that a function returned."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch = batch
        self.map: Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Iterable[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if isinstance(result, Tensor) and result.dim() == 4 and len(result) == self.batch:
            self.map = self.map if "pool" in name or name in REDUCTIONS else result
        return result


Parts = Mapping[int, list[slice]]


def _parts(model: nn.Module) -> Parts:
    """The channels of a BatchNorm that belong to each edge, by the address of its scales."""
    parts: dict[int, list[slice]] = defaultdict(list)
    for edge in model.connections() if isinstance(model, GraphProvider) else ():
        if edge.norm is not None:
            scale = edge.norm[0]
            begin = scale.storage_offset()
            parts[scale.untyped_storage().data_ptr()].append(slice(begin, begin + len(scale)))
    return parts


def _variances(module: nn.Module, inputs: Tensor, parts: Parts) -> list[float]:
    """Mean over channels of the batch variance of `inputs` (B, channels, ...), one for each edge."""
    channels = inputs.var(dim=[0, *range(2, inputs.dim())], correction=0)
    scale = module.weight
    whole = [slice(0, len(channels))]
    own = parts.get(scale.untyped_storage().data_ptr(), whole) if isinstance(scale, Tensor) else whole
    return [float(channels[part].mean()) for part in own]
