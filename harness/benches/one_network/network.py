"""The networks as torch modules: `features` (images to the input of the last layer) and `head`."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import Connection, ImageSet
from harness.schema.dataflow import Convolution, Dataflow, Dense, Largest

from .plans import AUTHORS, BLOCKS, CHAINS, Plan, scaled, sides, stages


def build(model: str, width: float, dropout: float, images: ImageSet, initialization: str = AUTHORS) -> nn.Module:
    """The network `model` for such images, initialised from torch's random state, as the authors do or after He."""
    if model not in CHAINS:
        return ResNet(stages(width), dropout, images)
    network = Chain(scaled(CHAINS[model], width), dropout, images)
    return network if initialization == AUTHORS else network.apply(_initialise_he)


class Chain(nn.Module):
    """LeNet, AlexNet or VGG by its plan; see `plans.Plan`."""

    def __init__(self, plan: Plan, dropout: float, images: ImageSet) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        channels = self.colours = images.colours
        self.sides = sides(plan, images.size)
        for conv in plan.convolutions:
            parts += [nn.Conv2d(channels, conv.channels, conv.kernel, conv.stride, conv.padding), nn.ReLU()]
            parts += [nn.MaxPool2d(*conv.pool)] if conv.pool else []
            channels = conv.channels
        parts.append(nn.Flatten())
        for inputs, outputs in pairwise((channels * self.sides[-1] ** 2, *plan.dense)):
            drop = [nn.Dropout(dropout)]
            parts += [*(drop if plan.dropout_first else []), nn.Linear(inputs, outputs), nn.ReLU()]
            parts += [] if plan.dropout_first else drop
        self.features = nn.Sequential(*parts)
        self.head: nn.Module = nn.Linear(plan.dense[-1], images.classes)
        if plan.initialization == "normal":
            self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, colours, size, size)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def dataflow(self) -> Dataflow | None:
        """The forward pass in training mode; None if the head is not a dense layer.

        Poolings read a map before its ReLU, which commutes with the largest of a window.
        """
        if not isinstance(self.head, nn.Linear):
            return None
        flow, here, rectified, dropout = Dataflow(self.colours), 0, False, 0.0
        steps = iter(self.sides)
        for part in self.features:
            if isinstance(part, nn.Conv2d):
                term = Convolution(here, part, slice(0, part.out_channels), None, rectified)
                here, rectified = flow.add(part.out_channels, 1, term, side=next(steps)), False
            elif isinstance(part, nn.MaxPool2d):
                window, stride = part.kernel_size, part.stride
                assert isinstance(window, int)
                assert isinstance(stride, int)
                here = flow.add(flow.maps[here].channels, 1, Largest(here, window, stride), side=next(steps))
            elif isinstance(part, nn.Linear):
                dense = Dense(here, part, rectified, dropout)
                here, rectified, dropout = flow.add(part.out_features, 1, dense, side=1), False, 0.0
            elif isinstance(part, nn.Dropout):
                dropout = part.p
            elif isinstance(part, nn.ReLU):
                rectified = True
        flow.head, flow.dropout = self.head, dropout
        return flow


class ResNet(nn.Module):
    """ResNet-32 for small images with shortcuts that pad channels with zeros (option A of He et al. 2016), dropout
    before the head, and weights of He et al.'s normal initialisation."""

    def __init__(self, widths: tuple[int, ...], dropout: float, images: ImageSet) -> None:
        super().__init__()
        self.stem = _conv(images.colours, widths[0])
        blocks, channels = [], widths[0]
        for wide in widths:
            for _ in range(BLOCKS):
                blocks.append(Block(channels, wide))
                channels = wide
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.head: nn.Module = nn.Linear(channels, images.classes)
        for module in self.modules():
            _initialise_he(module, biases=False)

    def features(self, images: Tensor) -> Tensor:
        """Input of the head (B, n), after the dropout."""
        maps: Tensor = self.blocks(functional.relu(self.stem(images)))
        dropped: Tensor = self.dropout(maps.mean((2, 3)))
        return dropped

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, colours, size, size)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def dataflow(self) -> Dataflow | None:
        """The forward pass in training mode; None if the head is not a dense layer."""
        if not isinstance(self.head, nn.Linear):
            return None
        convolution, _ = _parts(self.stem)
        flow = Dataflow(convolution.in_channels)
        here, shrink = flow.add(convolution.out_channels, 1, _term(0, self.stem, rectified=False)), 1
        for block in self.blocks:
            assert isinstance(block, Block)
            shrink *= block.stride
            here = block.write(flow, here, shrink)
        flow.head, flow.dropout = self.head, self.dropout.p
        return flow

    def connections(self) -> list[Connection]:
        """Every connection of the forward pass; the head's only if it is one dense layer."""
        found, here = [_connection("stem", "image", "stem", self.stem)], "stem"
        for place, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            found += block.connections(f"block{place}", here)
            here = f"block{place}"
        if isinstance(self.head, nn.Linear):
            found.append(Connection("head", here, "logits", self.head.weight))
        return found


