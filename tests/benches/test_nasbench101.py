"""NAS-Bench-101: its strings, its graph hash, its network against a textbook one, its formulas and published counts."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from harness.benches.nasbench101 import size, space
from harness.benches.nasbench101.bench import NasBench101
from harness.benches.nasbench101.cell_network import Network
from harness.benches.nasbench101.space import Cell
from harness.config.components import build, conf_folder
from harness.schema import BadInput, StoredCurves
from tests.benches.nasbench101_files import FIRST, OFFICIAL

CONV3, CONV1, POOL = OFFICIAL
MEASURES = sorted((conf_folder() / "measure").glob("*.yaml"))
RANDOM = [space.random_cell(np.random.default_rng(seed)) for seed in range(6)]
CHAINS_ALONE = ("temporal_graph",)
"""Measures that read chains, or networks that list their own graph."""


def rows(text: str) -> list[list[int]]:
    return [[int(bit) for bit in row] for row in text.split()]


INCEPTION = space.of_matrix(
    rows("0111010 0000001 0000001 0000100 0000001 0000001 0000000"),
    ["input", CONV1, CONV3, CONV3, CONV3, POOL, "output"],
)
PERMUTED = space.of_matrix(
    rows("0111100 0000001 0000001 0000001 0000010 0000001 0000000"),
    ["input", CONV3, CONV1, POOL, CONV3, CONV3, "output"],
)
SPECIAL = [INCEPTION, space.parse("output~0"), space.parse("conv3x3~0|maxpool3x3~1|output~0.2"),
           space.parse("conv3x3~0|conv1x1~0.1|maxpool3x3~0.1.2|output~0.2.3")]  # fmt: skip


def shape(channels: int = 128, cells: int = 3, side: int = 32, colours: int = 3, classes: int = 10) -> size.Shape:
    return size.Shape(channels, cells, side, colours, classes)


def test_parameters_and_graph_hash_are_the_published_ones() -> None:
    """The first row of the official file, and the Inception-like cell of the benchmark's own example."""
    name, bits, operations, params = FIRST
    first = space.of_matrix(rows(" ".join(bits[i : i + 7] for i in range(0, 49, 7))), operations.split(","))
    assert str(first) == "conv3x3~0|maxpool3x3~1|conv3x3~2|conv3x3~0|conv1x1~0.3.4|output~2.5"
    assert space.module_hash(first) == name and size.params(first, shape()) == params
    assert size.params(INCEPTION, shape()) == size.params(PERMUTED, shape()) == 2_694_282
    assert space.module_hash(INCEPTION) == space.module_hash(PERMUTED)


@pytest.mark.parametrize(
    ("text", "wide_in", "wide_out", "expected"),
    [
        ("conv1x1~0|conv1x1~0|output~1.2", 8, 15, [8, 8, 7, 15]),
        ("conv1x1~0|conv1x1~0|conv1x1~0|output~1.2.3", 8, 8, [8, 3, 3, 2, 8]),
        ("conv1x1~0|conv1x1~1|conv1x1~1|output~2.3", 8, 9, [8, 5, 5, 4, 9]),
        ("conv1x1~0|conv1x1~1|conv1x1~0.2|output~1.3", 8, 15, [8, 8, 7, 7, 15]),
        ("conv1x1~0|conv1x1~0|conv1x1~1.2|output~3", 16, 8, [16, 8, 8, 8, 8]),
        ("output~0", 1, 5, [1, 5]),
    ],
)
def test_widths_are_those_of_the_benchmarks_own_examples(
    text: str, wide_in: int, wide_out: int, expected: list[int]
) -> None:
    assert size.widths(space.parse(text), wide_in, wide_out) == expected


def isomorphic(one: Cell, other: Cell) -> bool:
    """Whether some order of the inner vertices makes one cell the other."""
    if one.output != other.output:
        return False
    wanted = {(s, t) for s, t in other.edges()}
    for order in permutations(one.inner()):
        place = {0: 0, one.output: one.output, **dict(zip(one.inner(), order, strict=True))}
        alike = all(one.operation(v) == other.operation(place[v]) for v in one.inner())
        if alike and {(place[s], place[t]) for s, t in one.edges()} == wanted:
            return True
    return False


