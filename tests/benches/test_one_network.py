"""The networks of the temporal graph's paper, and the grid of their settings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from harness.benches.one_network import plans
from harness.benches.one_network.bench import OneNetwork
from harness.benches.one_network.network import Block, build
from harness.benches.one_network.space import DROPOUTS, RATES, SPACE, grid
from harness.measures.wiring import wires
from harness.schema import BadInput
from tests.conftest import tiny_images

IMAGES = replace(tiny_images(colours=3, size=32), classes=10)
SETTING = "rate=0.002,dropout=0.3"


def slow_counts(model: nn.Module) -> dict[str, float]:
    """Parameters of torch, and multiply-adds by hooks on every layer."""
    made = []

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        weight = layer.get_parameter("weight")
        made.append(weight.numel() * output[0, 0].numel())

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    model.eval()(torch.zeros(2, 3, 32, 32))
    params = sum(parameter.numel() for parameter in model.parameters())
    return {"params": params, "flops": sum(made), "live_flops": sum(made), "layers": len(made)}


@pytest.mark.parametrize("width", [1.0, 0.3])
@pytest.mark.parametrize("model", plans.MODELS)
def test_what_is_known_of_a_network_is_what_torch_counts(model: str, width: float) -> None:
    bench = OneNetwork(model=model, width=width)
    built = bench.build(bench.architecture(SETTING), IMAGES)
    assert bench.facts(bench.architecture(SETTING), IMAGES) == slow_counts(built)
    assert isinstance(built.head, nn.Linear) and built.features(torch.zeros(2, 3, 32, 32)).shape[0] == 2


def test_the_sizes_are_those_that_are_published() -> None:
    params = {m: plans.counts(plans.layers(m, 1.0, 32, 3, 10))["params"] for m in plans.MODELS}
    assert params["lenet"] == 62_006
    assert params["resnet32"] == 464_154  # He et al. 2016, table 6: 0.46 M
    wide = [layer.outputs for layer in plans.layers("alexnet", 1.0, 32, 3, 10)]
    assert wide == [96, 256, 384, 384, 256, 1024, 512, 10]
    assert [layer.places for layer in plans.layers("alexnet", 1.0, 32, 3, 10)][:3] == [15**2, 7**2, 3**2]


def test_a_width_factor_scales_every_layer_but_image_and_classes() -> None:
    half = [layer.outputs for layer in plans.layers("lenet", 0.5, 32, 3, 10)]
    assert half == [3, 8, 60, 42, 10]
    assert {layer.outputs for layer in plans.layers("resnet32", 0.25, 32, 3, 10)} == {4, 8, 16, 10}


@pytest.mark.parametrize(("model", "drops"), [("lenet", 2), ("alexnet", 2), ("vgg", 2), ("resnet32", 1)])
def test_the_dropout_of_a_setting_is_that_of_its_network(model: str, drops: int) -> None:
    bench = OneNetwork(model=model, width=0.25)
    built = bench.build(bench.architecture(SETTING), IMAGES)
    assert [m.p for m in built.modules() if isinstance(m, nn.Dropout)] == [0.3] * drops
    x = torch.randn(2, 3, 32, 32)
    assert not torch.equal(built.train()(x), built(x)) and torch.equal(built.eval()(x), built(x))


def test_a_shortcut_pads_channels_with_zeros_and_the_graph_says_so() -> None:
    block = Block(4, 8).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.weight)
    maps = torch.rand(2, 4, 6, 6)
    expected = torch.zeros(2, 8, 3, 3)
    for channel in range(4):
        expected[:, channel + 2] = maps[:, channel, ::2, ::2]
    torch.testing.assert_close(block(maps), expected)
    shortcut = block.connections("block", "stem")[2].weight
    assert shortcut is not None
    torch.testing.assert_close(torch.einsum("oc,bchw->bohw", shortcut, maps[:, :, ::2, ::2]), expected)
    assert Block(8, 8).connections("block", "stem")[2].weight is None


@pytest.mark.parametrize("model", plans.MODELS)
def test_the_graph_has_a_node_for_every_channel_and_neuron(model: str) -> None:
    built = build(model, 0.25, 0.1, IMAGES)
    nodes = {}
    for connection in wires(built, torch.zeros(2, 3, 32, 32)):
        if connection.weight is not None:
            nodes[connection.target], nodes[connection.source] = connection.weight.shape[:2]
    chain = [3, *(layer.outputs for layer in plans.layers(model, 0.25, 32, 3, 10))]
    assert sorted(nodes.values()) == sorted(chain)


def test_the_grid_is_the_paper_s_and_every_network_gets_the_same_draw() -> None:
    assert len(RATES) == 36 and (RATES[0], RATES[-1]) == (2e-6, 0.45)
    assert DROPOUTS == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert len(set(grid(RATES[0]))) == 360 and len(grid(2e-4)) == 240
    drawn = [a.name for a in OneNetwork(least_rate=2e-4).sample(50, seed=0)]
    assert [a.name for a in OneNetwork(model="vgg", least_rate=2e-4).sample(20, seed=0)] == drawn[:20]
    assert len(set(drawn)) == 50 and set(drawn) <= set(grid(2e-4))
    assert [a.name for a in OneNetwork().sample(20, 0, among=drawn)] == drawn[:20]
    assert OneNetwork().sample(20, 1) != OneNetwork().sample(20, 0)


def test_a_setting_is_its_text_and_states_its_rate() -> None:
    bench = OneNetwork()
    architecture = bench.architecture(SETTING)
    assert SPACE.write(SPACE.parse(SETTING)) == SETTING and architecture.group == SETTING
    assert bench.recipe(SETTING) == {"learning_rate": 0.002}
    description = bench.description(architecture, "features", IMAGES)
    assert description.names == ("log rate", "dropout")
    np.testing.assert_allclose(description.values, [np.log(0.002), 0.3])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model": "lenet5"}, "bench.model: must be lenet or alexnet or vgg or resnet32"),
        ({"width": 0.0}, "bench.width: must be a factor above 0, at most 4"),
        ({"least_rate": 1.0}, "bench.least_rate: must be a number above 0, at most 0.45"),
        ({"graphs": 0}, "bench.graphs: must be at least 1"),
        ({"initialization": "glorot"}, "bench.initialization: must be authors or he"),
    ],
)
def test_settings_out_of_their_range_are_refused(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        OneNetwork(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", plans.MODELS)
def test_he_s_initialization_keeps_the_signal_of_every_layer_where_the_authors_lets_it_fade(model: str) -> None:
    deviations = {}
    for initialization in plans.INITIALIZATIONS:
        torch.manual_seed(0)
        bench = OneNetwork(model=model, width=0.5, initialization=initialization)
        built = bench.build(bench.architecture(SETTING), IMAGES)
        layers = [m for m in built.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        inputs = [layer.weight[0].numel() for layer in layers]
        deviations[initialization] = [
            float(layer.weight.detach().std()) * (n / 2) ** 0.5 for layer, n in zip(layers, inputs, strict=True)
        ]
        if initialization == "he" and model in plans.CHAINS:
            assert all(not layer.bias.any() for layer in layers)
    np.testing.assert_allclose(deviations["he"], 1, atol=0.25)
    assert (deviations["authors"] == deviations["he"]) == (model == "resnet32")


def test_an_initialization_is_part_of_a_network_s_identity_but_for_the_authors() -> None:
    assert OneNetwork().network() == {"space": "hyperparameters", "model": "lenet", "width": 1.0}
    assert OneNetwork(initialization="he").network() == OneNetwork().network() | {"initialization": "he"}


def test_images_on_which_a_layer_has_nothing_to_read_are_refused() -> None:
    with pytest.raises(BadInput, match=r"dataset.size: must be larger.*\(got 12\)"):
        build("lenet", 1.0, 0.0, tiny_images(size=12))
