"""Protocol of passes by the compiled step, which measures read where the observed network is trained by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class LossSlopes:
    """Gradients of the mean cross-entropy (nats) of a batch.

    `weights` has one per parameter, by its name, 0 where the loss does not depend on it. `saliences` has a pair per
    convolution and dense layer: the number of weights behind a channel, and the sum over positions of a channel's
    output times its gradient, (B, channels); layers that the loss does not depend on are left out.
    """

    weights: Mapping[str, Tensor]
    saliences: Sequence[tuple[int, Tensor]]


@dataclass(frozen=True)
class BlockSlope:
    """The output (B, c, h, w) of the stem, or of a block, and what was sent back from it to the block's input.

    `sent` are the numbers at the output, `arrived` their gradient at the input; None for the stem.
    """

    output: Tensor
    sent: Tensor | None = None
    arrived: Tensor | None = None


class CompiledPass(Protocol):
    """One forward pass of a batch, every BatchNorm with the statistics of the batch; nothing of the network changes."""

    @property
    def logits(self) -> Tensor:
        """(B, classes)."""
        ...

    def features(self) -> Tensor:
        """Input of the head, (B, n)."""
        ...

    def codes(self) -> Sequence[tuple[int, Tensor]]:
        """Per ReLU how many convolutions read it (1 for that of the head), and which units are on, (B, units)."""
        ...

    def slopes(self, labels: Tensor) -> LossSlopes:
        """The gradients of the loss with these labels (B,)."""
        ...

    def image_slopes(self) -> Tensor:
        """Gradient of the sum of all logits in the images, (B, colours · height · width)."""
        ...

    def block_slopes(self, draw: Callable[[torch.Size], Tensor]) -> Sequence[BlockSlope] | None:
        """The stem and every block, each with what `draw` gives for the shape of its output sent back through it.

        None for a network that is not divided into blocks, or of which some block passes no gradient.
        """
        ...


class CompiledPasses(Protocol):
    """Passes of one network in training by the compiled step."""

    def reads(self, images: Tensor) -> bool:
        """Whether it can read so many images of this size and type."""
        ...

    def forward(self, images: Tensor) -> CompiledPass:
        """The pass of `images` (B, colours, side, side); see `reads`."""
        ...
