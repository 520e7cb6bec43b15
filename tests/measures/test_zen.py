from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures import zen
from harness.measures.zen import Zen, last_map, score
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=7, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
MERGED = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|skip_connect~1|skip_connect~2|"
EMPTY = "|none~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|nor_conv_1x1~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
BATCH = (torch.zeros(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
X = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
NEAR = X + 0.01 * torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def network(text):
    torch.manual_seed(0)
    return Network(parse(text), SHAPE).train()


def read(model, **keys):
    return Zen(**keys).observer(SCENE)(model, BATCH, 0)["zen"]


def by_hand(model, x, near):
    """The score of a network with MERGED cells, the convolution of every edge on its own."""
    scales = []

    def normed(value, weight, stride=1):
        value = functional.conv2d(value, weight, stride=stride, padding=weight.shape[-1] // 2)
        scales.append(np.log(np.sqrt(value.detach().numpy().astype(float).var(axis=(0, 2, 3)).mean())))
        return functional.batch_norm(value, None, None, training=True)

    def features(x):
        x = normed(x, model.stem[0].weight)
        for block in model.body:
            if hasattr(block, "convolutions"):
                edges = block.convolutions["nor_conv_3x3_from_0"][0].weight.chunk(3)
                x = sum(normed(x.relu(), weight) for weight in edges)  # two of the three through a skip
            else:
                inner = normed(x.relu(), block.first[0].weight, 2)
                x = block.shortcut(x) + normed(inner.relu(), block.second[0].weight)
        scales.append(np.log(np.sqrt(x.detach().numpy().astype(float).var(axis=(0, 2, 3)).mean())))
        return functional.batch_norm(x, None, None, training=True).relu().detach().numpy().astype(float)

    first = features(x)
    total = sum(scales)
    return np.log(np.abs(first - features(near)).sum(axis=(1, 2, 3)).mean()) + total


def test_the_score_agrees_with_the_benchmarks_network_edge_by_edge():
    model = network(MERGED)
    assert score(model, X, NEAR) == pytest.approx(by_hand(model, X, NEAR), abs=1e-3)


def test_the_map_before_the_pooling_is_found_in_any_network():
    model = network(MERGED)
    assert torch.allclose(last_map(model, X).mean(dim=(2, 3)), model.features(X))
    layers = [nn.Conv2d(1, 5, 3, padding=1), nn.ReLU()]
    for pool in (nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d((1, 1)), nn.AvgPool2d(8)):
        other = nn.Sequential(*layers, pool, nn.Flatten(), nn.Linear(5, 3))
        assert torch.equal(last_map(other, X), nn.Sequential(*layers)(X))
    dense = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert torch.equal(last_map(dense, X), dense(X))


def test_a_scale_that_batch_norm_takes_out_is_put_back():
    model = nn.Sequential(nn.Conv2d(1, 5, 3, bias=False), nn.BatchNorm2d(5), nn.ReLU())
    before = score(model, X, NEAR)
    with torch.no_grad():
        model[0].weight *= 10
    assert score(model, X, NEAR) == pytest.approx(before + np.log(10), abs=1e-3)


def test_without_batch_norm_it_is_the_log_of_the_answer():
    model = nn.Conv2d(1, 2, 1, bias=False)
    nn.init.constant_(model.weight, 3.0)
    change = np.abs((NEAR - X).numpy().astype(float)).sum(axis=(1, 2, 3)).mean()
    assert score(model, X, NEAR) == pytest.approx(np.log(6 * change), rel=1e-4)


def test_a_deeper_network_of_gaussian_weights_is_more_expressive():
    def stack(depth):
        return nn.Sequential(*(m for _ in range(depth) for m in (nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1))))

    scores = [read(stack(depth), weights="gaussian", repeats=8) for depth in (1, 2, 4)]
    assert scores == sorted(scores)


def test_gaussian_weights_hide_the_training_and_current_weights_show_it():
    trained = network(MERGED)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter += 0.3
    assert read(trained, weights="gaussian") == pytest.approx(read(network(MERGED), weights="gaussian"))
    assert read(trained, weights="current") != pytest.approx(read(network(MERGED), weights="current"), abs=0.1)


def test_the_random_images_are_the_same_every_time_and_every_repeat_has_its_own():
    assert read(network(MERGED)) == read(network(MERGED))
    assert read(network(MERGED), repeats=1) != read(network(MERGED), repeats=2)


@pytest.mark.parametrize("weights", ["current", "gaussian"])
def test_networks_of_different_size_are_shown_the_same_images(weights, monkeypatch):
    shown = []
    monkeypatch.setattr(zen, "score", lambda model, x, near: shown.append((x, near)) or 0.0)
    for text in (MERGED, EMPTY):
        read(network(text), weights=weights, repeats=2)
    assert all(torch.equal(a, b) for i in (0, 1) for a, b in zip(shown[i], shown[i + 2], strict=True))


def test_a_dead_network_has_no_score_and_a_constant_batch_norm_does_not_count():
    assert np.isnan(read(network(DEAD)))
    assert np.isnan(read(network(DEAD), weights="kaiming"))
    assert np.isfinite(read(network(EMPTY)))
    assert np.isfinite(read(network(EMPTY), weights="current"))


def test_nothing_stays_hooked_to_the_model():
    model = network(MERGED)
    read(model)
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("wrong", [{"images": 1}, {"repeats": 0}, {"mixup": 0.0}, {"weights": "old"}, {"every": 0}])
def test_wrong_settings_are_refused_by_name(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Zen(**wrong)
