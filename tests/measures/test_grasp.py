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
from harness.measures.grasp import Grasp, grasp
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
BATCH = (torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)).double(), torch.arange(6) % 3)
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
DEAD_CELLS = [
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",  # a constant, not zeros
]


def shaken(text):
    torch.manual_seed(0)
    model = Network(parse(text), SHAPE).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def layers(model):
    return [m for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and ".idle." not in name]


def gradient(model, batch):
    """The gradient in the weights by an ordinary backward pass, in one vector."""
    model.zero_grad()
    cross_entropy(model(batch[0]), batch[1]).backward()
    return torch.cat([layer.weight.grad.flatten() for layer in layers(model)]).clone()


def moved(model, direction, size):
    """The gradient after the weights have gone `size` along `direction` and before they come back."""
    places = [layer.weight.data for layer in layers(model)]
    kept = [place.clone() for place in places]
    for place, part in zip(places, direction.split([p.numel() for p in places]), strict=True):
        place += size * part.view_as(place)
    there = gradient(model, BATCH)
    for place, old in zip(places, kept, strict=True):
        place.copy_(old)
    return there


@pytest.mark.parametrize("smooth", [False, True])
def test_it_agrees_with_finite_differences_of_the_gradient(smooth):
    if smooth:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(72, 3)).double()
    else:
        model = shaken(CELL)
    g, step = gradient(model, BATCH), 1e-6
    curved = (moved(model, g, step) - moved(model, g, -step)) / (2 * step)
    weights = torch.cat([layer.weight.detach().flatten() for layer in layers(model)])
    assert float(grasp(model, BATCH)) == pytest.approx(-float(weights @ curved), rel=1e-5)


def test_it_agrees_with_the_hessian_of_softmax_regression_by_formula():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3, bias=False)).double()
    x, y = BATCH[0].flatten(1).numpy(), BATCH[1].numpy()
    w = model[1].weight.detach().numpy()
    p = np.exp(x @ w.T)
    p /= p.sum(1, keepdims=True)
    g = ((p - np.eye(3)[y]).T @ x / len(x)).ravel()
    hessian = sum(np.kron(np.diag(q) - np.outer(q, q), np.outer(v, v)) for q, v in zip(p, x, strict=True)) / len(x)
    assert float(grasp(model, BATCH)) == pytest.approx(-float(w.ravel() @ hessian @ g), rel=1e-9)


def test_where_the_scale_of_the_weights_is_unseen_it_is_the_squared_norm_of_the_gradient():
    """L(cW) = L(W), so g(cW) = g(W) / c and H W = -g."""
    torch.manual_seed(0)
    body = nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)
    model = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten()).double()
    for norm in (model[1], model[4]):
        norm.eps = 1e-12
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    assert float(grasp(model, BATCH)) == pytest.approx(float(gradient(model, BATCH).square().sum()), rel=1e-8)


@pytest.mark.parametrize(("scale", "sign"), [(0.5, -1), (3.0, 1)])
def test_it_is_positive_where_shrinking_the_weights_would_raise_the_gradient(scale, sign):
    """Weights (w, 0) are the logits of label 0: with s = sigmoid(w), g = (s - 1) (1, -1) and H g = 2 s (1 - s) g."""
    model = nn.Linear(1, 2, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[sign * scale], [0.0]]))
    batch = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.long)
    s = 1 / (1 + np.exp(-sign * scale))
    assert float(grasp(model, batch)) == pytest.approx(2 * sign * scale * s * (1 - s) ** 2, rel=1e-10)


@given(order=st.permutations(range(6)))
@settings(max_examples=6, deadline=None)
def test_the_order_of_the_images_does_not_matter(order):
    model = shaken(CELL)
    again = grasp(model, (BATCH[0][order], BATCH[1][order]))
    assert float(again) == pytest.approx(float(grasp(model, BATCH)), rel=1e-7)


def test_batchnorm_takes_the_statistics_of_the_batch():
    model = shaken(CELL)
    before = float(grasp(model, BATCH))
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_var.fill_(100.0)
    assert float(grasp(model, BATCH)) == pytest.approx(before)


def test_only_the_first_images_count_and_the_weights_stay():
    model = shaken(CELL)
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    seen = Grasp(images=4).observer(SCENE)(model, BATCH, 0)["grasp"]
    assert seen == pytest.approx(float(grasp(model, (BATCH[0][:4], BATCH[1][:4]))))
    assert seen != pytest.approx(float(grasp(model, BATCH)))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.named_parameters())


@pytest.mark.parametrize("text", DEAD_CELLS)
def test_a_dead_network_gives_a_finite_number(text):
    assert np.isfinite(Grasp().observer(SCENE)(shaken(text), BATCH, 0)["grasp"])


def test_a_network_without_layers_has_none_and_what_is_not_finite_is_nan():
    assert Grasp().observer(SCENE)(nn.Flatten(), BATCH, 0) == {"grasp": 0.0}
    model = shaken(CELL)
    with torch.no_grad():
        model.head.weight[0] = torch.inf
    assert np.isnan(Grasp().observer(SCENE)(model, BATCH, 0)["grasp"])


@pytest.mark.parametrize("key", ["images", "every"])
def test_a_wrong_setting_is_named(key):
    with pytest.raises(BadInput, match=rf"measure\.grasp\.{key}: must be .*\(got 0"):
        Grasp(**{key: 0})
