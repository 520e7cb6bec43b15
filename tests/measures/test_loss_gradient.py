from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from harness.benches.nasbench201.space import CONVOLUTION_TAPS, Shape, parse
from harness.benches.nasbench201.topology_network import CellBlock, Network
from harness.measures.loss_gradient import LossGradient
from harness.measures.weight_statistics import feature_names, statistics
from harness.measures.zico import ZiCo
from harness.schema import BadInput, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
BATCH = (torch.randn(12, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3)
DEAD_CELL = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
CONSTANT_CELL = "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|"
MERGED_CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|avg_pool_3x3~2|"
CELLS = [
    MERGED_CELL,
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|nor_conv_1x1~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|nor_conv_3x3~1|nor_conv_1x1~2|",
]


class TextbookCell(nn.Module):
    """One module an edge and a ReLU before each convolution, with the weights of a merged block."""

    def __init__(self, cell, block: CellBlock) -> None:
        super().__init__()
        self.cell, self.edges = cell, nn.ModuleDict()
        used: dict[str, int] = {}
        for node in (1, 2, 3):
            for source, operation in cell.into(node):
                merged = getattr(block.convolutions, f"{operation}_from_{source}", None)
                if operation in CONVOLUTION_TAPS and merged is not None:
                    place = used.get(f"{operation}{source}", 0)
                    used[f"{operation}{source}"] = place + 1
                    rows = slice(place * block.channels, (place + 1) * block.channels)
                    whole, width = merged[0], block.channels
                    conv = nn.Conv2d(width, width, whole.kernel_size, padding=whole.padding, bias=False).double()
                    norm = nn.BatchNorm2d(width).double()
                    with torch.no_grad():
                        conv.weight.copy_(whole.weight[rows])
                        norm.weight.copy_(merged[1].weight[rows])
                        norm.bias.copy_(merged[1].bias[rows])
                    self.edges[f"{node}_{source}"] = nn.Sequential(nn.ReLU(), conv, norm)

    def forward(self, x):
        nodes = [x]
        for node in (1, 2, 3):
            total = torch.zeros_like(x)
            for source, operation in self.cell.into(node):
                if operation == "skip_connect":
                    total = total + nodes[source]
                elif operation == "avg_pool_3x3":
                    total = total + functional.avg_pool2d(nodes[source], 3, 1, 1, count_include_pad=False)
                elif f"{node}_{source}" in self.edges:
                    total = total + self.edges[f"{node}_{source}"](nodes[source])
            nodes.append(total)
        return nodes[3]


class Textbook(nn.Module):
    """The same network with textbook cells; it tells no connections."""

    def __init__(self, cell, network: Network) -> None:
        super().__init__()
        body = [TextbookCell(cell, b) if isinstance(b, CellBlock) else b for b in network.body]
        self.stem, self.body, self.last_norm, self.head = (
            network.stem,
            nn.Sequential(*body),
            network.last_norm,
            network.head,
        )

    forward, features = Network.forward, Network.features


def network(text, dtype=torch.float64):
    """A network with every parameter away from its special initial value."""
    torch.manual_seed(0)
    model = Network(parse(text), SHAPE).to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


def read(model, batch=BATCH, **keys):
    dtype = next(model.parameters()).dtype
    return LossGradient(**keys).observer(SCENE)(model, (batch[0].to(dtype), batch[1]), 0)


@pytest.mark.parametrize("text", CELLS)
def test_merged_convolutions_count_as_the_separate_layers_of_the_textbook_network(text):
    model = network(text)
    plain = Textbook(parse(text), model)
    images, labels = BATCH[0].double(), BATCH[1]
    functional.cross_entropy(plain(images), labels).backward()
    layers = [m for m in plain.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    norm = sum(float(layer.weight.grad.norm()) for layer in layers)
    snip = sum(float((layer.weight.detach() * layer.weight.grad).abs().sum()) for layer in layers)
    plain.zero_grad()
    seen = read(model)
    assert seen["grad_norm"] == pytest.approx(norm, rel=1e-9)
    assert seen["snip"] == pytest.approx(snip, rel=1e-9)
    zico = [ZiCo().observer(SCENE)(net, (images, labels), 0)["zico"] for net in (model, plain)]
    assert zico[0] == pytest.approx(zico[1], abs=1e-3)  # ratios of near-equal gradients see the rounding


def test_one_norm_over_merged_convolutions_would_be_another_number():
    model = network(MERGED_CELL)
    functional.cross_entropy(model(BATCH[0].double()), BATCH[1]).backward()
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert sum(float(layer.weight.grad.norm()) for layer in layers) < 0.95 * read(model)["grad_norm"]


def test_the_gradient_of_a_dense_layer_agrees_with_its_formula():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).double()
    x, y = BATCH[0].double().flatten(1).numpy(), BATCH[1].numpy()
    w, b = (p.detach().numpy() for p in model[1].parameters())
    z = x @ w.T + b
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    slope = (p - np.eye(3)[y]).T @ x / len(x)
    seen = read(model)
    assert seen["grad_norm"] == pytest.approx(np.linalg.norm(slope))
    assert seen["snip"] == pytest.approx(np.abs(w * slope).sum())
    named = dict(zip(feature_names(), seen["gradient_statistics"], strict=True))
    assert [named[f"first.{s}"] for s in ("p0", "p50", "p100", "std", "mean")] == pytest.approx(
        [slope.min(), np.median(slope), slope.max(), slope.std(), slope.mean()]
    )
    assert named["bias.mean.mean"] == pytest.approx((p - np.eye(3)[y]).mean(), abs=1e-12)
    assert {name.split(".")[0] for name, value in named.items() if np.isnan(value)} == {"norm_weight", "norm_bias"}


def test_statistics_are_those_of_the_gradients_module_by_module():
    model = network(MERGED_CELL)
    named = dict(zip(feature_names(), read(model)["gradient_statistics"], strict=True))
    functional.cross_entropy(model(BATCH[0].double()), BATCH[1]).backward()
    tables = {
        "weight": [m.weight.grad for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)],
        "norm_bias": [m.bias.grad for m in model.modules() if isinstance(m, nn.BatchNorm2d)],
    }
    for kind, tensors in tables.items():
        rows = np.array([statistics(tensor) for tensor in tensors])
        assert named[f"{kind}.std.max"] == pytest.approx(rows[:, 5].max())
        assert named[f"{kind}.p25.mean"] == pytest.approx(rows[:, 1].mean())
    assert named["last.std"] == pytest.approx(float(model.head.weight.grad.std(correction=0)))


