"""A stack of networks that torch updates, by autograd."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import passes
from .drawn import Drawn
from .form import CHANNELS, Form
from .pictures import Pictures
from .updates import Updates

AT_ONCE = 50
"""Images at a time where no gradient is needed."""


class AutogradStack:
    """Parameters and random states of networks that are trained side by side."""

    def __init__(self, drawn: Drawn, form: Form, device: str) -> None:
        kernels = [torch.stack(each).to(device) for each in zip(*drawn.kernels, strict=True)]
        self.parameters = [*kernels, *(torch.zeros(kernel.shape[:2], device=device) for kernel in kernels)]
        for parameter in self.parameters:
            parameter.requires_grad_()
        self.form, self.activation = form, drawn.activation
        self.penalties = torch.tensor(drawn.numbers("l2"), device=device)
        self.updates = Updates(drawn.optimizer, self.parameters, torch.tensor(drawn.numbers("rate"), device=device))
        self.dropout = _Dropout(drawn, form, device)

    def update(self, pictures: Pictures, rows: Tensor) -> None:
        """One update on these images; the loss has l2 times the sum of squares of the kernels, too."""
        kept = self.dropout.draw(len(rows))
        logits = passes.forward(pictures.maps(rows), self.parameters, self.form, self.activation, kept)
        loss = passes.losses(logits, pictures.labels[rows]).sum()
        slopes = list(torch.autograd.grad(loss, self.parameters))
        with torch.no_grad():
            for kernel, slope in zip(self.parameters[: len(slopes) // 2], slopes, strict=False):
                slope += 2 * self.penalties.view(-1, 1, 1) * kernel
        self.updates.update(self.parameters, slopes)

    def watch(self, pictures: Pictures, rows: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Loss in nats and accuracy in percent of every network, (g,) each, without dropout."""
        loss = torch.zeros(len(self.penalties), device=rows.device)
        hits = torch.zeros_like(loss)
        with torch.no_grad():
            for some in rows.split(AT_ONCE):
                labels = pictures.labels[some]
                logits = passes.forward(pictures.maps(some), self.parameters, self.form, self.activation)
                loss += passes.losses(logits, labels) * len(some)
                hits += (logits.argmax(2) == labels).sum(1)
        return (loss / len(rows)).cpu().numpy(), (100 * hits / len(rows)).cpu().numpy()

    def flat(self) -> NDArray[np.float32]:
        """Every parameter, (g, n), in the published order."""
        found: NDArray[np.float32] = passes.flat(self.parameters).detach().cpu().numpy()
        return found


class _Dropout:
    """Factors of values from random numbers of each network's own: sixteen bits per value."""

    def __init__(self, drawn: Drawn, form: Form, device: str) -> None:
        self.sources = drawn.dropout_sources()
        below, kept = drawn.below(), drawn.kept()
        self.below = torch.from_numpy(below).view(-1, 1, 1).to(device)
        self.scales = torch.from_numpy((1 / kept).astype(np.float32)).view(-1, 1, 1).to(device)
        self.places, self.device = [layer.after**2 for layer in form.layers], device

    def draw(self, count: int) -> list[Tensor]:
        """For each convolution the factors (g, 16, t t b) of its values: 0 or 1 / probability."""
        lengths = [CHANNELS * places * count for places in self.places]
        words = [source.random_raw(-(-sum(lengths) // 4)) for source in self.sources]
        bits = torch.from_numpy(np.stack(words).view(np.int16)[:, : sum(lengths)]).to(self.device)
        return [
            (part.view(len(words), CHANNELS, -1) < self.below) * self.scales
            for part in bits.split(lengths, dim=1)
        ]  # fmt: skip
