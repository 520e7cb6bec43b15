"""Architectures of a user's own choice, from the command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.conftest import SMALL, Tabulated


def test_the_run_takes_the_architectures_of_a_file_and_says_that_no_count_is_read(
    call, tabulated: Tabulated, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = sorted(pd.read_parquet(tabulated.folder / "truth.parquet")["architecture"].unique())[:3]
    Path("mine.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    source = f"bench.source={tabulated.folder / 'truth.parquet'}"
    few = ("train.epochs=1", "measure=[]", "predictor=[flops]", "evaluate.bootstrap=20", "report.figures=[]")
    code, out, err = call("+bench=nasbench201", *SMALL, source, *few, "sample=mine.txt", "architectures=2")
    assert code == 0, err
    assert out.splitlines()[0] == "sample: 3 given architectures; the key architectures is not read"
    found = pd.concat(pd.read_parquet(file) for file in Path("results").rglob("architectures.parquet"))
    assert sorted(found["architecture"]) == names
