"""The cell space against the benchmark's published counts and figures."""

from __future__ import annotations

import numpy as np
import pytest

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.bench import NasBench201
from harness.schema import BadInput, Drawable, seed_of

PUBLISHED = {  # arXiv 2001.00326's archive: architecture 0, 11, 284: parameters, multiply-adds on CIFAR-10
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|": (
        129306,
        15.64737,
    ),
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|": (802426, 113.95137),
    "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|": (101306, 11.71521),
}
CIFAR = space.Shape(channels=16, cells=5, size=32, colours=3, classes=10)


def cell(*operations: str) -> space.Cell:
    short = {"0": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "a": "avg_pool_3x3"}
    return space.Cell(tuple(short[o] for o in operations))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", PUBLISHED)
def test_parameters_and_flops_are_the_published_ones(text: str) -> None:
    params, mega = PUBLISHED[text]
    assert space.params(space.parse(text), CIFAR) == params
    assert space.flops(space.parse(text), CIFAR) == pytest.approx(mega * 1e6, abs=10)


def test_counts_of_the_whole_space_are_the_published_ones() -> None:
    cells = space.every_cell()
    assert len({str(c) for c in cells}) == 15_625
    assert len({space.isomorphism(c) for c in cells}) == 6_466
    assert len({space.function(c) for c in cells}) == 4_930
    assert sum(map(space.is_dead, cells)) == 341


def test_a_string_read_and_written_is_the_same_string() -> None:
    assert all(str(space.parse(str(c))) == str(c) for c in space.every_cell()[::37])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|nor_conv_3x3~0|",
        "|nor_conv_5x5~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|+|none~0|none~1|none~2|",
        "none~0+|none~0|none~1|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2||",
    ],
)
def test_a_wrong_string_is_refused_with_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"architecture: .*must "):
        space.parse(text)


def test_isomorphic_cells_are_one_function() -> None:
    functions: dict[str, set[str]] = {}
    for c in space.every_cell():
        functions.setdefault(space.isomorphism(c), set()).add(space.function(c))
    assert max(map(len, functions.values())) == 1


def test_edges_that_reach_nothing_do_not_change_the_function() -> None:
    assert space.function(cell("3", "1", "a", "s", "0", "0")) == "i"  # only the direct skip reaches the output
    assert space.is_dead(cell("3", "3", "3", "0", "0", "0"))
    assert space.is_dead(cell("0", "0", "3", "0", "3", "3"))
    assert space.function(cell("s", "0", "s", "0", "0", "3")) == space.function(cell("0", "s", "0", "0", "0", "3"))


def test_a_sample_is_seeded_distinct_and_grows_at_its_end() -> None:
    bench = NasBench201()
    names = [a.name for a in bench.sample(300, 4)]
    assert names == [a.name for a in bench.sample(300, 4)]
    assert names[:50] == [a.name for a in bench.sample(50, 4)]
    assert names != [a.name for a in bench.sample(300, 5)]
    assert len({space.isomorphism(space.parse(n)) for n in names}) == 300


@pytest.mark.parametrize("draw", ["uniform", "by_size"])
def test_a_sample_does_not_depend_on_the_order_of_its_pool(draw: str) -> None:
    pool = [str(c) for c in space.every_cell()[:400]]
    bench = NasBench201(draw=draw)
    assert bench.sample(20, 0, pool) == bench.sample(20, 0, pool[::-1])


def test_the_first_part_of_a_draw_is_of_the_same_population_as_the_next() -> None:
    """Large classes, the dead ones among them, came first when strings were drawn and isomorphic ones dropped."""
    sizes = {name: len(members) for name, members in space.classes([str(c) for c in space.every_cell()]).items()}
    largest = set(sorted(sizes, key=sizes.__getitem__)[-300:])

    def of_the_largest(draw: str, skip: int) -> float:
        drawn = [NasBench201(draw=draw).sample(skip + 400, seed)[skip:] for seed in range(3)]
        return float(np.mean([space.isomorphism(space.parse(a.name)) in largest for part in drawn for a in part]))

    share = len(largest) / len(sizes)
    assert of_the_largest("uniform", 0) == pytest.approx(share, abs=0.025)
    assert of_the_largest("uniform", 2000) == pytest.approx(share, abs=0.025)
    assert of_the_largest("by_size", 0) > 3 * share
    assert of_the_largest("by_size", 2000) < share


def test_what_is_drawn_uniformly_does_not_depend_on_what_else_has_a_truth() -> None:
    pool = [str(c) for c in space.every_cell()]
    drawn = NasBench201().sample(300, 0, pool)
    smaller = {a.name for a in drawn[::2]} | set(pool[::7])
    again = [a for a in NasBench201().sample(150, 0, sorted(smaller)) if a in drawn]
    assert again == [a for a in drawn if a in again] and len(again) > 100


def test_a_draw_by_size_is_that_of_earlier_versions() -> None:
    pool = sorted(str(c) for c in space.every_cell())
    order = np.random.default_rng(seed_of(0, "sample", "nasbench201")).permutation(len(pool))
    seen: set[str] = set()
    kept = []
    for text in (pool[place] for place in order[:200]):
        if space.isomorphism(space.parse(text)) not in seen:
            seen.add(space.isomorphism(space.parse(text)))
            kept.append(text)
    assert [a.name for a in NasBench201(draw="by_size").sample(80, 0)] == kept[:80]


def paths(cell: space.Cell) -> list[list[int]]:
    """Every path from node 0 to node 3 as the indices of its edges, found by walking."""
    found: list[list[int]] = []
    walks: list[tuple[int, list[int]]] = [(0, [])]
    while walks:
        node, walked = walks.pop()
        if node == 3:
            found.append(walked)
        for index, (target, source) in enumerate(space.EDGES):
            if source == node and cell.operations[index] != "none":
                walks.append((target, [*walked, index]))
    return found


def test_live_edges_are_those_on_a_path_and_their_flops_count() -> None:
    shape = space.Shape(8, 2, 12, 1, 10)
    per_tap = sum(shape.cells * side**2 * width**2 for width, side in shape.stages())
    for cell in space.every_cell()[::13]:
        live = {index for path in paths(cell) for index in path}
        kept = tuple(op if i in live else "none" for i, op in enumerate(cell.operations))
        assert space.live_operations(cell) == kept
        taps = 9 * kept.count("nor_conv_3x3") + kept.count("nor_conv_1x1")
        outside = space.flops(space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"), shape)
        assert space.live_flops(cell, shape) == outside + taps * per_tap <= space.flops(cell, shape)


def test_dead_architectures_are_known_and_can_be_left_out() -> None:
    everything = NasBench201().sample(6_466, 0)
    assert any(a.dead for a in everything)
    alive = NasBench201(dead="exclude").sample(1000, 0)
    assert not any(a.dead for a in alive)


def test_more_architectures_than_there_are_is_an_error() -> None:
    with pytest.raises(BadInput, match="architectures: must be a count from 1 to 6466"):
        NasBench201().sample(6_467, 0)


def test_the_graph_of_a_cell_has_its_strings_edges_none_included() -> None:
    bench = NasBench201()
    assert isinstance(bench, Drawable)
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    assert bench.edges(bench.architecture(text)) == [
        ("input", "1", "nor_conv_3x3"),
        ("input", "2", "none"),
        ("1", "2", "skip_connect"),
        ("input", "output", "avg_pool_3x3"),
        ("1", "output", "none"),
        ("2", "output", "nor_conv_1x1"),
    ]
