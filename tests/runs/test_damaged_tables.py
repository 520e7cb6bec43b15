"""A missing, damaged or older result table is made anew from the traces by the same command."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.schema import SCHEMA_VERSION
from harness.storage.files import write_sums
from harness.storage.tables import verify
from tests.conftest import SMALL, Tabulated

FEW = ("+bench=nasbench201", *SMALL, "architectures=4", "train.epochs=1", "measure=[]", "predictor=[flops,train_loss]",
       "evaluate.bootstrap=20", "report.figures=[]")  # fmt: skip


@pytest.mark.slow
def test_the_same_command_makes_damaged_tables_anew_and_trains_nothing(
    call, tabulated: Tabulated, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = (*FEW, f"bench.source={tabulated.folder}/truth.parquet")
    assert call(*command)[0] == 0
    (folder,) = (path.parent for path in Path("results").glob("*/*/status.json"))
    taus, traces = pd.read_parquet(folder / "metrics.parquet")["tau"], sorted(Path("results/traces").rglob("*.parquet"))
    trained = [path.stat().st_mtime_ns for path in traces]

    def flip() -> None:
        content = (folder / "metrics.parquet").read_bytes()
        (folder / "metrics.parquet").write_bytes(content[:99] + bytes([content[99] ^ 4]) + content[100:])

    def older() -> None:
        status = json.loads((folder / "status.json").read_text())
        (folder / "status.json").write_text(json.dumps(status | {"schema_version": SCHEMA_VERSION - 1}))
        write_sums(folder)

    harms = ((flip, (folder / "scores.parquet").unlink), (older,), (lambda: (folder / "status.json").write_text("["),))
    for several in harms:
        for harm in several:
            harm()
        assert call(*command)[0] == 0 and verify(folder) == {}
        pd.testing.assert_series_equal(pd.read_parquet(folder / "metrics.parquet")["tau"], taus)
    assert [path.stat().st_mtime_ns for path in traces] == trained
