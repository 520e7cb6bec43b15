"""The size space from the command line: a table of one's own on any images, a run on it, and recorded curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.benches.nats import spaces
from harness.benches.natsbench_sss.bench import NatsBenchSize
from harness.benches.question import Question
from harness.cli.tabulate import tabulate
from tests.benches import nats_records

pytestmark = pytest.mark.usefixtures("undrawn")

TINY = ["bench.width_divisor=8", "train.batch=32", "engine.workers=1", "architectures=5"]


def _metrics(out: str) -> pd.DataFrame:
    folder = next(line.split()[1] for line in out.splitlines() if line.startswith("tables "))
    return pd.read_parquet(f"{folder}/metrics.parquet")


@pytest.mark.slow
def test_from_images_of_ones_own_to_a_benchmark_and_a_report(call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    np.savez("own.npz", images=random.integers(0, 255, (150, 8, 8, 3)).astype(np.uint8), labels=np.arange(150) % 3)
    images = ["+bench=natsbench_sss", "dataset=npz", f"dataset.path={tmp_path / 'own.npz'}", "dataset.crop=1"]
    code, out, err = call(
        *images, *TINY, "seeds=[0,1]", "train.epochs=2", "out=truth.parquet", task=tabulate, config="tabulate"
    )
    assert (code, err) == (0, "") and "5 architectures x 2 seeds, 2 epochs" in out
    table = pd.read_parquet("truth.parquet")
    assert list(table) == ["architecture", "seed", "epoch", "train_loss", "valid_loss", "valid_accuracy", "test_loss",
                           "test_accuracy"] and len(table) == 5 * 2 * 2  # fmt: skip
    command = [*images, *TINY, "bench.source=truth.parquet", "train.steps=2", "train.observe_every=1",
               "measure=[movement,temporal_graph]", "evaluate.bootstrap=20"]  # fmt: skip
    code, out, err = call(*command)
    assert (code, err) == (0, "")
    assert {"movement", "valacc", "flops", "params", "layers", "lce", "temporal_graph"} <= set(
        _metrics(out)["predictor"]
    )
    assert "widths divided by 8" in next(Path().glob("reports/natsbench_sss-npz/*/report.md")).read_text()
    row = table.iloc[3]
    asked = Question("npz", "test", row["architecture"], epoch=int(row["epoch"]) - 1, seed=int(row["seed"]),
                     source="truth.parquet")  # fmt: skip
    assert NatsBenchSize().query(asked, None).percent == np.float32(row["test_accuracy"])
    code, _, err = call("+bench=nasbench201", *images[1:], "bench.source=truth.parquet", "measure=[]")
    assert code == 2 and "bench.source: must be a table of nasbench201" in err


@pytest.mark.slow
def test_curves_on_test_images_are_refused_and_else_every_figure_says_so(call, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    nats_records.write(tmp_path, spaces.SSS, (0, 1, 2, 3, 4, 5))
    command = [
        "+bench=natsbench_sss", "bench.width_divisor=1", "bench.target_epochs=12", "dataset=cifar100",
        "train=nasbench201", "train.epochs=90", "train.schedule_epochs=null", "measure=[]",
        "predictor=[valacc,lce,flops]", "architectures=6", "evaluate.budgets=[784,2352]", "evaluate.bootstrap=20",
        f"data={tmp_path}",
    ]  # fmt: skip
    signal = "signal={_target_: harness.schema.StoredCurves, source: nats, split: %s, epochs: 90, allow_test_leak: %s}"
    code, _, err = call(*command, signal % ("valtest", "false"))
    assert code == 2 and "must be a curve without test images (got ori-test" in err and err.count("\n") == 1
    code, out, _ = call(*command, signal % ("valtest", "true"))
    report = next(Path().glob("reports/natsbench_sss-cifar100/*/report.md"))
    captions = [line for line in report.read_text().splitlines() if line.startswith("**Figure") and "drawn" not in line]
    assert code == 0 and len(_metrics(out)) and len(captions) >= 3
    assert all("cifar100 ori-test 90 epochs" in line and "curves measured on test images" in line for line in captions)
