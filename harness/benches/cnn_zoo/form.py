"""The networks of the zoo as layers: what each reads, how many parameters it has; nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

CHANNELS = 16
"""Channels that every layer but the head writes."""

WHOLE = 0
"""Side of a kernel that covers the whole map: a dense layer."""

MODELS = MappingProxyType({
    "cnn": ((3, 2), (3, 2), (3, 2)),
    "deep_cnn": ((3, 2), (3, 1), (3, 2), (3, 1), (3, 1)),
    "mlp": ((WHOLE, 1), (1, 1), (1, 1)),
})  # fmt: skip
"""Kernel's side and stride of each layer before the head; `cnn` is the paper's network, the others are [derived]."""

SMALLEST = MappingProxyType({"cnn": 15, "deep_cnn": 27, "mlp": 1})
"""Pixels of a side below which the last convolution has nothing to read."""


@dataclass(frozen=True)
class Layer:
    """A convolution without padding, or a dense layer, which is one whose kernel covers the whole map.

    It reads maps of `channels` x `side` x `side`, with a square kernel of `kernel` x `kernel`. `taps`: places that one
    channel of the kernel covers, 1 for a dense layer, whose inputs are no places.
    """

    channels: int
    side: int
    kernel: int
    stride: int
    taps: int

    @property
    def after(self) -> int:
        """Side of the map that it writes."""
        return (self.side - self.kernel) // self.stride + 1

    @property
    def inputs(self) -> int:
        """Values that are read for each one that is written."""
        return self.channels * self.kernel**2


@dataclass(frozen=True)
class Form:
    """The network `model` for images of `size` x `size` pixels and one channel, and so many `classes`."""

    model: str
    size: int
    classes: int

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers before the head, which reads the mean over all places of the last."""
        found: list[Layer] = []
        channels, side = 1, self.size
        for kernel, stride in MODELS[self.model]:
            whole = kernel == WHOLE
            found.append(Layer(channels, side, side if whole else kernel, stride, 1 if whole else kernel**2))
            channels, side = CHANNELS, found[-1].after
        return tuple(found)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(written, read) of each kernel, that of the head last."""
        return [(CHANNELS, layer.inputs) for layer in self.layers] + [(self.classes, CHANNELS)]

    @property
    def params(self) -> int:
        """Number of parameters: 4,970 for `cnn` with ten classes."""
        return self.slices[-1][-1]

    @property
    def slices(self) -> tuple[tuple[int, int, int], ...]:
        """Where bias and kernel of each layer begin and end among the parameters in the published order."""
        found, start = [], 0
        for written, read in self.shapes:
            found.append((start, start + written, start + written * (1 + read)))
            start = found[-1][-1]
        return tuple(found)

    @property
    def flops(self) -> int:
        """Multiply-adds of one forward pass of an image."""
        convolutions = sum(CHANNELS * layer.inputs * layer.after**2 for layer in self.layers)
        return convolutions + self.classes * (CHANNELS + 1)
