"""Ground truth from a table of a user's own: read right, or refused by the number of the row."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.benches import own_truth
from harness.benches.cnn_zoo.bench import CnnZoo
from harness.benches.nasbench101.bench import NasBench101
from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nasbench201.space import every_cell
from harness.benches.nasbench_macro.bench import NasBenchMacro
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.benches.pretrained.bench import Pretrained
from harness.schema import BadInput

CELLS = [cell.name for cell in NasBench201().sample(3, 0, among=[str(cell) for cell in every_cell()[::501]])]


def written(folder, name="mine.csv", **columns):
    path = folder / name
    table = pd.DataFrame(columns)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    return path


@pytest.mark.parametrize("name", ["mine.csv", "mine.parquet"])
def test_seeds_are_columns_and_one_that_is_missing_stays_so(tmp_path, name):
    path = written(tmp_path, name, architecture=[CELLS[0], CELLS[0], CELLS[1]], seed=[1, 2, 1],
                   accuracy=[90.0, 91.0, 80.5])  # fmt: skip
    truth = NasBench201(source=str(path), unit="percent").truth("digits", "whatever", None)
    assert list(truth.accuracy.columns) == ["1", "2"]
    assert truth.accuracy.loc[CELLS[0]].tolist() == [90.0, 91.0]
    assert truth.mean()[CELLS[1]] == 80.5
    assert (truth.train_set, truth.split, truth.epochs) == ("digits", "test", None)
    assert truth.source == f"{name}, accuracy"


@pytest.mark.parametrize(("unit", "values", "first"), [
    ("fraction", [0.5, 0.75], 50.0), ("percent", [0.5, 0.75], 0.5), (None, [0.5, 0.75], 50.0), (None, [50, 75.5], 50.0),
])  # fmt: skip
def test_the_unit_is_said_or_guessed_and_told(tmp_path, caplog, unit, values, first):
    path = written(tmp_path, architecture=CELLS[:2], accuracy=values)
    found = own_truth.read(path, unit, str)
    assert found.loc[CELLS[0], own_truth.ONE] == first
    guessed = unit is None and max(values) <= 1
    assert ("are read as fractions (the largest is 0.75); bench.unit=" in caplog.text) == guessed


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"accuracy": [1, "high", 3]}, r"a number as accuracy \(got \"'high' in row 2 of "),
        ({"accuracy": [1, "", 3]}, r"a number as accuracy \(got .*row 2 of "),
        ({"accuracy": [1, 2, "inf"]}, r"a number as accuracy \(got .*row 3 of "),
        ({"accuracy": [1, 2, 300]}, r"accuracies from 0 to 100 \(percent\) \(got '300 in row 3 of "),
        ({"accuracy": [1, -2, 3]}, r"accuracies from 0 to 100 \(percent\) \(got '-2 in row 2 of "),
        (
            {"architecture": [CELLS[0], CELLS[1], CELLS[0]]},
            r"one row per training \(got rows 1 and 3 of .* a column seed\)",
        ),
        ({"architecture": [CELLS[0], "nope", CELLS[1]]}, r"^bench.source: row 2 of .*: architecture: must be a cell"),
        ({"seed": [1, 1, 1], "architecture": [CELLS[0], CELLS[1], CELLS[1]]}, r"rows 2 and 3 of .* of seed 1\)"),
        ({"acc": [1, 2, 3], "accuracy": None}, r"a column of mine.csv \(architecture, acc\) \(got 'accuracy'\)"),
    ],
)
def test_what_is_wrong_is_named_by_its_row(tmp_path, columns, message):
    given = {"architecture": CELLS, "accuracy": [1.0, 2.0, 3.0], **columns}
    path = written(tmp_path, **{name: value for name, value in given.items() if value is not None})
    with pytest.raises(BadInput, match=message) as error:
        NasBench201(source=str(path), unit="percent").truth("digits", "", None)
    assert "\n" not in str(error.value)


def test_two_notations_of_one_cell_are_one_architecture(tmp_path):
    path = written(tmp_path, architecture=["nats:[0,0,0,0,0,1]", "naslib:[1,1,1,1,1,0]"], accuracy=[1, 2])
    with pytest.raises(BadInput, match="rows 1 and 2"):
        NasBench201(source=str(path)).truth("digits", "", None)


def test_every_benchmark_that_reads_tables_reads_one_of_a_user(tmp_path):
    zoo = CnnZoo().sample(2, 0)
    for bench, names in (
        (NatsBenchSize, ["8:8:8:8:8", "[8, 16, 8, 8, 8]"]), (CnnZoo, [each.name for each in zoo]),
        (Pretrained, ["one", "two"]), (NasBenchMacro, ["01202110", "00000000"]),
        (NasBench101, [cell.name for cell in NasBench101().sample(2, 0)]),
    ):  # fmt: skip
        path = written(tmp_path, architecture=names, accuracy=[0.1, 0.2])
        found = bench(source=str(path), unit="fraction").truth("digits", "", None)
        assert sorted(found.mean()) == pytest.approx([10.0, 20.0])
        with pytest.raises(BadInput, match=r"^bench.unit: must be 'percent' or 'fraction'"):
            bench(unit="permille")


def test_a_table_that_tabulate_made_is_none_of_these():
    from harness.benches.nasbench201 import tabulated

    assert not own_truth.is_own(tabulated.embedded("digits"))
    assert len(NasBench201(source=str(tabulated.embedded("digits"))).sample(None, 0)) == 6466
