"""Networks of several kinds, as strangers write them: none knows this package."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 4


def plain() -> nn.Module:
    """A chain of convolutions."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 12, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, CLASSES),
    )  # fmt: skip


class Residual(nn.Module):
    """A residual block; the head is called `fc`, and an auxiliary head of as many outputs is called before it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm, self.inner = nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, padding=1)
        self.auxiliary, self.fc = nn.Linear(8, CLASSES), nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(self.stem(images)).relu()
        aside = self.auxiliary(x.mean((2, 3)))
        x = (x + self.inner(x)).relu()
        return self.fc(x.mean((2, 3))), aside


class Depthwise(nn.Module):
    """Depthwise separable convolutions with ReLU6; it returns a mapping."""

    def __init__(self) -> None:
        super().__init__()
        self.deep, self.wide = nn.Conv2d(3, 6, 3, groups=3, padding=1), nn.Conv2d(6, 10, 1)
        self.out = nn.Linear(10, CLASSES)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"logits": self.out(functional.relu6(self.wide(self.deep(images))).mean((2, 3)))}


class Transformer(nn.Module):
    """A transformer of patches: dropout, LayerNorm, attention, GELU, a token of the class."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, width, 4, 4), nn.Parameter(torch.randn(1, 1, width))
        self.blocks = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(width, 2, 24, dropout=0.3, activation="gelu", batch_first=True, norm_first=True),
            2, enable_nested_tensor=False,
        )  # fmt: skip
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).mT
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        return self.head(self.norm(self.blocks(x))[:, 0])


class Convolutional(nn.Module):
    """A network without any dense layer: its classifier is a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.classifier = nn.Conv2d(3, 8, 3), nn.Conv2d(8, CLASSES, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.first(images).relu()).mean((2, 3))


KINDS = {
    "plain": plain, "residual": Residual, "depthwise": Depthwise, "transformer": Transformer,
    "convolutional": Convolutional,
}  # fmt: skip


def batch(count: int = 12) -> tuple[Tensor, Tensor]:
    """Images (B, 3, 8, 8) whose classes differ in brightness, and labels."""
    labels = torch.arange(count) % CLASSES
    images = torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return images + labels[:, None, None, None] / 2, labels
