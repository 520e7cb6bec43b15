from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.weight_statistics import WeightStatistics, feature_names, statistics
from harness.schema import Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
SHAPE = Shape(colours=1, size=8, classes=3, channels=4, cells=1)
BATCH = (torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0]))
CELLS = [
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    "|skip_connect~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|",
]


def named(model):
    vector = WeightStatistics().observer(SCENE)(model, BATCH, 0)["weight_statistics"]
    return dict(zip(feature_names(), vector, strict=True))


def shaken(model):
    """The same model with every parameter away from its special initial value."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn_like(parameter)
    return model


def slow(model):
    """The features by name, from the parameters' own names, one layer and one statistic at a time."""
    tensors: dict[str, list] = {"weight": [], "bias": [], "norm_weight": [], "norm_bias": []}
    for name, module in model.named_modules():
        if ".idle." in name or not isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            continue
        kind = "norm_" if isinstance(module, nn.BatchNorm2d) else ""
        for part, parameter in module.named_parameters():
            tensors[kind + part].append(parameter.detach().double().flatten())
    of = {f"p{p}": lambda t, p=p: float(t.quantile(p / 100)) for p in (0, 25, 50, 75, 100)}
    of |= {"std": lambda t: float(t.std(correction=0)), "mean": lambda t: float(t.mean())}
    over = {"mean": np.mean, "std": np.std, "min": min, "max": max}
    features = {
        f"{kind}.{s}.{o}": float(over[o]([of[s](t) for t in layers]))
        for kind, layers in tensors.items()
        for s in of
        for o in over
    }
    stem, head = model.stem[0].weight.detach().double().flatten(), model.head.weight.detach().double().flatten()
    return features | {f"first.{s}": of[s](stem) for s in of} | {f"last.{s}": of[s](head) for s in of}


@pytest.mark.parametrize("cell", CELLS)
def test_every_named_feature_agrees_with_a_slow_loop(cell):
    model = shaken(Network(parse(cell), SHAPE))
    assert named(model) == pytest.approx(slow(model), rel=1e-6, abs=1e-7)


def test_the_vector_has_one_length_for_every_network():
    models = [*(Network(parse(cell), SHAPE) for cell in CELLS), nn.Flatten(), nn.Conv2d(1, 2, 3)]
    vectors = [WeightStatistics().observer(SCENE)(model, BATCH, 0)["weight_statistics"] for model in models]
    assert {(vector.shape, vector.dtype) for vector in vectors} == {((126,), np.dtype(np.float64))}
    assert len(set(feature_names())) == 126


def test_kinds_of_tensors_that_a_network_has_not_are_nan():
    features = named(nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Flatten(), nn.Linear(72, 3, bias=False)))
    assert {name.split(".")[0] for name, value in features.items() if np.isnan(value)} == {
        "bias",
        "norm_weight",
        "norm_bias",
    }


def test_weights_that_are_not_finite_are_nan_where_they_enter_and_nowhere_else():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 3))
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] = torch.inf
    lost = {name.split(".")[0] for name, value in named(model).items() if np.isnan(value)}
    assert lost == {"weight", "first", "norm_weight", "norm_bias"}


def test_the_vector_follows_the_weights_from_call_to_call():
    model = Network(parse(CELLS[0]), SHAPE)
    observe = WeightStatistics().observer(SCENE)
    before = observe(model, BATCH, 0)["weight_statistics"]
    shaken(model)
    after = observe(model, BATCH, 1)["weight_statistics"]
    assert not np.array_equal(before, after)
    assert after.tolist() == list(named(model).values())


def test_statistics_of_a_known_tensor():
    assert statistics(torch.arange(5.0).reshape(5, 1)).tolist() == pytest.approx([0, 1, 2, 3, 4, np.sqrt(2), 2])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_percentiles_are_those_of_numpy_to_the_last_bit(values):
    tensor = torch.tensor(values, dtype=torch.float64)
    expected = np.percentile(tensor.numpy(), [0, 25, 50, 75, 100])
    assert statistics(tensor)[:5].tolist() == expected.tolist()
