from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.benches.nasbench201.space import OPERATIONS, Cell, Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.layer_statistics import LayerStatistics, feature_names, slots
from harness.schema import Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
BATCH = (torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0]))
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
MIXED = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|skip_connect~2|"
SINGLE = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


def network(text, cells=1, channels=4):
    """A network whose parameters are all away from their special initial values."""
    torch.manual_seed(0)
    model = Network(parse(text), Shape(colours=1, size=8, classes=3, channels=channels, cells=cells))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn_like(parameter)
    return model


def vector(model):
    return LayerStatistics().observer(SCENE)(model, BATCH, 0)["layer_statistics"]


def named(model):
    return dict(zip(feature_names(slots(model)), vector(model), strict=True))


def slow(tensor):
    """The seven statistics by NumPy's own functions."""
    values = tensor.detach().numpy().astype(float)
    names = ("p0", "p25", "p50", "p75", "p100")
    return dict(zip(names, np.percentile(values, (0, 25, 50, 75, 100)), strict=True)) | {
        "std": values.std(),
        "mean": values.mean(),
    }


def expected(text, model):
    """Every entry by name, from the parameters' own names; a cell of which no two convolutions are merged."""
    tensors = {
        "stem.weight": model.stem[0].weight,
        "stem.scale": model.stem[1].weight,
        "stem.shift": model.stem[1].bias,
        "head.weight": model.head.weight,
    }
    for place, block in enumerate(b for b in model.body if hasattr(b, "convolutions")):
        for node in (1, 2, 3):
            for source, operation in parse(text).into(node):
                if operation in SINGLE:
                    convolution, norm = block.convolutions[f"{operation}_from_{source}"]
                    slot = f"cell{place}.{node}<{source}"
                    tensors[f"{slot}.weight"] = convolution.weight
                    tensors[f"{slot}.scale"], tensors[f"{slot}.shift"] = norm.weight, norm.bias
    for place, block in enumerate(b for b in model.body if hasattr(b, "shortcut")):
        for slot in ("first", "second"):
            convolution, norm = getattr(block, slot)
            tensors[f"reduction{place}.{slot}.weight"] = convolution.weight
            tensors[f"reduction{place}.{slot}.scale"] = norm.weight
            tensors[f"reduction{place}.{slot}.shift"] = norm.bias
        tensors[f"reduction{place}.shortcut.weight"] = block.shortcut[1].weight
    return {f"{name}.{key}": value for name, tensor in tensors.items() for key, value in slow(tensor).items()}


@pytest.mark.parametrize("cells", [1, 2])
def test_every_layer_stands_in_its_slot_and_an_empty_slot_is_zero(cells):
    text = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"
    text = text.replace("none~2", "nor_conv_1x1~2")
    model = network(text, cells)
    wanted = expected(text, model)
    found = named(model)
    assert set(wanted) < set(found)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-6, abs=1e-7)
    assert {found[name] for name in set(found) - set(wanted)} == {0.0}


def test_convolutions_that_run_as_one_are_told_apart():
    model = network(MIXED)
    merged, norm = model.body[0].convolutions["nor_conv_3x3_from_0"]
    assert merged.weight.shape[0] == 8
    found = named(model)
    for slot, rows in (("1<0", slice(0, 4)), ("3<0", slice(4, 8))):
        parts = {"weight": merged.weight[rows], "scale": norm.weight[rows], "shift": norm.bias[rows]}
        for part, tensor in parts.items():
            for key, value in slow(tensor).items():
                assert found[f"cell0.{slot}.{part}.{key}"] == pytest.approx(value, rel=1e-6, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(st.tuples(*[st.sampled_from(OPERATIONS)] * 6), st.integers(1, 2))
def test_the_vector_has_one_length_and_only_finite_numbers_for_every_cell(operations, cells):
    found = vector(network(str(Cell(operations)), cells, channels=2))
    assert found.shape == (21 * (18 * cells + 8),)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()


def test_a_dead_network_keeps_its_stem_reductions_and_head_only():
    found = named(network(DEAD))
    at_work = {name.split(".")[0] for name, value in found.items() if value != 0}
    assert at_work == {"stem", "reduction0", "reduction1", "head"}


def test_an_edge_that_reaches_nothing_does_not_count():
    model = network("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    assert model.body[0].idle
    found = named(model)
    assert all(value == 0 for name, value in found.items() if name.startswith("cell0.1<0"))


@pytest.mark.parametrize("factor", [0.25, 8.0])
def test_statistics_scale_with_the_weights(factor):
    model = network(MIXED)
    before = vector(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= factor
    assert vector(model) == pytest.approx(factor * before, rel=1e-6)


def test_the_order_of_the_channels_the_mode_and_the_images_do_not_matter():
    model = network(MIXED)
    before = vector(model)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for parameter in (model.stem[0].weight, model.stem[1].weight, model.stem[1].bias):
            parameter.copy_(parameter[order])
    model.eval()
    after = LayerStatistics().observer(SCENE)(model, (5 * BATCH[0].flip(0), BATCH[1]), 3)["layer_statistics"]
    assert after == pytest.approx(before, rel=1e-12)


def test_a_tensor_that_is_not_finite_is_nan_in_its_own_place_only():
    model = network(MIXED)
    with torch.no_grad():
        model.body[1].first[1].bias[0] = torch.nan
    lost = {name for name, value in named(model).items() if np.isnan(value)}
    assert lost == {name for name in named(model) if name.startswith("reduction0.first.shift.")}


def test_a_head_that_is_no_dense_layer_leaves_its_slot_empty():
    model = network(MIXED)
    model.head = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))
    assert {value for name, value in named(model).items() if name.startswith("head.")} == {0.0}


def test_the_networks_of_the_small_zoo_have_their_56_features():
    torch.manual_seed(0)
    sides = (1, 16, 16, 16)
    layers = [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(sides)]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
    found = vector(model).reshape(4, 2, 7)
    for row, layer in zip(found, (*layers, model[-1]), strict=True):
        for seven, tensor in zip(row, (layer.weight, layer.bias), strict=True):
            assert seven.tolist() == pytest.approx(list(slow(tensor).values()), rel=1e-6, abs=1e-7)


def test_a_layer_that_is_never_called_or_has_no_bias_adds_nothing():
    class Small(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Linear(64, 3)
            self.norm = nn.BatchNorm1d(3, affine=False)
            self.used = nn.Linear(64, 3, bias=False)

        def forward(self, x):
            return self.norm(self.used(x.flatten(1)))

    model = Small()
    assert vector(model).tolist() == pytest.approx(list(slow(model.used.weight).values()), rel=1e-6)
    assert vector(nn.Flatten()).shape == (0,)


def test_names_are_as_many_as_entries_and_all_different():
    for cells, channels in product((1, 2), (2, 4)):
        model = network(MIXED, cells, channels)
        names = feature_names(slots(model))
        assert len(set(names)) == len(names) == len(vector(model))
    assert names[:8] == [f"stem.weight.{s}" for s in ("p0", "p25", "p50", "p75", "p100", "std", "mean")] + [
        "stem.scale.p0"
    ]


def test_the_vector_follows_the_weights_from_call_to_call():
    model = network(MIXED)
    observe = LayerStatistics().observer(SCENE)
    before = observe(model, BATCH, 0)["layer_statistics"].copy()
    with torch.no_grad():
        model.head.weight += 1
    after = observe(model, BATCH, 1)["layer_statistics"]
    changed = {
        name.split(".")[0] for name, b, a in zip(feature_names(slots(model)), before, after, strict=True) if a != b
    }
    assert changed == {"head"}
