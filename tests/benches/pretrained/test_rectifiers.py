"""Piecewise linear activations as NASWOT sees them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.benches.pretrained.rectifiers import show_rectifiers
from harness.measures.naswot import kernel

IMAGES = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))

ACTIVATIONS = {
    "ReLU6": (nn.ReLU6(), (0, 6)),
    "ReLU6 in place": (nn.ReLU6(inplace=True), (0, 6)),
    "Hardtanh": (nn.Hardtanh(-1, 2), (-1, 2)),
    "LeakyReLU": (nn.LeakyReLU(0.1), (0,)),
    "PReLU": (nn.PReLU(), (0,)),
    "ReLU": (nn.ReLU(), (0,)),
    "Hardswish": (nn.Hardswish(), ()),
}


def plain(activation: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 40), activation, nn.Linear(40, 3))
    with torch.no_grad():
        model[0].weight *= 8  # so that some units are above 6
    return model


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_code_says_between_which_breaks_every_unit_lies(name: str) -> None:
    activation, breaks = ACTIVATIONS[name]
    model = plain(copy.deepcopy(activation))
    before = model(IMAGES)
    show_rectifiers(model)
    units = model[0](IMAGES).detach().numpy()
    expected = np.zeros((7, 7))
    for i in range(7):
        for j in range(7):
            expected[i, j] = sum(int(((units[i] > b) == (units[j] > b)).sum()) for b in breaks)
    assert np.array_equal(kernel(model, IMAGES), expected)
    assert torch.equal(model(IMAGES), before)


def test_relu6_has_the_kernel_of_the_two_relus_of_which_it_consists() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu() - (x - 6).relu()

    shown = plain(nn.ReLU6())
    show_rectifiers(shown)
    assert np.array_equal(kernel(shown, IMAGES), kernel(plain(Two()), IMAGES))
    assert isinstance(shown[1], nn.ReLU6) and isinstance(copy.deepcopy(shown)[1], type(shown[1]))
