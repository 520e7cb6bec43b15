"""Protocol of networks that were trained on another data set before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class SourceModel(Protocol):
    """A network that was trained on a source data set before; the classifier of that set may still be there.

    Transferability scores read both methods in the network's present state and in its present mode: a caller that
    wants BatchNorm's running statistics sets evaluation mode first, and restores the mode afterwards.

    A network may have `source_outputs(images)` too, which gives the pair of both from one pass; without it they take
    two.
    """

    def source_features(self, images: Tensor) -> Tensor:
        """Penultimate features (B, d) as the source network has them: neither standardised nor scaled."""
        ...

    def source_logits(self, images: Tensor) -> Tensor | None:
        """Logits (B, source classes) of the source classifier on the current features; None where there is none."""
        ...
