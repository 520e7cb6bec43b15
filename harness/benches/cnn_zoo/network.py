"""One network of the zoo as a torch module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .form import CHANNELS, Form

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class Grey(nn.Module):
    """The mean over the colours (b, colours, s, s) as one channel."""

    def forward(self, images: Tensor) -> Tensor:
        """(b, 1, s, s)."""
        return images.mean(1, keepdim=True)


class Network(nn.Module):
    """Convolutions of 16 channels without padding, each with activation and dropout; then the mean over all places and
    a dense layer (Unterthiner et al. 2020, section 3)."""

    def __init__(self, form: Form, activation: str, dropout: float) -> None:
        super().__init__()
        parts: list[nn.Module] = [Grey()]
        for layer in form.layers:
            parts.append(nn.Conv2d(layer.channels, CHANNELS, layer.kernel, stride=layer.stride))
            parts += [ACTIVATIONS[activation](), nn.Dropout(dropout)]
        self.features = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(CHANNELS, form.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (b, classes) of images (b, colours, s, s)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def layers(self) -> list[nn.Conv2d | nn.Linear]:
        """The layers with weights, in order."""
        return [module for module in self.modules() if isinstance(module, nn.Conv2d)] + [self.head]

    def flat(self) -> Tensor:
        """The parameters in the order of `stack.flat`."""
        parts = []
        for layer in self.layers():
            kernel = layer.weight.permute(2, 3, 1, 0) if isinstance(layer, nn.Conv2d) else layer.weight.T
            parts += [layer.bias, kernel.flatten()]
        return torch.cat(parts)  # type: ignore[arg-type]  # every layer has a bias

    @torch.no_grad()
    def load_flat(self, flat: Tensor) -> None:
        """Take the parameters in the order of `stack.flat`."""
        start = 0
        for layer in self.layers():
            count = layer.bias.numel() if layer.bias is not None else 0
            layer.bias.copy_(flat[start : start + count])  # type: ignore[union-attr]  # every layer has one
            start += count
            kernel = flat[start : start + layer.weight.numel()]
            start += layer.weight.numel()
            if isinstance(layer, nn.Conv2d):
                taps = kernel.view(*layer.kernel_size, -1, CHANNELS)
                layer.weight.copy_(taps.permute(3, 2, 0, 1))
            else:
                layer.weight.copy_(kernel.view(CHANNELS, -1).T)
