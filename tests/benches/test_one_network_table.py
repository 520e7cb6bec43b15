"""One network under many settings from the command line: a table of one's own, and runs on it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from harness.benches import tabulated
from harness.benches.one_network import bench as module
from harness.benches.one_network.bench import OneNetwork
from harness.benches.one_network.space import grid
from harness.cli.tabulate import tabulate
from harness.schema import BadInput

TINY = [
    "+bench=hyperparameters", "bench.width=0.5", "bench.least_rate=0.002", "dataset=digits", "dataset.size=16",
    "train.train_images=48", "train.valid_images=20", "train.test_images=40", "train.batch=16", "engine.workers=1",
]  # fmt: skip
TABLE = [*TINY, "bench.graphs=2", "train.epochs=3", "architectures=12", "seeds=[0]", "out=one.parquet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("one_network")


@pytest.fixture
def table(folder: Path, call, monkeypatch) -> Path:
    monkeypatch.chdir(folder)
    if not (folder / "one.parquet").exists():
        code, out, err = call(*TABLE, task=tabulate, config="tabulate")
        assert (code, err) == (0, "") and "12 architectures x 1 seeds, 3 epochs" in out
    return folder / "one.parquet"


def test_a_table_has_the_curves_and_the_graphs_of_the_first_checkpoints(table: Path) -> None:
    read = tabulated.read(table)
    curves = read.curves
    assert read.about["network"] == {"space": "hyperparameters", "model": "lenet", "width": 0.5}
    assert read.about["recipe"]["schedule"] == "constant" and sorted(curves["epoch"].unique()) == [0, 1, 2, 3]
    for column, size in (("temporal_graph", 70), ("literal_graph", 14)):
        found = curves[curves[column].notna()]
        assert sorted(found["epoch"].unique()) == [0, 1] and {vector.size for vector in found[column]} == {size}
    ended = curves[curves["epoch"] == 3].set_index("architecture")
    rates = [float(name.split(",")[0].removeprefix("rate=")) for name in ended.index]
    assert ended["movement"].rank().corr(pd.Series(rates, ended.index).rank()) > 0.7  # each has its own rate


@pytest.mark.slow
def test_recorded_curves_are_scored_from_graphs_and_from_hyper_parameters_without_images(table: Path, call) -> None:
    code, out, err = call(
        *TINY[:4], "experiment=training_graphs", "train.epochs=3", "signal.epochs=3", "train.observe_every=3",
        "train.batch=16", "train.train_images=48", f"bench.source={table}", "evaluate.bootstrap=20",
        "evaluate.budgets=[3,9]", "report.figures=[]",
    )  # fmt: skip
    assert (code, err) == (0, "")
    last = last_metrics(out)
    learned = ["temporal_graph_boosting", "literal_graph_boosting", "literal_graph_classifier", "description_boosting"]
    assert last.loc[["valacc", "best_valacc", "movement", *learned], "n"].eq(12).all()


def last_metrics(out: str) -> pd.DataFrame:
    """The metrics at the last budget, by predictor, of the run that printed `out`."""
    folder = next(line.split()[1] for line in out.splitlines() if line.startswith("tables "))
    metrics = pd.read_parquet(f"{folder}/metrics.parquet")
    return metrics[metrics["step"] == metrics["step"].max()].set_index("predictor")


@pytest.mark.slow
def test_the_measures_of_other_papers_run_on_this_benchmark_or_say_why_not(table: Path, call) -> None:
    code, out, err = call(
        *TINY, f"bench.source={table}", "architectures=8", "train.epochs=2", "train.observe_every=3",
        "evaluate.bootstrap=20", "evaluate.budgets=[6]",
        "measure=[capacitance,movement,weight_statistics,layer_statistics,temporal_graph]", "report.figures=[]",
        "predictor=[beta_eff,beta_eff_pooled,movement,weight_statistics_linear,temporal_graph,layer_statistics_linear,valacc,tse,train_loss]",
    )  # fmt: skip
    assert code == 0, err
    last = last_metrics(out)
    there = ["beta_eff", "beta_eff_pooled", "movement", "weight_statistics_linear", "layer_statistics_linear"]
    assert last.loc[[*there, "temporal_graph", "valacc", "tse", "train_loss"], "n"].eq(8).all()


def test_a_table_of_another_network_is_refused(table: Path) -> None:
    for settings, reason in (
        ({"width": 1.0}, r"bench.width: must be 0.5"),
        ({"model": "vgg"}, "bench.model: must be lenet"),
        ({"initialization": "he"}, "bench.initialization: must be authors"),
    ):
        with pytest.raises(BadInput, match=reason):
            OneNetwork(source=str(table), **{"width": 0.5, **settings}).truth("digits", "", None)


def test_a_data_set_without_a_table_is_refused() -> None:
    with pytest.raises(BadInput, match=r"dataset: must be .*harness.tabulate \+bench=hyperparameters.*lenet-1-cub200"):
        OneNetwork().truth("cub200", "", None)


@pytest.mark.parametrize("path", sorted(Path(module.__file__).parent.glob("*.parquet")), ids=lambda path: path.stem)
def test_the_embedded_tables_are_of_drawn_settings_and_of_the_network_in_their_name(path: Path) -> None:
    read = tabulated.read(path)
    named, on_all_images = path.stem.removesuffix("-all"), path.stem.endswith("-all")
    model, width, *start, dataset = named.split("-")
    bench = OneNetwork(
        model=model,
        width=float(width),
        initialization=start[0] if start else "authors",
        source=str(path) if on_all_images else "embedded",  # what a data set's name finds is the table of few images
    )
    truth = bench.truth(dataset, read.about["dataset_fingerprint"], None)
    assert read.about["network"] == bench.network() and len(truth.accuracy) >= 20
    assert read.about["dataset"] == dataset
    assert {*read.curves["architecture"]} <= {*grid(2e-6 if on_all_images else 2e-4)}
    assert read.about["recipe"]["train_images"] == (None if on_all_images else 2048)
