"""Updates done one by one, and updates that are recorded and replayed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.train.batches import TrainingImages
from harness.train.recipe import Recipe
from harness.train.updates import Replayed, Updates
from tests.conftest import tiny_images

CELL = parse("|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|")
RECIPE = Recipe(steps=12, batch=16)  # 40 images: every third batch is smaller


class Tape:
    """A graph without a device: what is recorded is done again from the same inputs into the same results."""

    def __init__(self) -> None:
        self.replays = self.alones = 0

    def record(self, act):
        self.act = act
        self.results = torch.empty(()), torch.empty(16, 3)  # as a device, it does nothing while it records
        return self.results

    def replay(self) -> None:
        self.replays += 1
        for mine, new in zip(self.results, self.act(), strict=True):
            mine.copy_(new)

    def run_eagerly(self, act):
        self.alones += 1
        return act()


def updates(recipe: Recipe = RECIPE) -> Updates:
    torch.manual_seed(0)
    model = Network(CELL, Shape(channels=4, cells=1, size=8, colours=1, classes=3))
    data = TrainingImages(tiny_images(), torch.device("cpu"))
    return Updates(model, data, recipe, torch.Generator().manual_seed(0))


def test_replayed_updates_are_the_updates_one_by_one() -> None:
    plain, replayed = updates(), updates()
    tape = Tape()
    replayed.act = Replayed(replayed.act, lambda: tape)
    expected = [plain.make(step) for step in range(12)]
    found = [replayed.make(step) for step in range(12)]
    for one, other in zip(expected, found, strict=True):
        for a, b in zip(one, other, strict=True):
            torch.testing.assert_close(a, b)
    for a, b in zip(plain.model.state_dict().values(), replayed.model.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)
    assert (tape.alones, tape.replays) == (3, 6)  # three smaller batches are done as they are


def test_what_a_replay_gave_outlives_the_next_one() -> None:
    replayed = updates()
    replayed.act = Replayed(replayed.act, Tape)
    losses = [replayed.make(step)[0] for step in range(6)]
    kept = losses[4].clone()
    for step in range(6, 12):
        replayed.make(step)
    assert torch.equal(losses[4], kept)


def test_a_rate_in_a_tensor_is_read_at_every_update() -> None:
    """As a recorded update needs it: the number is not looked at when the optimiser is made."""
    plain, other = updates(), updates()
    other.rate = torch.zeros(())
    weights = list(other.model.parameters())
    other.optimizer = torch.optim.SGD(
        weights, lr=other.rate, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
    )
    other.act = replace(other.act, optimizer=other.optimizer)
    for step in range(12):
        torch.testing.assert_close(plain.make(step)[0], other.make(step)[0])


def test_a_constant_rate_is_that_of_every_update() -> None:
    made = updates(replace(RECIPE, schedule="constant", learning_rate=0.05))
    for step in range(6):
        made.make(step)
        assert [group["lr"] for group in made.optimizer.param_groups] == [0.05]


def test_a_second_shape_is_never_replayed() -> None:
    seen = []
    tape = Tape()
    act = Replayed(lambda x, y: (seen.append(len(x)), (torch.zeros(()), torch.zeros(16, 3)))[1], lambda: tape, warm=1)
    for count in (4, 2, 4, 2, 4):  # the first that could be recorded is a small one
        act(torch.zeros(count, 2), torch.zeros(count))
    assert seen == [4, 2, 4, 2, 4] and tape.replays == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_recorded_updates_on_a_device_follow_those_on_the_cpu() -> None:
    plain = updates()
    torch.manual_seed(0)
    device = torch.device("cuda")
    model = Network(CELL, Shape(channels=4, cells=1, size=8, colours=1, classes=3))
    model.to(device).to(memory_format=torch.channels_last)
    there = Updates(model, TrainingImages(tiny_images(), device), RECIPE, torch.Generator().manual_seed(0))
    for step in range(12):
        torch.testing.assert_close(plain.make(step)[0], there.make(step)[0].cpu(), rtol=1e-2, atol=1e-3)
