"""What every pre-trained network is below the new head."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

WEIGHTED = (nn.modules.conv._ConvNd, nn.Linear)


class Backbone(nn.Module):
    """A pre-trained network. It reads RGB images (B, 3, side, side), normalised by `mean` and `std` (0..255).

    `trained_side`: that of the images that it was trained on before, nan where it is not known.

    The classifier of the source data set is no submodule: it is never trained, and measures do not see it.
    `deterministic`: a pass draws no random number, in training mode either (dropout does).
    """

    deterministic: ClassVar[bool] = False

    mean: tuple[float, ...]
    std: tuple[float, ...]
    trained_side: float = float("nan")

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """What the source classifier reads, averaged over space, (B, d)."""

    @abstractmethod
    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features, and the logits (B, source classes) of the source classifier; None where there is none."""

    def layers(self) -> list[nn.Module]:
        """The layers without parts, in the order of their definition."""
        return [each for each in self.modules() if not list(each.children())]
