"""The drawing of a cell."""

from __future__ import annotations

from graphlib import CycleError
from itertools import combinations

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from harness.report.architecture.cell import assign_lanes, carrying, draw_cell, label, sort_nodes
from harness.report.config import ReportConfig

CELL = [("in", "1", "conv_3x3"), ("in", "2", "none"), ("1", "2", "skip"), ("in", "out", "none"),
        ("1", "out", "none"), ("2", "out", "conv_1x1")]  # fmt: skip
OPERATIONS = ["conv_1x1", "conv_3x3", "none", "skip"]
DARTS = [(k, n, "sep_conv_3x3") for n in "01" for k in ("c k-2", "c k-1")] + [
    ("c k-1", "2", "skip_connect"), ("0", "2", "dil_conv_3x3"), *[(n, "out", "concat") for n in "012"]]  # fmt: skip


def drawn(edges, operations) -> Figure:
    figure = draw_cell(edges, operations, ReportConfig())
    figure.canvas.draw()
    return figure


def arrows(figure: Figure) -> list[FancyArrowPatch]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]


def test_every_operation_and_node_is_named_and_none_is_not():
    texts = [text.get_text() for text in drawn(CELL, OPERATIONS).axes[0].texts]
    assert sorted(texts) == ["1", "2", "conv 1×1", "conv 3×3", "in", "out", "skip"]


def test_an_edge_that_passes_nothing_on_is_thin_and_dotted_and_has_no_head():
    none, *_ = [a for a, edge in zip(arrows(drawn(CELL, OPERATIONS)), CELL, strict=True) if edge[2] == "none"]
    conv = arrows(drawn(CELL, OPERATIONS))[0]
    assert none.get_linewidth() < conv.get_linewidth() / 2
    assert none.get_linestyle() != "-" == conv.get_linestyle()
    assert type(none.get_arrowstyle()) is not type(conv.get_arrowstyle())


def test_an_operation_has_its_own_colour_in_every_cell_of_a_run():
    first = [a.get_edgecolor() for a in arrows(drawn(CELL, OPERATIONS))]
    other = [("in", "out", "skip"), ("in", "1", "conv_1x1"), ("1", "out", "conv_1x1")]
    second = [a.get_edgecolor() for a in arrows(drawn(other, OPERATIONS))]
    assert (second[0], second[1]) == (first[2], first[5])
    assert len({first[0], first[2], first[5]}) == 3


def test_only_edges_on_a_way_from_input_to_output_carry_anything():
    assert carrying(CELL) == [True, False, True, False, False, True]
    dead = [*CELL[:5], ("2", "out", "none")]
    assert carrying(dead) == [False] * 6
    lost = [("in", "out", "skip"), ("in", "1", "conv"), ("1", "out", "none")]
    assert carrying(lost) == [True, False, False]


def test_names_and_nodes_never_lie_on_one_another_in_another_search_space_too():
    for edges, operations in ((CELL, OPERATIONS), (DARTS, sorted({o for _, _, o in DARTS}))):
        figure = drawn(edges, operations)
        boxes = [text.get_window_extent() for text in figure.axes[0].texts]
        whole = figure.bbox
        for at, box in enumerate(boxes):
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
            assert not any(box.overlaps(other) for other in boxes[at + 1 :])


def test_a_long_chain_fits_two_columns_of_a_paper_in_smaller_type():
    chain = [(f"node {i}", f"node {i + 1}", "separable_convolution_5x5") for i in range(9)]
    figure = drawn(chain, ["separable_convolution_5x5"])
    assert figure.get_figwidth() == pytest.approx(7.0)
    assert max(text.get_window_extent().x1 for text in figure.axes[0].texts) <= figure.bbox.x1


def test_sizes_are_written_with_a_times_sign_and_names_with_spaces():
    assert label("nor_conv_3x3") == "nor conv 3×3"
    assert label("max_pool") == "max pool"


@pytest.mark.parametrize("edges", [CELL, DARTS, [("a", "b", "x")] * 3], ids=["cell", "darts", "parallel"])
def test_edges_of_one_lane_share_no_stretch_and_only_neighbours_are_joined_in_the_row(edges):
    nodes = sort_nodes(edges)
    spans = [(nodes.index(source), nodes.index(target)) for source, target, _ in edges]
    lanes = assign_lanes(spans)
    assert all(start < end for start, end in spans)
    assert all(end - start == 1 for (start, end), lane in zip(spans, lanes, strict=True) if lane == 0)
    for ((a, b), lane), ((c, d), other) in combinations(zip(spans, lanes, strict=True), 2):
        assert lane != other or b <= c or d <= a


def test_a_cycle_is_refused():
    with pytest.raises(CycleError):
        sort_nodes([("a", "b", "x"), ("b", "c", "x"), ("c", "b", "x")])