def test_the_graph_hash_is_equal_for_isomorphic_cells_alone() -> None:
    cells = [space.parse(f"{a}~0|{b}~0{edge}|{c}~{source}|output~{ends}") for a in space.OPERATIONS[:2]
             for b in space.OPERATIONS[:2] for c in space.OPERATIONS[:2] for edge in ("", ".1")
             for source in ("1", "2", "0.1") for ends in ("3", "2.3", "1.2.3")]  # fmt: skip
    cells = list(dict.fromkeys(cells))
    pairs = [(one, other) for place, one in enumerate(cells) for other in cells[:place]]
    found = [(space.module_hash(one) == space.module_hash(other), isomorphic(one, other)) for one, other in pairs]
    assert all(hashed == slow for hashed, slow in found) and any(slow for _, slow in found)


def every_class(vertices: int) -> set[str]:
    """Graph hashes of all cells of so many vertices, by going through all matrices and operations."""
    pairs = [(s, t) for t in range(1, vertices) for s in range(t)]
    found = set()
    for bits in product((0, 1), repeat=len(pairs)):
        there = {pair for pair, bit in zip(pairs, bits, strict=True) if bit}
        sources = tuple(tuple(s for s in range(t) if (s, t) in there) for t in range(1, vertices))
        bare = Cell((*["conv3x3"] * (vertices - 2), "output"), sources)
        if space.prune(bare) == bare and len(there) <= 9:
            for operations in product(space.OPERATIONS, repeat=vertices - 2):
                found.add(space.module_hash(Cell((*operations, "output"), sources)))
    return found


def test_the_number_of_classes_is_the_published_one() -> None:
    assert [len(every_class(vertices)) for vertices in (2, 3, 4)] == [1, 6, 84]
    assert sum(space.CLASSES.values()) == 423_624  # Ying et al. 2019, section 2.2


@pytest.mark.real
def test_the_number_of_classes_of_up_to_six_vertices_is_that_of_the_table() -> None:
    assert {vertices: len(every_class(vertices)) for vertices in (5, 6)}.items() <= space.CLASSES.items()


def test_cells_are_drawn_by_the_number_of_classes_of_their_size() -> None:
    drawn = [space.random_cell(np.random.default_rng(seed)) for seed in range(400)]
    shares = [sum(cell.output == size - 1 for cell in drawn) / 400 for size in (6, 7)]
    assert shares == pytest.approx([0.146, 0.848], abs=0.06)
    assert all(space.prune(cell) == cell and len(cell.edges()) <= 9 for cell in drawn)


def test_a_matrix_with_operations_names_a_cell_and_a_table_of_ones_own_may_write_any_order(tmp_path: Path) -> None:
    given = [rows("0110 0001 0000 0000"), ["input", CONV3, POOL, "output"]]
    assert NasBench101().name_of(given) == "conv3x3~0|output~1"
    for wrong in ([1, 2], [[1], ["input"]], [rows("01 00"), 3], "conv3x3", None):
        with pytest.raises(BadInput, match="architecture: must be a"):
            NasBench101().name_of(wrong)
    path = tmp_path / "own.csv"
    path.write_text("architecture,accuracy\nconv3x3~0|maxpool3x3~0|output~1,50\noutput~0,60\n")
    truth = NasBench101(source=str(path), unit="percent").truth("svhn", "", None)
    assert truth.accuracy["mean"].to_dict() == {"conv3x3~0|output~1": 50, "output~0": 60}


def test_what_is_on_no_path_from_input_to_output_is_left_out() -> None:
    assert str(space.parse("conv3x3~0|conv1x1~1|maxpool3x3~0|output~1")) == "conv3x3~0|output~1"
    assert str(space.parse("conv3x3~|conv1x1~0.1|output~2")) == "conv1x1~0|output~1"
    for cell in RANDOM:
        assert space.parse(str(cell)) == cell and len(cell.edges()) <= 9


