"""Architectures that a user names."""

from __future__ import annotations

import pytest

from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nasbench201.space import every_cell
from harness.runs.given_sample import architectures_of, given_sample
from harness.schema import BadInput

BENCH = NasBench201()
CELLS = [cell.name for cell in BENCH.sample(4, 0, among=[str(cell) for cell in every_cell()[::501]])]
INDEX = {CELLS[0]: 11, CELLS[1]: 284}


def found(given, known=tuple(CELLS), index=INDEX):
    return [each.name for each in architectures_of(BENCH, given, known, index)]


def test_names_indexes_and_other_notations_keep_their_order():
    assert found([CELLS[2], 284, "11"]) == [CELLS[2], CELLS[1], CELLS[0]]
    numbers = [("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3").index(edge.split("~")[0])
               for node in CELLS[3].split("+") for edge in node.strip("|").split("|")]  # fmt: skip
    assert found([f"nats:{numbers}", CELLS[0]]) == [CELLS[3], CELLS[0]]


def test_isomorphic_architectures_stay_and_are_of_one_group():
    twins = ["|skip_connect~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|",
             "|skip_connect~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|"]  # fmt: skip
    architectures = architectures_of(BENCH, twins, twins, {})
    assert [each.name for each in architectures] == twins
    assert len({each.group for each in architectures}) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["nope", CELLS[0]], r"^sample: place 1: architecture: must be a cell of NAS-Bench-201"),
        ([CELLS[0], CELLS[0]], r"architectures that differ \(got .* at places 1 and 2"),
        ([CELLS[0], 11], r"architectures that differ \(got .* at places 1 and 2"),
        ([CELLS[0], 7], r"official indexes of nasbench201 with a ground truth \(got '7 at place 2'\)"),
        ([CELLS[0]], r"at least 2 architectures \(got 1\)"),
        (
            [CELLS[0], "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"],
            r"with a ground truth \(4\) \(got .* at place 2\)",
        ),
    ],
)
def test_what_cannot_be_taken_is_named_by_its_place(given, message):
    with pytest.raises(BadInput, match=message):
        found(given)


def test_without_official_indexes_a_number_is_refused():
    with pytest.raises(BadInput, match="no official indexes"):
        found([CELLS[0], 11], index={})


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.json"])
def test_a_file_is_read_in_its_format(tmp_path, name):
    path = tmp_path / name
    lines = {"a.txt": "{}\n\n{}\n", "a.csv": "architecture\n{}\n{}\n", "a.json": '{{"{}": 1, "{}": 2}}'}
    path.write_text(lines[name].format(*CELLS[:2]), encoding="utf-8")
    assert list(given_sample(str(path))) == CELLS[:2]


def test_nothing_given_is_a_draw_and_anything_else_is_refused(tmp_path):
    assert given_sample(None) == ()
    assert given_sample([1, "x"]) == (1, "x")
    (tmp_path / "empty.txt").touch()
    wrong: object
    for wrong in ([], 7, str(tmp_path / "no.txt"), str(tmp_path / "empty.txt"), str(tmp_path)):
        with pytest.raises(BadInput, match=r"^sample: must be"):
            given_sample(wrong)


def test_all_strings_are_as_many_as_the_space_has_and_classes_stay_together():
    every = NasBench201(isomorphs="all")
    pool = [text for cell in CELLS for text in (cell,)]
    assert sorted(a.name for a in every.sample(None, 0, pool)) == sorted(pool)
    whole = every.sample(None, 0)
    assert len(whole) == 15_625
    assert len({a.group for a in whole}) < 6_466
    assert [a.name for a in every.sample(50, 3)] == [a.name for a in every.sample(None, 3)][:50]
    assert len(NasBench201(isomorphs="all", draw="by_size").sample(None, 0)) == 15_625
