"""Further ground truths of a run: by the name of a data set, or a table."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.benches.nasbench201.bench import NasBench201
from harness.benches.nasbench201.space import every_cell
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.runs.further_truths import further_truths
from harness.schema import BadInput, Targeted
from tests.runs.test_spec import spec

BENCH = NasBench201()
CELLS = [cell.name for cell in BENCH.sample(4, 0, among=[str(cell) for cell in every_cell()[::501]])]


def table(folder, names, accuracies):
    path = folder / "mine.csv"
    pd.DataFrame({"architecture": names, "accuracy": accuracies}).to_csv(path, index=False)
    return str(path)


def test_a_table_is_a_truth_of_the_architectures_that_it_has(tmp_path):
    path = table(tmp_path, [*CELLS[:3], "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"], [50, 60, 70, 10])
    found = further_truths(BENCH, [path], CELLS, None)[path]
    assert list(found.accuracy.index) == CELLS
    assert found.mean()[:3].tolist() == [50, 60, 70]
    assert found.mean().isna().tolist() == [False, False, False, True]


def test_the_embedded_table_is_named_by_its_data_set_and_the_main_source_has_no_part(tmp_path):
    known = BENCH.target("digits", None)
    assert len(known.accuracy) == 500
    bench = NasBench201(source=table(tmp_path, CELLS, [1, 2, 3, 4]))
    assert bench.target("digits", None).mean().equals(known.mean())


def test_what_is_no_target_is_refused_in_one_line(tmp_path):
    for name, message in (("nope", "data sets of nasbench201"), ("no.csv", "paths of existing tables"),
                          ("a/b", "data sets of nasbench201"), ("cifar", "data sets of")):  # fmt: skip
        with pytest.raises(BadInput, match=rf"^targets: must be .*{message}"):
            BENCH.target(name, str(tmp_path))
    few = table(tmp_path, CELLS[:1], [50])
    with pytest.raises(BadInput, match=r"at least 2 of the 4 architectures of this run \(got '.*mine.csv with 1'\)"):
        further_truths(BENCH, [few], CELLS, None)
    assert isinstance(NatsBenchSize(), Targeted)
    with pytest.raises(BadInput, match=r"^targets: must be .* natsbench_sss"):
        NatsBenchSize().target("digits", None)


def test_targets_are_checked_before_anything_is_trained():
    class Alone:
        name = "alone"
        lowerable = False

    for wrong, change in ((["a", "a"], {}), ([""], {}), (["a"], {"bench": Alone()})):
        with pytest.raises(BadInput, match=r"^targets: must be"):
            spec(targets=wrong, measures={}, **change)