@given(order=st.permutations(range(12)))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_images_does_not_matter(order):
    seen, again = read(network(CELLS[1])), read(network(CELLS[1]), (BATCH[0][order], BATCH[1][order]))
    assert again["grad_norm"] == pytest.approx(seen["grad_norm"], rel=1e-9)
    assert again["snip"] == pytest.approx(seen["snip"], rel=1e-9)


def test_only_the_first_images_count():
    model = network(CELLS[0])
    few = read(model, (BATCH[0][:5], BATCH[1][:5]))
    assert read(model, images=5)["snip"] == few["snip"] != read(model)["snip"]


def test_scaling_a_convolution_before_batchnorm_leaves_snip_and_divides_its_gradient():
    model = network(CELLS[0])
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.eps = 1e-12
    parts = [read(model)]
    with torch.no_grad():
        model.stem[0].weight *= 4
    parts.append(read(model))
    named = [dict(zip(feature_names(), part["gradient_statistics"], strict=True)) for part in parts]
    assert parts[1]["snip"] == pytest.approx(parts[0]["snip"], rel=1e-6)
    assert named[1]["first.std"] == pytest.approx(named[0]["first.std"] / 4, rel=1e-6)


def test_the_gradient_vanishes_where_the_network_is_sure_and_right():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 3, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(30 * torch.eye(3))
    images = torch.eye(3).reshape(3, 1, 1, 3)
    right, wrong = read(model, (images, torch.arange(3))), read(model, (images, torch.tensor([1, 2, 0])))
    assert right["grad_norm"] < 1e-6 < 0.5 < wrong["grad_norm"]


@pytest.mark.parametrize("text", [DEAD_CELL, CONSTANT_CELL])
def test_a_dead_network_gives_finite_numbers(text):
    torch.manual_seed(0)
    seen = read(Network(parse(text), SHAPE))
    assert np.isfinite([seen["grad_norm"], seen["snip"]]).all()
    assert seen["gradient_statistics"].shape == (126,)
    named = dict(zip(feature_names(), seen["gradient_statistics"], strict=True))
    assert named["first.std"] == 0  # the stem is cut off: its gradient is 0, not missing


def test_a_gradient_that_is_not_finite_is_nan():
    model = network(CELLS[1], torch.float32)
    with torch.no_grad():
        model.head.weight[0, 0] = torch.inf
    assert np.isnan([read(model)["grad_norm"], read(model)["snip"]]).all()


def test_a_network_without_layers_has_no_gradient():
    seen = LossGradient().observer(SCENE)(nn.Flatten(), BATCH, 0)
    assert seen["grad_norm"] == seen["snip"] == 0
    assert np.isnan(seen["gradient_statistics"]).all()


def test_frozen_heads_side_by_side_count_by_their_mean_loss():
    class Heads(nn.Module):
        def forward(self, features):
            return torch.stack([features[:, :3], features[:, 3:6]])

    model = network(CELLS[1])
    model.head = Heads()
    seen = read(model)
    model.zero_grad()
    logits = model(BATCH[0].double())
    (sum(functional.cross_entropy(one, BATCH[1]) for one in logits) / 2).backward()
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.weight.grad is not None]
    snip = sum(float((layer.weight.detach() * layer.weight.grad).abs().sum()) for layer in layers)
    assert seen["snip"] == pytest.approx(snip, rel=1e-9)


@pytest.mark.parametrize("key", ["images", "every"])
def test_a_wrong_setting_is_named(key):
    with pytest.raises(BadInput, match=rf"measure\.loss_gradient\.{key}: must be .*\(got 0"):
        LossGradient(**{key: 0})
