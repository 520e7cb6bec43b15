"""`harness.score`: every measure of networks that know nothing of it."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn

import harness
from harness.schema import BadInput, seed_of
from harness.train.adapter import adapt
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.recipe import Recipe
from tests.api.strangers import KINDS, Residual, Transformer, batch, plain

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"

EVERYWHERE = ["beta_eff", "params", "flops", "grad_norm", "grasp", "l2_norm", "weight_norm", "logme", "zico"]
"""What has a value for every kind of network."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_measure_has_a_value_or_a_reason_and_the_main_ones_have_a_value(kind: str) -> None:
    torch.manual_seed(0)
    table = harness.score(KINDS[kind](), *batch())
    assert [*table] == ["measure", "quantity", "value", "direction", "seconds", "reason"]
    assert ((table["reason"] == "") == np.isfinite(table["value"])).all()
    assert table["quantity"].is_unique and set(table["direction"]) == {"higher", "lower", ""}
    values = table.set_index("quantity")["value"]
    assert np.isfinite(values[EVERYWHERE]).all()
    directions = table.set_index("quantity")["direction"]
    assert (directions["beta_eff"], directions["synflow"]) == ("lower", "higher")


def test_a_network_of_the_benchmark_has_just_the_values_that_a_run_observes_at_step_0(bench, images) -> None:
    from harness.config.components import shipped
    from harness.train.batches import held_out

    cell, recipe = bench.architecture(CELL), Recipe(steps=0, measure_images=16)
    job = TrainingJob(cell, lambda: bench.build(cell, images), images, recipe, shipped("measure"), seed=3)
    row = train(job).table.iloc[0]
    torch.manual_seed(seed_of(3, "run", cell.name))
    network = bench.build(cell, images).to(memory_format=torch.channels_last)
    table = harness.score(network, *held_out(images, "train", 16, torch.device("cpu")), seed=3)
    numbers = table[(table["measure"] != "size") & ~table["reason"].str.startswith("a vector")]
    assert len(numbers) > 30 and {"az_trainability", "graph_degree", "beta_eff"} <= set(numbers["quantity"])
    wanted = [float(row[name]) for name in numbers["quantity"]]
    np.testing.assert_allclose(numbers["value"], wanted, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_network_changes_nor_any_random_state(kind: str) -> None:
    torch.manual_seed(1)
    network = KINDS[kind]().eval()
    next(network.parameters()).requires_grad_(False)
    last = [*network.parameters()][-1]
    last.grad = torch.ones_like(last)
    before = copy.deepcopy(network.state_dict())
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    images, labels = batch()
    shown = images.clone()
    harness.score(network, images, labels)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module.training for module in network.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert [weight.requires_grad for weight in network.parameters()].count(False) == 1
    assert torch.equal(last.grad, torch.ones_like(last)) and next(network.parameters()).grad is None
    assert torch.equal(images, shown)
    assert torch.equal(torch.get_rng_state(), states[0]) and random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()


def test_scores_follow_from_the_seed_alone() -> None:
    torch.manual_seed(0)
    network = Transformer()
    tables = []
    for noise in (5, 6):
        torch.manual_seed(noise)
        tables.append(harness.score(network, *batch(), measures=["capacitance", "zen", "zico"], seed=2))
    assert tables[0]["value"].equals(tables[1]["value"])
    other = harness.score(network, *batch(), measures=["capacitance"], seed=3)
    assert other["value"][0] != tables[0]["value"][0]


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("plain", "9"),
        ("residual", "fc"),
        ("depthwise", "out"),
        ("transformer", "head"),
        ("convolutional", "classifier"),
    ],
)
def test_features_are_what_the_last_layer_reads(kind: str, head: str) -> None:
    torch.manual_seed(0)
    network = KINDS[kind]()
    images, _ = batch()
    adapted = adapt(network, images)
    assert adapted.head_name == head
    layer, features = adapted.network.get_submodule(head), adapted.features(images)
    if isinstance(layer, nn.Linear):
        torch.testing.assert_close(layer(features), adapted(images))
    else:
        torch.testing.assert_close(features @ layer.weight[:, :, 0, 0].T + layer.bias, adapted(images))


def test_another_head_may_be_named() -> None:
    torch.manual_seed(0)
    network, (images, labels) = Residual(), batch()
    last, auxiliary = (
        harness.score(network, images, labels, ["capacitance"], head)["value"][0] for head in ("fc", "auxiliary")
    )
    assert last == harness.score(network, images, labels, ["capacitance"])["value"][0] != auxiliary


def test_dropout_is_off_while_batch_norm_takes_the_statistics_of_the_batch() -> None:
    torch.manual_seed(0)
    images, _ = batch()
    for kind in ("plain", "transformer"):
        adapted = adapt(KINDS[kind](), images)
        assert all(module.training for module in adapted.modules())
        torch.testing.assert_close(adapted(images), adapted(images))


def test_a_measure_of_ones_own_takes_part_by_its_name() -> None:
    from harness.measures.l2_norm import L2Norm

    table = harness.score(plain(), *batch(), measures={"mine": L2Norm()})
    assert [*table["measure"]] == ["mine"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"measures": ["nope"]}, "measure: must be one of az_nas, "),
        ({"measures": "naswot"}, "measures: must be a list of names (got 'naswot')"),
        ({"measures": {"it": 3}}, "measures: must be measures by name"),
        ({"labels": torch.full((12,), 4)}, "labels: must be whole numbers from 0 to 3, one per image (got '(12,) of"),
        ({"labels": torch.zeros(11, dtype=torch.long)}, "labels: must be whole numbers, one per image (got '(11,)"),
        ({"labels": torch.zeros(12)}, "labels: must be whole numbers, one per image (got '(12,) of torch.float32"),
        ({"images": torch.randn(1, 3, 8, 8)}, "images: must be at least 2, as (images, ...) (got (1, 3, 8, 8))"),
        ({"images": torch.randn(12, 5, 8, 8)}, "network: must classify images of shape (12, 5, 8, 8) (got an error: "),
        ({"head": "nope"}, "head: must be the name of a layer (see network.named_modules()) (got 'nope')"),
        ({"network": nn.Conv2d(3, 4, 3)}, "network: must be a classifier with logits (images, classes) (got (2, 4, 6"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_in_one_line(change, line: str) -> None:
    images, labels = batch()
    with pytest.raises(BadInput) as refused:
        harness.score(**{"network": plain(), "images": images, "labels": labels, **change})
    assert str(refused.value).startswith(line) and "\n" not in str(refused.value)
