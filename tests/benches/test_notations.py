"""Notations of a cell: every one gives the string back, those that are ambiguous or damaged are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benches.nasbench201 import space
from harness.benches.nasbench201.notations import NASLIB, NASLIB_EDGES, NASLIB_NAMES, name_of
from harness.schema import BadInput

CELL = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
CELLS = st.tuples(*[st.sampled_from(space.OPERATIONS)] * 6).map(lambda ops: str(space.Cell(ops)))


def by_edge(text):
    """Operations by (target, source), read without the code under test."""
    return {
        (target, int(edge.split("~")[1])): edge.split("~")[0]
        for target, node in enumerate(text.split("+"), start=1)
        for edge in node.strip("|").split("|")
    }


@given(CELLS)
def test_every_notation_gives_the_string_back(text):
    ops = by_edge(text)
    naslib = tuple(NASLIB.index(ops[edge]) for edge in NASLIB_EDGES)
    nats = [space.OPERATIONS.index(ops[edge]) for edge in space.EDGES]
    matrix = np.zeros((4, 4))
    for (target, source), op in ops.items():
        matrix[target, source] = space.OPERATIONS.index(op)
    structure = [tuple((ops[t, s], s) for s in range(t)) for t in (1, 2, 3)]
    notations = [
        text, f" {text} ", naslib, str(naslib), f"naslib:{list(naslib)}", f"nats:{nats}", f"nats:{tuple(nats)}",
        structure, str(structure), matrix, str(matrix.astype(int).tolist()), matrix.astype(int).tolist(),
        [ops[edge] for edge in space.EDGES], tuple(NASLIB_NAMES[i] for i in naslib),
        [[list(edge) for edge in reversed(node)] for node in structure], f"Structure(4 nodes with {text})",
    ]  # fmt: skip
    assert [name_of(each) for each in notations] == [text] * len(notations)


def test_the_tables_of_naslib_are_as_its_code_has_them():
    """convert_op_indices_to_str of NASLib (nasbench201/conversions.py) on (4, 0, 3, 1, 4, 2): edges 0-1, 0-2, 0-3."""
    assert name_of("(4, 0, 3, 1, 4, 2)") == (
        "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )


def test_the_library_of_the_benchmark_agrees():
    topology = pytest.importorskip("nats_bench.api_topology")
    assert name_of(topology.NATStopology.str2lists(CELL)) == CELL
    assert name_of(topology.NATStopology.str2matrix(CELL)) == CELL


def test_six_bare_indices_are_refused_since_two_libraries_number_them_differently():
    for given_as in ([3, 0, 1, 0, 0, 1], "[3, 0, 1, 0, 0, 1]"):
        with pytest.raises(BadInput, match=r"write naslib:\[\.\.\.\] or nats:\[\.\.\.\]"):
            name_of(given_as)
    assert name_of("naslib:[3, 0, 1, 0, 0, 1]") != name_of("nats:[3, 0, 1, 0, 0, 1]")


@pytest.mark.parametrize(
    "wrong",
    ["", "nope", "(1, 2, 3)", "(5, 0, 0, 0, 0, 0)", (True, 0.5, 0, 0, 0, 0), "|none~0|", "[[0, 1], [2]]", "nats:nope",
     [[("nor_conv_3x3", 0)], [("none", 0), ("none", 0)], [("none", 0), ("none", 1), ("none", 2)]], None, 7,
     [[("nor_conv_3x3", 0)], [("none", 0)], [("none", 0), ("none", 1), ("none", 2)]],
     [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]], "(" * 1000, "naslib:[9, 9, 9, 9, 9, 9]",
     "__import__('os').getcwd()", "[" * 400],
)  # fmt: skip
def test_what_is_no_cell_is_refused_in_one_line_with_an_example_of_each_notation(wrong):
    with pytest.raises(BadInput, match=r"^architecture: must be .*naslib:.*nats:.*\(got") as error:
        name_of(wrong)
    assert "\n" not in str(error.value)
