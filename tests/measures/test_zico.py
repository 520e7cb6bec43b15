from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.zico import ZiCo
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
BATCH = (torch.randn(12, 1, 8, 8, generator=torch.Generator().manual_seed(0)).double(), torch.arange(12) % 3)
CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
MERGED_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|avg_pool_3x3~2|"
DEAD_CELLS = [
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",  # a constant, not zeros
]


def network(text=CELL):
    torch.manual_seed(0)
    return Network(parse(text), SHAPE).double()


def read(model, batch=BATCH, **keys):
    return ZiCo(**keys).observer(SCENE)(model, batch, 0)["zico"]


def slow(model, slices):
    """The published computation: gradients of two batches side by side in NumPy, layer by layer (rows in `slices`)."""
    batches = []
    for part in (slice(0, 6), slice(6, 12)):
        model.zero_grad()
        cross_entropy(model(BATCH[0][part]), BATCH[1][part]).backward()
        batches.append([model.get_parameter(name).grad[rows].numpy().ravel() for name, rows in slices])
    total = 0.0
    for layer in zip(*batches, strict=True):
        g = np.array(layer)
        deviation = np.std(g, axis=0)
        used = np.nonzero(deviation)[0]
        if len(used):
            total += np.log(np.sum(np.mean(np.abs(g), axis=0)[used] / deviation[used]))
    return total


def test_it_agrees_with_the_published_computation():
    model = network()
    layers = [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and ".idle." not in n]
    assert read(model) == pytest.approx(slow(model, [(f"{name}.weight", slice(None)) for name in layers]), rel=1e-7)


def test_merged_convolutions_have_a_logarithm_each():
    model = network(MERGED_CELL)
    slices = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            width = module.in_channels if ".convolutions." in name else len(module.weight)
            starts = range(0, len(module.weight), width)
            slices += [(f"{name}.weight", slice(start, start + width)) for start in starts]
    whole = slow(model, list({name: (name, slice(None)) for name, _ in slices}.values()))
    assert read(model) == pytest.approx(slow(model, slices), rel=1e-7)
    assert read(model) > whole + 1


def test_a_dense_layer_by_formula():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3, bias=False)).double()
    w, gradients = model[1].weight.detach().numpy(), []
    for part in (slice(0, 6), slice(6, 12)):
        x, y = BATCH[0][part].flatten(1).numpy(), BATCH[1][part].numpy()
        p = np.exp(x @ w.T)
        p /= p.sum(1, keepdims=True)
        gradients.append((p - np.eye(3)[y]).T @ x / 6)
    a, b = gradients
    assert read(model) == pytest.approx(np.log(((abs(a) + abs(b)) / abs(a - b)).sum()), rel=1e-9)


@given(seed=st.integers(0, 1000))
@settings(max_examples=6, deadline=None)
def test_no_layer_gives_less_than_the_logarithm_of_its_weights(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(72, 3)).double()
    assert read(model) >= np.log(18) + np.log(216) - 1e-12


@given(order=st.permutations(range(6)))
@settings(max_examples=6, deadline=None)
def test_the_order_within_a_half_and_of_the_halves_does_not_matter(order):
    model, places = network(), [*(6 + i for i in order), *range(6)]
    assert read(model, (BATCH[0][places], BATCH[1][places])) == pytest.approx(read(model), rel=1e-7)


def test_gradients_that_agree_across_batches_score_higher():
    """The promise of the method: a higher mean and a lower deviation train faster."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()
    alike = BATCH[0].clone()
    alike[6:] = alike[:6] + 0.01 * alike[6:]
    labels = BATCH[1][:6].repeat(2)
    assert read(model, (alike, labels)) > read(model, (BATCH[0], labels)) + 1


def test_weights_whose_gradient_does_not_vary_are_left_out():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3, bias=False)).double()
    half = BATCH[0].clone()
    half[:, :, 4:] = 0  # half of the inputs are 0 in both mini-batches
    short = nn.Sequential(nn.Flatten(), nn.Linear(32, 3, bias=False)).double()
    with torch.no_grad():
        short[1].weight.copy_(model[1].weight[:, :32])
    assert read(model, (half, BATCH[1])) == pytest.approx(read(short, (half[:, :, :4], BATCH[1])), rel=1e-9)


def test_a_network_whose_gradient_does_not_vary_at_all_has_no_score():
    same = BATCH[0][:6].repeat(2, 1, 1, 1), BATCH[1][:6].repeat(2)
    assert np.isnan(read(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double(), same))


def test_an_odd_image_is_left_over_and_one_image_is_no_score():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()
    assert read(model, images=5) == read(model, images=4)
    assert np.isnan(read(model, (BATCH[0][:1], BATCH[1][:1])))


def test_each_half_has_batchnorm_statistics_of_its_own():
    model = network()
    seen = read(model)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_var.fill_(100.0)
    assert read(model) == pytest.approx(seen)


@pytest.mark.parametrize("text", DEAD_CELLS)
def test_a_dead_network_gives_a_finite_number_or_nan(text):
    assert not np.isinf(read(network(text)))


def test_a_gradient_that_is_not_finite_or_no_layer_at_all_is_nan():
    model = network()
    with torch.no_grad():
        model.head.weight[0] = torch.inf
    assert np.isnan(read(model))
    assert np.isnan(read(nn.Flatten()))


@pytest.mark.parametrize(("key", "value"), [("images", 1), ("every", 0)])
def test_a_wrong_setting_is_named(key, value):
    with pytest.raises(BadInput, match=rf"measure\.zico\.{key}: must be .*\(got {value}"):
        ZiCo(**{key: value})
