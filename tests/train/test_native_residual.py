"""The compiled step on the residual network: fixed shortcuts, and dropout before the head as torch draws it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from harness.benches.one_network.bench import OneNetwork
from harness.benches.one_network.network import ResNet
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.native import library as compiled
from harness.train.native.program import Descent
from harness.train.recipe import Recipe
from tests.conftest import tiny_images
from tests.train.native_networks import blurred, drops_as_torch
from tests.train.test_native import agree

pytestmark = pytest.mark.skipif(compiled.compiler() is None, reason="needs a C compiler: cc, gcc or clang")

IMAGES = replace(tiny_images(colours=3, size=8), classes=5)
DESCENT = Descent(0.1, 0.9, False, 0.0)


def residual(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return blurred(ResNet((4, 8, 16), dropout, IMAGES).to(memory_format=torch.channels_last))


def test_updates_are_those_of_autograd() -> None:
    agree(residual(), 8, [9, 16], DESCENT)


@pytest.mark.parametrize("rate", [0.3, 0.9])
def test_features_are_dropped_in_updates_as_by_torch_and_never_in_scores(rate: float) -> None:
    drops_as_torch(residual(rate), 8, DESCENT)


def test_a_training_is_the_same_with_either_kernels_but_for_rounding() -> None:
    """The same weights, images and dropped features: writing the network down draws no random number."""
    bench = OneNetwork(model="resnet32", width=0.25)
    architecture = bench.architecture("rate=0.002,dropout=0.5")
    recipe = Recipe(steps=3, batch=16, observe_every=1, learning_rate=0.002, schedule="constant", watch=["valid"])
    losses = {}
    for kernels in ("native", "torch"):
        job = TrainingJob(
            architecture, lambda: bench.build(architecture, IMAGES), IMAGES, recipe, {}, 0, "run", kernels=kernels
        )
        losses[kernels] = torch.tensor(train(job).table[["train_loss", "valid_loss"]].to_numpy()[1:])
    torch.testing.assert_close(losses["native"], losses["torch"], rtol=1e-3, atol=1e-3)
    assert not torch.equal(losses["native"], losses["torch"])


def test_a_probed_network_is_left_to_torch() -> None:
    probed = ResNet((2, 4, 8), 0.0, IMAGES)
    probed.head = nn.Sequential(nn.Linear(8, 5))
    assert probed.dataflow() is None
