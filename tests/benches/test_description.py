"""Descriptions: held against a slow search for every path, and the same for functionally equal cells."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from harness.benches.cell_description import graph_features, path_encoding, subsets
from harness.benches.nasbench201 import space
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.schema import Described, description_columns, descriptions_of

BENCH = NasBench201()
CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
OPERATIONS = ("a", "b")


def described(text: str, kind: str) -> dict[str, float]:
    found = BENCH.description(BENCH.architecture(text), kind, None)
    return dict(zip(found.names, found.values.tolist(), strict=True))


def slow_paths(edges, nodes):
    """Every sequence of edges that joins one end to the other, by trying all of them."""
    found = []
    for length in range(1, nodes):
        for walk in product(edges, repeat=length):
            joined = all(one[1] == two[0] for one, two in pairwise(walk))
            if joined and walk[0][0] == 0 and walk[-1][1] == nodes - 1:
                found.append(tuple(op for _, _, op in walk))
    return found


def random_graphs():
    random = np.random.default_rng(0)
    pairs = [(s, t) for t in range(1, 4) for s in range(t)]
    for _ in range(30):
        yield [(s, t, OPERATIONS[random.integers(2)]) for s, t in pairs if random.random() < 0.6]


@pytest.mark.parametrize("edges", list(random_graphs()))
def test_paths_and_their_lengths_are_those_of_a_slow_search(edges) -> None:
    encoded = path_encoding(edges, 4, OPERATIONS)
    assert len(encoded.names) == 2 + 4 + 8
    there = {name for name, value in zip(encoded.names, encoded.values, strict=True) if value}
    assert there == {"-".join(path) for path in slow_paths(edges, 4)}
    features = graph_features(edges, 4, OPERATIONS)
    values = dict(zip(features.names, features.values.tolist(), strict=True))
    for chosen in subsets(OPERATIONS):
        kept = [edge for edge in edges if edge[2] in chosen]
        lengths = [len(path) for path in slow_paths(kept, 4)]
        name = "/".join(chosen)
        assert values[f"paths {name}"] == len(lengths)
        assert values[f"shortest path {name}"] == min(lengths, default=4)
        assert values[f"longest path {name}"] == max(lengths, default=0)
        assert values[f"into the output {name}"] == sum(edge[1] == 3 for edge in kept)
        assert values[f"most out of a node {name}"] == max(sum(e[0] == node for e in kept) for node in (1, 2))


def test_operations_say_each_edge_once() -> None:
    there = {name for name, value in described(CELL, "operations").items() if value}
    assert there == {"0-1=nor_conv_3x3", "0-2=nor_conv_1x1", "1-2=skip_connect", "0-3=skip_connect", "1-3=none",
                     "2-3=avg_pool_3x3"}  # fmt: skip


def test_an_edge_that_reaches_nothing_is_in_the_operations_alone() -> None:
    dangling = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    without = dangling.replace("nor_conv_3x3", "none")
    for kind in ("features", "paths"):
        assert described(dangling, kind) == described(without, kind)
    assert described(dangling, "operations") != described(without, "operations")
    assert sum(described(dangling, "paths").values()) == 1


def test_a_dead_cell_has_no_path_and_every_description_is_finite() -> None:
    dead = str(space.Cell(("none",) * 6))
    assert not any(described(dead, "paths").values())
    assert described(dead, "features")["shortest path skip_connect"] == 4
    assert all(np.isfinite(list(described(dead, kind).values())).all() for kind in BENCH.descriptions)


def test_widths_are_there_raw_as_logarithms_and_as_ratios() -> None:
    bench = NatsBenchSize()
    found = bench.description(bench.architecture("8:16:64:8:8"), "features", None)
    values = dict(zip(found.names, found.values.tolist(), strict=True))
    assert len(values) == 5 + 5 + 10
    assert values["width 3"] == 64
    assert values["log width 3"] == 6
    assert values["log width 3 / width 1"] == 3
    one_hot = bench.description(bench.architecture("8:16:64:8:8"), "operations", None)
    assert one_hot.values.sum() == 5
    assert dict(zip(one_hot.names, one_hot.values, strict=True))["width 3=64"] == 1


def test_the_columns_are_those_that_the_benchmark_states() -> None:
    assert isinstance(BENCH, Described)
    assert [*description_columns(BENCH)] == ["description_features", "description_operations", "description_paths"]
    assert set(descriptions_of(BENCH, BENCH.architecture(CELL), None)) == {*description_columns(BENCH)}
    assert description_columns(object()) == {}
