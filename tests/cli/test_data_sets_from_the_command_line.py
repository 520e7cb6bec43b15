"""Image sets from the command line: a run on a table of one's own, and one line where something is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from harness.cli.tabulate import tabulate
from harness.config.components import build, conf_folder
from harness.datasets import cifar100, official_splits
from harness.files import Source
from tests.datasets.formats import binary, class_folders, part

CONF = sorted((conf_folder() / "dataset").glob("*.yaml"))
TINY = ["bench.channels=2", "train.batch=16", "engine.workers=1", "architectures=4"]


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def _run_on_a_table_of_its_own(call, dataset: str, *more: str) -> pd.DataFrame:
    """Tabulates the data set, runs on that table, and gives the metrics."""
    made = call("+bench=nasbench201", f"dataset={dataset}", *TINY, *more, "seeds=[0,1]", "train.epochs=1",
                "out=truth.parquet", task=tabulate, config="tabulate")  # fmt: skip
    assert (made[0], made[2]) == (0, "")
    code, out, err = call(
        "+bench=nasbench201", f"dataset={dataset}", *TINY, *more, "bench.source=truth.parquet", "train.steps=2",
        "train.epochs=null", "train.observe_every=1", "predictor=[valacc,train_loss,params]", "measure=[]",
        "evaluate.bootstrap=20", "report.figures=[]",
    )  # fmt: skip
    assert (code, err) == (0, "")
    folder = Path(next(line.split()[1] for line in out.splitlines() if line.startswith("tables ")))
    return pd.read_parquet(folder / "metrics.parquet")


@pytest.mark.slow
def test_cifar100_in_the_official_files_runs_on_a_table_of_its_own(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar100, "TRAIN", 40)
    monkeypatch.setattr(cifar100, "TEST", 24)
    monkeypatch.setattr(cifar100, "CLASSES", 4)
    monkeypatch.setattr(official_splits, "first_half", lambda name: np.arange(24) % 2 == 0)
    folder = tmp_path / "data" / "cifar-100-binary"
    folder.mkdir(parents=True)
    for name, count in (("train", 40), ("test", 24)):
        (folder / f"{name}.bin").write_bytes(binary(*part(np.arange(count) // 2 % 4), coarse=True))
    metrics = _run_on_a_table_of_its_own(call, "cifar100", "data=data", "dataset.size=8")
    assert {"valacc", "train_loss", "params"} == set(metrics["predictor"])


@pytest.mark.slow
def test_a_folder_without_truth_is_told_how_to_make_one_and_then_runs(call, tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "birds", *part(np.arange(60) % 3, size=12))
    chosen = ["data=data", "dataset.path=birds", "dataset.name=birds", "dataset.size=8", "dataset.crop=1"]
    code, _, err = call("+bench=nasbench201", "dataset=folder", *chosen)
    assert code == 2
    assert "`python -m harness.tabulate +bench=nasbench201` with these dataset settings" in err
    assert "bench.source=" in err and "'birds'" in err and err.count("\n") == 1
    metrics = _run_on_a_table_of_its_own(call, "folder", *chosen)
    assert {"valacc", "train_loss", "params"} == set(metrics["predictor"])


@pytest.mark.parametrize(
    "name", ["cifar100", "imagenet16_120", "svhn", "cub200", "folder", "npz", "parquet", "birds", "gtsrb43"]
)
def test_a_data_set_whose_files_are_missing_is_one_line(call, tmp_path: Path, name: str) -> None:
    code, _, err = call("+bench=nasbench201", f"dataset={name}", f"data={tmp_path}", "measure=[]", "predictor=[flops]")
    assert code == 2
    assert err.startswith("error: ") and err.count("\n") == 1
    said = {"birds": "data check birds", "gtsrb43": "data check gtsrb43"}.get(name, f"harness.data fetch {name}")
    assert ("dataset.path" if name in ("folder", "npz", "parquet") else said) in err


@pytest.mark.parametrize("path", CONF, ids=lambda path: path.stem)
def test_a_data_set_file_gives_every_setting_says_its_files_and_has_a_recipe(path: Path) -> None:
    node = OmegaConf.load(path)
    made = build(node, "dataset")
    assert set(node) - {"_target_"} == set(vars(made))
    assert made == type(made)() or made.name != type(made)().name  # a known file in a general format
    assert isinstance(made.name, str) and callable(made.load)
    sources = made.sources() if hasattr(made, "sources") else ()
    assert all(isinstance(source, Source) for source in sources)
    assert (path.parents[1] / "train" / path.name).is_file()
