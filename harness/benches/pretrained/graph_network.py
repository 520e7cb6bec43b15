"""A network that carries out a description: every weight lies in an ordinary torch layer, so that measures see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.schema import BadInput, demand

from .backbone import Backbone
from .graph import Graph, Operation

Weights = Mapping[str, Tensor]


class GraphNetwork(Backbone):
    """The network of `graph` with these weights.

    Input: RGB images (B, 3, side, side) of any side, normalised by `mean` and `std` (units of 0..255).
    """

    deterministic: ClassVar[bool] = True

    def __init__(self, graph: Graph, weights: Weights, where: str) -> None:
        super().__init__()
        self.graph, self.mean, self.std = graph, graph.mean, graph.std
        self.trained_side = float(graph.size)
        try:
            layers = [_layer(each, weights) for each in graph.operations]
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            if isinstance(error, BadInput):
                raise
            wanted = "weights that fit the description of the network"
            raise BadInput(f"bench.models: must be {wanted} (got {where}: {error!r})") from error
        end = 1 + [each.output for each in graph.operations].index(graph.features)
        self.finished = _finished(graph)
        self.lower = nn.ModuleList(layers[:end])
        self.classifier = (nn.ModuleList(layers[end:]),)  # in a tuple: no submodule

    def features(self, images: Tensor) -> Tensor:
        """Features (B, d): the map that the description names, averaged over space."""
        return pooled(self._maps(images)[self.graph.features])

    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and logits, in one pass."""
        maps = self._maps(images)
        features = pooled(maps[self.graph.features])
        if not self.graph.classifies:
            return features, None
        self._carry_out(maps, len(self.lower), self.classifier[0].to(images.device))
        return features, maps[self.graph.operations[-1].output].flatten(1)

    def _maps(self, images: Tensor) -> dict[object, Tensor]:
        maps: dict[object, Tensor] = {self.graph.input: images}
        self._carry_out(maps, 0, self.lower)
        return maps

    def _carry_out(self, maps: dict[object, Tensor], first: int, layers: nn.ModuleList) -> None:
        """Compute what `layers` make, from the operation number `first` on; a map is dropped after its last use."""
        steps = zip(self.graph.operations[first:], self.finished[first:], layers, strict=False)
        for each, finished, layer in steps:
            maps[each.output] = layer(*(maps[name] for name in each.inputs))
            for name in finished:
                del maps[name]


def _finished(graph: Graph) -> list[tuple[object, ...]]:
    """For each operation the maps that no later one reads, but for the features and the last map.

    A pass without gradients that kept them all would need some 5 MB an image.
    """
    kept = {graph.features, graph.operations[-1].output}
    last: dict[object, int] = {graph.input: 0}
    for place, each in enumerate(graph.operations):
        last |= dict.fromkeys((each.output, *each.inputs), place)
    return [
        tuple(name for name, at in last.items() if at == place and name not in kept)
        for place in range(len(graph.operations))
    ]


def pooled(features: Tensor) -> Tensor:
    """A map (B, d, height, width) averaged over space to (B, d); a vector as it is."""
    return features.mean((2, 3)) if features.dim() == 4 else features


class Chain(nn.Sequential):
    """Layers one after the other, the first of any number of maps."""

    def forward(self, *maps: Tensor) -> Tensor:
        """What the last one gives."""
        x: Tensor = self[0](*maps)
        for layer in list(self)[1:]:
            x = layer(x)
        return x


