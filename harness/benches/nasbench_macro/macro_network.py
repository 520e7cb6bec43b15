"""The network of NAS-Bench-Macro: stem, searched layers in three stages, a wide 1 x 1 convolution, global pooling."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .space import EXPANSIONS, KERNELS, LAST, Block, Shape, blocks


def conv_bn(wide_in: int, wide_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution without bias, padded by half its kernel, and BatchNorm."""
    layer = nn.Conv2d(wide_in, wide_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [layer, nn.BatchNorm2d(wide_out)]


class InvertedResidual(nn.Module):
    """The block of MobileNetV2 (Sandler et al. 2018): 1 x 1 expansion, depthwise convolution, linear 1 x 1 projection.

    Maps (B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride)); the input is added where the shape stays.
    """

    def __init__(self, block: Block) -> None:
        super().__init__()
        hidden, kernel = EXPANSIONS[block.choice] * block.wide_in, KERNELS[block.choice]
        self.layers = nn.Sequential(
            *conv_bn(block.wide_in, hidden), nn.ReLU(inplace=True),
            *conv_bn(hidden, hidden, kernel, block.stride, hidden), nn.ReLU(inplace=True),
            *conv_bn(hidden, block.wide_out),
        )  # fmt: skip
        self.adds = block.stride == 1 and block.wide_in == block.wide_out

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        output: Tensor = self.layers(x)
        return output + x if self.adds else output


class Network(nn.Module):
    """The whole network of one string: images (B, colours, size, size) to logits (B, classes).

    Identities that keep the shape are no modules, so that isomorphic strings give one network. `body` holds the others.
    `features` returns the input of the head, (B, 40 C).
    """

    def __init__(self, text: str, shape: Shape) -> None:
        super().__init__()
        found, width = blocks(text, shape.channels), LAST * shape.channels
        self.stem = nn.Sequential(*conv_bn(shape.colours, shape.channels, 3), nn.ReLU(inplace=True))
        self.body = nn.Sequential(*map(_layer, found))
        self.last = nn.Sequential(*conv_bn(found[-1].wide_out, width))
        self.head: nn.Module = nn.Linear(width, shape.classes)

    def features(self, images: Tensor) -> Tensor:
        """The input of the head, (B, 40 C)."""
        x = functional.relu(self.last(self.body(self.stem(images))), inplace=True)
        return x.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits


def _layer(block: Block) -> nn.Module:
    if block.choice == "0":
        return nn.Sequential(*conv_bn(block.wide_in, block.wide_out, stride=block.stride))
    return InvertedResidual(block)