@pytest.mark.parametrize(
    "text",
    ["", "output", "output~", "conv3x3~0", "conv3x3~0|output~0,1", "conv3x3~0|output~2", "conv3x3~0|output~1.0",
     "conv5x5~0|output~1", "conv3x3~1|output~1", "conv3x3~0|output~0.0", "conv3x3~٠|output~1", "output~0|output~1",
     "|".join(["conv3x3~0"] * 6 + ["output~1.2.3.4.5.6"]),
     "conv3x3~0|conv3x3~0.1|conv3x3~0.1.2|conv3x3~0.1.2|output~2.3.4"],
)  # fmt: skip
def test_what_is_no_cell_of_the_space_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^architecture: must be (a cell|up to)") as caught:
        NasBench101().architecture(text)
    assert "\n" not in str(caught.value) and not space.known(text)


@pytest.mark.parametrize(
    ("matrix", "operations"),
    [("01 10", ["input", "output"]), ("02 00", ["input", "output"]), ("01 00", ["input"]),
     ("010 001", ["i", CONV3, "o"]), ("010 001 000", ["i", "conv3x3", "o"]),
     ("000 001 000", ["i", CONV3, "o"]), ("0", ["input"])],
)  # fmt: skip
def test_a_matrix_of_another_kind_is_refused(matrix: str, operations: list[str]) -> None:
    with pytest.raises(BadInput, match="architecture: must be"):
        space.of_matrix(rows(matrix), operations)


@pytest.mark.parametrize("cell", [*SPECIAL, *RANDOM[:3]], ids=str)
@pytest.mark.parametrize("own", [shape(), shape(7, 2, 9, 1, 4)], ids=str)
def test_formulas_are_those_of_the_built_network(cell: Cell, own: size.Shape) -> None:
    network = Network(cell, own)
    assert sum(weight.numel() for weight in network.parameters()) == size.params(cell, own)
    assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in network.modules()) == size.layers(cell, own)
    if own.channels < 128:
        with FlopCounterMode(display=False) as counter:
            network.eval()(torch.zeros(1, own.colours, own.size, own.size))
        assert counter.get_total_flops() == 2 * size.flops(cell, own)


def textbook(network: Network, x: torch.Tensor) -> torch.Tensor:
    """The benchmark's network vertex by vertex, with the weights of `network`: no slice, sum or pooling left out."""

    def conv(layers: nn.Module, x: torch.Tensor) -> torch.Tensor:
        weight, scale, shift = layers[0].weight, layers[1].weight, layers[1].bias
        x = functional.conv2d(x, weight, padding="same")
        return functional.relu(functional.batch_norm(x, None, None, scale, shift, training=True))

    def pool(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
        side = -(-x.shape[-1] // stride)
        total = max((side - 1) * stride + kernel - x.shape[-1], 0)
        before, after = total // 2, total - total // 2
        x = functional.pad(x, (before, after, before, after), value=-torch.inf)
        return x.unfold(2, kernel, stride).unfold(3, kernel, stride).amax((-2, -1))

    cell, x = network.cell, conv(network.stem, x)
    for block in network.body:
        if isinstance(block, nn.MaxPool2d):
            x = pool(x, 2, 2)
            continue
        maps = [x]
        for vertex in range(1, cell.output + 1):
            parts = []
            for source in cell.into(vertex):
                if source == 0:
                    parts.append(conv(block.projections[str(vertex)], x))
                elif vertex < cell.output:
                    parts.append(maps[source][:, : block.widths[vertex]])
            if vertex == cell.output:
                inner = [maps[source] for source in cell.into(vertex) if source]
                parts += [torch.cat(inner, 1)] if inner else []
            total = torch.stack(parts).sum(0)
            if vertex < cell.output:
                name, layer = cell.operation(vertex), block.operations[str(vertex)]
                total = pool(total, 3, 1) if name == "maxpool3x3" else conv(layer, total)
            maps.append(total)
        x = maps[-1]
    return network.head(x.mean((2, 3)))


@pytest.mark.parametrize("cell", [*SPECIAL, *RANDOM[:2]], ids=str)
def test_the_network_computes_what_the_benchmarks_own_does(cell: Cell) -> None:
    torch.manual_seed(0)
    network = Network(cell, shape(7, 2, 9)).double()
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.3)
    x, labels = torch.randn(4, 3, 9, 9, dtype=torch.float64), torch.arange(4)
    torch.testing.assert_close(network(x), textbook(network, x), rtol=0, atol=1e-9)
    weights = list(network.parameters())
    ours = torch.autograd.grad(functional.cross_entropy(network(x), labels), weights)
    theirs = torch.autograd.grad(functional.cross_entropy(textbook(network, x), labels), weights)
    for mine, others in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, others, rtol=0, atol=1e-9)
    torch.testing.assert_close(network.head(network.features(x)), network(x))


