"""The networks as lists of layers with their widths, and what follows from these; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.schema import demand


@dataclass(frozen=True)
class Conv:
    """A convolution with bias and a ReLU after it; after that max pooling of `pool` (window, stride) or none."""

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    pool: tuple[int, int] | None = None


@dataclass(frozen=True)
class Plan:
    """A chain of convolutions, then dense layers of `dense` outputs with ReLU, then the head.

    `dropout_first`: dropout acts on the input of each dense layer before the head, else on its rectified output.
    `initialization` of the weights: "default" (torch's) or "normal" (He by fan-out for convolutions, deviation 0.01 for
    dense layers, biases 0).
    """

    convolutions: tuple[Conv, ...]
    dense: tuple[int, ...]
    dropout_first: bool = False
    initialization: str = "default"


HALF = (2, 2)

CHAINS = {
    "lenet": Plan((Conv(6, 5, pool=HALF), Conv(16, 5, pool=HALF)), (120, 84)),
    "alexnet": Plan(
        (
            Conv(96, 7, stride=2, padding=2, pool=(3, 2)),
            Conv(256, 5, padding=2, pool=(3, 2)),
            *(Conv(channels, 3, padding=1) for channels in (384, 384, 256)),
        ),
        (1024, 512),
        dropout_first=True,
        initialization="normal",
    ),
    "vgg": Plan(
        tuple(
            Conv(channels, 3, padding=1, pool=HALF if pooled else None)
            for channels, pooled in ((64, True), (128, False), (128, True), *((256, False), (256, True)) * 2)
        ),
        (128, 128),
    ),
}
"""The networks of the authors' code for 10 classes (docs/methods.md)."""

STAGES, BLOCKS = (16, 32, 64), 5
"""ResNet-32 (He et al. 2016, section 4.2): widths of the three stages, and residual blocks in each."""

MODELS = (*CHAINS, "resnet32")

AUTHORS = "authors"

INITIALIZATIONS = (AUTHORS, "he")


@dataclass(frozen=True)
class Layer:
    """A layer with weights: `places` are the positions of its output, 1 of a dense layer."""

    inputs: int
    outputs: int
    taps: int
    places: int
    others: int
    """Parameters besides the kernel: biases, or scale and shift of the BatchNorm."""


def scaled(plan: Plan, width: float) -> Plan:
    """The plan with every width but the classes multiplied by `width`, rounded, at least 1."""
    convolutions = tuple(
        Conv(_times(conv.channels, width), conv.kernel, conv.stride, conv.padding, conv.pool)
        for conv in plan.convolutions
    )
    dense = tuple(_times(outputs, width) for outputs in plan.dense)
    return Plan(convolutions, dense, plan.dropout_first, plan.initialization)


def stages(width: float) -> tuple[int, ...]:
    """Widths of the three stages of the ResNet, each twice the one before; the first is even."""
    first = 2 * _times(STAGES[0] // 2, width)
    return tuple(first * wide // STAGES[0] for wide in STAGES)


def sides(plan: Plan, size: int) -> list[int]:
    """Side in pixels behind each convolution, and behind its pooling where it has one, of images of `size` pixels.

    Raises BadInput where a layer has nothing to read.
    """
    found, side = [], size
    for conv in plan.convolutions:
        for window, stride, padding in ((conv.kernel, conv.stride, conv.padding), *_pooling(conv)):
            side = (side + 2 * padding - window) // stride + 1
            demand(side >= 1, "dataset.size", "larger: a layer of bench.model has nothing to read", size)
            found.append(side)
    return found


def layers(model: str, width: float, size: int, colours: int, classes: int) -> list[Layer]:
    """Every layer with weights of the network `model` at this width, in order."""
    if model not in CHAINS:
        return _residual(stages(width), size, colours, classes)
    plan = scaled(CHAINS[model], width)
    steps = iter(sides(plan, size))
    found, channels, side = [], colours, size
    for conv in plan.convolutions:
        side = next(steps)
        found.append(Layer(channels, conv.channels, conv.kernel**2, side**2, conv.channels))
        channels = conv.channels
        side = next(steps) if conv.pool else side
    widths = (channels * side**2, *plan.dense, classes)
    return found + [Layer(inputs, outputs, 1, 1, outputs) for inputs, outputs in pairwise(widths)]


def counts(found: Sequence[Layer]) -> dict[str, float]:
    """Parameters, multiply-adds of one image without BatchNorm, and layers with weights."""
    params = sum(layer.inputs * layer.outputs * layer.taps + layer.others for layer in found)
    flops = float(sum(layer.inputs * layer.outputs * layer.taps * layer.places for layer in found))
    return {"params": float(params), "flops": flops, "live_flops": flops, "layers": float(len(found))}


def _residual(widths: Sequence[int], size: int, colours: int, classes: int) -> list[Layer]:
    found, channels, side = [Layer(colours, widths[0], 9, size**2, 2 * widths[0])], widths[0], size
    for wide in widths:
        for _ in range(BLOCKS):
            side = -(-side // 2) if wide != channels else side
            found += [Layer(inputs, wide, 9, side**2, 2 * wide) for inputs in (channels, wide)]
            channels = wide
    return [*found, Layer(channels, classes, 1, 1, classes)]


def _pooling(conv: Conv) -> list[tuple[int, int, int]]:
    return [(*conv.pool, 0)] if conv.pool else []


def _times(count: int, width: float) -> int:
    return max(1, round(count * width))
