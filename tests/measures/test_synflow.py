from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.capacitance import Capacitance
from harness.measures.synflow import SynFlow, flows
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
BATCH = (torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3)
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|"
DEAD_CELLS = [
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|",  # a constant, not zeros
]


def network(text=CELL, shape=SHAPE):
    torch.manual_seed(0)
    return Network(parse(text), shape)


def read(model, batch=BATCH):
    return SynFlow().observer(SCENE)(model, batch, 0)["synflow"]


def by_hand(model):
    """SynFlow of CELL written out with absolute weights: no ReLU, no BatchNorm, no module of the network called."""
    leaves = {n: p.detach().double().abs().requires_grad_() for n, p in model.named_parameters() if p.dim() > 1}

    def conv(x, name, rows=slice(None), **keys):
        weight = leaves[name][rows]
        return conv2d(x, weight, padding=weight.shape[2] // 2, **keys)

    def cell(x, name):
        one, two = (conv(x, f"{name}.nor_conv_3x3_from_0.0.weight", rows) for rows in _halves(x.shape[1]))
        two = two + conv(one, f"{name}.nor_conv_1x1_from_1.0.weight")
        pooled = avg_pool2d(one, 3, 1, 1, count_include_pad=False)
        return x + pooled + conv(two, f"{name}.nor_conv_1x1_from_2.0.weight")

    def reduction(x, name):
        long = conv(conv(x, f"{name}.first.0.weight", stride=2), f"{name}.second.0.weight")
        return long + conv(avg_pool2d(x, 2, 2), f"{name}.shortcut.1.weight")

    x = conv(torch.ones(1, 1, 8, 8, dtype=torch.float64), "stem.0.weight")
    x = cell(x, "body.0.convolutions")
    x = cell(reduction(x, "body.1"), "body.2.convolutions")
    x = cell(reduction(x, "body.3"), "body.4.convolutions")
    (x.mean((2, 3)) @ leaves["head.weight"].T).sum().backward()
    return sum(float((leaf.detach() * leaf.grad).sum()) for leaf in leaves.values())


def _halves(width):
    return slice(0, width), slice(width, 2 * width)


def test_it_agrees_with_a_forward_pass_of_absolute_weights_written_by_hand():
    model = network()
    assert read(model) == pytest.approx(np.log1p(by_hand(model)), rel=1e-12)


def test_a_chain_of_dense_layers_is_the_product_of_the_absolute_matrices_times_their_number():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    matrices = [model[i].weight.detach().double().abs().numpy() for i in (1, 3, 5)]
    biases = [model[i].bias.detach().double().abs().numpy() for i in (1, 3, 5)]
    flow = np.ones(64)
    into = []
    for matrix, bias in zip(matrices, biases, strict=True):
        into.append(matrix @ flow)
        flow = into[-1] + bias
    out = [np.ones(3) @ matrices[2] @ matrices[1], np.ones(3) @ matrices[2], np.ones(3)]
    expected = sum(float(o @ i) for o, i in zip(out, into, strict=True))
    assert read(model) == pytest.approx(np.log1p(expected), rel=1e-12)


@given(widths=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_flow_is_conserved_every_layer_of_a_chain_carries_as_much(widths, seed):
    """Tanaka et al.'s layer-wise conservation, for networks without biases."""
    torch.manual_seed(seed)
    sizes = [9, *widths, 3]
    chain = [nn.Flatten()]
    for before, after in pairwise(sizes):
        chain += [nn.Linear(before, after, bias=False), nn.ReLU()]
    carried = flows(nn.Sequential(*chain), torch.zeros(2, 1, 3, 3)).numpy()
    assert carried == pytest.approx(np.full(len(sizes) - 1, carried[0]), rel=1e-9)


def test_images_labels_signs_and_batchnorm_do_not_matter():
    model = network()
    seen = read(model)
    assert read(model, (torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.long))) == seen
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.weight *= torch.randint(0, 2, module.weight.shape) * 2 - 1
            if isinstance(module, nn.BatchNorm2d):
                module.weight.fill_(7.0)
                module.bias.fill_(-3.0)
                module.running_mean.fill_(5.0)
                module.running_var.fill_(2.0)
    assert read(model) == pytest.approx(seen, rel=1e-12)


def test_more_paths_carry_more():
    kinds = ["none", "skip_connect", "nor_conv_3x3"]
    texts = [f"|nor_conv_1x1~0|+|none~0|none~1|+|{kind}~0|skip_connect~1|none~2|" for kind in kinds]
    scores = [read(network(text)) for text in texts]
    assert scores == sorted(scores) and len(set(scores)) == 3


def test_deep_and_wide_networks_do_not_overflow():
    deep = nn.Sequential(*(nn.Conv2d(1, 1, 1, bias=False) for _ in range(40)), nn.Flatten())
    with torch.no_grad():
        for layer in list(deep)[:-1]:
            layer.weight.fill_(-100.0)  # 1e80: past float32
    assert read(deep) == pytest.approx(np.log(40 * 64) + 40 * np.log(100), rel=1e-9)
    full = network(CELL, Shape(colours=3, size=8, classes=10, channels=16, cells=5))
    assert 50 < read(full, (torch.zeros(1, 3, 8, 8), torch.zeros(1))) < 200


def test_what_even_float64_cannot_hold_is_nan():
    deep = nn.Sequential(*(nn.Conv2d(1, 1, 1, bias=False) for _ in range(160)), nn.Flatten())
    with torch.no_grad():
        for layer in list(deep)[:-1]:
            layer.weight.fill_(100.0)
    assert np.isnan(read(deep))


@pytest.mark.parametrize("text", DEAD_CELLS)
def test_a_dead_network_carries_nothing(text):
    assert read(network(text)) == 0.0


def test_a_constant_map_at_the_end_of_a_deeper_network_is_no_failure():
    text, deeper = "|none~0|+|none~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|", Shape(4, 2, 8, 1, 3)
    assert read(network(text, deeper)) == 0


def test_nothing_stays_behind():
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert read(model) == read(model)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert read(nn.Flatten()) == 0.0


def test_a_wrong_setting_is_named():
    with pytest.raises(BadInput, match=r"measure\.synflow\.every: must be .*got 0"):
        SynFlow(every=0)


@pytest.mark.parametrize("text", [CELL, *DEAD_CELLS])
def test_a_probe_in_the_place_of_the_head_is_passed_over_and_put_back(text):
    """R is the sum of the features, whatever the probe would make of them: that of a head of ones."""
    plain, probed = network(text).double(), network(text).double()
    with torch.no_grad():
        plain.head = nn.Linear(16, 1).double()
        plain.head.weight.fill_(1.0)
        plain.head.bias.fill_(0.0)
    probe = Capacitance(mode="head", widths=[6, 5], probes=3).head(SCENE)
    probed.head = probe
    without_head = flows(plain, BATCH[0])[:-1]
    torch.testing.assert_close(flows(probed, BATCH[0]), without_head)
    assert probed.head is probe
