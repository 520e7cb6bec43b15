"""Piecewise linear activations that show of which ReLUs they consist."""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional


def watched() -> bool:
    """Whether a function mode sees every function of torch that is called, as that of NASWOT does."""
    return bool(torch._C._len_torch_function_stack())


def show(x: Tensor, *breaks: float) -> None:
    """Call ReLU on x - b for each of the `breaks` b, where a function mode watches; the results are not used."""
    if watched():
        for each in breaks:
            functional.relu(x.detach() - each)


class ShownHardtanh(nn.Hardtanh):
    """Hardtanh: min + relu(x - min) - relu(x - max)."""

    def forward(self, x: Tensor) -> Tensor:
        """Hardtanh of x."""
        show(x, self.min_val, self.max_val)
        return super().forward(x)


class ShownReLU6(nn.ReLU6):
    """ReLU6: relu(x) - relu(x - 6)."""

    def forward(self, x: Tensor) -> Tensor:
        """ReLU6 of x."""
        show(x, self.min_val, self.max_val)
        return super().forward(x)


class ShownLeakyReLU(nn.LeakyReLU):
    """Leaky ReLU: a x + (1 - a) relu(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Leaky ReLU of x."""
        show(x, 0)
        return super().forward(x)


class ShownPReLU(nn.PReLU):
    """PReLU: a x + (1 - a) relu(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """PReLU of x."""
        show(x, 0)
        return super().forward(x)


SHOWN = MappingProxyType({
    nn.Hardtanh: ShownHardtanh, nn.ReLU6: ShownReLU6, nn.LeakyReLU: ShownLeakyReLU, nn.PReLU: ShownPReLU,
})  # fmt: skip


def show_rectifiers(model: nn.Module) -> None:
    """Have every piecewise linear activation show the ReLUs of which it consists; it computes what it did."""
    for module in model.modules():
        module.__class__ = SHOWN.get(type(module), type(module))
