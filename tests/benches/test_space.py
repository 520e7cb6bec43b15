"""The cell space against the benchmark's published counts and figures."""

from __future__ import annotations

import pytest

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.bench import NasBench201
from harness.schema import BadInput, Drawable

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


def test_a_sample_does_not_depend_on_the_order_of_its_pool() -> None:
    pool = [str(c) for c in space.every_cell()[:400]]
    assert NasBench201().sample(20, 0, pool) == NasBench201().sample(20, 0, pool[::-1])


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
