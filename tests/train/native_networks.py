"""Cells, networks and images that the compiled step and its passes are tried on, and what several of its tests ask."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.train.batches import Draw
from harness.train.native.library import library
from harness.train.native.memory import Memory
from harness.train.native.program import Descent, Program

EVERY_OPERATION = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
POOLS = "|avg_pool_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2|"
MERGED = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_1x1~2|"
OF_ZEROS = "|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|avg_pool_3x3~2|"
ONLY_CONSTANTS = "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|"
DEAD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|none~2|"
SKIPS = "|skip_connect~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
CELLS = [EVERY_OPERATION, POOLS, MERGED, OF_ZEROS, ONLY_CONSTANTS, DEAD, SKIPS]


def network(text: str, channels: int = 4, cells: int = 1, size: int = 8) -> Network:
    torch.manual_seed(0)
    model = Network(parse(text), Shape(channels, cells, size, 3, 5))
    return model.to(memory_format=torch.channels_last)


def blurred(model: nn.Module) -> nn.Module:
    """With BatchNorms that are not at their initial values, in float64."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 1:
                weight += 0.3 * torch.randn_like(weight)
    return model.double()


def batch(count: int, size: int = 8, seed: int = 0, real: torch.dtype = torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, size, size, 3, generator=generator, dtype=torch.float64).to(real).permute(0, 3, 1, 2)
    return x, torch.randint(5, (count,), generator=generator)


def whole(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, Draw, torch.Tensor]:
    """All of the images, as they are."""
    none = torch.zeros(2, len(x), dtype=torch.long)
    return x.permute(0, 2, 3, 1).contiguous(), Draw(torch.arange(len(x)), none, none[0].bool()), y


def with_guarded_memory(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Makes the step work with nan behind every piece of memory: whatever reads there is nan.

    Returns what lies behind the pieces, which is filled as they are made; whatever writes there leaves no nan.
    """
    ends: list[Tensor] = []

    def guarded(memory: Memory, count: int, real: torch.dtype | None = None) -> int:
        whole = torch.full((count + 8192,), float("nan"), dtype=real or memory.real)
        whole[:count] = 0
        memory.kept.append(whole)
        ends.append(whole[count:])
        return whole.data_ptr()

    monkeypatch.setattr(Memory, "reals", guarded)
    return ends


def drops_as_torch(model: nn.Module, size: int, descent: Descent) -> None:
    """Asserts that two updates drop what torch drops, draw as many random numbers, and that scores drop nothing."""
    other = copy.deepcopy(model)
    optimizer = torch.optim.SGD(other.parameters(), descent.rate, descent.momentum)
    program = Program(library("double"), model.dataflow(), size, 19, torch.float64)
    for seed, count in enumerate([19, 7]):
        x, y = batch(count, size, seed)
        torch.manual_seed(seed)
        mine, logits = program.update(*whole(x, y), descent)
        after = torch.random.get_rng_state()
        torch.manual_seed(seed)
        optimizer.zero_grad()
        theirs = other(x)
        loss = functional.cross_entropy(theirs, y)
        loss.backward()
        optimizer.step()
        assert torch.equal(after, torch.random.get_rng_state())
        assert mine == pytest.approx(loss.item(), rel=1e-6)
        torch.testing.assert_close(logits, theirs.detach(), rtol=1e-5, atol=1e-6)
    for own, peer in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own, peer, rtol=1e-5, atol=1e-6)
    x, _ = batch(23, size, seed=9)
    torch.testing.assert_close(program.scores(x), other.eval()(x).detach(), rtol=1e-5, atol=1e-6)