def test_facts_and_descriptions_are_those_of_the_cell(images) -> None:
    bench = NasBench101(channels=6)
    one = bench.architecture("conv3x3~0|maxpool3x3~1|output~0.2")
    facts, network = bench.facts(one, images), bench.build(one, images)
    assert facts["params"] == sum(weight.numel() for weight in network.parameters())
    assert facts["flops"] == facts["live_flops"]
    held = {
        kind: {name for name, value in zip(found.names, found.values, strict=True) if value}
        for kind in bench.descriptions
        if (found := bench.description(one, kind, images))
    }
    assert held["operations"] == {"0-1", "1-2", "0-6", "2-6", "1=conv3x3", "2=maxpool3x3"}
    assert held["paths"] == {"none", "conv3x3-maxpool3x3"}
    assert {"count conv3x3", "count output", "paths output"} <= held["features"]
    other = bench.architecture(str(INCEPTION))
    for kind, count in {"operations": 36, "paths": 364}.items():
        mine, others = bench.description(one, kind, images), bench.description(other, kind, images)
        assert mine.names == others.names and len(mine.values) == count
    assert bench.edges(one) == [
        ("input", "1 conv3x3", "projection"), ("1 conv3x3", "2 maxpool3x3", "identity"),
        ("input", "output", "projection"), ("2 maxpool3x3", "output", "identity"),
    ]  # fmt: skip


def test_a_sample_has_one_string_of_each_graph_hash_and_grows_at_its_end() -> None:
    bench = NasBench101()
    drawn = bench.sample(30, 4)
    assert len({a.group for a in drawn}) == 30 and bench.sample(9, 4) == drawn[:9] != bench.sample(9, 5)
    pool = [str(INCEPTION), str(PERMUTED), "output~0", "conv3x3~0|output~1"]
    some = bench.sample(None, 0, pool)
    assert len(some) == 3 and bench.sample(2, 0, pool[::-1]) == some[:2]
    with pytest.raises(BadInput, match=r"architectures: must be a count from 1 to 3 .*\(got 4"):
        bench.sample(4, 0, pool)
    with pytest.raises(BadInput, match=r"architectures: must be a count"):
        bench.sample(None, 0)


def test_its_configuration_gives_every_setting_and_wrong_ones_are_refused() -> None:
    node = OmegaConf.load(conf_folder() / "bench" / "nasbench101.yaml")
    assert build(node, "bench") == NasBench101()
    assert set(node) - {"_target_"} == set(vars(NasBench101()))
    for changes in ({"channels": 4}, {"cells": 0}, {"target_split": "train"}, {"target_epochs": 0}):
        with pytest.raises(BadInput, match=rf"bench\.{next(iter(changes))}: must be"):
            replace(NasBench101(), **changes)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"signal: must be null for \+bench=nasbench101"):
        NasBench101().recorded("cifar10", StoredCurves(), None)


@pytest.mark.parametrize("path", MEASURES, ids=lambda p: p.stem)
def test_a_measure_reads_networks_of_any_cell(path: Path, images) -> None:
    from harness.train.job import TrainingJob
    from harness.train.loop import train
    from harness.train.recipe import Recipe

    bench, measure = NasBench101(channels=6), build(OmegaConf.load(path), f"measure.{path.stem}")
    for text in ("output~0", "conv3x3~0|maxpool3x3~1|conv1x1~0.1|output~0.2.3"):
        architecture = bench.architecture(text)
        recipe = Recipe(steps=2, batch=20, observe_every=1, measure_images=8)
        trace = train(
            TrainingJob(architecture, lambda a=architecture: bench.build(a, images), images, recipe, {"it": measure}, 0)
        )
        assert set(measure.columns) <= set(trace.table.columns)
        failed = [column for column in trace.table if str(column).startswith("failed_")]
        assert not failed or path.stem in CHAINS_ALONE or getattr(measure, "needs_source_model", False)
