from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from harness.benches.nasbench201.space import Shape, parse
from harness.benches.nasbench201.topology_network import Network
from harness.measures.rolled_graph import rolled_graph
from harness.measures.temporal_graph import GROUPS, MOMENTS, TemporalGraph, feature_names, groups, moments
from harness.measures.wiring import wires
from harness.schema import BadInput, Measure, Scene

SCENE = Scene(probe_seed=0, classes=3, features=16)
IMAGES = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
BATCH = (IMAGES, torch.tensor([0, 1, 2, 0]))
MIXED = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
CELLS = [
    MIXED,
    DEAD,
    "|none~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|",
    "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
]


def network(cell=MIXED, channels=4, cells=1, seed=0):
    torch.manual_seed(seed)
    return Network(parse(cell), Shape(colours=1, size=8, classes=3, channels=channels, cells=cells))


def look(model, **keys):
    return TemporalGraph(**keys).observer(SCENE)(model, BATCH, 0)


def named(model, **keys):
    return dict(zip(feature_names(), look(model, **keys)["temporal_graph"], strict=True))


def test_it_is_a_measure_and_names_each_of_its_features_once():
    assert isinstance(TemporalGraph(), Measure)
    assert len(feature_names()) == len(set(feature_names())) == 70
    assert feature_names()[8] == "degree.stage2.median"


@given(st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=2, max_size=30))
@settings(max_examples=50, deadline=None)
def test_moments_agree_with_scipy(values):
    x = np.array(values)
    found = dict(zip(MOMENTS, moments(x), strict=True))
    assert found["mean"] == pytest.approx(sum(values) / len(values), abs=1e-9)
    assert found["median"] == pytest.approx(sorted(values)[len(values) // 2], abs=1e-9) or len(values) % 2 == 0
    assert (found["min"], found["max"]) == (min(values), max(values))
    assert found["std"] == pytest.approx((sum((v - x.mean()) ** 2 for v in values) / len(values)) ** 0.5, abs=1e-9)
    if len(set(values)) > 1:
        assert found["skew"] == pytest.approx(stats.skew(x), abs=1e-6)
        assert found["kurtosis"] == pytest.approx(stats.kurtosis(x), abs=1e-6)


def test_equal_values_have_no_skew_and_no_values_have_nothing():
    assert np.isnan(moments(np.full(5, 0.1))).tolist() == [name in ("skew", "kurtosis") for name in MOMENTS]
    assert np.isnan(moments(np.zeros(0))).all() and np.isnan(moments(np.array([1.0, np.inf]))).all()


def test_the_degrees_of_a_small_network_are_what_they_are_by_hand():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), nn.Linear(2, 1), nn.Linear(1, 3))
    for layer, size in zip(model[1:], (0.5, 3.0, 4.0), strict=True):
        nn.init.constant_(layer.weight, -size)
    found = named(model, per_width=False)
    assert found["degree.stage1.mean"] == pytest.approx(0.5 * 8 + 3)  # the norm of 64 positions of one colour
    assert found["degree.stage2.mean"] == pytest.approx(2 * 3 + 3 * 4)
    assert np.isnan(found["degree.stage3.mean"])
    assert found["degree.logits.max"] == found["degree.logits.min"] == 4
    assert found["degree.all.mean"] == pytest.approx((2 * 7 + 18 + 3 * 4) / 6)
    scaled = named(model)
    assert scaled["degree.stage1.mean"] == pytest.approx(7)  # one channel at each end
    assert scaled["degree.stage2.mean"] == pytest.approx(6 / 2**0.5 + 12 / 3**0.5)


def test_groups_are_the_stages_of_the_benchmark_and_leave_the_colours_out():
    graph = rolled_graph(network().connections())
    found = groups(graph.maps)
    names = {n: name for name, where in graph.maps.items() for n in range(where.start, where.stop)}
    maps = {group: {names[n].split(".")[0] for n in nodes} for group, nodes in found.items()}
    assert maps["stage1"] == {"stem", "cell0"}
    assert maps["stage2"] == {"reduction0", "cell1"}
    assert maps["stage3"] == {"reduction1", "cell2"}
    assert maps["logits"] == {"logits"}
    assert len(found["all"]) == graph.matrix.shape[0] - 1


