"""A run with further ground truths shows a column of τ for each; one without has none of it."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.report.renderers import plain
from harness.report.run_files import read
from harness.report.run_tables import RunTables
from harness.report.screen import print_answer
from harness.report.tables.rankings import ranked
from harness.schema.columns import TARGETS
from harness.storage.files import write_sums
from harness.storage.tables import write_table


@pytest.fixture
def tables(results) -> RunTables:
    return read(results)


@pytest.fixture
def with_targets(tables, results, tmp_path) -> RunTables:
    """The run with four targets, whose τ is that of the run times a factor, stored and read again."""
    folder = tmp_path / "run"
    shutil.copytree(results, folder)
    rows = tables.metrics[["predictor", "step", "tau", "n"]]
    factors = {"cifar100": 1.0, "mine.csv": 0.5, "cifar10": 0.0, "imagenet16_120": 0.0}
    made = [
        rows.assign(target=name, tau=rows["tau"] * factor, low=rows["tau"] - 1, high=1.0)
        for name, factor in factors.items()
    ]
    write_table(folder / "targets.parquet", TARGETS, pd.concat(made, ignore_index=True))
    write_sums(folder)
    return read(folder)


def test_the_ranked_table_has_a_column_for_each_in_the_order_of_the_ranking(tables, with_targets) -> None:
    assert not any("cifar100" in heading for heading in ranked(tables).columns)
    shown = ranked(with_targets)
    best = with_targets.final["tau"].to_numpy()
    assert shown.numbers["tau_on_cifar100"].to_numpy() == pytest.approx(best, nan_ok=True)
    assert shown.numbers["tau_on_mine.csv"].to_numpy() == pytest.approx(best / 2, nan_ok=True)
    cell = shown.columns["τ, mine.csv"][0]
    assert f"{best[0] / 2:.2f}".removeprefix("0") in plain(cell)


@pytest.mark.parametrize("width", [80, 200])
def test_the_screen_cuts_no_number(with_targets, width) -> None:
    from rich.console import Console

    out = io.StringIO()
    print_answer(with_targets, Console(file=out, width=width), rows=3)
    text = out.getvalue()
    lines = text[text.index("other ground truths") :].splitlines()[1:5]
    assert "τ, cifar100" in lines[0]
    assert "…" not in text
    tau = with_targets.final["tau"].iloc[0]
    assert f"{tau / 2:.2f}".removeprefix("0") in lines[1]
    assert ("[" in lines[1]) == (width == 200)
    assert np.isfinite(tau)
