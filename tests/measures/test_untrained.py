from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.az_nas import AzNas
from harness.measures.capacitance import Capacitance
from harness.measures.synflow import SynFlow
from harness.measures.untrained import PROXIES, Untrained
from harness.schema import BadInput, Measure, Scene, seed_of
from harness.train.job import TrainingJob
from harness.train.loop import train
from harness.train.recipe import Recipe

SCENE = Scene(probe_seed=7, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
BATCH = (torch.randn(10, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(10) % 3)


def network(text=CELL, seed=0):
    torch.manual_seed(seed)
    return Network(parse(text), SHAPE).train()


def read(model, scene=SCENE, **keys):
    return Untrained(**({"channels": 6, "cells": 2, "images": 8} | keys)).observer(scene)(model, BATCH, 0)


def test_the_benchmarks_network_gives_another_of_any_size():
    other = network().anew(6, 2)
    assert (other.shape.channels, other.shape.cells, other.shape.size, len(other.body)) == (6, 2, 8, 8)
    assert other.head.in_features == 24 and other(BATCH[0]).shape == (10, 3)
    same = network().anew()
    assert same.shape == SHAPE and not torch.equal(same.stem[0].weight, network().stem[0].weight)


def test_a_proxy_is_that_of_the_measure_on_a_network_of_that_size():
    fresh = network().anew
    torch.manual_seed(seed_of(7, "untrained", 0))
    other = fresh(6, 2).train()
    own = Scene(seed_of(7, 0), 3, 24)
    expected = SynFlow().observer(own)(other, BATCH, 0) | AzNas(images=8).observer(own)(other.train(), BATCH, 0)
    found = read(network(), proxies=["synflow", "az_nas"])
    assert found == pytest.approx({f"untrained_{name}": value for name, value in expected.items()}, rel=1e-5)


def test_what_is_trained_does_not_matter_and_is_read_once():
    observe = Untrained(channels=6, cells=2, images=8).observer(SCENE)
    first = dict(observe(network(), BATCH, 0))
    assert dict(observe(network(seed=3), BATCH, 5)) == first == dict(read(network(seed=3)))
    assert dict(read(network(), Scene(8, 3, 16))) != first


def test_draws_are_averaged_and_each_is_another_network():
    single, double = (read(network(), proxies=["synflow"], draws=n)["untrained_synflow"] for n in (1, 2))
    kept = network().anew
    torch.manual_seed(seed_of(7, "untrained", 1))
    second = SynFlow().observer(SCENE)(kept(6, 2), BATCH, 0)["synflow"]
    assert double == pytest.approx((single + second) / 2) and second != single


def test_every_proxy_can_be_read_and_a_dead_cell_has_nan_where_its_proxies_do():
    measure = Untrained(list(PROXIES), 6, 2, images=8)
    assert isinstance(measure, Measure)
    values = measure.observer(SCENE)(network(), BATCH, 0)
    assert set(values) == set(measure.columns) and all(map(math.isfinite, values.values()))
    assert "untrained_beta_eff" in values and Capacitance().columns[0] == "beta_eff"
    dead = read(network(DEAD), proxies=["az_nas", "jacov"])
    assert math.isnan(dead["untrained_az_expressivity"]) and math.isnan(dead["untrained_jacov"])


def test_a_training_is_the_same_with_and_without_it(bench, images):
    cell, recipe = bench.architecture(CELL), Recipe(steps=3, batch=20, observe_every=2, measure_images=8)
    tables = [
        train(TrainingJob(cell, lambda: bench.build(cell, images), images, recipe, measures, 0)).table
        for measures in ({}, {"untrained": Untrained(channels=6, cells=1, images=8)})
    ]
    assert tables[0]["valid_loss"].equals(tables[1]["valid_loss"])
    assert not [name for name in tables[1] if str(name).startswith("failed_")]
    assert tables[1]["untrained_synflow"].nunique() == 1 and tables[1]["untrained_synflow"].notna().all()
    spent = tables[1]["seconds_untrained"]
    assert spent.iloc[1:].max() < spent.iloc[0] / 10


def test_what_cannot_be_read_is_refused_in_one_line():
    with pytest.raises(
        BadInput, match=r"measure\.untrained\.proxies: must be a list of names in az_nas, .* \(got 'zen'"
    ):
        Untrained(proxies=["zen"])
    with pytest.raises(
        BadInput, match=r"measure\.untrained\.proxies: must be a list of one or more proxies, each once"
    ):
        Untrained(proxies=["synflow", "synflow"])
    with pytest.raises(BadInput, match=r"measure\.untrained\.draws: must be at least 1"):
        Untrained(draws=0)
    with pytest.raises(ValueError, match=r"must have anew\(channels, cells\) \(got Sequential"):
        read(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