def test_groups_of_a_network_that_does_not_widen_twice_are_thirds_of_its_maps():
    layers = [nn.Conv2d(1, 5, 1), *(nn.Conv2d(5, 5, 1) for _ in range(5)), nn.Flatten(), nn.Linear(320, 3)]
    graph = rolled_graph(wires(nn.Sequential(*layers), IMAGES))
    found = groups(graph.maps)
    assert [len(found[group]) for group in GROUPS] == [10, 10, 10, 3, 33]
    assert found["stage2"].tolist() == [*range(11, 21)]


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_dead_ones_too_has_finite_moments_in_every_group(cell):
    found = named(network(cell))
    missing = {name for name, value in found.items() if not np.isfinite(value)}
    assert all(name.endswith(("skew", "kurtosis")) for name in missing)
    numbers = look(network(cell))
    assert np.isfinite([numbers["graph_degree"], numbers["graph_centrality"]]).all()


def test_the_numbers_are_entries_of_the_vector():
    found = look(network())
    vector = dict(zip(feature_names(), found["temporal_graph"], strict=True))
    assert (found["graph_degree"], found["graph_centrality"]) == (
        vector["degree.all.mean"],
        vector["centrality.all.std"],
    )


def test_neither_the_images_nor_the_mode_nor_a_second_look_matter_and_the_weights_stay():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    observe = TemporalGraph().observer(SCENE)
    first = observe(model, BATCH, 0)["temporal_graph"]
    again = observe(model.eval(), (IMAGES.flip(0) * 2, BATCH[1]), 5)["temporal_graph"]
    assert np.array_equal(first, again, equal_nan=True)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_order_of_channels_does_not_matter(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Conv2d(6, 7, 3), nn.Flatten(), nn.Linear(112, 3))
    before = look(model)["temporal_graph"]
    order = torch.randperm(6)
    model[0].weight.data = model[0].weight[order]
    model[1].weight.data = model[1].weight[:, order]
    assert look(model)["temporal_graph"] == pytest.approx(before, rel=1e-4, abs=1e-5, nan_ok=True)


def test_growth_shows_in_the_degrees_and_in_the_centralities_only_where_layers_are_not_normalised():
    model, grown = network(), network()
    with torch.no_grad():
        grown.body[1].first[0].weight *= 10
    before, after = named(model), named(grown)
    raw_before, raw_after = named(model, normalise=False), named(grown, normalise=False)
    assert after["degree.stage2.max"] > 2 * before["degree.stage2.max"]
    assert after["degree.stage3.mean"] == pytest.approx(before["degree.stage3.mean"])
    assert after["centrality.stage3.mean"] == pytest.approx(before["centrality.stage3.mean"], rel=1e-5)
    assert raw_after["centrality.stage3.mean"] < 0.2 * raw_before["centrality.stage3.mean"]


def test_all_weights_twice_as_large_double_what_they_add_to_the_degrees():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(64, 3))
    before = named(model)
    for parameter in model.parameters():
        parameter.data *= 2
    after = named(model)
    assert after["degree.all.mean"] == pytest.approx(2 * before["degree.all.mean"])
    assert after["centrality.all.std"] == pytest.approx(before["centrality.all.std"], rel=1e-5)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("feature", ["degree", "centrality"])
def test_the_mean_of_a_feature_hardly_depends_on_the_width_at_the_start(feature, group):
    name = f"{feature}.{group}.mean"
    narrow, wide = (np.mean([named(network(channels=c, seed=s))[name] for s in range(5)]) for c in (4, 16))
    assert wide == pytest.approx(narrow, rel=0.15)
    narrow, wide = (named(network(channels=c), per_width=False)[f"{feature}.stage2.mean"] for c in (4, 16))
    assert wide / narrow == pytest.approx(2 if feature == "degree" else 0.5, rel=0.1)


def test_the_vector_has_one_length_for_every_width_and_depth():
    lengths = {len(look(network(channels=c, cells=n))["temporal_graph"]) for c in (2, 8) for n in (1, 2)}
    assert lengths == {70}


def test_the_logits_are_missing_under_a_head_of_several_layers():
    model = network()
    model.head = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))
    found = named(model)
    assert {group for group in GROUPS if np.isnan(found[f"degree.{group}.mean"])} == {"logits"}


def test_a_weight_that_is_not_finite_gives_nan_and_no_error():
    model = network()
    model.stem[0].weight.data[0] = float("inf")
    found = named(model)
    assert np.isnan([found["degree.all.mean"], found["centrality.stage3.mean"]]).all()


def test_a_network_with_branches_that_does_not_tell_them_is_refused():
    with pytest.raises(BadInput, match=r"measure\.temporal_graph"):
        look(nn.Sequential(nn.ConvTranspose2d(1, 2, 3)))
