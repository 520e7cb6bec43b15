"""What every pre-trained network is below the new head."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

WEIGHTED = (nn.modules.conv._ConvNd, nn.Linear)


class Backbone(nn.Module):
    """A pre-trained network. It reads RGB images (B, 3, side, side), normalised by `mean` and `std` (0..255)."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    @abstractmethod
    def body(self) -> nn.Module:
        """The layers; the source classifier may be among them."""

    @property
    @abstractmethod
    def top(self) -> nn.Module:
        """The classifier of the source data set; empty where there is none."""

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """What the source classifier reads, averaged over space, (B, d)."""

    @abstractmethod
    def logits(self, images: Tensor) -> Tensor | None:
        """Logits (B, source classes) of the source classifier; None where there is none."""

    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and logits; a network that can computes both in one pass."""
        return self.features(images), self.logits(images)

    def below(self) -> list[nn.Module]:
        """The layers without parts below the source classifier, in the order of their definition."""
        above = set(self.top.modules())
        return [each for each in self.body.modules() if each not in above and not list(each.children())]
