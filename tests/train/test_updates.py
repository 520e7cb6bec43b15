"""The updates of a CPU."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.train.batches import TrainingImages
from harness.train.recipe import Recipe
from harness.train.updates import Updates, sgd
from tests.conftest import tiny_images

CELL = parse("|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|")
RECIPE = Recipe(steps=12, batch=16)  # 40 images: every third batch is smaller


def updates(recipe: Recipe = RECIPE, kernels: str = "torch") -> Updates:
    torch.manual_seed(0)
    model = Network(CELL, Shape(channels=4, cells=1, size=8, colours=1, classes=3))
    data = TrainingImages(tiny_images(), torch.device("cpu"))
    return Updates(model, data, recipe, torch.Generator().manual_seed(0), kernels)


def test_a_rate_in_a_tensor_is_read_at_every_update() -> None:
    """As a recorded update needs it: the number is not looked at when the optimiser is made."""
    plain, other = updates(), updates()
    rate = torch.zeros(())
    other.act = replace(other.act, optimizer=sgd(other.model, RECIPE, rate))
    for step in range(12):
        rate.fill_(RECIPE.rate(step, 12))
        torch.testing.assert_close(plain.make(step)[0], other.make(step)[0])


def test_a_constant_rate_is_that_of_every_update() -> None:
    made = updates(replace(RECIPE, schedule="constant", learning_rate=0.05))
    for step in range(6):
        made.make(step)
        assert [group["lr"] for group in made.optimizer.param_groups] == [0.05]


@pytest.mark.slow
def test_a_compiled_training_and_a_fit_import_nothing_that_only_compiled_networks_need() -> None:
    """torch's optimizer objects import it when the first one is made: a second of every worker."""
    code = """
import sys
import numpy as np
from harness.predictors.recurrent import Recurrent, trained
from tests.train.test_updates import updates
trained([np.ones((2, 3))] * 4, np.arange(4.0), Recurrent(updates=1))
updates(kernels="native").make(0)
print("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
