from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.layers import NORMS, WEIGHTED, layers_at_work

IDLE_CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"


class Twisted(nn.Module):
    """Calls its layers in another order than it registers them, one twice, one never."""

    def __init__(self) -> None:
        super().__init__()
        self.late, self.idle, self.early = (nn.Linear(3, 3) for _ in range(3))
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.late(self.norm(self.early(self.early(x))))


def test_layers_come_in_the_order_of_their_first_call_without_idle_ones():
    names = layers_at_work(Twisted(), torch.randn(4, 3), WEIGHTED + NORMS)
    assert names == ["early", "norm", "late"]


def test_only_the_kinds_asked_for_are_named():
    assert layers_at_work(Twisted(), torch.randn(4, 3), NORMS) == ["norm"]


def test_nothing_stays_hooked_to_the_model():
    model = Twisted()
    layers_at_work(model, torch.randn(4, 3), WEIGHTED)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_idle_edges_of_a_cell_are_left_out():
    model = Network(parse(IDLE_CELL), Shape(colours=1, size=8, classes=3, channels=4, cells=1))
    names = layers_at_work(model, torch.randn(2, 1, 8, 8), WEIGHTED)
    every = [name for name, module in model.named_modules() if isinstance(module, WEIGHTED)]
    assert set(every) - set(names) == {name for name in every if ".idle." in name} != set()
    assert (names[0], names[-1]) == ("stem.0", "head")