class Same(nn.Module):
    """Padding as TensorFlow's SAME: the output has ceil(side / stride) pixels, the odd one is added at the end."""

    def __init__(self, kernel: Sequence[int], stride: Sequence[int], value: float = 0.0) -> None:
        super().__init__()
        self.kernel, self.stride, self.value = tuple(kernel), tuple(stride), value

    def forward(self, x: Tensor) -> Tensor:
        """The padded map."""
        pads = []
        for axis, kernel, stride in zip((3, 2), self.kernel[::-1], self.stride[::-1], strict=True):
            side = x.shape[axis]
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [total // 2, total - total // 2]
        return functional.pad(x, pads, value=self.value) if any(pads) else x


class Add(nn.Module):
    """The sum of two maps."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """The sum."""
        return left + right


class Cat(nn.Module):
    """Maps one after the other, along the channels."""

    def forward(self, *maps: Tensor) -> Tensor:
        """All channels."""
        return torch.cat(maps, 1)


class Average(nn.Module):
    """The mean over space."""

    def forward(self, x: Tensor) -> Tensor:
        """A map (B, d, 1, 1)."""
        return x.mean((2, 3), keepdim=True)


class Deal(nn.Module):
    """The shuffle of ShuffleNetV2 for two groups: even channels, then odd ones."""

    def forward(self, x: Tensor) -> Tensor:
        """The same channels in another order."""
        return torch.cat([x[:, ::2], x[:, 1::2]], 1)


class Half(nn.Module):
    """One half of the channels."""

    def __init__(self, which: int) -> None:
        super().__init__()
        self.which = which

    def forward(self, x: Tensor) -> Tensor:
        """The first (0) or the second (1) half."""
        return x.chunk(2, 1)[self.which]


class Pad(nn.Module):
    """A frame of zeros."""

    def __init__(self, pads: Sequence[int]) -> None:
        super().__init__()
        self.pads = list(pads)

    def forward(self, x: Tensor) -> Tensor:
        """The padded map."""
        return functional.pad(x, self.pads)


def _layer(each: Operation, weights: Weights) -> nn.Module:
    parts = [*_MAKERS[each.kind](each, weights), *_ACTIVATIONS[each.activation]()]
    return parts[0] if len(parts) == 1 else Chain(*parts)


_ACTIVATIONS: dict[str, Callable[[], list[nn.Module]]] = {
    "": list,
    "relu": lambda: [nn.ReLU()],
    "relu6": lambda: [nn.ReLU6()],
    "leaky": lambda: [nn.LeakyReLU(0.1)],
}


def _convolution(each: Operation, weights: Weights) -> list[nn.Module]:
    settings = each.settings
    weight, bias = weights[settings["w"]], weights[settings["b"]] if settings.get("b") else None
    stride, dilation = tuple(settings["stride"]), tuple(settings.get("dil", (1, 1)))
    kernel, groups = tuple(weight.shape[2:]), int(settings["groups"])
    pad = settings["pad"]
    parts: list[nn.Module] = []
    if pad == "SAME":
        parts.append(Same([(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)], stride))
    padding = tuple(pad) if isinstance(pad, list) else (0, 0)
    layer = nn.utils.skip_init(
        nn.Conv2d, weight.shape[1] * groups, len(weight), kernel, stride, padding, dilation, groups, bias is not None
    )
    parts.append(_loaded(layer, weight, bias))
    return [*parts, *(_norm(each, weights) if settings.get("bn") else [])]


def _norm(each: Operation, weights: Weights) -> list[nn.Module]:
    name = each.settings["bn"]
    mean = weights[f"{name}.mean"]
    layer = nn.BatchNorm2d(len(mean), eps=float(each.settings.get("eps", 1e-5)))
    scale, shift = (weights.get(f"{name}.{part}") for part in ("weight", "bias"))
    if scale is None:
        scale = torch.ones_like(mean)
    if shift is None:
        shift = torch.zeros_like(mean)
    _loaded(layer, scale, shift)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    layer.running_mean.copy_(mean)
    layer.running_var.copy_(weights[f"{name}.var"])
    return [layer]


def _dense(each: Operation, weights: Weights) -> list[nn.Module]:
    weight = weights[each.settings["w"]]
    bias = weights[each.settings["b"]] if each.settings.get("b") else None
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], len(weight), bias is not None)
    return [nn.Flatten(), _loaded(layer, weight, bias)]


@torch.no_grad()
def _loaded(layer: nn.Module, weight: Tensor, bias: Tensor | None) -> nn.Module:
    own = layer.get_parameter("weight")
    demand(own.shape == weight.shape, "bench.models", f"weights of the shape {tuple(own.shape)}", tuple(weight.shape))
    own.copy_(weight)
    if bias is not None:
        layer.get_parameter("bias").copy_(bias)
    return layer


def _pooling(each: Operation, weights: Weights) -> list[nn.Module]:
    settings = each.settings
    kernel, stride, pad = tuple(settings["k"]), tuple(settings["stride"]), settings["pad"]
    if pad == "SAME":
        return [Same(kernel, stride, float("-inf")), nn.MaxPool2d(kernel, stride)]
    padding = tuple(pad) if isinstance(pad, list) else (0, 0)
    return [nn.MaxPool2d(kernel, stride, padding, ceil_mode=bool(settings.get("ceil", False)))]


_MAKERS: dict[str, Callable[[Operation, Weights], list[nn.Module]]] = {
    "conv": _convolution,
    "bn": _norm,
    "fc": _dense,
    "add": lambda each, weights: [Add()],
    "cat": lambda each, weights: [Cat()],
    "pad": lambda each, weights: [Pad(each.settings["p"])],
    "maxpool": _pooling,
    "pool": lambda each, weights: [Average()],
    "flatten": lambda each, weights: [nn.Flatten()],
    "identity": lambda each, weights: [nn.Identity()],
    "deal": lambda each, weights: [Deal()],
    "half": lambda each, weights: [Half(int(each.settings["i"]))],
}