class Block(nn.Module):
    """Two 3 x 3 convolutions with BatchNorm and a shortcut; where it widens it halves the side."""

    def __init__(self, channels: int, wide: int) -> None:
        super().__init__()
        self.stride, self.pad = (1 if wide == channels else 2), (wide - channels) // 2
        self.first, self.second = _conv(channels, wide, self.stride), _conv(wide, wide)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, wide, H', W')."""
        inner = self.second(functional.relu(self.first(maps)))
        short = maps[:, :, :: self.stride, :: self.stride]
        return functional.relu(inner + functional.pad(short, (0, 0, 0, 0, self.pad, self.pad)))

    def write(self, flow: Dataflow, here: int, shrink: int) -> int:
        """Append what `forward` computes on the ReLU of map `here`, before its last ReLU; returns the map."""
        wide = _parts(self.second)[0].out_channels
        inner = flow.add(wide, shrink, _term(here, self.first))
        return flow.add(wide, shrink, _term(inner, self.second), self._shortcut(here))

    def _shortcut(self, here: int) -> Convolution:
        """As a convolution with fixed weights: `Skip` would read the map before its ReLU."""
        weight = _parts(self.first)[0].weight
        channels, wide = weight.shape[1], weight.shape[0]
        fixed = nn.utils.skip_init(nn.Conv2d, channels, wide, 1, self.stride, bias=False, dtype=weight.dtype)
        fixed.requires_grad_(False)
        fixed.weight.copy_(functional.pad(torch.eye(channels), (0, 0, self.pad, self.pad))[:, :, None, None])
        return Convolution(here, fixed, slice(0, wide), None)

    def connections(self, name: str, source: str) -> list[Connection]:
        """Two convolutions and the shortcut, which joins channel i to channel i + pad with weight 1."""
        return [
            _connection(f"{name}.first", source, f"{name}.1", self.first),
            _connection(f"{name}.second", f"{name}.1", name, self.second),
            Connection(f"{name}.shortcut", source, name, self._padding()),
        ]

    def _padding(self) -> Tensor | None:
        if not self.pad:
            return None
        weight = self.first.get_parameter("0.weight")
        return functional.pad(torch.eye(weight.shape[1], device=weight.device), (0, 0, self.pad, self.pad))


def _conv(channels: int, wide: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, wide, 3, stride, padding=1, bias=False), nn.BatchNorm2d(wide))


def _parts(pair: nn.Sequential) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    convolution, norm = pair
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return convolution, norm


def _term(source: int, pair: nn.Sequential, rectified: bool = True) -> Convolution:
    convolution, norm = _parts(pair)
    return Convolution(source, convolution, slice(0, convolution.out_channels), norm, rectified)


def _connection(slot: str, source: str, target: str, pair: nn.Sequential) -> Connection:
    tensors = pair.state_dict(keep_vars=True)
    return Connection(slot, source, target, tensors["0.weight"], (tensors["1.weight"], tensors["1.bias"]))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _initialise_he(module: nn.Module, biases: bool = True) -> None:
    """Deviation sqrt(2 / inputs) (He et al. 2015, equation 10); biases 0 where asked for."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        if biases and module.bias is not None:
            nn.init.zeros_(module.bias)
