"""The emulated step against the loaded one, with this machine's own compiler and no emulator."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.benches.one_network.network import Chain
from harness.benches.one_network.plans import HALF, Conv, Plan
from harness.train.batches import Draw
from harness.train.native.library import compiler, library
from harness.train.native.program import Descent, Program
from tests.conftest import tiny_images
from tools import emulated_step
from tools.emulated_step import Emulated, EmulatedProgram


def update(program: Program, seed: int, images: Tensor, drawn: Draw, labels: Tensor) -> tuple[float, Tensor]:
    torch.manual_seed(seed)
    return program.update(images, drawn, labels, Descent(0.1, 0.9, True, 5e-4))


def cell(_: float) -> nn.Module:
    text = parse("|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|skip_connect~1|avg_pool_3x3~2|")
    return Network(text, Shape(4, 1, 8, 3, 5))


def chain(dropout: float) -> nn.Module:
    plan = Plan((Conv(4, 3, pool=HALF),), (6, 5))
    return Chain(plan, dropout, replace(tiny_images(colours=3, size=8), classes=5))


@pytest.mark.parametrize("network", [cell, chain])
@pytest.mark.skipif(compiler() is None, reason="needs a C compiler: cc, gcc or clang")
def test_a_call_on_memory_in_a_file_does_what_the_call_in_this_process_does(
    monkeypatch: pytest.MonkeyPatch, network: Callable[[float], nn.Module]
) -> None:
    monkeypatch.setattr(emulated_step, "COMPILER", compiler())
    monkeypatch.setattr(emulated_step, "EMULATOR", "env")
    emulated_step.driver.cache_clear()
    torch.manual_seed(0)
    model = network(0.5).double().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    other = copy.deepcopy(model)
    images, labels = torch.randn(11, 8, 8, 3, dtype=torch.float64), torch.randint(5, (11,))
    drawn = Draw(torch.arange(11), torch.zeros(2, 11, dtype=torch.long), torch.zeros(11, dtype=torch.bool))
    flow, other_flow = model.dataflow(), other.dataflow()
    assert flow is not None and other_flow is not None
    flow.dropout = other_flow.dropout = 0.5
    ours = EmulatedProgram(Emulated("double"), flow, 8, 11, torch.float64)
    theirs = Program(library("double"), other_flow, 8, 11, torch.float64)
    for seed in range(2):
        (loss, logits), (expected, scores) = (
            update(program, seed, images, drawn, labels) for program in (ours, theirs)
        )
        assert loss == pytest.approx(expected, rel=1e-12)
        torch.testing.assert_close(logits, scores)
    for (name, mine), weight in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, weight, msg=lambda text, name=name: f"{name}: {text}")
    batch = images.permute(0, 3, 1, 2)
    torch.testing.assert_close(ours.scores(batch), theirs.scores(batch))
