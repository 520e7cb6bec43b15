"""The network that is fine-tuned: a pre-trained one below, standardised features, a new head for the data set."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from harness.schema import ImageSet

from .backbone import WEIGHTED, Backbone
from .rectifiers import show_rectifiers, watched

CONSTANT = 1e-6
"""A feature with a smaller deviation over the training images is not divided by it."""

PART = 64
"""Images at a time in a pass without gradients: 1,000 at once would need 2 GB and more."""


class Pixels(nn.Module):
    """Images as the data set normalises them (B, 1 or 3, any side) to what a backbone reads (B, 3, side, side).

    Grey images get three equal colours. Images of another side are interpolated linearly, with antialiasing.
    """

    def __init__(self, images: ImageSet, mean: tuple[float, ...], std: tuple[float, ...], side: int) -> None:
        super().__init__()
        self.side = side
        theirs, ours = torch.tensor(images.std).expand(3), torch.tensor(std)
        self.register_buffer("scale", (255 * theirs / ours).view(1, 3, 1, 1))
        shift = (255 * torch.tensor(images.mean).expand(3) - torch.tensor(mean)) / ours
        self.register_buffer("shift", shift.view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """The images as the backbone was trained on."""
        if images.shape[-1] != self.side:
            size = (self.side, self.side)
            images = functional.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)
        scale, shift = self.get_buffer("scale"), self.get_buffer("shift")
        return (images * scale + shift).contiguous(memory_format=torch.channels_last)


class FineTuned(nn.Module):
    """A backbone, its features standardised by `center` and `spread` (d,), and a linear head of `classes`.

    A pass without gradients goes through the backbone `PART` images at a time where that changes nothing: each image is
    computed by itself, and no hook or function mode looks at the pass.
    """

    def __init__(self, pixels: Pixels, backbone: Backbone, center: Tensor, spread: Tensor, classes: int) -> None:
        super().__init__()
        self.pixels = pixels
        self.backbone: Backbone = backbone
        self.separate = backbone.deterministic and not any(map(_moves, backbone.modules()))
        self.register_buffer("center", center)
        self.register_buffer("spread", spread)
        self.head = nn.Linear(len(center), classes)

    def features(self, images: Tensor) -> Tensor:
        """Standardised features (B, d), as the head reads them."""
        return (self.source_features(images) - self.get_buffer("center")) / self.get_buffer("spread")

    def source_features(self, images: Tensor) -> Tensor:
        """Features (B, d) as the backbone gives them."""
        parts = images.split(PART) if self._divisible() else [images]
        return torch.cat([self.backbone.features(self.pixels(part)) for part in parts])

    def source_logits(self, images: Tensor) -> Tensor | None:
        """Logits (B, source classes) of the source classifier, None where the model has none."""
        return self.source_outputs(images)[1]

    def source_outputs(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and logits, from one pass."""
        return self.backbone.outputs(self.pixels(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def _divisible(self) -> bool:
        return not torch.is_grad_enabled() and (self.separate or not self.training) and not _watched(self)


def _moves(module: nn.Module) -> bool:
    """Whether the module is a BatchNorm that in training mode reads the statistics of its batch."""
    return isinstance(module, _BatchNorm) and not isinstance(module, FrozenBatchNorm)


def _watched(model: nn.Module) -> bool:
    """Whether a hook or a function mode looks at the pass; it would see parts of the batch."""
    hooked = any(each._forward_hooks or each._forward_pre_hooks for each in model.modules())
    return hooked or watched()


class FrozenBatchNorm(_BatchNorm):
    """BatchNorm that always uses its running statistics and never moves them, in training mode too."""

    def _check_input_dim(self, x: Tensor) -> None:
        return

    def forward(self, x: Tensor) -> Tensor:
        """The normalised map."""
        return functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


def freeze_statistics(model: nn.Module) -> None:
    """Replace every BatchNorm in `model` by one that keeps its statistics; weights and buffers are shared."""
    for name, child in model.named_children():
        if isinstance(child, _BatchNorm) and child.running_mean is not None:
            frozen = FrozenBatchNorm(child.num_features, child.eps, child.momentum, child.affine)
            frozen.load_state_dict(child.state_dict())
            setattr(model, name, frozen)
        else:
            freeze_statistics(child)


@torch.no_grad()
def fine_tuned(backbone: Backbone, images: ImageSet, side: int, frozen: bool, batch: int = PART) -> FineTuned:
    """The network for these images; features are standardised over all training images, without augmentation."""
    if frozen:
        freeze_statistics(backbone)
    show_rectifiers(backbone)
    pixels = Pixels(images, backbone.mean, backbone.std, side)
    backbone.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # not in its stubs
    parts = [backbone.features(pixels(part)) for part in _normalised(images).split(batch)]
    features = torch.cat(parts).double()
    center, spread = features.mean(0), features.std(0, correction=0)
    spread = torch.where(spread > CONSTANT, spread, torch.ones_like(spread))
    return FineTuned(pixels, backbone.train(), center.float(), spread.float(), images.classes)


def _normalised(images: ImageSet) -> Tensor:
    """All training images (n, colours, size, size), by the set's own mean and deviation."""
    pixels = torch.tensor(images.train[0]).float() / 255
    return ((pixels - torch.tensor(images.mean)) / torch.tensor(images.std)).permute(0, 3, 1, 2)


def train_last(model: FineTuned, layers: int | None) -> None:
    """Train the last `layers` convolutions and dense layers, the head among them, and the norms between them.

    The order is that of their definition; None trains all.
    """
    if layers is None:
        return
    inner = model.backbone.layers()
    weighted = [place for place, module in enumerate(inner) if isinstance(module, WEIGHTED)]
    kept = layers - 1
    first = len(inner) if kept == 0 else weighted[-kept] if kept <= len(weighted) else 0
    for module in inner[:first]:
        module.requires_grad_(False)
